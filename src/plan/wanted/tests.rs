//! What is put on record, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::plan::memory::Record;
use crate::spec::{Reload, Service, Suspend};
use crate::units::{BootId, BootTime};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn now() -> Now {
    Now { boot: BootTime(Duration::from_secs(5)), wall: WallTime(Duration::from_secs(50)) }
}

/// `shop` and `web` of the team `front`, `web` with a reload; `db`, which its document suspends.
fn memory() -> Memory {
    let mut memory = Memory::new(BootId("boot-1".into()));
    for text in ["db", "shop", "web"] {
        let mut spec = Service::new(name(text), PathBuf::from("/srv/x"));
        let team = if text == "db" { "back" } else { "front" };
        spec.labels.insert("team".into(), team.into());
        spec.reload = (text == "web").then_some(Reload::Signal(Signal::HUP)).into();
        spec.suspend = (text == "db").then(|| Suspend { reason: "moved".into(), until: None }).into();
        memory.services.insert(name(text), Arc::new(Record::new(spec)));
    }
    memory
}

fn named(names: &[&str]) -> Objects {
    Objects { names: names.iter().map(ToString::to_string).collect(), ..Objects::default() }
}

fn labelled(text: &str) -> Objects {
    Objects { selector: parse_selector(text).unwrap(), ..Objects::default() }
}

fn all() -> Objects {
    Objects { all: true, ..Objects::default() }
}

