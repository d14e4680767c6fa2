//! What becomes of an object that is not to run: stopped, removed, released, suspended or only observed.

use std::collections::BTreeMap;

use super::action::Action;
use super::draft::{Doing, Draft};
use super::life::{self, Event};
use super::memory::{Instance, Instances, Phase, Record};
use super::observation::Seen;
use super::status::{ConditionStatus, ConditionType};
use super::{occupy, phase, stop};
use crate::facts::ProcessKey;
use crate::spec::RemovePolicy;
use crate::units::WallTime;

pub(super) fn stop_all(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    because: &str,
    by_document: bool,
    draft: &mut Draft<'_>,
) {
    let Record { spec, instances, .. } = record;
    for (index, instance) in instances.iter_mut().rev() {
        match &instance.phase {
            Phase::Starting { .. } | Phase::Running { .. } => {
                let is_over = is_starter_done(events, *index) && stop::left_behind(instance, spec).is_empty();
                if life::is_unknown(events, *index) || is_over {
                    continue;
                }
                if let Some(waits) = draft.stop_waits.clone() {
                    draft.change(*index, Doing::Stop, waits);
                    continue;
                }
                draft.disturbs |= by_document;
                if by_document && draft.guarded {
                    draft.hold_mass_change(*index, "not stopped");
                } else {
                    stop::begin(instance, spec, because.to_owned(), false, draft);
                    draft.change(*index, Doing::Stop, because);
                }
            }
            Phase::BackOff { .. } | Phase::Finished => instance.phase = Phase::Vacant,
            Phase::Vacant | Phase::Intended { .. } | Phase::Stopping { .. } => {}
        }
    }
    // The count of failures doesn't outlive the wish to run.
    for instance in instances.values_mut().filter(|instance| instance.phase == Phase::Vacant) {
        instance.forget_failures();
        instance.last_error = None;
    }
    let replicas = spec.replicas;
    instances.retain(|index, instance| *index < replicas || !is_settled(instance));
}

/// Nothing runs, and nothing has to be done after it.
fn is_settled(instance: &Instance) -> bool {
    instance.phase == Phase::Vacant && instance.errand.is_none()
}

fn is_starter_done(events: &BTreeMap<u32, Event>, index: u32) -> bool {
    matches!(events.get(&index), Some(Event::StarterDone { .. }))
}

pub(super) fn remove_all(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    policy: Option<RemovePolicy>,
    draft: &mut Draft<'_>,
) {
    let because = "its document is gone";
    let released: Vec<(u32, ProcessKey)> = record
        .instances
        .iter()
        .filter(|(_, instance)| phase::runs(instance))
        .filter_map(|(index, instance)| Some((*index, instance.phase.process()?)))
        .filter(|(_, process)| {
            let default = if process.adopted { RemovePolicy::Release } else { RemovePolicy::Stop };
            policy.unwrap_or(default) == RemovePolicy::Release
        })
        .map(|(index, process)| (index, process.key.clone()))
        .collect();
    // Kept aside, so that the rest is simply stopped.
    let mut kept = Instances::default();
    for (index, key) in released {
        draft.step(index, Action::Release { key }, because);
        draft.change(index, Doing::Release, because);
        if let Some(instance) = record.instances.remove(&index) {
            kept.insert(index, instance);
        }
    }
    // Whether too much would go at once was asked where the removal was accepted, with a question of its own.
    stop_all(record, events, because, false, draft);
    record.instances.retain(|_, instance| !is_settled(instance));
    record.instances.append(&mut kept);
}

/// Lets go of what runs. A stop that is under way comes to its end first.
pub(super) fn release_all(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    by: &str,
    draft: &mut Draft<'_>,
) {
    let message = format!("let go by {by}: left alone until its document changes, or `start` or `adopt`");
    for (index, instance) in record.instances.iter().filter(|(_, instance)| phase::runs(instance)) {
        if life::is_unknown(events, *index) {
            continue;
        }
        if let Some(process) = instance.phase.process() {
            draft.step(*index, Action::Release { key: process.key.clone() }, format!("{by} asked for it"));
            draft.change(*index, Doing::Release, format!("{by} asked for it"));
        }
    }
    for instance in record.instances.values_mut() {
        if matches!(instance.phase, Phase::BackOff { .. } | Phase::Finished) {
            instance.phase = Phase::Vacant;
        }
    }
    draft.find(ConditionType::Progressing, ConditionStatus::False, "Released", &message);
}

/// Nothing is started, stopped, asked or restarted; what happens to it is followed.
pub(super) fn suspend(record: &mut Record, because: &str, until: Option<WallTime>, draft: &mut Draft<'_>) {
    let message = format!("left alone: {because}");
    let indexes: Vec<u32> =
        if record.instances.is_empty() { vec![0] } else { record.instances.keys().copied().collect() };
    for index in indexes {
        draft.hold(index, (ConditionType::Suspended, ConditionStatus::True), "Suspended", &message);
    }
    for instance in record.instances.values_mut() {
        instance.asked.clear();
    }
    if let Some(until) = until {
        draft.wake_at(until);
    }
}

pub(super) fn observe_only(record: &Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let look = seen.and_then(|seen| seen.look.as_ref());
    let found: Vec<_> = look.map(|look| look.candidates.iter().collect()).unwrap_or_default();
    let message = if found.is_empty() {
        "observed only".to_owned()
    } else {
        format!("observed only: {} matches", occupy::pids(&found))
    };
    let indexes =
        if record.instances.is_empty() { vec![0] } else { record.instances.keys().copied().collect() };
    for index in indexes {
        draft.change(index, Doing::Nothing, message.clone());
    }
    draft.find(ConditionType::Progressing, ConditionStatus::False, "Observed", &message);
}
