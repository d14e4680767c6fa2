//! How long to wait before the next start: growing, bounded, and never shorter while it keeps failing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::draft::{Change, Doing, Plan};
use super::memory::{Exit, Instance, Phase};
use super::status::PhaseWord;
use crate::spec::{Restart, RestartPolicy, Service, ServiceName};
use crate::units::BootTime;

/// So long Ready, and the first restart comes at once.
const READY_LONG_ENOUGH: Duration = Duration::from_secs(3);

/// The wait after the `failures`th failure in a row (from 1).
///
/// The jitter of an instance is a fixed fraction that its name and index choose: it spreads instances, and
/// since it doesn't vary from failure to failure, the wait can't shrink.
pub(super) fn delay(rule: &Restart, name: &ServiceName, index: u32, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(63);
    let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    let nanos = rule.backoff.as_nanos().saturating_mul(u128::from(factor)).min(rule.max_backoff.as_nanos());
    let jitter = u128::from(rule.jitter.min(1000));
    let chance = u128::from(hash(name.as_str(), index) % 1001);
    let thousandths = (1000 + 2 * jitter * chance / 1000).saturating_sub(jitter);
    let spread = (nanos.saturating_mul(thousandths) / 1000).min(rule.max_backoff.as_nanos());
    Duration::from_nanos(u64::try_from(spread).unwrap_or(u64::MAX))
}

/// The end of a sentence about a wait: `after 2 failures: it exited with code 1`, `since the start could not be recorded`.
pub(super) fn after_what(instance: &Instance) -> String {
    let exit = || instance.last_exit.as_ref().map(super::life::exit_words);
    let error = instance.last_error.clone().or_else(exit).unwrap_or_else(|| "it failed".into());
    match instance.failures {
        // What couldn't be begun for want of a record or a place isn't the service's failure.
        0 => format!("since {error}"),
        1 => format!("after a failure: {error}"),
        count => format!("after {count} failures: {error}"),
    }
}

impl Plan {
    /// Tells the starts that come when a wait is over, among the changes: whoever is shown a plan of what is down would be
    /// told that there is nothing to do. A tick decides nothing about them before.
    pub fn tell_waits(&mut self) {
        let waiting = |instance: &&crate::plan::status::InstanceStatus| instance.phase == PhaseWord::BackOff;
        let of = |name: &ServiceName, index| {
            let instance = self.memory.services.get(name)?.instances.get(&index)?;
            let because = format!("it is started when its back-off is over, {}", after_what(instance));
            Some(Change { service: name.clone(), index, doing: Doing::Wait, because, fields: Vec::new() })
        };
        let mut waits: Vec<Change> = Vec::new();
        for status in &self.status {
            let waiting = status.instances.iter().filter(waiting);
            waits.extend(waiting.filter_map(|instance| of(&status.name, instance.index)));
        }
        if waits.is_empty() {
            return;
        }
        let told: BTreeSet<(&ServiceName, u32)> =
            self.changes.iter().map(|change| (&change.service, change.index)).collect();
        waits.retain(|wait| !told.contains(&(&wait.service, wait.index)));
        self.changes.append(&mut waits);
        self.changes.sort_by(|a, b| (&a.service, a.index).cmp(&(&b.service, b.index)));
    }
}