#[test]
fn objects_are_chosen_by_name_by_label_or_all() {
    let rows: [(Wanted, Result<&[&str], &str>); 12] = [
        (Wanted::Stop { objects: named(&["web", "db"]), until: None }, Ok(&["db", "web"])),
        (Wanted::Stop { objects: all(), until: None }, Ok(&["db", "shop", "web"])),
        (Wanted::Restart(labelled("team=front")), Ok(&["shop", "web"])),
        (Wanted::Restart(labelled("team==back")), Ok(&["db"])),
        (
            Wanted::Restart(labelled("team=back,tier=1")),
            Err("no object with `team=back,tier=1` is on record"),
        ),
        (Wanted::Start { objects: Objects::default(), until: None }, Err("no object was named")),
        (
            Wanted::Start { objects: named(&["shpo"]), until: None },
            Err("no object `shpo` is on record; did you mean `shop`?"),
        ),
        (
            Wanted::Start { objects: named(&["NOT A NAME"]), until: None },
            Err("no object `NOT A NAME` is on record"),
        ),
        (
            Wanted::Reload(named(&["shop"])),
            Err("`shop` has no `reload` in its document; `selfsame restart shop` restarts it"),
        ),
        (Wanted::Reload(all()), Ok(&["web"])),
        (
            Wanted::Resume(named(&["db"])),
            Err("`db` is suspended by its document, which has to say otherwise"),
        ),
        (Wanted::Resume(labelled("team=front")), Ok(&["shop", "web"])),
    ];
    for (wanted, expected) in rows {
        let before = memory();
        let mut after = before.clone();
        match (wanted.record(&mut after, "ann", now()), expected) {
            (Ok(names), Ok(expected)) => {
                assert_eq!(names.iter().map(ServiceName::as_str).collect::<Vec<_>>(), expected, "{wanted}");
                for (name, record) in &after.services {
                    let touched =
                        names.contains(name) && !matches!(wanted, Wanted::Reload(_) | Wanted::Resume(_));
                    assert_eq!(*record != before.services[name], touched, "{wanted}: {name}");
                }
            }
            (Err(problems), Err(expected)) => {
                assert_eq!(problems, [expected], "{wanted}");
                assert_eq!(after, before, "{wanted}: refused, and nothing changed");
            }
            (found, expected) => panic!("{wanted}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = Wanted::Stop { objects: named(&["x", "shop", "y"]), until: None }
        .record(&mut memory(), "ann", now())
        .unwrap_err();
    assert_eq!(problems.len(), 2);
}

#[test]
fn a_suspension_says_who_since_when_and_why() {
    let mut after = memory();
    let until = Some(WallTime(Duration::from_secs(99)));
    let wanted = Wanted::Suspend { objects: named(&["shop"]), reason: "a move".into(), until };
    wanted.record(&mut after, "ann", now()).unwrap();
    let suspension = after.services[&name("shop")].suspension.clone().unwrap();
    assert_eq!((suspension.by.as_str(), suspension.at, suspension.until), ("ann", now().wall, until));
    Wanted::Resume(named(&["shop"])).record(&mut after, "ben", now()).unwrap();
    assert_eq!(after, memory());
}

/// A second word took the place of the first one, with who said it and why.
#[test]
fn who_suspends_it_once_more_takes_nothing_from_the_first() {
    let mut memory = memory();
    let at = |seconds: u64| WallTime(now().wall.0 + Duration::from_secs(seconds));
    let mut suspend = |by: &str, reason: &str, until: Option<WallTime>, seconds: u64| {
        let wanted = Wanted::Suspend { objects: named(&["shop"]), reason: reason.into(), until };
        wanted.record(&mut memory, by, Now { wall: at(seconds), ..now() }).unwrap();
        let suspension = memory.services[&name("shop")].suspension.clone().unwrap();
        (suspension.said(|word| format!("{} {}", word.by, word.reason)), suspension.until())
    };
    assert_eq!(suspend("ann", "a move", Some(at(60)), 0), ("ann a move".into(), Some(at(60))));
    assert_eq!(suspend("ben", "a test", Some(at(30)), 1), ("ann a move and ben a test".into(), Some(at(60))));
    assert_eq!(
        suspend("ben", "more", None, 2),
        ("ann a move and ben more".into(), None),
        "his own is replaced"
    );
    assert_eq!(suspend("cem", "", None, 90).0, "ben more and cem ", "what is over is gone");
}

#[test]
fn requests_are_told_as_they_are_typed() {
    let suspend = Wanted::Suspend { objects: labelled("team=front"), reason: String::new(), until: None };
    let rows = [
        (Wanted::Stop { objects: named(&["shop", "web"]), until: None }, "stop shop web"),
        (Wanted::Restart(all()), "restart --all"),
        (suspend, "suspend -l team=front"),
        (Wanted::Signal { objects: named(&["web"]), signal: Signal::HUP }, "signal HUP web"),
        (Wanted::Apply { confirmed: true, prune: BTreeSet::new() }, "apply, confirmed"),
    ];
    for (wanted, expected) in rows {
        assert_eq!(wanted.to_string(), expected);
        let json = serde_json::to_string(&wanted).unwrap();
        assert_eq!(serde_json::from_str::<Wanted>(&json).unwrap(), wanted, "{json}");
    }
}

#[test]
fn a_task_that_nobody_named_is_not_run_and_no_longer_stopped() {
    let mut before = memory();
    let task = before.record_mut(&name("shop")).unwrap();
    let mut spec = Service::clone(&task.spec);
    spec.task = Some(crate::spec::TaskPlan::default()).into();
    task.spec = Arc::new(spec);
    let objects = |names: &[&str]| if names.is_empty() { all() } else { named(names) };
    let ask = |memory: &mut Memory, wanted: Wanted| wanted.record(memory, "ann", now()).unwrap();
    for (names, runs) in [(&[][..], false), (&["shop"], true)] {
        let mut after = before.clone();
        ask(&mut after, Wanted::Stop { objects: all(), until: None });
        assert!(after.services[&name("shop")].wish.is_some());
        ask(&mut after, Wanted::Start { objects: objects(names), until: None });
        let record = &after.services[&name("shop")];
        assert_eq!((record.wish.is_some(), record.task.asked.is_some()), (false, runs));
        let mut after = before.clone();
        let asked = ask(&mut after, Wanted::Restart(objects(names)));
        assert_eq!(asked.contains(&name("shop")), runs);
        assert_eq!(after.services[&name("shop")].task.asked.is_some(), runs);
    }
}
