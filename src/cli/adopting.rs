//! `adopt PID --as NAME` and `release NAME`: a person takes a process over, or lets it go. It isn't touched by either.

use std::collections::BTreeSet;

use super::apply::{Run, deadline};
use super::args::{AdoptArgs, Output, WishArgs};
use super::exit::Exit;
use super::handover::{self, Handover};
use super::state::{self, Opened};
use super::terminal::Terminal;
use super::wish::{chosen, names};
use crate::engine::events::Chronicle;
use crate::engine::tick::{TickOptions, preview};
use crate::facts::{Fact, ProcessKey};
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::presence::watcher;
use crate::host::requests::Wanted;
use crate::host::signal::protected;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::spec::ServiceName;
use crate::units::Pid;

/// Runs `adopt`.
pub(super) fn adopt(args: &AdoptArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    if watcher(dirs).is_some() {
        let mut opened = match state::look(dirs, terminal) {
            Ok(opened) => opened,
            Err(reason) => return reason.report(terminal),
        };
        let (name, key) = match judged(&mut opened, args) {
            Ok(found) => found,
            Err((sentence, exit)) => return refused(&sentence, exit, terminal),
        };
        let wanted = Wanted::Adopt { name: name.clone(), key, force: args.force };
        let handover =
            handover::ask(&[wanted], &BTreeSet::from([name]), args.timeout, args.output, dirs, terminal);
        if let Handover::Answered(exit) = handover {
            return exit;
        }
    }
    let options = HostOptions { lock_timeout: args.timeout, signals: true, subreaper: true };
    let mut opened = match state::open(dirs, options, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let (name, key) = match judged(&mut opened, args) {
        Ok(found) => found,
        Err((sentence, exit)) => return refused(&sentence, exit, terminal),
    };
    let wanted = Wanted::Adopt { name: name.clone(), key: key.clone(), force: args.force };
    note(&opened, std::iter::once(wanted));
    if let Some(record) = opened.memory.record_mut(&name) {
        record.ask_adopt(key, args.force, crate::host::caller());
    }
    to_rest(opened, BTreeSet::from([name]), args.timeout, args.output, terminal)
}

fn refused(sentence: &str, exit: Exit, terminal: Terminal) -> Exit {
    terminal.say(&format!("error: {sentence}"));
    exit
}

/// The object and the key of the process, if the plan would take it. What the answer rests on is looked at again when it is
/// carried out.
fn judged(opened: &mut Opened, args: &AdoptArgs) -> Result<(ServiceName, ProcessKey), (String, Exit)> {
    let known = |name: &ServiceName| opened.memory.services.contains_key(name);
    let name = ServiceName::new(&args.name).ok().filter(known).ok_or_else(|| {
        let sentence =
            format!("no object `{}` is on record; `apply` or `watch` its document first", args.name);
        (sentence, Exit::Failed)
    })?;
    let pid = Pid(args.pid);
    if let Some(why) = protected(pid) {
        return Err((format!("{pid} is not adopted: {why}"), Exit::Refused));
    }
    let key = match opened.host.key_of(pid) {
        Fact::Known(key) => key,
        Fact::Absent => return Err((format!("there is no process {pid}"), Exit::Failed)),
        Fact::Unknown(reason) => return Err((format!("{pid} can't be looked at: {reason}"), Exit::Held)),
    };
    let mut memory = opened.memory.clone();
    if let Some(record) = memory.record_mut(&name) {
        record.ask_adopt(key.clone(), args.force, crate::host::caller());
    }
    let set = chosen(&memory, &BTreeSet::from([name.clone()]));
    let plan = preview(&mut opened.host, &set, &memory, TickOptions::default());
    if holds(&plan.memory, &name, &key) {
        return Ok((name, key));
    }
    let conditions = plan.status.iter().flat_map(|service| &service.conditions);
    let why =
        conditions.filter(|condition| condition.reason == "NotAdopted").map(|c| c.message.clone()).next();
    Err((
        why.unwrap_or_else(|| format!("{name}: {pid} is not adopted: the object can't be looked at now")),
        Exit::Refused,
    ))
}

fn holds(memory: &Memory, name: &ServiceName, key: &ProcessKey) -> bool {
    memory.services.get(name).is_some_and(|record| {
        record.instances.values().any(|i| i.phase.process().is_some_and(|process| process.key == *key))
    })
}

/// Runs `release`.
pub(super) fn release(args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let Opened { memory, .. } = match state::look(dirs, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let Some(names) = names(args, &memory, terminal) else { return Exit::Failed };
    let mut exit = None;
    if watcher(dirs).is_some() {
        let wanted: Vec<Wanted> = names.iter().cloned().map(Wanted::Release).collect();
        if let Handover::Answered(answer) =
            handover::ask(&wanted, &names, args.timeout, args.output, dirs, terminal)
        {
            exit = Some(answer);
        }
    }
    let exit = exit.unwrap_or_else(|| {
        let options = HostOptions { lock_timeout: args.timeout, signals: true, subreaper: true };
        let mut opened = match state::open(dirs, options, terminal) {
            Ok(opened) => opened,
            Err(reason) => return reason.report(terminal),
        };
        let now = opened.host.now();
        note(&opened, names.iter().map(|name| Wanted::Release(name.clone())));
        for name in &names {
            if let Some(record) = opened.memory.record_mut(name) {
                record.ask_release(crate::host::caller(), now.wall);
            }
        }
        to_rest(opened, names.clone(), args.timeout, args.output, terminal)
    });
    // To be left alone is what was asked for here.
    match (exit, state::look(dirs, terminal)) {
        (Exit::Held, Ok(after)) if names.iter().all(|name| is_free(&after.memory, name)) => Exit::Ok,
        (exit, _) => exit,
    }
}

/// Into the record of events.
fn note(opened: &Opened, wanted: impl Iterator<Item = Wanted>) {
    let mut chronicle = Chronicle::new(&opened.host);
    for wanted in wanted {
        let _ = chronicle.asked(&crate::host::person(), wanted.verb(), &wanted.to_string(), &wanted.names());
    }
}

fn is_free(memory: &Memory, name: &ServiceName) -> bool {
    let record = memory.services.get(name);
    record.is_none_or(|record| record.instances.values().all(|i| i.phase.process().is_none()))
}

fn to_rest(
    opened: Opened,
    names: BTreeSet<ServiceName>,
    timeout: std::time::Duration,
    output: Output,
    terminal: Terminal,
) -> Exit {
    let set = chosen(&opened.memory, &names);
    Run {
        until: Some(deadline(&opened, timeout)),
        opened,
        set,
        names,
        confirmed: true,
        max_starts: super::plan::parallel_starts(None),
        terminal,
        text: output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
    }
    .run_to_rest(output)
}
