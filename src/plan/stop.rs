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
use super::errand::{self, Standing};
use super::life::unseen;
use super::memory::{Exit, Exited, Instance, Phase, Process, Purpose};
use super::observation::{Alive, ProcessSeen, Seen};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::{Fact, ProcessKey};
use crate::spec::{Service, ServiceType, Stop, StopScope};
use crate::units::Signal;

/// Wait before a signal that could not be sent is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Who is stopped.
pub(super) fn scope(process: &Process, stop: &Stop) -> StopScope {
    stop.scope.unwrap_or(if process.adopted { StopScope::Main } else { StopScope::Tree })
}

/// Whether the others are to be listed: once, before the first signal; members of a process group each time, since
/// they get every signal.
pub(super) fn lists(scope: StopScope, noted: bool) -> bool {
    match scope {
        StopScope::Main => false,
        StopScope::Tree => !noted,
        StopScope::Group => true,
    }
}

/// What lives of the tree of a starter that is gone, where a stop means the tree.
pub(super) fn left_behind<'a>(instance: &'a Instance, spec: &Service) -> &'a [ProcessKey] {
    match &instance.phase {
        Phase::Starting { process, starter: true, left, .. }
            if scope(process, &spec.stop) != StopScope::Main =>
        {
            left
        }
        _ => &[],
    }
}

/// Decides to stop an instance that runs. The first signal follows when the tree was noted.
pub(super) fn begin(
    instance: &mut Instance,
    spec: &Service,
    because: String,
    failed: bool,
    draft: &Draft<'_>,
) {
    let (Phase::Starting { process, .. } | Phase::Running { process, .. }) = &instance.phase else {
        return;
    };
    let tree = left_behind(instance, spec).to_vec();
    let main_gone = !tree.is_empty();
    let stop = &spec.stop;
    // Whoever never was Ready has nobody to take leave of.
    let purpose = match instance.phase {
        Phase::Running { .. } if !spec.hooks.pre_stop.is_empty() => Purpose::PreStop,
        _ => Purpose::StopCommand,
    };
    instance.phase = Phase::Stopping {
        process: process.clone(),
        tree,
        noted: main_gone,
        main_gone,
        step: 0,
        sent: false,
        overdue: false,
        failed,
        since: draft.now.boot,
        because,
        stop: stop.clone(),
        exited: None,
    };
    instance.asked.clear();
    instance.restarted_by = None;
    errand::begin(instance, spec, purpose, draft.now.boot);
}

/// A main process that ended by itself and left others of its tree behind: they go through the schedule before anything
/// follows from the exit, so that a start never comes beside them. True if that begins here.
pub(super) fn clear_after(
    instance: &mut Instance,
    index: u32,
    seen: Option<&ProcessSeen>,
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let Some(ProcessSeen::Gone { exit, successor: None, survivors }) = seen else { return false };
    let (process, ready_since) = match &instance.phase {
        Phase::Starting { process, starter: false, .. } => (process, None),
        Phase::Running { process, ready_since, .. } => (process, Some(*ready_since)),
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { starter: true, .. }
        | Phase::Stopping { .. } => return false,
    };
    if survivors.is_empty() || scope(process, &spec.stop) != StopScope::Tree {
        return false;
    }
    let pids: Vec<String> = survivors.iter().map(|key| key.pid.to_string()).collect();
    let because =
        format!("{} and left {} behind{}", super::life::exit_words(exit), pids.join(", "), mend(exit, spec));
    draft.change(index, Doing::Stop, because.clone());
    draft.wake(draft.now.boot);
    instance.phase = Phase::Stopping {
        process: process.clone(),
        tree: survivors.clone(),
        noted: true,
        main_gone: true,
        step: 0,
        sent: false,
        overdue: false,
        failed: false,
        since: draft.now.boot,
        because,
        stop: spec.stop.clone(),
        exited: Some(Box::new(Exited {
            exit: exit.clone(),
            ready_for: ready_since.map(|since| draft.now.boot.since(since)),
        })),
    };
    true
}

/// What was merely forked isn't followed, and a program that goes to the background that way would be started again and again.
fn mend(exit: &Exit, spec: &Service) -> &'static str {
    let may_be_meant =
        *exit == Exit::Code(0) && spec.service_type == ServiceType::Simple && spec.task.is_none();
    if may_be_meant { " (one that goes to the background by a fork alone is `type: forking`)" } else { "" }
}

