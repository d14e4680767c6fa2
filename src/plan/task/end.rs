//! How a run ended, and what follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::draft::Draft;
use crate::plan::life::{Event, exit_words};
use crate::plan::memory::{Due, Exit, LastRun, Phase, Record, StopCause, TaskResult};
use crate::plan::{aim::Aim, backoff};
use crate::spec::{OnUnknown, ServiceName};
use crate::units::Now;

/// Runs whose process has ended, or was stopped in this tick; `stopping`: those that were being stopped before it.
pub(in crate::plan) fn ended(
    record: &mut Record,
    aim: &Aim,
    events: &BTreeMap<u32, Event>,
    stopping: &BTreeSet<u32>,
    draft: &Draft<'_>,
) {
    let indexes: Vec<u32> = record.instances.keys().copied().collect();
    for index in indexes {
        let Some(instance) = record.instances.get(&index) else { continue };
        let exited = matches!(events.get(&index), Some(Event::Exited { .. }));
        let gone = matches!(instance.phase, Phase::Vacant | Phase::BackOff { .. });
        // What a Service left that is a Task now was no run.
        let was_run = instance.run.is_some();
        if exited || (gone && was_run && stopping.contains(&index)) {
            let cause = instance.run.as_ref().and_then(|run| run.stopped);
            // One that ended by itself and left others behind comes here when those are gone as well.
            let by_itself = instance.last_exit.as_ref().is_some_and(|exit| *exit != Exit::Stopped);
            let result = result(exited || by_itself, cause, instance.last_exit.as_ref(), record);
            conclude(record, index, result, (draft.name, draft.now));
        } else if gone && instance.run.is_some() && matches!(aim, Aim::Stop { .. } | Aim::Remove(_)) {
            // What waited for its start or another attempt doesn't come to it any more.
            give_up(record, index, draft.now);
        }
    }
}

fn result(exited: bool, cause: Option<StopCause>, exit: Option<&Exit>, record: &Record) -> TaskResult {
    match (exited, cause, exit) {
        (false, Some(StopCause::Timeout), _) => TaskResult::Failed("it ran longer than `timeout`".into()),
        (false, Some(StopCause::Replaced) | None, _) => TaskResult::Stopped,
        (true, _, None | Some(Exit::Unknown | Exit::Unwatched)) => TaskResult::Unknown,
        (true, _, Some(exit)) if backoff::is_success(&record.spec.restart, exit) => TaskResult::Succeeded,
        (true, _, Some(exit)) => TaskResult::Failed(exit_words(exit)),
    }
}

/// A run has come to this result: it is tried again after a failure, if it may be, or is over.
pub(in crate::plan) fn conclude(
    record: &mut Record,
    index: u32,
    result: TaskResult,
    (name, now): (&ServiceName, Now),
) {
    let retries = record.spec.task.as_ref().map_or(0, |plan| plan.retries);
    let Record { spec, instances, .. } = record;
    let Some(instance) = instances.get_mut(&index) else { return };
    if let (TaskResult::Failed(why), Some(run)) = (&result, &mut instance.run)
        && run.failed < retries
    {
        run.failed += 1;
        run.stopped = None;
        instance.failures = run.failed;
        instance.last_error = Some(why.clone());
        instance.phase = backoff::wait(instance, &spec.restart, (name, index), now.boot);
        return;
    }
    finish(record, index, result, now);
}

/// A run that waits for its start, or for another attempt, is given up: what it came to so far counts.
pub(in crate::plan) fn give_up(record: &mut Record, index: u32, now: Now) {
    let error = record.instances.get(&index).and_then(|instance| instance.last_error.clone());
    match error {
        Some(error) => finish(record, index, TaskResult::Failed(error), now),
        None => finish(record, index, TaskResult::Stopped, now),
    }
}

fn finish(record: &mut Record, index: u32, result: TaskResult, now: Now) {
    let Some(instance) = record.instances.get_mut(&index) else { return };
    let run = instance.run.take();
    instance.forget_failures();
    instance.last_error = None;
    instance.phase = Phase::Vacant;
    let past = &mut record.task.past;
    past.under_way.remove(&index);
    let plan = record.spec.task.as_ref();
    let goes_on = plan.is_some_and(|plan| plan.on_unknown == OnUnknown::GoOn && plan.schedule().is_some());
    if result == TaskResult::Unknown && !goes_on {
        past.held = true;
    }
    let attempts = run.as_ref().map_or(1, |run| run.failed.saturating_add(1));
    let due = run.map_or(Due::Found, |run| run.due);
    past.last = Some(LastRun { due, ended: now.wall, result, attempts });
}
