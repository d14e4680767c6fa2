//! The life of an instance. The table that decides it is `plan/life.rs`, with `plan/run.rs` and `plan/stop.rs`.

mod reading;

use serde::{Deserialize, Serialize};

use super::{Exit, Launched, Process, on_record};
use crate::facts::ProcessKey;
use crate::spec::{Rare, Stop};
use crate::units::BootTime;

/// The life of an instance. Every cell of (phase, what is seen) is decided in one table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is", remote = "Self")]
pub enum Phase {
    /// Nothing runs.
    #[default]
    Vacant,
    /// Nothing runs; the next start not before then.
    #[serde(rename_all = "camelCase")]
    BackOff {
        /// When.
        until: BootTime,
    },
    /// Nothing runs and nothing will be started: the restart policy says so, until the document changes or
    /// somebody asks.
    Finished,
    /// A start was written down and not yet its result. Only a crash leaves this behind.
    #[serde(rename_all = "camelCase")]
    Intended {
        /// Names the start slot that the child writes its key into.
        nonce: String,
        /// What was being started.
        launched: Launched,
        /// When it was written down.
        #[serde(default)]
        since: BootTime,
        /// What is being started is the starter of a forking service.
        #[serde(default)]
        starter: bool,
        /// The control group that is made for it, where the host can make one.
        #[serde(default)]
        group: Option<String>,
    },
    /// It runs and isn't Ready yet.
    #[serde(rename_all = "camelCase")]
    Starting {
        /// The process.
        process: Process,
        /// Since when it is being waited for.
        since: BootTime,
        /// The starter of a forking service, until the service itself was found.
        starter: bool,
        /// When the last readiness probe was begun.
        #[serde(default)]
        probed: Option<BootTime>,
        /// What a starter left behind and may be the service, though the identity rule doesn't find it.
        #[serde(default)]
        left: Vec<ProcessKey>,
    },
    /// It runs and was Ready.
    #[serde(rename_all = "camelCase")]
    Running {
        /// The process.
        process: Process,
        /// Since when it is Ready.
        ready_since: BootTime,
        /// Readiness probes failed in a row.
        probe_failures: u32,
        /// When the last readiness probe was begun.
        #[serde(default)]
        probed: Option<BootTime>,
    },
    /// It is being stopped.
    #[serde(rename_all = "camelCase")]
    Stopping {
        /// The main process.
        process: Process,
        /// Descendants noted before the first signal.
        tree: Vec<ProcessKey>,
        /// The tree was noted; before that nothing is signalled.
        #[serde(default)]
        noted: bool,
        /// The main process is gone; what is left of the tree goes through the schedule now.
        #[serde(default)]
        main_gone: bool,
        /// Index of the step of the schedule that is under way; it began at `since`.
        step: usize,
        /// The signal of this step was sent. If a crash came between, it is sent again.
        #[serde(default)]
        sent: bool,
        /// The schedule came to its end and something still lives.
        #[serde(default)]
        overdue: bool,
        /// The stop follows a failure (it was not Ready in time): the back-off comes after it.
        #[serde(default)]
        failed: bool,
        /// When the step began.
        since: BootTime,
        /// Why, for status.
        because: String,
        /// How it stops, as it was when the stop began.
        stop: Rare<Stop>,
        /// Nobody asked for it: the main process ended by itself and left others behind.
        #[serde(default)]
        exited: Option<Box<Exited>>,
    },
}

impl Phase {
    /// What the process on record was launched with, for a change of the record.
    pub fn launched_mut(&mut self) -> Option<&mut Launched> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => process.launched.as_mut(),
        }
    }

    /// The process on record, if there is one.
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => Some(process),
        }
    }
    /// The process on record, to be changed.
    pub fn process_mut(&mut self) -> Option<&mut Process> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => Some(process),
        }
    }
}

/// The end of a main process that left others behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exited {
    /// How it ended.
    #[serde(with = "on_record")]
    pub exit: Exit,
    /// How long it had been Ready.
    pub ready_for: Option<std::time::Duration>,
}
