//! What a person asked for beside the documents.

use serde::{Deserialize, Serialize};

use crate::facts::ProcessKey;
use crate::units::WallTime;

/// What a person asked for on the command line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Running or stopped.
    pub running: bool,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// The generation it overrides; a newer one ends the wish.
    pub generation: u64,
    /// Until when, by the wall clock; `None`: until the document changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<WallTime>,
    /// Neither: its processes are let go, and nothing is done about it.
    #[serde(default)]
    pub released: bool,
}

impl Wish {
    /// Whether it still counts for this generation of the document.
    pub fn holds(&self, generation: u64, now: WallTime) -> bool {
        self.generation == generation && self.until.is_none_or(|until| now < until)
    }
}

/// What a person asked to be taken over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptWish {
    /// Which process.
    pub key: ProcessKey,
    /// Although something else keeps it, or it belongs to another user.
    pub force: bool,
    /// Who asked.
    pub by: String,
}

/// A person has an object left alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: WallTime,
    /// Why; may be empty.
    pub reason: String,
    /// Until when, by the wall clock; `None`: until somebody resumes it.
    pub until: Option<WallTime>,
}
