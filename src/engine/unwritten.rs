//! What is said of objects while that which was decided about them can't be written down, and so isn't done.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::plan::action::{Outcome, Step};
use crate::plan::memory::{Memory, Phase};
use crate::plan::status::{Condition, ConditionStatus, ConditionType, PhaseWord, ServiceStatus};
use crate::plan::{Doing, Plan};
use crate::spec::ServiceName;
use crate::units::WallTime;

/// The objects that something was decided about and nothing was done. A stop under way goes on.
pub(super) fn withheld(before: &Memory, plan: &Plan, done: &[(Step, Outcome)]) -> BTreeSet<ServiceName> {
    let done: BTreeSet<&ServiceName> = done.iter().map(|(step, _)| &step.service).collect();
    let stops = |name: &ServiceName| {
        let record = before.services.get(name);
        record.is_some_and(|record| {
            record.instances.values().any(|instance| matches!(instance.phase, Phase::Stopping { .. }))
        })
    };
    let decided =
        plan.changes.iter().filter(|change| change.doing.changes_something() && change.doing != Doing::Wait);
    let names: BTreeSet<&ServiceName> = decided.map(|change| &change.service).collect();
    names.into_iter().filter(|name| !done.contains(name) && !stops(name)).cloned().collect()
}

/// Says so in their statuses.
pub(super) fn tell(
    statuses: &mut [ServiceStatus],
    reason: &str,
    withheld: &BTreeSet<ServiceName>,
    at: WallTime,
) {
    for status in statuses.iter_mut().filter(|status| withheld.contains(&status.name)) {
        let message = format!("{}: not done, since it can't be recorded: {reason}", status.name);
        status.conditions.retain(|condition| condition.kind != ConditionType::Blocked);
        let place = status.conditions.partition_point(|condition| condition.kind < ConditionType::Blocked);
        let blocked = Condition {
            kind: ConditionType::Blocked,
            status: ConditionStatus::True,
            reason: Cow::Borrowed("NotRecorded"),
            message,
            last_transition_time: at,
        };
        status.conditions.insert(place, blocked);
        hold(&mut status.phase);
        status.instances.iter_mut().for_each(|instance| hold(&mut instance.phase));
    }
}

/// What would be under way isn't.
fn hold(phase: &mut PhaseWord) {
    if matches!(phase, PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping) {
        *phase = PhaseWord::Held;
    }
}
