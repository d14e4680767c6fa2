//! Places without a process: take over what runs already, start, wait or hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::Action;
use super::depend::Waits;
use super::draft::{Doing, Draft, SOON};
use super::memory::{Instance, Phase, Process, Record};
use super::observation::{Candidate, Look, Seen};
use super::occupy::{self, Hold, Occupancy};
use super::phase;
use super::requirements;
use super::starting;
use super::status::{ConditionStatus, ConditionType};
use super::stop;
use crate::spec::{DuplicatePolicy, Service};

/// Places without a process: adopt, start, wait or hold.
pub(super) fn fill_places(
    record: &mut Record,
    spec: &Arc<Service>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let now = draft.now.boot;
    let wanted = || record.instances.range(..spec.replicas);
    let due: Vec<u32> =
        wanted().filter(|(_, instance)| phase::is_due(instance, now)).map(|(index, _)| *index).collect();
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
    if too_many || record.instances.values().any(phase::is_unsettled) {
        for index in due {
            let because = "waits until another instance has come to rest or is gone";
            draft.change(index, Doing::Wait, because);
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
        Occupancy::Free if has_to_wait(record, spec, &due, seen, draft) => {}
        Occupancy::Free => starting::start_all(record, spec, &due, seen.prepared.as_ref(), draft),
        Occupancy::Adopt(places) => adopt_all(record, spec, places, draft),
        Occupancy::Hold(hold) => hold_or_clear(record, spec, hold, &due, draft),
    }
}

/// Whether a start waits for what the object depends on, or for its `conditions`; why is said.
pub(super) fn has_to_wait(
    record: &mut Record,
    spec: &Service,
    due: &[u32],
    seen: &Seen,
    draft: &mut Draft<'_>,
) -> bool {
    match draft.start_waits.clone() {
        Some(waits) => {
            wait_for_others(due, &waits, draft);
            true
        }
        None => requirements::hold_back(record, spec, due, seen, draft),
    }
}

/// Nothing is started before what it depends on.
pub(super) fn wait_for_others(due: &[u32], waits: &Waits, draft: &mut Draft<'_>) {
    let message = format!("not started: it {}", waits.message);
    for index in due {
        let doing = if waits.stuck { Doing::Held } else { Doing::Wait };
        draft.change(*index, doing, message.clone());
    }
    if !due.is_empty() {
        draft.find(ConditionType::Blocked, ConditionStatus::True, "Dependency", &message);
    }
}

/// What this tick has put on record already (a starter's service) isn't found a second time.
pub(super) fn not_on_record<'a>(look: &'a Look, record: &Record) -> Cow<'a, Look> {
    let own = |candidate: &Candidate| {
        let mut processes = record.instances.values().filter_map(|instance| instance.phase.process());
        processes.any(|process| process.key == candidate.key)
    };
    let mut look = Cow::Borrowed(look);
    if look.candidates.iter().any(own) {
        look.to_mut().candidates.retain(|candidate| !own(candidate));
    }
    look
}

/// Of what is to be stopped and has no process on record something may run all the same. It wasn't started here: it is left
/// alone, and it is said.
pub(super) fn strays(record: &Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let runs = record.instances.values().any(|instance| instance.phase.process().is_some());
    let Some(look) = seen.and_then(|seen| seen.look.as_ref()).filter(|_| !runs && record.spec.task.is_none())
    else {
        return;
    };
    if let Some(stray) = occupy::stray(&not_on_record(look, record)) {
        draft.hold(0, stray.condition, stray.reason, &stray.message);
    }
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
    held(record, &hold, due, draft);
}

/// Nothing is started, and why is said. What may be known at the next look is looked at again, without waiting for the one at everything.
pub(super) fn held(record: &mut Record, hold: &Hold, due: &[u32], draft: &mut Draft<'_>) {
    for index in due {
        draft.hold(*index, hold.condition, hold.reason, &hold.message);
        if hold.passes
            && let Some(instance) = record.instances.get_mut(index)
        {
            requirements::look_again(instance, draft);
        }
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
        let instance = record.instances.get_or_new(index);
        instance.phase = phase;
        instance.begin_health();
        instance.last_error = None;
    }
}

pub(super) fn adopted(candidate: Candidate, spec: &Arc<Service>, draft: &Draft<'_>) -> Phase {
    let process = Process {
        key: candidate.key,
        inode: None,
        at: draft.now.wall,
        since: draft.now.boot,
        adopted: true,
        launched: None,
        adopted_by: Some(Arc::clone(spec)),
        arguments_differ: candidate.arguments == super::observation::ArgumentsSeen::Different,
        reloaded: None,
        group: None,
        constrained: None,
        followed: false,
    };
    Phase::Starting { process, since: draft.now.boot, starter: false, probed: None, left: Vec::new() }
}
