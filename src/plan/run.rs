//! Keeping an object running: take over or start what is missing, restart what is outdated, stop what is
//! too many.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::adjusting;
use super::aim::Aim;
use super::asked;
use super::backoff;
use super::binary;
use super::draft::{Doing, Draft};
use super::errand::{self, Standing};
use super::launch;
use super::life::{self, Event};
use super::live;
use super::memory::{Instance, Phase, Purpose, Record, Said};
use super::observation::Seen;
use super::outdated;
use super::phase;
use super::places;
use super::ready;
use super::recognized;
use super::stop;
use super::triggers;
use super::update;
use crate::spec::Service;

/// Everything about an object that shall run.
pub(super) fn run(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let spec = Arc::clone(&record.spec);
    for index in 0..spec.replicas {
        record.instances.get_or_new(index);
    }
    readiness(record, &spec, seen, draft);
    if update::roll_back(record, draft) {
        // What follows is decided by that document, from its next look.
        update::keep_good(record, draft);
        return;
    }
    greet(record, &spec, draft);
    stop_surplus(record, &spec, events, draft);
    // Once for all that compare, if any does: what runs is mostly as its document says.
    let prepared = seen.and_then(|seen| seen.prepared.as_ref()).and_then(|prepared| prepared.as_ref().ok());
    let present = LazyCell::new(|| launch::launched(&spec, prepared.map(|prepared| &**prepared)));
    outdated::restart_outdated(record, (&spec, &present), events, seen, draft);
    asked::go_on(record, seen, draft);
    adjusting::constrain(record, &spec, events, draft);
    adjusting::adjust_live(record, (&spec, &present), events, draft);
    recognized::tell(record, seen, draft);
    places::fill_places(record, &spec, seen, draft);
    update::keep_good(record, draft);
}

/// Readiness of what runs; what was not Ready in time is stopped.
fn readiness(record: &mut Record, spec: &Service, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let taken: Vec<_> =
        record.instances.values().filter_map(|i| Some(i.phase.process()?.key.clone())).collect();
    for (index, instance) in &mut record.instances {
        let Some(seen) = seen else { continue };
        let Some(super::observation::ProcessSeen::Alive(alive)) = seen.processes.get(index) else {
            continue;
        };
        if alive.health.said != Said::default() {
            instance.health.said.hear(&alive.health.said);
        }
        if let Some(main) = alive.health.main.clone().filter(|main| !taken.contains(main)) {
            life::follow(instance, &main);
            continue;
        }
        if *index < spec.replicas && ready::watch(instance, *index, (alive, seen), spec, draft) {
            let because = "it was not Ready within `startTimeout`".to_owned();
            instance.failures = instance.failures.saturating_add(1);
            instance.last_error = Some(because.clone());
            stop::begin(instance, spec, because.clone(), true, draft);
            draft.change(*index, Doing::Restart, because);
        } else if *index < spec.replicas {
            triggers::watch(instance, alive, spec, draft);
            binary::watch(instance, alive, spec, draft);
            recognized::note(instance, alive);
            if let Some(because) = live::watch(instance, *index, (alive, seen), spec, draft) {
                restart_unhealthy(instance, *index, because, spec, draft);
            }
        }
    }
}

/// It doesn't wait for its turn: nobody is served by it. The first time after a time in good health comes at once, as after
/// an exit; then it counts as a failure.
fn restart_unhealthy(
    instance: &mut Instance,
    index: u32,
    because: String,
    spec: &Service,
    draft: &mut Draft<'_>,
) {
    let counts = !backoff::spare(instance, draft.now.boot);
    if counts {
        instance.failures = instance.failures.saturating_add(1);
    }
    instance.last_error = Some(because.clone());
    instance.ask_restart(because.clone());
    stop::begin(instance, spec, because.clone(), counts, draft);
    draft.change(index, Doing::Restart, because);
}

/// `hooks.postStart` of what meets its readiness check since this tick.
fn greet(record: &mut Record, spec: &Service, draft: &mut Draft<'_>) {
    for instance in record.instances.values_mut() {
        if instance.greets && instance.errand.is_none() && matches!(instance.phase, Phase::Running { .. }) {
            errand::begin(instance, spec, Purpose::PostStart, draft.now.boot);
            instance.greets = instance.errand.is_some();
        }
    }
}

/// Moves the commands around processes on, and does what follows from their ends.
pub(super) fn after_errands(record: &mut Record, aim: &Aim, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let ended = errand::go_on(record, seen, draft);
    let Record { spec, instances, .. } = record;
    for (index, standing) in ended {
        let Some(instance) = instances.get_mut(&index) else { continue };
        match standing {
            Standing::Done(Purpose::PreStart) => instance.primed = true,
            Standing::Done(Purpose::PostStart) => instance.greets = false,
            Standing::Failed(Purpose::PreStart, error) if *aim == Aim::Run => {
                let of = (draft.name, index);
                backoff::after_failure(instance, &spec.restart, of, error.clone(), draft.now.boot);
                draft.change(index, Doing::Fail, error);
            }
            Standing::Failed(Purpose::PostStart, error) => {
                instance.greets = false;
                instance.failures = instance.failures.saturating_add(1);
                instance.last_error = Some(error.clone());
                stop::begin(instance, spec, error.clone(), true, draft);
                draft.change(index, Doing::Restart, error);
            }
            Standing::Done(purpose) => {
                if instance.command_error.as_deref().is_some_and(|(failed, _)| *failed == purpose) {
                    instance.command_error = None;
                }
            }
            Standing::Failed(..) | Standing::UnderWay => {}
        }
    }
    errand::tell(record, draft);
}

/// Replicas at and above the number are stopped, the highest first.
fn stop_surplus(record: &mut Record, spec: &Service, events: &BTreeMap<u32, Event>, draft: &mut Draft<'_>) {
    for (index, instance) in record.instances.range_mut(spec.replicas..).rev() {
        if !phase::runs(instance) || life::is_unknown(events, *index) {
            continue;
        }
        draft.disturbs = true;
        if draft.guarded {
            draft.hold_mass_change(*index, "not stopped");
            continue;
        }
        let because = format!("`replicas` is {}", spec.replicas);
        stop::begin(instance, spec, because.clone(), false, draft);
        draft.change(*index, Doing::Stop, because);
    }
    let replicas = spec.replicas;
    record.instances.retain(|index, instance| {
        let nothing_runs = matches!(instance.phase, Phase::Vacant | Phase::BackOff { .. } | Phase::Finished);
        *index < replicas || !nothing_runs || instance.errand.is_some()
    });
}
