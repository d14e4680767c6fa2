//! What is asked of running instances: reloads and signals. Asked for by a person, by a change, by a condition that
//! came true; on record until it is done.

use std::time::Duration;

use super::action::{Action, Outcome};
use super::draft::{Doing, Draft};
use super::errand;
use super::memory::{Ask, Asked, Instance, Phase, Process, Purpose, Record};
use super::observation::{ProcessSeen, Seen};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::{Reload, Service};
use crate::units::Signal;

/// Wait before a signal that could not be sent is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Has a running instance read its configuration anew, as its document says how. False where the document says
/// nothing of it, or nothing runs. Asked again before it is done, it is done once.
pub(super) fn reload(instance: &mut Instance, spec: &Service, because: &str) -> bool {
    if spec.reload.is_none() || !runs(instance) {
        return false;
    }
    if !instance.asked.iter().any(|asked| asked.what == Ask::Reload) {
        instance.asked.push(Asked { what: Ask::Reload, because: because.to_owned() });
    }
    true
}

fn runs(instance: &Instance) -> bool {
    match &instance.phase {
        Phase::Starting { starter, .. } => !starter,
        Phase::Running { .. } => true,
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// Whether something is asked of it, or a reload of it is under way.
pub(super) fn is_busy(instance: &Instance) -> bool {
    let reloads = instance.errand.as_ref().is_some_and(|errand| errand.purpose == Purpose::Reload);
    reloads || !instance.asked.is_empty()
}

/// Does the oldest of what is asked of each instance.
pub(super) fn go_on(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let spec = std::sync::Arc::clone(&record.spec);
    for (index, instance) in &mut record.instances {
        if !runs(instance) {
            // What ran when it was asked is gone; a new process reads everything anew.
            instance.asked.clear();
            continue;
        }
        let Some(ProcessSeen::Alive(alive)) = seen.and_then(|seen| seen.processes.get(index)) else {
            continue;
        };
        let Some(first) = instance.asked.first().cloned() else { continue };
        if instance.errand.is_some() {
            continue;
        }
        if let Some(process) = instance.phase.process()
            && let Some((status, message)) = not_ours(process, &alive.still_ours)
        {
            draft.find(ConditionType::Owned, status, "NotSignalled", &message);
            continue;
        }
        do_it(instance, *index, &first, &spec, draft);
    }
}

/// An adopted process is signalled only while it satisfies the rule that it was adopted by.
fn not_ours(process: &Process, still_ours: &Fact<bool>) -> Option<(ConditionStatus, String)> {
    process.adopted_by.as_ref()?;
    let pid = process.key.pid;
    let (status, words) = match still_ours {
        Fact::Known(true) => return None,
        Fact::Known(false) | Fact::Absent => (ConditionStatus::False, "it no longer matches".to_owned()),
        Fact::Unknown(reason) => {
            (ConditionStatus::Unknown, format!("cannot tell whether it still matches ({reason})"))
        }
    };
    Some((status, format!("{pid} is not signalled: {words} the rule that it was adopted by")))
}

fn do_it(instance: &mut Instance, index: u32, asked: &Asked, spec: &Service, draft: &mut Draft<'_>) {
    let signal = match (asked.what, &*spec.reload) {
        (Ask::Signal(signal), _) => Some(signal),
        (Ask::Reload, Some(Reload::Signal(signal))) => Some(*signal),
        (Ask::Reload, Some(Reload::Command { .. })) => {
            instance.asked.remove(0);
            errand::begin(instance, spec, Purpose::Reload, draft.now.boot);
            None
        }
        (Ask::Reload, None) => {
            instance.asked.remove(0);
            None
        }
    };
    if asked.what == Ask::Reload {
        draft.change(index, Doing::Reload, asked.because.clone());
    }
    let (Some(signal), Some(process)) = (signal, instance.phase.process()) else { return };
    draft.wake(draft.now.boot.after(RETRY));
    let (key, adopted_by) = (process.key.clone(), process.adopted_by.clone());
    draft.step(index, Action::Signal { key, signal, adopted_by }, asked.because.clone());
}

/// A signal that was asked for was sent, or nobody is there to get it.
pub(super) fn signalled(instance: &mut Instance, spec: &Service, signal: Signal, outcome: &Outcome) {
    match outcome {
        Outcome::Done | Outcome::Gone => {}
        Outcome::Started(_)
        | Outcome::StartFailed { .. }
        | Outcome::Refused { .. }
        | Outcome::NotLive { .. } => return,
    }
    let is_it = |asked: &Asked| match (asked.what, &*spec.reload) {
        (Ask::Signal(wanted), _) => wanted == signal,
        (Ask::Reload, Some(Reload::Signal(wanted))) => *wanted == signal,
        (Ask::Reload, Some(Reload::Command { .. }) | None) => false,
    };
    if instance.asked.first().is_some_and(is_it) {
        instance.asked.remove(0);
    }
}
