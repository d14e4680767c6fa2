//! `start`, `stop`, `restart`, `reload`, `signal`, `suspend`, `resume`: what a person wants now, whatever the documents say.

use std::collections::BTreeSet;
use std::time::Duration;

use super::apply::{Run, deadline};
use super::args::{Output, WishArgs};
use super::exit::Exit;
use super::handover::{self, Handover};
use super::state::{self, Opened};
use super::terminal::Terminal;
use crate::engine::events::Chronicle;
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::presence::watcher;
use crate::host::requests::Wanted;
use crate::host::state_dir::Dirs;
use crate::plan::memory::{Ask, Memory, Record, Suspension};
use crate::spec::{ServiceName, SpecSet};
use crate::units::{Now, Signal, WallTime};

/// Which verb.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Start,
    Stop,
    Restart,
    Reload,
    Signal(Signal),
    Suspend { reason: String, until: Option<WallTime>, time: Option<Duration> },
    Resume,
}

impl Wish {
    fn wanted(&self, name: ServiceName, now: Now) -> Wanted {
        match self {
            Self::Start => Wanted::Start(name),
            Self::Stop => Wanted::Stop(name),
            Self::Restart => Wanted::Restart(name),
            Self::Reload => Wanted::Reload(name),
            Self::Signal(signal) => Wanted::Signal { name, signal: *signal },
            Self::Suspend { reason, .. } => {
                Wanted::Suspend { name, reason: reason.clone(), until: self.until(now) }
            }
            Self::Resume => Wanted::Resume(name),
        }
    }

    fn until(&self, now: Now) -> Option<WallTime> {
        match self {
            Self::Suspend { until, time, .. } => {
                until.or_else(|| time.map(|time| WallTime(now.wall.0.saturating_add(time))))
            }
            Self::Start | Self::Stop | Self::Restart | Self::Reload | Self::Signal(_) | Self::Resume => None,
        }
    }

    fn ask(&self, record: &mut Record, now: Now) {
        let by = crate::host::caller();
        match self {
            Self::Start => record.ask(true, by, now.wall),
            Self::Stop => record.ask(false, by, now.wall),
            Self::Restart => record.ask_restart(now.boot, by),
            Self::Reload => record.ask_of_all(Ask::Reload, &by),
            Self::Signal(signal) => record.ask_of_all(Ask::Signal(*signal), &by),
            Self::Suspend { reason, .. } => {
                let (reason, until) = (reason.clone(), self.until(now));
                record.suspension = Some(Suspension { by, at: now.wall, reason, until });
            }
            Self::Resume => record.suspension = None,
        }
    }

    /// Into the record of events.
    fn note(&self, opened: &Opened, names: &BTreeSet<ServiceName>) {
        let now = opened.host.now();
        let mut chronicle = Chronicle::new(&opened.host);
        for name in names {
            let wanted = self.wanted(name.clone(), now);
            let _ = chronicle.asked(&crate::host::person(), wanted.verb(), &wanted.to_string(), &[name]);
        }
    }

    /// Why it can't be asked of this object.
    fn objection(&self, record: &Record) -> Option<String> {
        let name = &record.spec.name;
        let field = record.spec.suspend.is_some();
        match self {
            Self::Reload if record.spec.reload.is_none() => Some(format!(
                "`{name}` has no `reload` in its document; `selfsame restart {name}` restarts it"
            )),
            Self::Resume if field => {
                Some(format!("`{name}` is suspended by its document, which has to say otherwise"))
            }
            Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Reload
            | Self::Signal(_)
            | Self::Suspend { .. }
            | Self::Resume => None,
        }
    }

    /// What is left alone is as it was asked for.
    fn conclude(&self, exit: Exit) -> Exit {
        match (self, exit) {
            (Self::Suspend { .. }, Exit::Held) => Exit::Ok,
            (_, exit) => exit,
        }
    }
}

/// Runs one of the verbs.
pub(super) fn run(wish: &Wish, args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let mut on_record = false;
    if watcher(dirs).is_some() {
        match through_watch(wish, args, dirs, terminal) {
            Handover::Answered(exit) => return wish.conclude(exit),
            Handover::WatchEnded { taken } => on_record = taken,
        }
    }
    let options = HostOptions { lock_timeout: args.timeout, signals: true, subreaper: true };
    let mut opened = match state::open(dirs, options, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let Some(names) = names_but(args, &opened.memory, terminal, &|record| wish.objection(record)) else {
        return Exit::Failed;
    };
    let now = opened.host.now();
    for name in names.iter().filter(|_| !on_record) {
        if let Some(record) = opened.memory.record_mut(name) {
            wish.ask(record, now);
        }
    }
    if !on_record {
        wish.note(&opened, &names);
    }
    let set = chosen(&opened.memory, &names);
    let run = Run {
        until: Some(deadline(&opened, args.timeout)),
        opened,
        set,
        names,
        confirmed: true,
        max_starts: super::plan::parallel_starts(None),
        terminal,
        text: args.output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
    };
    wish.conclude(run.run_to_rest(args.output))
}

fn through_watch(wish: &Wish, args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Handover {
    let Opened { host, memory } = match state::look(dirs, terminal) {
        Ok(opened) => opened,
        Err(reason) => return Handover::Answered(reason.report(terminal)),
    };
    let Some(names) = names_but(args, &memory, terminal, &|record| wish.objection(record)) else {
        return Handover::Answered(Exit::Failed);
    };
    let now = host.now();
    let wanted: Vec<Wanted> = names.iter().map(|name| wish.wanted(name.clone(), now)).collect();
    handover::ask(&wanted, &names, args.timeout, args.output, dirs, terminal)
}

/// The objects asked for; `None` if one isn't on record, which is said.
pub(super) fn names(args: &WishArgs, memory: &Memory, terminal: Terminal) -> Option<BTreeSet<ServiceName>> {
    names_but(args, memory, terminal, &|_| None)
}

/// The same, where something may speak against an object: with `--all` those are left out.
fn names_but(
    args: &WishArgs,
    memory: &Memory,
    terminal: Terminal,
    objection: &dyn Fn(&Record) -> Option<String>,
) -> Option<BTreeSet<ServiceName>> {
    if args.objects.all {
        let may = |record: &Record| objection(record).is_none();
        let all = memory.services.iter().filter(|(_, record)| may(record));
        return Some(all.map(|(name, _)| name.clone()).collect());
    }
    let mut names = BTreeSet::new();
    let mut all_known = true;
    for text in &args.objects.names {
        match ServiceName::new(text).ok().filter(|name| memory.services.contains_key(name)) {
            Some(name) => {
                if let Some(objection) = memory.services.get(&name).and_then(|record| objection(record)) {
                    terminal.say(&format!("error: {objection}"));
                    all_known = false;
                }
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
