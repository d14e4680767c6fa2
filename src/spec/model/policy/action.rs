//! What a Policy does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{Account, Limit, Resources, StopStep};

/// What is done about a violation. Reporting is done in any case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyAction {
    /// Nothing more than to say it.
    Report,
    /// A command with the facts in its environment.
    Exec(PolicyCommand),
    /// Signals in turn, each with the wait for the end of the process that follows it.
    Signal(Vec<StopStep>),
    /// Another nice value.
    Renice(i32),
    /// Limits of `prlimit(2)` by their names in lower case, sizes in bytes.
    SetLimit(BTreeMap<String, Limit>),
    /// Into a control group that selfsame makes.
    Cgroup(PolicyGroup),
    /// The Service that owns the process is restarted.
    Restart,
    /// The process is stopped; one of a Service by that Service's own way of stopping.
    Stop,
}

/// A command that a Policy runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyCommand {
    /// Program, by its absolute path, and arguments.
    pub command: Vec<String>,
    /// How long it may take; then it is ended.
    pub timeout: Duration,
    /// As whom; `None`: as the engine.
    pub user: Option<Account>,
}

/// A control group that selfsame makes below its own, shared by all processes that are moved into it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyGroup {
    /// Its name; `None`: that of the Policy.
    pub name: Option<String>,
    /// What its processes may use together.
    pub resources: Resources,
}

impl PolicyAction {
    /// Whether it changes anything.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Report)
    }

    /// As documents write it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Exec(_) => "exec",
            Self::Signal(_) => "signal",
            Self::Renice(_) => "renice",
            Self::SetLimit(_) => "setLimit",
            Self::Cgroup(_) => "cgroup",
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }

    /// What two policies can pull at from both sides.
    pub fn handle(&self) -> Option<&'static str> {
        match self {
            Self::Renice(_) => Some("nice value"),
            Self::SetLimit(_) => Some("limits"),
            Self::Cgroup(_) => Some("control group"),
            Self::Restart | Self::Stop | Self::Signal(_) => Some("life"),
            Self::Report | Self::Exec(_) => None,
        }
    }
}
