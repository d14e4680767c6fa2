//! Sets of documents for people and programs: when, who, and what changed against the one before.

use std::collections::BTreeMap;

use serde::Serialize;

use super::printable;
use crate::host::history::ToldSet;
use crate::spec::ServiceName;
use crate::units::{WallTime, Zone};

/// A set, against the one before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetRow {
    /// Its number.
    pub number: u64,
    /// Since when it was in force, in RFC 3339.
    pub time: String,
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

impl SetRow {
    /// As it is shown.
    pub fn new(set: ToldSet) -> Self {
        let ToldSet { number, at, by, why, objects, added, removed, changed } = set;
        Self { number, time: at.rfc3339(), by, why, objects, added, removed, changed }
    }
}

/// `12  2026-11-26 08:00:00 UTC  +1 -0 ~2, 14 objects, root: the documents changed`
pub fn set_line(row: &SetRow) -> String {
    let time = WallTime::parse(&row.time).map(|time| Zone::utc().show(time)).unwrap_or_default();
    let (added, removed, changed) = (row.added.len(), row.removed.len(), row.changed.len());
    let (by, why) = (printable(&row.by), printable(&row.why));
    let noun = if row.objects == 1 { "object" } else { "objects" };
    format!("{}  {time}  +{added} -{removed} ~{changed}, {} {noun}, {by}: {why}\n", row.number, row.objects)
}

/// The same, and below it what changed.
pub fn set_text(row: &SetRow) -> String {
    let mut text = set_line(row);
    text.extend(row.added.iter().map(|name| format!("  + {name}\n")));
    text.extend(row.removed.iter().map(|name| format!("  - {name}\n")));
    for (name, fields) in &row.changed {
        text.push_str(&format!("  ~ {name}\n"));
        text.extend(fields.iter().map(|field| format!("      {}\n", printable(field))));
    }
    text
}
