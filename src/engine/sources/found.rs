//! What a look found out about a place as a whole.

use std::path::Path;

use crate::host::spec_dir::{Listing, Problem, ProblemReason, Unavailable, UnavailableReason};
use crate::plan::sources::{SourceConditionType, SourceFinding};
use crate::plan::status::ConditionStatus;

/// Nothing is known of what it holds; nor whether anybody can change it, unless that is why.
pub(super) fn unavailable(unavailable: &Unavailable) -> Vec<SourceFinding> {
    let available = |reason| SourceFinding {
        kind: SourceConditionType::Available,
        status: ConditionStatus::Unknown,
        reason,
        message: format!("what was accepted from it stays in force: {}", unavailable.text),
    };
    match unavailable.reason {
        UnavailableReason::Missing | UnavailableReason::Unreadable => vec![available("SourceUnavailable")],
        UnavailableReason::AnotherMount => vec![available("AnotherMount")],
        UnavailableReason::Unsettled => vec![available("Unsettled")],
        UnavailableReason::UntrustedSource => {
            let message = format!("what was accepted from it stays in force: {}", unavailable.text);
            let (kind, status) = (SourceConditionType::Trusted, ConditionStatus::False);
            let trusted = SourceFinding { kind, status, reason: "UntrustedSource", message };
            vec![available("UntrustedSource"), trusted]
        }
    }
}

/// Whether everything in it was seen.
pub(super) fn available(place: &Path, listing: &Listing) -> SourceFinding {
    let (status, reason, message) = if listing.complete {
        (ConditionStatus::True, "Listed", format!("`{}` was listed completely", place.display()))
    } else if let Some(pending) = &listing.pending {
        let message = format!("`{}` counts as it was before: {}", place.display(), pending.text);
        (ConditionStatus::True, "Listed", message)
    } else if listing.again.is_some() {
        let message = format!(
            "`{}` is another directory than before; what isn't in it counts as gone when it was seen twice",
            place.display()
        );
        (ConditionStatus::Unknown, "Replaced", message)
    } else {
        let message = format!("not all of `{}` can be read; nothing is removed", place.display());
        (ConditionStatus::Unknown, "Incomplete", message)
    };
    SourceFinding { kind: SourceConditionType::Available, status, reason, message }
}

/// Whether what it holds is finished.
pub(super) fn settled(place: &Path, listing: &Listing) -> SourceFinding {
    let unstable = listing.problems.iter().find(|problem| problem.reason == ProblemReason::ReadUnstable);
    let (status, reason, message) = match (&listing.pending, unstable) {
        (Some(pending), _) => (
            ConditionStatus::False,
            "Changing",
            format!("its last state counts until then: {}", pending.text),
        ),
        (None, Some(unstable)) => {
            let message = format!("`{}` counts as it was before: {}", unstable.path.display(), unstable.text);
            (ConditionStatus::False, "ReadUnstable", message)
        }
        (None, None) => {
            (ConditionStatus::True, "Settled", format!("nothing in `{}` is being changed", place.display()))
        }
    };
    SourceFinding { kind: SourceConditionType::Settled, status, reason, message }
}

/// Changes of it come from elsewhere, and nobody tells of them.
pub(super) fn silent(place: &Path, file_system: &str) -> SourceFinding {
    SourceFinding {
        kind: SourceConditionType::Watch,
        status: ConditionStatus::False,
        reason: "Poll",
        message: format!(
            "`{}` is looked at every 2s: {file_system} doesn't tell of changes that are made elsewhere",
            place.display()
        ),
    }
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
