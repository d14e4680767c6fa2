//! How many instances are being started at a time, over all objects.
//!
//! What counts is a start whose end is known: one with a readiness check that asks, or with `hooks.preStart`. For the
//! others a start is over when the program executes, and those come one after the other anyway.

use std::time::Duration;

use super::memory::{Instance, Memory, Phase, Purpose};
use super::ready;
use crate::spec::Service;
use crate::units::BootTime;

/// A start that takes longer leaves its place to others: a few that never become Ready don't hold up the rest.
const LONGEST: Duration = Duration::from_secs(10);

/// The places that are left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slots {
    pub(super) free: usize,
    /// When one becomes free by time alone.
    pub(super) next: Option<BootTime>,
}

impl Slots {
    pub(super) fn of(memory: &Memory, most: Option<usize>, now: BootTime) -> Self {
        let Some(most) = most else { return Self { free: usize::MAX, next: None } };
        let all = memory.services.rows_where(|told| told.is_busy).flat_map(|(_, record)| {
            record.instances.values().filter_map(|instance| begun(instance, &record.spec))
        });
        let ends: Vec<BootTime> = all.map(|begun| begun.after(LONGEST)).filter(|end| *end > now).collect();
        let free = most.saturating_sub(ends.len());
        Self { free, next: ends.into_iter().min().filter(|_| free == 0) }
    }
}

/// Whether starts of this object need a place.
pub(super) fn counts(spec: &Service) -> bool {
    ready::asks(spec) || !spec.hooks.pre_start.is_empty()
}

/// When the start that is under way began.
fn begun(instance: &Instance, spec: &Service) -> Option<BootTime> {
    if !counts(spec) {
        return None;
    }
    let prepares = instance.errand.as_ref().filter(|errand| errand.purpose == Purpose::PreStart);
    match &instance.phase {
        Phase::Intended { since, .. } => Some(*since),
        Phase::Starting { process, since, .. } => process.launched.is_some().then_some(*since),
        Phase::Vacant | Phase::BackOff { .. } => prepares.map(|errand| errand.since),
        Phase::Finished | Phase::Running { .. } | Phase::Stopping { .. } => None,
    }
}
