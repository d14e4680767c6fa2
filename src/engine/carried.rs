//! What is carried from tick to tick, so that a tick costs what changed and not what exists.
//!
//! ```text
//!  woken (an exit) ---\
//!  changed (record) ---+--> the objects that a tick is about --> questions, plan --> their status and outlook anew
//!  due (a moment) ----/                                                              all others: as they were
//!  not at rest -------/
//! ```
//!
//! Left out is only what was found at rest, whose record is the very value that it was, whose moment hasn't come and of whose
//! processes nothing was heard. A complete look is about all objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::facts::ProcessKey;
use crate::plan::memory::{Memory, Record};
use crate::plan::status::ServiceStatus;
use crate::plan::{Outlook, Plan};
use crate::spec::ServiceName;
use crate::units::BootTime;

/// What the last tick that was about each object left behind.
#[derive(Debug, Default)]
pub struct Carried {
    objects: BTreeMap<ServiceName, Known>,
    /// Objects that are to be looked for completely, and when.
    looks: BTreeMap<ServiceName, BootTime>,
}

#[derive(Debug)]
struct Known {
    record: Arc<Record>,
    outlook: Outlook,
    status: ServiceStatus,
}

impl Carried {
    /// Nothing is carried on: the next tick is about all objects. For whatever changes what is wanted.
    pub fn forget(&mut self) {
        self.objects.clear();
    }

    /// The objects that the next tick is about. `None`: all.
    pub fn touched(
        &self,
        memory: &Memory,
        now: BootTime,
        woken: Option<&BTreeSet<ProcessKey>>,
    ) -> Option<BTreeSet<ServiceName>> {
        let woken = woken?;
        if self.objects.is_empty() || self.objects.len() != memory.services.len() {
            return None;
        }
        let mut touched = BTreeSet::new();
        // Both are in the order of their names.
        for ((name, record), (of, known)) in memory.services.iter().zip(&self.objects) {
            if name != of {
                return None;
            }
            let due = known.outlook.next.is_some_and(|next| next <= now);
            let same = Arc::ptr_eq(record, &known.record);
            if due || !same || !known.outlook.at_rest || (!woken.is_empty() && is_woken(record, woken)) {
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

    /// Takes in what a tick decided, and gives the plan what it doesn't say of the others.
    pub fn complete(&mut self, plan: &mut Plan, all: bool) {
        if all {
            self.objects.clear();
        } else {
            self.objects.retain(|name, _| plan.memory.services.contains_key(name));
        }
        for status in std::mem::take(&mut plan.status) {
            let name = status.name.clone();
            let (Some(outlook), Some(record)) =
                (plan.outlook.get(&name).copied(), plan.memory.services.get(&name))
            else {
                continue;
            };
            self.objects.insert(name, Known { record: Arc::clone(record), outlook, status });
        }
        plan.status = self.objects.values().map(|known| known.status.clone()).collect();
        let moments = self.objects.values().filter_map(|known| known.outlook.next);
        // What the plan says itself may be nobody's own moment: a place for a start becomes free.
        plan.next = moments.chain(self.looks.values().copied()).chain(plan.next).min();
    }
}

fn is_woken(record: &Record, woken: &BTreeSet<ProcessKey>) -> bool {
    record
        .instances
        .values()
        .filter_map(|instance| instance.phase.process())
        .any(|process| woken.contains(&process.key))
}
