//! What is known about the processes and files of a host, and how surely.
//!
//! Floor 1: plain values. Reading `/proc` is the business of `host`; here are the forms that what was
//! read takes, the same for a live host, a snapshot and a simulation.

mod record;
mod sample;
mod shebang;
mod socket;
mod words;

pub use record::{
    Arguments, Binfmt, BinfmtMatch, CgroupLine, Credentials, FileFacts, FileId, FileKind, IoCounts,
    LimitPair, MagicLink, MemoryUse, OpenFile, ProcessState, RootLink, Stat, Status, Task,
};
pub use sample::{Counter, Pace, Trait, Unit};
pub use shebang::{HEAD_BYTES, Shebang, ShebangError, is_elf, parse_shebang};
pub use socket::{Protocol, Socket, SocketState};
pub use words::{Words, words};

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::units::{BootId, Pid, StartTicks};

/// The identity of a process. A pid alone is never one: it is used again.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessKey {
    /// The boot it lives in.
    pub boot: BootId,
    /// Its number in the engine's PID namespace.
    pub pid: Pid,
    /// When it was forked.
    pub start: StartTicks,
}

/// By number: all of one host are of one boot, whose name is long.
impl Ord for ProcessKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = (self.pid, self.start).cmp(&(other.pid, other.start));
        numbers.then_with(|| self.boot.cmp(&other.boot))
    }
}

impl PartialOrd for ProcessKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.pid, self.start)
    }
}

/// One piece of observed information. Absent is known not to exist; unknown says why it isn't known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It is known not to exist.
    Absent,
    /// It could not be read or decided.
    Unknown(Reason),
}

impl<T> Fact<T> {
    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Absent => Fact::Absent,
            Self::Unknown(reason) => Fact::Unknown(reason),
        }
    }

    /// Goes on with a known value; absent and unknown stay what they are.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Fact<U>) -> Fact<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Absent => Fact::Absent,
            Self::Unknown(reason) => Fact::Unknown(reason),
        }
    }

    /// The same with a borrowed value.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Absent => Fact::Absent,
            Self::Unknown(reason) => Fact::Unknown(reason.clone()),
        }
    }

    /// The value, if it is known. Use only where absent and unknown need not be told apart.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// A known value, or absent.
    pub fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }

    /// An unknown one without detail.
    pub fn unknown(why: Why) -> Self {
        Self::Unknown(Reason { why, detail: None })
    }
}

/// Why something isn't known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reason {
    /// The kind.
    pub why: Why,
    /// What it was about, for a person: `exe of 812`.
    pub detail: Option<Arc<str>>,
}

impl Reason {
    /// A reason that says what it is about.
    pub fn new(why: Why, detail: impl Into<Arc<str>>) -> Self {
        Self { why, detail: Some(detail.into()) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.why),
            None => write!(f, "{}", self.why),
        }
    }
}

/// The kinds of not knowing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// No permission.
    Denied,
    /// The process exited while it was looked at.
    Vanished,
    /// The read did not end in time.
    Timeout,
    /// What was read is not in the documented form.
    Malformed,
    /// Longer than the limit, and the decision needs the rest.
    Truncated,
    /// A path or program could not be resolved.
    Unresolved,
    /// The user database did not answer.
    Nss,
    /// A plugin failed.
    Plugin,
    /// The time of the scan was used up.
    Budget,
    /// There is no earlier look to compare with yet.
    Sampling,
}

impl Why {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Denied,
        Self::Vanished,
        Self::Timeout,
        Self::Malformed,
        Self::Truncated,
        Self::Unresolved,
        Self::Nss,
        Self::Plugin,
        Self::Budget,
        Self::Sampling,
    ];

    /// The word used in snapshots and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Vanished => "vanished",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Unresolved => "unresolved",
            Self::Nss => "nss",
            Self::Plugin => "plugin",
            Self::Budget => "budget",
            Self::Sampling => "sampling",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
