//! What a verb does while a watch holds the state: it asks on the control socket, and is told the status until the objects
//! have come to rest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::apply::{Settled, settled};
use super::args::{ApplyArgs, Output};
use super::confirming;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::engine::sources::{Sources, absolute};
use crate::host::control::{Ask, Line, LineError, Refusal, Reply, Told};
use crate::host::patience::{PAUSE, Patience};
use crate::host::presence::{Presence, watcher};
use crate::host::state_dir::Dirs;
use crate::plan::sources::{SourceStatus, Status};
use crate::plan::status::ServiceStatus;
use crate::plan::wanted::{Objects, Wanted};
use crate::report::{held_text, printable, status_line};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Without `--timeout`, a watch that doesn't answer isn't waited for any longer than that.
const ANSWER: Duration = Duration::from_mins(2);
/// More names than that aren't sent: all objects are followed then.
const NAMES_MAX: usize = 500;

/// How a handover ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Handover {
    /// With an answer.
    Answered(Exit),
    /// The watch ended. What was asked is on record, or nobody will do it any more.
    WatchEnded {
        /// It is on record, for these objects.
        taken: Option<BTreeSet<ServiceName>>,
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
    let before = told(dirs);
    let wanted = Wanted::Apply {
        confirmed: args.confirm_restarts,
        prune: args.confirm_prune.iter().cloned().collect(),
    };
    let timeout = args.timeout.unwrap_or(ANSWER);
    let handover = ask(&wanted, &names, timeout, args.output, dirs, terminal);
    let after = told(dirs);
    if let (Handover::Answered(_), Some(exit)) =
        (&handover, confirming::refused_by_watch(&after, args, dirs, terminal))
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

/// What the watch says of everything; nothing where it doesn't answer.
fn told(dirs: &Dirs) -> Status {
    let asked = Line::connect(dirs, ANSWER).and_then(|mut line| {
        match line.ask(Ask::Status(Objects::default()), ANSWER)? {
            Reply::Status(told) => {
                Ok(Status { objects: told.objects, policies: told.policies, sources: told.sources })
            }
            other => Err(unexpected(&other)),
        }
    });
    asked.unwrap_or_default()
}

/// An answer to another question.
pub(super) fn unexpected(reply: &Reply) -> LineError {
    LineError::Failed(format!("the answer is another one than was asked for: {reply:?}"))
}

/// Generation and processes of these objects: what an apply changes.
fn processes(status: &[ServiceStatus], names: &BTreeSet<ServiceName>) -> Vec<(u64, Vec<Option<Pid>>)> {
    status
        .iter()
        .filter(|service| names.contains(&service.name))
        .map(|service| (service.generation, service.instances.iter().map(|instance| instance.pid).collect()))
        .collect()
}

/// Asks, and waits until the objects have come to rest: these, and those that the watch says it is about.
pub(super) fn ask(
    wanted: &Wanted,
    names: &BTreeSet<ServiceName>,
    timeout: Duration,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    let patience = Patience::new(timeout);
    loop {
        match reach(dirs, &patience).and_then(|line| put(line, wanted, &patience)) {
            Ok((line, about)) => {
                let names: BTreeSet<ServiceName> = names.union(&about).cloned().collect();
                return await_rest(Some(line), &names, (&patience, output), dirs, terminal);
            }
            Err(LineError::Ended | LineError::Nobody) if watcher(dirs).is_none() => {
                return Handover::WatchEnded { taken: None };
            }
            // Another image of it, or another watch, comes.
            Err(LineError::Ended | LineError::Nobody) if !patience.is_over() => patience.pause(PAUSE),
            Err(error) => return Handover::Answered(refused(&error, terminal)),
        }
    }
}

/// Says why it isn't done.
pub(super) fn refused(error: &LineError, terminal: Terminal) -> Exit {
    match error {
        LineError::Refused(refusal) => {
            for sentence in refusal.sentences() {
                terminal.say(&format!("error: {}", printable(sentence)));
            }
            match refusal {
                Refusal::Busy(_) => Exit::HeldByOther,
                Refusal::Malformed(_)
                | Refusal::Version(_)
                | Refusal::Forbidden(_)
                | Refusal::Impossible(_)
                | Refusal::Failed(_) => Exit::Failed,
            }
        }
        LineError::Nobody | LineError::Ended | LineError::Late | LineError::Failed(_) => {
            terminal.say(&format!("error: {error}"));
            Exit::Failed
        }
    }
}

/// Connects to the watch that there is; one that has just begun may not listen yet.
pub(super) fn reach(dirs: &Dirs, patience: &Patience) -> Result<Line, LineError> {
    loop {
        match Line::connect(dirs, patience.left()) {
            Err(LineError::Nobody) if !patience.is_over() && watcher(dirs).is_some() => patience.pause(PAUSE),
            answer => return answer,
        }
    }
}

fn put(
    mut line: Line,
    wanted: &Wanted,
    patience: &Patience,
) -> Result<(Line, BTreeSet<ServiceName>), LineError> {
    match line.ask_as(crate::host::caller(), Ask::Do(wanted.clone()), patience.left())? {
        Reply::Done { objects } => Ok((line, objects)),
        other => Err(unexpected(&other)),
    }
}

/// Follows these objects until they have come to rest.
fn await_rest(
    line: Option<Line>,
    names: &BTreeSet<ServiceName>,
    (patience, output): (&Patience, Output),
    dirs: &Dirs,
    terminal: Terminal,
) -> Handover {
    if names.is_empty() {
        return Handover::Answered(Exit::Ok);
    }
    let mut follower = Follower { line, following: false, objects: objects(names) };
    loop {
        let ours: Vec<ServiceStatus> = match follower.next(dirs, patience) {
            Ok(told) => told.objects.into_iter().filter(|s| names.contains(&s.name)).collect(),
            Err(LineError::Ended | LineError::Nobody) if watcher(dirs).is_none() => {
                return Handover::WatchEnded { taken: Some(names.clone()) };
            }
            Err(LineError::Ended | LineError::Nobody) if !patience.is_over() => {
                patience.pause(PAUSE);
                continue;
            }
            Err(LineError::Late) => {
                terminal.say("error: not everything was ready in time");
                return Handover::Answered(Exit::Failed);
            }
            Err(error) => return Handover::Answered(refused(&error, terminal)),
        };
        let worst = ours.iter().map(settled).max();
        if let Some(worst) = worst.filter(|worst| *worst != Settled::NotYet && ours.len() == names.len()) {
            return Handover::Answered(conclude(&ours, worst, output, terminal));
        }
    }
}

fn objects(names: &BTreeSet<ServiceName>) -> Objects {
    let few = names.len() <= NAMES_MAX;
    let names = names.iter().filter(|_| few).map(|name| name.as_str().to_owned()).collect();
    Objects { names, ..Objects::default() }
}

/// Somebody who is told the status of objects, over more than one connection if need be.
pub(super) struct Follower {
    pub line: Option<Line>,
    pub following: bool,
    pub objects: Objects,
}

impl Follower {
    /// The status now, and the next time when it has changed.
    pub(super) fn next(&mut self, dirs: &Dirs, patience: &Patience) -> Result<Told, LineError> {
        let answer = self.hear(dirs, patience);
        if answer.is_err() {
            (self.line, self.following) = (None, false);
        }
        answer
    }

    fn hear(&mut self, dirs: &Dirs, patience: &Patience) -> Result<Told, LineError> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => reach(dirs, patience)?,
        };
        let reply = if self.following {
            line.next(patience.left())
        } else {
            line.ask(Ask::Follow(self.objects.clone()), patience.left())
        };
        let told = match reply? {
            Reply::Status(told) => told,
            other => return Err(unexpected(&other)),
        };
        (self.line, self.following) = (Some(line), true);
        Ok(told)
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
