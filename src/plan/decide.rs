//! The whole decision of one tick: each object by itself, then the guard over all of them.

use std::collections::BTreeMap;

use super::action::{Action, Step};
use super::aim::{Aim, aim, settle};
use super::backoff;
use super::conditions;
use super::draft::{Doing, Draft, Plan, PlanOptions};
use super::life::{self, Event};
use super::memory::{Memory, Phase, Record};
use super::observation::{Observation, Seen};
use super::occupy::{self, Occupancy};
use super::run;
use super::status::{ConditionStatus, ConditionType};
use super::stop;
use crate::facts::ProcessKey;
use crate::spec::{RemovePolicy, SpecSet};
use crate::units::BootTime;

/// So many objects may always be changed at once.
const MASS_MIN: usize = 3;

/// Decides what one tick does. Pure: the same arguments give the same plan, byte for byte.
pub fn plan(desired: &SpecSet, observed: &Observation, memory: &Memory, options: &PlanOptions) -> Plan {
    // Keys and times of another boot mean nothing in this one.
    let of_this_boot = memory.boot == observed.boot;
    let memory = if of_this_boot { memory.clone() } else { Memory::new(observed.boot.clone()) };
    let settled = settle(desired, &memory);
    let (open, disturbed) = decide_all(desired, observed, settled.clone(), false);
    let with_processes = settled
        .services
        .values()
        .filter(|record| record.instances.values().any(|instance| instance.phase.process().is_some()))
        .count();
    if options.confirmed || disturbed <= MASS_MIN || disturbed * 2 <= with_processes {
        return open;
    }
    decide_all(desired, observed, settled, true).0
}

/// The plan, and how many objects it disturbs because of their documents.
fn decide_all(desired: &SpecSet, observed: &Observation, mut memory: Memory, guarded: bool) -> (Plan, usize) {
    let mut plan = Plan {
        steps: Vec::new(),
        memory: memory.clone(),
        status: Vec::new(),
        changes: Vec::new(),
        next: None,
    };
    let mut disturbed = 0;
    let mut forgotten = Vec::new();
    for (name, record) in &mut memory.services {
        let seen = observed.services.get(name);
        let mut draft = Draft::new(name, observed.now, guarded);
        let aim = aim(name, record, desired);
        let events = decide(record, &aim, seen, &mut draft);
        if matches!(aim, Aim::Remove(_)) && record.instances.is_empty() {
            forgotten.push(name.clone());
            continue;
        }
        let rejected = desired.rejected.get(name).map(String::as_str);
        plan.status.push(conditions::status(record, &aim, (seen, &events), rejected, &draft));
        disturbed += usize::from(draft.disturbs);
        plan.steps.append(&mut draft.steps);
        plan.changes.extend(draft.changes.into_values());
        plan.next = earliest(plan.next, draft.next);
    }
    for name in forgotten {
        memory.services.remove(&name);
    }
    // Stable: by name and in each object's own order within a rank.
    plan.steps.sort_by_key(rank);
    plan.memory = memory;
    (plan, disturbed)
}

fn earliest(one: Option<BootTime>, other: Option<BootTime>) -> Option<BootTime> {
    one.into_iter().chain(other).min()
}

/// Stops before starts: what a stop frees is there for a start.
fn rank(step: &Step) -> u8 {
    match step.action {
        Action::Release { .. } => 0,
        Action::Adopt { .. } => 1,
        Action::Signal { .. } => 2,
        Action::Start { .. } => 3,
        Action::Probe { .. } => 4,
    }
}

fn decide(
    record: &mut Record,
    aim: &Aim,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) -> BTreeMap<u32, Event> {
    if *aim == Aim::Leave {
        draft.change(0, Doing::Held, "no document that can be read speaks for it");
        return BTreeMap::new();
    }
    if *aim != Aim::Observe {
        go_on_stopping(record, seen, draft);
    }
    let events = follow_all(record, aim, seen, draft);
    match aim {
        Aim::Run => run::run(record, &events, seen, draft),
        Aim::Stop { because, by_document } => stop_all(record, &events, because, *by_document, draft),
        Aim::Remove(policy) => remove_all(record, &events, *policy, draft),
        Aim::Observe => observe_only(record, seen, draft),
        Aim::Leave => {}
    }
    events
}

fn go_on_stopping(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let spec = &record.spec;
    for (index, instance) in record.instances.iter_mut().rev() {
        let process_seen = seen.and_then(|seen| seen.processes.get(index));
        stop::go_on(instance, *index, process_seen, spec, draft);
    }
}

