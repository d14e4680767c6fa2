//! Outcomes into memory. Pure; the last part of a tick.

use std::time::Duration;

use super::action::{Action, Launch, Outcome, Step};
use super::asked;
use super::backoff;
use super::errand;
use super::life;
use super::memory::{Constrained, Instance, Memory, Phase, Record, TaskResult};
use super::task;
use crate::spec::{Resources, Service};
use crate::units::{Now, Signal};

/// After a start that could not even be tried.
const REFUSED_WAIT: Duration = Duration::from_secs(1);

/// Takes what came of a step into memory.
pub fn fold(memory: &mut Memory, step: &Step, outcome: &Outcome, now: Now) {
    let Some(record) = memory.record_mut(&step.service) else {
        return;
    };
    match &step.action {
        Action::Start { launch, .. } => started(record, step, (launch, outcome), now),
        Action::Release { .. } => released(record, step, outcome),
        Action::Signal { signal, .. } => {
            if let Some(instance) = record.instances.get_mut(&step.index) {
                match instance.phase {
                    Phase::Stopping { .. } => signalled(instance, *signal, outcome, now),
                    Phase::Vacant
                    | Phase::BackOff { .. }
                    | Phase::Finished
                    | Phase::Intended { .. }
                    | Phase::Starting { .. }
                    | Phase::Running { .. } => asked::signalled(instance, &record.spec, *signal, outcome),
                }
            }
        }
        Action::KillTree { .. } => {
            if let Some(instance) = record.instances.get_mut(&step.index) {
                signalled(instance, Signal::KILL, outcome, now);
            }
        }
        Action::Constrain { key, resources, .. } => {
            let instance = record.instances.get_mut(&step.index);
            let process = instance.and_then(|instance| instance.phase.process_mut());
            if let Some(process) = process.filter(|process| process.key == *key) {
                process.constrained = constrained(*resources, outcome, now);
            }
        }
        Action::Adjust { field, to, .. } => {
            if let Some(instance) = record.instances.get_mut(&step.index) {
                adjusted(instance, field, to, outcome);
            }
        }
        Action::Run { nonce, .. } => {
            if let (Outcome::Started(key), Some(instance)) = (outcome, record.instances.get_mut(&step.index))
            {
                errand::began(instance, nonce, key);
            }
        }
        // Memory says so already; the answer to a probe, and how a command ends, is in a later observation.
        Action::Adopt { .. } | Action::Probe { .. } => {}
    }
}

/// How setting bounds ended; `None` where there was nothing to set them for.
fn constrained(resources: Resources, outcome: &Outcome, now: Now) -> Option<Box<Constrained>> {
    let error = match outcome {
        Outcome::Done | Outcome::Started(_) => None,
        Outcome::Refused { error } | Outcome::StartFailed { error } | Outcome::NotLive { error } => {
            Some(error.clone())
        }
        Outcome::Gone => return None,
    };
    Some(Box::new(Constrained { resources, error, at: now.boot }))
}

fn started(record: &mut Record, step: &Step, (launch, outcome): (&Launch, &Outcome), now: Now) {
    if record.spec.task.is_some()
        && let Outcome::StartFailed { error } = outcome
    {
        let failed = TaskResult::Failed(error.clone());
        return task::conclude(record, step.index, failed, (&step.service, now));
    }
    let Record { spec, instances, .. } = record;
    let Some(instance) = instances.get_mut(&step.index) else {
        return;
    };
    let Phase::Intended { .. } = &instance.phase else {
        return;
    };
    match outcome {
        Outcome::Started(key) => {
            let again = instance.run.as_ref().map_or(instance.last_exit.is_some(), |run| run.failed > 0);
            life::began(instance, key.clone(), now);
            if let Some(process) = instance.phase.process_mut().filter(|_| !launch.resources.is_empty()) {
                process.constrained = constrained(launch.resources, outcome, now);
            }
            instance.restarts = instance.restarts.saturating_add(u64::from(again));
        }
        Outcome::StartFailed { error } => failed(instance, step, spec, error, now),
        Outcome::Refused { error } => {
            instance.last_error = Some(error.clone());
            instance.phase = Phase::BackOff { until: now.boot.after(REFUSED_WAIT) };
        }
        Outcome::Done | Outcome::Gone | Outcome::NotLive { .. } => {
            failed(instance, step, spec, "the host did not start it", now);
        }
    }
}

fn failed(instance: &mut Instance, step: &Step, spec: &Service, error: &str, now: Now) {
    let of = (&step.service, step.index);
    backoff::after_failure(instance, &spec.restart, of, error.to_owned(), now.boot);
}

fn released(record: &mut Record, step: &Step, outcome: &Outcome) {
    match outcome {
        Outcome::Done | Outcome::Gone | Outcome::Started(_) => {
            record.instances.remove(&step.index);
        }
        Outcome::StartFailed { .. } | Outcome::Refused { .. } | Outcome::NotLive { .. } => {}
    }
}

/// The signal of the step under way was sent (or nobody was there to get it).
fn signalled(instance: &mut Instance, signal: Signal, outcome: &Outcome, now: Now) {
    let Phase::Stopping { stop, step, sent, since, .. } = &mut instance.phase else {
        return;
    };
    let of_this_step = stop.schedule.get(*step).is_some_and(|current| current.signal == signal);
    match outcome {
        Outcome::Done | Outcome::Gone if of_this_step && !*sent => {
            *sent = true;
            // The grace begins with the signal: one that had to be tried again and again leaves no less of it.
            *since = now.boot;
        }
        Outcome::Done | Outcome::Gone => {}
        Outcome::Started(_)
        | Outcome::StartFailed { .. }
        | Outcome::Refused { .. }
        | Outcome::NotLive { .. } => {}
    }
}

/// A running process got other values, or could not.
fn adjusted(instance: &mut Instance, field: &str, to: &str, outcome: &Outcome) {
    let (field, to) = (field.to_owned(), to.to_owned());
    match outcome {
        Outcome::Done => {
            instance.adjusted.forget(&field);
            if let Some(launched) = instance.phase.launched_mut() {
                launched.insert(&field, &to);
            }
        }
        Outcome::NotLive { error } => {
            instance.adjusted.not_live.insert(field, to);
            instance.adjusted.error = Some(error.clone());
        }
        Outcome::Refused { error } | Outcome::StartFailed { error } => {
            instance.adjusted.refused.insert(field, to);
            instance.adjusted.error = Some(error.clone());
        }
        // What follows from its exit is decided at the next look.
        Outcome::Gone | Outcome::Started(_) => {}
    }
}
