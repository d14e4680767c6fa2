//! What a look at the documents changes: what is in force, what is held back, and what is said of the places.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Event, Watch};
use crate::engine::accept::{Accepted, PruneHeld, PruneRules, is_under};
use crate::engine::sources::SourcesLook;
use crate::host::{held_plans, writers};
use crate::plan::sources::{SourceConditionType, SourceFinding};
use crate::plan::status::ConditionStatus;
use crate::spec::{Service, ServiceName, SpecSet};
use crate::units::BootTime;

impl Watch<'_> {
    /// Takes a look into account, and says when another one is due.
    pub(super) fn accept(&mut self, look: &mut SourcesLook, now: BootTime) -> Option<BootTime> {
        if let Some(trouble) = look.trouble.take() {
            (self.tell)(Event::Trouble(&trouble));
        }
        // Hardly ever is there such a file: only then is it worth to ask who writes to it.
        look.seen.being_written = writers::open_for_writing(self.acceptance.shrunk(&look.seen));
        let mut rules = PruneRules::from(self.options.settings.prune);
        rules.confirmed.clone_from(&self.confirmed_prunes);
        let Accepted { set, held, confirmed, recheck } = self.accepted(&look.seen, &rules, now);
        self.confirmed_prunes.retain(|id| !confirmed.contains_key(id));
        for (id, place) in confirmed {
            if let Some(source) = self.standing.source_mut(&place) {
                source.confirmed = Some(id);
            }
        }
        for id in std::mem::take(&mut self.confirmed_prunes) {
            let text = format!(
                "the removal `{id}` was confirmed and is not what would be removed now: nothing is removed"
            );
            (self.tell)(Event::Trouble(&text));
        }
        for plan in held.iter().filter(|plan| !self.held.contains(plan)) {
            (self.tell)(Event::PruneHeld(plan));
            self.chronicle.prune_held(plan);
            if let Err(reason) = held_plans::note(self.host.dirs(), &plan.plan()) {
                (self.tell)(Event::Trouble(&reason));
            }
        }
        self.held = held;
        let mut set = self.under_pin(set);
        self.add_owed_removals(&mut set);
        // Also where it says the same: what the next look gives has its parts in common with this one.
        let former = std::mem::replace(&mut self.set, set);
        if former != self.set {
            self.carried.documents(&former, &self.set);
            let services = self.set.services.rows_where(|told| told.watches);
            self.watched_files =
                services.flat_map(|(_, service)| service.update.watch_files.iter().cloned()).collect();
            self.keep_set(crate::host::Host::now(&self.host).wall);
        }
        self.say_how_places_stand(look);
        recheck
    }

    /// What a look found to be removed is owed until a tick has put that on record: the next look, which doesn't say it again, may come
    /// before, as where somebody asks in the turn in which it is due, or nothing could be written down.
    fn add_owed_removals(&self, set: &mut SpecSet) {
        let is_on_record =
            |name: &ServiceName| self.memory.services.get(name).is_none_or(|record| record.terminating);
        for name in &self.set.removed {
            if !set.services.contains_key(name) && !is_on_record(name) {
                set.removed.insert(name.clone());
            }
        }
    }

    /// Files that changed declare objects that aren't in force yet.
    pub(super) fn declares_more(&self, look: &SourcesLook) -> bool {
        let changed = look.seen.changed.iter().flatten();
        let good = changed.filter_map(|file| look.seen.files.get(file.as_str())?.good());
        let is_new = |service: &Arc<Service>| !self.set.services.contains_key(&service.name);
        good.flat_map(|file| file.services.iter()).any(is_new)
    }

    fn say_how_places_stand(&mut self, look: &SourcesLook) {
        let wall = crate::host::Host::now(&self.host).wall;
        for (place, finding) in &look.findings {
            self.standing.find(place, finding.clone(), wall);
        }
        let places: Vec<String> = self.standing.sources().iter().map(|source| source.place.clone()).collect();
        self.count_later(look);
        for place in &places {
            let held = self.held.iter().find(|held| held.place == *place);
            self.standing.find(place, prune_held(place, held), wall);
            if let Some(source) = self.standing.source_mut(place) {
                source.held = held.map(PruneHeld::plan);
            }
        }
    }

    /// How many files and objects each place has is counted when what follows from the look was done. After a look at named files
    /// that is as it was if there are as many as before: such a look takes nothing away, and no object from another file. So it is
    /// after a look that found nothing new.
    fn count_later(&mut self, look: &SourcesLook) {
        let now = Some((look.seen.files.len(), self.set.services.len()));
        let same = std::mem::replace(&mut self.counted, now) == now;
        if !same || !(look.named || look.seen.changed.as_ref().is_some_and(BTreeSet::is_empty)) {
            self.uncounted = Some(Arc::clone(&look.seen.files));
        }
    }

    /// Counts what wasn't counted yet.
    pub(super) fn count(&mut self) {
        let Some(files) = self.uncounted.take() else { return };
        let places: Vec<String> = self.standing.sources().iter().map(|source| source.place.clone()).collect();
        let mut objects: BTreeMap<&str, usize> = BTreeMap::new();
        for service in self.set.services.values() {
            let of = places.iter().filter(|place| is_under(&service.origin.file, place));
            if let Some(place) = of.max_by_key(|place| place.len()) {
                *objects.entry(place.as_str()).or_default() += 1;
            }
        }
        for place in &places {
            if let Some(source) = self.standing.source_mut(place) {
                source.objects = objects.get(place.as_str()).copied().unwrap_or_default();
                source.files = files.keys().filter(|file| is_under(file, place)).count();
            }
        }
    }
}

fn prune_held(place: &str, held: Option<&PruneHeld>) -> SourceFinding {
    let (status, reason, message) = match held {
        Some(held) => (
            ConditionStatus::True,
            "TooMuchAtOnce",
            format!("{}; confirm with `selfsame apply {place} --confirm-prune {}`", held.reason, held.id),
        ),
        None => (ConditionStatus::False, "NothingHeld", format!("nothing of `{place}` waits for a person")),
    };
    SourceFinding { kind: SourceConditionType::PruneHeld, status, reason, message }
}
