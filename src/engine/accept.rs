//! Which documents are in force: the newest good ones, and never fewer because of missing knowledge.
//!
//! Pure. Fed with looks at the sources (files read and loaded), it yields a [`SpecSet`]:
//!
//! ```text
//!  look: complete? -- files: good ------> in force (`claims`: each name once)
//!                 \         broken -----> the last good content of that file stays in force (`kept`)
//!                  \        gone -------> `gone`: missed by two complete looks `prune_delay` apart, `guard`: not too much at once -> removed
//!                   unavailable --------> everything stays in force
//!  the look before, and some good files that changed --------> `calm`: the same but for these
//! ```

mod calm;
mod claims;
mod gone;
mod guard;
mod kept;
mod policies;
mod seen;
#[cfg(test)]
mod tests;

pub use gone::PruneRules;
pub use guard::PruneHeld;
pub(super) use seen::is_under;
pub use seen::{BrokenFile, FileSeen, GoodFile, SourcesSeen};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::spec::policy::Policy;
use crate::spec::{Service, ServiceName, Services, SpecSet};
use crate::units::BootTime;

use gone::Absence;

/// What is in force after a look.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Accepted {
    /// For planning.
    pub set: SpecSet,
    /// What the guards hold back, one plan for each place.
    pub held: Vec<PruneHeld>,
    /// Plans that a person confirmed and that this look carries out: ids, and their places.
    pub confirmed: BTreeMap<String, String>,
    /// Something is waiting for its second look.
    pub recheck: Option<BootTime>,
}

/// What acceptance remembers between looks.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Acceptance {
    in_force: Services,
    /// Policies in force, by names of their own.
    policies: BTreeMap<ServiceName, Arc<Policy>>,
    /// Objects that nobody declares any more.
    missing: BTreeMap<ServiceName, Absence>,
    /// Which directory each place was when nothing was missing in it.
    believed: BTreeMap<String, String>,
    /// Objects whose Defaults are missing.
    bare_since: BTreeMap<ServiceName, BootTime>,
    /// The last look, if nothing was doubtful in it.
    calm: Option<calm::Calm>,
}

impl Acceptance {
    /// Begins with what was last accepted, from the ledger.
    pub fn new(last_accepted: impl IntoIterator<Item = Arc<Service>>) -> Self {
        let in_force = last_accepted.into_iter().map(|service| (service.name.clone(), service)).collect();
        Self { in_force, ..Self::default() }
    }

    /// Takes back what was in force without it, and what no look has seen: whatever nobody declares is missed from now on.
    pub fn recall(&mut self, services: &Services) {
        let unknown: Vec<Arc<Service>> = services
            .iter()
            .filter(|(name, _)| !self.in_force.contains_key(*name))
            .map(|(_, service)| Arc::clone(service))
            .collect();
        self.in_force.extend(unknown.into_iter().map(|service| (service.name.clone(), service)));
        self.calm = None;
    }

    /// Files that are there and don't declare what is in force from them: whether somebody is writing them counts.
    pub fn shrunk(&self, seen: &SourcesSeen) -> BTreeSet<String> {
        let declares = |file: &GoodFile, name: &ServiceName| file.services.iter().any(|s| s.name == *name);
        let lacks = |(name, service): (&ServiceName, &Arc<Service>)| {
            let file = &*service.origin.file;
            let good = seen.files.get(file).and_then(FileSeen::good)?;
            (!declares(good, name)).then(|| file.to_owned())
        };
        let changed = self.changed(seen);
        match changed {
            Some(changed) => from(&self.in_force, changed).filter_map(lacks).collect(),
            None => self.in_force.iter().filter_map(lacks).collect(),
        }
    }

    /// Takes a look into account.
    pub fn look(&mut self, seen: &SourcesSeen, rules: &PruneRules, now: BootTime) -> Accepted {
        if let Some(accepted) = self.step(seen, rules) {
            return accepted;
        }
        let accepted = self.look_at_all(seen, rules, now);
        self.note_calm(seen, &accepted);
        accepted
    }

    fn look_at_all(&mut self, seen: &SourcesSeen, rules: &PruneRules, now: BootTime) -> Accepted {
        let mut set = SpecSet::default();
        let broken = seen.broken();
        self.take_good(seen, &mut set);
        let (bare, bare_recheck) = self.keep_defaults(seen, !broken.is_empty(), &mut set, rules, now);
        self.keep_broken(&broken, &mut set);
        let missing = self.missing(seen, &broken, &set);
        let gone = self.confirm(missing, &set, seen, rules, now);
        for name in &gone.removed {
            self.missing.remove(name);
        }
        for (name, service) in &self.in_force {
            if !gone.removed.contains(name) && !set.services.contains_key(name) && seen.may_speak_for(service)
            {
                set.services.insert(name.clone(), Arc::clone(service));
            }
        }
        self.in_force.retain(|name, _| !gone.removed.contains(name));
        if self.in_force.keys().all(|name| set.services.contains_key(name)) {
            // The very same value, as nearly always.
            self.in_force = set.services.clone();
        } else {
            self.in_force.extend(set.services.iter().map(|(name, service)| (name.clone(), service.clone())));
        }
        set.unseen = self.unseen(seen, &gone);
        set.unseen.extend(bare);
        set.remarks = kept::remarks(seen, &set);
        self.take_policies(seen, &mut set);
        set.removed = gone.removed;
        let recheck = gone.recheck.into_iter().chain(bare_recheck).min();
        Accepted { set, held: gone.held, confirmed: gone.confirmed, recheck }
    }
}

/// The Services that come from these files.
fn from<'a>(
    services: &'a Services,
    files: &'a BTreeSet<String>,
) -> impl Iterator<Item = (&'a ServiceName, &'a Arc<Service>)> {
    let rows = services.rows_where(|told| files.iter().any(|file| told.files.may_contain(file)));
    rows.filter(|(_, service)| files.contains(&*service.origin.file))
}
