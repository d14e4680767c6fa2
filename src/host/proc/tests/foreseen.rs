//! Processes that are read again in batches answer as those that are asked on their own.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use super::{Fact, Pid, Running, Why, World, look, why};
use crate::host::proc::LiveWorld;
use crate::host::proc::entry::Hold;
use crate::host::testing::copied;
use crate::process::supervisor;
use crate::process::world::Namespace;

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
    let by_pid: Vec<Pid> = order.iter().copied().filter(|pid| is_glimpsed(&world, *pid)).collect();
    let glimpsed = |pid: Pid| by_pid.contains(&pid);
    world.foresee(order.iter().copied());
    for pid in &order {
        let other = look();
        world.meet(*pid);
        assert_eq!(matches!(*world.entry(*pid).hold.borrow(), Hold::Released(_)), glimpsed(*pid));
        assert_eq!(world.owner(*pid), other.owner(*pid));
        assert_eq!(world.exe_text(*pid), other.exe_text(*pid));
        assert_eq!(world.arguments(*pid), other.arguments(*pid));
        assert_eq!(world.process_key(*pid), other.process_key(*pid));
        assert_eq!(world.namespace(*pid, Namespace::Pid), other.namespace(*pid, Namespace::Pid));
        assert_eq!(world.cgroups(*pid), other.cgroups(*pid));
        assert_eq!(world.exe_file(*pid), other.exe_file(*pid));
        // What wasn't read with the rest is of the same process.
        assert_eq!(world.cwd(*pid), other.cwd(*pid));
    }
    // Nobody is glimpsed where a busy machine let no window come in time.
    assert_eq!(world.foreseen.borrow().begun > 0, !by_pid.is_empty());
}

#[test]
fn some_may_be_left_out_and_others_asked_in_between() {
    let children = children(70);
    let world = sieved();
    let all: Vec<Pid> = children.iter().map(Running::pid).collect();
    let (foreseen, others) = all.split_at(50);
    world.foresee(foreseen.iter().copied());
    for at in [3, 4, 5, 49, 0, 48, 20] {
        world.meet(foreseen[at]);
        world.meet(others[at % 20]);
        assert!(world.stat(foreseen[at]).known().is_some());
        assert!(world.stat(others[at % 20]).known().is_some());
    }
}

/// Who couldn't be read isn't waited for any longer, nor are all others read for it at once.
#[test]
fn one_that_is_not_there_has_no_more_read_than_others() {
    let world = look();
    // Beyond the largest number of a process.
    let order: Vec<Pid> = (0..400).map(|number| Pid(5_000_000 + number)).collect();
    world.foresee(order.iter().copied());
    world.meet(order[0]);
    assert!(world.foreseen.borrow().begun <= 3);
    world.meet(order[1]);
    assert!(world.foreseen.borrow().begun <= 3);
    assert_eq!(why(&world.stat(order[1])), Some(Why::Vanished));
}

#[test]
fn one_that_ended_is_told_of_as_it_was_when_it_was_read_or_not_at_all() {
    let mut children = children(12);
    let world = sieved();
    let order: Vec<Pid> = children.iter().map(Running::pid).collect();
    let key = look().process_key(order[11]);
    world.foresee(order.iter().copied());
    world.meet(order[0]);
    let last = children.pop().unwrap();
    let pid = last.pid();
    last.end();
    world.meet(pid);
    if matches!(*world.entry(pid).hold.borrow(), Hold::Released(_)) {
        assert_eq!(world.process_key(pid), key);
    }
    assert_eq!(why(&world.status(pid)), Some(Why::Vanished));
}

/// `look`: one that has the arguments of the child read ahead.
fn one_that_calls_exec_is_not_told_of_as_two(look: impl FnOnce(&Running) -> LiveWorld) {
    let mut child = Running::start(Command::new("/bin/sh").args(["-c", "read x; exec sleep 1000"]));
    let pid = child.pid();
    child.until(|world, pid| {
        let arguments = world.arguments(pid).known();
        arguments.is_some_and(|arguments| arguments.words.len() == 3)
    });
    let world = look(&child);
    if !is_glimpsed(&world, pid) {
        eprintln!("skipped: on this busy machine nothing is read ahead");
        return;
    }
    world.foresee([pid].into_iter());
    drop(child.0.stdin.take());
    child.until_asleep();
    world.meet(pid);
    assert!(matches!(world.stat(pid), Fact::Unknown(reason) if reason.why == Why::Unresolved));
}

