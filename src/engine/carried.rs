//! What is carried from tick to tick, so that a tick costs what changed and not what exists.
//!
//! ```text
//!  woken (an exit) ----\
//!  changed (record) ----\
//!  changed (document) ---+--> the objects that a tick is about --> questions, plan --> their status and outlook anew
//!  due (a moment) ------/                                                              all others: as they were
//!  not at rest --------/
//! ```
//!
//! Left out is only what was found at rest, whose record and document are the very values that they were, whose moment hasn't
//! come and of whose processes nothing was heard. A complete look asks about all objects, and decides about those as well of which it sees
//! something else than the last one (`at_rest`).

mod at_rest;

use std::collections::{BTreeMap, BTreeSet};

use at_rest::AtRest;

use super::statuses::Statuses;
use super::tick::Tick;
use crate::facts::ProcessKey;
use crate::plan::Plan;
use crate::plan::memory::{Memory, Record, Records, records_of};
use crate::plan::observation::Observation;
use crate::plan::status::{ConditionType, PhaseWord, ServiceStatus};
use crate::sharing::Change;
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootTime, WallTime};

/// What the ticks so far left behind.
#[derive(Debug, Default)]
pub struct Carried {
    /// The records as the last tick decided about them. Empty: nothing is carried on.
    records: Records,
    /// Objects that weren't at rest, or that nothing was decided about since their records changed.
    restless: BTreeSet<ServiceName>,
    /// What objects wait for.
    moments: Moments,
    /// What is known of the others.
    at_rest: AtRest,
    /// Objects that are to be looked for completely, and when.
    looks: BTreeMap<ServiceName, BootTime>,
    /// Objects whose documents, or what is known of these, changed since the last tick.
    documents: BTreeSet<ServiceName>,
    /// Statuses that nobody took yet.
    news: BTreeMap<ServiceName, ServiceStatus>,
    /// There may be statuses of objects that aren't there any more.
    gone: bool,
    /// Of the statuses that were told.
    sum: Sum,
    /// The last tick could not write down what it decided: the next one is about all objects, the new ones too.
    unwritten: bool,
    /// Since when nothing that is decided about them could be written down.
    withheld: BTreeMap<ServiceName, WallTime>,
}

/// How many instances there are in some statuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sum {
    /// All of them.
    pub instances: usize,
    /// Those that are ready.
    pub ready: usize,
}

impl Sum {
    /// Of these statuses.
    pub fn of<'a>(statuses: impl IntoIterator<Item = &'a ServiceStatus>) -> Self {
        let mut sum = Self::default();
        for instance in statuses.into_iter().flat_map(|status| &status.instances) {
            sum.instances += 1;
            sum.ready += usize::from(instance.phase == PhaseWord::Running);
        }
        sum
    }

    /// The same where the second stands for the first.
    fn with(self, former: Self, present: Self) -> Self {
        let instead = |sum: usize, former: usize, present: usize| sum.saturating_sub(former) + present;
        Self {
            instances: instead(self.instances, former.instances, present.instances),
            ready: instead(self.ready, former.ready, present.ready),
        }
    }
}

/// The next moment of each object that waits for one.
#[derive(Debug, Default)]
struct Moments {
    of: BTreeMap<ServiceName, BootTime>,
    in_order: BTreeSet<(BootTime, ServiceName)>,
}

impl Moments {
    fn set(&mut self, name: &ServiceName, next: Option<BootTime>) {
        let former = match next {
            Some(next) => self.of.insert(name.clone(), next),
            None => self.of.remove(name),
        };
        if former == next {
            return;
        }
        if let Some(former) = former {
            self.in_order.remove(&(former, name.clone()));
        }
        self.in_order.extend(next.map(|next| (next, name.clone())));
    }

    fn first(&self) -> Option<BootTime> {
        self.in_order.first().map(|(at, _)| *at)
    }

    fn due(&self, now: BootTime) -> impl Iterator<Item = &ServiceName> {
        self.in_order.iter().take_while(move |(at, _)| *at <= now).map(|(_, name)| name)
    }
}

impl Carried {
    /// Nothing is carried on: the next tick is about all objects. For whatever changes what is wanted of all.
    pub fn forget(&mut self) {
        self.records.clear();
        self.at_rest.clear();
    }

