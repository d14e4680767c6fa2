//! Events of a tick: from memory before it, the plan, and what came of its steps.

use std::sync::Arc;

use super::instance;
use super::rule;
use super::{ConditionChange, Event, EventKind, Who};
use crate::facts::ProcessKey;
use crate::plan::Plan;
use crate::plan::action::{Action, Outcome, Step};
use crate::plan::draft::Change as PlannedChange;
use crate::plan::memory::{Due, Memory, Record, TaskResult};
use crate::plan::status::{Condition, ConditionStatus, ConditionType, ServiceStatus};
use crate::sharing::Change;
use crate::spec::{ServiceName, changed_fields};
use crate::units::Signal;

/// What happened in a tick, in the order of names: first what was seen and decided, then what was done.
///
/// `remembered`: whether what the plan says of an object was written down. If it wasn't, the next tick sees and decides the
/// same once more, and only deeds are told now.
pub fn events(
    before: &Memory,
    plan: &Plan,
    outcomes: &[(Step, Outcome)],
    remembered: &dyn Fn(&ServiceName) -> bool,
) -> Vec<Event> {
    let mut found = Vec::new();
    let mut went = Vec::new();
    let changes = plan.memory.services.changes_since(&before.services);
    for Change { key, was, is } in changes.filter(|change| remembered(change.key)) {
        match (was, is) {
            (was, Some(is)) => of_record(key, was.map(Arc::as_ref), is, plan, &mut found),
            (Some(was), None) => went.push(gone(key, was, &plan.memory)),
            (None, None) => {}
        }
    }
    found.append(&mut went);
    for (step, outcome) in outcomes {
        let record = plan.memory.services.get(&step.service).or_else(|| before.services.get(&step.service));
        let was = before.services.get(&step.service).and_then(|was| was.instances.get(&step.index));
        if let Some(event) = of_step(step, outcome, record.map(Arc::as_ref)) {
            let again = was.is_some_and(|was| was.last_exit.is_some());
            let reason = match event.kind {
                EventKind::Started if again => "StartedAgain".to_owned(),
                _ => event.reason.clone(),
            };
            found.push(stamped(Event { reason, ..event }, record.map(Arc::as_ref)));
        }
    }
    found
}

/// With what the record says of the document.
fn stamped(event: Event, record: Option<&Record>) -> Event {
    let Some(record) = record else { return event };
    let origin = &record.spec.origin;
    let place = (!origin.file.is_empty()).then(|| format!("{}:{}", origin.file, origin.line));
    let several = event.index.is_some() && record.spec.replicas > 1;
    let replicas = several.then_some(record.spec.replicas);
    Event { generation: Some(record.generation), revision: event.revision.or(place), replicas, ..event }
}

/// A record that went: nothing of it runs any more.
fn gone(name: &ServiceName, was: &Record, memory: &Memory) -> Event {
    let heir = memory.services.iter().find(|(_, record)| record.spec.previous_name.as_ref() == Some(name));
    let event = match heir {
        Some((heir, _)) => {
            Event::new(EventKind::Removed, "Renamed", format!("its record goes on as that of `{heir}`"))
        }
        None => Event::new(
            EventKind::Removed,
            "Forgotten",
            "its document is gone, and nothing of it is left to do",
        ),
    };
    stamped(event.of(name), Some(was))
}

fn of_record(name: &ServiceName, was: Option<&Record>, is: &Record, plan: &Plan, found: &mut Vec<Event>) {
    let begin = found.len();
    found.extend(document(was, is));
    found.extend(rolled_back(was, is));
    let first = plan.changes.partition_point(|change| change.service < *name);
    let changes = plan.changes.iter().skip(first).take_while(|change| change.service == *name);
    let changes: Vec<&PlannedChange> = changes.collect();
    instance::events(was, is, &changes, found);
    found.extend(task(was, is));
    let at = plan.status.binary_search_by(|status| status.name.cmp(name));
    if let Some(status) = at.ok().and_then(|at| plan.status.get(at)) {
        conditions(was, is, status, found);
    }
    for event in found.iter_mut().skip(begin) {
        let bare = std::mem::replace(event, Event::new(EventKind::Lost, "", ""));
        *event = stamped(bare.of(name), Some(is));
    }
}

