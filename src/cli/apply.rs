//! `apply`: converge once, wait until everything is ready or has failed, and end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::{ApplyArgs, Output};
use super::exit::Exit;
use super::handover::{self, Handover};
use super::plan::{accept, options};
use super::progress::Progress;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::converge::{converge, is_worth_telling};
use crate::engine::sources::Sources;
use crate::host::Host as _;
use crate::host::linux::HostOptions;
use crate::host::state_dir::Dirs;
use crate::plan::action::{Action, Outcome};
use crate::plan::status::{ConditionStatus, ConditionType, PhaseWord, ServiceStatus};
use crate::report::{deed, status_line};
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// Runs `apply`.
pub(super) fn run(args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    if let Some(exit) = through_watch(args, dirs, terminal) {
        return exit;
    }
    let options = HostOptions { lock_timeout: args.lock_timeout, signals: true, subreaper: true };
    match state::open(dirs, options, terminal) {
        Ok(opened) => apply(opened, args, terminal),
        Err(NotOpened::Held(pid)) => {
            through_watch(args, dirs, terminal).unwrap_or_else(|| NotOpened::Held(pid).report(terminal))
        }
        Err(reason) => reason.report(terminal),
    }
}

/// Through the watch that holds the state, if one does and doesn't end meanwhile.
fn through_watch(args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Option<Exit> {
    let watch = crate::host::presence::watcher(dirs)?;
    match handover::apply(&watch, args, dirs, terminal) {
        Handover::Answered(exit) => Some(exit),
        Handover::WatchEnded { .. } => None,
    }
}

fn apply(mut opened: Opened, args: &ApplyArgs, terminal: Terminal) -> Exit {
    let mut look = Sources::new(args.paths.clone()).look();
    terminal.diagnostics(&look.diagnostics);
    let broken = look.diagnostics.iter().any(Diagnostic::is_error);
    look.seen.prunable.retain(|place| crate::host::is_directory(place.as_ref()));
    let now = opened.host.now().boot;
    let accepted = accept(&look, &opened.memory, args.confirm_prune, now, terminal);
    let names: BTreeSet<ServiceName> =
        accepted.set.services.keys().chain(&accepted.set.removed).cloned().collect();
    // Whoever calls wants to know now: what waits for its next start gets it.
    for (_, record) in opened.memory.services.iter_mut().filter(|(name, _)| names.contains(name)) {
        record.hurry(now);
    }
    let run = Run {
        opened,
        set: accepted.set,
        names,
        confirmed: args.confirm_prune,
        until: args.timeout.map(|timeout| now.after(timeout)),
        terminal,
        text: args.output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
    };
    let exit = run.to_the_end(args.output);
    match exit {
        Exit::Ok if broken => Exit::Failed,
        Exit::Ok if accepted.held.is_some() => Exit::Held,
        other => other,
    }
}

/// One call of a verb that converges and waits.
pub(super) struct Run {
    pub opened: Opened,
    pub set: SpecSet,
    /// What this call is about.
    pub names: BTreeSet<ServiceName>,
    pub confirmed: bool,
    pub until: Option<BootTime>,
    pub terminal: Terminal,
    pub text: bool,
    pub did_something: bool,
    /// What was started, or could not be, in this call.
    pub tried: BTreeSet<ServiceName>,
}

/// How far an object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Settled {
    Ready,
    Held,
    Failed,
    NotYet,
}

/// Whether it is as wanted, has failed, or needs more time.
pub(super) fn settled(service: &ServiceStatus) -> Settled {
    match service.phase {
        PhaseWord::Stopped => Settled::Ready,
        PhaseWord::Running if is_blocked(service) => Settled::Held,
        PhaseWord::Running => Settled::Ready,
        PhaseWord::BackOff => Settled::Failed,
        PhaseWord::Held | PhaseWord::Unknown => Settled::Held,
        PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping => Settled::NotYet,
    }
}

/// It runs, but what its document says now is held back.
fn is_blocked(service: &ServiceStatus) -> bool {
    service.conditions.iter().any(|c| c.kind == ConditionType::Blocked && c.status == ConditionStatus::True)
}

