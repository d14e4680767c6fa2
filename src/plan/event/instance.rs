//! What became of the instances of one object, from its record before and after a decision.

use std::collections::BTreeSet;

use super::rule;
use super::{Event, EventKind};
use crate::facts::ProcessKey;
use crate::plan::Change;
use crate::plan::memory::{Exit, Instance, Phase, Record};

/// By index.
pub(super) fn events(was: Option<&Record>, is: &Record, changes: &[&Change], found: &mut Vec<Event>) {
    let Some(was) = was else { return };
    let indexes: BTreeSet<u32> = was.instances.keys().chain(is.instances.keys()).copied().collect();
    for index in indexes {
        let change = changes.iter().find(|change| change.index == index).copied();
        let (before, after) = (was.instances.get(&index), is.instances.get(&index));
        let begin = found.len();
        let Some(before) = before else { continue };
        found.extend(of_process(before, after));
        found.extend(of_intent(before, after));
        found.extend(of_stop(before, after, (is, index), change));
        found.extend(of_command(before, after));
        found.iter_mut().skip(begin).for_each(|event| event.index = Some(index));
    }
}

fn of_key(kind: EventKind, reason: &str, message: String, key: &ProcessKey) -> Event {
    Event { pid: Some(key.pid), start_ticks: Some(key.start), ..Event::new(kind, reason, message) }
}

/// The process on record ended, or another one took its place.
fn of_process(before: &Instance, after: Option<&Instance>) -> Option<Event> {
    let process = before.phase.process()?;
    let key = &process.key;
    match after.and_then(|after| after.phase.process()) {
        Some(now) if now.key == *key => None,
        // Who follows goes on as the same process on record; one that began there later was adopted in its place.
        Some(now) if now.since == process.since => {
            let message = "the process that it brought forth takes its place".to_owned();
            Some(of_key(EventKind::Followed, "Followed", message, &now.key))
        }
        Some(_) | None => {
            let exit = ended(before, after);
            let (reason, message) = exit_words(&exit);
            let event = of_key(EventKind::Exited, reason, message, key);
            Some(Event { exit: Some(exit), ..event })
        }
    }
}

/// An instance that is no longer there was stopped, if it was being stopped.
fn ended(before: &Instance, after: Option<&Instance>) -> Exit {
    let stopping = matches!(before.phase, Phase::Stopping { exited: None, .. });
    match after.and_then(|after| after.last_exit.clone()) {
        Some(exit) => exit,
        None if stopping => Exit::Stopped,
        None => Exit::Unknown,
    }
}

fn exit_words(exit: &Exit) -> (&'static str, String) {
    match exit {
        Exit::Code(code) => ("ExitCode", format!("it exited with code {code}")),
        Exit::Signal(signal) => ("Signal", format!("it died by signal {signal}")),
        Exit::OutOfMemory => ("OutOfMemory", "it was killed for want of memory".into()),
        Exit::Unknown => ("Unknown", "it ended, and nobody knows how".into()),
        Exit::Unwatched => ("Unwatched", "it ended while no engine watched it".into()),
        Exit::Stopped => ("Stopped", "it was stopped".into()),
    }
}

/// A start whose result was not on record, since an engine was killed in between.
fn of_intent(before: &Instance, after: Option<&Instance>) -> Option<Event> {
    let Phase::Intended { .. } = before.phase else { return None };
    let after = after?;
    match (&after.phase, after.phase.process()) {
        (_, Some(process)) => {
            let message = "a start that was under way when the engine ended has happened".to_owned();
            Some(of_key(EventKind::Started, "FoundStarted", message, &process.key))
        }
        (Phase::Vacant | Phase::BackOff { .. } | Phase::Finished, None) => {
            let message = "a start that was under way when the engine ended did not happen";
            Some(Event::new(EventKind::NotStarted, "NothingRan", message))
        }
        (
            Phase::Intended { .. } | Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. },
            None,
        ) => None,
    }
}

/// A stop begins.
fn of_stop(
    before: &Instance,
    after: Option<&Instance>,
    (record, index): (&Record, u32),
    change: Option<&Change>,
) -> Option<Event> {
    let Phase::Stopping { process, because, exited, .. } = &after?.phase else { return None };
    if matches!(before.phase, Phase::Stopping { .. }) {
        return None;
    }
    let reason = if exited.is_some() { "LeftBehind" } else { "Decided" };
    let (who, rule) = rule::of_stop(record, index, after?, change);
    let fields = change.map(|change| change.fields.iter().map(|field| field.field.clone()).collect());
    let event = of_key(EventKind::Stopping, reason, because.clone(), &process.key);
    Some(Event { who, rule, fields: fields.unwrap_or_default(), ..event })
}

/// A command that runs for it failed.
fn of_command(before: &Instance, after: Option<&Instance>) -> Option<Event> {
    let (purpose, error) = after?.command_error.as_deref()?;
    if before.command_error == after?.command_error {
        return None;
    }
    let event = Event::new(EventKind::CommandFailed, "Failed", error.clone());
    Some(Event { rule: Some(purpose.word().into()), ..event })
}