/// FNV-1a, the same on every host and in every version.
pub(super) fn hash(name: &str, index: u32) -> u64 {
    let bytes = name.bytes().chain(index.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether an exit is a success by this rule.
pub(super) fn is_success(rule: &Restart, exit: &Exit) -> bool {
    match exit {
        Exit::Code(code) => *code == 0 || rule.success_codes.contains(code),
        Exit::Stopped => true,
        Exit::Signal(_) | Exit::OutOfMemory | Exit::Unknown | Exit::Unwatched => false,
    }
}

/// Whether a start may follow at once if its process is found to be gone.
pub(super) fn may_start_at_once(instance: &Instance, spec: &Service, now: BootTime) -> bool {
    let fresh = instance.failures == 0 && !instance.spared;
    match &instance.phase {
        Phase::Running { ready_since, .. } => {
            let ready_for = now.since(*ready_since);
            (fresh && ready_for >= READY_LONG_ENOUGH) || ready_for >= spec.restart.reset_after
        }
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// Uses up the restart at once of an instance that was Ready for long enough. False if it has none.
pub(super) fn spare(instance: &mut Instance, now: BootTime) -> bool {
    let long_enough = match &instance.phase {
        Phase::Running { ready_since, .. } => now.since(*ready_since) >= READY_LONG_ENOUGH,
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. } => false,
    };
    let spares = long_enough && instance.failures == 0 && !instance.spared;
    instance.spared |= spares;
    spares
}

/// What follows an exit that nobody asked for. `ready_for`: how long it had been Ready.
pub(super) fn after_exit(
    instance: &mut Instance,
    rule: &Restart,
    (name, index): (&ServiceName, u32),
    ready_for: Option<Duration>,
    now: BootTime,
) {
    let success = instance.last_exit.as_ref().is_some_and(|exit| is_success(rule, exit));
    let again = match rule.policy {
        RestartPolicy::Always => true,
        RestartPolicy::OnFailure => !success,
        RestartPolicy::Never => false,
    };
    if !again {
        instance.phase = Phase::Finished;
        return;
    }
    if ready_for.is_some_and(|time| time >= rule.reset_after) {
        instance.forget_failures();
    }
    // Whatever ended the engine may have ended it as well: that is no failure, and none before is forgotten for it.
    if instance.last_exit == Some(Exit::Unwatched) {
        let waits = instance.failures > 0;
        instance.phase = if waits { wait(instance, rule, (name, index), now) } else { Phase::Vacant };
        return;
    }
    // Once, and it doesn't count: the next wait is the first one.
    if instance.failures == 0 && !instance.spared && ready_for.is_some_and(|time| time >= READY_LONG_ENOUGH) {
        instance.spared = true;
        instance.phase = Phase::Vacant;
        return;
    }
    instance.failures = instance.failures.saturating_add(1);
    instance.phase = wait(instance, rule, (name, index), now);
}

/// One more failure of a start.
pub(super) fn after_failure(
    instance: &mut Instance,
    rule: &Restart,
    of: (&ServiceName, u32),
    error: String,
    now: BootTime,
) {
    instance.failures = instance.failures.saturating_add(1);
    instance.last_error = Some(error);
    instance.phase = wait(instance, rule, of, now);
}

/// The back-off for the failures that are counted already.
pub(super) fn wait(instance: &Instance, rule: &Restart, of: (&ServiceName, u32), now: BootTime) -> Phase {
    Phase::BackOff { until: now.after(delay(rule, of.0, of.1, instance.failures)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_never_shrinks() {
        let rule = Restart::default();
        for name in ["web", "a", "zz-9"] {
            let name = ServiceName::new(name).unwrap();
            let mut last = Duration::ZERO;
            for failures in 1..100 {
                let wait = delay(&rule, &name, 0, failures);
                assert!(wait >= last, "{failures}");
                assert!(wait <= rule.max_backoff);
                last = wait;
            }
            assert!(last >= rule.max_backoff.mul_f64(0.9));
            let first = delay(&rule, &name, 0, 1);
            assert!(first >= rule.backoff.mul_f64(0.9) && first <= rule.backoff.mul_f64(1.1));
        }
    }

    #[test]
    fn what_follows_an_exit() {
        let name = ServiceName::new("web").unwrap();
        let now = BootTime(Duration::from_secs(1000));
        let seconds = Duration::from_secs;
        // policy, code, Ready for, failures before: failures after, what follows
        let rows = [
            (RestartPolicy::Always, 0, Some(5), 0, 0, "start"),
            (RestartPolicy::Always, 1, Some(5), 0, 0, "start"),
            (RestartPolicy::Always, 1, Some(2), 0, 1, "wait"),
            (RestartPolicy::Always, 1, None, 0, 1, "wait"),
            (RestartPolicy::Always, 1, Some(5), 1, 2, "wait"),
            (RestartPolicy::Always, 1, Some(599), 7, 8, "wait"),
            (RestartPolicy::Always, 1, Some(600), 7, 0, "start"),
            (RestartPolicy::OnFailure, 0, None, 0, 0, "finished"),
            (RestartPolicy::OnFailure, 3, None, 0, 0, "finished"),
            (RestartPolicy::OnFailure, 1, None, 0, 1, "wait"),
            (RestartPolicy::Never, 1, None, 0, 0, "finished"),
        ];
        for row in rows {
            let (policy, code, ready, before, after, follows) = row;
            let rule = Restart { policy, success_codes: vec![3], ..Restart::default() };
            let mut instance =
                Instance { failures: before, last_exit: Some(Exit::Code(code)), ..Instance::default() };
            after_exit(&mut instance, &rule, (&name, 0), ready.map(seconds), now);
            let word = match instance.phase {
                Phase::Vacant => "start",
                Phase::BackOff { .. } => "wait",
                Phase::Finished => "finished",
                _ => "other",
            };
            assert_eq!((instance.failures, word), (after, follows), "{row:?}");
        }
    }

    #[test]
    fn what_ended_while_no_engine_watched_it_is_no_failure() {
        let name = ServiceName::new("web").unwrap();
        let now = BootTime(Duration::from_secs(1000));
        // policy, failures before: failures after, how long the wait is
        let first = delay(&Restart::default(), &name, 0, 1);
        let second = delay(&Restart::default(), &name, 0, 2);
        let rows = [
            (RestartPolicy::Always, 0, Phase::Vacant),
            (RestartPolicy::OnFailure, 0, Phase::Vacant),
            (RestartPolicy::Always, 1, Phase::BackOff { until: now.after(first) }),
            (RestartPolicy::OnFailure, 2, Phase::BackOff { until: now.after(second) }),
            (RestartPolicy::Never, 0, Phase::Finished),
        ];
        for (policy, failures, follows) in rows {
            let rule = Restart { policy, ..Restart::default() };
            let mut instance = Instance { failures, last_exit: Some(Exit::Unwatched), ..Instance::default() };
            // Again and again: neither grows, and the start at once isn't used up.
            for _ in 0..3 {
                after_exit(&mut instance, &rule, (&name, 0), None, now);
                assert_eq!((instance.failures, &instance.phase), (failures, &follows), "{policy:?}");
            }
        }
    }
}
