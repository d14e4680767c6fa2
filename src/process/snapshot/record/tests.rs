//! A record reads back as what was seen, look by look.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use super::{Record, Recorder};
use crate::diagnostic::Source;
use crate::facts::{Fact, Why};
use crate::process::snapshot::{Snapshot, WriteOptions, write};
use crate::process::world::World;
use crate::units::Pid;

fn snapshot(text: &str) -> Snapshot {
    Snapshot::parse(&Source::new("look", text)).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

fn record(text: &str) -> Record {
    Record::parse("record", text.to_owned()).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

fn pids(world: &Snapshot) -> Vec<Pid> {
    world.pids().known().unwrap().to_vec()
}

/// Looks of one host at these seconds of its uptime.
fn looks(bodies: &[(u32, &str, &str)]) -> Vec<Snapshot> {
    let each = bodies.iter().map(|(up, host, processes)| {
        let host = format!(
            "{{bootId: b, now: \"2030-01-01T00:{:02}:{:02}Z\", uptime: {up}s{host}}}",
            up / 60,
            up % 60
        );
        snapshot(&format!("host: {host}\nprocesses: [{processes}]"))
    });
    each.collect()
}

fn recorded(looks: &[Snapshot]) -> String {
    let mut recorder = Recorder::new(WriteOptions::default());
    let mut text = String::new();
    for (index, world) in looks.iter().enumerate() {
        let pids = pids(world);
        text += &match index {
            0 => recorder.begin(world, &pids, Duration::from_secs(5), false),
            _ => recorder.look(world, &pids),
        };
    }
    text
}

#[test]
fn each_look_reads_back_as_it_was() {
    let looks = looks(&[
        (
            100,
            ", users: {root: 0, www: 33}, files: {/usr/bin/a: {id: [1, 2]}}",
            "{pid: 1, user: root, startTicks: 1, comm: init, exe: {path: /usr/bin/a, id: [1, 2]}}, {pid: 600, user: www, startTicks: 900, rss: 5MiB, argv: [a, b]}",
        ),
        // Nothing but the time.
        (
            105,
            ", users: {root: 0, www: 33}, files: {/usr/bin/a: {id: [1, 2]}}",
            "{pid: 1, user: root, startTicks: 1, comm: init, exe: {path: /usr/bin/a, id: [1, 2]}}, {pid: 600, user: www, startTicks: 900, rss: 5MiB, argv: [a, b]}",
        ),
        // The file was replaced, one process grew, became a zombie's parent and lost a key.
        (
            110,
            ", users: {root: 0, www: 33}, files: {/usr/bin/a: {id: [1, 7]}}",
            "{pid: 1, user: root, startTicks: 1, comm: init, exe: {path: \"/usr/bin/a (deleted)\", id: [1, 2]}}, {pid: 600, user: www, startTicks: 900, rss: 9MiB}, {pid: 601, user: www, startTicks: 10900, state: zombie}",
        ),
        // A number was given out again, nothing of the first holds for it; and something can't be read any more.
        (
            115,
            ", users: {root: 0}, files: {}",
            "{pid: 1, user: root, startTicks: 1, comm: init, unreadable: {exe: denied}}, {pid: 600, user: root, startTicks: 11300}",
        ),
    ]);
    let text = recorded(&looks);
    let record = record(&text);
    assert_eq!((record.every, record.events), (Duration::from_secs(5), false));
    let mut frames = record.frames();
    for (index, expected) in looks.iter().enumerate() {
        let frame = frames.next().unwrap().unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
        assert_eq!(frame.at, Duration::from_secs(5 * index as u64));
        let pids = pids(expected);
        let options = WriteOptions::default();
        // Of a record names stay known; all else is as it was.
        let without_names = |world: &Snapshot| {
            let text = write(world, &pids, &options);
            text.lines().filter(|line| !line.starts_with("  users:")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(without_names(frame.world), without_names(expected), "look {index} of\n{text}");
        assert_eq!(frame.world.pids(), expected.pids());
    }
    assert!(frames.next().is_none());
}

#[test]
fn a_look_without_changes_is_its_time() {
    let same = "{pid: 1, user: 0, startTicks: 1, comm: init}";
    let text = recorded(&looks(&[(100, "", same), (105, "", same), (110, "", same)]));
    assert!(text.ends_with("...\n---\nat: 5s\n...\n---\nat: 10s\n...\n"), "{text}");
}

#[test]
fn what_the_kernel_told_changes_only_those_it_is_about() {
    let looks = looks(&[
        (
            100,
            "",
            "{pid: 1, user: 0, startTicks: 1}, {pid: 600, user: 0, startTicks: 900, comm: sh}, {pid: 601, user: 0, startTicks: 901}",
        ),
        (
            102,
            "",
            "{pid: 1, user: 0, startTicks: 1}, {pid: 600, user: 0, startTicks: 900, comm: curl}, {pid: 700, user: 0, startTicks: 10200}",
        ),
    ]);
    let [first, second] = looks.as_slice() else { panic!() };
    let mut recorder = Recorder::new(WriteOptions::default());
    let mut text = recorder.begin(first, &pids(first), Duration::from_mins(1), true);
    assert_eq!(recorder.noticed(second, &[], &[Pid(650)]), None);
    text += &recorder.noticed(second, &[Pid(600)], &[Pid(601), Pid(650)]).unwrap();
    text += &recorder.end(second, "size");
    let record = record(&text);
    assert!(record.events);
    let mut frames = record.frames();
    frames.next().unwrap().unwrap();
    let frame = frames.next().unwrap().unwrap();
    assert_eq!(frame.noticed.as_deref(), Some(&[Pid(600)][..]));
    assert_eq!(frame.world.comm(Pid(600)).known().as_deref(), Some(&b"curl"[..]));
    // Nobody told of 700.
    assert_eq!(pids(frame.world), [Pid(1), Pid(600)]);
    let last = frames.next().unwrap().unwrap();
    assert_eq!((last.ended.as_deref(), last.noticed), (Some("size"), None));
}

#[test]
fn what_was_not_written_to_its_end_is_left_out() {
    let same = "{pid: 1, user: 0, startTicks: 1}";
    let text = recorded(&looks(&[(100, "", same), (105, "", "{pid: 1, user: 0, startTicks: 1, comm: x}")]));
    for cut in (text.find("at: 5s").unwrap()..text.len() - 1).rev() {
        let record = record(text.get(..cut).unwrap());
        let mut frames = record.frames();
        assert!(frames.next().unwrap().is_ok());
        assert!(frames.next().is_none(), "cut at {cut}");
    }
}

/// The age of a process is of the look that states it; another key in a later look must not make it younger.
#[test]
fn a_process_is_as_old_as_when_it_was_stated() {
    let text = "record: 1\nhost: {uptime: 100s}\nprocesses: [{pid: 5, age: 40s}]\n---\nat: 30s\nprocesses: [{pid: 5, rss: 1MiB}]\n";
    let record = record(text);
    let mut frames = record.frames();
    let start = |world: &Snapshot| world.stat(Pid(5)).known().map(|stat| stat.start.0);
    assert_eq!(start(frames.next().unwrap().unwrap().world), Some(6000));
    let second = frames.next().unwrap().unwrap();
    assert_eq!(start(second.world), Some(6000));
    assert_eq!(second.world.uptime().known().map(|up| up.0), Some(Duration::from_secs(130)));
}

#[test]
fn mistakes_say_where_they_are() {
    for (text, expected) in [
        ("host: {}\n", "this is no record: `record: 1` is missing"),
        ("record: 2\n", "a record of the form 2 can't be read, only 1"),
        ("", "a record begins with `record: 1` and a snapshot"),
        ("record: 1\n---\nprocesses: []\n", "a look needs its `at`"),
        ("record: 1\n---\nat: 5s\n---\nat: 4s\n", "this look is before the one above it"),
        ("record: 1\n---\nat: 5s\nprocesses: [{pid: 5, colour: red}]\n", "a process has no key `colour`"),
        ("record: 1\nat: 5s\n", "has no key `at`"),
    ] {
        let problems = match Record::parse("record", text.to_owned()) {
            Err(problems) => problems,
            Ok(record) => {
                let mut frames = record.frames();
                let mut problems = Vec::new();
                while let Some(frame) = frames.next() {
                    problems.extend(frame.err().into_iter().flatten());
                }
                problems
            }
        };
        let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(messages.iter().any(|message| message.contains(expected)), "{text}: {messages:?}");
    }
}

#[test]
fn a_record_has_no_secrets() {
    let world = snapshot(
        "host: {uptime: 100s, files: {/x: {head: \"#!/bin/sh\\nTOKEN=hush\\n\"}}}\nprocesses: [{pid: 5, uid: 0, startTicks: 1, exe: /x, argv: [x, --password, hush], env: {KEY: hush}}]",
    );
    let options = WriteOptions { redact: true, ..WriteOptions::default() };
    let text = Recorder::new(options).begin(&world, &[Pid(5)], Duration::from_secs(5), false);
    assert!(text.contains("--password") && text.contains("/bin/sh") && !text.contains("hush"), "{text}");
    let record = record(&text);
    let mut frames = record.frames();
    let frame = frames.next().unwrap().unwrap();
    assert!(matches!(frame.world.exe_file(Pid(6)), Fact::Unknown(reason) if reason.why == Why::Vanished));
}

/// Whatever stands in a file, it is read or refused.
#[test]
fn any_change_of_a_record_is_read_or_refused() {
    let text = recorded(&looks(&[
        (
            100,
            ", files: {/a: {id: [1, 2]}}",
            "{pid: 1, uid: 0, startTicks: 1, comm: init, exe: {path: /a, id: [1, 2]}}",
        ),
        (105, "", "{pid: 1, uid: 0, startTicks: 1, comm: other}, {pid: 2, uid: 0, startTicks: 10400}"),
        (110, "", "{pid: 2, uid: 0, startTicks: 10900, rss: 5MiB}"),
    ]));
    let mut read = 0;
    for at in (0..text.len()).step_by(2) {
        for letter in [b' ', b'~', b'\n'] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = letter;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let Ok(record) = Record::parse("record", changed) else { continue };
            let mut frames = record.frames();
            while let Some(Ok(frame)) = frames.next() {
                read += usize::from(!frame.world.pids().known().unwrap_or_default().is_empty());
            }
        }
    }
    assert!(read > 0);
}
