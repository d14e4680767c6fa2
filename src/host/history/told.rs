//! The sets that were in force, and what changed from one to the next: for people, and for whoever asks the watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{KeptSet, find, pinned, services, sets};
use crate::host::errno::io_text;
use crate::host::state_dir::Dirs;
use crate::spec::{Service, ServiceName, Services, differences};
use crate::units::WallTime;

/// What is kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldHistory {
    /// The sets, or the one that was asked for, the oldest first.
    pub sets: Vec<ToldSet>,
    /// One of them is in force until the documents change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<ToldPin>,
}

/// A set, against the one before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldSet {
    /// Its number.
    pub number: u64,
    /// Since when it was in force.
    pub at: WallTime,
    /// Who put it in force.
    pub by: String,
    /// How it came to be.
    pub why: String,
    /// How many objects it has.
    pub objects: usize,
    /// Objects that the one before hadn't.
    pub added: Vec<ServiceName>,
    /// Objects that only the one before had.
    pub removed: Vec<ServiceName>,
    /// Objects that differ, each with its fields as sentences.
    pub changed: BTreeMap<ServiceName, Vec<String>>,
}

/// A set that somebody has rolled back to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldPin {
    /// Its number.
    pub number: u64,
    /// Who it was.
    pub by: String,
}

/// All sets, or the one of this number.
///
/// # Errors
/// A sentence: there is no such set, or what is kept can't be read.
pub fn told(dirs: &Dirs, number: Option<u64>) -> Result<ToldHistory, String> {
    let kept = sets(dirs).map_err(|error| format!("the history can't be read: {}", io_text(&error)))?;
    if let Some(number) = number {
        find(&kept, number)?;
    }
    let mut told = Vec::new();
    for (at, set) in
        kept.iter().enumerate().filter(|(_, set)| number.is_none_or(|number| number == set.number))
    {
        let before = at.checked_sub(1).and_then(|before| kept.get(before));
        let now = services(dirs, set)?;
        // What the set before was may be lost; what this one is, is not.
        let was = before.and_then(|before| services(dirs, before).ok()).unwrap_or_default();
        told.push(ToldSet::new(set, &was, &now));
    }
    let pinned = pinned(dirs).map(|pin| ToldPin { number: pin.number, by: pin.by });
    Ok(ToldHistory { sets: told, pinned })
}

impl ToldSet {
    /// What changed from `was` to `now`.
    fn new(set: &KeptSet, was: &Services, now: &Services) -> Self {
        let only = |these: &Services, those: &Services| {
            these.keys().filter(|name| !those.contains_key(*name)).cloned().collect()
        };
        let fields = |(name, service): (&ServiceName, &Arc<Service>)| {
            let found = differences(was.get(name)?, service);
            let words = found.iter().map(|one| format!("{}: {} -> {}", one.field, one.from, one.to));
            let words: Vec<String> = words.collect();
            (!words.is_empty()).then(|| (name.clone(), words))
        };
        Self {
            number: set.number,
            at: set.at,
            by: set.by.clone(),
            why: set.why.clone(),
            objects: now.len(),
            added: only(now, was),
            removed: only(was, now),
            changed: now.iter().filter_map(fields).collect(),
        }
    }
}
