//! Signals that wait between them: each with the same proofs as the first, also after the death of the engine.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use selfsame::facts::{Fact, Why as Unknown};
use selfsame::host::policy::{Done, Why};
use selfsame::plan::memory::Exit;
use selfsame::spec::policy::{Policy, PolicyAction};
use selfsame::units::Signal;

use super::{Stage, lives, now, policy, sleeper, started, step, yes};
use crate::support::{Guarded, eventually, exit};

/// So short that tests don't wait, so long that what comes in between is in between.
const WAIT: Duration = Duration::from_millis(150);

fn term_then_kill() -> Policy {
    policy(vec![PolicyAction::Signal(vec![(Signal::TERM, WAIT), (Signal::KILL, Duration::from_secs(5))])])
}

/// Says when it is deaf to TERM.
fn deaf() -> (Guarded, selfsame::facts::ProcessKey) {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let script = format!("trap '' TERM; : > {}; while :; do sleep 0.05; done", ready.display());
    let (process, key) = started(&["/bin/sh", "-c", &script]);
    eventually("deaf", || ready.exists().then_some(()));
    (process, key)
}

#[test]
fn one_signal_is_done_at_once() {
    let (process, key) = sleeper();
    let mut stage = Stage::new();
    let policy = policy(vec![PolicyAction::Signal(vec![(Signal::HUP, Duration::ZERO)])]);
    let done = stage.act(&policy, &step(&policy, &key), &yes);
    assert_eq!(done, Ok(Done::Done("HUP was sent".into())));
    assert_eq!(exit(&process.0), Exit::Signal(Signal::HUP));
    assert_eq!(stage.act(&policy, &step(&policy, &key), &yes), Err(Why::Gone));
}

#[test]
fn what_goes_by_term_is_not_killed() {
    let (_process, key) = sleeper();
    let mut stage = Stage::new();
    let policy = policy(vec![PolicyAction::Stop]);
    let begun = stage.act(&policy, &step(&policy, &key), &yes);
    assert_eq!(begun, Ok(Done::Begun("TERM was sent; KILL follows in 30s".into())));
    let again = stage.act(&policy, &step(&policy, &key), &yes).unwrap_err();
    assert!(again.to_string().contains("under way") || again == Why::Gone, "{again}");
    let ended = stage.until_ended(&policy, &yes);
    assert_eq!((ended.process, ended.action), (Some(key), PolicyAction::Stop));
    assert_eq!(ended.outcome, Ok("it died by signal TERM after TERM".into()));
    assert_eq!(stage.host().deadline(), None, "nothing is left to do");
}

#[test]
fn what_is_deaf_is_killed_when_its_time_has_come() {
    let (_process, key) = deaf();
    let mut stage = Stage::new();
    let policy = term_then_kill();
    let before = now();
    stage.act(&policy, &step(&policy, &key), &yes).unwrap();
    let due = stage.host().deadline().unwrap();
    assert!(due >= before.after(WAIT) && due <= now().after(WAIT));
    let ended = stage.until_ended(&policy, &yes);
    assert_eq!(ended.outcome, Ok("it died by signal KILL after KILL".into()));
    assert!(now() >= due);
}

#[test]
fn what_is_no_longer_meant_is_not_killed() {
    let mut stage = Stage::new();
    let policy = term_then_kill();
    let answers: [(&dyn Fn() -> Fact<bool>, Why); 2] =
        [(&|| Fact::Known(false), Why::NoLonger), (&|| Fact::Absent, Why::Gone)];
    for (answer, why) in answers {
        let (_process, key) = deaf();
        stage.act(&policy, &step(&policy, &key), &yes).unwrap();
        let ended = stage.until_ended(&policy, &|_, _, _| answer());
        match why {
            Why::Gone => assert_eq!(ended.outcome, Ok("it is gone after TERM".into())),
            why => assert_eq!(ended.outcome, Err(why)),
        }
        assert!(lives(&key), "it was killed");
    }
}

#[test]
fn what_cannot_be_told_is_asked_again_and_does_not_hold_the_loop() {
    let (_process, key) = deaf();
    let mut stage = Stage::new();
    let policy = term_then_kill();
    stage.act(&policy, &step(&policy, &key), &yes).unwrap();
    let asked = Cell::new(0);
    let ended = stage.until_ended(&policy, &|_, _, _| {
        asked.set(asked.get() + 1);
        if asked.get() < 2 { Fact::unknown(Unknown::Denied) } else { Fact::Known(true) }
    });
    assert_eq!(asked.get(), 2);
    assert_eq!(ended.outcome, Ok("it died by signal KILL after KILL".into()));
}

#[test]
fn a_policy_that_is_gone_or_only_says_ends_its_course() {
    let mut stage = Stage::new();
    let policy = term_then_kill();
    let dry = Policy { dry_run: Some(true), ..policy.clone() };
    let by_default = Policy { dry_run: None, ..policy.clone() };
    let other = Policy { actions: vec![PolicyAction::Stop], ..policy.clone() };
    for then in [None, Some(dry), Some(by_default), Some(other)] {
        let (_process, key) = deaf();
        stage.act(&policy, &step(&policy, &key), &yes).unwrap();
        let in_force: BTreeMap<_, _> =
            then.map(|then| (then.name.clone(), then.into())).into_iter().collect();
        let ended = stage.host().go_on_for_policies(&in_force, &yes).pop().unwrap();
        assert_eq!(ended.outcome, Err(Why::Refused("the policy no longer asks for it".into())));
        assert!(lives(&key));
    }
    assert_eq!(stage.host().deadline(), None);
}

#[test]
fn the_next_engine_goes_on_where_the_last_one_died() {
    let (_process, key) = deaf();
    let mut stage = Stage::new();
    let policy = term_then_kill();
    stage.act(&policy, &step(&policy, &key), &yes).unwrap();
    stage.again();
    assert!(stage.host().deadline().is_some());
    let ended = stage.until_ended(&policy, &yes);
    assert_eq!(ended.process, Some(key.clone()));
    assert_eq!(ended.outcome, Ok("it died by signal KILL after KILL".into()));
    stage.again();
    assert_eq!(stage.host().deadline(), None, "what ended is not begun again");
}

#[test]
fn a_course_of_another_boot_or_form_is_none() {
    let (_process, key) = sleeper();
    let mut stage = Stage::new();
    let policy = term_then_kill();
    stage.act(&policy, &step(&policy, &key), &yes).unwrap();
    let file = stage.base.path().join("run/courses.json");
    let text = std::fs::read_to_string(&file).unwrap();
    for text in [text.replace(&*key.boot.0, "another"), text.replace("\"sent\"", "\"new\""), "[".into()] {
        std::fs::write(&file, text).unwrap();
        stage.again();
        assert_eq!(stage.host().deadline(), None);
        assert!(stage.host().go_on_for_policies(&BTreeMap::new(), &yes).is_empty());
    }
}
