//! What a person is told of a policy.

use serde::{Deserialize, Serialize};

use crate::plan::memory::Suspension;
use crate::spec::policy::Severity;
use crate::spec::{Origin, ServiceName};
use crate::units::{Pid, StartTicks, WallTime};

/// The status of one policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// Which.
    pub name: ServiceName,
    /// Where the document stands.
    pub source: Origin,
    /// How bad a violation is.
    pub severity: Severity,
    /// Whether it is violated; `None` where nobody could tell yet.
    pub violated: Option<bool>,
    /// Since when it counts as violated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<WallTime>,
    /// By how many processes: those that violate it, or those that are too many.
    pub violating: usize,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Violating>,
    /// How many processes it is about.
    pub matching: usize,
    /// Of how many something isn't known.
    pub unknown: usize,
    /// How changes are noticed: `events`, or `every` with the time in milliseconds.
    pub noticed: String,
    /// What it does, in words of the document.
    #[serde(rename = "do")]
    pub actions: Vec<String>,
    /// As the document says; `None`: only to what a Service here owns.
    pub dry_run: Option<bool>,
    /// What it did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted: Option<Acted>,
    /// Before that nothing more is done, because of `limit`; none: now. Another moment than now only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_allowed: Option<WallTime>,
    /// Why what it leads to now is only said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// A person, or its document, has it left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    /// Why its present document isn't in force, but an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Of violations that began, since this engine runs.
    pub violations: u64,
    /// Of actions that were done, since this engine runs.
    pub actions_done: u64,
}

/// A process that violates a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Violating {
    /// Which.
    pub pid: Pid,
    /// When that was forked.
    pub start_ticks: StartTicks,
    /// What it executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// The document's message, or the condition.
    pub message: String,
}

/// What a policy did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acted {
    /// When.
    pub at: WallTime,
    /// What, in a word of the document.
    pub action: String,
    /// To which process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<Pid>,
    /// What it executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// What came of it, in words.
    pub outcome: String,
    /// It failed.
    #[serde(default)]
    pub failed: bool,
}
