//! The end of a watch that takes everything along: when it is told to, and as PID 1 of a container.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::support::{Bench, is_root, signal, stat_field, until};

/// Notes its end, which takes a moment, before it ends; and leaves an orphan behind at its start.
const LAST_WORDS: &str = r#"#!/bin/sh
name=$(basename "$0")
trap 'sleep 0.1; echo "$name" >> ends; exit 0' TERM
(sh -c 'echo $PPID >> orphans' &)
echo "$$ $name" >> %STARTS%
while :; do sleep 0.05; done
"#;

/// `web` needs `app`, which needs `store`; `alone` is suspended.
fn chain(bench: &Bench) {
    for (name, more) in [
        ("web", "dependsOn: [{name: app}]"),
        ("app", "dependsOn: [{name: store}]"),
        ("store", ""),
        ("alone", "restart: {policy: never}"),
    ] {
        let script = bench.script(&format!("bin/{name}"), LAST_WORDS);
        let directory = bench.root().display();
        let lines = format!("startas: {}\nworkingDirectory: {directory}\n{more}", script.display());
        bench.spec(name, &super::support::quick(&lines));
    }
}

fn ends(bench: &Bench) -> Vec<String> {
    let text = fs::read_to_string(bench.path("ends")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Who depends on others ended before them, and everything ended.
#[track_caller]
fn assert_in_order(bench: &Bench) {
    let ends = ends(bench);
    let at = |name: &str| ends.iter().position(|end| end == name);
    assert!(at("web") < at("app") && at("app") < at("store") && at("web").is_some(), "{ends:?}");
    assert!(at("alone").is_some() && ends.len() == 4, "{ends:?}");
    assert_eq!(bench.alive(), Vec::<i32>::new());
}

fn exit_code(bench: &Bench, child: &mut Child) -> Option<i32> {
    until("watch to end", || child.try_wait().unwrap().is_some());
    assert!(!bench.watch_log().contains("panicked"), "{}", bench.watch_log());
    child.wait().unwrap().code()
}

#[test]
fn stop_on_exit_stops_everything_in_reverse_order_and_the_next_watch_starts_it_again() {
    let mut bench = Bench::new();
    chain(&bench);
    bench.watch(&["--stop-on-exit"]);
    bench.until_running(&["web", "app", "store", "alone"]);
    bench.ok(&["suspend", "alone"]);
    let mut watch = bench.take_watch();
    signal(watch.id(), "TERM");
    assert_eq!(exit_code(&bench, &mut watch), Some(0), "{}", bench.watch_log());
    assert_in_order(&bench);
    assert!(bench.watch_log().contains("everything is stopped"), "{}", bench.watch_log());
    // It was no wish of anybody that they stay stopped.
    bench.ok(&["resume", "alone"]);
    bench.watch(&[]);
    bench.until_running(&["web", "app", "store", "alone"]);
    bench.end_watch("TERM");
    assert_eq!(bench.alive().len(), 4, "without the flag its end takes nothing along");
}

#[test]
fn a_second_signal_ends_it_at_once_and_says_what_it_leaves() {
    let mut bench = Bench::new();
    let script = bench.script("bin/deaf", "#!/usr/bin/perl\n$SIG{TERM} = 'IGNORE';\nopen(my $f, '>>', '%STARTS%'); syswrite($f, \"$$ deaf\\n\"); close $f;\nsleep 1 while 1;\n");
    let stop = "stop: {schedule: [{signal: TERM, wait: 1m}, {signal: KILL, wait: 5s}]}";
    bench.spec("deaf", &super::support::quick(&format!("startas: {}\n{stop}", script.display())));
    bench.watch(&["--stop-on-exit"]);
    bench.until_running(&["deaf"]);
    let mut watch = bench.take_watch();
    signal(watch.id(), "TERM");
    until("the stop to begin", || bench.watch_log().contains("everything is stopped"));
    bench.until_phase(&["deaf"], "Stopping");
    signal(watch.id(), "INT");
    assert_eq!(exit_code(&bench, &mut watch), Some(1), "{}", bench.watch_log());
    assert!(bench.watch_log().contains("not stopped: `deaf`"), "{}", bench.watch_log());
    assert_eq!(bench.alive_of("deaf").len(), 1);
}

/// A watch as PID 1 of a namespace: the process of `unshare`, and that of selfsame as it is called out here.
fn as_init(bench: &Bench, args: &[&str]) -> Option<(Child, u32)> {
    if !is_root() {
        eprintln!("skipped: no PID namespace to be had");
        return None;
    }
    let log = fs::File::create(bench.path("watch.log")).unwrap();
    let child = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", env!("CARGO_BIN_EXE_selfsame")])
        .args(args)
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let inner = || children(child.id()).first().copied();
    until("PID 1", || inner().is_some());
    let inner = inner().unwrap();
    Some((child, inner))
}

fn children(parent: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn as_pid_1_it_collects_strangers_and_takes_everything_along_in_order() {
    let bench = Bench::new();
    chain(&bench);
    let Some((mut outer, init)) = as_init(&bench, &["watch", "specs"]) else { return };
    until("four services", || bench.watch_log().contains("4 of 4 instances are ready"));
    // Each service left one orphan, which came to PID 1 and ended.
    until("the orphans", || {
        fs::read_to_string(bench.path("orphans")).is_ok_and(|text| text.lines().count() >= 4)
    });
    let zombie = |pid: &u32| stat_field(i32::try_from(*pid).unwrap(), 3) == "Z";
    until("all zombies to be collected", || !children(init).iter().any(zombie));
    assert!(children(init).len() >= 4, "the services are its children");
    signal(init, "TERM");
    assert_eq!(exit_code(&bench, &mut outer), Some(0), "{}", bench.watch_log());
    assert_in_order(&bench);
    assert!(bench.watch_log().contains("selfsame ends; everything is stopped"), "{}", bench.watch_log());
}

#[test]
fn pid_1_obeys_a_signal_from_inside_and_forwards_none() {
    let bench = Bench::new();
    // A stranger in the container would note a signal; it ends with its PID 1.
    let stranger = bench.script(
        "bin/stranger",
        "#!/usr/bin/perl\nopen(my $f, '>>', '%STARTS%'); syswrite($f, \"$$ stranger\\n\"); close $f;\nfor my $s (qw(TERM INT HUP)) { $SIG{$s} = sub { open(my $h, '>>', 'hit'); print $h $s; close $h } }\nif (!fork) { require POSIX; POSIX::setsid(); if (!fork) { sleep 1 while 1 } exit 0 }\nwait; kill 'TERM', 1; sleep 1 while 1;\n",
    );
    let directory = bench.root().display();
    let lines = format!(
        "startas: {}\nworkingDirectory: {directory}\nstop: {{scope: main, schedule: [{{signal: KILL, wait: 5s}}]}}",
        stranger.display()
    );
    bench.spec("stranger", &super::support::quick(&lines));
    let Some((mut outer, _)) = as_init(&bench, &["watch", "specs"]) else { return };
    assert_eq!(exit_code(&bench, &mut outer), Some(0), "{}", bench.watch_log());
    assert!(!bench.path("hit").exists(), "a signal to selfsame reached others");
}

/// A container that is killed as a whole, its state on a volume: no service has failed by that, however often it happens.
#[test]
fn services_that_end_with_their_watch_do_not_wait_for_a_back_off() {
    let bench = Bench::new();
    bench.daemon("one", "readiness: {aliveFor: 0s}\nrestart: {backoff: 1h, maxBackoff: 1h}");
    for round in 1..=5 {
        let Some((mut outer, init)) = as_init(&bench, &["watch", "specs"]) else { return };
        until("the next start", || bench.starts_of("one").len() == round);
        until("its record", || bench.watch_log().contains("one: Running"));
        signal(init, "KILL");
        let _ = exit_code(&bench, &mut outer);
    }
    let Some((mut outer, init)) = as_init(&bench, &["watch", "specs"]) else { return };
    until("the last start", || bench.starts_of("one").len() == 6);
    let exits = |event: &serde_json::Value| event["kind"] == "Exited";
    let told: Vec<_> = bench.events(&[]).into_iter().filter(exits).collect();
    assert!(told.iter().all(|event| event["reason"] == "Unwatched"), "{told:?}");
    assert_eq!(told.iter().map(|event| event["times"].as_u64().unwrap_or(1)).sum::<u64>(), 5, "{told:?}");
    // While it is watched it waits as ever.
    let pid = children(init).into_iter().next().unwrap();
    signal(pid, "KILL");
    until("its wait", || bench.watch_log().contains("one: BackOff"));
    signal(init, "TERM");
    assert_eq!(exit_code(&bench, &mut outer), Some(0), "{}", bench.watch_log());
    assert_eq!(bench.starts_of("one").len(), 6);
}
