//! The places that documents come from, for a person: only what isn't as it should be.

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
