//! The `procfs` crate reads the same files with other code: on every process of the machine both must agree.

use procfs::process::{LimitValue, Process};

use super::{Duration, Fact, Instant, LiveWorld, Running, World, look};
use crate::units::Pid;

/// Facts that don't change while a process sleeps; two reads of others would differ.
fn compare(world: &LiveWorld, pid: Pid) -> Option<()> {
    let other = Process::new(pid.0).ok()?;
    let theirs = other.stat().ok()?;
    let ours = world.stat(pid).known()?;
    assert_eq!(String::from_utf8_lossy(&ours.comm), theirs.comm);
    assert_eq!((ours.ppid.0, ours.pgid.0, ours.sid.0), (theirs.ppid, theirs.pgrp, theirs.session));
    assert_eq!((ours.tty.cast_signed(), ours.tpgid), (theirs.tty_nr, theirs.tpgid));
    assert_eq!((ours.nice, ours.priority, ours.start.0), (theirs.nice, theirs.priority, theirs.starttime));
    assert_eq!((Some(ours.policy), Some(ours.rt_priority)), (theirs.policy, theirs.rt_priority));
    let range = (theirs.arg_start.unwrap_or(0), theirs.arg_end.unwrap_or(0));
    assert_eq!(ours.arg_range, range);

    let (ours, theirs) = (world.status(pid).known()?, other.status().ok()?);
    assert_eq!(ours.credentials.uid, [theirs.ruid, theirs.euid, theirs.suid, theirs.fuid]);
    assert_eq!(ours.credentials.gid, [theirs.rgid, theirs.egid, theirs.sgid, theirs.fgid]);
    let theirs_groups: Vec<u32> = theirs.groups.clone();
    assert_eq!(ours.groups.iter().map(|gid| gid.0).collect::<Vec<_>>(), theirs_groups);
    assert_eq!((ours.umask, ours.seccomp), (theirs.umask, theirs.seccomp));
    assert_eq!(ours.caps, [theirs.capinh, theirs.capprm, theirs.capeff, theirs.capbnd?, theirs.capamb?]);
    assert_eq!(ours.signals, [theirs.sigblk, theirs.sigign, theirs.sigcgt]);
    assert_eq!(ours.locked, theirs.vmlck.map(|kib| kib * 1024));

    if world.stat(pid).known()?.state.is_over() {
        // What is left comes from its memory: nobody's, or that of the threads of a leader that exited, whom the crate
        // doesn't ask.
        return Some(());
    }
    // The crate reads to the end, however far that is.
    let arguments = world.arguments(pid).known().filter(|ours| !ours.truncated);
    if let (Some(ours), Ok(theirs)) = (arguments, other.cmdline()) {
        // The crate drops empty arguments; nothing else may differ.
        let ours = ours.words.iter().filter(|word| !word.is_empty());
        assert_eq!(ours.map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>(), theirs);
    }
    if let (Fact::Known(ours), Ok(theirs)) = (world.exe_text(pid), other.exe()) {
        assert_eq!(*ours, *super::bytes(&theirs));
    }
    if let (Fact::Known(ours), Ok(theirs)) = (world.cgroups(pid), other.cgroups()) {
        let theirs: Vec<_> = theirs.0.into_iter().map(|group| group.pathname).collect();
        let ours = ours.iter().map(|line| String::from_utf8_lossy(&line.path).into_owned());
        assert_eq!(ours.collect::<Vec<_>>(), theirs);
    }
    if let (Fact::Known(ours), Ok(theirs)) = (world.limit(pid, "nofile"), other.limits()) {
        let value = |limit| match limit {
            LimitValue::Unlimited => None,
            LimitValue::Value(value) => Some(value),
        };
        let theirs = theirs.max_open_files;
        assert_eq!((ours.soft, ours.hard), (value(theirs.soft_limit), value(theirs.hard_limit)));
    }
    if let (Fact::Known(ours), Ok(theirs)) = (world.environ(pid), other.environ()) {
        let ours: std::collections::BTreeMap<_, _> = ours
            .iter()
            .filter_map(|entry| {
                let text = String::from_utf8_lossy(entry).into_owned();
                text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
            })
            .collect();
        for (key, value) in theirs {
            let key = key.to_string_lossy().into_owned();
            assert_eq!(ours.get(&key).map(String::as_str), value.to_str(), "{key} of {pid}");
        }
    }
    Some(())
}

#[test]
fn both_readers_agree_on_every_process_of_the_machine() {
    let child = Running::sleep();
    let world = look();
    let pids = world.visible_pids();
    // One that changed between the two reads gets further chances with a fresh look.
    for pid in pids.iter().copied() {
        let begun = Instant::now();
        while std::panic::catch_unwind(|| compare(&look(), pid)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "process {pid} is read in two ways");
        }
    }
    assert_eq!(compare(&world.again(), child.pid()), Some(()), "nothing was compared");
}
