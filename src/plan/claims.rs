//! Who owns which process: each is on record once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::memory::{Record, Records};
use super::observation::{IntentSeen, ProcessSeen, Seen};
use super::recorded::{Recorded, keys};
use crate::facts::ProcessKey;
use crate::spec::ServiceName;

/// The owners of all processes on record, before the tick and in what was decided so far.
pub(super) struct Claims {
    before: Recorded,
    since: BTreeMap<ProcessKey, ServiceName>,
}

impl Claims {
    pub(super) fn of(records: &Records) -> Self {
        Self { before: Recorded::of(records), since: BTreeMap::new() }
    }

    /// What stands on an object's record after it was decided about.
    pub(super) fn note(&mut self, name: &ServiceName, record: &Record) {
        self.since.extend(keys(record).map(|key| (key.clone(), name.clone())));
    }

    fn owner(&self, key: &ProcessKey) -> Option<&ServiceName> {
        self.since.get(key).or_else(|| self.before.get(key))
    }
}

/// INVARIANT: a process is on record once, whoever claims it in this tick: the successor of a recorded process
/// is nobody's if it is on record already or two instances claim it, and it is no candidate for a third.
pub(super) fn without_double_claims<'a>(
    name: &ServiceName,
    record: &Record,
    seen: &'a Seen,
    claimed: &Claims,
) -> Cow<'a, Seen> {
    let offered: Vec<&ProcessKey> = seen.processes.values().filter_map(successor).collect();
    let look = seen.look.as_ref();
    let found =
        look.is_some_and(|look| look.candidates.iter().any(|found| claimed.owner(&found.key).is_some()));
    if offered.is_empty() && seen.intents.is_empty() && !found {
        return Cow::Borrowed(seen);
    }
    let once = |key: &ProcessKey| offered.iter().filter(|other| **other == key).count() == 1;
    let mut followed: BTreeSet<ProcessKey> = offered
        .iter()
        .filter(|key| once(key) && claimed.owner(key).is_none())
        .map(|key| (*key).clone())
        .collect();
    followed.extend(seen.intents.values().filter_map(|intent| match intent {
        IntentSeen::Ran(key) => Some(key.clone()),
        IntentSeen::NothingRan | IntentSeen::Unknown(_) => None,
    }));
    let mut seen = seen.clone();
    for process_seen in seen.processes.values_mut() {
        if successor(process_seen).is_some_and(|key| !followed.contains(key))
            && let ProcessSeen::Gone { successor, .. } = process_seen
        {
            *successor = None;
        }
    }
    if let Some(look) = &mut seen.look {
        let own = |key: &ProcessKey| {
            record.instances.values().filter_map(|i| i.phase.process()).any(|process| process.key == *key)
        };
        look.candidates.retain(|found| !followed.contains(&found.key) && !own(&found.key));
        for candidate in &mut look.candidates {
            candidate.recorded_for = claimed.owner(&candidate.key).filter(|owner| *owner != name).cloned();
        }
    }
    Cow::Owned(seen)
}

fn successor(seen: &ProcessSeen) -> Option<&ProcessKey> {
    match seen {
        ProcessSeen::Gone { successor, .. } => successor.as_ref(),
        ProcessSeen::Alive(_) | ProcessSeen::Unknown(_) => None,
    }
}
