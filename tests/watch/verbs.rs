//! One-time actions on what a running watch keeps.

use std::fs;
use std::process::{Child, Stdio};

use super::support::{Bench, is_alive, signal, until};

fn watched(more: &str) -> (Bench, i32) {
    let mut bench = Bench::new();
    bench.daemon("shop", more);
    bench.daemon("other", "");
    bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    let pid = bench.the_pid_of("shop");
    (bench, pid)
}

#[test]
fn stop_holds_until_start() {
    let (bench, pid) = watched("");
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(pid), "stop waits until it is done");
    bench.until_phase(&["shop"], "Stopped");
    // Another change doesn't bring it back.
    bench.daemon("third", "");
    bench.until_running(&["third", "other"]);
    assert_eq!(bench.starts_of("shop").len(), 1);
    bench.ok(&["start", "shop"]);
    bench.until_running(&["shop"]);
    assert_eq!(bench.starts_of("shop").len(), 2);
    assert_eq!(bench.starts_of("other").len(), 1);
}

#[test]
fn stop_holds_until_the_document_changes() {
    let (bench, pid) = watched("");
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(pid));
    bench.daemon_spec("shop", "args: [changed]");
    until("it to run again", || bench.starts_of("shop").last().is_some_and(|(_, words)| words == "changed"));
}

#[test]
fn stop_for_some_time_ends_by_itself() {
    let (bench, pid) = watched("");
    bench.ok(&["stop", "shop", "--for", "8s"]);
    assert!(!is_alive(pid));
    assert_eq!(bench.starts_of("shop").len(), 1, "it is left stopped until the time is over");
    bench.until_running(&["shop"]);
    assert_eq!(bench.starts_of("shop").len(), 2);
}

