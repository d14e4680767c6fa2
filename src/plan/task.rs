//! Tasks: what is due, where it runs, and what follows from how it ends.
//!
//! ```text
//!  due (once, a change, a moment, a person) -> a run in an instance -> look -> start
//!                                                  ^                             |
//!                                            back-off, retries left  <- failed - end -> the last run, on record
//! ```
//!
//! A run is on record before it begins, and the moment it is for is dealt with from then on: whatever crashes when, no
//! moment runs twice. How a run ended may be unknown; then nothing follows by itself.

mod end;
mod moment;
mod words;

pub(super) use end::{conclude, ended};
pub(super) use words::{because, idle_word, ready, status};

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::{Doing, Draft};
use super::launch;
use super::life::{self, Event};
use super::memory::{Due, Instance, Launched, LeftOut, Phase, Record, Run, StopCause, TaskResult};
use super::observation::{ProcessSeen, Seen, Unprepared};
use super::occupy::{self, Occupancy};
use super::status::{ConditionStatus, ConditionType};
use super::{outdated, phase, places, ready as readiness, starting, stop};
use crate::spec::{Concurrency, DesiredState, Service, TaskPlan, TaskRun};
use crate::units::BootTime;

/// So many runs of one Task at a time, where it allows several.
const PARALLEL_MAX: u32 = 16;

/// How far a Task is, for what depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Completion {
    /// Its last run succeeded, and none is due.
    Succeeded,
    /// It has not run to its end yet.
    NotYet,
    /// Its last run failed or was stopped.
    Failed,
    /// Nobody knows how its last run ended.
    Unknown,
}

/// How far a Task is: a `once` or `onChange` one by the run that is due or under way, a scheduled one by the last that
/// ended.
pub fn completion(record: &Record) -> Completion {
    let scheduled = record.spec.task.as_ref().is_some_and(|plan| plan.schedule().is_some());
    if !scheduled && (may_begin(record) || record.instances.values().any(|instance| instance.run.is_some())) {
        return Completion::NotYet;
    }
    match record.task.past.last.as_ref().map(|last| &last.result) {
        None => Completion::NotYet,
        Some(TaskResult::Succeeded) => Completion::Succeeded,
        Some(TaskResult::Failed(_) | TaskResult::Stopped) => Completion::Failed,
        Some(TaskResult::Unknown) => Completion::Unknown,
    }
}

/// A person's run is due or under way: it goes on although the document wants none.
pub(super) fn is_by_hand(record: &Record) -> bool {
    let asked =
        |instance: &Instance| instance.run.as_ref().is_some_and(|run| matches!(run.due, Due::Asked(_)));
    record.task.asked.is_some() || record.instances.values().any(asked)
}

/// A run begins in the next plan, as far as that can be told without the clock on the wall.
pub(super) fn may_begin(record: &Record) -> bool {
    let Some(plan) = &*record.spec.task else { return false };
    if record.task.asked.is_some() {
        return true;
    }
    if record.task.past.held || record.spec.state != DesiredState::Running {
        return false;
    }
    match plan.run {
        TaskRun::Once => record.task.past.done.is_none(),
        TaskRun::OnChange => has_changed(record, &launch::launched(&record.spec, None)),
        TaskRun::Schedule(_) => false,
    }
}

/// A start may have to be looked for in this tick.
pub(super) fn is_due(record: &Record, now: BootTime) -> bool {
    may_begin(record) || record.instances.values().any(|instance| is_waiting(instance, now))
}

/// What it would be started with now is of interest, also if it isn't started.
pub(super) fn compares(record: &Record) -> bool {
    record.spec.task.as_ref().is_some_and(|plan| plan.run == TaskRun::OnChange)
}

/// The instance waits for nothing but its start.
pub(super) fn is_waiting(instance: &Instance, now: BootTime) -> bool {
    instance.run.is_some() && phase::is_due(instance, now)
}

fn has_changed(record: &Record, present: &Launched) -> bool {
    let done = record.task.past.done.as_ref();
    done.is_none_or(|was| !launch::changes(was, present).is_empty())
}

/// While nothing is to run, no moment is missed.
pub(super) fn rest(record: &mut Record) {
    record.task.past.handled = None;
    record.task.interval = None;
    record.task.next = None;
}

/// Everything about a Task that may run.
pub(super) fn run(
    record: &mut Record,
    plan: &TaskPlan,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    watch(record, plan, events, seen, draft);
    begin(record, plan, events, seen, draft);
    fill(record, plan, seen, draft);
    record.instances.retain(|index, instance| {
        let idle = instance.run.is_none() && instance.phase == Phase::Vacant;
        *index == 0 || !idle
    });
}