impl Run {
    /// Ticks and waits until everything this call is about has come to rest.
    pub(super) fn to_the_end(mut self, output: Output) -> Exit {
        let mut progress = Progress::new(self.terminal);
        let mut full = true;
        loop {
            let (status, next) = self.round(full, &progress);
            full = false;
            let waiting: Vec<&ServiceStatus> =
                status.iter().filter(|s| self.settled(s) == Settled::NotYet).collect();
            progress.show(status.len() - waiting.len(), status.len(), &waiting);
            let late = self.until.is_some_and(|until| self.opened.host.now().boot >= until);
            if waiting.is_empty() || late {
                progress.clear();
                return self.conclude(&status, late && !waiting.is_empty(), output);
            }
            let until = next.into_iter().chain(self.until).min();
            match self.opened.host.wait(until) {
                Ok(wakes) if wakes.stop.is_some() => {
                    progress.clear();
                    self.terminal.say("interrupted; what was started goes on");
                    return Exit::Failed;
                }
                Ok(_) => {}
                Err(error) => {
                    self.terminal.say(&format!("error: {error}"));
                    return Exit::Failed;
                }
            }
        }
    }

    /// An end that came before this call has failed nothing yet: the next start is waited for.
    fn settled(&self, service: &ServiceStatus) -> Settled {
        match settled(service) {
            Settled::Failed if !self.has_failed(&service.name) => Settled::NotYet,
            other => other,
        }
    }

    /// A start was tried in this call, or could not even be.
    fn has_failed(&self, name: &ServiceName) -> bool {
        let record = self.opened.memory.services.get(name);
        self.tried.contains(name)
            || record.is_none_or(|r| r.instances.values().any(|instance| instance.last_error.is_some()))
    }

    fn round(&mut self, full: bool, progress: &Progress) -> (Vec<ServiceStatus>, Option<BootTime>) {
        let mut tick_options = options(self.confirmed);
        tick_options.hints.full = full;
        let Opened { host, memory } = &mut self.opened;
        let (terminal, text) = (self.terminal, self.text);
        let mut did_something = self.did_something;
        let tried = &mut self.tried;
        let last = converge(host, &self.set, memory, tick_options, &mut |tick| {
            for (step, outcome) in tick.outcomes.iter().filter(|(step, _)| is_worth_telling(step)) {
                did_something |= !matches!(outcome, Outcome::Refused { .. });
                if matches!(step.action, Action::Start { .. }) {
                    tried.insert(step.service.clone());
                }
                if text {
                    progress.above(|| terminal.data(&deed(step, outcome)));
                }
            }
            if let Some(reason) = &tick.not_remembered {
                progress.above(|| {
                    terminal.say(&format!("error: nothing is started, since it can't be recorded: {reason}"))
                });
            }
        });
        self.did_something = did_something;
        let names = &self.names;
        let unrecorded = last.not_remembered.is_some();
        let mut status: Vec<ServiceStatus> =
            last.plan.status.into_iter().filter(|service| names.contains(&service.name)).collect();
        if unrecorded {
            // Nothing will come of waiting for a disk.
            for service in status.iter_mut().filter(|service| settled(service) == Settled::NotYet) {
                service.phase = PhaseWord::Held;
            }
        }
        let next = if last.again { Some(host.now().boot) } else { last.next };
        (status, next)
    }

    fn conclude(&self, status: &[ServiceStatus], late: bool, output: Output) -> Exit {
        match output {
            Output::Json => self.terminal.json(&status),
            Output::Text => {
                for service in status.iter().filter(|service| settled(service) != Settled::Ready) {
                    self.terminal.data(&status_line(service));
                }
            }
        }
        let worst = status.iter().map(settled).max().unwrap_or(Settled::Ready);
        if late {
            self.terminal.say("error: not everything was ready in time");
            return Exit::Failed;
        }
        if output == Output::Text {
            self.last_word(status, worst);
        }
        match worst {
            Settled::Ready => Exit::Ok,
            Settled::Held => Exit::Held,
            Settled::Failed | Settled::NotYet => Exit::Failed,
        }
    }

    fn last_word(&self, status: &[ServiceStatus], worst: Settled) {
        let count = status.len();
        let ready = status.iter().filter(|service| settled(service) == Settled::Ready).count();
        match (worst, self.did_something) {
            (Settled::Ready, false) => self.terminal.data("nothing to do\n"),
            (_, _) => self.terminal.data(&format!("{ready} of {count} objects are as wanted\n")),
        }
    }
}

/// A deadline for verbs with `--timeout`.
pub(super) fn deadline(opened: &Opened, timeout: Duration) -> Option<BootTime> {
    Some(opened.host.now().boot.after(timeout))
}
