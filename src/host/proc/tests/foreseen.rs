//! Processes that are read again in batches answer as those that are asked on their own.

use std::process::Command;

use super::{Fact, Pid, Running, Why, World, look, why};
use crate::host::proc::LiveWorld;
use crate::host::proc::entry::Hold;

/// Children whose arguments a look knows, in the order of the listing.
fn children(count: u32) -> Vec<Running> {
    let started: Vec<Running> = (0..count)
        .map(|number| Running::start(Command::new("/bin/sleep").arg((200_000 + number).to_string())))
        .collect();
    for child in &started {
        child.until_asleep();
    }
    started
}

/// A look that has asked everybody for arguments.
fn sieved() -> LiveWorld {
    let world = look();
    for pid in world.pids().known().unwrap().iter() {
        let _ = world.arguments(*pid);
    }
    world
}

fn is_glimpsed(world: &LiveWorld, pid: Pid) -> bool {
    matches!(*world.entry(pid).hold.borrow(), Hold::Glimpsed)
}

#[test]
fn those_who_were_foreseen_answer_as_those_who_were_not() {
    let children = children(80);
    let world = sieved();
    let mut order: Vec<Pid> = children.iter().map(Running::pid).collect();
    order.reverse();
    let glimpsed = order.iter().any(|pid| is_glimpsed(&world, *pid));
    world.foresee(order.clone());
    for pid in &order {
        let other = look();
        assert_eq!(world.owner(*pid), other.owner(*pid));
        assert_eq!(world.exe_text(*pid), other.exe_text(*pid));
        assert_eq!(world.arguments(*pid), other.arguments(*pid));
        assert_eq!(world.process_key(*pid), other.process_key(*pid));
    }
    // Nobody is glimpsed where a busy machine let no window come in time.
    assert_eq!(world.foreseen.borrow().begun > 0, glimpsed);
}

#[test]
fn some_may_be_left_out_and_others_asked_in_between() {
    let children = children(70);
    let world = sieved();
    let all: Vec<Pid> = children.iter().map(Running::pid).collect();
    let (foreseen, others) = all.split_at(50);
    world.foresee(foreseen.to_vec());
    for at in [3, 4, 5, 49, 0, 48, 20] {
        assert!(world.stat(foreseen[at]).known().is_some());
        assert!(world.stat(others[at % 20]).known().is_some());
    }
}

#[test]
fn one_that_ended_after_its_batch_was_read_has_vanished() {
    let mut children = children(12);
    let world = sieved();
    let order: Vec<Pid> = children.iter().map(Running::pid).collect();
    world.foresee(order.clone());
    assert!(world.stat(order[0]).known().is_some());
    let last = children.pop().unwrap();
    let pid = last.pid();
    last.end();
    assert_eq!(why(&world.owner(pid)), Some(Why::Vanished));
}

#[test]
fn one_that_called_exec_before_its_batch_was_read_is_not_told_of_as_two() {
    let mut child = Running::start(Command::new("/bin/sh").args(["-c", "read x; exec sleep 1000"]));
    let pid = child.pid();
    child.until(|world, pid| {
        let arguments = world.arguments(pid).known();
        arguments.is_some_and(|arguments| arguments.words.len() == 3)
    });
    let world = sieved();
    if !is_glimpsed(&world, pid) {
        eprintln!("skipped: on this busy machine nothing is read ahead");
        return;
    }
    world.foresee(vec![pid]);
    drop(child.0.stdin.take());
    child.until_asleep();
    assert!(matches!(world.stat(pid), Fact::Unknown(reason) if reason.why == Why::Unresolved));
}
