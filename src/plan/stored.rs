//! A plan that is kept, to be carried out later exactly as it was shown, or not at all.
//!
//! It holds, for each object that it changes and for what that depends on, all that it relied on: the document, what was on
//! record, and the facts of the look. Whoever carries it out makes the plan anew, compares ([`StoredPlan::differences`]), and
//! carries out the very plan that was compared.

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::aim::meaning;
use super::memory::{Memory, Record};
use super::observation::Observation;
use super::{Change, Doing, Plan};
use crate::spec::{Service, ServiceName, SpecSet};
use crate::units::{BootId, WallTime};

/// The form. Larger numbers are refused.
pub const FORMAT: u64 = 1;

/// A plan with all that it relies on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredPlan {
    /// The form; first in the file, so that it can be told from anything else.
    pub selfsame_plan: u64,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// The places of the documents, absolute.
    pub paths: Vec<PathBuf>,
    /// Everything on record belongs to this boot.
    pub boot: BootId,
    /// The objects that it changes, and those that they depend on.
    pub objects: BTreeMap<ServiceName, StoredObject>,
}

/// What a plan says of one object, and rests on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredObject {
    /// What is done about its instances; empty: others depend on it.
    pub changes: Vec<StoredChange>,
    /// Digest of what its document means; `None`: it is to be removed.
    pub document: Option<String>,
    /// What was on record and seen: the name of a fact, and the fact.
    pub facts: BTreeMap<String, String>,
}

/// What is done about one instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredChange {
    /// Which.
    pub index: u32,
    /// As people read it: `restart`.
    pub action: String,
    /// Why, as the end of a sentence.
    pub because: String,
    /// The fields that differ: name, from, to.
    pub fields: Vec<(String, String, String)>,
}

impl StoredChange {
    fn new(change: &Change) -> Self {
        let field = |field: &super::FieldChange| (field.field.clone(), field.from.clone(), field.to.clone());
        Self {
            index: change.index,
            action: change.doing.word().to_owned(),
            because: change.because.clone(),
            fields: change.fields.iter().map(field).collect(),
        }
    }

    /// The same deed for the same reason; how long something has waited is no part of that.
    fn is_same(&self, other: &Self) -> bool {
        (self.index, &self.action, &self.fields) == (other.index, &other.action, &other.fields)
    }
}

/// What a stored plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What is desired.
    pub desired: &'a SpecSet,
    /// What the look has shown.
    pub observed: &'a Observation,
    /// What was remembered before.
    pub memory: &'a Memory,
}

impl StoredPlan {
    /// Keeps a plan.
    pub fn of(basis: Basis<'_>, paths: Vec<PathBuf>, by: String, at: WallTime) -> Self {
        let Basis { plan, desired, memory, .. } = basis;
        let changed = plan.changes.iter().filter(|change| change.doing != Doing::Nothing);
        let mut names: BTreeSet<&ServiceName> = changed.map(|change| &change.service).collect();
        let depends = |name: &&ServiceName| {
            let services = desired.services.get(*name);
            services
                .into_iter()
                .flat_map(|service| service.depends_on.iter().map(|dependency| &dependency.name))
        };
        let others: Vec<&ServiceName> = names.iter().flat_map(depends).collect();
        names.extend(others);
        let objects = names.into_iter().map(|name| (name.clone(), object(name, basis))).collect();
        Self { selfsame_plan: FORMAT, by, at, paths, boot: memory.boot.clone(), objects }
    }

