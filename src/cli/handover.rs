//! What a verb does while a watch holds the state: it asks, and waits for the answer in the status.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::apply::{Settled, settled};
use super::args::{ApplyArgs, Output};
use super::confirming;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::engine::sources::{Sources, absolute};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::Presence;
use crate::host::requests::{Request, Wanted, leave, read_status};
use crate::host::state_dir::Dirs;
use crate::plan::sources::{SourceStatus, Status};
use crate::plan::status::ServiceStatus;
use crate::report::{held_text, status_line};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Without `--timeout`, a watch that doesn't answer isn't waited for any longer than that.
const ANSWER: Duration = Duration::from_mins(2);

/// How a handover ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handover {
    /// With an answer.
    Answered(Exit),
    /// The watch ended. What was asked is on record, or nobody will do it any more.
    WatchEnded {
        /// It is on record.
        taken: bool,
    },
}

/// Hands an `apply` over to the watch that keeps the same places.
pub(super) fn apply(watch: &Presence, args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Handover {
    if let Some(path) = args.paths.iter().find(|path| !watch.keeps(path)) {
        terminal.say(&format!(
            "error: a watch (pid {}) holds the state and doesn't keep `{}`; put the file there, or stop it",
            watch.pid,
            path.display()
        ));
        return Handover::Answered(Exit::HeldByOther);
    }
    let host = watch.host.clone().unwrap_or_default();
    let look = Sources::new(args.paths.clone()).on_host(host).look();
    terminal.diagnostics(&look.diagnostics);
    let broken = look.diagnostics.iter().any(crate::diagnostic::Diagnostic::is_error);
    let names: BTreeSet<ServiceName> = look.services().iter().map(|service| service.name.clone()).collect();
    terminal.say(&format!("handed over to the watch (pid {})", watch.pid));
    let before = told(dirs).unwrap_or_default();
    let handover = ask(
        &[Wanted::Apply {
            confirmed: args.confirm_restarts,
            prune: args.confirm_prune.iter().cloned().collect(),
        }],
        &names,
        args.timeout.unwrap_or(ANSWER),
        args.output,
        dirs,
        terminal,
    );
    let after = told(dirs).unwrap_or_default();
    if let (Handover::Answered(_), Some(exit)) =
        (handover, confirming::refused_by_watch(&after, args, dirs, terminal))
    {
        return Handover::Answered(exit);
    }
    let mine = |held: &&SourceStatus| args.paths.iter().any(|path| absolute(path) == held.place);
    let held = after.sources.iter().filter(mine).filter_map(|source| Some((source, source.held.as_ref()?)));
    let held: Vec<String> = held.map(|(source, held)| held_text(held, &source.place)).collect();
    for text in &held {
        terminal.say(&format!("held: {text}"));
    }
    match handover {
        Handover::Answered(Exit::Ok) if !broken && !held.is_empty() => Handover::Answered(Exit::Held),
        Handover::Answered(Exit::Ok) if broken => Handover::Answered(Exit::Failed),
        Handover::Answered(Exit::Ok) => {
            if args.output == Output::Text
                && processes(&before.objects, &names) == processes(&after.objects, &names)
            {
                terminal.data("nothing to do\n");
            }
            handover
        }
        Handover::Answered(_) | Handover::WatchEnded { .. } => handover,
    }
}

/// What the watch says; nothing while it hasn't said anything.
fn told(dirs: &Dirs) -> Result<Status, String> {
    read_status(dirs).map(Option::unwrap_or_default)
}

/// Generation and processes of these objects: what an apply changes.
fn processes(status: &[ServiceStatus], names: &BTreeSet<ServiceName>) -> Vec<(u64, Vec<Option<Pid>>)> {
    status
        .iter()
        .filter(|service| names.contains(&service.name))
        .map(|service| (service.generation, service.instances.iter().map(|instance| instance.pid).collect()))
        .collect()
}

/// Leaves requests and waits until they are taken and the objects have come to rest.
pub(super) fn ask(
    wanted: &[Wanted],
    names: &BTreeSet<ServiceName>,
    timeout: Duration,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    let mut left: Vec<PathBuf> = Vec::new();
    for wanted in wanted {
        match leave(dirs, &Request { by: crate::host::caller(), wanted: wanted.clone() }) {
            Ok(path) => left.push(path),
            Err(reason) => {
                terminal.say(&format!("error: {reason}"));
                return Handover::Answered(Exit::Failed);
            }
        }
    }
    let patience = Patience::new(timeout);
    while left.iter().any(|path| crate::host::exists(path)) {
        let ended = crate::host::presence::watcher(dirs).is_none();
        if ended || patience.is_over() {
            // What is asked must not wait here for a watch that comes much later.
            for path in &left {
                let _ = crate::host::requests::withdraw(path);
            }
        }
        if ended {
            return Handover::WatchEnded { taken: false };
        }
        if patience.is_over() {
            terminal.say("error: the watch doesn't answer");
            return Handover::Answered(Exit::Failed);
        }
        patience.pause(PAUSE);
    }
    await_rest(names, &patience, output, dirs, terminal)
}

fn await_rest(
    names: &BTreeSet<ServiceName>,
    patience: &Patience,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    loop {
        let all = match told(dirs) {
            Ok(status) => status.objects,
            Err(reason) => {
                terminal.say(&format!("error: {reason}"));
                return Handover::Answered(Exit::Failed);
            }
        };
        let ours: Vec<ServiceStatus> = all.into_iter().filter(|s| names.contains(&s.name)).collect();
        let worst = ours.iter().map(settled).max();
        let complete = ours.len() == names.len();
        match worst {
            Some(Settled::NotYet) => {}
            Some(worst) if complete => return Handover::Answered(conclude(&ours, worst, output, terminal)),
            None if names.is_empty() => return Handover::Answered(Exit::Ok),
            None | Some(_) => {}
        }
        if crate::host::presence::watcher(dirs).is_none() {
            return Handover::WatchEnded { taken: true };
        }
        if patience.is_over() {
            terminal.say("error: not everything was ready in time");
            return Handover::Answered(Exit::Failed);
        }
        patience.pause(PAUSE);
    }
}

fn conclude(status: &[ServiceStatus], worst: Settled, output: Output, terminal: Terminal) -> Exit {
    match output {
        Output::Json => terminal.json(&status),
        Output::Text => {
            for service in status {
                terminal.data(&status_line(service));
            }
        }
    }
    match worst {
        Settled::Ready => Exit::Ok,
        Settled::Held => Exit::Held,
        Settled::Failed | Settled::NotYet => Exit::Failed,
    }
}
