//! `start`, `stop`, `restart`, `reload`, `signal`, `suspend`, `resume`: what a person wants now, whatever the documents say.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::{self, Output, WishArgs};
use super::exit::Exit;
use super::handover::{self, Handover};
use super::state::{self, NotOpened};
use super::terminal::Terminal;
use super::to_rest::{Run, deadline};
use crate::engine::events::Chronicle;
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::patience::Patience;
use crate::host::policies_file;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::plan::memory::Memory;
use crate::plan::wanted::{Objects, Wanted};
use crate::report::printable;
use crate::spec::{ServiceName, SpecSet};
use crate::units::{Now, Signal, WallTime};

/// Which verb.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Start(End),
    Stop(End),
    Restart,
    Reload,
    Signal(Signal),
    Suspend { reason: String, end: End },
    Resume,
}

/// When what was asked for ends by itself; neither: it doesn't.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    /// At this moment.
    pub until: Option<WallTime>,
    /// After so long.
    pub time: Option<Duration>,
}

impl End {
    fn moment(self, now: Now) -> Option<WallTime> {
        self.until.or_else(|| self.time.map(|time| now.wall.after(time)))
    }
}

impl Wish {
    /// When it ends by itself, where that can be asked for.
    fn end(&self) -> Option<End> {
        match self {
            Self::Start(end) | Self::Stop(end) | Self::Suspend { end, .. } => Some(*end),
            Self::Restart | Self::Reload | Self::Signal(_) | Self::Resume => None,
        }
    }

    fn wanted(&self, objects: Objects, now: Now) -> Wanted {
        match self {
            Self::Start(end) => Wanted::Start { objects, until: end.moment(now) },
            Self::Stop(end) => Wanted::Stop { objects, until: end.moment(now) },
            Self::Restart => Wanted::Restart(objects),
            Self::Reload => Wanted::Reload(objects),
            Self::Signal(signal) => Wanted::Signal { objects, signal: *signal },
            Self::Suspend { reason, end } => {
                Wanted::Suspend { objects, reason: reason.clone(), until: end.moment(now) }
            }
            Self::Resume => Wanted::Resume(objects),
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

/// The objects that a person means.
pub(super) fn objects(args: &args::Objects) -> Objects {
    let selector = args.selector.clone().unwrap_or_default().0;
    Objects { names: args.names.clone(), selector, all: args.all }
}

/// Runs one of the verbs.
pub(super) fn run(wish: &Wish, args: &WishArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let now = crate::host::clock::now();
    if wish.end().and_then(|end| end.moment(now)).is_some_and(|moment| moment <= now.wall) {
        terminal.say("error: it would end at once: that moment is over\nhelp: give `--for` a time, or `--until` a moment to come");
        return Exit::Usage;
    }
    let wanted = wish.wanted(objects(&args.objects), now);
    wish.conclude(ask(&wanted, args.timeout, args.output, dirs, terminal))
}

/// Has it done by the watch that holds the state, or does it.
pub(super) fn ask(
    wanted: &Wanted,
    timeout: Duration,
    output: Output,
    dirs: &Dirs,
    terminal: Terminal,
) -> Exit {
    let patience = Patience::new(timeout);
    let mut on_record = None;
    let mut opened = loop {
        if watcher(dirs).is_some() {
            let left = patience.left();
            let answer = match &on_record {
                None => handover::ask(wanted, &BTreeSet::new(), left, output, dirs, terminal),
                Some(names) => handover::rest(names, left, output, dirs, terminal),
            };
            match answer {
                Handover::Answered(exit) => return exit,
                Handover::WatchEnded { taken } => on_record = taken.or(on_record),
            }
        }
        let lock_timeout = patience.left();
        let options = HostOptions { lock_timeout, signals: true, subreaper: true, patient: true };
        match state::open_unless_watched(dirs, options, terminal) {
            Ok(opened) => break opened,
            // A watch has begun, and does what is asked.
            Err(NotOpened::Held(_)) if watcher(dirs).is_some() => {}
            Err(reason) => return reason.report(terminal),
        }
    };
    let names = match on_record {
        Some(names) => names,
        None => {
            let now = opened.host.now();
            let rest = match of_policies(wanted, &opened, now) {
                Ok(Some(rest)) => rest,
                Ok(None) => return Exit::Ok,
                Err(reason) => return impossible(&[reason], terminal),
            };
            match rest.record(&mut opened.memory, &crate::host::caller(), now) {
                Ok(names) => {
                    let mut chronicle = Chronicle::new(&opened.host);
                    let objects: Vec<&ServiceName> = names.iter().collect();
                    let _ =
                        chronicle.asked(&crate::host::person(), wanted.verb(), &wanted.to_string(), &objects);
                    names
                }
                Err(problems) => return impossible(&problems, terminal),
            }
        }
    };
    let set = chosen(&opened.memory, &names);
    let run = Run {
        began: opened.host.now().wall,
        until: Some(deadline(&opened, timeout)),
        opened,
        set,
        names,
        confirmed: true,
        max_starts: super::one_look::parallel_starts(None),
        terminal,
        text: output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
        broken: false,
        revisions: super::revisions::Revisions::default(),
    };
    run.run_to_rest(output)
}

/// Puts on record what is asked about policies that a watch has looked after in this boot; the next one goes by it. Gives what
/// is asked about objects.
fn of_policies(wanted: &Wanted, opened: &state::Opened, now: Now) -> Result<Option<Wanted>, String> {
    let dirs = opened.host.dirs();
    let mut kept = policies_file::read(dirs).unwrap_or_default();
    let of_this_boot = kept.boot.as_ref() == Some(opened.host.boot());
    let is_policy = |name: &ServiceName| of_this_boot && kept.policies.contains_key(name);
    let (rest, names) = wanted.without_policies(&opened.memory, &is_policy);
    if names.is_empty() {
        return Ok(rest);
    }
    for (_, one) in kept.policies.iter_mut().filter(|(name, _)| names.contains(*name)) {
        let word = wanted.suspension(&crate::host::caller(), now.wall);
        one.suspension = word.map(|word| word.beside(one.suspension.as_ref()));
    }
    policies_file::write(dirs, &kept)?;
    let about: Vec<&ServiceName> = names.iter().collect();
    let mut chronicle = Chronicle::new(&opened.host);
    chronicle.asked(&crate::host::person(), wanted.verb(), &wanted.to_string(), &about);
    Ok(rest)
}

fn impossible(problems: &[String], terminal: Terminal) -> Exit {
    for problem in problems {
        terminal.say(&format!("error: {}", printable(problem)));
    }
    Exit::Failed
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
