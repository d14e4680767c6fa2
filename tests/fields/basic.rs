//! Fields that had no test of their own with real processes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::support::{Bench, is_root, quick, until};

/// A wrapper that becomes another program, as many packages have one.
#[test]
fn becomes_names_what_a_wrapper_turns_into() {
    let bench = Bench::new();
    let daemon = bench.script("bin/daemon", super::support::DAEMON);
    let wrapper = bench.script("bin/wrapper", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", daemon.display()));
    let spec = |more: &str| {
        bench.spec("one", &quick(&format!("startas: {}\nargs: [\"--serve\"]\n{more}", wrapper.display())));
    };
    spec(&format!("becomes: {}", daemon.display()));
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("daemon");
    // Without a record it is found as what it became, and not started beside itself.
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!((bench.starts_of("daemon").len(), bench.status_pids("one")), (1, vec![pid]));
    // The field is what knows it: without it nobody that runs the wrapper is there.
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    spec("");
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stdout.contains("start"), "{plan:?}");
}

/// Two processes match and one is wanted.
fn two_of_one(duplicates: &str) -> (Bench, [i32; 2]) {
    let bench = Bench::new();
    bench.daemon("one", &format!("duplicates: {duplicates}"));
    let (root, program) = (bench.root().to_path_buf(), bench.path("bin/one").display().to_string());
    let mut children: Vec<_> = (0..2)
        .map(|number| {
            let child = bench.by_hand(&root, &program, &[]);
            until("its note", || bench.starts_of("one").len() == number + 1);
            child
        })
        .collect();
    let pids = [children[0].id(), children[1].id()].map(|pid| i32::try_from(pid).unwrap());
    // Somebody waits for them, so that what is ended is gone.
    std::thread::spawn(move || children.iter_mut().for_each(|child| drop(child.wait())));
    (bench, pids)
}

