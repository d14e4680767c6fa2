//! `adopt PID --as NAME` and `release NAME`: a person takes a process over, or lets it go. It isn't touched by either.

use std::collections::BTreeSet;

use super::args::{AdoptArgs, WishArgs};
use super::exit::Exit;
use super::state::{self, Opened};
use super::terminal::Terminal;
use super::wish::{self, chosen};
use crate::engine::tick::{TickOptions, preview};
use crate::facts::{Fact, ProcessKey, Why};
use crate::host::signal::protected;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::plan::wanted::{Wanted, no_object};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Runs `adopt`.
pub(super) fn adopt(args: &AdoptArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let mut opened = match state::look(dirs, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    match judged(&mut opened, args) {
        Ok((name, key)) => {
            let wanted = Wanted::Adopt { name, key, force: args.force };
            wish::ask(&wanted, args.timeout, args.output, dirs, terminal)
        }
        Err((sentence, exit)) => refused(&sentence, exit, terminal),
    }
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
        let known = opened.memory.services.keys().map(ServiceName::as_str);
        let sentence = no_object(&args.name, known);
        (format!("{sentence}\nhelp: `apply` or `watch` its document first"), Exit::Failed)
    })?;
    let pid = Pid(args.pid);
    if let Some(why) = protected(pid) {
        return Err((format!("{pid} is not adopted: {why}"), Exit::Refused));
    }
    let key = match opened.host.key_of(pid) {
        Fact::Known(key) => key,
        Fact::Absent => return Err((format!("there is no process {pid}"), Exit::Failed)),
        Fact::Unknown(reason) if reason.why == Why::Vanished => {
            return Err((format!("there is no process {pid}"), Exit::Failed));
        }
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
    let wanted = Wanted::Release(wish::objects(&args.objects));
    let exit = wish::ask(&wanted, args.timeout, args.output, dirs, terminal);
    // To be left alone is what was asked for here.
    match (exit, state::look(dirs, terminal)) {
        (Exit::Held, Ok(after)) => {
            let free = wanted
                .names(&after.memory)
                .is_ok_and(|names| names.iter().all(|name| is_free(&after.memory, name)));
            if free { Exit::Ok } else { Exit::Held }
        }
        (exit, _) => exit,
    }
}

fn is_free(memory: &Memory, name: &ServiceName) -> bool {
    let record = memory.services.get(name);
    record.is_none_or(|record| record.instances.values().all(|i| i.phase.process().is_none()))
}
