//! selfsame is killed at every moment; what it keeps is there once all the same.
//!
//! The truth comes from the programs themselves, which note each start, and from `/proc`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Bench, is_alive, quick, until};

const NAMES: [&str; 3] = ["one", "two", "three"];

fn three() -> Bench {
    let bench = Bench::new();
    for name in NAMES {
        bench.daemon(name, "readiness: {aliveFor: 1ms}");
    }
    bench
}

fn spawn(bench: &Bench, args: &[&str]) -> Child {
    bench.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Lets it run for so long, then kills it.
fn kill_after(mut child: Child, delay: Duration) {
    let end = Instant::now() + delay;
    // A deadline, not luck: each round kills at another moment on purpose.
    std::thread::sleep(end.saturating_duration_since(Instant::now()));
    let _ = child.kill();
    child.wait().unwrap();
}

/// How long the thing takes when it isn't disturbed.
fn undisturbed(args: &[&str], done: impl Fn(&Bench) -> bool) -> Duration {
    let bench = three();
    let began = Instant::now();
    let mut child = spawn(&bench, args);
    until("an undisturbed run", || done(&bench));
    let took = began.elapsed();
    let _ = child.kill();
    child.wait().unwrap();
    took
}

/// `rounds` moments, evenly spread over the time that the whole takes (and a little more).
fn moments(whole: Duration, rounds: u32) -> impl Iterator<Item = Duration> {
    (0..rounds).map(move |round| whole * 11 / 10 * round / rounds)
}

#[track_caller]
fn one_copy_each(bench: &Bench, names: &[&str], what: &str) {
    for name in names {
        let (starts, alive) = (bench.starts_of(name), bench.alive_of(name));
        assert_eq!(alive.len(), 1, "{what}: `{name}` lives {} times; starts: {starts:?}", alive.len());
        assert_eq!(starts.len(), 1, "{what}: `{name}` was started {} times", starts.len());
        assert_eq!(bench.status_pids(name), alive, "{what}: `{name}` in status");
    }
}

#[test]
fn apply_killed_at_any_moment_leaves_one_copy_each() {
    let whole = undisturbed(&["apply", "specs"], |bench| bench.alive().len() == 3);
    eprintln!("an undisturbed start of three takes {whole:?}");
    for delay in moments(whole, 40) {
        let bench = three();
        kill_after(spawn(&bench, &["apply", "specs"]), delay);
        bench.ok(&["apply", "specs"]);
        until("their notes", || NAMES.iter().all(|name| !bench.starts_of(name).is_empty()));
        one_copy_each(&bench, &NAMES, &format!("killed after {delay:?}"));
    }
}

#[test]
fn apply_killed_again_and_again_converges() {
    let whole = undisturbed(&["apply", "specs"], |bench| bench.alive().len() == 3);
    for round in 0..4_u32 {
        let bench = three();
        for delay in moments(whole, 10) {
            kill_after(spawn(&bench, &["apply", "specs"]), delay + Duration::from_millis(u64::from(round)));
        }
        bench.ok(&["apply", "specs"]);
        until("their notes", || NAMES.iter().all(|name| !bench.starts_of(name).is_empty()));
        one_copy_each(&bench, &NAMES, &format!("round {round}"));
    }
}

#[test]
fn watch_killed_at_any_moment_leaves_one_copy_each() {
    let whole = undisturbed(&["watch", "specs"], |bench| bench.alive().len() == 3);
    for delay in moments(whole, 20) {
        let bench = three();
        kill_after(spawn(&bench, &["watch", "specs"]), delay);
        bench.ok(&["apply", "specs"]);
        until("their notes", || NAMES.iter().all(|name| !bench.starts_of(name).is_empty()));
        one_copy_each(&bench, &NAMES, &format!("killed after {delay:?}"));
    }
}

#[test]
fn a_restart_that_is_killed_at_any_moment_is_finished_once() {
    let whole = {
        let bench = three();
        bench.ok(&["apply", "specs"]);
        bench.daemon_spec("one", "readiness: {aliveFor: 1ms}\nargs: [\"new\"]");
        let began = Instant::now();
        bench.ok(&["apply", "specs"]);
        began.elapsed()
    };
    eprintln!("an undisturbed restart takes {whole:?}");
    for delay in moments(whole, 20) {
        let bench = three();
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 3);
        bench.daemon_spec("one", "readiness: {aliveFor: 1ms}\nargs: [\"new\"]");
        kill_after(spawn(&bench, &["apply", "specs"]), delay);
        bench.ok(&["apply", "specs"]);
        until("the note of the new copy", || bench.starts_of("one").len() >= 2);
        let starts = bench.starts_of("one");
        assert_eq!(starts.len(), 2, "killed after {delay:?}: {starts:?}");
        assert_eq!(bench.alive_of("one"), [starts[1].0], "killed after {delay:?}");
        assert_eq!(starts[1].1, "new");
        one_copy_each(&bench, &["two", "three"], &format!("killed after {delay:?}"));
    }
}