/// What runs: is it longer at it than it may be?
fn watch(
    record: &mut Record,
    plan: &TaskPlan,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let spec = Arc::clone(&record.spec);
    let restart_before = record.restart_before;
    for (index, instance) in &mut record.instances {
        if let Some(seen) = seen
            && let Some(ProcessSeen::Alive(alive)) = seen.processes.get(index)
        {
            // As soon as it runs it is Running: there is no other readiness, and nothing is run after its start.
            let _ = readiness::watch(instance, *index, (alive, seen), &spec, draft);
            instance.greets = false;
        }
        if !phase::runs(instance) || life::is_unknown(events, *index) {
            continue;
        }
        let Some(process) = instance.phase.process() else { continue };
        let since = process.since;
        if instance.run.is_none() && process.adopted {
            instance.run = Some(Box::new(Run { due: Due::Found, failed: 0, stopped: None }));
            record.task.past.under_way.insert(*index, Due::Found);
        }
        if instance.run.is_none() {
            let because = "its document says `kind: Task` now, and it was started as a Service";
            draft.disturbs = true;
            if draft.guarded {
                draft.hold_mass_change(*index, "not stopped");
                continue;
            }
            stop::begin(instance, &spec, because.to_owned(), false, draft);
            draft.change(*index, Doing::Stop, because);
        } else if restart_before.is_some_and(|moment| since < moment) {
            if outdated::has_no_way_back(*index, &[], draft) {
                continue;
            }
            halt(instance, *index, StopCause::Replaced, "a restart was asked for", (&spec, draft));
        } else if let Some(timeout) = plan.timeout {
            let end = since.after(timeout);
            draft.wake(end);
            if draft.now.boot >= end {
                halt(instance, *index, StopCause::Timeout, "it runs longer than `timeout`", (&spec, draft));
            }
        }
    }
}

