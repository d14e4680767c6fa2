//! A process on record, and how it ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Launched;
use crate::facts::ProcessKey;
use crate::spec::{Resources, Service};
use crate::units::{BootTime, PidfdInode, WallTime};

/// A process on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its identity.
    pub key: ProcessKey,
    /// What tells it from another one that got its number in the clock tick in which it began. `None`: it wasn't seen alive
    /// since it is on record, or the kernel has no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<PidfdInode>,
    /// When it was started or adopted, wall clock, for display.
    pub at: WallTime,
    /// The same moment on the boot clock.
    #[serde(default)]
    pub since: BootTime,
    /// Taken over, not started.
    pub adopted: bool,
    /// What it was launched with; `None` when adopted: it is left as it is.
    pub launched: Option<Launched>,
    /// For an adopted process: the document by whose identity rule it was adopted. It must still satisfy that
    /// before it is signalled.
    pub adopted_by: Option<Arc<Service>>,
    /// It was adopted although its arguments are others than the specified ones (its pidfile spoke for it).
    #[serde(default)]
    pub arguments_differ: bool,
    /// Fields that took effect by a reload after the launch, or that were first looked at then: they stand over `launched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reloaded: Option<Box<Launched>>,
    /// The control group that was made for it, if the host could make one.
    #[serde(default)]
    pub group: Option<String>,
    /// The bounds of its group, as they were last set. `None`: none were.
    #[serde(default)]
    pub constrained: Option<Box<Constrained>>,
}

impl Process {
    /// It goes on as this one: the record follows.
    pub(crate) fn becomes(&mut self, successor: &ProcessKey) {
        self.key = successor.clone();
        self.inode = None;
    }
}

/// An attempt at setting the bounds of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Constrained {
    /// The bounds.
    pub resources: Resources,
    /// Why the host refused; `None`: they are in force.
    pub error: Option<String>,
    /// When.
    pub at: BootTime,
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(crate::units::Signal),
    /// The kernel ended it, since there was no more memory for it.
    OutOfMemory,
    /// It wasn't our child and the kernel doesn't say; counts as a failure.
    Unknown,
    /// We stopped it.
    Stopped,
}

impl Exit {
    /// Whether it ended in the midst of its work: a program that hands over to another process exits by itself.
    pub(crate) fn was_killed(&self) -> bool {
        match self {
            Self::Signal(_) | Self::OutOfMemory => true,
            Self::Code(_) | Self::Unknown | Self::Stopped => false,
        }
    }
}
