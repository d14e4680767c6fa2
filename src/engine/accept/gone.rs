//! Deletion in steps: an object is gone when complete looks have missed its document for long enough, each in the same state of
//! affairs. A file that is written to, or a directory that is another one, begins the waiting anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::guard::{PruneHeld, Shrinking};
use super::{Acceptance, BrokenFile, FileSeen, SourcesSeen};
use crate::spec::engine::Prune;
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootTime, format_duration};

/// Another directory under the name of a place is believed after so long at the least.
const BELIEF: Duration = Duration::from_secs(1);

/// How careful to be about objects that disappear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PruneRules {
    /// Two looks at least so far apart must miss an object. Zero: one look is enough.
    pub delay: Duration,
    /// More than this part of the objects of a place, in thousandths, and more than three aren't removed at once.
    pub max_fraction: u32,
    /// A place, or a file, may become empty.
    pub allow_empty: bool,
    /// Plans that a person has seen and confirmed, by their ids.
    pub confirmed: BTreeSet<String>,
}

impl Default for PruneRules {
    fn default() -> Self {
        Self::from(Prune::default())
    }
}

impl From<Prune> for PruneRules {
    fn from(prune: Prune) -> Self {
        let Prune { delay, max_fraction, allow_empty } = prune;
        Self { delay, max_fraction, allow_empty, confirmed: BTreeSet::new() }
    }
}

/// What is known of an object that nobody declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Absence {
    /// Since when all looks say the same.
    since: BootTime,
    /// The file that it stood in is there, with this content.
    file: Option<Arc<str>>,
    /// Which directory the place is.
    identity: Option<String>,
    /// How long it has to be missed.
    delay: Duration,
}

/// What a look has to say about objects that nobody declares.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Gone {
    /// These are no longer in force.
    pub(super) removed: BTreeSet<ServiceName>,
    /// The guards hold these back.
    pub(super) held: Vec<PruneHeld>,
    /// Plans that a person said yes to, by their ids, with their places.
    pub(super) confirmed: BTreeMap<String, String>,
    /// These wait for another look, with what is to be said of them.
    pub(super) waiting: BTreeMap<ServiceName, String>,
    /// When that look is due.
    pub(super) recheck: Option<BootTime>,
}

impl Acceptance {
    /// Objects that are in force and that nobody declares any more.
    pub(super) fn missing(
        &self,
        seen: &SourcesSeen,
        broken: &BTreeMap<&str, &BrokenFile>,
        set: &SpecSet,
    ) -> BTreeSet<ServiceName> {
        if !seen.complete {
            return BTreeSet::new();
        }
        let missing = self.in_force.iter().filter(|(name, service)| {
            !set.services.contains_key(*name)
                && !set.rejected.contains_key(*name)
                && !broken.contains_key(&*service.origin.file)
                && seen.place_of(&service.origin.file).is_some()
        });
        missing.map(|(name, _)| name.clone()).collect()
    }

    /// What becomes of them.
    pub(super) fn confirm(
        &mut self,
        missing: BTreeSet<ServiceName>,
        set: &SpecSet,
        seen: &SourcesSeen,
        rules: &PruneRules,
        now: BootTime,
    ) -> Gone {
        if !seen.complete {
            // A gap in knowledge starts the waiting anew, it does not count towards it.
            self.missing.clear();
            return Gone::default();
        }
        self.note_missing(&missing, seen, rules, now);
        if missing.is_empty() {
            self.believed.clone_from(&seen.identities);
            return Gone::default();
        }
        let mut gone = Gone::default();
        for (place, names) in self.by_place(missing, seen) {
            self.confirm_in(&place, names, (set, seen, rules), now, &mut gone);
        }
        gone
    }

