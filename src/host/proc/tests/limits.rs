//! Reads that can block: how long they are waited for, by process and by look.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::super::allowance::Behind;
use super::super::read::Failure;
use super::{Fact, LiveWorld, Running, Why, World, eventually, is_root, look, why};
use crate::units::Pid;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(20);

fn dir(world: &LiveWorld, pid: Pid) -> Arc<OwnedFd> {
    world.dir(&world.entry(pid)).unwrap()
}

#[test]
fn memory_in_use_is_that_of_the_process() {
    let child = Running::sleep();
    let (world, pid) = (look(), child.pid());
    let memory = world.memory_use(pid).known().unwrap();
    let rss = world.stat(pid).known().unwrap().rss;
    assert!(memory.pss > 0 && memory.uss > 0 && memory.uss <= memory.pss, "{memory:?}");
    // rss is approximate in the kernel: some pages may not be counted yet.
    assert!(memory.pss <= rss + (1 << 20), "{memory:?} of {rss}");
    if !is_root() {
        eprintln!("skipped: a kernel thread is denied to all but root");
        return;
    }
    if world.stat(Pid(2)).known().is_some_and(|stat| stat.is_kernel_thread()) {
        assert_eq!((world.memory_use(Pid(2)), world.sockets(Pid(2))), (Fact::Absent, Fact::Absent));
        assert_eq!(world.files(Pid(2)), Fact::Absent);
    }
}

#[test]
fn a_look_without_time_left_says_so_and_still_tells_the_rest() {
    let child = Running::sleep();
    let (world, pid) = (look().with_budget(Duration::ZERO), child.pid());
    assert_eq!(why(&world.arguments(pid)), Some(Why::Budget));
    assert_eq!(why(&world.environ(pid)), Some(Why::Budget));
    assert_eq!(why(&world.memory_use(pid)), Some(Why::Budget));
    assert_eq!(why(&world.files(pid)), Some(Why::Budget));
    assert_eq!(why(&world.sockets(pid)), Some(Why::Budget));
    assert!(world.exe_file(pid).known().is_some() && world.stat(pid).known().is_some());
    let next = world.again();
    assert_eq!(why(&next.arguments(pid)), Some(Why::Budget), "the budget holds for the next looks");
    assert!(next.again().with_budget(LONG).arguments(pid).known().is_some());
}

#[test]
fn waiting_counts_against_the_look() {
    let (first, second) = (Running::sleep(), Running::sleep());
    let world = look().with_memory_deadline(LONG).with_budget(SHORT);
    let (release, held) = mpsc::channel::<()>();
    let (entry, of) = (world.entry(first.pid()), dir(&world, first.pid()));
    let late = world.within(&entry, &of, Behind::Memory, move || Ok(held.recv().is_err()));
    assert_eq!(late, Err(Failure::Spent), "it was the look that had no more time");
    assert_eq!(why(&world.arguments(second.pid())), Some(Why::Budget));
    drop(release);
}

#[test]
fn a_process_that_keeps_a_helper_is_not_sent_another_one() {
    let (stuck, other) = (Running::sleep(), Running::sleep());
    let world = look().with_memory_deadline(SHORT);
    let (release, held) = mpsc::channel::<()>();
    let (entry, of) = (world.entry(stuck.pid()), dir(&world, stuck.pid()));
    let late = world.within(&entry, &of, Behind::Memory, move || Ok(held.recv().is_err()));
    assert_eq!(late, Err(Failure::Late));
    let mut next = world.again();
    for _ in 0..20 {
        next = next.again().with_memory_deadline(LONG);
        assert_eq!(why(&next.arguments(stuck.pid())), Some(Why::Timeout));
        assert_eq!(why(&next.environ(stuck.pid())), Some(Why::Timeout));
        assert!(next.arguments(other.pid()).known().is_some());
        // Its memory says nothing about its files.
        assert!(next.files(stuck.pid()).known().is_some());
    }
    assert_eq!(next.readers.stuck(), 1);
    drop(release);
    eventually(|| next.again().arguments(stuck.pid()).known().is_some());
}
