//! Questions that are asked again and again: when the next one is due, and the step that asks it.

use std::time::Duration;

use super::action::{Action, Purpose};
use super::draft::Draft;
use super::launch;
use super::observation::Seen;
use crate::facts::{Fact, ProcessKey};
use crate::spec::{Readiness, ReadinessCheck, Service};
use crate::units::BootTime;

/// The first wait for a service that isn't Ready yet, where the period isn't shorter.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The shortest wait of all.
const LEAST_WAIT: Duration = Duration::from_millis(10);

/// How a check gets its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    /// From the time that goes by.
    Time,
    /// A probe is begun, and its answer comes later.
    Probe,
    /// A probe is begun that needs what a start needs.
    Command,
    /// Each look answers it.
    Look,
    /// The service itself says it, once.
    Told,
}

pub(super) fn manner(check: &ReadinessCheck) -> Manner {
    match check {
        ReadinessCheck::AliveFor(_) => Manner::Time,
        ReadinessCheck::Tcp { .. } | ReadinessCheck::Http(_) | ReadinessCheck::Unix { .. } => Manner::Probe,
        ReadinessCheck::Exec { .. } => Manner::Command,
        ReadinessCheck::Pidfile | ReadinessCheck::When(_) => Manner::Look,
        ReadinessCheck::Notify | ReadinessCheck::LogLine { .. } => Manner::Told,
    }
}

/// The moment of the next probe; one without an answer is given its time first. While a service that began at `begun`
/// isn't Ready yet, it is asked soon, and then with waits that grow with its age up to the period.
pub(super) fn next_probe(
    probed: BootTime,
    begun: Option<BootTime>,
    rule: &Readiness,
    answered: bool,
) -> BootTime {
    let wait = match begun {
        Some(begun) if answered => rule.period.min((probed.since(begun) / 2).max(FIRST_WAIT)),
        Some(_) | None if answered => rule.period,
        Some(_) | None => rule.period.max(rule.timeout.saturating_add(Duration::from_secs(1))),
    };
    probed.after(wait.max(LEAST_WAIT))
}

/// Whether a check of which the last question was asked at `probed` is to be asked now.
pub(super) fn is_due(
    probed: Option<BootTime>,
    begun: Option<BootTime>,
    rule: &Readiness,
    answer: &Fact<bool>,
    now: BootTime,
) -> bool {
    let answered = *answer != Fact::Absent;
    probed.is_none_or(|probed| now >= next_probe(probed, begun, rule, answered))
}

/// Sees to it that the next question is asked in time.
pub(super) fn wake(
    probed: Option<BootTime>,
    begun: Option<BootTime>,
    rule: &Readiness,
    draft: &mut Draft<'_>,
) {
    let Some(probed) = probed else { return };
    let due = next_probe(probed, begun, rule, true);
    let last = next_probe(probed, begun, rule, false);
    draft.wake(if due > draft.now.boot { due } else { last });
}

/// Asks. False if what a command needs could not be looked up; then it is asked at the next tick.
pub(super) fn ask(
    (key, purpose): (ProcessKey, Purpose),
    (index, spec): (u32, &Service),
    rule: &Readiness,
    seen: &Seen,
    draft: &mut Draft<'_>,
) -> bool {
    let launch = || {
        let ReadinessCheck::Exec { user, .. } = &rule.check else { return None };
        launch::resolve_as(user.as_ref(), spec, index, seen.prepared.as_ref()?.as_ref().ok()?)
    };
    let launch = match (manner(&rule.check), launch()) {
        (Manner::Time | Manner::Look | Manner::Told, _) => return true,
        (Manner::Probe, _) => None,
        (Manner::Command, Some(launch)) => Some(Box::new(launch)),
        (Manner::Command, None) => {
            draft.wake(draft.now.boot.after(rule.period.max(Duration::from_secs(1))));
            return false;
        }
    };
    let because = match purpose {
        Purpose::Readiness => "its readiness is asked for",
        Purpose::Liveness => "its liveness is asked for",
    };
    let check = rule.check.clone();
    draft.step(index, Action::Probe { key, purpose, check, timeout: rule.timeout, launch }, because);
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_service_that_is_not_ready_yet_is_asked_soon_and_then_rarer() {
        let mut rule = Readiness { period: Duration::from_secs(1), ..Readiness::default() };
        let millis = |number| BootTime(Duration::from_millis(number));
        let asked_at = |rule: &Readiness, until: u64| {
            let mut times = vec![0];
            while let Some(last) = times.last().copied().filter(|last| *last < until) {
                let next = next_probe(millis(last), Some(millis(0)), rule, true);
                times.push(u64::try_from(next.0.as_millis()).unwrap());
            }
            times
        };
        assert_eq!(asked_at(&rule, 400), [0, 100, 200, 300, 450]);
        assert_eq!(next_probe(millis(9000), Some(millis(0)), &rule, true), millis(10_000));
        assert_eq!(next_probe(millis(300), None, &rule, true), millis(1300), "it was Ready already");
        rule.period = Duration::from_millis(50);
        assert_eq!(asked_at(&rule, 100), [0, 50, 100]);
    }
}
