//! The whole decision of one tick: each object by itself, then the guard over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{Action, Step};
use super::adopting;
use super::aim::{Aim, Scope, about, aim, settle};
use super::claims::{Claims, without_double_claims};
use super::conditions;
use super::depend::Web;
use super::draft::{Doing, Draft, Outlook, Plan, PlanOptions};
use super::errand;
use super::follow::follow_all;
use super::life::Event;
use super::memory::{Instance, Memory, Phase, Record};
use super::observation::{Observation, Seen};
use super::other_aims::{observe_only, release_all, remove_all, stop_all, suspend};
use super::places;
use super::run;
use super::slots::Slots;
use super::{stop, task};
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// So many objects may always be changed at once.
const MASS_MIN: usize = 3;

/// Decides what one tick does. Pure: the same arguments give the same plan, byte for byte.
pub fn plan(desired: &SpecSet, observed: &Observation, memory: &Memory, options: &PlanOptions) -> Plan {
    plan_of(None, desired, observed, memory, options)
}

/// Decides what one tick does about some objects. The others, which are at rest ([`Plan::outlook`]) and were not touched, stay as
/// they are: of them the plan says nothing.
pub fn plan_of(
    scope: Scope<'_>,
    desired: &SpecSet,
    observed: &Observation,
    memory: &Memory,
    options: &PlanOptions,
) -> Plan {
    // Keys and times of another boot mean nothing in this one.
    let settled = || {
        if memory.boot == observed.boot {
            settle(desired, memory, scope, observed.now.wall)
        } else {
            settle(
                desired,
                &memory.after_boot(observed.boot.clone(), observed.now.wall),
                scope,
                observed.now.wall,
            )
        }
    };
    let (open, disturbed) = decide_all(scope, desired, observed, settled(), options, false);
    if options.confirmed || disturbed <= MASS_MIN {
        return open;
    }
    let before = settled();
    let has_process =
        |record: &Record| record.instances.values().any(|instance| instance.phase.process().is_some());
    let with_processes = before.services.values().filter(|record| has_process(record)).count();
    if disturbed * 2 <= with_processes {
        return open;
    }
    decide_all(scope, desired, observed, before, options, true).0
}

/// The plan, and how many objects it disturbs because of their documents.
fn decide_all(
    scope: Scope<'_>,
    desired: &SpecSet,
    observed: &Observation,
    mut memory: Memory,
    options: &PlanOptions,
    guarded: bool,
) -> (Plan, usize) {
    let mut plan = Plan {
        steps: Vec::new(),
        memory: Memory::new(memory.boot.clone()),
        status: Vec::new(),
        changes: Vec::new(),
        next: None,
        outlook: BTreeMap::new(),
    };
    let mut disturbed = 0;
    let web = Web::of(desired, &memory, observed.now);
    let mut slots = Slots::of(&memory, options.max_starts, observed.now.boot);
    plan.next = slots.next;
    let mut claimed = Claims::of(&memory.services);
    let mut forgotten = Vec::new();
    let about: Vec<(ServiceName, Arc<Record>)> = about(scope, &memory).map(owned).collect();
    plan.status.reserve(about.len());
    for (name, before) in &about {
        let mut own = Record::clone(before);
        let record = &mut own;
        let seen = observed.services.get(name);
        let mut draft = Draft::new(name, observed.now, guarded);
        draft.start_waits = web.start(name).cloned();
        draft.restart_waits = web.restart(name).cloned();
        draft.stop_waits = web.stop(name).cloned();
        draft.slots = slots.free;
        let aim = aim(name, record, desired, observed.now);
        let events = decide(record, &aim, seen, &claimed, &mut draft);
        slots.free = draft.slots;
        claimed.note(name, record);
        if matches!(aim, Aim::Remove(_)) && record.instances.is_empty() {
            forgotten.push(name.clone());
            continue;
        }
        let document = conditions::Document::of(name, desired);
        let status = conditions::status(record, &aim, (seen, &events), document, &draft);
        record.shown = Some(status.phase);
        plan.status.push(status);
        disturbed += usize::from(draft.disturbs);
        let draft_is_quiet = draft.steps.is_empty() && draft.changes.is_empty();
        plan.steps.append(&mut draft.steps);
        plan.changes.extend(draft.changes.into_values());
        plan.next = earliest(plan.next, draft.next);
        let unchanged = *record == **before;
        let waits = web.start(name).is_some() || web.stop(name).is_some();
        let at_rest = unchanged && draft_is_quiet && !waits && rests(record, &aim, observed.now.boot);
        plan.outlook.insert(name.clone(), Outlook { next: draft.next, at_rest });
        if !unchanged {
            memory.services.insert(name.clone(), Arc::new(own));
        }
    }
    for name in forgotten {
        memory.services.remove(&name);
        memory.past.remove(&name);
    }
    // Stable: by name and in each object's own order within a rank.
    plan.steps.sort_by_key(rank);
    plan.memory = memory;
    (plan, disturbed)
}

