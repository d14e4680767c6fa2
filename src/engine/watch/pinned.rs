//! An earlier set of documents, put in force by a person until the documents change again.
//!
//! ```text
//!  documents --> acceptance --> what they say --\
//!  history --> the set that is rolled back to ---+--> in force
//! ```
//!
//! Acceptance goes on as if nothing were: what the documents say is remembered by its digest, and once they say, all of them
//! readable, something else, the rollback is over. What only the rollback had is missed by acceptance then, like what was in force
//! from a file that is gone: removed after some time, within the guards.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Event, Watch};
use crate::engine::accept::{Accepted, FileSeen, PruneRules, SourcesSeen};
use crate::host::errno::io_text;
use crate::host::history::{self, Pinned};
use crate::spec::{Services, SpecSet};
use crate::units::BootTime;

/// The set that is in force instead of what the documents say.
#[derive(Debug)]
pub(super) struct Pin {
    pinned: Pinned,
    services: Services,
}

impl Watch<'_> {
    /// Goes on with a rollback of the watch before.
    pub(super) fn take_up_pin(&mut self) {
        let Some(pinned) = history::pinned(self.host.dirs()) else { return };
        match self.kept(pinned.number) {
            Ok(services) => self.pin = Some(Pin { pinned, services }),
            Err(reason) => {
                let number = pinned.number;
                self.forget_pin(&format!("the rollback to set {number} is over: {reason}"));
            }
        }
    }

    /// Puts an earlier set in force.
    ///
    /// # Errors
    /// A sentence; then nothing was changed.
    pub(super) fn roll_back(&mut self, number: u64, confirmed: bool, by: &str) -> Result<(), String> {
        let services = self.kept(number)?;
        let in_force = self.set.services.len();
        let gone = self.set.services.keys().filter(|name| !services.contains_key(*name)).count();
        if !confirmed && gone > 0 && (services.is_empty() || gone > (in_force / 2).max(3)) {
            return Err(format!(
                "{gone} of {in_force} objects would be removed at once; if that is meant: `rollback {number} --confirm`"
            ));
        }
        // What the documents say now is filled in by the look that follows.
        let pinned = Pinned { number, by: by.to_owned(), sources: String::new() };
        self.pin = Some(Pin { pinned, services });
        Ok(())
    }

    fn kept(&self, number: u64) -> Result<Services, String> {
        let dirs = self.host.dirs();
        let sets =
            history::sets(dirs).map_err(|error| format!("the history can't be read: {}", io_text(&error)))?;
        history::services(dirs, history::find(&sets, number)?)
    }

    /// What is accepted in a look. The one that ends a rollback is taken into account once more, with what that had in force.
    pub(super) fn accepted(&mut self, seen: &SourcesSeen, rules: &PruneRules, now: BootTime) -> Accepted {
        let accepted = self.acceptance.look(seen, rules, now);
        let Some(ended) = self.judge_pin(&accepted.set, seen) else { return accepted };
        self.acceptance.recall(&ended);
        self.acceptance.look(seen, rules, now)
    }

    /// Whether the documents say something else than when the rollback began: then it is over, and what it had in force is
    /// returned.
    fn judge_pin(&mut self, set: &SpecSet, seen: &SourcesSeen) -> Option<Services> {
        let pin = self.pin.as_mut()?;
        let declared = declared(set, seen);
        let sources = history::digest_of(&declared);
        let number = pin.pinned.number;
        if pin.pinned.sources.is_empty() {
            if history::digest_of(&pin.services) == sources {
                self.forget_pin(&format!("set {number} is what the documents say"));
                return None;
            }
            pin.pinned.sources = sources;
            if let Err(reason) = history::pin(self.host.dirs(), Some(&pin.pinned)) {
                (self.tell)(Event::Trouble(&reason));
            }
            return None;
        }
        if pin.pinned.sources == sources || !is_sure(seen) {
            return None;
        }
        let ended = std::mem::take(&mut pin.services);
        self.forget_pin(&format!("the documents changed: the rollback to set {number} is over"));
        Some(ended)
    }

    /// What is in force: what the documents say, or the set that is rolled back to.
    pub(super) fn under_pin(&self, set: SpecSet) -> SpecSet {
        let Some(pin) = &self.pin else { return set };
        let number = pin.pinned.number;
        let remark = format!("rolled back to set {number} by {}, until the documents change", pin.pinned.by);
        let left = set.services.into_iter().map(|(name, _)| name).chain(set.removed);
        SpecSet {
            removed: left.filter(|name| !pin.services.contains_key(name)).collect(),
            remarks: pin.services.keys().map(|name| (name.clone(), remark.clone())).collect(),
            services: pin.services.clone(),
            // The history keeps what runs; a rule over processes is taken back by its document.
            policies: set.policies,
            stale_policies: set.stale_policies,
            rejected: set.rejected,
            unseen: BTreeMap::new(),
            ending: set.ending,
        }
    }

    /// Who put the present set in force, and how, for the history.
    pub(super) fn origin_of_set(&self) -> (String, String) {
        match &self.pin {
            Some(pin) => (pin.pinned.by.clone(), format!("rolled back to set {}", pin.pinned.number)),
            None => ("watch".to_owned(), "the documents changed".to_owned()),
        }
    }

    fn forget_pin(&mut self, why: &str) {
        self.pin = None;
        self.chronicle.engine("RollbackOver", why);
        (self.tell)(Event::Trouble(why));
        if let Err(reason) = history::pin(self.host.dirs(), None) {
            (self.tell)(Event::Trouble(&reason));
        }
    }
}

/// What the documents themselves say. A set that is rolled back to is on record like any other, so that the next watch misses
/// what only that has: it stays in force for a while, and no document says so.
fn declared(set: &SpecSet, seen: &SourcesSeen) -> Services {
    let said = set.services.iter().filter(|(name, _)| !seen.complete || !set.unseen.contains_key(*name));
    said.map(|(name, service)| (name.clone(), Arc::clone(service))).collect()
}

/// Everything was seen, and can be used: a look that lacks something doesn't tell what the documents say.
fn is_sure(seen: &SourcesSeen) -> bool {
    seen.complete && seen.files.values().all(|file| matches!(file, FileSeen::Good(_)))
}
