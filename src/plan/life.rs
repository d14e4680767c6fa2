//! What became of each instance: the table of its phase and what was seen. Facts only; whether it is wanted
//! plays no part here.

use std::collections::BTreeMap;

use super::memory::{Exit, Instance, Phase, Process};
use super::observation::{IntentSeen, ProcessSeen, Seen};
use crate::facts::{ProcessKey, Reason};
use crate::units::{BootTime, Now};

/// What a tick has learned of an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// Nothing new.
    Nothing,
    /// It can't be told how it is: nothing is done about it.
    Unknown(String),
    /// Its process ended, and nobody here asked for that.
    Exited {
        /// Since when it had been Ready.
        ready_since: Option<BootTime>,
    },
    /// The starter of a forking service is done, and the service isn't found yet.
    StarterDone {
        /// Which the starter was.
        starter: ProcessKey,
        /// Since when the service is waited for.
        since: BootTime,
    },
}

/// Whether it can't be told how the instance `index` is.
pub(super) fn is_unknown(events: &BTreeMap<u32, Event>, index: u32) -> bool {
    matches!(events.get(&index), Some(Event::Unknown(_)))
}

/// Every cell of (phase, what is seen). A stop that is under way is followed by `stop`.
pub(super) fn advance(instance: &mut Instance, index: u32, seen: Option<&Seen>, now: Now) -> Event {
    let process_seen = seen.and_then(|seen| seen.processes.get(&index));
    let intent_seen = seen.and_then(|seen| seen.intents.get(&index));
    match (&instance.phase, process_seen, intent_seen) {
        // Nothing runs: there is nothing to follow.
        (Phase::Vacant | Phase::BackOff { .. } | Phase::Finished | Phase::Stopping { .. }, _, _) => {
            Event::Nothing
        }

        (Phase::Intended { .. }, _, Some(IntentSeen::NothingRan)) => {
            instance.phase = Phase::Vacant;
            Event::Nothing
        }
        (Phase::Intended { .. }, _, Some(IntentSeen::Ran(key))) => {
            began(instance, key.clone(), now);
            Event::Nothing
        }
        (Phase::Intended { nonce, .. }, _, Some(IntentSeen::Unknown(reason))) => {
            Event::Unknown(format!("cannot tell what became of start {nonce} ({reason})"))
        }
        (Phase::Intended { nonce, .. }, _, None) => {
            Event::Unknown(format!("cannot tell what became of start {nonce} (no answer)"))
        }

        (Phase::Starting { .. } | Phase::Running { .. }, Some(ProcessSeen::Alive(alive)), _) => {
            if let Some(process) = instance.phase.process_mut() {
                process.inode = process.inode.or(alive.inode);
            }
            Event::Nothing
        }
        (
            Phase::Starting { .. } | Phase::Running { .. },
            Some(ProcessSeen::Gone { successor: Some(successor), .. }),
            _,
        ) => {
            follow(instance, successor);
            Event::Nothing
        }
        (
            Phase::Starting { process, since, starter: true, .. },
            Some(ProcessSeen::Gone { exit, successor: None, .. }),
            _,
        ) if may_have_forked(exit) => Event::StarterDone { starter: process.key.clone(), since: *since },
        (
            Phase::Starting { .. } | Phase::Running { .. },
            Some(ProcessSeen::Gone { exit, successor: None, .. }),
            _,
        ) => ended(instance, exit.clone()),
        (
            Phase::Starting { process, .. } | Phase::Running { process, .. },
            Some(ProcessSeen::Unknown(r)),
            _,
        ) => Event::Unknown(unseen(process, r)),
        (Phase::Starting { process, .. } | Phase::Running { process, .. }, None, _) => {
            Event::Unknown(format!("cannot tell whether {} lives (no answer)", process.key.pid))
        }
    }
}

pub(super) fn unseen(process: &Process, reason: &Reason) -> String {
    format!("cannot tell whether {} lives ({reason})", process.key.pid)
}

/// A starter whose exit nobody saw may have done its work.
fn may_have_forked(exit: &Exit) -> bool {
    match exit {
        Exit::Code(code) => *code == 0,
        Exit::Unknown | Exit::Unwatched => true,
        Exit::Signal(_) | Exit::OutOfMemory | Exit::Stopped => false,
    }
}

/// A start that was written down, and whose result wasn't: it ran. Until the tick sees more, it counts as
/// begun when the intent was written, so that the time to become Ready doesn't begin anew.
pub(super) fn began(instance: &mut Instance, key: ProcessKey, now: Now) {
    let Phase::Intended { launched, since, starter, group, .. } = &instance.phase else {
        return;
    };
    let process = Process {
        key,
        inode: None,
        at: now.wall,
        since: *since,
        adopted: false,
        launched: Some(launched.clone()),
        adopted_by: None,
        arguments_differ: false,
        reloaded: None,
        group: group.clone(),
        constrained: None,
        followed: false,
    };
    instance.phase =
        Phase::Starting { process, since: *since, starter: *starter, probed: None, left: Vec::new() };
    instance.last_error = None;
    instance.command_error = None;
    instance.restarted_by = None;
    instance.primed = false;
    instance.greets = true;
    instance.adjusted = crate::spec::Rare::default();
}

/// The record follows a process that took the place of its predecessor: no restart is counted.
pub(super) fn follow(instance: &mut Instance, successor: &ProcessKey) {
    match &mut instance.phase {
        Phase::Starting { process, starter, left, .. } => {
            process.becomes(successor);
            *starter = false;
            left.clear();
        }
        Phase::Running { process, .. } | Phase::Stopping { process, .. } => process.becomes(successor),
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished | Phase::Intended { .. } => {}
    }
}

fn ended(instance: &mut Instance, exit: Exit) -> Event {
    let ready_since = match &instance.phase {
        Phase::Running { ready_since, .. } => Some(*ready_since),
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Stopping { .. } => None,
    };
    instance.last_exit = Some(exit);
    instance.phase = Phase::Vacant;
    Event::Exited { ready_since }
}

/// The end of a sentence: `it exited with code 1`.
pub fn exit_words(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("it exited with code {code}"),
        Exit::Signal(signal) => format!("it died by signal {signal}"),
        Exit::OutOfMemory => "it was killed for want of memory (OOMKilled)".into(),
        Exit::Unknown => "it ended, nobody knows how".into(),
        Exit::Unwatched => "it ended while no engine watched it".into(),
        Exit::Stopped => "it was stopped".into(),
    }
}
