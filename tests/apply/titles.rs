//! Services of one interpreter that `env` lines name, under titles: nothing that can be seen says which script one of them executes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::support::{Bench, DAEMON, quick, until};

/// An interpreter of their own, so that no test beside this one meets processes of which it can't tell what they are.
fn bench(language: &str) -> (Bench, String) {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin")).unwrap();
    let copy = bench.path("bin").join(language);
    assert!(Command::new("cp").arg("/usr/bin/perl").arg(&copy).status().unwrap().success());
    (bench, format!("/usr/bin/env {}", copy.display()))
}

fn titled(bench: &(Bench, String), name: &str, title: &str, more: &str) -> PathBuf {
    let (bench, env) = bench;
    let body = DAEMON.replace("/usr/bin/perl", env);
    let body = body.replace("sleep 1 while 1", &format!("{more}; $0 = '{title}'; sleep 1 while 1"));
    let script = bench.script(&format!("bin/{name}"), &body);
    bench.spec(name, &quick(&format!("startas: {}", script.display())));
    script
}

fn until_titled(bench: &Bench, name: &str) -> i32 {
    let pid = bench.the_pid_of(name);
    let title = || fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    until("the title", || title().contains("ready"));
    pid
}

/// A service was never started again while another one ran whose title hid that it was another script, although it was on record.
#[test]
fn a_title_of_one_service_keeps_no_other_from_being_started() {
    let own = bench("lisp");
    let bench = &own.0;
    titled(&own, "one", "first: ready", "fork");
    bench.ok(&["apply", "specs"]);
    until_titled(bench, "one");
    until("its worker", || bench.inhabitants().len() == 2);
    titled(&own, "two", "second: ready", "fork");
    bench.ok(&["apply", "specs"]);
    let killed = until_titled(bench, "two");
    bench.kill(killed, "KILL");
    bench.ok(&["apply", "specs"]);
    assert_ne!(bench.the_pid_of("two"), killed);
    // What two programs have in common is no program of its own.
    fs::remove_file(bench.path("specs/one.yaml")).unwrap();
    bench.spec("renamed", &quick(&format!("startas: {}", bench.path("bin/one").display())));
    let ran = bench.run(&["apply", "specs"]);
    let said = |what: &str| ran.stdout.find(what).unwrap_or(usize::MAX);
    assert!(said("one: TERM") < said("renamed: started"), "{ran:?}");
    bench.the_pid_of("one");
}

#[test]
fn without_records_a_title_leaves_it_open_and_a_pidfile_decides() {
    let own = bench("tongue");
    let bench = &own.0;
    let pidfile = bench.path("one.pid");
    let note = format!("open(my $p, '>', '{}'); syswrite($p, $$); close $p", pidfile.display());
    let script = titled(&own, "one", "one: ready", &note);
    bench.ok(&["apply", "specs"]);
    let pid = until_titled(bench, "one");
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    let ran = bench.run(&["apply", "specs"]);
    assert!(ran.stdout.contains("tell them apart with `match`, or by a `pidfile`)"), "{ran:?}");
    bench.spec("one", &quick(&format!("startas: {}\npidfile: {}", script.display(), pidfile.display())));
    bench.ok(&["apply", "specs"]);
    assert_eq!((bench.status_pids("one"), bench.starts_of("one").len()), (vec![pid], 1));
}
