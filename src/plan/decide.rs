//! The whole decision of one tick: each object by itself, then the guard over all of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::action::{Action, Step};
use super::adopting;
use super::aim::{Aim, Scope, about, aim, settle};
use super::backoff;
use super::conditions;
use super::depend::Web;
use super::draft::{Doing, Draft, Outlook, Plan, PlanOptions};
use super::errand;
use super::life::{self, Event};
use super::memory::{Instance, Instances, Memory, Phase, Purpose, Record};
use super::observation::{IntentSeen, Observation, ProcessSeen, Seen};
use super::occupy::{self, Occupancy};
use super::phase;
use super::places;
use super::recorded::{Recorded, keys};
use super::run;
use super::slots::Slots;
use super::status::{ConditionStatus, ConditionType};
use super::{stop, task};
use crate::facts::ProcessKey;
use crate::spec::{RemovePolicy, ServiceName, SpecSet};
use crate::units::{BootTime, WallTime};

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
    let mut claimed = Claims { before: Recorded::of(&memory.services), since: BTreeMap::new() };
    let mut forgotten = Vec::new();
    let about: Vec<(ServiceName, Arc<Record>)> = about(scope, &memory).map(owned).collect();
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
        claimed.since.extend(keys(record).map(|key| (key.clone(), name.clone())));
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
    let is_asked = record.compares || record.adopt.is_some() || record.task.waiting.is_some();
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

/// The owners of all processes on record, before the tick and in what was decided so far.
struct Claims {
    before: Recorded,
    since: BTreeMap<ProcessKey, ServiceName>,
}

impl Claims {
    fn owner(&self, key: &ProcessKey) -> Option<&ServiceName> {
        self.since.get(key).or_else(|| self.before.get(key))
    }
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

/// INVARIANT: a process is on record once, whoever claims it in this tick: the successor of a recorded process
/// is nobody's if it is on record already or two instances claim it, and it is no candidate for a third.
fn without_double_claims<'a>(
    name: &ServiceName,
    record: &Record,
    seen: &'a Seen,
    claimed: &Claims,
) -> Cow<'a, Seen> {
    let offered: Vec<&ProcessKey> = seen.processes.values().filter_map(successor).collect();
    let look = seen.look.as_ref();
    let found =
        look.is_some_and(|look| look.candidates.iter().any(|found| claimed.owner(&found.key).is_some()));
    if offered.is_empty() && seen.intents.is_empty() && !found {
        return Cow::Borrowed(seen);
    }
    let once = |key: &ProcessKey| offered.iter().filter(|other| **other == key).count() == 1;
    let mut followed: BTreeSet<ProcessKey> = offered
        .iter()
        .filter(|key| once(key) && claimed.owner(key).is_none())
        .map(|key| (*key).clone())
        .collect();
    followed.extend(seen.intents.values().filter_map(|intent| match intent {
        IntentSeen::Ran(key) => Some(key.clone()),
        IntentSeen::NothingRan | IntentSeen::Unknown(_) => None,
    }));
    let mut seen = seen.clone();
    for process_seen in seen.processes.values_mut() {
        if successor(process_seen).is_some_and(|key| !followed.contains(key))
            && let ProcessSeen::Gone { successor, .. } = process_seen
        {
            *successor = None;
        }
    }
    if let Some(look) = &mut seen.look {
        let own = |key: &ProcessKey| {
            record.instances.values().filter_map(|i| i.phase.process()).any(|process| process.key == *key)
        };
        look.candidates.retain(|found| !followed.contains(&found.key) && !own(&found.key));
        for candidate in &mut look.candidates {
            candidate.recorded_for = claimed.owner(&candidate.key).filter(|owner| *owner != name).cloned();
        }
    }
    Cow::Owned(seen)
}

fn successor(seen: &ProcessSeen) -> Option<&ProcessKey> {
    match seen {
        ProcessSeen::Gone { successor, .. } => successor.as_ref(),
        ProcessSeen::Alive(_) | ProcessSeen::Unknown(_) => None,
    }
}