/// Whether only an event of its own or a moment that is known can make a difference.
fn rests(record: &Record, aim: &Aim, now: BootTime) -> bool {
    // Between its runs a Task has nothing that runs.
    let idle = *aim != Aim::Run || (record.spec.task.is_some() && !task::is_due(record, now));
    let settled = |instance: &Instance| match &instance.phase {
        Phase::Running { .. } | Phase::Finished => true,
        Phase::BackOff { until } => *until > now,
        Phase::Vacant => idle && instance.run.is_none(),
        Phase::Intended { .. } | Phase::Starting { .. } | Phase::Stopping { .. } => false,
    };
    let compares = *aim == Aim::Run && record.compares;
    let is_asked = compares || record.adopt.is_some() || record.task.waiting.is_some();
    match aim {
        Aim::Run | Aim::Stop { .. } => {
            let mut instances = record.instances.values();
            !is_asked && instances.all(|instance| settled(instance) && instance.errand.is_none())
        }
        Aim::Remove(_) | Aim::Released { .. } | Aim::Suspend { .. } | Aim::Observe | Aim::Leave => false,
    }
}

fn owned((name, record): (&ServiceName, &Arc<Record>)) -> (ServiceName, Arc<Record>) {
    (name.clone(), Arc::clone(record))
}

fn earliest(one: Option<BootTime>, other: Option<BootTime>) -> Option<BootTime> {
    one.into_iter().chain(other).min()
}

/// Stops before starts: what a stop frees is there for a start.
fn rank(step: &Step) -> u8 {
    match step.action {
        Action::Release { .. } => 0,
        Action::Adopt { .. } => 1,
        Action::Signal { .. }
        | Action::KillTree { .. }
        | Action::Constrain { .. }
        | Action::Adjust { .. } => 2,
        Action::Start { .. } => 3,
        Action::Run { .. } => 4,
        Action::Probe { .. } => 5,
    }
}

fn decide(
    record: &mut Record,
    aim: &Aim,
    seen: Option<&Seen>,
    claimed: &Claims,
    draft: &mut Draft<'_>,
) -> BTreeMap<u32, Event> {
    if *aim == Aim::Leave {
        draft.change(0, Doing::Held, "no document that can be read speaks for it");
        return BTreeMap::new();
    }
    let seen = seen.map(|seen| without_double_claims(draft.name, record, seen, claimed));
    let seen = seen.as_deref();
    let stopping = record.instances.iter().filter(|(_, i)| matches!(i.phase, Phase::Stopping { .. }));
    let stopping: BTreeSet<u32> = stopping.map(|(index, _)| *index).collect();
    let acts = !matches!(aim, Aim::Observe | Aim::Suspend { .. });
    if let Some(until) = record.wish.as_ref().and_then(|wish| wish.until) {
        draft.wake_at(until);
    }
    if acts {
        go_on_stopping(record, seen, draft);
    }
    let events = follow_all(record, aim, seen, draft);
    if *aim != Aim::Run {
        adopting::refuse(record, draft);
    }
    let task = record.spec.task.clone();
    if task.is_some() {
        task::ended(record, aim, &events, &stopping, draft);
        if *aim != Aim::Run {
            task::rest(record);
        }
    }
    if matches!(aim, Aim::Stop { .. } | Aim::Remove(_) | Aim::Released { .. }) {
        errand::give_up_starts(record);
    }
    if acts {
        run::after_errands(record, aim, seen, draft);
    }
    match aim {
        Aim::Run => {
            adopting::adopt_asked(record, seen, draft);
            match &*task {
                Some(plan) => task::run(record, plan, &events, seen, draft),
                None => run::run(record, &events, seen, draft),
            }
        }
        Aim::Stop { because, by_document } => {
            stop_all(record, &events, because, *by_document, draft);
            places::strays(record, seen, draft);
        }
        Aim::Remove(policy) => remove_all(record, &events, *policy, draft),
        Aim::Released { by } => release_all(record, &events, by, draft),
        Aim::Observe => observe_only(record, seen, draft),
        Aim::Suspend { because, until } => suspend(record, because, *until, draft),
        Aim::Leave => {}
    }
    events
}

fn go_on_stopping(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let spec = &record.spec;
    for (index, instance) in record.instances.iter_mut().rev() {
        stop::go_on(instance, *index, seen, spec, draft);
    }
}
