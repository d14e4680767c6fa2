//! What a look found out about a place as a whole.

use std::path::Path;

use crate::host::spec_dir::{Listing, Problem, ProblemReason};
use crate::plan::sources::{SourceConditionType, SourceFinding};
use crate::plan::status::ConditionStatus;

/// Nothing is known of what it holds.
pub(super) fn unavailable(reason: &str) -> SourceFinding {
    SourceFinding {
        kind: SourceConditionType::Available,
        status: ConditionStatus::Unknown,
        reason: "SourceUnavailable",
        message: format!("what was accepted from it stays in force: {reason}"),
    }
}

/// Whether everything in it was seen.
pub(super) fn available(place: &Path, listing: &Listing) -> SourceFinding {
    let (status, reason, message) = if listing.complete {
        (ConditionStatus::True, "Listed", format!("`{}` was listed completely", place.display()))
    } else {
        let message =
            format!("`{}` was replaced while it was looked at; nothing is removed", place.display());
        (ConditionStatus::Unknown, "Replaced", message)
    };
    SourceFinding { kind: SourceConditionType::Available, status, reason, message }
}

/// The directory itself is trusted, or it would not have been listed.
pub(super) fn trusted(place: &Path, listing: &Listing) -> SourceFinding {
    let untrusted: Vec<&Problem> =
        listing.problems.iter().filter(|problem| problem.reason == ProblemReason::UntrustedSource).collect();
    let (status, reason, message) = match untrusted.first() {
        None => (ConditionStatus::True, "Owned", format!("nobody else can change `{}`", place.display())),
        Some(first) => (
            ConditionStatus::False,
            "UntrustedSource",
            format!(
                "{} of its files are not used, and what was accepted from them stays in force: `{}`: {}",
                untrusted.len(),
                first.path.display(),
                first.text
            ),
        ),
    };
    SourceFinding { kind: SourceConditionType::Trusted, status, reason, message }
}
