//! Keeping an object running: take over or start what is missing, restart what is outdated, stop what is
//! too many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::adjust::{self, Live};
use super::aim::Aim;
use super::asked;
use super::backoff;
use super::binary;
use super::depend::Waits;
use super::draft::{Doing, Draft};
use super::errand::{self, Standing};
use super::launch::{self, FieldChange};
use super::life::{self, Event};
use super::live;
use super::memory::{Adjusted, Instance, Launched, Phase, Process, Purpose, Record};
use super::observation::{Candidate, Look, Prepared, Seen};
use super::occupy::{self, Hold, Occupancy};
use super::ready;
use super::requirements;
use super::slots;
use super::status::{ConditionStatus, ConditionType};
use super::stop;
use super::triggers;
use super::update::{self, Way};
use crate::spec::{DuplicatePolicy, Service, ServiceType};
use crate::units::BootTime;

/// The next tick, without a hot loop.
const SOON: Duration = Duration::from_millis(1);

/// Nothing runs, and it may be started now.
pub(super) fn is_due(instance: &Instance, now: BootTime) -> bool {
    match &instance.phase {
        // What runs around a start or after a stop comes first.
        Phase::Vacant | Phase::BackOff { .. } if instance.errand.is_some() => false,
        Phase::Vacant => true,
        Phase::BackOff { until } => now >= *until,
        Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// Its process isn't settled: a look could take it, or what it leaves behind, for another one.
pub(super) fn is_unsettled(instance: &Instance) -> bool {
    match &instance.phase {
        Phase::Intended { .. } | Phase::Stopping { .. } => true,
        Phase::Starting { starter, .. } => *starter,
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished | Phase::Running { .. } => false,
    }
}

/// Everything about an object that shall run.
pub(super) fn run(
    record: &mut Record,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let spec = Arc::clone(&record.spec);
    for index in 0..spec.replicas {
        record.instances.entry(index).or_default();
    }
    readiness(record, &spec, seen, draft);
    if update::roll_back(record, draft) {
        // What follows is decided by that document, from its next look.
        update::keep_good(record, draft);
        return;
    }
    greet(record, &spec, draft);
    stop_surplus(record, &spec, events, draft);
    restart_outdated(record, &spec, events, seen, draft);
    asked::go_on(record, seen, draft);
    constrain(record, &spec, events, draft);
    adjust_live(record, &spec, events, draft);
    fill_places(record, &spec, seen, draft);
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
        instance.health.said.hear(&alive.health.said);
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
                draft.change(index, Doing::Held, error);
            }
            Standing::Failed(Purpose::PostStart, error) => {
                instance.greets = false;
                instance.failures = instance.failures.saturating_add(1);
                instance.last_error = Some(error.clone());
                stop::begin(instance, spec, error.clone(), true, draft);
                draft.change(index, Doing::Restart, error);
            }
            Standing::Done(purpose) => {
                if instance.command_error.as_ref().is_some_and(|(failed, _)| *failed == purpose) {
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
        if !runs(instance) || is_unknown(events, *index) {
            continue;
        }
        draft.disturbs = true;
        if draft.guarded {
            hold_mass_change(*index, "not stopped", draft);
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

/// Of the sort that a stop can begin with.
pub(super) fn runs(instance: &Instance) -> bool {
    matches!(instance.phase, Phase::Starting { .. } | Phase::Running { .. })
}

pub(super) fn is_unknown(events: &BTreeMap<u32, Event>, index: u32) -> bool {
    matches!(events.get(&index), Some(Event::Unknown(_)))
}

pub(super) fn hold_mass_change(index: u32, what: &str, draft: &mut Draft<'_>) {
    let message =
        format!("{what}: the change would stop or restart more than half of the set, confirm it to go on");
    draft.hold(index, (ConditionType::Blocked, ConditionStatus::True), "MassChange", &message);
}

/// Why an instance should be restarted: a person asked (`fields` is empty), or its document changed.
struct Outdated {
    index: u32,
    because: String,
    fields: Vec<FieldChange>,
}

/// So many at a time as may be not Ready: a Ready instance is restarted only while fewer others aren't.
fn restart_outdated(
    record: &mut Record,
    spec: &Service,
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let prepared = seen.and_then(|seen| seen.prepared.as_ref()).and_then(|prepared| prepared.as_ref().ok());
    let present = launch::launched(spec, prepared);
    update::take_in_files(record, &present);
    let outdated: Vec<Outdated> = record
        .instances
        .range(..spec.replicas)
        .filter(|(index, instance)| runs(instance) && !is_unsettled(instance) && !is_unknown(events, **index))
        .filter_map(|(index, instance)| {
            let process = instance.phase.process()?;
            let (of, wanted) = ((process, &instance.adjusted), (spec, &present));
            is_outdated(*index, of, wanted, record.restart_before, draft)
                .or_else(|| asked_for(*index, instance))
        })
        .collect();
    if prepared.is_some() {
        let by_document = launch::launched(spec, None);
        let of_files = |change: &FieldChange| !by_document.0.contains_key(&change.field);
        record.compares = outdated.iter().any(|outdated| outdated.fields.iter().any(of_files));
    }
    for Outdated { index, because, fields } in outdated {
        match if fields.is_empty() { Way::Restart } else { update::way(spec, &fields) } {
            Way::Restart => {}
            Way::Reload => {
                reload(record, (index, because, fields), (spec, &present), draft);
                continue;
            }
            Way::Wait => {
                let because = format!("{because}; `update.strategy` is manual, so a person restarts it");
                draft.change_of(index, Doing::Held, because, fields);
                continue;
            }
        }
        if fields.is_empty()
            && let Some(waits) = draft.stop_waits.clone()
        {
            draft.change(index, Doing::Restart, waits);
            continue;
        }
        if !fields.is_empty() {
            draft.disturbs = true;
            if draft.guarded {
                hold_mass_change(index, "not restarted", draft);
                continue;
            }
        }
        let others = record.instances.range(..spec.replicas);
        let missing =
            others.filter(|(other, instance)| **other != index && !ready::is_ready(instance, spec)).count();
        let may_be = usize::try_from(spec.update.max_unavailable).unwrap_or(usize::MAX);
        // Nothing comes back before what it depends on, which is restarted too: then there is no one after the other.
        let together = fields.is_empty() && draft.start_waits.is_some();
        let Some(instance) = record.instances.get_mut(&index) else { continue };
        if missing < may_be || together || !ready::is_ready(instance, spec) {
            stop::begin(instance, spec, because.clone(), false, draft);
        }
        draft.change_of(index, Doing::Restart, because, fields);
    }
}

/// A change that a reload suffices for.
fn reload(
    record: &mut Record,
    (index, because, fields): (u32, String, Vec<FieldChange>),
    (spec, present): (&Service, &Launched),
    draft: &mut Draft<'_>,
) {
    let Some(instance) = record.instances.get_mut(&index) else { return };
    if asked::reload(instance, spec, &because) {
        if let Some(process) = instance.phase.process_mut() {
            update::took_effect(process, &fields, present);
        }
        draft.change_of(index, Doing::Reload, because, fields);
    }
}

/// What was seen of it asks for a restart (a trigger, a new program).
fn asked_for(index: u32, instance: &Instance) -> Option<Outdated> {
    let because = instance.health.restart.clone()?;
    Some(Outdated { index, because, fields: Vec::new() })
}

fn is_outdated(
    index: u32,
    (process, adjusted): (&Process, &Adjusted),
    (spec, present): (&Service, &Launched),
    restart_before: Option<BootTime>,
    draft: &mut Draft<'_>,
) -> Option<Outdated> {
    if restart_before.is_some_and(|moment| process.since < moment) {
        return Some(Outdated { index, because: "a restart was asked for".into(), fields: Vec::new() });
    }
    let was = update::as_it_is(process);
    let mut fields = was.map(|was| launch::changes(&was, present)).unwrap_or_default();
    fields.retain(|change| match adjust::live(&change.field, &change.from, &change.to, adjusted, spec) {
        Live::Apply(_) | Live::Refused => false,
        Live::Restart => true,
    });
    if !fields.is_empty() {
        let words: Vec<String> = fields
            .iter()
            .map(|f| format!("`{}` changed from {} to {}{}", f.field, f.from, f.to, origin(&f.field, spec)))
            .collect();
        let because = words.join(", ");
        if update::way(spec, &fields) != Way::Reload {
            let message = format!("{} has to be restarted: {because}", process.key.pid);
            draft.find(ConditionType::UpToDate, ConditionStatus::False, "NeedsRestart", &message);
        }
        return Some(Outdated { index, because, fields });
    }
    adopted_differs(process, present, draft);
    None
}

/// Changes of limits and scheduling are given to what runs, where that can be done.
fn adjust_live(record: &Record, spec: &Service, events: &BTreeMap<u32, Event>, draft: &mut Draft<'_>) {
    let present = launch::launched(spec, None);
    let settled = record.instances.range(..spec.replicas).filter(|(index, instance)| {
        runs(instance) && !is_unsettled(instance) && !is_unknown(events, **index)
    });
    for (index, instance) in settled {
        let Some(process) = instance.phase.process() else { continue };
        let Some(was) = &process.launched else { continue };
        let mut given = Vec::new();
        for change in launch::changes(was, &present) {
            match adjust::live(&change.field, &change.from, &change.to, &instance.adjusted, spec) {
                Live::Apply(adjustments) => {
                    let because = format!("`{}` changed", change.field);
                    let (key, field, to) = (process.key.clone(), change.field.clone(), change.to.clone());
                    draft.step(*index, Action::Adjust { key, field, to, adjustments }, because);
                    given.push(change);
                }
                Live::Refused => {
                    let error = instance.adjusted.error.as_deref().unwrap_or("it was refused");
                    let message = format!("{} is left as it is: {error}", process.key.pid);
                    let what = (ConditionType::UpToDate, ConditionStatus::False);
                    draft.hold(*index, what, "CannotApply", &message);
                }
                Live::Restart => {}
            }
        }
        if !given.is_empty() {
            let names: Vec<String> = given.iter().map(|change| format!("`{}`", change.field)).collect();
            draft.change_of(*index, Doing::Adjust, format!("{} changed", names.join(" and ")), given);
        }
    }
}

/// Where the value of a field comes from, if the document doesn't say it itself.
fn origin(field: &str, spec: &Service) -> String {
    let inner =
        |path: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match spec.defaults.iter().find(|(path, _)| inner(path)) {
        Some((_, name)) => format!(" (from the Defaults `{name}`)"),
        None => String::new(),
    }
}

/// An adopted process is left as it is; where it is known to be otherwise, that is said.
fn adopted_differs(process: &Process, present: &Launched, draft: &mut Draft<'_>) {
    let Some(rule) = process.adopted_by.as_ref().filter(|_| process.launched.is_none()) else {
        return;
    };
    let pid = process.key.pid;
    let fields = launch::changes(&launch::launched(rule, None), present);
    let message = if process.arguments_differ {
        format!("{pid} was adopted with other arguments than `args`, and is left as it is")
    } else if let Some(field) = fields.first() {
        format!("{pid} was adopted before `{}` changed, and is left as it is", field.field)
    } else {
        return;
    };
    draft.find(ConditionType::UpToDate, ConditionStatus::False, "Adopted", &message);
}

/// So long after the host refused bounds they are tried again.
const CONSTRAIN_AGAIN: Duration = Duration::from_mins(1);

/// Bounds that aren't as the document says are set on the running group.
fn constrain(record: &Record, spec: &Service, events: &BTreeMap<u32, Event>, draft: &mut Draft<'_>) {
    for (index, instance) in record.instances.iter().filter(|(_, instance)| runs(instance)) {
        let Some(process) = instance.phase.process().filter(|_| !is_unknown(events, *index)) else {
            continue;
        };
        let pid = process.key.pid;
        let Some(group) = process.group.clone() else {
            if !spec.resources.is_empty() {
                let message =
                    format!("`resources` don't bound {pid}: it is in no control group of selfsame's");
                draft.find(ConditionType::Degraded, ConditionStatus::True, "ResourcesNotApplied", &message);
            }
            continue;
        };
        let refused = match &process.constrained {
            None if spec.resources.is_empty() => continue,
            Some(last) if last.resources == spec.resources => match &last.error {
                None => continue,
                Some(error) => Some((error, last.at.after(CONSTRAIN_AGAIN))),
            },
            None | Some(_) => None,
        };
        if let Some((error, again)) = refused {
            let message = format!("`resources` don't bound {pid}: {error}");
            draft.find(ConditionType::Degraded, ConditionStatus::True, "ResourcesRefused", &message);
            draft.wake(again);
            if draft.now.boot < again {
                continue;
            }
        }
        let action = Action::Constrain { key: process.key.clone(), group, resources: spec.resources };
        draft.step(*index, action, "`resources` are not what its document says");
    }
}

/// Places without a process: adopt, start, wait or hold.
fn fill_places(record: &mut Record, spec: &Arc<Service>, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let now = draft.now.boot;
    let wanted = || record.instances.range(..spec.replicas);
    let due: Vec<u32> =
        wanted().filter(|(_, instance)| is_due(instance, now)).map(|(index, _)| *index).collect();
    for (_, instance) in wanted() {
        if let Phase::BackOff { until } = &instance.phase {
            draft.wake(*until);
        }
    }
    let vacant: Vec<u32> = wanted()
        .filter(|(_, instance)| matches!(instance.phase, Phase::Vacant | Phase::BackOff { .. }))
        .map(|(index, _)| *index)
        .collect();
    let Some(seen) = seen else {
        for index in due {
            let unknown = (ConditionType::Unique, ConditionStatus::Unknown);
            draft.hold(index, unknown, "CannotTell", "not started: cannot tell whether it runs (no answer)");
        }
        return;
    };
    let too_many =
        record.instances.range(spec.replicas..).any(|(_, instance)| instance.phase.process().is_some());
    if too_many || record.instances.values().any(is_unsettled) {
        for index in due {
            let because = "waits until another instance has come to rest or is gone";
            draft.change(index, Doing::Nothing, because);
        }
        return;
    }
    let Some(look) = &seen.look else {
        if let Some(waits) = draft.start_waits.clone() {
            wait_for_others(&due, &waits, draft);
            return;
        }
        for index in due {
            draft.change(index, Doing::Nothing, "has to be looked for first");
            // It became due between the questions and the answers.
            draft.wake(now.after(SOON));
        }
        return;
    };
    let look = not_on_record(look, record);
    if due.is_empty() {
        if vacant.is_empty() {
            beside_the_record(record, spec, &look, draft);
        }
        return;
    }
    match occupy::occupy(spec, &look, &vacant) {
        Occupancy::Free => match draft.start_waits.clone() {
            Some(waits) => wait_for_others(&due, &waits, draft),
            None if requirements::hold_back(record, spec, &due, seen, draft) => {}
            None => start_all(record, spec, &due, seen.prepared.as_ref(), draft),
        },
        Occupancy::Adopt(places) => adopt_all(record, spec, places, draft),
        Occupancy::Hold(hold) => hold_or_clear(record, spec, hold, &due, draft),
    }
}

/// Nothing is started before what it depends on.
fn wait_for_others(due: &[u32], waits: &Waits, draft: &mut Draft<'_>) {
    let message = format!("not started: it {}", waits.message);
    for index in due {
        let doing = if waits.stuck { Doing::Held } else { Doing::Nothing };
        draft.change(*index, doing, message.clone());
    }
    if !due.is_empty() {
        draft.find(ConditionType::Blocked, ConditionStatus::True, "Dependency", &message);
    }
}

/// What this tick has put on record already (a starter's service) isn't found a second time.
pub(super) fn not_on_record(look: &Look, record: &Record) -> Look {
    let own = |candidate: &Candidate| {
        let mut processes = record.instances.values().filter_map(|instance| instance.phase.process());
        processes.any(|process| process.key == candidate.key)
    };
    let candidates = look.candidates.iter().filter(|candidate| !own(candidate)).cloned().collect();
    Look { candidates, ..look.clone() }
}

/// All places are taken, and more processes match.
fn beside_the_record(record: &mut Record, spec: &Arc<Service>, look: &Look, draft: &mut Draft<'_>) {
    let extra = occupy::extra(look);
    if extra.is_empty() {
        return;
    }
    let pids = occupy::pids(&extra);
    match spec.duplicates {
        DuplicatePolicy::StopExtra if look.complete && look.unknown.is_empty() => {
            put_on_record_and_stop(record, spec, extra.into_iter().cloned().collect(), draft);
        }
        DuplicatePolicy::Report | DuplicatePolicy::StopExtra => {
            let message = format!("{pids} matches too, beside the processes on record, and is left alone");
            draft.find(ConditionType::Unique, ConditionStatus::False, "Duplicate", &message);
        }
        DuplicatePolicy::Refuse => {
            let message =
                format!("{pids} matches too, beside the processes on record, and `duplicates` is refuse");
            draft.find(ConditionType::Unique, ConditionStatus::False, "Duplicate", &message);
            draft.find(ConditionType::Ready, ConditionStatus::False, "Duplicate", &message);
        }
    }
}

fn hold_or_clear(record: &mut Record, spec: &Arc<Service>, hold: Hold, due: &[u32], draft: &mut Draft<'_>) {
    if spec.duplicates == DuplicatePolicy::StopExtra && !hold.surplus.is_empty() {
        adopt_all(record, spec, hold.fitting, draft);
        put_on_record_and_stop(record, spec, hold.surplus, draft);
        return;
    }
    for index in due {
        draft.hold(*index, hold.condition, hold.reason, &hold.message);
    }
}

/// What is too many gets places above `replicas`, and is stopped from there: the youngest first.
fn put_on_record_and_stop(
    record: &mut Record,
    spec: &Arc<Service>,
    mut surplus: Vec<Candidate>,
    draft: &mut Draft<'_>,
) {
    surplus.sort_by_key(|candidate| std::cmp::Reverse((candidate.key.start, candidate.key.pid)));
    for candidate in surplus {
        let above = record.instances.keys().next_back().map_or(0, |last| last.saturating_add(1));
        let index = above.max(spec.replicas);
        let because = "`duplicates` is stopExtra";
        draft.step(index, Action::Adopt { key: candidate.key.clone() }, because);
        draft.change(index, Doing::Stop, because);
        let mut instance = Instance { phase: adopted(candidate, spec, draft), ..Instance::default() };
        stop::begin(&mut instance, spec, because.into(), false, draft);
        record.instances.insert(index, instance);
    }
}

pub(super) fn adopt_all(
    record: &mut Record,
    spec: &Arc<Service>,
    places: BTreeMap<u32, Candidate>,
    draft: &mut Draft<'_>,
) {
    for (index, candidate) in places {
        draft.step(index, Action::Adopt { key: candidate.key.clone() }, "it matches and ran before us");
        draft.change(index, Doing::Adopt, format!("pid {} matches and ran before us", candidate.key.pid));
        let phase = adopted(candidate, spec, draft);
        let instance = record.instances.entry(index).or_default();
        instance.phase = phase;
        instance.begin_health();
        instance.last_error = None;
    }
}

pub(super) fn adopted(candidate: Candidate, spec: &Arc<Service>, draft: &Draft<'_>) -> Phase {
    let process = Process {
        key: candidate.key,
        at: draft.now.wall,
        since: draft.now.boot,
        adopted: true,
        launched: None,
        adopted_by: Some(Arc::clone(spec)),
        arguments_differ: candidate.arguments == super::observation::ArgumentsSeen::Different,
        reloaded: None,
        group: None,
        constrained: None,
    };
    Phase::Starting { process, since: draft.now.boot, starter: false, probed: None, left: Vec::new() }
}

pub(super) fn start_all(
    record: &mut Record,
    spec: &Service,
    due: &[u32],
    prepared: Option<&Result<Prepared, String>>,
    draft: &mut Draft<'_>,
) {
    for index in due {
        let instance = record.instances.entry(*index).or_default();
        match prepared {
            Some(Ok(prepared)) => start(instance, *index, spec, prepared, draft),
            Some(Err(error)) => {
                let of = (draft.name, *index);
                backoff::after_failure(instance, &spec.restart, of, error.clone(), draft.now.boot);
                draft.change(*index, Doing::Held, error.clone());
                draft.wake(draft.now.boot);
            }
            None => {
                draft.change(*index, Doing::Nothing, "what its start needs has to be looked up first");
                draft.wake(draft.now.boot.after(SOON));
            }
        }
    }
}

fn start(instance: &mut Instance, index: u32, spec: &Service, prepared: &Prepared, draft: &mut Draft<'_>) {
    if slots::counts(spec) && !instance.primed {
        if draft.slots == 0 {
            draft.change(index, Doing::Nothing, "waits for its turn: as many are being started as may be");
            return;
        }
        draft.slots -= 1;
    }
    if !instance.primed && !spec.hooks.pre_start.is_empty() {
        instance.phase = Phase::Vacant;
        errand::begin(instance, spec, Purpose::PreStart, draft.now.boot);
        draft.change(index, Doing::Start, "its `hooks.preStart` run first");
        draft.wake(draft.now.boot.after(SOON));
        return;
    }
    let asked = instance.health.restart.take();
    instance.begin_health();
    let because = match (&instance.run, &instance.last_exit, &instance.last_error) {
        _ if asked.is_some() => asked.unwrap_or_default(),
        (Some(run), _, _) => super::task::because(run, spec),
        (None, _, Some(error)) => format!("the last start failed: {error}"),
        (None, Some(exit), None) => life::exit_words(exit),
        (None, None, None) => "nothing that matches runs".into(),
    };
    let mut launch = launch::resolve(spec, index, prepared);
    instance.attempts = instance.attempts.saturating_add(1);
    let nonce = format!("{:x}-{index}-{}", draft.now.boot.0.as_nanos(), instance.attempts);
    launch.group = Some(format!("{}-{nonce}", draft.name));
    instance.phase = Phase::Intended {
        nonce: nonce.clone(),
        group: launch.group.clone(),
        launched: launch.launched.clone(),
        since: draft.now.boot,
        starter: spec.service_type == ServiceType::Forking,
    };
    draft.step(index, Action::Start { nonce, launch: Box::new(launch) }, because.clone());
    draft.change(index, Doing::Start, because);
}