    /// Other documents are in force from now on.
    pub fn documents(&mut self, before: &SpecSet, after: &SpecSet) {
        if before.ending != after.ending {
            self.forget();
        }
        let changes = after.services.changes_since(&before.services);
        let changes = changes.filter(|change| change.was != change.is);
        self.documents.extend(changes.map(|change| change.key.clone()));
        for (one, other) in [
            (&before.rejected, &after.rejected),
            (&before.unseen, &after.unseen),
            (&before.remarks, &after.remarks),
        ] {
            differing(one, other, &mut self.documents);
        }
        self.documents.extend(before.removed.symmetric_difference(&after.removed).cloned());
        // A name that nobody claims any more may be taken over.
        let renamed = after.services.rows_where(|told| told.is_renamed).filter(|(_, spec)| {
            spec.previous_name.as_ref().is_some_and(|previous| self.documents.contains(previous))
        });
        let renamed: Vec<ServiceName> = renamed.map(|(name, _)| name.clone()).collect();
        self.documents.extend(renamed);
    }

    /// Copies of the records stand for them from now on.
    pub fn settle(&mut self, before: &Memory, copies: &Memory) {
        if !self.records.is_empty() {
            let other = self.records.changes_since(&before.services);
            self.restless.extend(other.map(|change| change.key.clone()));
            self.records.clone_from(&copies.services);
            self.at_rest.settle(&copies.services);
        }
    }

    /// The objects that the next tick is about. `None`: all.
    pub fn touched(
        &self,
        memory: &Memory,
        now: BootTime,
        woken: Option<&BTreeSet<ProcessKey>>,
    ) -> Option<BTreeSet<ServiceName>> {
        let woken = woken?;
        if self.records.is_empty() || self.unwritten {
            return None;
        }
        let changed = memory.services.changes_since(&self.records).filter(|change| change.is.is_some());
        let changed = changed.map(|change| change.key);
        let restless = self.restless.iter().chain(self.moments.due(now));
        let restless = restless.filter(|name| memory.services.contains_key(*name));
        let awake = woken.iter().flat_map(|key| records_of(&memory.services, key.pid));
        let awake = awake.filter(|(_, record)| is_woken(record, woken)).map(|(name, _)| name);
        let touched = self.documents.iter().chain(changed).chain(restless).chain(awake);
        Some(touched.cloned().chain(self.due_looks(now)).collect())
    }

    /// The objects that a tick is about which has looked at everything. `None`: all.
    pub fn touched_or_other(
        &self,
        memory: &Memory,
        now: BootTime,
        observed: &Observation,
    ) -> Option<BTreeSet<ServiceName>> {
        // Whoever ended is seen to be gone, whether that was heard or not.
        let mut touched = self.touched(memory, now, Some(&BTreeSet::new()))?;
        touched.extend(self.at_rest.all_but(&memory.services, observed));
        Some(touched)
    }

    /// Objects that have to be looked for completely by now.
    pub fn due_looks(&self, now: BootTime) -> impl Iterator<Item = ServiceName> {
        self.looks.iter().filter(move |(_, at)| **at <= now).map(|(name, _)| name.clone())
    }

    /// An object was looked for: completely, or the complete look follows at this moment.
    pub fn looked(&mut self, name: &ServiceName, follows: Option<BootTime>) {
        match follows {
            Some(at) => {
                self.looks.entry(name.clone()).or_insert(at);
            }
            None => {
                self.looks.remove(name);
            }
        }
    }

    /// Takes in what a complete look saw of the objects that were just decided about.
    pub fn saw(&mut self, plan: &Plan, observed: Observation) {
        self.at_rest.keep(plan, observed);
    }

    /// Takes in what a tick decided, and gives the plan the moments that it doesn't know of the others.
    pub fn complete(&mut self, plan: &mut Plan, all: bool) {
        self.documents.clear();
        self.at_rest.forget(plan.outlook.keys());
        if all {
            self.restless.clear();
            self.moments = Moments::default();
            self.gone = true;
        } else {
            self.take_changes(plan);
        }
        self.records.clone_from(&plan.memory.services);
        self.looks.retain(|name, _| plan.memory.services.contains_key(name));
        for status in &plan.status {
            let Some(outlook) = plan.outlook.get(&status.name) else { continue };
            self.moments.set(&status.name, outlook.next);
            if outlook.at_rest {
                self.restless.remove(&status.name);
            } else {
                self.restless.insert(status.name.clone());
            }
            self.news.insert(status.name.clone(), status.clone());
        }
        // What the plan says itself may be nobody's own moment: a place for a start becomes free.
        let moments = self.moments.first().into_iter().chain(self.looks.values().copied());
        plan.next = moments.chain(plan.next).min();
    }