    /// What it relied on and is no longer so, a sentence each; `now`: the plan as it would be made now.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        if self.boot != now.boot {
            return vec!["the machine was started anew since the plan was made".into()];
        }
        let mut found = Vec::new();
        for (name, stored) in &self.objects {
            match now.objects.get(name) {
                Some(present) => stored.differences(name, present, &mut found),
                None => found.push(format!("{name}: nothing would be done about it any more")),
            }
        }
        found
    }

    /// The objects that it does something about.
    pub fn changed(&self) -> BTreeSet<ServiceName> {
        let acts = |(_, object): &(&ServiceName, &StoredObject)| !object.changes.is_empty();
        self.objects.iter().filter(acts).map(|(name, _)| name.clone()).collect()
    }

    /// The part of a plan that this one is about; all else stays as it was before.
    pub fn only(&self, mut plan: Plan, before: &Memory) -> Plan {
        let ours = self.changed();
        plan.steps.retain(|step| ours.contains(&step.service));
        plan.changes.retain(|change| ours.contains(&change.service));
        // INVARIANT: what has gone into another record (`previousName`) isn't put back, since its process would be on two.
        let stays = |name: &ServiceName| !ours.contains(name) && plan.memory.services.contains_key(name);
        let others: Vec<_> = before.services.iter().filter(|(name, _)| stays(name)).collect();
        let others: Vec<_> =
            others.into_iter().map(|(name, record)| (name.clone(), record.clone())).collect();
        plan.memory.services.retain(|name, _| ours.contains(name));
        plan.memory.services.extend(others);
        plan
    }
}

impl StoredObject {
    fn differences(&self, name: &ServiceName, now: &Self, found: &mut Vec<String>) {
        match (&self.document, &now.document) {
            (Some(was), Some(is)) if was != is => {
                found.push(format!("{name}: its document has another meaning now"));
            }
            (Some(_), None) => found.push(format!("{name}: its document is gone")),
            (None, Some(_)) => found.push(format!("{name}: its document is there again")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let names: BTreeSet<&String> = self.facts.keys().chain(now.facts.keys()).collect();
        for fact in names {
            let word = |facts: &BTreeMap<String, String>| {
                facts.get(fact).cloned().unwrap_or_else(|| "nothing".into())
            };
            let (was, is) = (word(&self.facts), word(&now.facts));
            if was != is {
                found.push(format!("{name}: {fact} was {was}, and is {is}"));
            }
        }
        let same = self.changes.len() == now.changes.len()
            && self.changes.iter().zip(&now.changes).all(|(was, is)| was.is_same(is));
        if !same {
            let words = |changes: &[StoredChange]| match changes {
                [] => "nothing".to_owned(),
                changes => {
                    let each = changes.iter().map(|change| format!("{} ({})", change.action, change.because));
                    each.collect::<Vec<_>>().join(", ")
                }
            };
            found.push(format!(
                "{name}: the plan says {}, now it would be {}",
                words(&self.changes),
                words(&now.changes)
            ));
        }
    }
}

fn object(name: &ServiceName, basis: Basis<'_>) -> StoredObject {
    let Basis { plan, desired, observed, memory } = basis;
    let changes =
        plan.changes.iter().filter(|change| change.service == *name && change.doing != Doing::Nothing);
    let record = memory.services.get(name);
    let mut facts = record.map(|record| on_record(record)).unwrap_or_default();
    let spec = desired.services.get(name).or(record.map(|record| &record.spec));
    if let Some((seen, spec)) = observed.services.get(name).zip(spec) {
        facts.extend(facts::of(seen, spec));
    }
    StoredObject {
        changes: changes.map(StoredChange::new).collect(),
        document: desired.services.get(name).map(|service| digest(service)),
        facts,
    }
}

/// What was remembered of it.
fn on_record(record: &Record) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([("its generation".to_owned(), record.generation.to_string())]);
    if let Some(wish) = &record.wish {
        let what = if wish.released {
            "let go"
        } else if wish.running {
            "running"
        } else {
            "stopped"
        };
        facts.insert("the wish of a person".into(), format!("{what}, by {}", wish.by));
    }
    if let Some(suspension) = &record.suspension {
        facts.insert("its suspension".into(), format!("by {}", suspension.said(|word| word.by.clone())));
    }
    for (index, instance) in &record.instances {
        let phase = facts::phase(&instance.phase);
        facts.insert(format!("instance {index} on record"), phase);
    }
    facts
}

fn digest(service: &Service) -> String {
    let text = serde_json::to_vec(&meaning(service)).unwrap_or_default();
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
