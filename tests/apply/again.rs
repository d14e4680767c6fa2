//! What a call owes to what was before it: processes that a condition chose, starts that failed, what a starter left.

use std::time::{Duration, Instant};

use super::support::{Bench, is_alive, is_root, quick, signal, until};

/// What became another program, and is no daemon of the bench by its arguments any more.
#[test]
fn what_the_written_condition_alone_chooses_is_adopted_whatever_its_arguments() {
    if !is_root() {
        eprintln!("skipped: the condition names root");
        return;
    }
    let bench = Bench::new();
    let mut child = bench.by_hand(bench.root(), "/usr/bin/perl", &["-e", "sleep 600", "chosen-by-this"]);
    let line = format!("/proc/{}/cmdline", child.id());
    until("its arguments", || std::fs::read(&line).unwrap().ends_with(b"\0chosen-by-this\0"));
    let condition = r#"exe == interpreter(startas) && has_args(["chosen-by-this"]) && user == "root""#;
    bench.spec("one", &quick(&format!("startas: /usr/bin/perl\nargs: [wanted]\nmatchOnly: '{condition}'")));
    let ran = bench.run(&["apply", "specs"]);
    let pids = bench.status_pids("one");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(pids, [i32::try_from(child.id()).unwrap()], "{ran:?}");
}

#[test]
fn what_a_starter_left_behind_is_never_joined_by_a_second_copy() {
    let bench = Bench::new();
    let real = bench.script("bin/real", "#!/bin/sh\necho $$ real >> '%STARTS%'\nexec sleep 600\n");
    let starter = bench.script(
        "bin/starter",
        &format!(
            "#!/bin/sh\nsetsid {} </dev/null >/dev/null 2>&1 &\nuntil [ -s '%STARTS%' ]; do sleep 0.02; done\nexit 0\n",
            real.display()
        ),
    );
    let lines = format!("startas: {}\ntype: forking\nstartTimeout: 6s", starter.display());
    bench.spec("one", &quick(&lines));
    for _ in 0..3 {
        let ran = bench.run(&["apply", "specs"]);
        assert_eq!(ran.code, 7, "{ran:?}");
        assert!(ran.stdout.contains("left behind"), "{ran:?}");
    }
    let [pid] = bench.starts()[..] else { panic!("{:?}", bench.starts()) };
    assert!(is_alive(pid));
    // When it is gone, there is nothing to be doubled.
    signal(pid, "KILL");
    until("the end of it", || !is_alive(pid));
    until("another start", || {
        let _ = bench.run(&["apply", "specs"]);
        bench.starts().len() == 2
    });
    signal(bench.starts()[1], "KILL");
}

#[test]
fn a_recorded_process_that_died_is_started_again() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    for _ in 0..2 {
        let pid = bench.the_pid_of("one");
        bench.kill(pid, "KILL");
        until("its end", || !is_alive(pid));
        bench.ok(&["apply", "specs"]);
    }
    assert_eq!(bench.alive_of("one").len(), 1);
}

#[test]
fn a_start_that_failed_before_is_tried_at_once() {
    let bench = Bench::new();
    bench.daemon("one", "");
    let away = bench.path("bin/away");
    std::fs::rename(bench.path("bin/one"), &away).unwrap();
    for _ in 0..4 {
        assert_eq!(bench.run(&["apply", "specs"]).code, 1);
    }
    std::fs::rename(&away, bench.path("bin/one")).unwrap();
    let begin = Instant::now();
    bench.ok(&["apply", "specs"]);
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn what_came_to_its_end_by_its_policy_is_not_run_again() {
    let bench = Bench::new();
    let script = bench.script("bin/one", "#!/bin/sh\necho $$ one >> '%STARTS%'\nsleep 0.2\n");
    bench.spec("one", &quick(&format!("startas: {}\nrestart: {{policy: never}}", script.display())));
    bench.ok(&["apply", "specs"]);
    until("its end", || !is_alive(bench.starts()[0]));
    bench.ok(&["apply", "specs"]);
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn without_a_watch_status_says_so_and_looks() {
    let bench = Bench::new();
    bench.daemon("one", "");
    bench.ok(&["apply", "specs"]);
    let ran = bench.run(&["status"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stderr.matches("no watch is running").count(), 1, "{ran:?}");
    let pid = bench.the_pid_of("one");
    bench.kill(pid, "KILL");
    until("its end", || !is_alive(pid));
    let ran = bench.run(&["status"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(!ran.stdout.contains("Running"), "{ran:?}");
}
