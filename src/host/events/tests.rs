//! The record on a real file system.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

use std::fs;
use std::time::Duration;

use super::*;
use crate::plan::event::EventKind;
use crate::spec::ServiceName;
use crate::units::{Pid, WallTime};

struct Place {
    _dir: tempfile::TempDir,
    dirs: Dirs,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let dirs = Dirs { run: dir.path().join("run"), lib: dir.path().to_owned(), log: dir.path().join("log") };
    Place { _dir: dir, dirs }
}

fn boot() -> BootId {
    BootId("b".into())
}

/// Now, and so many seconds more: lines of the past are not counted in by the next engine.
fn at(seconds: u64) -> Now {
    let now = super::super::clock::now();
    let more = Duration::from_secs(seconds);
    Now { boot: now.boot.after(more), wall: WallTime(now.wall.0 + more) }
}

fn event(object: &str, message: &str, pid: i32) -> Event {
    let event = Event::new(EventKind::Started, "Started", message).of(&ServiceName::new(object).unwrap());
    Event { pid: Some(Pid(pid)), ..event }
}

fn told(place: &Place) -> Vec<(u64, u64, String, Option<i32>)> {
    let (events, unread) = read(&place.dirs).unwrap();
    assert_eq!(unread, 0);
    let row = |one: Recorded| (one.seq, one.times, one.event.message, one.event.pid.map(|pid| pid.0));
    events.into_iter().map(row).collect()
}

#[test]
fn the_same_again_is_counted_and_says_of_which_process() {
    let place = place();
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    for round in 0..500 {
        let events =
            [event("shop", "it runs", 100 + round), event("shop", "it ended \"badly\",\n", 100 + round)];
        let (recorded, trouble) = log.write(&events, at(u64::try_from(round).unwrap()));
        assert_eq!((recorded.len(), trouble), (2, None));
        assert_eq!(recorded[0].times, u64::try_from(round).unwrap() + 1);
    }
    let expected =
        [(1, 500, "it runs".to_owned(), Some(599)), (2, 500, "it ended \"badly\",\n".to_owned(), Some(599))];
    assert_eq!(told(&place), expected);
    let size = fs::metadata(place.dirs.events()).unwrap().len();
    assert!(size < 1000, "two lines, not a thousand: {size}");
    // Long afterwards it is another story.
    let _ = log.write(&[event("shop", "it runs", 7)], at(500 + 601));
    assert_eq!(told(&place).len(), 3);
}

/// A violation that was counted had the process of the last time and the sentence of the first.
#[test]
fn what_is_counted_has_the_facts_of_the_last_time() {
    let place = place();
    let violated = |size: u64, pid: i32| {
        let message = format!("uses {size}MiB");
        let event = Event::new(EventKind::Violated, "Memory", message).of(&ServiceName::near("hog"));
        Event { pid: Some(Pid(pid)), ..event }
    };
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let _ = log.write(&[violated(7, 1), event("shop", "it runs", 1)], at(0));
    let _ = log.write(&[violated(123_456, 2)], at(1));
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let (recorded, _) = log.write(&[violated(88, 3)], at(2));
    assert_eq!((recorded[0].times, recorded[0].event.message.as_str()), (3, "uses 88MiB"));
    let shop = (2, 1, "it runs".to_owned(), Some(1));
    assert_eq!(told(&place), [(1, 3, "uses 88MiB".to_owned(), Some(3)), shop.clone()]);
    // Too lengthy for its line: another one begins.
    let lengthy = Event { message: "x".repeat(200), ..violated(0, 4) };
    let _ = log.write(&[lengthy], at(3));
    let rows = told(&place);
    assert_eq!(rows[..2], [(1, 3, "uses 88MiB".to_owned(), Some(3)), shop]);
    assert_eq!((rows[2].0, rows[2].1, rows[2].3), (3, 1, Some(4)));
}

#[test]
fn the_next_engine_goes_on_where_the_last_one_was_killed() {
    let place = place();
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let _ = log.write(&[event("a", "one", 1), event("b", "two", 2)], at(0));
    // Killed in the middle of a line.
    let mut bytes = fs::read(place.dirs.events()).unwrap();
    let whole = bytes.len();
    bytes.extend_from_slice(b"{\"seq\":                   3,\"times\":   ");
    fs::write(place.dirs.events(), &bytes).unwrap();
    assert_eq!(told(&place).len(), 2, "readers pass over what is torn");
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    assert_eq!(fs::metadata(place.dirs.events()).unwrap().len(), u64::try_from(whole).unwrap());
    let _ = log.write(&[event("a", "one", 5), event("c", "three", 3)], at(1));
    let rows: Vec<_> = told(&place).into_iter().map(|(seq, times, _, pid)| (seq, times, pid)).collect();
    assert_eq!(rows, [(1, 2, Some(5)), (2, 1, Some(2)), (3, 1, Some(3))]);
    // In another boot nothing is counted in.
    let mut log = EventLog::open(&place.dirs, &BootId("other".into()), Bounds::default());
    let _ = log.write(&[event("a", "one", 6)], at(2));
    assert_eq!(told(&place).len(), 4);
}