/// It waited for the state until its time was over, and failed: the watch holds that for ever.
#[test]
fn a_stop_that_waits_for_another_one_goes_to_the_watch_that_begins_meanwhile() {
    let mut bench = Bench::new();
    let deaf = "#!/usr/bin/perl\n$SIG{TERM} = 'IGNORE'; open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ deaf\\n\"); close $f;\nsleep 1 while 1;\n";
    let program = bench.script("bin/deaf", deaf);
    bench.spec(
        "deaf",
        &format!(
            "startas: {}\nreadiness: {{aliveFor: 150ms}}\nstop: {{schedule: [{{signal: TERM, wait: 1m}}]}}",
            program.display()
        ),
    );
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    let begin = |bench: &Bench, name: &str, said: &str| {
        let said = fs::File::create(bench.path(said)).unwrap();
        bench.command(&["stop", name]).stdout(Stdio::null()).stderr(said).spawn().unwrap()
    };
    let mut first = begin(&bench, "deaf", "first");
    until("the first one to hold the state", || bench.status_of("deaf")["phase"] == "Stopping");
    let mut second = begin(&bench, "shop", "second");
    let said = bench.path("second");
    let said = || fs::read_to_string(&said).unwrap();
    let waits = format!("waiting for another selfsame (pid {}), which holds the state", first.id());
    until("the second one to wait", || said().contains(&waits));
    // It finds the state free at no moment.
    signal(second.id(), "STOP");
    first.kill().unwrap();
    first.wait().unwrap();
    bench.watch(&[]);
    until("the watch", || bench.connect().is_ok());
    signal(second.id(), "CONT");
    let mut code = None;
    until("the second one", || {
        code = second.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(0), "{}", said());
    assert!(!is_alive(pid));
    assert_eq!(bench.status_of("shop")["phase"], "Stopped");
}

/// It ended, and was missing when the command was done.
#[test]
fn a_watch_that_begins_beside_a_command_waits_for_its_end() {
    let mut bench = Bench::new();
    let deaf = "#!/usr/bin/perl\n$SIG{TERM} = 'IGNORE'; open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ deaf\\n\"); close $f;\nsleep 1 while 1;\n";
    let program = bench.script("bin/deaf", deaf);
    let stop = "stop: {schedule: [{signal: TERM, wait: 1m}]}";
    bench.spec("deaf", &format!("startas: {}\nreadiness: {{aliveFor: 150ms}}\n{stop}", program.display()));
    bench.ok(&["apply", "specs"]);
    let mut command = bench.command(&["stop", "deaf"]).stdout(Stdio::null()).spawn().unwrap();
    until("the command to hold the state", || bench.status_of("deaf")["phase"] == "Stopping");
    bench.watch(&[]);
    let waits = format!("waiting for another selfsame (pid {}), which holds the state", command.id());
    until("the watch to wait", || bench.watch_log().contains(&waits));
    command.kill().unwrap();
    command.wait().unwrap();
    until("the watch", || bench.connect().is_ok());
}

#[test]
fn two_stops_at_once_are_one() {
    let (bench, pid) = watched("");
    let both: Vec<Child> = ["1", "2"]
        .into_iter()
        .map(|_| bench.command(&["stop", "shop"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut one in both {
        assert_eq!(one.wait().unwrap().code(), Some(0));
        assert!(!is_alive(pid), "each waits until it is done");
    }
    let signalled = bench.ok(&["events", "shop", "--output", "json"]).stdout;
    assert_eq!(signalled.matches("\"kind\":\"Signalled\"").count(), 1, "{signalled}");
    assert_eq!(bench.starts_of("shop").len(), 1);
}

#[test]
fn stop_outlives_the_watch_that_did_it() {
    let (mut bench, pid) = watched("");
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(pid));
    bench.end_watch("TERM");
    bench.watch(&[]);
    bench.daemon("third", "");
    bench.until_running(&["third"]);
    assert_eq!(bench.starts_of("shop").len(), 1);
}

#[test]
fn restart_gives_a_new_process_once() {
    let (bench, pid) = watched("args: [\"same\"]");
    bench.ok(&["restart", "shop"]);
    bench.until_running(&["shop"]);
    assert!(!is_alive(pid));
    bench.the_pid_of("shop");
    assert_eq!(bench.starts_of("shop").len(), 2);
    assert_eq!(bench.status_pids("shop"), bench.alive_of("shop"));
    assert_eq!(bench.starts_of("other").len(), 1);
}

#[test]
fn all_means_all() {
    let (bench, pid) = watched("");
    let other = bench.the_pid_of("other");
    bench.ok(&["stop", "--all"]);
    assert!(!is_alive(pid) && !is_alive(other));
    bench.ok(&["start", "--all"]);
    bench.until_running(&["shop", "other"]);
    assert_eq!((bench.starts_of("shop").len(), bench.starts_of("other").len()), (2, 2));
}

#[test]
fn a_name_that_nobody_has_is_an_error_with_the_nearest_one() {
    let (bench, _) = watched("");
    for verb in ["stop", "start", "restart"] {
        let ran = bench.run(&[verb, "shpo"]);
        assert_eq!(ran.code, 1, "{verb}: {ran:?}");
        assert!(ran.stderr.contains("`shpo`") && ran.stderr.contains("`shop`"), "{verb}: {ran:?}");
    }
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn verbs_work_without_a_watch() {
    let (mut bench, pid) = watched("");
    bench.end_watch("TERM");
    bench.ok(&["stop", "shop"]);
    assert!(!is_alive(pid));
    assert_eq!(bench.starts_of("shop").len(), 1);
    bench.ok(&["start", "shop"]);
    bench.the_pid_of("shop");
    bench.ok(&["restart", "shop"]);
    bench.the_pid_of("shop");
    assert_eq!(bench.starts_of("shop").len(), 3);
    assert_eq!(bench.starts_of("other").len(), 1);
}

#[test]
fn apply_hands_over_to_a_running_watch() {
    let (bench, pid) = watched("");
    let first = bench.ok(&["apply", "specs"]);
    assert!(first.stdout.contains("nothing to do"), "{first:?}");
    bench.daemon_spec("other", "args: [changed]");
    bench.ok(&["apply", "specs"]);
    until("the changed copy", || {
        bench.starts_of("other").last().is_some_and(|(_, words)| words == "changed")
    });
    bench.the_pid_of("other");
    assert_eq!(bench.alive_of("shop"), [pid]);
}

/// It was only said while both files were new.
#[test]
fn apply_says_that_a_name_stands_in_a_second_file_though_the_first_is_an_old_one() {
    let (bench, pid) = watched("");
    let text = fs::read_to_string(bench.path("specs/shop.yaml")).unwrap();
    fs::write(bench.path("specs/again.yaml"), text).unwrap();
    for _ in 0..2 {
        let ran = bench.run(&["apply", "specs"]);
        assert_eq!((ran.code, ran.stderr.contains("the Service `shop` stands in")), (1, true), "{ran:?}");
    }
    assert_eq!(bench.alive_of("shop"), [pid]);
    fs::remove_file(bench.path("specs/again.yaml")).unwrap();
    assert!(bench.ok(&["apply", "specs"]).stdout.contains("nothing to do"));
}

/// Of what nobody touched nothing is said.
#[test]
fn apply_tells_what_changed_and_what_is_not_as_wanted() {
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.daemon("other", "");
    // So that nobody but `apply` sees the change first.
    bench.watch(&["--settle", "1m", "--settle-max", "1m"]);
    bench.until_running(&["shop", "other"]);
    bench.daemon_spec("other", "args: [changed]");
    let ran = bench.ok(&["apply", "specs"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        matches!(lines.as_slice(), [other, "2 of 2 objects are as wanted"] if other.starts_with("other: Running (pid ")),
        "{ran:?}"
    );
    let none = bench.script("bin/failing", "#!/bin/sh\nexit 1\n");
    bench.spec("failing", &format!("startas: {}\nreadiness: {{aliveFor: 60s}}", none.display()));
    let ran = bench.run(&["apply", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = bench.run(&["apply", "specs", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((ran.code, names), (1, vec!["failing", "other", "shop"]), "{ran:?}");
}

#[test]
fn status_has_exit_codes_and_waits() {
    let (bench, _) = watched("");
    assert_eq!(bench.run(&["status"]).code, 0);
    assert_eq!(bench.run(&["status", "--wait=ready", "--timeout", "60s"]).code, 0);
    bench.daemon("late", "readiness: {aliveFor: 20s}");
    until("it to be known", || !bench.status_of("late").is_null());
    assert_eq!(bench.run(&["status"]).code, 5);
    assert_eq!(bench.run(&["status", "shop"]).code, 0);
    assert_eq!(bench.run(&["status", "--wait=ready", "--timeout", "60s"]).code, 0);
    let script = bench.script("bin/failing", "#!/bin/sh\necho \"$$ failing\" >> '%STARTS%'\nexit 1\n");
    bench.spec("failing", &format!("startas: {}", script.display()));
    until("it to fail", || !bench.starts_of("failing").is_empty() && !bench.status_of("failing").is_null());
    assert_eq!(bench.run(&["status", "--wait=ready", "--timeout", "300ms"]).code, 5);
    let labelled = fs::read_to_string(bench.path("specs/shop.yaml")).unwrap();
    bench.write("specs/shop.yaml", &labelled.replace("{name: shop}", "{name: shop, labels: {tier: web}}"));
    until("the label to be known", || {
        let ran = bench.run(&["status", "-l", "tier=web", "--output", "json"]);
        ran.code == 0 && ran.stdout.contains("\"shop\"") && !ran.stdout.contains("\"other\"")
    });
}
