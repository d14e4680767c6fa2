//! What a person is told: per object a phase, instances and conditions, each with a reason and a sentence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::memory::{Due, Exit, LastRun, LeftOut};
use crate::spec::{Origin, ServiceName};
use crate::units::{Pid, StartTicks, WallTime, Zone};

/// What stands in a message before the wait until the next start.
pub const NEXT_START: &str = "next start in ";

/// The status of one object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Which.
    pub name: ServiceName,
    /// Number of the accepted document's meaning.
    pub generation: u64,
    /// The latest generation that this status speaks about.
    pub observed_generation: u64,
    /// Where the document stands.
    pub source: Origin,
    /// The worst of the instances' phases.
    pub phase: PhaseWord,
    /// By index.
    pub instances: Vec<InstanceStatus>,
    /// When something will be tried again, in milliseconds from the moment of the status.
    pub next_attempt_ms: Option<u64>,
    /// In the order of [`ConditionType`]; only those that say something.
    pub conditions: Vec<Condition>,
    /// Of a Task: its runs. It is large, and most objects are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Box<TaskStatus>>,
}

/// The runs of a Task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// When it runs: once, onChange or schedule.
    pub run: String,
    /// What the run under way, or about to begin, is for.
    pub under_way: Option<Due>,
    /// The last run that came to an end.
    pub last: Option<LastRun>,
    /// When the next one of a schedule begins.
    pub next: Option<WallTime>,
    /// Whose clock the schedule goes by.
    pub time_zone: Option<Zone>,
    /// The last moment that was left out.
    pub left_out: Option<LeftOut>,
}

/// The phases that people see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PhaseWord {
    /// Running and Ready.
    Running,
    /// Not running, as wanted.
    Stopped,
    /// About to be started.
    Pending,
    /// Started, not Ready.
    Starting,
    /// Being stopped.
    Stopping,
    /// Waiting before the next start.
    BackOff,
    /// Nothing is done, on purpose.
    Held,
    /// Nothing is known.
    Unknown,
}

/// One replica.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// Which.
    pub index: u32,
    /// Its phase.
    pub phase: PhaseWord,
    /// Its process, if there is one.
    pub pid: Option<Pid>,
    /// When that was forked.
    pub start_ticks: Option<StartTicks>,
    /// Taken over, not started.
    pub adopted: bool,
    /// What it executes.
    pub exe: Option<String>,
    /// When it was started or adopted.
    pub since: Option<WallTime>,
    /// Starts after the first one.
    pub restarts: u64,
    /// How the last process ended.
    pub last_exit: Option<Exit>,
    /// What it says of itself (`STATUS=` of `sd_notify(3)`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}

/// A named statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// One CamelCase word.
    pub reason: Cow<'static, str>,
    /// A sentence that names the object, the fact and the decision.
    pub message: String,
    /// When the status changed.
    pub last_transition_time: WallTime,
}

/// The conditions there are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ConditionType {
    /// The newest document is in force.
    Accepted,
    /// All wanted instances are Ready.
    Ready,
    /// It makes progress, and nothing about it asks for action.
    Healthy,
    /// Something is under way.
    Progressing,
    /// The running processes are what the document says.
    UpToDate,
    /// The processes are ours to act on.
    Owned,
    /// No more processes match than there should be.
    Unique,
    /// Something stands in the way.
    Blocked,
    /// Waiting before the next start.
    BackOff,
    /// Left alone, because somebody says so.
    Suspended,
    /// Something of ours is not as it should be.
    Degraded,
}

impl ConditionType {
    /// All of them, in the order of the status.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Ready,
        Self::Healthy,
        Self::Progressing,
        Self::UpToDate,
        Self::Owned,
        Self::Unique,
        Self::Blocked,
        Self::BackOff,
        Self::Suspended,
        Self::Degraded,
    ];
}

/// True, false, or not known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It is so.
    True,
    /// It isn't.
    False,
    /// It can't be told.
    Unknown,
}
