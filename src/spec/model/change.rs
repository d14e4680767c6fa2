//! What a Service says about changes: what it waits for, how it takes a new document, what runs around it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Account, ServiceName};
use crate::units::{Signal, WallTime};

/// An entry of `dependsOn`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// A Service or Task.
    pub name: ServiceName,
    /// What has to be true of it before a start.
    pub condition: DependencyCondition,
}

/// What has to be true of a dependency before a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DependencyCondition {
    /// All its replicas run.
    Started,
    /// All its replicas are Ready.
    #[default]
    Ready,
    /// All its replicas are Ready and alive by their liveness check.
    Healthy,
    /// It came to its end with success.
    Completed,
}

impl DependencyCondition {
    /// The word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
        }
    }
}

/// What a change of a restart-class field, or of a watched file, leads to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// The way.
    pub strategy: UpdateStrategy,
    /// So many replicas may be not Ready because of it.
    pub max_unavailable: u32,
    /// What follows when the new one doesn't become Ready.
    pub on_failure: OnUpdateFailure,
    /// Absolute. Their content counts like a field.
    pub watch_files: Vec<PathBuf>,
}

impl Default for Update {
    fn default() -> Self {
        Self {
            strategy: UpdateStrategy::Auto,
            max_unavailable: 1,
            on_failure: OnUpdateFailure::Hold,
            watch_files: Vec::new(),
        }
    }
}

/// The ways of an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UpdateStrategy {
    /// A reload where only watched files changed and there is a `reload`, else a restart.
    #[default]
    Auto,
    /// Always a reload: the author knows that it suffices.
    Reload,
    /// Always a restart.
    Restart,
    /// Nothing, until a person restarts it.
    Manual,
}

/// What follows an update that doesn't become Ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnUpdateFailure {
    /// The other replicas stay as they are.
    #[default]
    Hold,
    /// The last document that became Ready is in force again.
    Rollback,
}

/// How it is told to read its configuration anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reload {
    /// The main process gets this.
    Signal(Signal),
    /// This runs.
    Command {
        /// Program and arguments, before substitution.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
        /// Who runs it; `None`: the service's user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<Account>,
    },
}

/// A command that runs before or after a start or a stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Program and arguments, before substitution.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What follows when it fails.
    pub on_failure: OnHookFailure,
    /// Who runs it; `None`: the service's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Account>,
}

/// What follows when a hook fails or takes too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnHookFailure {
    /// The start counts as failed.
    Abort,
    /// It is said, and all goes on.
    Continue,
}

/// The commands around a process, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    /// Before a start.
    pub pre_start: Vec<Hook>,
    /// When a started process meets its readiness check, before it counts as Ready.
    pub post_start: Vec<Hook>,
    /// Before the first signal of a stop.
    pub pre_stop: Vec<Hook>,
    /// When the process is gone, however it ended.
    pub post_stop: Vec<Hook>,
}

/// `stop.command`: asks the service to end, before the schedule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopCommand {
    /// Program and arguments, before substitution.
    pub command: Vec<String>,
    /// How long it and the exit that it asks for may take; then the schedule begins.
    pub timeout: Duration,
    /// Who runs it; `None`: the service's user; of a policy's the engine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Account>,
}

/// Everything about the object is left alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspend {
    /// For people.
    pub reason: String,
    /// By the wall clock; `None`: until the document says otherwise.
    pub until: Option<WallTime>,
}
