//! A pid that means another process than a moment ago must never answer for the first one.

use std::fs;
use std::process::Command;

use super::{Fact, LiveWorld, Pid, Running, Why, World, eventually, is_root, look, second_run, why};
use crate::facts::ProcessKey;

/// Ends a `sleep` and starts another program with the same pid. Only root may choose a pid. In a PID namespace of its own, since
/// other tests count on numbers that aren't given out again in a moment.
fn replaced(test: &str, ask: impl Fn(&LiveWorld, Pid), check: impl Fn(&LiveWorld, Pid, &ProcessKey)) {
    if !is_root() {
        eprintln!("skipped: only root can choose a pid");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.args(["--pid", "--fork", "--mount-proc"]).arg(std::env::current_exe().unwrap());
    if !second_run(&format!("reuse::{test}"), inside) {
        return;
    }
    let first = look();
    for _ in 0..200 {
        let old = Running::sleep();
        let pid = old.pid();
        let mut world = first.again();
        world.most_kept = 1;
        let key = world.again().process_key(pid).known().unwrap();
        ask(&world, pid);
        // Times count in ticks: the next process must begin in a later one than that in which this one was seen.
        let seen = world.entry(pid).seen.0.max(key.start.0);
        eventually(|| world.ticks_now().0 > seen);
        old.end();
        if fs::write("/proc/sys/kernel/ns_last_pid", (pid.0 - 1).to_string()).is_err() {
            eprintln!("skipped: pids can't be chosen here");
            return;
        }
        let new = Running::start(Command::new("/bin/cat").arg("-"));
        if new.pid() == pid {
            new.until(|world, pid| world.comm(pid).known().is_some_and(|comm| *comm == *b"cat"));
            check(&world, pid, &key);
            return;
        }
    }
    panic!("no pid could be used again");
}

#[test]
fn after_one_fact_by_pid_a_successor_is_noticed() {
    replaced(
        "after_one_fact_by_pid_a_successor_is_noticed",
        |world, pid| assert!(world.exe_file(pid).known().is_some()),
        |world, pid, _| {
            // In the same tick as the look it can't be told from a process that called exec.
            assert!(matches!(why(&world.arguments(pid)), Some(Why::Vanished | Why::Unresolved)));
            assert!(world.stat(pid).known().is_none());
        },
    );
}

#[test]
fn between_its_batch_and_the_question_a_successor_is_noticed() {
    replaced(
        "between_its_batch_and_the_question_a_successor_is_noticed",
        |world, pid| {
            for each in world.pids().known().unwrap().iter() {
                let _ = world.arguments(*each);
            }
            // Both are in the batch that the first question has read.
            world.foresee([Pid(1), pid].into_iter());
            world.meet(Pid(1));
        },
        |world, pid, key| {
            world.meet(pid);
            if world.process_key(pid).known().is_some() {
                assert_eq!(world.process_key(pid), Fact::Known(key.clone()));
            }
            assert!(matches!(why(&world.cwd(pid)), Some(Why::Vanished | Why::Unresolved)));
        },
    );
}

#[test]
fn through_a_descriptor_a_successor_is_never_seen() {
    replaced(
        "through_a_descriptor_a_successor_is_never_seen",
        |world, pid| assert!(world.exe_file(pid).known().is_some() && world.status(pid).known().is_some()),
        |world, pid, _| {
            assert_eq!(why(&world.comm(pid)), Some(Why::Vanished));
            assert_eq!(why(&world.owner(pid)), Some(Why::Vanished));
            assert_eq!(why(&world.execfn(pid)), Some(Why::Vanished));
            assert_eq!(world.namespace(pid, crate::process::world::Namespace::Pid).known(), None);
        },
    );
}

#[test]
fn a_released_descriptor_is_replaced_only_for_the_same_process() {
    let other = Running::sleep();
    replaced(
        "a_released_descriptor_is_replaced_only_for_the_same_process",
        |world, pid| {
            assert!(world.exe_file(pid).known().is_some() && world.status(pid).known().is_some());
            // With room for one, a second process takes its place.
            assert!(world.status(other.pid()).known().is_some());
        },
        |world, pid, key| {
            assert_eq!(why(&world.comm(pid)), Some(Why::Vanished));
            assert_ne!(world.again().process_key(pid), Fact::Known(key.clone()));
        },
    );
}

#[test]
fn a_released_process_that_still_runs_goes_on_answering() {
    let children = [Running::sleep(), Running::sleep(), Running::sleep()];
    let mut world = look();
    world.most_kept = 1;
    for child in &children {
        assert!(world.status(child.pid()).known().is_some());
    }
    for child in &children {
        assert!(world.execfn(child.pid()).known().is_some());
        assert!(world.arguments(child.pid()).known().is_some());
    }
}

#[test]
fn a_process_that_calls_exec_during_the_look_is_not_taken_for_gone() {
    let mut child = Running::start(Command::new("/bin/sh").args(["-c", "read x; exec sleep 1000"]));
    child.until(|world, pid| world.comm(pid).known().is_some_and(|comm| *comm == *b"sh"));
    let (world, pid) = (look(), child.pid());
    assert!(world.exe_file(pid).known().is_some());
    drop(child.0.stdin.take());
    child.until_asleep();
    let Fact::Unknown(reason) = world.arguments(pid) else { panic!("two images in one look") };
    assert_eq!(reason.why, Why::Unresolved);
    assert!(world.again().arguments(pid).known().is_some());
}