#[test]
fn duplicates_report_says_so_and_touches_nothing() {
    let (bench, pids) = two_of_one("report");
    let ran = bench.run(&["apply", "specs", "--timeout", "1s"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(bench.alive_of("one"), pids);
    assert_eq!(bench.condition("one", "Unique")["reason"], "Ambiguous");
}

#[test]
fn duplicates_stop_extra_stops_the_youngest() {
    let (bench, [older, younger]) = two_of_one("stopExtra");
    bench.ok(&["apply", "specs"]);
    until("the younger one to be stopped", || bench.alive_of("one") == [older]);
    assert!(!Path::new(&format!("/proc/{younger}/exe")).exists());
    assert_eq!(bench.status_pids("one"), [older]);
    assert_eq!(bench.starts_of("one").len(), 2, "nothing was started");
}

#[test]
fn duplicates_refuse_is_not_ready() {
    let (bench, pids) = two_of_one("refuse");
    let ran = bench.run(&["apply", "specs", "--timeout", "1s"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.alive_of("one"), pids);
    assert_eq!(bench.run(&["status", "one"]).code, 5);
}

/// Field 18 of `proc_pid_stat(5)` is the priority, 40 the real-time one, 41 the policy.
#[test]
fn scheduling_of_processors_and_disks_is_what_the_kernel_says() {
    let bench = Bench::new();
    bench.daemon("batch", "scheduling: {policy: batch, ioClass: best-effort, ioPriority: 6}");
    bench.daemon("idle", "scheduling: {policy: idle, ioClass: idle}");
    bench.ok(&["apply", "specs"]);
    let told = |pid: i32| {
        let output = Command::new("ionice").args(["-p", &pid.to_string()]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (batch, idle) = (bench.the_pid_of("batch"), bench.the_pid_of("idle"));
    assert_eq!(super::support::stat_field(batch, 41), "3", "SCHED_BATCH");
    assert_eq!(super::support::stat_field(idle, 41), "5", "SCHED_IDLE");
    assert_eq!(told(batch), "best-effort: prio 6");
    assert_eq!(told(idle), "idle");
    if is_root() {
        bench.daemon("prompt", "scheduling: {policy: rr, rtPriority: 7}");
        let ran = bench.run(&["apply", "specs"]);
        // A control group without a real-time budget refuses it to root as well; then the reason is told.
        if ran.code == 0 {
            let prompt = bench.the_pid_of("prompt");
            let seen = [40, 41].map(|field| super::support::stat_field(prompt, field));
            assert_eq!(seen, ["7", "2"], "SCHED_RR");
        } else {
            assert!((ran.stdout + &ran.stderr).contains("scheduling"));
        }
    }
}

#[test]
fn a_start_that_takes_longer_than_start_timeout_is_stopped_and_tried_again() {
    let mut bench = Bench::new();
    // Port 1 of the loopback: nobody listens there.
    bench.daemon(
        "one",
        "readiness: {tcp: {port: 1}, period: 50ms}\nstartTimeout: 400ms\nrestart: {backoff: 50ms, jitter: 0}",
    );
    bench.watch(&[]);
    until("the second start", || bench.starts_of("one").len() >= 2);
    assert!(bench.alive_of("one").len() <= 1);
    assert!(
        bench.watch_log().contains("because it was not Ready within `startTimeout`"),
        "{}",
        bench.watch_log()
    );
}

/// A script that answers for readiness what stands in a file.
#[test]
fn readiness_by_a_command_has_a_period_and_a_threshold() {
    let mut bench = Bench::new();
    bench.daemon(
        "one",
        &format!(
            "readiness: {{exec: {{command: [/usr/bin/test, -e, {}]}}, period: 500ms, failureThreshold: 3}}",
            bench.path("ready").display()
        ),
    );
    bench.watch(&[]);
    bench.until_phase(&["one"], "Starting");
    fs::write(bench.path("ready"), "").unwrap();
    bench.until_running(&["one"]);
    let pid = bench.the_pid_of("one");
    let lost = Instant::now();
    fs::remove_file(bench.path("ready")).unwrap();
    bench.until_phase(&["one"], "Starting");
    // The first of three failures was asked for at most a moment before the file went, the third came two periods later. One failure
    // alone would have come within a period.
    assert!(lost.elapsed() >= Duration::from_millis(600), "{:?}", lost.elapsed());
    assert_eq!(bench.alive_of("one"), [pid], "readiness alone ends nothing");
}

#[test]
fn codes_of_success_end_it_where_only_failures_are_started_again() {
    let mut bench = Bench::new();
    let script = |name: &str, code: i32| {
        bench.script(
            &format!("bin/{name}"),
            &format!("#!/bin/sh\necho \"$$ {name}\" >> '%STARTS%'\nsleep 0.3\nexit {code}\n"),
        )
    };
    for (name, code) in [("done", 0), ("three", 3), ("four", 4)] {
        let startas = script(name, code);
        let lines = "restart: {policy: on-failure, successCodes: [3], backoff: 50ms, jitter: 0}\nreadiness: {aliveFor: 50ms}";
        bench.spec(name, &format!("startas: {}\n{lines}", startas.display()));
    }
    bench.watch(&[]);
    until("the failure to be started again", || bench.starts_of("four").len() >= 3);
    bench.until_phase(&["done", "three"], "Stopped");
    assert_eq!((bench.starts_of("done").len(), bench.starts_of("three").len()), (1, 1));
}

#[test]
fn the_back_off_has_a_bound_and_begins_anew_after_a_time_in_health() {
    let mut bench = Bench::new();
    bench.daemon(
        "one",
        "restart: {backoff: 100ms, maxBackoff: 150ms, jitter: 0, resetAfter: 1s}\nreadiness: {aliveFor: 50ms}",
    );
    bench.watch(&[]);
    for round in 1..=4 {
        let pid = bench.the_pid_of("one");
        bench.kill(pid, "KILL");
        until("the next copy", || bench.starts_of("one").len() == round + 1);
    }
    let waits = bench.watch_log();
    assert!(waits.contains("next start in 200ms") || waits.contains("next start in 100ms"), "{waits}");
    assert!(!waits.contains("next start in 400ms"), "beyond maxBackoff: {waits}");
    bench.until_running(&["one"]);
    let healthy = Instant::now();
    until("a second in health", || healthy.elapsed() > Duration::from_millis(1300));
    let (pid, before) = (bench.the_pid_of("one"), bench.watch_log().len());
    bench.kill(pid, "KILL");
    until("the last copy", || bench.starts_of("one").len() == 6);
    let since = String::from_utf8_lossy(&bench.watch_log().into_bytes()[before..]).into_owned();
    assert!(!since.contains("failures"), "former failures still count: {since}");
}

#[test]
fn labels_and_annotations_are_no_change_to_the_process() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    let text = fs::read_to_string(bench.path("specs/one.yaml")).unwrap();
    let labelled = text.replace("{name: one}", "{name: one, labels: {tier: web}, annotations: {owner: ann}}");
    bench.write("specs/one.yaml", &labelled);
    bench.ok(&["apply", "specs"]);
    assert_eq!((bench.starts_of("one").len(), bench.alive_of("one")), (1, vec![pid]));
}