/// What became of its document.
fn document(was: Option<&Record>, is: &Record) -> Option<Event> {
    let Some(was) = was else {
        return Some(Event::new(EventKind::Accepted, "New", "its document is accepted"));
    };
    if is.terminating && !was.terminating {
        let event = Event::new(EventKind::Removing, "DocumentGone", "its document is gone");
        return Some(Event { rule: Some(rule::on_remove(is)), ..event });
    }
    if is.generation != was.generation {
        let fields = changed_fields(&was.spec, &is.spec);
        let message = format!("its document has another meaning: {}", words(&fields));
        return Some(Event { fields, ..Event::new(EventKind::Accepted, "Changed", message) });
    }
    (was.terminating && !is.terminating)
        .then(|| Event::new(EventKind::Accepted, "Returned", "its document is there again"))
}

/// The document in force is an earlier one from now on. Its generation tells nothing of that.
fn rolled_back(was: Option<&Record>, is: &Record) -> Option<Event> {
    let back = is.rolled_back.as_deref()?;
    if was.and_then(|was| was.rolled_back.as_deref()) == Some(back) {
        return None;
    }
    let message = format!(
        "generation {} of its document is rolled back, since it didn't become Ready: {}",
        back.generation, back.because
    );
    let fields = changed_fields(&back.refused, &is.spec);
    let event = Event::new(EventKind::RolledBack, "NotReady", message);
    Some(Event { rule: Some("update.onFailure: rollback".into()), fields, ..event })
}

