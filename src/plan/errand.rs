//! Errands: the commands of a document around a process, one after the other, each with its time.
//!
//! ```text
//!  begun (on record, without nonce) -> what they need is looked up -> Run -> answer -> next command ... -> done
//!                                          ^                            |  lost with the engine that ran it
//!                                          +----------------------------+
//! ```
//!
//! A command that was lost is run again: hooks may run twice after a crash, never not at all.

use std::time::Duration;

use super::action::{Action, Launch};
use super::draft::Draft;
use super::launch;
use super::memory::{Errand, Instance, Phase, Purpose, Record};
use super::observation::{CommandSeen, Prepared, Seen, Unprepared};
use super::starting;
use super::status::{ConditionStatus, ConditionType};
use crate::facts::ProcessKey;
use crate::spec::{Account, Hook, OnHookFailure, Reload, Service};
use crate::units::{BootTime, Pid};

/// Wait before what a command needs is looked up again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How an errand stands after a tick.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It goes on.
    UnderWay,
    /// All commands have run.
    Done(Purpose),
    /// A command failed that the rest depends on.
    Failed(Purpose, String),
}

/// Begins an errand, if there is anything to do; it takes the place of another one, whose command is killed.
pub(super) fn begin(instance: &mut Instance, spec: &Service, purpose: Purpose, now: BootTime) {
    let commands = commands(spec, purpose);
    instance.errand = (!commands.is_empty())
        .then(|| Box::new(Errand { purpose, commands, at: 0, nonce: None, process: None, since: now }));
}

/// What a document has run for a purpose.
fn commands(spec: &Service, purpose: Purpose) -> Vec<Hook> {
    let only = |command: &[String], timeout: Duration, user: &Option<Account>| {
        let (command, user) = (command.to_vec(), user.clone());
        vec![Hook { command, timeout, on_failure: OnHookFailure::Abort, user }]
    };
    match purpose {
        Purpose::PreStart => spec.hooks.pre_start.clone(),
        Purpose::PostStart => spec.hooks.post_start.clone(),
        Purpose::PreStop => spec.hooks.pre_stop.clone(),
        Purpose::PostStop => spec.hooks.post_stop.clone(),
        Purpose::StopCommand => {
            let command = spec.stop.command.as_ref();
            command.map(|stop| only(&stop.command, stop.timeout, &stop.user)).unwrap_or_default()
        }
        Purpose::Reload => match &*spec.reload {
            Some(Reload::Command { command, timeout, user }) => only(command, *timeout, user),
            Some(Reload::Signal(_)) | None => Vec::new(),
        },
    }
}

/// Whether an errand has a command that is to be begun: what that needs has to be looked up.
pub(super) fn wants_to_begin(instance: &Instance) -> bool {
    instance.errand.as_ref().is_some_and(|errand| errand.nonce.is_none() && errand.at < errand.commands.len())
}

/// The nonce of the command that was begun.
pub(super) fn nonce(instance: &Instance) -> Option<&String> {
    instance.errand.as_ref().and_then(|errand| errand.nonce.as_ref())
}

/// The command of this nonce was begun: this is its first process.
pub(super) fn began(instance: &mut Instance, nonce: &str, first: &ProcessKey) {
    if let Some(errand) = instance.errand.as_mut().filter(|errand| errand.nonce.as_deref() == Some(nonce)) {
        errand.process = Some(first.clone());
    }
}

/// What is to run before a start that nobody wants any more is left out, and ended where it has begun.
pub(super) fn give_up_starts(record: &mut Record) {
    for instance in record.instances.values_mut() {
        let prepares = instance.errand.as_ref().is_some_and(|errand| errand.purpose == Purpose::PreStart);
        if prepares && instance.phase == Phase::Vacant {
            instance.errand = None;
        }
    }
}

/// Moves every errand but those of a stop on, and says what follows for the instance.
pub(super) fn go_on(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) -> Vec<(u32, Standing)> {
    let spec = std::sync::Arc::clone(&record.spec);
    let mut ended = Vec::new();
    for (index, instance) in &mut record.instances {
        if matches!(instance.phase, Phase::Stopping { .. }) || instance.errand.is_none() {
            continue;
        }
        match advance(instance, *index, &spec, seen, draft) {
            Standing::UnderWay => {}
            standing => ended.push((*index, standing)),
        }
    }
    ended
}

