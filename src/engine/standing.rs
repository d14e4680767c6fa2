//! How the places that documents come from stand, over time: findings of looks and of the loop become conditions.

use std::sync::Arc;

use crate::plan::sources::{SourceFinding, SourceStatus};
use crate::spec::Revision;
use crate::units::WallTime;

/// The places of one engine, in the order given.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Standing {
    sources: Vec<SourceStatus>,
    /// What other verbs were told last.
    told: Vec<SourceStatus>,
}

impl Standing {
    /// Places of which nothing is known yet.
    pub fn new(places: impl IntoIterator<Item = String>) -> Self {
        Self { sources: places.into_iter().map(SourceStatus::new).collect(), told: Vec::new() }
    }

    /// The places.
    pub fn sources(&self) -> &[SourceStatus] {
        &self.sources
    }

    /// One place, to be changed.
    pub fn source_mut(&mut self, place: &str) -> Option<&mut SourceStatus> {
        self.sources.iter_mut().find(|source| source.place == place)
    }

    /// Something was found out about one place. Others than those of this engine don't count.
    pub fn find(&mut self, place: &str, finding: SourceFinding, now: WallTime) {
        if let Some(source) = self.source_mut(place) {
            source.set(finding, now);
        }
    }

    /// A place is at this revision.
    pub fn be_at(&mut self, place: &str, revision: Option<Revision>) {
        if let Some(source) = self.source_mut(place) {
            source.revision = revision.map(Arc::new);
        }
    }

    /// Whether a place is at another revision than was told last.
    pub fn is_at_another_revision(&self) -> bool {
        let revisions = |sources: &[SourceStatus]| -> Vec<_> {
            sources.iter().map(|source| (source.place.clone(), source.revision.clone())).collect()
        };
        revisions(&self.sources) != revisions(&self.told)
    }

    /// Whether it is another one than what was told last.
    pub fn is_news(&self) -> bool {
        self.sources != self.told
    }

    /// It was told as it is now.
    pub fn was_told(&mut self) {
        self.told.clone_from(&self.sources);
    }
}
