//! Triggers: what follows when a condition over the process of an instance holds for long.
//!
//! ```text
//!            holds for `for`                    false for `for`
//!  waiting ------------------> acts, once ------------------------> waiting
//! ```
//!
//! Time in which nobody could tell counts for neither. That it acted is remembered beyond the process: a restart after
//! which the condition simply goes on to hold didn't help, and isn't repeated.

use std::time::Duration;

use super::draft::Draft;
use super::memory::{Instance, Phase, TriggerState};
use super::observation::Alive;
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::{Service, Trigger, TriggerAction};
use crate::units::{BootTime, format_duration};

/// Looks at what a tick has seen of the triggers of an instance.
pub(super) fn watch(instance: &mut Instance, alive: &Alive, spec: &Service, draft: &mut Draft<'_>) {
    let Phase::Running { process, .. } = &instance.phase else { return };
    let (pid, now) = (process.key.pid, draft.now.boot);
    instance.triggers.retain(|text, _| spec.triggers.iter().any(|trigger| trigger.when.text == *text));
    let mut due = Vec::new();
    for (trigger, seen) in spec.triggers.iter().zip(&alive.health.conditions) {
        let state = instance.triggers.entry(trigger.when.text.clone()).or_default();
        if note(state, trigger, seen, now) {
            due.push(trigger);
        }
        draft.wake(now.after(period(trigger)));
        if let Some(since) = state.since.filter(|_| state.holds != state.fired) {
            draft.wake(since.after(trigger.lasting));
        }
        if state.fired && state.holds {
            let lasting = format_duration(trigger.lasting);
            let message = format!(
                "`{}` holds of {pid} although its trigger acted; it acts again after {lasting} in which that is false",
                trigger.when.text
            );
            draft.find(ConditionType::Healthy, ConditionStatus::False, "TriggerActed", &message);
        }
    }
    for trigger in due {
        let because = format!("`{}` has held for {}", trigger.when.text, format_duration(trigger.lasting));
        match trigger.action {
            TriggerAction::Restart => instance.ask_restart(because),
            TriggerAction::Reload => instance.ask_reload(because),
        }
    }
}

/// Takes in one answer. True if it acts now.
fn note(state: &mut TriggerState, trigger: &Trigger, seen: &Fact<bool>, now: BootTime) -> bool {
    let unseen = state.asked.map_or(Duration::ZERO, |asked| now.since(asked));
    state.asked = Some(now);
    match seen {
        Fact::Known(holds) => {
            // What was between two looks far apart, nobody knows.
            let gap = unseen > period(trigger).saturating_mul(3);
            if state.since.is_none() || state.holds != *holds || gap {
                state.since = Some(now);
                state.holds = *holds;
            }
        }
        Fact::Unknown(_) | Fact::Absent => {
            state.since = state.since.map(|since| since.after(unseen));
            return false;
        }
    }
    if state.since.is_none_or(|since| now.since(since) < trigger.lasting) {
        return false;
    }
    let acts = state.holds && !state.fired;
    state.fired = state.holds;
    acts
}

/// Time between two looks.
fn period(trigger: &Trigger) -> Duration {
    (trigger.lasting / 5).clamp(Duration::from_millis(200), Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Why;
    use crate::spec::Expression;

    /// Seconds and what was seen; the seconds at which it acts.
    #[track_caller]
    fn acts(course: &[(u64, Option<bool>)], expected: &[u64]) {
        let trigger = Trigger {
            when: Expression::new("rss > 1GiB"),
            lasting: Duration::from_secs(10),
            action: TriggerAction::Restart,
        };
        let mut state = TriggerState::default();
        let mut acted = Vec::new();
        for (second, seen) in course {
            let seen = seen.map_or(Fact::unknown(Why::Denied), Fact::Known);
            if note(&mut state, &trigger, &seen, BootTime(Duration::from_secs(*second))) {
                acted.push(*second);
            }
        }
        assert_eq!(acted, expected, "{course:?}");
    }

    /// The same answer every two seconds, both ends included.
    fn from_to(from: u64, to: u64, seen: Option<bool>) -> Vec<(u64, Option<bool>)> {
        (from..=to).step_by(2).map(|second| (second, seen)).collect()
    }

    #[test]
    fn it_acts_once_when_the_condition_has_held_for_long_enough() {
        acts(&from_to(0, 40, Some(true)), &[10]);
        acts(&from_to(0, 40, Some(false)), &[]);
    }

    #[test]
    fn a_break_begins_the_time_anew() {
        let mut course = from_to(0, 8, Some(true));
        course.push((9, Some(false)));
        course.extend(from_to(10, 30, Some(true)));
        acts(&course, &[20]);
    }

    #[test]
    fn it_acts_again_only_after_as_long_a_time_without() {
        let mut brief = from_to(0, 12, Some(true));
        brief.extend(from_to(14, 20, Some(false)));
        brief.extend(from_to(22, 60, Some(true)));
        acts(&brief, &[10]);
        let mut long = from_to(0, 12, Some(true));
        long.extend(from_to(14, 24, Some(false)));
        long.extend(from_to(26, 60, Some(true)));
        acts(&long, &[10, 36]);
    }

    #[test]
    fn time_in_which_nobody_can_tell_counts_for_neither() {
        let mut course = from_to(0, 6, Some(true));
        course.extend(from_to(8, 20, None));
        course.extend(from_to(22, 40, Some(true)));
        acts(&course, &[26]);
        acts(&from_to(0, 60, None), &[]);
    }

    #[test]
    fn time_in_which_nobody_looked_counts_for_nothing() {
        acts(&[(0, Some(true)), (2, Some(true)), (500, Some(true)), (502, Some(true))], &[]);
    }
}
