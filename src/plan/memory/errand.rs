//! What is done around a process besides starting and stopping it: commands, reloads, signals that a person asked for.

use serde::{Deserialize, Serialize};

use crate::facts::ProcessKey;
use crate::spec::Hook;
use crate::units::{BootTime, Signal};

/// Commands that run for an instance, one after the other. An instance has one errand at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Errand {
    /// What for.
    pub purpose: Purpose,
    /// The commands, as they were when the errand began.
    pub commands: Vec<Hook>,
    /// The one whose turn it is; past the last one: all have run.
    pub at: usize,
    /// Names the command that was begun; `None`: it has to be begun. Only known to the engine that began it: after a
    /// crash it is begun again.
    pub nonce: Option<String>,
    /// The first process of that command, whose session what it forks is in: should the engine be killed, the next one ends
    /// what is left of it. `None`: it didn't begin, or its number isn't on record yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessKey>,
    /// When the command (or the wait after the last one) began.
    pub since: BootTime,
}

/// What an errand is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// `hooks.preStart`
    PreStart,
    /// `hooks.postStart`
    PostStart,
    /// `hooks.preStop`
    PreStop,
    /// `stop.command`
    StopCommand,
    /// `hooks.postStop`
    PostStop,
    /// `reload.command`
    Reload,
}

impl Purpose {
    /// The field that says so.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreStart => "hooks.preStart",
            Self::PostStart => "hooks.postStart",
            Self::PreStop => "hooks.preStop",
            Self::StopCommand => "stop.command",
            Self::PostStop => "hooks.postStop",
            Self::Reload => "reload.command",
        }
    }
}

/// Something that was asked of a running instance and isn't done yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// What.
    pub what: Ask,
    /// Why, as the end of a sentence.
    pub because: String,
}

/// What can be asked of a running instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ask {
    /// To read its configuration anew, as its document says how.
    Reload,
    /// This signal.
    Signal(Signal),
}
