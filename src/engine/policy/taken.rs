//! Which policies are looked at: those in force that nobody has left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Policies;
use super::standing::{self, Standing};
use crate::plan::memory::Suspension;
use crate::plan::policy::{KeptPolicy, meaning};
use crate::spec::ServiceName;
use crate::spec::policy::Policy;
use crate::units::{BootTime, Now, WallTime};

/// How often it acted is remembered so long of a policy that isn't in force: its document may only be out of sight.
const REMEMBERED: Duration = Duration::from_hours(1);

impl Policies {
    /// A person has some left alone, or (`None`) no longer. Those that are neither in force nor remembered are no matter: before
    /// the first turn of an engine, what is in force is only remembered.
    pub fn suspend(&mut self, names: &BTreeSet<ServiceName>, suspension: Option<&Suspension>) {
        for name in names {
            if !self.set.contains_key(name) && !self.kept.contains_key(name) {
                continue;
            }
            let kept = self.kept.entry(name.clone()).or_default();
            kept.suspension = suspension.map(|word| word.clone().beside(kept.suspension.as_ref()));
            self.unwritten = true;
        }
        self.chosen = false;
    }

    /// Takes the documents in force. Gives those that are to be looked at now.
    pub(super) fn take_in(
        &mut self,
        in_force: &BTreeMap<ServiceName, Arc<Policy>>,
        now: Now,
    ) -> BTreeSet<ServiceName> {
        let same = |(name, policy): (&ServiceName, &Arc<Policy>)| {
            self.set.get(name).is_some_and(|known| Arc::ptr_eq(known, policy))
        };
        if self.set.len() != in_force.len() || !in_force.iter().all(same) {
            self.take_changes(in_force, now.boot);
        }
        if !self.chosen || self.until.is_some_and(|until| until <= now.wall) {
            self.choose(now.wall);
        }
        let is_due =
            |(_, standing): &(&ServiceName, &Standing)| standing.due.is_some_and(|due| due <= now.boot);
        let mut wanted: BTreeSet<ServiceName> =
            self.standing.iter().filter(is_due).map(|(name, _)| name.clone()).collect();
        if self.retry.is_some_and(|retry| retry <= now.boot) {
            wanted.extend(self.active.keys().cloned());
        }
        wanted
    }

    fn take_changes(&mut self, in_force: &BTreeMap<ServiceName, Arc<Policy>>, now: BootTime) {
        for (name, policy) in in_force {
            let meaning = meaning(policy);
            let kept = self.kept.entry(name.clone()).or_default();
            if kept.meaning == meaning {
                continue;
            }
            if !kept.meaning.is_empty() {
                kept.memory.begin_anew();
                self.fights.forget();
            }
            kept.meaning = meaning;
            if let Some(standing) = self.standing.get_mut(name) {
                standing.begin_anew();
            }
            self.unwritten = true;
        }
        self.set.clone_from(in_force);
        self.chosen = false;
        self.standing.retain(|name, _| in_force.contains_key(name));
        let lately = |kept: &KeptPolicy| {
            kept.memory.spent.last().is_some_and(|last| now.since(last) < REMEMBERED)
                || kept.suspension.is_some()
        };
        let known = self.kept.len();
        self.kept.retain(|name, kept| in_force.contains_key(name) || lately(kept));
        self.unwritten |= known != self.kept.len();
    }

    /// Finds out which are looked at, and until when that holds.
    fn choose(&mut self, now: WallTime) {
        self.end_suspensions(now);
        let is_active = |name: &ServiceName, policy: &Policy| self.left_alone(name, policy, now).is_none();
        let active = self.set.iter().filter(|(name, policy)| is_active(name, policy));
        self.active = active.map(|(name, policy)| (name.clone(), Arc::clone(policy))).collect();
        for (name, kept) in self.kept.iter_mut().filter(|(name, _)| !self.active.contains_key(*name)) {
            kept.memory.was_away();
            if let Some(standing) = self.standing.get_mut(name) {
                standing.due = None;
            }
        }
        let by_document = self.set.values().filter_map(|policy| policy.suspend.as_ref()?.until);
        let by_person = self.kept.values().filter_map(|kept| kept.suspension.as_ref()?.first_end());
        self.until = by_document.chain(by_person).filter(|until| *until > now).min();
        (self.chosen, self.news) = (true, true);
    }

    /// Who has it left alone, if anybody has.
    pub(super) fn left_alone(
        &self,
        name: &ServiceName,
        policy: &Policy,
        now: WallTime,
    ) -> Option<Suspension> {
        let by_person = self.kept.get(name).and_then(|kept| kept.suspension.clone());
        by_person.or_else(|| standing::by_document(policy, now))
    }

    fn end_suspensions(&mut self, now: WallTime) {
        for kept in self.kept.values_mut() {
            let still = kept.suspension.as_ref().and_then(|suspension| suspension.still(now));
            if still != kept.suspension {
                kept.suspension = still;
                self.unwritten = true;
            }
        }
    }
}