fn halt(
    instance: &mut Instance,
    index: u32,
    cause: StopCause,
    because: &str,
    (spec, draft): (&Service, &mut Draft<'_>),
) {
    stop::begin(instance, spec, because.to_owned(), false, draft);
    draft.change(index, Doing::Stop, because);
    if let Some(run) = &mut instance.run {
        run.stopped = Some(cause);
    }
}

/// What is due gets an instance.
fn begin(
    record: &mut Record,
    plan: &TaskPlan,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let prepared = seen.and_then(|seen| seen.prepared.as_ref()).and_then(|prepared| prepared.as_ref().ok());
    let present = launch::launched(&record.spec, prepared.map(|prepared| &**prepared));
    let Some(due) = due(record, plan, &present, draft) else { return };
    let busy: Vec<u32> = record
        .instances
        .iter()
        .filter(|(_, instance)| !phase::is_due(instance, BootTime(std::time::Duration::MAX)))
        .map(|(index, _)| *index)
        .collect();
    let index = match plan.concurrency {
        Concurrency::Allow => (0..PARALLEL_MAX).find(|index| {
            record.instances.get(index).is_none_or(|i| i.run.is_none() && i.phase == Phase::Vacant)
        }),
        Concurrency::Forbid | Concurrency::Replace => busy.is_empty().then_some(0),
    };
    let Some(index) = index else {
        wait_or_leave_out(record, plan, due, (events, &busy), draft);
        return;
    };
    if record.instances.get(&index).is_some_and(|instance| instance.run.is_some()) {
        // It waited for another attempt; the newer run takes its place.
        end::give_up(record, index, draft.now);
    }
    if !matches!(plan.run, TaskRun::Schedule(_)) {
        record.task.past.done = Some(present);
    }
    if matches!(due, Due::Asked(_)) {
        record.task.past.held = false;
    }
    let instance = record.instances.get_or_new(index);
    instance.phase = Phase::Vacant;
    instance.forget_failures();
    instance.last_error = None;
    let run = Run { due, failed: 0, stopped: None };
    draft.change(index, Doing::Start, words::because(&run, &record.spec));
    instance.run = Some(Box::new(run));
}

/// A run is due and there is no place for it.
fn wait_or_leave_out(
    record: &mut Record,
    plan: &TaskPlan,
    due: Due,
    (events, busy): (&BTreeMap<u32, Event>, &[u32]),
    draft: &mut Draft<'_>,
) {
    let unknown = busy.iter().any(|index| life::is_unknown(events, *index));
    if plan.concurrency == Concurrency::Replace && !unknown {
        let spec = Arc::clone(&record.spec);
        for (index, instance) in record.instances.iter_mut().filter(|(_, i)| phase::runs(i)) {
            let because = "a following run takes its place";
            halt(instance, *index, StopCause::Replaced, because, (&spec, draft));
        }
        record.task.waiting = Some(due);
        return;
    }
    if let Due::Schedule(_) = due {
        let because = "the run before was still under way".to_owned();
        record.task.past.left_out = Some(LeftOut { at: draft.now.wall, because });
    }
}

/// What is due now. Moments of a schedule pass, whether they can be used or not.
fn due(record: &mut Record, plan: &TaskPlan, present: &Launched, draft: &mut Draft<'_>) -> Option<Due> {
    let moment = plan.schedule().and_then(|schedule| moment::due(schedule, &mut record.task, draft));
    if let Some(by) = record.task.asked.take() {
        return Some(Due::Asked(by));
    }
    let settled = record.instances.values().all(|instance| !matches!(instance.phase, Phase::Stopping { .. }));
    if settled && let Some(waiting) = record.task.waiting.take() {
        return Some(waiting);
    }
    let wanted = record.spec.state == DesiredState::Running && !record.task.past.held;
    if !wanted {
        if moment.is_some() && record.task.past.held {
            let because = "nobody knows how the run before ended".to_owned();
            record.task.past.left_out = Some(LeftOut { at: draft.now.wall, because });
        }
        return None;
    }
    match plan.run {
        TaskRun::Once => record.task.past.done.is_none().then_some(Due::Once),
        TaskRun::OnChange => {
            // Under `forbid` a change waits for the end of what runs, and is not lost.
            let free = plan.concurrency != Concurrency::Forbid
                || record.instances.values().all(|instance| phase::is_due(instance, draft.now.boot));
            (free && has_changed(record, present)).then_some(Due::Change)
        }
        TaskRun::Schedule(_) => moment.map(Due::Schedule),
    }
}

/// Starts what waits for nothing else.
fn fill(record: &mut Record, plan: &TaskPlan, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let now = draft.now.boot;
    for instance in record.instances.values() {
        if let (Phase::BackOff { until }, Some(_)) = (&instance.phase, &instance.run) {
            draft.wake(*until);
        }
    }
    let waiting: Vec<u32> =
        record.instances.iter().filter(|(_, i)| is_waiting(i, now)).map(|(index, _)| *index).collect();
    if waiting.is_empty() {
        return;
    }
    let spec = Arc::clone(&record.spec);
    let Some(seen) = seen else {
        for index in waiting {
            let unknown = (ConditionType::Unique, ConditionStatus::Unknown);
            draft.hold(index, unknown, "CannotTell", "not started: cannot tell whether it runs (no answer)");
        }
        return;
    };
    if plan.concurrency == Concurrency::Allow {
        // Copies are wanted: which others run plays no part.
        start(record, &spec, &waiting, seen, draft);
        return;
    }
    if record.instances.values().any(phase::is_unsettled) {
        return;
    }
    let Some(look) = &seen.look else {
        match draft.start_waits.clone() {
            Some(waits) => places::wait_for_others(&waiting, &waits, draft),
            None => draft.wake(now),
        }
        return;
    };
    let look = places::not_on_record(look, record);
    match occupy::occupy(&spec, &look, &waiting) {
        Occupancy::Free => start(record, &spec, &waiting, seen, draft),
        Occupancy::Adopt(places) => {
            for index in places.keys() {
                if let Some(run) = record.instances.get_mut(index).and_then(|i| i.run.as_mut()) {
                    run.due = Due::Found;
                    record.task.past.under_way.insert(*index, Due::Found);
                }
            }
            places::adopt_all(record, &spec, places, draft);
        }
        Occupancy::Hold(hold) => places::held(record, &hold, &waiting, draft),
    }
}

fn start(record: &mut Record, spec: &Arc<Service>, waiting: &[u32], seen: &Seen, draft: &mut Draft<'_>) {
    // A run that is due stays due. What is to be looked up first is no reason to wait yet.
    let known = seen.prepared.is_some() || draft.start_waits.is_some();
    if known && places::has_to_wait(record, spec, waiting, seen, draft) {
        return;
    }
    if let Some(Err(Unprepared::Refused(error))) = &seen.prepared {
        for index in waiting {
            end::conclude(record, *index, TaskResult::Failed(error.clone()), (draft.name, draft.now));
            draft.change(*index, Doing::Fail, error.clone());
        }
        return;
    }
    if let Some(Ok(prepared)) = &seen.prepared {
        for index in waiting {
            let due =
                record.instances.get(index).and_then(|instance| instance.run.as_ref()).map(|run| &run.due);
            if let Some(due) = due.cloned() {
                record.task.past.under_way.insert(*index, due);
            }
        }
        if !matches!(spec.task.as_ref().map(|plan| &plan.run), Some(TaskRun::Schedule(_))) {
            record.task.past.done = Some(launch::launched(spec, Some(&**prepared)));
        }
    }
    starting::start_all(record, spec, waiting, seen.prepared.as_ref(), draft);
}
