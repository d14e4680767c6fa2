//! What comes out of an evaluation.

use std::fmt;

use super::value::Value;
use crate::facts::{Reason, Why};

/// Whether a candidate matches. Unknown is not "no": it starts nothing and signals nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// It does.
    Match,
    /// It does not.
    NoMatch,
    /// It cannot be told, for want of these.
    Unknown(Vec<Missing>),
}

impl Verdict {
    /// Whether the candidate exited while it was looked at: it is no candidate any more.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Match | Self::NoMatch => false,
            Self::Unknown(missing) => missing.iter().any(Missing::is_gone),
        }
    }
}

/// Something that was needed and is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Missing {
    /// As written in the expression: `exe.path`.
    pub what: String,
    /// Why.
    pub reason: Reason,
}

impl Missing {
    /// Whether the reason is that the candidate exited.
    pub fn is_gone(&self) -> bool {
        self.reason.why == Why::Vanished
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.reason)
    }
}

/// The value of one node.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It has this one.
    Known(Value),
    /// What it names is known not to exist.
    Absent,
    /// It cannot be told.
    Unknown(Vec<Missing>),
}

impl Outcome {
    /// A truth value.
    pub(super) fn bool(value: bool) -> Self {
        Self::Known(Value::Bool(value))
    }

    /// As a condition: what is absent is not so.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Known(Value::Bool(value)) => Some(*value),
            Self::Known(_) | Self::Absent => Some(false),
            Self::Unknown(_) => None,
        }
    }
}
