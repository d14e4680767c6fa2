//! Liveness: whether a service that was Ready makes progress. One that doesn't is started anew.

use std::time::Duration;

use super::action::Purpose;
use super::asking::{self, Manner, manner};
use super::draft::Draft;
use super::memory::{Health, Instance, Phase};
use super::observation::{Alive, Beat, Seen};
use crate::facts::Fact;
use crate::spec::{Rare, Readiness, ReadinessCheck, Service};
use crate::units::{BootTime, format_duration};

/// Asks and counts. The reason, as the end of a sentence, if it has to be started anew.
pub(super) fn watch(
    instance: &mut Instance,
    index: u32,
    (alive, seen): (&Alive, &Seen),
    spec: &Service,
    draft: &mut Draft<'_>,
) -> Option<String> {
    let (Some(rule), Phase::Running { process, .. }) = (&*spec.liveness, &instance.phase) else {
        return None;
    };
    if rule.check == ReadinessCheck::Notify && instance.health.said.dead {
        return Some("it called itself dead (`WATCHDOG=trigger`)".into());
    }
    let now = draft.now.boot;
    let health = &mut instance.health;
    let answer = if needs_first_beat(rule, health, alive) {
        Fact::Absent
    } else {
        answer(rule, health.probed, alive, now)
    };
    if asking::is_due(health.probed, None, rule, &answer, now) {
        // An answer counts once: when the next question is due.
        match &answer {
            Fact::Known(true) => {
                (health.failures, health.lives, health.beaten) = (0, Some(true), true);
                health.ailment = Rare::default();
            }
            Fact::Known(false) => {
                health.failures = health.failures.saturating_add(1);
                health.lives = Some(false);
                health.ailment = ailment(rule, alive).into();
            }
            Fact::Unknown(reason) => {
                health.lives = None;
                health.ailment = reason.to_string().into();
            }
            Fact::Absent => {}
        }
        let key = (process.key.clone(), Purpose::Liveness);
        if asking::ask(key, (index, spec), rule, seen, draft) {
            health.probed = Some(now);
        }
    }
    asking::wake(health.probed, None, rule, draft);
    (health.failures >= rule.failure_threshold.max(1)).then(|| match health.failures {
        1 => format!("its liveness failed: {}", *health.ailment),
        times => format!("its liveness failed {times} times: {}", *health.ailment),
    })
}

/// A process that began when nobody listened may never have been told to give signs of life (its document asked for none):
/// the first one has to be seen before its absence means anything.
fn needs_first_beat(rule: &Readiness, health: &Health, alive: &Alive) -> bool {
    rule.check == ReadinessCheck::Notify
        && alive.health.said.deaf
        && !health.beaten
        && alive.health.beat.is_none_or(|beat| beat.last.is_none())
}

/// The answer to the question that was asked at `probed`.
fn answer(rule: &Readiness, probed: Option<BootTime>, alive: &Alive, now: BootTime) -> Fact<bool> {
    if manner(&rule.check) != Manner::Told {
        return alive.health.lives.clone();
    }
    match (&alive.health.beat, probed) {
        (Some(Beat { last: Some(last), .. }), Some(probed)) if *last >= probed => Fact::Known(true),
        // Who wasn't there in time, or not all of it, can't say that nothing was said.
        (Some(beat), Some(probed)) if beat.since <= probed && !was_away(probed, rule, now) => {
            Fact::Known(false)
        }
        (Some(_) | None, _) => Fact::Absent,
    }
}

/// Nobody looked when it was time to (the engine was suspended).
fn was_away(probed: BootTime, rule: &Readiness, now: BootTime) -> bool {
    let slack = rule.period.max(Duration::from_secs(1));
    now > asking::next_probe(probed, None, rule, false).after(slack)
}

fn ailment(rule: &Readiness, alive: &Alive) -> String {
    let period = format_duration(rule.period);
    match &rule.check {
        ReadinessCheck::Notify => format!("no `WATCHDOG=1` within {period}"),
        ReadinessCheck::LogLine { regex } => format!("no line that matches `{regex}` within {period}"),
        ReadinessCheck::When(_) => "its condition doesn't hold".into(),
        ReadinessCheck::AliveFor(_)
        | ReadinessCheck::Pidfile
        | ReadinessCheck::Tcp { .. }
        | ReadinessCheck::Exec { .. }
        | ReadinessCheck::Http(_)
        | ReadinessCheck::Unix { .. } => alive.health.detail.clone(),
    }
}
