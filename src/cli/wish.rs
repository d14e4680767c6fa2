//! `start`, `stop`, `restart`: what a person wants now, whatever the documents say.

use std::collections::BTreeSet;

use super::apply::{Run, deadline};
use super::args::{Output, WishArgs};
use super::exit::Exit;
use super::handover::{self, Handover};
use super::state::{self, Opened};
use super::terminal::Terminal;
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::presence::watcher;
use crate::host::requests::Wanted;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::spec::{ServiceName, SpecSet};

/// Which of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Start,
    Stop,
    Restart,
}

impl Wish {
    fn wanted(self, name: ServiceName) -> Wanted {
        match self {
            Self::Start => Wanted::Start(name),
            Self::Stop => Wanted::Stop(name),
            Self::Restart => Wanted::Restart(name),
        }
    }
}

/// Runs one of the three verbs.
pub(super) fn run(wish: Wish, args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let mut on_record = false;
    if watcher(dirs).is_some() {
        match through_watch(wish, args, dirs, terminal) {
            Handover::Answered(exit) => return exit,
            Handover::WatchEnded { taken } => on_record = taken,
        }
    }
    let options = HostOptions { lock_timeout: args.timeout, signals: true, subreaper: true };
    let mut opened = match state::open(dirs, options, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let Some(names) = names(args, &opened.memory, terminal) else { return Exit::Failed };
    let now = opened.host.now();
    for name in names.iter().filter(|_| !on_record) {
        if let Some(record) = opened.memory.record_mut(name) {
            match wish {
                Wish::Start => record.ask(true, crate::host::caller(), now.wall),
                Wish::Stop => record.ask(false, crate::host::caller(), now.wall),
                Wish::Restart => record.ask_restart(now.boot),
            }
        }
    }
    let set = chosen(&opened.memory, &names);
    Run {
        until: Some(deadline(&opened, args.timeout)),
        opened,
        set,
        names,
        confirmed: true,
        terminal,
        text: args.output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
    }
    .run_to_rest(args.output)
}

fn through_watch(wish: Wish, args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Handover {
    let Opened { memory, .. } = match state::look(dirs, terminal) {
        Ok(opened) => opened,
        Err(reason) => return Handover::Answered(reason.report(terminal)),
    };
    let Some(names) = names(args, &memory, terminal) else { return Handover::Answered(Exit::Failed) };
    let wanted: Vec<Wanted> = names.iter().map(|name| wish.wanted(name.clone())).collect();
    handover::ask(&wanted, &names, args.timeout, args.output, dirs, terminal)
}

/// The objects asked for; `None` if one isn't on record, which is said.
pub(super) fn names(args: &WishArgs, memory: &Memory, terminal: Terminal) -> Option<BTreeSet<ServiceName>> {
    if args.objects.all {
        return Some(memory.services.keys().cloned().collect());
    }
    let mut names = BTreeSet::new();
    let mut all_known = true;
    for text in &args.objects.names {
        match ServiceName::new(text).ok().filter(|name| memory.services.contains_key(name)) {
            Some(name) => {
                names.insert(name);
            }
            None => {
                let near =
                    crate::diagnostic::did_you_mean(text, memory.services.keys().map(ServiceName::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                terminal.say(&format!("error: no object `{text}` is on record{hint}"));
                all_known = false;
            }
        }
    }
    all_known.then_some(names)
}

/// The documents on record of the objects asked for.
pub(super) fn chosen(memory: &Memory, names: &BTreeSet<ServiceName>) -> SpecSet {
    let services = memory
        .services
        .iter()
        .filter(|(name, _)| names.contains(*name))
        .map(|(name, record)| (name.clone(), record.spec.clone()));
    SpecSet { services: services.collect(), ..SpecSet::default() }
}
