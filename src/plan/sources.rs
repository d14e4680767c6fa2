//! What a person is told of the places that documents come from, beside what is said of each object.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::policy::PolicyStatus;
use super::status::{ConditionStatus, ServiceStatus};
use crate::spec::{Revision, ServiceName, SpecSet};
use crate::units::WallTime;

/// Everything that a status says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Form")]
pub struct Status {
    /// By name.
    pub objects: Vec<ServiceStatus>,
    /// By name; none without a running watch, which looks after them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyStatus>,
    /// The places that a running watch keeps, in the order given; none without a watch.
    pub sources: Vec<SourceStatus>,
}

/// A watch of an earlier version, which is still running, says nothing of sources.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Objects(Vec<ServiceStatus>),
    Whole {
        objects: Vec<ServiceStatus>,
        #[serde(default)]
        policies: Vec<PolicyStatus>,
        sources: Vec<SourceStatus>,
    },
}

impl From<Form> for Status {
    fn from(form: Form) -> Self {
        match form {
            Form::Objects(objects) => Self { objects, ..Self::default() },
            Form::Whole { objects, policies, sources } => Self { objects, policies, sources },
        }
    }
}

/// The status of one place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// The directory or file, absolute, as it was given.
    pub place: String,
    /// The revision that it is at, of a repository or work tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Arc<Revision>>,
    /// How many files with documents were seen in it last.
    #[serde(default)]
    pub files: usize,
    /// How many objects of it are in force.
    #[serde(default)]
    pub objects: usize,
    /// What waits for a person before it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldPlan>,
    /// The last removal that a person confirmed: its plan's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<String>,
    /// In the order of [`SourceConditionType`]; those that something is known of.
    #[serde(default)]
    pub conditions: Vec<SourceCondition>,
}

/// A removal that a person has to confirm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldPlan {
    /// Stands for exactly these objects: `apply --confirm-prune ID`.
    pub id: String,
    /// What would be removed.
    pub names: Vec<ServiceName>,
    /// Why it is held, as a sentence.
    pub reason: String,
}

/// A named statement about a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceCondition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: SourceConditionType,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// One CamelCase word.
    pub reason: String,
    /// A sentence that names the place, the fact and what follows.
    pub message: String,
    /// When the status changed.
    pub last_transition_time: WallTime,
}

/// The conditions of a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum SourceConditionType {
    /// It was listed completely, and it is the place that it was.
    Available,
    /// Nobody else can change it.
    Trusted,
    /// Nothing in it is being changed at this moment.
    Settled,
    /// Objects that are gone from it stay in force until a person says so.
    PruneHeld,
    /// Changes in it are told as they happen.
    Watch,
    /// Of a repository: its newest revision could be fetched and taken.
    Fetched,
}

/// What is to be said of a place, before it is known since when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFinding {
    /// Which condition.
    pub kind: SourceConditionType,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// One CamelCase word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

/// Says of each object which revision its document was seen in. What was refused in that revision is of an older one, and what was
/// not seen of nobody knows which.
pub fn show_revisions<'a>(
    objects: impl IntoIterator<Item = &'a mut ServiceStatus>,
    sources: &[SourceStatus],
    set: &SpecSet,
) {
    let at = |file: &str| {
        let mut sources = sources.iter().filter(|source| Path::new(file).starts_with(&source.place));
        sources.find_map(|source| source.revision.clone())
    };
    for object in objects {
        let doubtful = set.rejected.contains_key(&object.name) || set.unseen.contains_key(&object.name);
        object.source.revision = if doubtful { None } else { at(&object.source.file) };
    }
}

impl SourceStatus {
    /// A place of which nothing is known yet.
    pub fn new(place: String) -> Self {
        Self { place, ..Self::default() }
    }

    /// Takes a finding into the conditions. The time of the last change stays where the status stays.
    pub fn set(&mut self, finding: SourceFinding, now: WallTime) {
        let at = self.conditions.binary_search_by_key(&finding.kind, |condition| condition.kind);
        let former = at.ok().and_then(|at| self.conditions.get(at));
        let since = former.filter(|former| former.status == finding.status);
        let condition = SourceCondition {
            kind: finding.kind,
            status: finding.status,
            reason: finding.reason.to_owned(),
            message: finding.message,
            last_transition_time: since.map_or(now, |former| former.last_transition_time),
        };
        match at {
            Ok(at) => self.conditions.splice(at..=at, [condition]).for_each(drop),
            Err(at) => self.conditions.insert(at, condition),
        }
    }

    /// One condition, if something is known of it.
    pub fn condition(&self, kind: SourceConditionType) -> Option<&SourceCondition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The conditions that are not as they should be.
    pub fn remarkable(&self) -> impl Iterator<Item = &SourceCondition> {
        self.conditions.iter().filter(|condition| !condition.is_fine())
    }
}

impl SourceCondition {
    /// It is as it should be.
    pub fn is_fine(&self) -> bool {
        let good = match self.kind {
            SourceConditionType::PruneHeld => ConditionStatus::False,
            SourceConditionType::Available
            | SourceConditionType::Trusted
            | SourceConditionType::Settled
            | SourceConditionType::Watch
            | SourceConditionType::Fetched => ConditionStatus::True,
        };
        self.status == good
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn finding(kind: SourceConditionType, status: ConditionStatus) -> SourceFinding {
        SourceFinding { kind, status, reason: "Reason", message: String::new() }
    }

    fn at(seconds: u64) -> WallTime {
        WallTime(Duration::from_secs(seconds))
    }

    #[test]
    fn conditions_stand_in_order_and_keep_the_time_of_their_last_change() {
        let mut place = SourceStatus::new("/specs".into());
        place.set(finding(SourceConditionType::Watch, ConditionStatus::True), at(1));
        place.set(finding(SourceConditionType::Available, ConditionStatus::True), at(1));
        place.set(finding(SourceConditionType::Watch, ConditionStatus::True), at(2));
        place.set(finding(SourceConditionType::Available, ConditionStatus::Unknown), at(3));
        let rows: Vec<_> =
            place.conditions.iter().map(|c| (c.kind, c.status, c.last_transition_time)).collect();
        assert_eq!(
            rows,
            [
                (SourceConditionType::Available, ConditionStatus::Unknown, at(3)),
                (SourceConditionType::Watch, ConditionStatus::True, at(1)),
            ]
        );
        assert_eq!(place.remarkable().map(|c| c.kind).collect::<Vec<_>>(), [SourceConditionType::Available]);
    }

    #[test]
    fn a_status_without_sources_is_that_of_an_earlier_version() {
        let old: Status = serde_json::from_str("[]").unwrap();
        assert_eq!(old, Status::default());
        let whole = Status { sources: vec![SourceStatus::new("/specs".into())], ..Status::default() };
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), whole);
    }
}