#[test]
fn one_that_called_exec_before_its_batch_was_read_is_not_told_of_as_two() {
    one_that_calls_exec_is_not_told_of_as_two(|_| sieved());
}

/// A look that nothing is done about, and the children that are in it and were there for sure before it began.
fn shown(children: &[Running]) -> LiveWorld {
    let started = |world: &LiveWorld, pid: Pid| world.stat(pid).known().map(|stat| stat.start);
    for child in children {
        child.until(|world, pid| {
            let start = started(world, pid);
            start.is_some_and(|start| start < world.entry(pid).seen)
        });
    }
    let world = look().with_account().with_facts_only_shown(true);
    for pid in world.pids().known().unwrap().iter() {
        let _ = world.arguments(*pid);
    }
    let _ = world.take_reads();
    world
}

#[test]
fn where_nothing_follows_from_it_arguments_of_the_same_length_are_not_read_again() {
    let children = children(4);
    let pids: Vec<Pid> = children.iter().map(Running::pid).collect();
    let world = shown(&children);
    if !pids.iter().all(|pid| is_glimpsed(&world, *pid)) {
        eprintln!("skipped: on this busy machine nothing is read ahead");
        return;
    }
    world.foresee(pids.iter().copied());
    for pid in &pids {
        world.meet(*pid);
        assert!(matches!(*world.entry(*pid).hold.borrow(), Hold::Released(_)));
        assert_eq!(world.arguments(*pid), look().arguments(*pid));
    }
    let reads = world.take_reads();
    let of = |leaf: &str| reads.iter().filter(|read| *read == leaf).count();
    assert_eq!((of("stat"), of("cmdline")), (4, 0));
    // Nor are groups, where these can't be anybody's unit.
    assert_eq!(of("cgroup"), if world.has_no_units() { 0 } else { 4 });
    for pid in &pids {
        let nobody = BTreeSet::new();
        assert_eq!(supervisor::foreign(&world, *pid, &nobody), supervisor::foreign(&look(), *pid, &nobody));
        assert_eq!(world.cgroups(*pid), look().cgroups(*pid));
    }
}

#[test]
fn where_nothing_follows_from_it_one_that_called_exec_is_not_told_of_as_two_either() {
    one_that_calls_exec_is_not_told_of_as_two(|child| shown(std::slice::from_ref(child)));
}

/// Of a batch the name of a file is read once. A file with two names has one for who asks for any, and each process its own.
#[test]
fn who_executes_the_same_file_by_another_name_is_told_of_by_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["one", "other"].map(|name| folder.path().canonicalize().unwrap().join(name).join("sleep"));
    for name in &names {
        std::fs::create_dir(name.parent().unwrap()).unwrap();
    }
    copied("/bin/sleep", &names[0]);
    std::fs::hard_link(&names[0], &names[1]).unwrap();
    let children = names.each_ref().map(|name| Running::start(Command::new(name).arg("1000")));
    children.iter().for_each(Running::until_asleep);
    let pids = children.each_ref().map(Running::pid);
    let world = sieved();
    if !pids.iter().all(|pid| is_glimpsed(&world, *pid)) {
        eprintln!("skipped: on this busy machine nothing is read ahead");
        return;
    }
    world.foresee(pids.into_iter());
    for pid in pids {
        world.meet(pid);
        assert!(matches!(*world.entry(pid).hold.borrow(), Hold::Released(_)));
    }
    let known = |pid: Pid| world.entry(pid).told(|rest| &rest.exe_text).is_some();
    assert_eq!(pids.map(known), [true, false], "read of the first one of the batch alone");
    let told = pids.map(|pid| world.image_name(pid, &world.exe_file(pid).known().unwrap()).known().unwrap());
    assert_eq!(told[0], told[1]);
    for (pid, name) in pids.into_iter().zip(&names) {
        assert_eq!(world.exe_text(pid).known().as_deref(), Some(name.as_os_str().as_bytes()));
    }
}
