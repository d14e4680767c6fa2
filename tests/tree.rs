//! Whole trees on the real kernel: with control groups where this host lets us make them, else by descent and session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Bench, until};

/// A service with a child, a grandchild in a session of its own whose parent has exited, and one that ignores TERM. Each
/// notes its PID in the file `tree`.
const FAMILY: &str = r#"#!/usr/bin/perl
use POSIX;
$SIG{TERM} = sub { exit 0 } if ($ARGV[0] // '') ne 'deaf';
$SIG{TERM} = 'IGNORE' if ($ARGV[0] // '') eq 'deaf';
open my $tree, '>>', "%STARTS%.tree" or die; $tree->autoflush(1);
sub note { syswrite $tree, "$$ $_[0]\n" }
if (!fork) { note('child'); sleep 1 while 1 }
if (!fork) { POSIX::setsid(); if (!fork) { note('escaped'); sleep 1 while 1 } exit 0 }
if (!fork) { $SIG{TERM} = 'IGNORE'; note('stubborn'); sleep 1 while 1 }
note('main');
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ family\n";
sleep 1 while 1;
"#;

const QUICK: &str = "readiness: {aliveFor: 300ms}\nrestart: {backoff: 100ms}\n\
    stop: {schedule: [{signal: TERM, wait: 500ms}, {signal: KILL, wait: 2s}]}";

/// Whether this host lets these tests have control groups of their own.
fn has_groups(bench: &Bench) -> bool {
    let doctor: serde_json::Value = serde_json::from_str(&bench.run(&["doctor", "-o", "json"]).stdout).unwrap();
    doctor.as_array().unwrap().iter().any(|row| row["check"] == "control groups" && row["state"] == "ok")
}

fn tree(bench: &Bench) -> Vec<(i32, String)> {
    let text = fs::read_to_string(bench.path("starts.tree")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(pid, what)| (pid.parse().unwrap(), what.to_owned()))
        .collect()
}

fn lives(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|text| !text.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

fn living(bench: &Bench) -> Vec<String> {
    tree(bench).into_iter().filter(|(pid, _)| lives(*pid)).map(|(_, what)| what).collect()
}

fn family(bench: &Bench, more: &str) {
    bench.script("bin/family", FAMILY);
    let path = bench.path("bin/family");
    bench.spec("family", &format!("startas: {}\n{QUICK}\n{more}", path.display()));
    bench.ok(&["apply", "specs"]);
    until("the tree to be complete", || tree(bench).len() >= 4);
}

#[test]
fn a_stop_takes_the_whole_tree() {
    let bench = Bench::new();
    let grouped = has_groups(&bench);
    family(&bench, "");
    bench.ok(&["stop", "family"]);
    let left = living(&bench);
    // Without a group nobody can tell whose the one is that left its session and lost its parent.
    let expected: Vec<String> = if grouped { vec![] } else { vec!["escaped".into()] };
    assert_eq!(left, expected);
    end_all(&bench);
}

fn end_all(bench: &Bench) {
    for (pid, _) in tree(bench).into_iter().filter(|(pid, _)| lives(*pid)) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

#[test]
fn scope_main_leaves_the_others_alone() {
    let bench = Bench::new();
    family(&bench, "");
    bench.spec(
        "family",
        &format!(
            "startas: {}\n{}",
            bench.path("bin/family").display(),
            QUICK.replace("stop: {", "stop: {scope: main, ")
        ),
    );
    bench.ok(&["apply", "specs"]);
    bench.ok(&["stop", "family"]);
    let mut left = living(&bench);
    left.sort();
    assert_eq!(left, ["child", "escaped", "stubborn"]);
    end_all(&bench);
}

#[test]
fn scope_group_takes_the_process_group_at_once() {
    let bench = Bench::new();
    bench.script("bin/family", FAMILY);
    let path = bench.path("bin/family");
    let quick = QUICK.replace("stop: {", "stop: {scope: group, ");
    bench.spec("family", &format!("startas: {}\n{quick}", path.display()));
    bench.ok(&["apply", "specs"]);
    until("the tree to be complete", || tree(&bench).len() >= 4);
    bench.ok(&["stop", "family"]);
    assert_eq!(living(&bench), ["escaped"]);
    end_all(&bench);
}

#[test]
fn what_a_dead_main_process_leaves_behind_is_gone_before_the_next_start() {
    let mut bench = Bench::new();
    family(&bench, "");
    bench.watch(&[]);
    until("the watch to answer", || bench.run(&["status"]).code == 0);
    let main = tree(&bench).into_iter().find(|(_, what)| what == "main").unwrap().0;
    let first: Vec<i32> = tree(&bench).into_iter().map(|(pid, _)| pid).collect();
    let grouped = has_groups(&bench);
    assert!(Command::new("kill").args(["-9", &main.to_string()]).status().unwrap().success());
    let begin = Instant::now();
    until("the second start", || bench.starts().len() == 2);
    // The stubborn one had its TERM, its grace and its KILL first.
    assert!(begin.elapsed() >= Duration::from_millis(450), "{:?}", begin.elapsed());
    let old: Vec<i32> = first.into_iter().filter(|pid| lives(*pid)).collect();
    assert!(old.len() == usize::from(!grouped), "{old:?}\n{}", bench.watch_log());
    bench.ok(&["stop", "family"]);
    end_all(&bench);
}

/// Forks, and each child forks on, until there are 64.
const FORKER: &str = r#"#!/usr/bin/perl
$SIG{TERM} = 'IGNORE';
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ forker\n";
my $until = time + 20;
my $n = 0;
while (time < $until) { select undef, undef, undef, 0.002; fork if $n++ < 6 }
"#;

#[test]
fn a_tree_that_forks_all_the_time_is_ended_at_once() {
    let bench = Bench::new();
    bench.script("bin/forker", FORKER);
    let path = bench.path("bin/forker");
    bench.spec(
        "forker",
        &format!(
            "startas: {}\nreadiness: {{aliveFor: 50ms}}\nstop: {{schedule: [{{signal: KILL, wait: 5s}}]}}",
            path.display()
        ),
    );
    bench.ok(&["apply", "specs"]);
    bench.ok(&["stop", "forker"]);
    let running = |word: &str| {
        let listed = Command::new("pgrep").args(["-fc", word]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).trim().parse::<u32>().unwrap()
    };
    assert_eq!(running(&path.display().to_string()), 0);
}
