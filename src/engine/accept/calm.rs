//! Looks that differ from the one before by some good files alone, each name where it was: what is in force is what it was, but
//! for these. Whatever is doubtful is looked at as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Acceptance, Accepted, FileSeen, GoodFile, PruneRules, SourcesSeen, from};
use crate::spec::{Service, ServiceName, SpecSet};

/// What a look left behind after which nothing was doubtful.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Calm {
    /// Which look it was.
    number: u64,
    /// What was in force, all of it as its documents said.
    set: SpecSet,
    prunable: Vec<String>,
    defaults: BTreeSet<String>,
    elsewhere: BTreeMap<ServiceName, String>,
}

impl Acceptance {
    /// The files that may be other than at the last look, if nothing was doubtful then.
    pub(super) fn changed<'a>(&self, seen: &'a SourcesSeen) -> Option<&'a BTreeSet<String>> {
        let follows = self.calm.as_ref().is_some_and(|calm| calm.number.saturating_add(1) == seen.number);
        seen.changed.as_ref().filter(|_| follows)
    }

    /// Takes a look into account that gives no reason for doubt. `None`: it may give one, and nothing was done.
    pub(super) fn step(&mut self, seen: &SourcesSeen, rules: &PruneRules) -> Option<Accepted> {
        let changed = self.changed(seen)?;
        let calm = self.calm.as_ref()?;
        let same = is_calm(seen)
            && rules.confirmed.is_empty()
            && seen.identities == self.believed
            && (&seen.prunable, &seen.defaults, &seen.elsewhere)
                == (&calm.prunable, &calm.defaults, &calm.elsewhere);
        let declared = self.declared(seen, changed).filter(|_| same)?;
        let mut calm = self.calm.take()?;
        for (name, service) in declared {
            // A document that says what it said stays the value that records share.
            if self.in_force.get(&name).is_none_or(|former| *former != service) {
                self.in_force.insert(name.clone(), Arc::clone(&service));
                calm.set.services.insert(name, service);
            }
        }
        calm.number = seen.number;
        let set = calm.set.clone();
        self.calm = Some(calm);
        Some(Accepted { set, ..Accepted::default() })
    }

    /// What changed files declare, if they are good, lack nothing that came from them, and claim nothing of others.
    fn declared(
        &self,
        seen: &SourcesSeen,
        changed: &BTreeSet<String>,
    ) -> Option<BTreeMap<ServiceName, Arc<Service>>> {
        if self.policies.values().any(|policy| changed.contains(&*policy.origin.file)) {
            return None;
        }
        let mut declared: BTreeMap<ServiceName, Arc<Service>> = BTreeMap::new();
        for path in changed {
            // Each field is named: whatever else a file may give is to be thought of here.
            let GoodFile { services, policies, digest: _, empty: _ } =
                seen.files.get(path.as_str()).and_then(FileSeen::good)?;
            if !policies.is_empty() {
                return None;
            }
            for service in services.iter() {
                let owner = self.in_force.get(&service.name);
                // A file that isn't among the sources has no say: where nothing is doubtful, its names are free.
                let may_have = |owner: &Arc<Service>| {
                    let file = &*owner.origin.file;
                    *file == **path || !seen.files.contains_key(file)
                };
                let is_own = owner.is_none_or(may_have);
                let is_first = declared.insert(service.name.clone(), Arc::clone(service)).is_none();
                if !is_own || !is_first {
                    return None;
                }
            }
        }
        let mut came_from_them = from(&self.in_force, changed);
        came_from_them.all(|(name, _)| declared.contains_key(name)).then_some(declared)
    }

    /// Notes whether anything was doubtful in a look.
    pub(super) fn note_calm(&mut self, seen: &SourcesSeen, accepted: &Accepted) {
        let Accepted { set, held, confirmed, recheck } = accepted;
        let settled = held.is_empty() && confirmed.is_empty() && recheck.is_none();
        let plain = set.rejected.is_empty()
            && set.unseen.is_empty()
            && set.removed.is_empty()
            && set.remarks.is_empty()
            && set.stale_policies.is_empty()
            && self.missing.is_empty()
            && self.bare_since.is_empty();
        let calm = is_calm(seen) && settled && plain && seen.broken().is_empty();
        self.calm = calm.then(|| Calm {
            number: seen.number,
            set: set.clone(),
            prunable: seen.prunable.clone(),
            defaults: seen.defaults.clone(),
            elsewhere: seen.elsewhere.clone(),
        });
    }
}

/// Everything was seen, and no plugin is held. Whether files are good is another question.
fn is_calm(seen: &SourcesSeen) -> bool {
    seen.complete && seen.unavailable.is_empty() && seen.held_plugins.is_empty()
}
