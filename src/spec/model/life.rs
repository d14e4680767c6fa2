//! When it is started again, and how it is stopped.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StopCommand;
use crate::units::Signal;

/// Whether and when it is started again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// After which exits.
    pub policy: RestartPolicy,
    /// Exit codes that count as success besides 0.
    pub success_codes: Vec<i32>,
    /// The first wait.
    pub backoff: Duration,
    /// The longest wait.
    pub max_backoff: Duration,
    /// Fraction of the wait that chance adds or takes, in thousandths.
    pub jitter: u32,
    /// After so long in good health the next wait is the first one again.
    pub reset_after: Duration,
}

/// After which exits a service is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// After every exit.
    #[default]
    Always,
    /// After a failure.
    OnFailure,
    /// Never.
    Never,
}

/// One step of a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopStep {
    /// What is sent.
    pub signal: Signal,
    /// How long to wait for the exit.
    pub wait: Duration,
}

/// Who gets the stop signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopScope {
    /// The main process only.
    Main,
    /// The main process and its process group, at once.
    Group,
    /// The main process first; what it leaves behind of the tree noted before, afterwards.
    Tree,
}

/// How it is stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// In order.
    pub schedule: Vec<StopStep>,
    /// `None`: tree for what selfsame started, main for what it adopted.
    pub scope: Option<StopScope>,
    /// Runs first, and asks the service to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<StopCommand>,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::Always,
            success_codes: Vec::new(),
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
            jitter: 100,
            reset_after: Duration::from_mins(10),
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        let step = |signal, seconds| StopStep { signal, wait: Duration::from_secs(seconds) };
        Self { schedule: vec![step(Signal::TERM, 30), step(Signal::KILL, 5)], scope: None, command: None }
    }
}
