//! `conditions`: what must be so before a service is started. What runs already is left alone.

use std::time::Duration;

use super::draft::Draft;
use super::memory::{Instance, Record};
use super::observation::Seen;
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::{Service, StartCondition};

/// Whether the start has to wait, with the condition that says why.
pub(super) fn hold_back(
    record: &mut Record,
    spec: &Service,
    due: &[u32],
    seen: &Seen,
    draft: &mut Draft<'_>,
) -> bool {
    let unmet = match &seen.conditions {
        _ if spec.conditions.is_empty() => None,
        Some(answers) => spec.conditions.iter().zip(answers).find_map(|(one, answer)| unmet(one, answer)),
        None => Some((ConditionStatus::Unknown, "its `conditions` were not looked at".into())),
    };
    let Some((status, why)) = unmet else {
        for index in due {
            if let Some(instance) = record.instances.get_mut(index) {
                instance.unmet_since = None;
            }
        }
        return false;
    };
    let reason = if status == ConditionStatus::True { "ConditionNotMet" } else { "CannotTell" };
    for index in due {
        let Some(instance) = record.instances.get_mut(index) else { continue };
        draft.hold(*index, (ConditionType::Blocked, status), reason, &format!("not started: {why}"));
        look_again(instance, draft);
    }
    true
}

/// Looks once more at what a start waits for: soon at first, then rarer.
pub(super) fn look_again(instance: &mut Instance, draft: &mut Draft<'_>) {
    let now = draft.now.boot;
    let since = *instance.unmet_since.get_or_insert(now);
    draft.wake(now.after((now.since(since) / 4).clamp(Duration::from_millis(250), Duration::from_secs(10))));
}

fn unmet(condition: &StartCondition, answer: &Fact<bool>) -> Option<(ConditionStatus, String)> {
    let what = match condition {
        StartCondition::PathExists(path) => format!("`{}` isn't there", path.display()),
        StartCondition::FileNotEmpty(path) => {
            format!("`{}` isn't there, is no regular file or is empty", path.display())
        }
        StartCondition::Host(name) => format!("this host isn't `{name}`"),
        StartCondition::When(when) => format!("no process satisfies `{}`", when.text),
    };
    match answer {
        Fact::Known(true) => None,
        Fact::Known(false) | Fact::Absent => Some((ConditionStatus::True, what)),
        Fact::Unknown(reason) => {
            Some((ConditionStatus::Unknown, format!("cannot tell whether {what} ({reason})")))
        }
    }
}
