//! Arguments that are read ahead are those of the processes that they are told of.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{Fact, Pid, Running, World, look};
use crate::host::proc::LiveWorld;
use crate::host::proc::entry::Hold;
use crate::process::ProcessVocabulary;
use crate::process::expression::schema;

/// Children, each with an argument of its own.
fn children(count: u32) -> Vec<(Running, String)> {
    let started: Vec<(Running, String)> = (0..count)
        .map(|number| {
            let argument = (100_000 + number).to_string();
            (Running::start(Command::new("/bin/sleep").arg(&argument)), argument)
        })
        .collect();
    for (child, _) in &started {
        child.until_asleep();
    }
    started
}

#[test]
fn a_pass_over_all_processes_tells_each_ones_own_arguments() {
    let children = children(60);
    let world = look();
    let pids = world.pids().known().unwrap();
    let told: Vec<_> = pids.iter().map(|pid| (*pid, world.arguments(*pid))).collect();
    for (child, argument) in &children {
        let (_, arguments) = told.iter().find(|(pid, _)| *pid == child.pid()).unwrap();
        let words = arguments.as_ref().known().unwrap().words.clone();
        assert_eq!(words, [b"/bin/sleep".as_slice().into(), argument.as_bytes().into()], "{}", child.pid());
    }
    // By pid means that a second fact makes sure of the first; some were read so, or nothing was read ahead.
    let by_pid = |pid: Pid| matches!(*world.entry(pid).hold.borrow(), Hold::Glimpsed);
    assert!(children.iter().any(|(child, _)| by_pid(child.pid())));
    for (child, argument) in &children {
        assert!(world.stat(child.pid()).known().is_some());
        assert_eq!(
            world.arguments(child.pid()).known().unwrap().words.last().map(|word| word.to_vec()),
            Some(argument.as_bytes().to_vec())
        );
    }
}

#[test]
fn questions_out_of_order_are_answered_as_well() {
    let children = children(12);
    let world = look();
    world.pids();
    let order = [0, 1, 2, 3, 4, 5, 9, 8, 7, 6, 11, 10, 0, 5];
    for at in order {
        let (child, argument) = &children[at];
        let words = world.arguments(child.pid()).known().unwrap().words.clone();
        assert_eq!(words[1].as_ref(), argument.as_bytes());
    }
}

#[test]
fn one_that_exits_between_being_read_ahead_and_being_asked_has_vanished_or_what_it_had() {
    let mut children = children(40);
    let world = look();
    let pids = world.pids().known().unwrap();
    let (last, argument) = children.pop().unwrap();
    let pid = last.pid();
    for before in pids.iter().take_while(|before| **before != pid) {
        world.arguments(*before);
    }
    last.end();
    match world.arguments(pid) {
        Fact::Known(arguments) => {
            assert_eq!(arguments.words[1].as_ref(), argument.as_bytes());
            // Whoever asks for more learns that it is gone.
            assert!(matches!(world.stat(pid), Fact::Unknown(reason) if reason.why == super::Why::Vanished));
        }
        Fact::Unknown(reason) => assert_eq!(reason.why, super::Why::Vanished),
        Fact::Absent => panic!("a process that exited has no absent arguments"),
    }
}

#[test]
fn a_listing_that_a_helper_made_is_a_listing() {
    let children = children(3);
    let world = look().begin_listing();
    let pids = world.pids().known().unwrap();
    assert!(pids.is_sorted() && children.iter().all(|(child, _)| pids.contains(&child.pid())));
    let (child, argument) = &children[1];
    let words = world.arguments(child.pid()).known().unwrap().words.clone();
    assert_eq!(words[1].as_ref(), argument.as_bytes());
    assert!(world.stat(child.pid()).known().is_some());
}

/// Who has nothing else to do waits until it is known whose.
fn begin_arguments(world: &LiveWorld) {
    let since = Instant::now();
    while !world.begin_arguments() {
        assert!(since.elapsed() < Duration::from_mins(1), "nobody lists");
        std::thread::yield_now();
    }
}

#[test]
fn arguments_that_were_read_before_anybody_asked_are_each_ones_own() {
    let children = children(20);
    let world = look().begin_listing();
    begin_arguments(&world);
    let pids = world.pids().known().unwrap();
    let told: Vec<_> = pids.iter().map(|pid| (*pid, world.arguments(*pid))).collect();
    for (child, argument) in &children {
        let (_, arguments) = told.iter().find(|(pid, _)| *pid == child.pid()).unwrap();
        let words = arguments.as_ref().known().unwrap().words.clone();
        assert_eq!(words[1].as_ref(), argument.as_bytes());
        assert!(world.stat(child.pid()).known().is_some());
    }
    // Who asks for others first gets their own as well.
    let world = look().begin_listing();
    begin_arguments(&world);
    let (child, argument) = &children[7];
    assert_eq!(world.arguments(child.pid()).known().unwrap().words[1].as_ref(), argument.as_bytes());
}

/// What is only glanced at is what arguments are, and nothing is told of the process by it.
#[test]
fn a_glance_sieves_by_the_same_and_tells_nothing() {
    let children = children(20);
    let (world, other) = (look(), look());
    let sieve = ProcessVocabulary::new(&world).sieving();
    let whole = ProcessVocabulary::new(&other);
    let field = |name: &str| schema().field("process", name).unwrap().0;
    let (cmdline, argv) = (field("cmdline"), field("argv"));
    let ours = |pid: Pid| children.iter().any(|(child, _)| child.pid() == pid);
    for pid in world.pids().known().unwrap().iter() {
        if pid.0 % 2 == 0 {
            // As with a cheaper condition before it.
            let _ = world.exe_file(*pid);
        }
        let told = (sieve.datum(*pid, cmdline), sieve.datum(*pid, argv), sieve.datum(*pid, cmdline));
        if ours(*pid) {
            let text = whole.datum(*pid, cmdline);
            assert_eq!(told, (text.clone(), whole.datum(*pid, argv), text));
            // Whatever follows from a glance has to be asked again, of one process for certain.
            let is_told = world.entry(*pid).arguments.get().is_some();
            assert_eq!(world.keep_arguments(*pid), is_told);
        }
    }
    for (child, argument) in &children {
        let entry = world.entry(child.pid());
        let by_pid = matches!(*entry.hold.borrow(), Hold::Fresh | Hold::Glimpsed);
        // It was at hand, or a busy machine let no window come in time.
        assert_eq!(by_pid, entry.arguments.get().is_none());
        assert_eq!(world.arguments(child.pid()).known().unwrap().words[1].as_ref(), argument.as_bytes());
    }
}

/// Who only looks at it afterwards doesn't ask again.
#[test]
fn what_was_glanced_at_counts_as_told_where_it_is_only_shown() {
    let children = children(20);
    let world = look().with_facts_only_shown(true);
    let sieve = ProcessVocabulary::new(&world).sieving();
    let cmdline = schema().field("process", "cmdline").unwrap().0;
    for pid in world.pids().known().unwrap().iter() {
        let _ = sieve.datum(*pid, cmdline);
        if children.iter().any(|(child, _)| child.pid() == *pid) {
            assert!(world.keep_arguments(*pid));
            assert!(world.entry(*pid).arguments.get().is_some());
        }
    }
}
