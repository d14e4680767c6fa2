//! Stopping: a schedule of signals and waits, walked through as deadlines in memory.
//!
//! ```text
//!  begin -> note the tree -> signal 0 -> wait -> signal 1 -> wait ... -> overdue: shown, signalled again
//!                               |  main is gone, some of the tree lives: the step begins again, for those
//!                               v
//!                            all gone
//! ```
//!
//! Each position is remembered before its signal is sent, so that a stop goes on where it was after a crash.

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::backoff;
use super::draft::{Doing, Draft};
use super::life::unseen;
use super::memory::{Exit, Instance, Phase, Process};
use super::observation::{Alive, ProcessSeen};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::{Fact, ProcessKey};
use crate::spec::{Service, Stop, StopScope};
use crate::units::Signal;

/// Wait before a signal that could not be sent is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Whether the descendants are part of the stop.
pub(super) fn takes_tree(process: &Process, stop: &Stop) -> bool {
    let scope = stop.scope.unwrap_or(if process.adopted { StopScope::Main } else { StopScope::Tree });
    scope == StopScope::Tree
}

/// Decides to stop an instance that runs. The first signal follows when the tree was noted.
pub(super) fn begin(instance: &mut Instance, stop: &Stop, because: String, failed: bool, draft: &Draft<'_>) {
    let (Phase::Starting { process, .. } | Phase::Running { process, .. }) = &instance.phase else {
        return;
    };
    instance.phase = Phase::Stopping {
        process: process.clone(),
        tree: Vec::new(),
        noted: false,
        main_gone: false,
        step: 0,
        sent: false,
        overdue: false,
        failed,
        since: draft.now.boot,
        because,
        stop: stop.clone(),
    };
}

/// Goes on with a stop that was decided before this tick.
pub(super) fn go_on(
    instance: &mut Instance,
    index: u32,
    seen: Option<&ProcessSeen>,
    spec: &Service,
    draft: &mut Draft<'_>,
) {
    let Phase::Stopping { process, because, .. } = &instance.phase else {
        return;
    };
    draft.change(index, Doing::Stop, because.clone());
    match seen {
        Some(ProcessSeen::Alive(alive)) => alive_yet(instance, index, alive, draft),
        Some(ProcessSeen::Gone { successor: Some(successor), .. }) => {
            super::life::follow(instance, &successor.clone());
            draft.wake(draft.now.boot);
        }
        Some(ProcessSeen::Gone { successor: None, survivors, .. }) => {
            main_gone(instance, index, survivors, spec, draft);
        }
        Some(ProcessSeen::Unknown(reason)) => {
            let message = format!("not stopped further: {}", unseen(process, reason));
            draft.hold(index, (ConditionType::Owned, ConditionStatus::Unknown), "CannotTell", &message);
            draft.wake(draft.now.boot.after(RETRY));
        }
        None => draft.wake(draft.now.boot.after(RETRY)),
    }
}

fn alive_yet(instance: &mut Instance, index: u32, alive: &Alive, draft: &mut Draft<'_>) {
    let Phase::Stopping { process, tree, noted, stop, since, .. } = &mut instance.phase else {
        return;
    };
    if !*noted {
        *tree = if takes_tree(process, stop) { alive.tree.clone() } else { Vec::new() };
        *noted = true;
        *since = draft.now.boot;
    }
    if let Some((status, message)) = not_ours(process, alive) {
        draft.hold(index, (ConditionType::Owned, status), "NotSignalled", &message);
        draft.wake(draft.now.boot.after(RETRY));
        return;
    }
    let target = (process.key.clone(), process.adopted_by.clone());
    walk(instance, index, vec![target], draft);
}

/// An adopted process is signalled only while it still satisfies the rule it was adopted by.
fn not_ours(process: &Process, alive: &Alive) -> Option<(ConditionStatus, String)> {
    process.adopted_by.as_ref()?;
    let pid = process.key.pid;
    match &alive.still_ours {
        Fact::Known(true) => None,
        Fact::Known(false) | Fact::Absent => Some((
            ConditionStatus::False,
            format!("not stopped: {pid} no longer matches the rule that it was adopted by"),
        )),
        Fact::Unknown(reason) => Some((
            ConditionStatus::Unknown,
            format!(
                "not stopped: cannot tell whether {pid} still matches the rule it was adopted by ({reason})"
            ),
        )),
    }
}

fn main_gone(
    instance: &mut Instance,
    index: u32,
    survivors: &[ProcessKey],
    spec: &Service,
    draft: &mut Draft<'_>,
) {
    let Phase::Stopping { process, stop, tree, main_gone, sent, since, failed, .. } = &mut instance.phase
    else {
        return;
    };
    let left: Vec<ProcessKey> = survivors.iter().filter(|key| tree.contains(key)).cloned().collect();
    if left.is_empty() || !takes_tree(process, stop) {
        let failed = *failed;
        instance.last_exit = Some(Exit::Stopped);
        instance.phase = Phase::Vacant;
        if failed {
            instance.phase = backoff::wait(instance, &spec.restart, (draft.name, index), draft.now.boot);
        }
        draft.changes.remove(&index);
        draft.wake(draft.now.boot);
        return;
    }
    if !*main_gone {
        *main_gone = true;
        *sent = false;
        *since = draft.now.boot;
    }
    walk(instance, index, left.into_iter().map(|key| (key, None)).collect(), draft);
}

/// One move through the schedule, for what is left to be signalled.
fn walk(
    instance: &mut Instance,
    index: u32,
    targets: Vec<(ProcessKey, Option<Arc<Service>>)>,
    draft: &mut Draft<'_>,
) {
    let now = draft.now.boot;
    let Phase::Stopping { stop, step, sent, since, overdue, because, .. } = &mut instance.phase else {
        return;
    };
    let Some(mut current) = stop.schedule.get(*step) else {
        return;
    };
    // At least a moment, so that an overdue stop with a wait of zero isn't a hot loop.
    if *sent && now >= since.after(current.wait) {
        match stop.schedule.get(*step + 1) {
            Some(following) => {
                *step += 1;
                current = following;
                *sent = false;
                *since = now;
            }
            None if now >= since.after(current.wait.max(RETRY)) => {
                *overdue = true;
                *sent = false;
                *since = now;
            }
            None => {}
        }
    }
    if *overdue {
        let pids: Vec<String> = targets.iter().map(|(key, _)| key.pid.to_string()).collect();
        let message = format!(
            "no further start: {} still lives after the last signal of its stop ({})",
            pids.join(", "),
            current.signal
        );
        draft.find(ConditionType::Degraded, ConditionStatus::True, "StopStuck", &message);
    }
    if *sent {
        let wait = if *step + 1 == stop.schedule.len() { current.wait.max(RETRY) } else { current.wait };
        draft.wake(since.after(wait));
        return;
    }
    let because = because.clone();
    let signal = current.signal;
    for (key, adopted_by) in targets {
        let action = Action::Signal { key: key.clone(), signal, adopted_by: adopted_by.clone() };
        draft.step(index, action, because.clone());
        // A stopped process (SIGSTOP) gets nothing but KILL until it is continued.
        if signal != Signal::KILL {
            draft.step(
                index,
                Action::Signal { key, signal: Signal::CONT, adopted_by },
                "a suspended process would not see the signal before",
            );
        }
    }
    draft.wake(now.after(RETRY));
}