/// `` `args`, `env` ``
fn words(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

/// What became of its runs.
fn task(was: Option<&Record>, is: &Record) -> Vec<Event> {
    let before = was.map(|was| &was.task.past);
    let mut found = Vec::new();
    if let Some(last) =
        is.task.past.last.as_ref().filter(|last| before.is_some_and(|was| was.last.as_ref() != Some(*last)))
    {
        let (reason, message) = match &last.result {
            TaskResult::Succeeded => ("Succeeded", "a run succeeded".to_owned()),
            TaskResult::Failed(why) => ("Failed", format!("a run failed: {why}")),
            TaskResult::Stopped => ("Stopped", "a run was stopped".to_owned()),
            TaskResult::Unknown => ("Unknown", "a run ended, and nobody knows how".to_owned()),
        };
        let who = rule::who_of_run(&last.due);
        let rule = rule::of_run(is, &last.due);
        found.push(Event { who, rule, ..Event::new(EventKind::RunEnded, reason, message) });
    }
    if let Some(left) = is
        .task
        .past
        .left_out
        .as_ref()
        .filter(|left| before.is_some_and(|was| was.left_out.as_ref() != Some(*left)))
    {
        let message = format!("a moment of its schedule was left out, because {}", left.because);
        let rule = rule::of_run(is, &Due::Schedule(crate::plan::memory::Moment::Wall(left.at)));
        let event = Event::new(EventKind::LeftOut, "LeftOut", message).by(Who::Schedule);
        found.push(Event { rule, ..event });
    }
    found
}

/// Conditions that are others than before. Of a new object only what is amiss: all others begin as they should.
fn conditions(was: Option<&Record>, is: &Record, status: &ServiceStatus, found: &mut Vec<Event>) {
    for condition in &status.conditions {
        let status_of = |record: &Record| record.conditions.status(condition.kind);
        let (before, now) = (was.and_then(status_of), status_of(is));
        let told = match before {
            Some(before) => now != Some(before),
            None => is_amiss(condition),
        };
        if told && condition.kind != ConditionType::Progressing {
            found.push(changed(condition, status));
        }
    }
    let Some(was) = was else { return };
    for (kind, state) in was.conditions.iter() {
        let over = is.conditions.status(kind).is_none() && state == ConditionStatus::True;
        if over && is_bad_when_true(kind) {
            let event = Event::new(EventKind::Condition, "Over", "nothing of the kind is so any more");
            found.push(Event { condition: Some(ConditionChange { kind, status: None }), ..event });
        }
    }
}

fn changed(condition: &Condition, status: &ServiceStatus) -> Event {
    let own = format!("{}: ", status.name);
    let message = condition.message.strip_prefix(&own).unwrap_or(&condition.message);
    let event = Event::new(EventKind::Condition, condition.reason.to_string(), message);
    let change = ConditionChange { kind: condition.kind, status: Some(condition.status) };
    Event { condition: Some(change), ..event }
}

fn is_bad_when_true(kind: ConditionType) -> bool {
    match kind {
        ConditionType::Blocked
        | ConditionType::BackOff
        | ConditionType::Suspended
        | ConditionType::Degraded => true,
        ConditionType::Accepted
        | ConditionType::Ready
        | ConditionType::Healthy
        | ConditionType::Progressing
        | ConditionType::UpToDate
        | ConditionType::Owned
        | ConditionType::Unique => false,
    }
}

fn is_amiss(condition: &Condition) -> bool {
    match condition.kind {
        // It isn't Ready before it was started.
        ConditionType::Ready | ConditionType::Progressing => false,
        kind if is_bad_when_true(kind) => condition.status == ConditionStatus::True,
        _ => condition.status != ConditionStatus::True,
    }
}

/// What was done, and what came of it. Nothing for probes, and for the CONT that lets a suspended process see the signal
/// before it.
fn of_step(step: &Step, outcome: &Outcome, record: Option<&Record>) -> Option<Event> {
    let failed = match outcome {
        Outcome::Refused { error } | Outcome::StartFailed { error } | Outcome::NotLive { error } => {
            Some(error)
        }
        Outcome::Started(_) | Outcome::Done | Outcome::Gone => None,
    };
    let event = match &step.action {
        Action::Probe { .. } | Action::Signal { signal: Signal::CONT, .. } => return None,
        Action::Start { .. } => match outcome {
            Outcome::Started(key) => of_key(EventKind::Started, "Started", &step.because, key),
            Outcome::StartFailed { .. } | Outcome::Refused { .. } | Outcome::NotLive { .. } => {
                told_failure(EventKind::NotStarted, outcome, failed)
            }
            Outcome::Done | Outcome::Gone => {
                Event::new(EventKind::NotStarted, "NotStarted", "the host did not start it")
            }
        },
        Action::Adopt { key } => {
            deed((EventKind::Adopted, EventKind::NotAdopted), step, key, outcome, failed)
        }
        Action::Release { key } => {
            deed((EventKind::Released, EventKind::NotSignalled), step, key, outcome, failed)
        }
        Action::Signal { key, signal, .. } => {
            let event = deed((EventKind::Signalled, EventKind::NotSignalled), step, key, outcome, failed);
            Event { signal: Some(*signal), ..event }
        }
        Action::KillTree { main, tree, .. } => {
            let key = main.as_ref().or_else(|| tree.first());
            let kinds = (EventKind::Signalled, EventKind::NotSignalled);
            let event = match key {
                Some(key) => deed(kinds, step, key, outcome, failed),
                None => Event::new(EventKind::Signalled, "WholeGroup", step.because.clone()),
            };
            Event { signal: Some(Signal::KILL), ..event }
        }
        Action::Constrain { key, .. } => {
            let event = deed((EventKind::Adjusted, EventKind::NotAdjusted), step, key, outcome, failed);
            Event { fields: vec!["resources".into()], ..event }
        }
        Action::Adjust { key, field, .. } => {
            let event = deed((EventKind::Adjusted, EventKind::NotAdjusted), step, key, outcome, failed);
            Event { fields: vec![field.clone()], ..event }
        }
        Action::Run { launch, .. } => {
            let text = format!("`{}` runs, because {}", launch.argv.join(" "), step.because);
            Event::new(EventKind::Command, "Begun", text)
        }
    };
    let (who, rule) = record.map_or((Who::Engine, None), |record| rule::of_step(step, record));
    Some(Event { index: Some(step.index), who, rule, ..event.of(&step.service) })
}

fn of_key(kind: EventKind, reason: &str, because: &str, key: &ProcessKey) -> Event {
    Event { pid: Some(key.pid), start_ticks: Some(key.start), ..Event::new(kind, reason, because) }
}

fn deed(
    (done, not_done): (EventKind, EventKind),
    step: &Step,
    key: &ProcessKey,
    outcome: &Outcome,
    failed: Option<&String>,
) -> Event {
    if failed.is_some() {
        let event = told_failure(not_done, outcome, failed);
        return Event { pid: Some(key.pid), start_ticks: Some(key.start), ..event };
    }
    let reason = if *outcome == Outcome::Gone { "AlreadyGone" } else { "Done" };
    of_key(done, reason, &step.because, key)
}

fn told_failure(kind: EventKind, outcome: &Outcome, error: Option<&String>) -> Event {
    let reason = match outcome {
        Outcome::Refused { .. } => "Refused",
        Outcome::NotLive { .. } => "NotLive",
        Outcome::StartFailed { .. } | Outcome::Started(_) | Outcome::Done | Outcome::Gone => "Failed",
    };
    Event::new(kind, reason, error.cloned().unwrap_or_default())
}
