//! What a process is known again by changes when the process does, and only then.

use std::io::Write as _;
use std::process::Command;

use super::{Pid, Running, World, eventually, look};
use crate::process::likeness::Likeness;

/// A shell that executes another one as soon as it is given a line, and so on. It waits for its line when this returns: it has its name
/// a while before it has laid out its memory.
fn shell(script: &str) -> Running {
    let child = Running::start(Command::new("/bin/sh").args(["-c", script]));
    child.until_asleep_as(b"sh");
    child
}

fn give_line(child: &mut Running) {
    child.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
}

#[test]
fn both_ways_to_a_likeness_say_the_same() {
    let children: Vec<Running> = (0..8).map(|_| Running::sleep()).collect();
    let world = look();
    let pids = world.pids().known().unwrap_or_else(|| world.visible_pids());
    let is_ours = |pid| children.iter().any(|child| child.pid() == pid);
    let mut compared = 0;
    for pid in pids.iter() {
        // Others come, go and change while they are looked at, and write their titles over their arguments.
        let arguments = is_ours(*pid);
        let Some(before) = world.quick_likeness(*pid, arguments) else { continue };
        let Some(long) = Likeness::of(&world.again(), *pid, arguments) else { continue };
        let Some(after) = world.again().quick_likeness(*pid, arguments) else { continue };
        if before.is_still(&after) && before.layout == after.layout {
            assert!(before.is_still(&long), "{pid}: {before:?}, {long:?}");
            compared += usize::from(is_ours(*pid));
        }
    }
    assert_eq!(compared, children.len());
}

#[test]
fn who_does_nothing_has_the_same_pulse_in_every_look() {
    let child = Running::sleep();
    let likeness = look().likeness(child.pid(), true).unwrap();
    let Some(first) = look().pulse(child.pid()) else {
        eprintln!("SKIPPED: processes don't get random places in memory here");
        return;
    };
    assert_eq!(look().pulse(child.pid()), Some(first.clone()));
    assert!(likeness.has(&first), "{likeness:?}, {first:?}");
    child.end();
}

#[test]
fn an_exec_of_the_same_image_with_the_same_name_changes_the_pulse() {
    let mut child = shell("read line; exec sh -c 'read line; exit 0'");
    let pid = child.pid();
    let before = look().likeness(pid, false).unwrap();
    let Some(pulse) = look().pulse(pid) else {
        eprintln!("SKIPPED: processes don't get random places in memory here");
        return;
    };
    assert!(before.has(&pulse));
    give_line(&mut child);
    let world = look();
    eventually(|| world.again().pulse(pid).is_some_and(|now| !before.has(&now)));
}

#[test]
fn who_runs_is_told_from_who_does_not() {
    let mut child = shell("read line; exec sh -c 'read line; exit 0'");
    let (pid, world) = (child.pid(), look());
    assert_eq!(world.has_run(Pid(i32::MAX)), None);
    let Some(before) = world.has_run(pid) else {
        eprintln!("SKIPPED: this kernel doesn't count for how long processes run");
        return;
    };
    give_line(&mut child);
    eventually(|| world.has_run(pid) != Some(before));
    // Sooner or later it waits for the next line.
    eventually(|| world.has_run(pid) == world.has_run(pid));
}

#[test]
fn who_has_ended_or_is_not_there_has_no_pulse() {
    let mut child = Running::sleep();
    let pid = child.pid();
    child.0.kill().unwrap();
    let world = look();
    eventually(|| world.again().stat(pid).known().is_none_or(|stat| stat.state.is_over()));
    assert_eq!(world.again().pulse(pid), None, "a zombie");
    let likeness = world.again().likeness(pid, true).unwrap();
    assert!(likeness.stat.is_some_and(|(_, _, over)| over));
    child.0.wait().unwrap();
    assert_eq!(world.again().pulse(pid), None);
    assert!(world.again().likeness(pid, true).is_none());
}