    /// Takes in whether that could be written down, and what isn't done if not.
    pub fn not_remembered(&mut self, tick: &mut Tick) {
        self.unwritten = tick.not_remembered.is_some();
        for status in tick.plan.status.iter_mut().filter(|status| tick.withheld.contains(&status.name)) {
            let blocked = status.conditions.iter_mut().find(|one| one.kind == ConditionType::Blocked);
            if let Some(blocked) = blocked {
                // As long as it is so, that it is said again is no news.
                let since = self.withheld.entry(status.name.clone());
                blocked.last_transition_time = *since.or_insert(blocked.last_transition_time);
            }
            self.news.insert(status.name.clone(), status.clone());
        }
        self.withheld.retain(|name, _| tick.withheld.contains(name));
    }

    /// Forgets what is gone, and notes what the next tick has to decide about: what changed, and the plan doesn't speak of.
    fn take_changes(&mut self, plan: &Plan) {
        for Change { key, is, .. } in plan.memory.services.changes_since(&self.records) {
            if is.is_none() {
                self.restless.remove(key);
                self.moments.set(key, None);
                self.gone = true;
            } else if !plan.outlook.contains_key(key) {
                self.restless.insert(key.clone());
            }
        }
    }

    /// Brings statuses (by name) up to what was decided since, and says what that changed.
    pub fn tell(&mut self, statuses: &mut Statuses) -> Moved {
        let before = statuses.len();
        if std::mem::take(&mut self.gone) {
            statuses.retain(|name| self.records.contains_key(name));
            self.sum = Sum::of(statuses.alike().map(|(_, status)| status));
        }
        let (mut more, mut names) = (Vec::new(), BTreeSet::new());
        let gone = statuses.len() != before;
        for (name, mut status) in std::mem::take(&mut self.news) {
            if !self.records.contains_key(&name) {
                continue;
            }
            match statuses.get(name.as_str()) {
                Some(known) => {
                    // Which revision it is of is said of it afterwards.
                    status.source.revision.clone_from(&known.source.revision);
                    if *known == status {
                        continue;
                    }
                    self.sum = self.sum.with(Sum::of([&*known]), Sum::of([&status]));
                    drop(known);
                    statuses.replace(status);
                }
                None => {
                    self.sum = self.sum.with(Sum::default(), Sum::of([&status]));
                    more.push(status);
                }
            }
            names.insert(name);
        }
        statuses.add(more);
        Moved { gone, names }
    }

    /// How many instances there are in the statuses as they were last brought up to date.
    pub fn sum(&self) -> Sum {
        self.sum
    }
}

/// What became of the statuses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// Objects are gone.
    pub gone: bool,
    /// These are new, or other than before.
    pub names: BTreeSet<ServiceName>,
}

impl Moved {
    /// Whether anything changed.
    pub fn is_any(&self) -> bool {
        self.gone || !self.names.is_empty()
    }
}

/// The names whose values differ, or that only one of them has.
fn differing<T: PartialEq>(
    one: &BTreeMap<ServiceName, T>,
    other: &BTreeMap<ServiceName, T>,
    names: &mut BTreeSet<ServiceName>,
) {
    let lacks = |map: &BTreeMap<ServiceName, T>, name: &ServiceName, value: &T| map.get(name) != Some(value);
    names.extend(one.iter().filter(|(name, value)| lacks(other, name, value)).map(|(name, _)| name.clone()));
    names.extend(other.iter().filter(|(name, value)| lacks(one, name, value)).map(|(name, _)| name.clone()));
}

fn is_woken(record: &Record, woken: &BTreeSet<ProcessKey>) -> bool {
    record
        .instances
        .values()
        .filter_map(|instance| instance.phase.process())
        .any(|process| woken.contains(&process.key))
}