#[test]
fn a_stop_that_is_killed_at_any_moment_is_finished() {
    let whole = {
        let bench = three();
        bench.ok(&["apply", "specs"]);
        let began = Instant::now();
        bench.ok(&["stop", "one"]);
        began.elapsed()
    };
    for delay in moments(whole, 15) {
        let bench = three();
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 3);
        kill_after(spawn(&bench, &["stop", "one"]), delay);
        bench.ok(&["stop", "one"]);
        assert!(bench.alive_of("one").is_empty(), "killed after {delay:?}");
        one_copy_each(&bench, &["two", "three"], &format!("killed after {delay:?}"));
        bench.ok(&["start", "one"]);
        bench.the_pid_of("one");
        assert_eq!(bench.starts_of("one").len(), 2, "killed after {delay:?}");
    }
}

#[test]
fn a_watch_that_is_killed_and_started_again_changes_nothing() {
    let mut bench = three();
    bench.watch(&[]);
    bench.until_running(&NAMES);
    let pids = bench.starts();
    for round in 0..12_u64 {
        bench.end_watch("KILL");
        let child = spawn(&bench, &["watch", "specs"]);
        kill_after(child, Duration::from_millis(round * 15));
        bench.watch(&[]);
        let name = format!("round-{round}");
        bench.daemon(&name, "");
        bench.until_running(&[&name]);
        one_copy_each(&bench, &NAMES, &name);
    }
    assert_eq!(bench.starts()[..3], pids);
}

const DEAF: &str = "#!/usr/bin/perl
$SIG{TERM} = sub { open(my $t, '>>', '%STARTS%.term'); print $t \"$$\\n\"; close $t };
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ deaf\\n\"); close $f;
sleep 1 while 1;
";

#[test]
fn killed_between_term_and_kill_the_stop_goes_on_with_what_was_left_of_its_grace() {
    let mut bench = Bench::new();
    let script = bench.script("bin/deaf", DEAF);
    let spec = |more: &str| {
        let stop = "stop: {schedule: [{signal: TERM, wait: 8s}, {signal: KILL, wait: 5s}]}";
        bench.spec("deaf", &quick(&format!("startas: {}\n{stop}\n{more}", script.display())));
    };
    spec("");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("deaf");
    spec("state: stopped");
    let began = Instant::now();
    bench.watch(&[]);
    until("TERM to arrive", || bench.path("starts.term").exists());
    bench.end_watch("KILL");
    assert!(is_alive(pid));
    bench.watch(&[]);
    until("KILL to arrive", || !is_alive(pid));
    let took = began.elapsed();
    eprintln!("gone {took:?} after the wish, with a grace period of 8 s");
    assert!(took >= Duration::from_secs(8), "{took:?}");
    assert!(took < Duration::from_secs(40), "the grace period didn't begin anew: {took:?}");
    bench.until_phase(&["deaf"], "Stopped");
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn a_prune_that_is_killed_leaves_it_owned_or_gone() {
    let whole = undisturbed(&["apply", "specs"], |bench| bench.alive().len() == 3);
    for delay in moments(whole * 2, 15) {
        let bench = three();
        bench.ok(&["apply", "specs"]);
        until("their notes", || bench.starts().len() == 3);
        let file = bench.path("specs/one.yaml");
        std::fs::remove_file(file).unwrap();
        kill_after(spawn(&bench, &["apply", "specs"]), delay);
        // In this order: it may die of the TERM it got between the two looks, and what lives after the second one
        // lived at the first.
        let owned = bench.status_pids("one");
        let alive = bench.alive_of("one");
        assert!(
            alive.is_empty() || alive == owned,
            "killed after {delay:?}: {alive:?} lives, {owned:?} is on record"
        );
        bench.ok(&["apply", "specs"]);
        assert!(bench.alive_of("one").is_empty(), "killed after {delay:?}");
        one_copy_each(&bench, &["two", "three"], &format!("killed after {delay:?}"));
    }
}

#[test]
fn a_storm_of_watches_and_applies_leaves_one_copy_each() {
    let bench = three();
    let mut children: Vec<Child> = Vec::new();
    // A fixed sequence that looks like chance, so that a failure can be repeated.
    let mut seed: u64 = 0x5e1f_5a3e;
    for _ in 0..40 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let args: &[&str] = if seed >> 63 == 0 { &["apply", "specs"] } else { &["watch", "specs"] };
        children.push(spawn(&bench, args));
        std::thread::sleep(Duration::from_millis((seed >> 33) % 25));
        if children.len() > 3 {
            let index = usize::try_from((seed >> 40) % children.len() as u64).unwrap();
            let mut child = children.swap_remove(index);
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
    for mut child in children {
        let _ = child.kill();
        child.wait().unwrap();
    }
    bench.ok(&["apply", "specs"]);
    until("their notes", || NAMES.iter().all(|name| !bench.starts_of(name).is_empty()));
    one_copy_each(&bench, &NAMES, "after the storm");
}

#[test]
fn nobody_is_left_who_holds_the_lock() {
    let mut bench = three();
    bench.watch(&[]);
    bench.until_running(&NAMES);
    bench.end_watch("KILL");
    // The services live on; had one of them inherited the lock, this would wait for it in vain.
    let ran = bench.run(&["apply", "specs", "--lock-timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for pid in bench.alive() {
        let fds = Command::new("ls").arg("-l").arg(format!("/proc/{pid}/fd")).output().unwrap();
        let text = String::from_utf8_lossy(&fds.stdout).into_owned();
        assert!(!text.contains("lock") && !text.contains("state/run"), "{text}");
    }
}
