//! What is written into the record of events.

use super::host::Began;
use crate::plan::event::{Event, EventKind, PolicyNote};
use crate::plan::policy::{PolicyStep, Violation, Withheld};
use crate::spec::policy::Policy;

/// Events of one policy in one turn; what is more is counted.
const TOLD_MAX: usize = 64;

/// It counts from now on.
pub(super) fn violated(policy: &Policy, violation: &Violation) -> Event {
    let message = violation.shown.message.clone().unwrap_or_else(|| violation.because.clone());
    let event = Event::new(EventKind::Violated, "Violated", message);
    let note = note(policy, violation.shown.exe.as_deref());
    of_process(Event { policy: Some(note), ..event }, policy, violation.process.as_ref())
}

/// Nothing was done.
pub(super) fn withheld(policy: &Policy, step: &PolicyStep, withheld: &Withheld) -> Event {
    let message = format!("`{}` is only said: {withheld}", step.action.word());
    let event = Event::new(EventKind::PolicyWithheld, withheld.word(), message);
    let note = PolicyNote {
        action: Some(step.action.word().to_owned()),
        withheld: Some(withheld.word().to_owned()),
        ..note(policy, step.shown.exe.as_deref())
    };
    of_process(Event { policy: Some(note), ..event }, policy, step.process.as_ref())
}

/// Something was done, or was tried.
pub(super) fn acted(policy: &Policy, step: &PolicyStep, came: &Result<String, String>) -> Event {
    let (kind, reason, message) = match came {
        Ok(what) => (EventKind::PolicyActed, "Acted", format!("{what}, because {}", step.because)),
        Err(why) => {
            (EventKind::PolicyFailed, "NotDone", format!("`{}` was not done: {why}", step.action.word()))
        }
    };
    let note =
        PolicyNote { action: Some(step.action.word().to_owned()), ..note(policy, step.shown.exe.as_deref()) };
    of_process(
        Event { policy: Some(note), ..Event::new(kind, reason, message) },
        policy,
        step.process.as_ref(),
    )
}

/// What had begun has ended.
pub(super) fn ended(policy: &Policy, ended: &Began) -> Event {
    let word = ended.action.word();
    let (kind, reason, message) = match &ended.outcome {
        Ok(what) => (EventKind::PolicyActed, "Ended", format!("`{word}` has ended: {what}")),
        Err(why) => (EventKind::PolicyFailed, "NotEnded", format!("`{word}` was not gone on with: {why}")),
    };
    let note = PolicyNote { action: Some(word.to_owned()), ..note(policy, None) };
    let event = Event { policy: Some(note), ..Event::new(kind, reason, message) };
    of_process(event, policy, ended.process.as_ref())
}

/// Nothing violates it any more.
pub(super) fn no_longer(policy: &Policy) -> Event {
    let event = Event::new(EventKind::NotViolated, "NotViolated", "nothing violates it any more");
    of_process(Event { policy: Some(note(policy, None)), ..event }, policy, None)
}

/// No more than a record can bear.
pub(super) fn bounded(policy: &Policy, mut events: Vec<Event>) -> Vec<Event> {
    let more = events.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        events.truncate(TOLD_MAX);
        let message = format!("{more} more of this look are not written down");
        let event = Event::new(EventKind::Violated, "More", message);
        events.push(of_process(Event { policy: Some(note(policy, None)), ..event }, policy, None));
    }
    events
}

fn note(policy: &Policy, exe: Option<&str>) -> PolicyNote {
    PolicyNote { severity: policy.severity, exe: exe.map(str::to_owned), action: None, withheld: None }
}

fn of_process(event: Event, policy: &Policy, process: Option<&crate::facts::ProcessKey>) -> Event {
    let origin = &policy.origin;
    let place = (!origin.file.is_empty()).then(|| format!("{}:{}", origin.file, origin.line));
    let rule = policy.when.as_ref().map(|when| format!("spec.when: {}", when.text));
    Event {
        rule,
        revision: place,
        pid: process.map(|key| key.pid),
        start_ticks: process.map(|key| key.start),
        ..event.of(&policy.name)
    }
}