/// Goes on with a stop that was decided before this tick.
pub(super) fn go_on(
    instance: &mut Instance,
    index: u32,
    seen: Option<&Seen>,
    spec: &Service,
    draft: &mut Draft<'_>,
) {
    let all = seen;
    let seen = all.and_then(|seen| seen.processes.get(&index));
    let Phase::Stopping { process, because, .. } = &instance.phase else {
        return;
    };
    draft.change(index, Doing::Stop, because.clone());
    match seen {
        Some(ProcessSeen::Alive(alive)) => alive_yet(instance, index, (alive, all), spec, draft),
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

fn alive_yet(
    instance: &mut Instance,
    index: u32,
    (alive, seen): (&Alive, Option<&Seen>),
    spec: &Service,
    draft: &mut Draft<'_>,
) {
    let Phase::Stopping { process, tree, noted, stop, since, .. } = &mut instance.phase else {
        return;
    };
    if !*noted {
        *noted = true;
        *since = draft.now.boot;
    }
    let scope = scope(process, stop);
    if scope != StopScope::Main {
        note(tree, &alive.tree);
    }
    if let Some((status, message)) = not_ours(process, alive) {
        draft.hold(index, (ConditionType::Owned, status), "NotSignalled", &message);
        draft.wake(draft.now.boot.after(RETRY));
        return;
    }
    let mut targets = vec![(process.key.clone(), process.adopted_by.clone())];
    if scope == StopScope::Group {
        let others = alive.tree.iter().filter(|key| **key != process.key);
        targets.extend(others.map(|key| (key.clone(), None)));
    }
    if takes_leave(instance, index, seen, spec, draft) {
        return;
    }
    walk(instance, index, targets, true, draft);
}

/// Takes down what isn't yet: each is on record before it is signalled.
fn note(tree: &mut Vec<ProcessKey>, seen: &[ProcessKey]) {
    let fresh: Vec<ProcessKey> = seen.iter().filter(|key| !tree.contains(key)).cloned().collect();
    tree.extend(fresh);
}

/// Runs what comes before the first signal. True while the schedule has to wait for it.
fn takes_leave(
    instance: &mut Instance,
    index: u32,
    seen: Option<&Seen>,
    spec: &Service,
    draft: &mut Draft<'_>,
) -> bool {
    let now = draft.now.boot;
    if instance.errand.is_none() {
        return false;
    }
    match errand::advance(instance, index, spec, seen, draft) {
        Standing::UnderWay => instance.errand.is_some(),
        Standing::Done(Purpose::PreStop) | Standing::Failed(Purpose::PreStop, _) => {
            errand::begin(instance, spec, Purpose::StopCommand, now);
            draft.wake(now.after(Duration::from_millis(1)));
            instance.errand.is_some()
        }
        Standing::Done(Purpose::StopCommand) => waits_for_exit(instance, draft),
        Standing::Done(_) | Standing::Failed(..) => {
            instance.errand = None;
            false
        }
    }
}

/// `stop.command` asked for the exit: what is left of its time is the service's.
fn waits_for_exit(instance: &mut Instance, draft: &mut Draft<'_>) -> bool {
    let (Phase::Stopping { stop, .. }, Some(errand)) = (&instance.phase, &instance.errand) else {
        return false;
    };
    let Some(command) = &stop.command else { return false };
    let deadline = errand.since.after(command.timeout);
    if draft.now.boot < deadline {
        draft.wake(deadline);
        return true;
    }
    instance.errand = None;
    false
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
    instance.errand = None;
    let Phase::Stopping { process, stop, tree, noted, main_gone, sent, since, failed, exited, .. } =
        &mut instance.phase
    else {
        return;
    };
    if survivors.is_empty() || scope(process, stop) == StopScope::Main {
        let (failed, exited) = (*failed, exited.take());
        instance.last_exit = Some(exited.as_ref().map_or(Exit::Stopped, |exited| exited.exit.clone()));
        instance.phase = Phase::Vacant;
        let of = (draft.name, index);
        if spec.task.is_some() && exited.is_some() {
            // What follows from the end of a run is the Task's to say.
        } else if let Some(exited) = exited {
            backoff::after_exit(instance, &spec.restart, of, exited.ready_for, draft.now.boot);
        } else if failed {
            instance.phase = backoff::wait(instance, &spec.restart, of, draft.now.boot);
        }
        errand::begin(instance, spec, Purpose::PostStop, draft.now.boot);
        draft.changes.remove(&index);
        draft.wake(draft.now.boot);
        return;
    }
    if !*main_gone {
        *main_gone = true;
        *sent = false;
        *since = draft.now.boot;
    }
    note(tree, survivors);
    *noted = true;
    let left = survivors.iter().map(|key| (key.clone(), None)).collect();
    walk(instance, index, left, false, draft);
}

/// One move through the schedule, for what is left to be signalled.
fn walk(
    instance: &mut Instance,
    index: u32,
    targets: Vec<(ProcessKey, Option<Arc<Service>>)>,
    main_lives: bool,
    draft: &mut Draft<'_>,
) {
    let now = draft.now.boot;
    let Phase::Stopping { process, tree, stop, step, sent, since, overdue, because, .. } =
        &mut instance.phase
    else {
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
    if signal == Signal::KILL && scope(process, stop) == StopScope::Tree {
        let main = main_lives.then(|| process.key.clone());
        let adopted_by = process.adopted_by.clone().filter(|_| main_lives);
        let tree = if main_lives { tree.clone() } else { targets.into_iter().map(|(key, _)| key).collect() };
        let group = process.group.clone();
        draft.step(index, Action::KillTree { main, adopted_by, tree, group }, because);
        draft.wake(now.after(RETRY));
        return;
    }
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