#[test]
fn the_next_engine_counts_in_lines_near_the_end_only() {
    let place = place();
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let filler = "x".repeat(usize::try_from(KNOWN_BYTES).unwrap() / 8);
    let much = (0..10).map(|n| event("b", &format!("{n}{filler}"), 2));
    let written: Vec<Event> =
        std::iter::once(event("a", "far", 1)).chain(much).chain([event("c", "near", 3)]).collect();
    let _ = log.write(&written, at(0));
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let (recorded, _) = log.write(&[event("a", "far", 4), event("c", "near", 5)], at(1));
    assert_eq!(recorded.iter().map(|one| (one.seq, one.times)).collect::<Vec<_>>(), [(13, 1), (12, 2)]);
    assert_eq!(told(&place).len(), 13);
    // However long the last line is.
    let _ = log.write(&[event("d", &filler.repeat(20), 6)], at(2));
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let (recorded, _) = log.write(&[event("e", "next", 7)], at(3));
    assert_eq!((recorded[0].seq, told(&place).len()), (15, 15));
}

#[test]
fn it_stays_within_its_bounds_and_one_noisy_object_takes_nothing_from_the_others() {
    let place = place();
    let bounds = Bounds { bytes: 64 << 10, per_object: 50 };
    let mut log = EventLog::open(&place.dirs, &boot(), bounds);
    let _ = log.write(&[event("quiet", "once", 1)], at(0));
    for round in 0..2000 {
        let _ = log.write(&[event("noisy", &format!("number {round}"), round)], at(1));
        let size = fs::metadata(place.dirs.events()).unwrap().len();
        assert!(size <= bounds.bytes + 1000, "{size}");
    }
    let (events, _) = read(&place.dirs).unwrap();
    let of =
        |name: &str| events.iter().filter(|one| one.event.object.as_ref().unwrap().as_str() == name).count();
    assert_eq!(of("quiet"), 1);
    assert!((50..=100).contains(&of("noisy")), "{}", of("noisy"));
    assert_eq!(events.last().unwrap().event.message, "number 1999");
    assert!(events.is_sorted_by_key(|one| one.seq));
    // What is kept can still be counted in, at its new place.
    let _ = log.write(&[event("noisy", "number 1999", 7)], at(2));
    let (events, _) = read(&place.dirs).unwrap();
    assert_eq!((events.last().unwrap().times, events.last().unwrap().event.pid), (2, Some(Pid(7))));
}

#[test]
fn a_follower_is_given_what_is_new_and_what_is_counted() {
    let place = place();
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let _ = log.write(&[event("a", "before", 1)], at(0));
    let mut follower = Follower::new(&place.dirs).unwrap();
    assert_eq!(follower.fresh().unwrap(), []);
    let (written, _) = log.write(&[event("a", "before", 2), event("b", "after", 3)], at(1));
    let fresh = follower.fresh().unwrap();
    assert_eq!(fresh.iter().map(|one| (one.seq, one.times)).collect::<Vec<_>>(), [(1, 2), (2, 1)]);
    assert_eq!(fresh[1].event, written[1].event);
    assert_eq!(follower.fresh().unwrap(), []);
}

#[test]
fn what_can_not_be_written_is_counted_and_said_once() {
    let place = place();
    fs::create_dir(place.dirs.events()).unwrap();
    let mut log = EventLog::open(&place.dirs, &boot(), Bounds::default());
    let (recorded, trouble) = log.write(&[event("a", "one", 1)], at(0));
    assert!(recorded.is_empty() && trouble.is_some_and(|text| text.contains("events.jsonl")));
    assert_eq!(log.write(&[event("a", "two", 1)], at(1)).1, None, "it is said once");
    fs::remove_dir(place.dirs.events()).unwrap();
    let _ = log.write(&[event("a", "three", 1)], at(2));
    let messages: Vec<String> = told(&place).into_iter().map(|row| row.2).collect();
    assert_eq!(messages, ["2 events could not be written down", "three"]);
}