    /// Begins the waiting, or goes on with it where everything is as it was.
    fn note_missing(
        &mut self,
        missing: &BTreeSet<ServiceName>,
        seen: &SourcesSeen,
        rules: &PruneRules,
        now: BootTime,
    ) {
        let note = |name: &ServiceName| {
            let origin = &*self.in_force.get(name)?.origin.file;
            let place = seen.place_of(origin)?;
            let identity = seen.identities.get(place).cloned();
            let is_other =
                self.believed.get(place).is_some_and(|believed| Some(believed) != identity.as_ref());
            let delay = if is_other { rules.delay.max(BELIEF) } else { rules.delay };
            let file = seen.files.get(origin).and_then(FileSeen::good).map(|file| file.digest.clone());
            let mut absence = Absence { since: now, file, identity, delay };
            let before = self.missing.get(name).filter(|before| {
                before.file == absence.file
                    && before.identity == absence.identity
                    && !seen.being_written.contains(origin)
            });
            if let Some(before) = before {
                absence.since = before.since;
            }
            Some((name.clone(), absence))
        };
        self.missing = missing.iter().filter_map(note).collect();
    }

    fn by_place(
        &self,
        missing: BTreeSet<ServiceName>,
        seen: &SourcesSeen,
    ) -> BTreeMap<String, BTreeSet<ServiceName>> {
        let mut places: BTreeMap<String, BTreeSet<ServiceName>> = BTreeMap::new();
        for name in missing {
            let place = self.in_force.get(&name).and_then(|service| seen.place_of(&service.origin.file));
            if let Some(place) = place {
                places.entry(place.clone()).or_default().insert(name);
            }
        }
        places
    }

    /// The objects that one place has lost.
    fn confirm_in(
        &mut self,
        place: &str,
        missing: BTreeSet<ServiceName>,
        (set, seen, rules): (&SpecSet, &SourcesSeen, &PruneRules),
        now: BootTime,
        gone: &mut Gone,
    ) {
        let ripe: BTreeSet<ServiceName> =
            missing.iter().filter(|name| self.over(name).is_some_and(|over| now >= over)).cloned().collect();
        let shrinking = Shrinking { place, in_force: &self.in_force, missing: &missing, set, seen, rules };
        // While nothing is ripe, nothing is held: what comes back in time is no news. A person's word doesn't wait.
        let confirmed = |held: &PruneHeld| rules.confirmed.contains(&held.id);
        let held = shrinking.guard().filter(|held| !ripe.is_empty() || confirmed(held));
        let confirmed = held.as_ref().is_some_and(confirmed);
        let (mut removed, mut waiting) = (ripe, missing);
        if let Some(held) = held {
            if confirmed {
                gone.confirmed.insert(held.id, held.place);
                removed.extend(held.names);
            } else {
                removed.retain(|name| !held.names.contains(name));
                waiting.retain(|name| !held.names.contains(name));
                gone.held.push(held);
            }
        }
        waiting.retain(|name| !removed.contains(name));
        if waiting.is_empty() && gone.held.iter().all(|held| held.place != place) {
            // Whatever the place is now, it was believed.
            self.believed.extend(seen.identities.get_key_value(place).map(|(k, v)| (k.clone(), v.clone())));
        }
        gone.recheck = waiting.iter().filter_map(|name| self.over(name)).chain(gone.recheck).min();
        gone.waiting.extend(waiting.into_iter().filter_map(|name| {
            let sentence = self.waiting_text(&name, seen)?;
            Some((name, sentence))
        }));
        gone.removed.extend(removed);
    }

    /// When it has been missed for long enough.
    fn over(&self, name: &ServiceName) -> Option<BootTime> {
        self.missing.get(name).map(|absence| absence.since.after(absence.delay))
    }

    fn waiting_text(&self, name: &ServiceName, seen: &SourcesSeen) -> Option<String> {
        let absence = self.missing.get(name)?;
        let file = &*self.in_force.get(name)?.origin.file;
        let delay = format_duration(absence.delay);
        Some(if let Some(why) = seen.elsewhere.get(name) {
            format!("{why}; it is removed when that stays so for {delay}")
        } else if seen.being_written.contains(file) {
            format!("it doesn't stand in `{file}` at the moment, which is being written")
        } else {
            format!("its document is gone from `{file}`; it is removed when that stays so for {delay}")
        })
    }
}
