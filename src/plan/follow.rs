//! What became of what was started or adopted, and what follows from its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::aim::Aim;
use super::draft::Draft;
use super::life::{self, Event};
use super::memory::{Instance, Phase, Purpose, Record};
use super::observation::{ProcessSeen, Seen};
use super::occupy::{self, Occupancy};
use super::settled::SOON_KNOWN;
use super::status::{ConditionStatus, ConditionType};
use super::{backoff, errand, stop};
use crate::facts::ProcessKey;
use crate::spec::Service;

/// Until it is looked again whether a fork has detached itself.
const UNDECIDED: Duration = Duration::from_millis(100);

/// What became of each instance, and what follows from an exit.
pub(super) fn follow_all(
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
        if let Some(event) = undecided(instance, aim, (*index, seen), draft) {
            events.insert(*index, event);
            continue;
        }
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
                let ends = matches!(aim, Aim::Stop { .. } | Aim::Remove(_));
                if !ends || stop::left_behind(instance, spec).is_empty() {
                    hold_left(instance, *index, &why_left(instance, spec, seen, *index), draft);
                }
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
            let soon = seen.is_some_and(|seen| seen.undecided.contains_key(index));
            let reason = if soon { SOON_KNOWN } else { "CannotTell" };
            draft.hold(*index, (ConditionType::Owned, ConditionStatus::Unknown), reason, &message);
        }
    }
    events
}

/// One that ended well, whose fork may be about to take its place: neither followed nor cleared away before that is known.
fn undecided(
    instance: &Instance,
    aim: &Aim,
    (index, seen): (u32, Option<&Seen>),
    draft: &mut Draft<'_>,
) -> Option<Event> {
    let heir = seen?.undecided.get(&index)?;
    let (Phase::Starting { process, starter: false, .. } | Phase::Running { process, .. }) = &instance.phase
    else {
        return None;
    };
    if matches!(aim, Aim::Stop { .. } | Aim::Remove(_)) {
        return None;
    }
    draft.wake(draft.now.boot.after(UNDECIDED));
    Some(Event::Unknown(format!("{} exited, and {heir} may be about to take its place", process.key.pid)))
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
fn hold_left(instance: &Instance, index: u32, why: &str, draft: &mut Draft<'_>) {
    let Phase::Starting { left, .. } = &instance.phase else { return };
    let pids: Vec<String> = left.iter().map(|key| key.pid.to_string()).collect();
    let message = format!(
        "not started again: its starter exited, and {} may be what it left behind, {why}; `selfsame stop {}` ends what \
         is left",
        pids.join(", "),
        draft.name
    );
    draft.hold(index, (ConditionType::Unique, ConditionStatus::Unknown), "LeftBehind", &message);
}

/// Why none of them is taken for the service, and what would tell.
fn why_left(instance: &Instance, spec: &Service, seen: Option<&Seen>, index: u32) -> String {
    if several(spec, seen, index) {
        return "and several match; say with `pidfile` or `match` which of them is the service".into();
    }
    let Phase::Starting { left, .. } = &instance.phase else { return String::new() };
    let candidates = seen.and_then(|seen| seen.look.as_ref()).into_iter().flat_map(|look| &look.candidates);
    let foreign = candidates.filter(|candidate| candidate.foreign_user && left.contains(&candidate.key));
    match foreign.map(|candidate| candidate.uid).next() {
        Some(uid) => format!("which became another user; say with `match: user == {uid}` that it is the service"),
        None => "which the identity rule doesn't find; say with `becomes` or `matchOnly` what the service runs as, with \
                 `user` there if it becomes another user"
            .into(),
    }
}

/// The identity rule finds more than one, as of a daemon whose workers have no parent.
fn several(spec: &Service, seen: Option<&Seen>, index: u32) -> bool {
    let look = seen.and_then(|seen| seen.look.as_ref());
    let found = look.map(|look| occupy::occupy(spec, look, &[index]));
    matches!(found, Some(Occupancy::Hold(hold)) if !hold.surplus.is_empty())
}

/// The one process that the identity rule finds, and that is no older than the starter.
fn found_service(
    spec: &Service,
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

fn is_starter(instance: &Instance) -> bool {
    matches!(instance.phase, Phase::Starting { starter: true, .. })
}
