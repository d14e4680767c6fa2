//! The sets that were in force, and what changed from one to the next: for people, and for whoever asks the watch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KeptSet, document, find, pinned, sets, texts, unreadable};
use crate::host::state_dir::Dirs;
use crate::spec::{ServiceName, differences};
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
    let kept = sets(dirs).map_err(|error| unreadable(&error))?;
    if let Some(number) = number {
        find(&kept, number)?;
    }
    let texts = texts(dirs)?;
    let mut told = Vec::new();
    for (at, set) in
        kept.iter().enumerate().filter(|(_, set)| number.is_none_or(|number| number == set.number))
    {
        let before = at.checked_sub(1).and_then(|before| kept.get(before));
        told.push(ToldSet::new(set, before, &texts)?);
    }
    let pinned = pinned(dirs).map(|pin| ToldPin { number: pin.number, by: pin.by });
    Ok(ToldHistory { sets: told, pinned })
}

impl ToldSet {
    /// What changed since the set before.
    fn new(
        set: &KeptSet,
        before: Option<&KeptSet>,
        texts: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let (mut added, mut changed) = (Vec::new(), BTreeMap::new());
        for (name, object) in set.objects.iter() {
            let was = before.and_then(|before| Some((before, before.objects.get(name)?)));
            if was.is_some_and(|(_, was)| was.digest == object.digest) {
                continue;
            }
            let now = document(texts, set, name, object)?;
            // What the set before was may be lost; what this one is, is not.
            let Some(was) = was.and_then(|(before, was)| document(texts, before, name, was).ok()) else {
                added.push(name.clone());
                continue;
            };
            let found = differences(&was, &now);
            let words = found.iter().map(|one| format!("{}: {} -> {}", one.field, one.from, one.to));
            let words: Vec<String> = words.collect();
            if !words.is_empty() {
                changed.insert(name.clone(), words);
            }
        }
        let before = before.into_iter().flat_map(|before| before.objects.keys());
        let removed = before.filter(|name| !set.objects.contains_key(*name)).cloned().collect();
        let (number, at, by, why) = (set.number, set.at, set.by.clone(), set.why.clone());
        Ok(Self { number, at, by, why, objects: set.objects.len(), added, removed, changed })
    }
}