/// What became of each instance, and what follows from an exit.
fn follow_all(
    record: &mut Record,
    aim: &Aim,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) -> BTreeMap<u32, Event> {
    let now = draft.now;
    let mut events = BTreeMap::new();
    let Record { spec, instances, .. } = record;
    for (index, instance) in instances.iter_mut() {
        let mut event = life::advance(instance, *index, seen, now);
        if let Event::StarterDone { starter, since } = &event {
            if let Some(service) = found_service(spec, seen, *index, starter) {
                life::follow(instance, &service);
                if let Phase::Starting { process, .. } = &mut instance.phase {
                    // Found by the rule, not by descent: it is signalled only while the rule holds.
                    process.adopted_by = Some(Box::new(spec.clone()));
                }
            } else if now.boot >= since.after(spec.start_timeout) {
                instance.phase = Phase::Vacant;
                instance.last_error = Some("its starter exited and no service was found".into());
                event = Event::Exited { ready_since: None };
            } else {
                draft.wake(now.boot.after(std::time::Duration::from_millis(100)));
                draft.wake(since.after(spec.start_timeout));
            }
        }
        if let Event::Exited { ready_since } = &event
            && *aim == Aim::Run
            && *index < spec.replicas
        {
            let ready_for = ready_since.map(|since| now.boot.since(since));
            backoff::after_exit(instance, &spec.restart, (draft.name, *index), ready_for, now.boot);
        }
        events.insert(*index, event);
    }
    for (index, event) in &events {
        if let Event::Unknown(message) = event {
            let message = format!("left alone: {message}");
            draft.hold(*index, (ConditionType::Owned, ConditionStatus::Unknown), "CannotTell", &message);
        }
    }
    events
}

/// The one process that the identity rule finds, and that is no older than the starter.
fn found_service(
    spec: &crate::spec::Service,
    seen: Option<&Seen>,
    index: u32,
    starter: &ProcessKey,
) -> Option<ProcessKey> {
    let look = seen?.look.as_ref()?;
    match occupy::occupy(spec, look, &[index]) {
        Occupancy::Adopt(places) => {
            let found = places.get(&index)?;
            (found.key.start >= starter.start && found.key != *starter).then(|| found.key.clone())
        }
        Occupancy::Free | Occupancy::Hold(_) => None,
    }
}

fn stop_all(
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
                if run::is_unknown(events, *index) || is_starter_done(events, *index) {
                    continue;
                }
                draft.disturbs |= by_document;
                if by_document && draft.guarded {
                    run::hold_mass_change(*index, "not stopped", draft);
                } else {
                    stop::begin(instance, &spec.stop, because.to_owned(), false, draft);
                    draft.change(*index, Doing::Stop, because);
                }
            }
            Phase::BackOff { .. } | Phase::Finished => instance.phase = Phase::Vacant,
            Phase::Vacant | Phase::Intended { .. } | Phase::Stopping { .. } => {}
        }
    }
    // The count of failures doesn't outlive the wish to run.
    for instance in instances.values_mut().filter(|instance| instance.phase == Phase::Vacant) {
        instance.failures = 0;
        instance.last_error = None;
    }
    let replicas = spec.replicas;
    instances.retain(|index, instance| *index < replicas || instance.phase != Phase::Vacant);
}

fn is_starter_done(events: &BTreeMap<u32, Event>, index: u32) -> bool {
    matches!(events.get(&index), Some(Event::StarterDone { .. }))
}

fn remove_all(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    policy: Option<RemovePolicy>,
    draft: &mut Draft<'_>,
) {
    let because = "its document is gone";
    let released: Vec<(u32, ProcessKey)> = record
        .instances
        .iter()
        .filter(|(_, instance)| run::runs(instance))
        .filter_map(|(index, instance)| Some((*index, instance.phase.process()?)))
        .filter(|(_, process)| {
            let default = if process.adopted { RemovePolicy::Release } else { RemovePolicy::Stop };
            policy.unwrap_or(default) == RemovePolicy::Release
        })
        .map(|(index, process)| (index, process.key.clone()))
        .collect();
    // Kept aside, so that the rest is simply stopped.
    let mut kept = BTreeMap::new();
    for (index, key) in released {
        draft.step(index, Action::Release { key }, because);
        draft.change(index, Doing::Release, because);
        if let Some(instance) = record.instances.remove(&index) {
            kept.insert(index, instance);
        }
    }
    stop_all(record, events, because, true, draft);
    record.instances.retain(|_, instance| instance.phase != Phase::Vacant);
    record.instances.append(&mut kept);
}

fn observe_only(record: &Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
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
