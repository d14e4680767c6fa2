//! What the phase of an instance says to those who decide.

use super::memory::{Instance, Phase};
use crate::units::BootTime;

/// Nothing runs, and it may be started now.
pub(super) fn is_due(instance: &Instance, now: BootTime) -> bool {
    match &instance.phase {
        // What runs around a start or after a stop comes first.
        Phase::Vacant | Phase::BackOff { .. } if instance.errand.is_some() => false,
        Phase::Vacant => true,
        Phase::BackOff { until } => now >= *until,
        Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => false,
    }
}

/// Its process isn't settled: a look could take it, or what it leaves behind, for another one.
pub(super) fn is_unsettled(instance: &Instance) -> bool {
    match &instance.phase {
        Phase::Intended { .. } | Phase::Stopping { .. } => true,
        Phase::Starting { starter, .. } => *starter,
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished | Phase::Running { .. } => false,
    }
}

/// Of the sort that a stop can begin with.
pub(super) fn runs(instance: &Instance) -> bool {
    matches!(instance.phase, Phase::Starting { .. } | Phase::Running { .. })
}
