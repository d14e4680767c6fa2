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
    /// It took the place of the one that was started or adopted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub followed: bool,
}

impl Process {
    /// Of which nothing else is known.
    #[cfg(test)]
    pub(crate) fn bare(key: ProcessKey) -> Self {
        Self {
            key,
            inode: None,
            at: WallTime::default(),
            since: BootTime::default(),
            adopted: false,
            launched: None,
            adopted_by: None,
            arguments_differ: false,
            reloaded: None,
            group: None,
            constrained: None,
            followed: false,
        }
    }

    /// It goes on as this one: the record follows.
    pub(crate) fn becomes(&mut self, successor: &ProcessKey) {
        self.key = successor.clone();
        self.followed = true;
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
    /// It was gone when the first look at it came: whatever ended the engine before may have ended it too. No failure.
    Unwatched,
    /// We stopped it.
    Stopped,
}

/// Who of its tree may go on in place of a process that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heirs {
    /// Everybody who is like it.
    Anybody,
    /// Those that left its session, as a daemon does that goes to the background, or executed the program anew.
    Detached,
    /// Those that executed the program anew, as a new master does that takes over.
    Executed,
    /// Nobody.
    Nobody,
}

impl Exit {
    /// Whom it may have handed over to. Who was killed ended in the midst of its work: what is like it in its tree are its
    /// workers. So are mere forks of one that failed (a subshell of a script, a worker), but there are programs that report an
    /// error when the new one that they started has taken their place. Of one that ended well they are workers as well, unless
    /// they have done what daemons do that go to the background. Who `followed` another may be in the middle of that, as the second
    /// of three processes, and made its session itself. Tasks have nobody take their place.
    pub(crate) fn heirs(&self, is_task: bool, followed: bool) -> Heirs {
        match self {
            Self::Signal(_) | Self::OutOfMemory => Heirs::Nobody,
            Self::Code(_) if is_task => Heirs::Nobody,
            Self::Code(0) if !followed => Heirs::Detached,
            Self::Code(0) | Self::Unknown | Self::Unwatched | Self::Stopped => Heirs::Anybody,
            Self::Code(_) => Heirs::Executed,
        }
    }
}
