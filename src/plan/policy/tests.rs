//! What looks in a row lead to, as tables.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::facts::Why;
use crate::spec::policy::{ActionLimit, CountRange};
use crate::spec::{Expression, StopCommand};
use crate::units::{BootId, Pid, Signal, StartTicks};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn policy() -> Policy {
    let mut policy = Policy::new(name("p"));
    policy.subject = Some(Expression::new("true"));
    policy.actions = vec![PolicyAction::Signal(vec![(Signal::TERM, Duration::ZERO)])];
    policy.dry_run = Some(false);
    policy.limit = ActionLimit { count: 10, per: Duration::from_mins(1) };
    policy
}

/// `7x 8. 9?`: pid 7 violates, 8 doesn't, of 9 it isn't known; `7x@web` is the Service's; `!` in front: spared. `~` alone: not
/// everybody was seen; `*` one of which it isn't known whether it matches.
fn look(text: &str) -> PolicyLook {
    let mut look = PolicyLook { complete: true, ..PolicyLook::default() };
    for word in text.split_whitespace() {
        match word {
            "~" => look.complete = false,
            "*" => look.unsure += 1,
            _ => {
                let (word, owner) = word.split_once('@').map_or((word, None), |(w, o)| (w, Some(name(o))));
                let bare = word.trim_start_matches('!');
                let (pid, state) = bare.split_at(bare.len() - 1);
                look.subjects.push(Subject {
                    key: key(pid.parse().unwrap()),
                    violates: match state {
                        "x" => Fact::Known(true),
                        "." => Fact::Known(false),
                        _ => Fact::unknown(Why::Denied),
                    },
                    owner,
                    spared: word.starts_with('!').then_some("a kernel thread"),
                    shown: Shown::default(),
                });
            }
        }
    }
    look
}

fn key(pid: i32) -> ProcessKey {
    let start = StartTicks(u64::try_from(pid).unwrap());
    ProcessKey { boot: BootId("b".into()), pid: Pid(pid), start }
}

/// Looks ten seconds apart; what follows from each: `signal 7`, `signal 7 (Limit)`, `signal -` without a process.
#[track_caller]
fn course(policy: &Policy, looks: &[&str], expected: &[&str]) {
    let (mut memory, mut fights) = (PolicyMemory::default(), Fights::default());
    let mut found = Vec::new();
    for (round, text) in (0..).zip(looks) {
        let now = BootTime(Duration::from_secs(100 + 10 * round));
        let outcome = decide(policy, &look(text), &mut memory, &mut fights, now);
        let step = |step: &PolicyStep| {
            let pid = step.process.as_ref().map_or("-".to_owned(), |key| key.pid.to_string());
            let why = step.withheld.as_ref().map_or(String::new(), |why| format!(" ({})", why.word()));
            format!("{} {pid}{why}", step.action.word())
        };
        found.push(outcome.steps.iter().map(step).collect::<Vec<_>>().join(", "));
    }
    assert_eq!(found, expected, "{looks:?}");
}

#[test]
fn each_process_is_dealt_with_once_until_it_ceases() {
    course(
        &policy(),
        &["7x 8. 9?", "7x 8. 9x", "7. 8x 9x", "7x"],
        &["signal 7", "signal 9", "signal 8", "signal 7"],
    );
    course(&policy(), &["7x", "7?", "~", "7x", ""], &["signal 7", "", "", "", ""]);
    course(&policy(), &["7x", "", "7x"], &["signal 7", "", "signal 7"]);
}

#[test]
fn who_may_be_touched_is_said_by_the_document_and_by_what_it_is() {
    course(&policy(), &["!7x 8x"], &["signal 7 (Spared), signal 8"]);
    let mut one = policy();
    one.dry_run = None;
    course(&one, &["7x 8x@web"], &["signal 7 (NotOwned), signal 8"]);
    one.dry_run = Some(true);
    course(&one, &["7x 8x@web"], &["signal 7 (DryRun), signal 8 (DryRun)"]);
    one.dry_run = Some(false);
    one.actions = vec![PolicyAction::Restart];
    course(&one, &["7x 8x@web"], &["restart 7 (NoService), restart 8"]);
}

#[test]
fn what_follows_from_one_violation_is_one_act_of_the_limit() {
    let mut one = policy();
    one.limit = ActionLimit { count: 1, per: Duration::from_secs(25) };
    let command =
        StopCommand { command: vec!["/bin/true".into()], timeout: Duration::from_secs(1), user: None };
    one.actions = vec![PolicyAction::Report, PolicyAction::Exec(command), one.actions[0].clone()];
    course(
        &one,
        &["7x 8x", "7x 8x", "8x", "8x", "8x"],
        &[
            "report 7, exec 7, signal 7, report 8, exec 8 (Limit), signal 8 (Limit)",
            "",
            "",
            "exec 8, signal 8",
            "",
        ],
    );
    // What isn't so any more is not made up for.
    course(
        &one,
        &["7x 8x", "7x 8.", "8.", "8.", "8x"],
        &[
            "report 7, exec 7, signal 7, report 8, exec 8 (Limit), signal 8 (Limit)",
            "",
            "",
            "",
            "report 8, exec 8, signal 8",
        ],
    );
    one.limit.count = 0;
    course(&one, &["7x", "7x"], &["report 7, exec 7 (Limit), signal 7 (Limit)", ""]);
}

#[test]
fn too_many_are_the_youngest_and_too_few_are_nobody() {
    let mut one = policy();
    one.count = Some(CountRange { least: 1, most: Some(1) });
    course(&one, &["7x", "7x 8x 9x", "7x 8x 9x", "7x 9x 10x"], &["", "signal 8, signal 9", "", "signal 10"]);
    course(&one, &["", "~", "*", "", "7x", ""], &["signal - (Nobody)", "", "", "", "", "signal - (Nobody)"]);
    // One of which it isn't known is none too many.
    course(&one, &["7x 8?", "7x *", "7x ~", "7x 8x ~"], &["", "", "", "signal 8"]);
    one.limit = ActionLimit { count: 1, per: Duration::from_secs(15) };
    course(
        &one,
        &["7x 8x 9x", "7x 9x", "7x 9x", "7x 9x"],
        &["signal 8, signal 9 (Limit)", "", "signal 9", ""],
    );
}

#[test]
fn what_is_intended_is_owed_until_it_is_settled() {
    let (mut memory, mut fights) = (PolicyMemory::default(), Fights::default());
    let at = |seconds| BootTime(Duration::from_secs(seconds));
    let mut intend = |memory: &mut PolicyMemory, now| {
        let outcome = intend(&policy(), &look("7x"), memory, &mut fights, at(now));
        outcome.steps.len()
    };
    assert_eq!(intend(&mut memory, 1), 1);
    assert_eq!(intend(&mut memory, 2), 1, "nobody said that it is done");
    memory.settle(Some(&key(7)));
    assert_eq!(intend(&mut memory, 3), 0);
    assert_eq!(memory.violated(), Some((1, at(1))));
}