/// One move of an instance's errand. When it is done or has failed, it is gone.
pub(super) fn advance(
    instance: &mut Instance,
    index: u32,
    spec: &Service,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) -> Standing {
    let now = draft.now.boot;
    let Some(errand) = &mut instance.errand else { return Standing::UnderWay };
    let purpose = errand.purpose;
    if let Some(hook) = errand.commands.get(errand.at).filter(|_| errand.nonce.is_some()) {
        let deadline = errand.since.after(hook.timeout);
        let failure = match seen.and_then(|seen| seen.commands.get(&index)) {
            Some(CommandSeen::Succeeded) => None,
            Some(CommandSeen::Failed(error)) => Some(format!("`{}` failed: {error}", hook.command.join(" "))),
            Some(CommandSeen::Lost) => {
                errand.nonce = None;
                return begin_next(instance, index, spec, seen, draft);
            }
            Some(CommandSeen::Running) | None => {
                draft.wake(deadline.max(now.after(LOOK_AGAIN)));
                return Standing::UnderWay;
            }
        };
        let aborts = failure.is_some() && hook.on_failure == OnHookFailure::Abort;
        errand.at += 1;
        errand.nonce = None;
        match failure {
            Some(error) if aborts => return fail(instance, purpose, error),
            Some(error) => instance.command_error = Some(Box::new((purpose, error))),
            None => {}
        }
    }
    begin_next(instance, index, spec, seen, draft)
}

fn fail(instance: &mut Instance, purpose: Purpose, error: String) -> Standing {
    instance.errand = None;
    instance.command_error = Some(Box::new((purpose, error.clone())));
    Standing::Failed(purpose, error)
}

fn begin_next(
    instance: &mut Instance,
    index: u32,
    spec: &Service,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) -> Standing {
    let now = draft.now.boot;
    let pid = instance.phase.process().map(|process| process.key.pid);
    let Some(errand) = &mut instance.errand else { return Standing::UnderWay };
    let purpose = errand.purpose;
    let Some(hook) = errand.commands.get(errand.at) else {
        // Of a stop it stays, since the wait for the exit follows.
        if purpose != Purpose::StopCommand {
            instance.errand = None;
        }
        return Standing::Done(purpose);
    };
    let prepared = seen.and_then(|seen| seen.prepared.as_ref());
    // A start waits until it can be asked. What belongs to a stop doesn't: it goes on without.
    if purpose == Purpose::PreStart
        && let Some(Err(Unprepared::NotAsked(why))) = prepared
    {
        starting::hold(index, why, draft);
        return Standing::UnderWay;
    }
    let launch = prepared.map(|prepared| {
        prepared.as_ref().map_err(ToString::to_string).and_then(|prepared| {
            of_command(spec, index, hook, pid, prepared)
                .ok_or_else(|| "its user was not looked up".to_owned())
        })
    });
    match launch {
        Some(Ok(launch)) => {
            instance.attempts = instance.attempts.saturating_add(1);
            // With its object's name: commands of several objects are begun in one tick, and answered for by their nonces.
            let nonce = format!("{}-{:x}-{index}-{}", draft.name, now.0.as_nanos(), instance.attempts);
            errand.nonce = Some(nonce.clone());
            errand.process = None;
            errand.since = now;
            let launch = Box::new(launch);
            let timeout = hook.timeout;
            draft.wake(now.after(timeout));
            draft.step(
                index,
                Action::Run { nonce, launch, timeout },
                format!("`{}` says so", purpose.word()),
            );
            Standing::UnderWay
        }
        Some(Err(error)) => {
            let error = format!("`{}` could not be begun: {error}", hook.command.join(" "));
            if hook.on_failure == OnHookFailure::Abort {
                return fail(instance, purpose, error);
            }
            errand.at += 1;
            instance.command_error = Some(Box::new((purpose, error)));
            draft.wake(now.after(Duration::from_millis(1)));
            Standing::UnderWay
        }
        None => {
            draft.wake(now.after(LOOK_AGAIN));
            Standing::UnderWay
        }
    }
}

/// A command as the service's user, or its own, in the service's environment, with its output where the service's goes. `None`: its
/// own user wasn't looked up, since the document names another one by now.
fn of_command(
    spec: &Service,
    index: u32,
    hook: &Hook,
    pid: Option<Pid>,
    prepared: &Prepared,
) -> Option<Launch> {
    let mut launch = launch::resolve_as(hook.user.as_ref(), spec, index, prepared)?;
    launch.argv = hook.command.iter().map(|word| launch::substitute(word, spec, index, prepared)).collect();
    launch.program = launch.argv.first().map(Into::into).unwrap_or_default();
    launch.env.insert("SELFSAME_NAME".into(), spec.name.to_string());
    launch.env.insert("SELFSAME_INDEX".into(), index.to_string());
    if let Some(pid) = pid {
        launch.env.insert("MAINPID".into(), pid.to_string());
        // Copies of secrets are there as long as it runs, and are made for who comes before or after.
        launch.secrets = Vec::new();
    }
    Some(launch)
}

/// Failed commands, for the status.
pub(super) fn tell(record: &Record, draft: &mut Draft<'_>) {
    for instance in record.instances.values() {
        if let Some((purpose, error)) = instance.command_error.as_deref() {
            let reason = if *purpose == Purpose::Reload { "ReloadFailed" } else { "HookFailed" };
            let message = format!("`{}`: {error}", purpose.word());
            draft.find(ConditionType::Degraded, ConditionStatus::True, reason, &message);
        }
    }
}
