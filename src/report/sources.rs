//! The places that documents come from, for a person: only what isn't as it should be.

use std::collections::BTreeSet;

use super::printable;
use crate::plan::sources::{HeldPlan, SourceStatus};
use crate::plan::status::ConditionStatus;
use crate::spec::ServiceName;

/// Names of what would be removed that are worth a line.
const NAMES_SHOWN: usize = 10;

/// Lines about places that are not fine; empty if all are.
pub fn sources_text(sources: &[SourceStatus]) -> String {
    let mut text = String::new();
    for source in sources {
        for condition in source.remarkable() {
            let status = match condition.status {
                ConditionStatus::True => "True",
                ConditionStatus::False => "False",
                ConditionStatus::Unknown => "Unknown",
            };
            text.push_str(&format!(
                "{}: {:?}={status} ({}): {}\n",
                printable(&source.place),
                condition.kind,
                condition.reason,
                printable(&condition.message)
            ));
        }
    }
    text
}

/// What is held back and how to go on: `nothing is removed: ...; confirm with ...`.
pub fn held_text(held: &HeldPlan, place: &str) -> String {
    let shown: Vec<&str> = held.names.iter().take(NAMES_SHOWN).map(ServiceName::as_str).collect();
    let more = held.names.len().saturating_sub(NAMES_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "nothing is removed: {} ({}{more}); if that is meant: `selfsame apply {} --confirm-prune {}`",
        printable(&held.reason),
        shown.join(", "),
        printable(place),
        held.id
    )
}

/// In what way a removal that a person confirmed is not what would be removed now.
pub fn moved_text(id: &str, shown: Option<&HeldPlan>, now: &[HeldPlan]) -> String {
    let id = printable(id);
    let Some(shown) = shown else {
        return match now {
            [] => format!("nothing that would be removed waits under `{id}`"),
            some => format!("no removal was shown as `{id}`; what waits is {}", ids(some)),
        };
    };
    let names = |plans: &[HeldPlan]| -> BTreeSet<ServiceName> {
        plans.iter().flat_map(|plan| plan.names.iter().cloned()).collect()
    };
    let (before, after) = (names(std::slice::from_ref(shown)), names(now));
    let more: Vec<&str> = after.difference(&before).map(ServiceName::as_str).collect();
    let fewer: Vec<&str> = before.difference(&after).map(ServiceName::as_str).collect();
    let mut parts = Vec::new();
    if !more.is_empty() {
        parts.push(format!("would be removed as well: {}", more.join(", ")));
    }
    if !fewer.is_empty() {
        parts.push(format!("would no longer be removed: {}", fewer.join(", ")));
    }
    let waits = if now.is_empty() { String::new() } else { format!("; what waits now is {}", ids(now)) };
    format!("the removal `{id}` is not what it was when it was shown: {}{waits}", parts.join("; "))
}

fn ids(plans: &[HeldPlan]) -> String {
    plans.iter().map(|plan| format!("`{}`", plan.id)).collect::<Vec<_>>().join(", ")
}
