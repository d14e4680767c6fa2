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
//! come and of whose processes nothing was heard. A complete look is about all objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::facts::ProcessKey;
use crate::plan::memory::{Memory, Record};
use crate::plan::status::ServiceStatus;
use crate::plan::{Outlook, Plan};
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// What the last tick that was about each object left behind.
#[derive(Debug, Default)]
pub struct Carried {
    objects: BTreeMap<ServiceName, Known>,
    /// Objects that are to be looked for completely, and when.
    looks: BTreeMap<ServiceName, BootTime>,
    /// Objects whose documents, or what is known of these, changed since the last tick.
    documents: BTreeSet<ServiceName>,
    /// Statuses that nobody took yet.
    news: BTreeMap<ServiceName, ServiceStatus>,
}

#[derive(Debug)]
struct Known {
    record: Arc<Record>,
    outlook: Outlook,
}

impl Carried {
    /// Nothing is carried on: the next tick is about all objects. For whatever changes what is wanted of all.
    pub fn forget(&mut self) {
        self.objects.clear();
    }

    /// Other documents are in force from now on.
    pub fn documents(&mut self, before: &SpecSet, after: &SpecSet) {
        if before.ending != after.ending {
            self.forget();
        }
        differing(&before.services, &after.services, &mut self.documents);
        for (one, other) in [
            (&before.rejected, &after.rejected),
            (&before.unseen, &after.unseen),
            (&before.remarks, &after.remarks),
        ] {
            differing(one, other, &mut self.documents);
        }
        self.documents.extend(before.removed.symmetric_difference(&after.removed).cloned());
        // A name that nobody claims any more may be taken over.
        let renamed = after.services.iter().filter(|(_, spec)| {
            spec.previous_name.as_ref().is_some_and(|previous| self.documents.contains(previous))
        });
        let renamed: Vec<ServiceName> = renamed.map(|(name, _)| name.clone()).collect();
        self.documents.extend(renamed);
    }

    /// Copies of the records stand for them from now on.
    pub fn settle(&mut self, before: &Memory, copies: &Memory) {
        for (name, known) in &mut self.objects {
            let former = before.services.get(name).filter(|record| Arc::ptr_eq(record, &known.record));
            if let (Some(_), Some(copy)) = (former, copies.services.get(name)) {
                known.record = Arc::clone(copy);
            }
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
        if self.objects.is_empty() {
            return None;
        }
        let mut touched = self.documents.clone();
        // Both are in the order of their names.
        let mut objects = self.objects.iter().peekable();
        for (name, record) in &memory.services {
            while objects.next_if(|(of, _)| *of < name).is_some() {}
            let rests = objects.next_if(|(of, _)| *of == name).is_some_and(|(_, known)| {
                let due = known.outlook.next.is_some_and(|next| next <= now);
                let same = Arc::ptr_eq(record, &known.record);
                !due && same && known.outlook.at_rest && (woken.is_empty() || !is_woken(record, woken))
            });
            if !rests {
                touched.insert(name.clone());
            }
        }
        touched.extend(self.due_looks(now));
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

    /// Takes in what a tick decided, and gives the plan the moments that it doesn't know of the others.
    pub fn complete(&mut self, plan: &mut Plan, all: bool) {
        self.documents.clear();
        if all {
            self.objects.clear();
        } else if !self.objects.keys().eq(plan.memory.services.keys()) {
            self.objects.retain(|name, _| plan.memory.services.contains_key(name));
        }
        self.looks.retain(|name, _| plan.memory.services.contains_key(name));
        for status in &plan.status {
            let name = &status.name;
            let (Some(outlook), Some(record)) =
                (plan.outlook.get(name).copied(), plan.memory.services.get(name))
            else {
                continue;
            };
            self.objects.insert(name.clone(), Known { record: Arc::clone(record), outlook });
            self.news.insert(name.clone(), status.clone());
        }
        let moments = self.objects.values().filter_map(|known| known.outlook.next);
        // What the plan says itself may be nobody's own moment: a place for a start becomes free.
        plan.next = moments.chain(self.looks.values().copied()).chain(plan.next).min();
    }

    /// Brings statuses (by name) up to what was decided since, and says what that changed.
    pub fn tell(&mut self, statuses: &mut Vec<ServiceStatus>) -> Moved {
        let before = statuses.len();
        if !is_same(statuses, &self.objects) {
            statuses.retain(|status| self.objects.contains_key(&status.name));
        }
        let (mut more, mut names) = (Vec::new(), BTreeSet::new());
        let gone = statuses.len() != before;
        for (name, mut status) in std::mem::take(&mut self.news) {
            if !self.objects.contains_key(&name) {
                continue;
            }
            let at = statuses.binary_search_by(|known| known.name.cmp(&name));
            match at.ok().and_then(|at| statuses.get_mut(at)) {
                Some(known) => {
                    // Which revision it is of is said of it afterwards.
                    status.source.revision.clone_from(&known.source.revision);
                    if *known == status {
                        continue;
                    }
                    *known = status;
                }
                None => more.push(status),
            }
            names.insert(name);
        }
        if !more.is_empty() {
            statuses.reserve_exact(more.len());
            statuses.append(&mut more);
            statuses.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Moved { gone, names }
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

/// Whether there is a status for each object, and no other. Both are in the order of their names.
fn is_same(statuses: &[ServiceStatus], objects: &BTreeMap<ServiceName, Known>) -> bool {
    statuses.len() == objects.len()
        && statuses.iter().zip(objects.keys()).all(|(status, name)| status.name == *name)
}

/// The names whose values differ, or that only one of them has.
fn differing<T: PartialEq>(
    one: &BTreeMap<ServiceName, T>,
    other: &BTreeMap<ServiceName, T>,
    names: &mut BTreeSet<ServiceName>,
) {
    // Both are in the order of their names.
    let mut former = one.iter().peekable();
    for (name, value) in other {
        while let Some((gone, _)) = former.next_if(|(known, _)| *known < name) {
            names.insert(gone.clone());
        }
        if former.next_if(|(known, _)| *known == name).is_none_or(|(_, was)| was != value) {
            names.insert(name.clone());
        }
    }
    names.extend(former.map(|(gone, _)| gone.clone()));
}

fn is_woken(record: &Record, woken: &BTreeSet<ProcessKey>) -> bool {
    record
        .instances
        .values()
        .filter_map(|instance| instance.phase.process())
        .any(|process| woken.contains(&process.key))
}