fn go_on_stopping(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let spec = &record.spec;
    for (index, instance) in record.instances.iter_mut().rev() {
        stop::go_on(instance, *index, seen, spec, draft);
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
    let acts = matches!(aim, Aim::Run | Aim::Stop { .. } | Aim::Remove(_));
    let Record { spec, instances, .. } = record;
    // What the look finds belongs to a starter only if there is just one that waits.
    let starters = instances.values().filter(|instance| is_starter(instance)).count();
    for (index, instance) in instances.iter_mut() {
        let process_seen = seen.and_then(|seen| seen.processes.get(index));
        if acts && stop::clear_after(instance, *index, process_seen, spec, draft) {
            events.insert(*index, Event::Nothing);
            continue;
        }
        let mut event = life::advance(instance, *index, seen, now);
        if let Event::StarterDone { starter, since } = &event {
            let found = found_service(spec, seen, *index, starter).filter(|_| starters == 1);
            if let Some(service) = found {
                life::follow(instance, &service);
                if let Phase::Starting { process, .. } = &mut instance.phase {
                    // Found by the rule, not by descent: it is signalled only while the rule holds.
                    process.adopted_by = Some(Arc::clone(spec));
                }
            } else if now.boot < since.after(spec.start_timeout) {
                note_left(instance, *index, seen);
                draft.wake(now.boot.after(look_again(now.boot.since(*since))));
                draft.wake(since.after(spec.start_timeout));
            } else if note_left(instance, *index, seen) {
                hold_left(instance, *index, draft);
            } else {
                instance.phase = Phase::Vacant;
                event = Event::Nothing;
                if *aim == Aim::Run && *index < spec.replicas {
                    let error = "its starter exited and no service was found".to_owned();
                    backoff::after_failure(instance, &spec.restart, (draft.name, *index), error, now.boot);
                }
            }
        }
        // What follows for a Task is decided where its runs are known.
        if let Event::Exited { ready_since } = &event
            && spec.task.is_none()
            && *aim == Aim::Run
            && *index < spec.replicas
        {
            let obstacle = seen.and_then(|seen| seen.obstacles.get(index));
            if let (None, Some(obstacle), Some(exit)) = (ready_since, obstacle, &instance.last_exit) {
                instance.last_error = Some(format!("{}; {obstacle}", life::exit_words(exit)));
            }
            let ready_for = ready_since.map(|since| now.boot.since(since));
            backoff::after_exit(instance, &spec.restart, (draft.name, *index), ready_for, now.boot);
        }
        if matches!(event, Event::Exited { .. }) && !matches!(aim, Aim::Observe | Aim::Suspend { .. }) {
            errand::begin(instance, spec, Purpose::PostStop, now.boot);
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

/// Each look is at all processes: soon at first, then rarer.
fn look_again(waited: Duration) -> Duration {
    (waited / 4).clamp(Duration::from_millis(100), Duration::from_secs(2))
}

/// Takes down what lives of the starter's tree. True if anything does.
fn note_left(instance: &mut Instance, index: u32, seen: Option<&Seen>) -> bool {
    let process_seen = seen.and_then(|seen| seen.processes.get(&index));
    if let (Phase::Starting { left, .. }, Some(ProcessSeen::Gone { survivors, .. })) =
        (&mut instance.phase, process_seen)
    {
        left.clone_from(survivors);
        return !left.is_empty();
    }
    false
}

/// INVARIANT: while something lives that a starter may have left behind, there is no other start: it would be a second
/// copy if that is the service, and the identity rule can't tell.
fn hold_left(instance: &Instance, index: u32, draft: &mut Draft<'_>) {
    let Phase::Starting { left, .. } = &instance.phase else { return };
    let pids: Vec<String> = left.iter().map(|key| key.pid.to_string()).collect();
    let message = format!(
        "not started again: its starter exited, and {} may be what it left behind, which the identity rule doesn't \
         find; say with `becomes` or `matchOnly` what the service runs as",
        pids.join(", ")
    );
    draft.hold(index, (ConditionType::Unique, ConditionStatus::Unknown), "LeftBehind", &message);
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
                if life::is_unknown(events, *index) || is_starter_done(events, *index) {
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

fn is_starter(instance: &Instance) -> bool {
    matches!(instance.phase, Phase::Starting { starter: true, .. })
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
fn release_all(record: &mut Record, events: &BTreeMap<u32, Event>, by: &str, draft: &mut Draft<'_>) {
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
fn suspend(record: &mut Record, because: &str, until: Option<WallTime>, draft: &mut Draft<'_>) {
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
