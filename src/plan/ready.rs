//! Readiness: when a process that runs counts as Ready, and when no longer.

use std::time::Duration;

use super::action::Action;
use super::draft::Draft;
use super::launch;
use super::memory::{Instance, Phase};
use super::observation::{Alive, Seen};
use crate::facts::Fact;
use crate::spec::{ReadinessCheck, Service};
use crate::units::BootTime;

/// The first wait for a service that isn't Ready yet, where the period isn't shorter.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Moves a living instance between Starting and Running. True if it was not Ready within the time it has.
pub(super) fn watch(
    instance: &mut Instance,
    index: u32,
    (alive, seen): (&Alive, &Seen),
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let now = draft.now.boot;
    match &mut instance.phase {
        Phase::Starting { since, starter: true, .. } => late(*since, spec, draft),
        Phase::Starting { process, since, starter: false, probed, .. } => {
            let ready = match &spec.readiness.check {
                ReadinessCheck::AliveFor(time) => {
                    draft.wake(since.after(*time));
                    now.since(*since) >= *time
                }
                ReadinessCheck::Pidfile | ReadinessCheck::Tcp { .. } | ReadinessCheck::Exec { .. } => {
                    alive.ready == Fact::Known(true)
                }
            };
            if ready {
                let process = process.clone();
                let probed = *probed;
                instance.phase = Phase::Running { process, ready_since: now, probe_failures: 0, probed };
                return false;
            }
            let key = process.key.clone();
            let begun = Some(*since);
            if probe_due(*probed, begun, spec, alive, now) && probe(key, index, seen, spec, draft) {
                *probed = Some(now);
            }
            wake_for_probe(*probed, begun, spec, draft);
            let waits_for_time = matches!(spec.readiness.check, ReadinessCheck::AliveFor(_));
            !waits_for_time && late(*since, spec, draft)
        }
        Phase::Running { process, ready_since, probe_failures, probed } => {
            if now.since(*ready_since) >= spec.restart.reset_after {
                (instance.failures, instance.spared) = (0, false);
            }
            if probe_due(*probed, None, spec, alive, now) {
                // An answer counts once: when the next question is due.
                match &alive.ready {
                    Fact::Known(true) => *probe_failures = 0,
                    Fact::Known(false) => *probe_failures = probe_failures.saturating_add(1),
                    Fact::Absent | Fact::Unknown(_) => {}
                }
                if probe(process.key.clone(), index, seen, spec, draft) {
                    *probed = Some(now);
                }
            }
            wake_for_probe(*probed, None, spec, draft);
            false
        }
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// The start takes longer than it may.
fn late(since: BootTime, spec: &Service, draft: &mut Draft<'_>) -> bool {
    let deadline = since.after(spec.start_timeout);
    draft.wake(deadline);
    draft.now.boot >= deadline
}

/// Whether the readiness check is one that asks the service.
pub(super) fn asks(spec: &Service) -> bool {
    match spec.readiness.check {
        ReadinessCheck::AliveFor(_) => false,
        ReadinessCheck::Pidfile | ReadinessCheck::Tcp { .. } | ReadinessCheck::Exec { .. } => true,
    }
}

/// The moment of the next probe; one without an answer is given its time first. While a service that began at `begun`
/// isn't Ready yet, it is asked soon, and then with waits that grow with its age up to the period.
pub(super) fn next_probe(
    probed: BootTime,
    begun: Option<BootTime>,
    spec: &Service,
    answered: bool,
) -> BootTime {
    let period = spec.readiness.period;
    let wait = match begun {
        Some(begun) if answered => period.min((probed.since(begun) / 2).max(FIRST_WAIT)),
        Some(_) | None if answered => period,
        Some(_) | None => period.max(spec.readiness.timeout.saturating_add(Duration::from_secs(1))),
    };
    probed.after(wait.max(Duration::from_millis(10)))
}

fn probe_due(
    probed: Option<BootTime>,
    begun: Option<BootTime>,
    spec: &Service,
    alive: &Alive,
    now: BootTime,
) -> bool {
    let answered = alive.ready != Fact::Absent;
    asks(spec) && probed.is_none_or(|probed| now >= next_probe(probed, begun, spec, answered))
}

fn wake_for_probe(probed: Option<BootTime>, begun: Option<BootTime>, spec: &Service, draft: &mut Draft<'_>) {
    if asks(spec)
        && let Some(probed) = probed
    {
        let due = next_probe(probed, begun, spec, true);
        let last = next_probe(probed, begun, spec, false);
        draft.wake(if due > draft.now.boot { due } else { last });
    }
}

/// Asks. False if what a command needs could not be looked up; then it is asked at the next tick.
fn probe(
    key: crate::facts::ProcessKey,
    index: u32,
    seen: &Seen,
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let command = matches!(spec.readiness.check, ReadinessCheck::Exec { .. });
    let prepared = seen.prepared.as_ref().and_then(|prepared| prepared.as_ref().ok());
    let launch = match (command, prepared) {
        (true, Some(prepared)) => Some(Box::new(launch::resolve(spec, index, prepared))),
        (true, None) => {
            draft.wake(draft.now.boot.after(spec.readiness.period.max(Duration::from_secs(1))));
            return false;
        }
        (false, _) => None,
    };
    let check = spec.readiness.check.clone();
    draft.step(
        index,
        Action::Probe { key, check, timeout: spec.readiness.timeout, launch },
        "its readiness is asked for",
    );
    true
}

/// Whether an instance is Ready and, by its liveness check, alive: what fails that check is restarted, and isn't Ready
/// any more from then on.
pub(super) fn is_healthy(instance: &Instance, spec: &Service) -> bool {
    is_ready(instance, spec)
}

/// Whether a Running instance is Ready: not so many probes in a row failed.
pub(super) fn is_ready(instance: &Instance, spec: &Service) -> bool {
    match &instance.phase {
        Phase::Running { probe_failures, .. } => {
            !instance.greets && *probe_failures < spec.readiness.failure_threshold.max(1)
        }
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::spec::ServiceName;

    #[test]
    fn a_service_that_is_not_ready_yet_is_asked_soon_and_then_rarer() {
        let mut spec = Service::new(ServiceName::new("web").unwrap(), "/srv/web".into());
        let millis = |number| BootTime(Duration::from_millis(number));
        let asked_at = |spec: &Service, until: u64| {
            let mut times = vec![0];
            while let Some(last) = times.last().copied().filter(|last| *last < until) {
                let next = next_probe(millis(last), Some(millis(0)), spec, true);
                times.push(u64::try_from(next.0.as_millis()).unwrap());
            }
            times
        };
        spec.readiness.period = Duration::from_secs(1);
        assert_eq!(asked_at(&spec, 400), [0, 100, 200, 300, 450]);
        assert_eq!(next_probe(millis(9000), Some(millis(0)), &spec, true), millis(10_000));
        assert_eq!(next_probe(millis(300), None, &spec, true), millis(1300), "it was Ready already");
        spec.readiness.period = Duration::from_millis(50);
        assert_eq!(asked_at(&spec, 100), [0, 50, 100]);
    }
}
