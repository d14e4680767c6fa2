//! Readiness: when a process that runs counts as Ready, and when no longer.

use std::time::Duration;

use super::action::Purpose;
use super::asking::{self, Manner, manner};
use super::draft::Draft;
use super::memory::{Instance, Phase, Process};
use super::observation::{Alive, Seen};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::{Rare, ReadinessCheck, Service};
use crate::units::BootTime;

/// What only a start says, nobody heard of a process that was adopted: it has to have lived for so long instead.
const ADOPTED_WAIT: Duration = Duration::from_secs(1);

/// Moves a living instance between Starting and Running. True if it was not Ready within the time it has.
pub(super) fn watch(
    instance: &mut Instance,
    index: u32,
    (alive, seen): (&Alive, &Seen),
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let now = draft.now.boot;
    let rule = &spec.readiness;
    note_detail(instance, alive);
    let until = instance.health.said.until;
    match &mut instance.phase {
        Phase::Starting { since, starter: true, .. } => late(*since, until, spec, draft),
        Phase::Starting { process, since, starter: false, probed, .. } => {
            if is_ready_now(process, *since, alive, spec, draft) {
                let process = process.clone();
                let probed = *probed;
                instance.phase = Phase::Running { process, ready_since: now, probe_failures: 0, probed };
                return false;
            }
            let key = (process.key.clone(), Purpose::Readiness);
            let begun = Some(*since);
            if asks(spec)
                && asking::is_due(*probed, begun, rule, &alive.ready, now)
                && asking::ask(key, (index, spec), rule, seen, draft)
            {
                *probed = Some(now);
            }
            if asks(spec) {
                asking::wake(*probed, begun, rule, draft);
            }
            manner(&rule.check) != Manner::Time
                && late(*since, until, spec, draft)
                && !in_doubt(process, alive, spec, draft)
        }
        Phase::Running { process, ready_since, probe_failures, probed } => {
            if now.since(*ready_since) >= spec.restart.reset_after {
                (instance.failures, instance.spared) = (0, false);
            }
            if !stays_asked(spec) {
                return false;
            }
            if asking::is_due(*probed, None, rule, &alive.ready, now) {
                // An answer counts once: when the next question is due.
                match &alive.ready {
                    Fact::Known(true) => *probe_failures = 0,
                    Fact::Known(false) => *probe_failures = probe_failures.saturating_add(1),
                    Fact::Absent | Fact::Unknown(_) => {}
                }
                let key = (process.key.clone(), Purpose::Readiness);
                if asking::ask(key, (index, spec), rule, seen, draft) {
                    *probed = Some(now);
                }
            }
            asking::wake(*probed, None, rule, draft);
            false
        }
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// Keeps the last reason for a no, for people.
fn note_detail(instance: &mut Instance, alive: &Alive) {
    match &alive.ready {
        Fact::Known(false) | Fact::Unknown(_) => instance.health.detail = alive.ready_detail.clone().into(),
        Fact::Known(true) => instance.health.detail = Rare::default(),
        Fact::Absent => {}
    }
}

fn is_ready_now(
    process: &Process,
    since: BootTime,
    alive: &Alive,
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let time = match (&spec.readiness.check, manner(&spec.readiness.check)) {
        (ReadinessCheck::AliveFor(time), _) => *time,
        (_, Manner::Told) if process.adopted => ADOPTED_WAIT,
        _ => return alive.ready == Fact::Known(true),
    };
    draft.wake(since.after(time));
    alive.ready == Fact::Known(true) || draft.now.boot.since(since) >= time
}

/// The start takes longer than it may.
fn late(since: BootTime, until: Option<BootTime>, spec: &Service, draft: &mut Draft<'_>) -> bool {
    let deadline = since.after(spec.start_timeout);
    let deadline = until.map_or(deadline, |until| until.max(deadline));
    draft.wake(deadline);
    draft.now.boot >= deadline
}

/// INVARIANT: a process isn't stopped because nobody can tell whether it is Ready.
fn in_doubt(process: &Process, alive: &Alive, spec: &Service, draft: &mut Draft<'_>) -> bool {
    let pid = process.key.pid;
    let why = match (&alive.ready, &spec.readiness.check) {
        (Fact::Unknown(reason), _) => reason.to_string(),
        (Fact::Known(false), ReadinessCheck::Notify) if alive.health.said.deaf => {
            "nobody listened for a time, in which it may have said so".into()
        }
        (Fact::Known(_) | Fact::Absent, _) => return false,
    };
    let message = format!("not restarted after `startTimeout`: cannot tell whether {pid} is Ready ({why})");
    draft.find(ConditionType::Ready, ConditionStatus::Unknown, "CannotTell", &message);
    true
}

/// Whether an instance is Ready and, by its liveness check, alive: what fails that check is restarted, and isn't Ready
/// any more from then on.
pub(super) fn is_healthy(instance: &Instance, spec: &Service) -> bool {
    is_ready(instance, spec) && instance.health.lives != Some(false)
}

/// Whether the readiness check is one that is asked at all.
pub(super) fn asks(spec: &Service) -> bool {
    match manner(&spec.readiness.check) {
        Manner::Time => false,
        Manner::Probe | Manner::Command | Manner::Look | Manner::Told => true,
    }
}

/// Whether it is asked also of a service that is Ready.
pub(super) fn stays_asked(spec: &Service) -> bool {
    match manner(&spec.readiness.check) {
        Manner::Time | Manner::Told => false,
        Manner::Probe | Manner::Command | Manner::Look => true,
    }
}

/// Whether a Running instance is Ready: not so many probes in a row failed, and it doesn't say that it stops.
pub(super) fn is_ready(instance: &Instance, spec: &Service) -> bool {
    match &instance.phase {
        Phase::Running { probe_failures, .. } => {
            !instance.greets
                && *probe_failures < spec.readiness.failure_threshold.max(1)
                && !instance.health.said.stopping
        }
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. } => false,
    }
}
