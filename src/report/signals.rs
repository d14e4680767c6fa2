//! What is about to be signalled, and what became of it.

use serde::Serialize;

use super::printable;
use crate::units::{Pid, Signal};

/// What became of a process that was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// The signal was sent.
    Sent,
    /// Nothing was to be sent; it is waited for.
    Awaited,
    /// It was gone before.
    Gone,
    /// It is never signalled: PID 1, a kernel thread, selfsame or an ancestor of it.
    Protected,
    /// It could not be verified or signalled.
    Refused,
}

/// One chosen process and its fate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalledProcess {
    /// Which.
    pub pid: Pid,
    /// What it was called with.
    pub command: String,
    /// The signal, if one was to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// What became of it.
    pub fate: Fate,
    /// Why, where it was not as wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it has exited, if that was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exited: Option<bool>,
}

/// The question before signals are sent.
pub fn question_text(signal: Signal, processes: &[(Pid, String, String)]) -> String {
    let mut text = format!("{signal} goes to:\n");
    let wide = processes.iter().map(|(_, user, _)| user.chars().count()).max().unwrap_or(0);
    for (pid, user, command) in processes {
        text.push_str(&format!("  {pid:>7}  {user:wide$}  {command}\n"));
    }
    let count = processes.len();
    let noun = if count == 1 { "process" } else { "processes" };
    text.push_str(&format!("send {signal} to {count} {noun}? [y/N] "));
    text
}

/// A line about one that is not as wanted; `None` where all is well.
pub fn signalled_text(process: &SignalledProcess) -> Option<String> {
    let SignalledProcess { pid, command, fate, reason, exited, .. } = process;
    let reason = printable(reason.clone().unwrap_or_default());
    match fate {
        Fate::Protected => Some(format!("left alone: {pid} ({command}): {reason}")),
        Fate::Refused => Some(format!("not signalled: {pid} ({command}): {reason}")),
        Fate::Gone => Some(format!("gone before: {pid} ({command})")),
        Fate::Sent | Fate::Awaited if *exited == Some(false) => {
            Some(format!("has not exited: {pid} ({command})"))
        }
        Fate::Sent | Fate::Awaited => None,
    }
}
