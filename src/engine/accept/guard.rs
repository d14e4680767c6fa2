//! The guards: a place that shrinks to nothing, or by more than half (and more than three), is more likely a mistake or a missing
//! mount than a wish; so is a file that still exists and was emptied.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::seen::is_under;
use super::{FileSeen, PruneRules, SourcesSeen};
use crate::plan::sources::HeldPlan;
use crate::spec::{Service, ServiceName, Services, SpecSet};

/// So many objects may always go at once, if others stay.
const ALWAYS: usize = 3;
/// Letters of an id: enough to tell plans apart, few enough to type.
const ID_LETTERS: usize = 10;

/// Why objects of a place that seem to be gone are still in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PruneHeld {
    /// Stands for exactly these objects of this place.
    pub id: String,
    /// Where they came from.
    pub place: String,
    /// Which.
    pub names: BTreeSet<ServiceName>,
    /// A sentence.
    pub reason: String,
}

impl PruneHeld {
    fn new(place: &str, names: BTreeSet<ServiceName>, reason: String) -> Self {
        let mut digest = Sha256::new_with_prefix(place);
        for name in &names {
            digest.update(b"\0");
            digest.update(name.as_str());
        }
        let id: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let id = id.chars().take(ID_LETTERS).collect();
        Self { id, place: place.to_owned(), names, reason }
    }

    /// As it stands in the status.
    pub fn plan(&self) -> HeldPlan {
        HeldPlan {
            id: self.id.clone(),
            names: self.names.iter().cloned().collect(),
            reason: self.reason.clone(),
        }
    }
}

/// A place that has lost objects.
pub(super) struct Shrinking<'a> {
    pub(super) place: &'a str,
    pub(super) in_force: &'a Services,
    /// What it has lost.
    pub(super) missing: &'a BTreeSet<ServiceName>,
    pub(super) set: &'a SpecSet,
    pub(super) seen: &'a SourcesSeen,
    pub(super) rules: &'a PruneRules,
}

impl Shrinking<'_> {
    /// What a person has to confirm: everything that is missing, or what stood in emptied files.
    pub(super) fn guard(&self) -> Option<PruneHeld> {
        let ours = self.in_force.values().filter(|service| self.is_here(service)).count();
        let lost = self.missing.len();
        let nothing_left = !self.set.services.values().any(|service| self.is_here(service));
        if nothing_left && !self.rules.allow_empty {
            let reason = format!("all {ours} objects of `{}` would be removed at once", self.place);
            return Some(PruneHeld::new(self.place, self.missing.clone(), reason));
        }
        if lost > self.most(ours) {
            let reason = format!("{lost} of {ours} objects of `{}` would be removed at once", self.place);
            return Some(PruneHeld::new(self.place, self.missing.clone(), reason));
        }
        self.emptied().filter(|_| !self.rules.allow_empty)
    }

    /// So many of `ours` may go at once.
    fn most(&self, ours: usize) -> usize {
        let thousandths = usize::try_from(self.rules.max_fraction).unwrap_or(1000).min(1000);
        (ours.saturating_mul(thousandths) / 1000).max(ALWAYS)
    }

    fn emptied(&self) -> Option<PruneHeld> {
        let file = |name: &&ServiceName| {
            let file = &*self.in_force.get(*name)?.origin.file;
            let good = self.seen.files.get(file).and_then(FileSeen::good)?;
            good.empty.then_some(file)
        };
        let names: BTreeSet<ServiceName> =
            self.missing.iter().filter(|name| file(name).is_some()).cloned().collect();
        let first = self.missing.iter().find_map(|name| file(&name))?;
        let reason = format!("`{first}` is empty now; remove the file if its objects are to go");
        Some(PruneHeld::new(self.place, names, reason))
    }

    fn is_here(&self, service: &Service) -> bool {
        is_under(&service.origin.file, self.place)
    }
}
