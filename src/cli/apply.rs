//! `apply`: converge once, wait until everything is ready or has failed, and end.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::args::{ApplyArgs, Output};
use super::confirming;
use super::exit::Exit;
use super::handover::{self, Handover};
use super::plan::{accept, at_once, options, parallel_starts, say_held};
use super::progress::Progress;
use super::revisions::Revisions;
use super::settings;
use super::state::{self, NotOpened, Opened};
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::converge::{converge, is_worth_telling};
use crate::engine::events::Chronicle;
use crate::engine::sources::Sources;
use crate::host::Host as _;
use crate::host::good_texts::GoodTexts;
use crate::host::history::{Accepted, History};
use crate::host::linux::HostOptions;
use crate::host::state_dir::Dirs;
use crate::plan::action::{Action, Outcome};
use crate::plan::memory::Due;
use crate::plan::status::{Condition, ConditionStatus, ConditionType, PhaseWord, ServiceStatus, TaskStatus};
use crate::report::{deed, status_line};
use crate::spec::engine::Settings;
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// Runs `apply`.
pub(super) fn run(args: &ApplyArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let stored = match super::stored::given(args).transpose() {
        Ok(stored) => stored,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    if stored.is_none()
        && let Some(exit) = through_watch(args, dirs, terminal)
    {
        return exit;
    }
    let options = HostOptions { lock_timeout: args.lock_timeout, signals: true, subreaper: true };
    let over = args.settings.clone();
    let config = args.settings.look.config.as_ref();
    let settings = match settings::read(config, move |settings| over.put_over(settings), terminal) {
        Ok(configured) => configured.settings,
        Err(exit) => return exit,
    };
    if let Some(stored) = stored {
        return super::stored::apply(&stored, args, (&settings, dirs), terminal);
    }
    match state::open(dirs, options, terminal) {
        Ok(opened) => apply(opened, args, (&settings, dirs), terminal),
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

fn apply(
    mut opened: Opened,
    args: &ApplyArgs,
    (settings, dirs): (&Settings, &Dirs),
    terminal: Terminal,
) -> Exit {
    let shelf = Rc::clone(opened.host.shelf());
    let in_use = shelf.in_use(&opened.memory);
    let host = super::on_host::this_host(settings, dirs);
    let sources = match super::piped::sources(&args.paths, Sources::new) {
        Ok(sources) => sources.with_settings(settings).on_host(host),
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let texts = GoodTexts::open(opened.host.dirs());
    let mut look = sources.with_good_texts(texts).with_shelf(shelf).with_plugins(in_use).look();
    if let Some(trouble) = &look.trouble {
        terminal.say(&format!("warning: {trouble}"));
    }
    terminal.diagnostics(&look.diagnostics);
    let broken = look.diagnostics.iter().any(Diagnostic::is_error);
    look.seen.prunable.retain(|place| crate::host::is_directory(place.as_ref()));
    let now = opened.host.now().boot;
    let mut rules = at_once(settings);
    rules.confirmed.extend(args.confirm_prune.iter().cloned());
    let accepted = accept(&look, &opened.memory, &rules, now);
    if let Some(exit) = confirming::refused(&accepted, args, opened.host.dirs(), terminal) {
        return exit;
    }
    say_held(&accepted, terminal);
    if !accepted.set.policies.is_empty() {
        let count = accepted.set.policies.len();
        let noun = if count == 1 { "Policy is" } else { "Policies are" };
        terminal.say(&format!("{count} {noun} looked after by `watch` only; `plan` says what they would do"));
    }
    let names: BTreeSet<ServiceName> =
        accepted.set.services.keys().chain(&accepted.set.removed).cloned().collect();
    let concerned = opened.memory.services.iter_mut().filter(|(name, _)| names.contains(*name));
    for (_, record) in concerned.filter(|(_, record)| record.remembers_failures()) {
        // What failed before this call says nothing about this call.
        Arc::make_mut(record).try_again();
    }
    let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let asked = format!("apply {}", paths.join(" "));
    let _ = Chronicle::new(&opened.host).asked(&crate::host::person(), "Apply", &asked, &[]);
    // What this call leaves alone is in force as well.
    let mut in_force = super::wish::chosen(&opened.memory, &opened.memory.services.keys().cloned().collect());
    in_force.services.retain(|name, _| !accepted.set.removed.contains(name));
    in_force.services.extend(accepted.set.services.clone());
    let (at, by) = (opened.host.now().wall, crate::host::caller());
    let kept = Accepted { services: in_force.services, at, by, why: asked };
    History::new(&opened.host.dirs().clone()).keep(kept);
    let run = Run {
        opened,
        set: accepted.set,
        names,
        confirmed: args.confirm_restarts,
        max_starts: parallel_starts(settings.max_parallel_starts),
        until: args.timeout.map(|timeout| now.after(timeout)),
        terminal,
        text: args.output == Output::Text,
        did_something: false,
        tried: BTreeSet::new(),
        unrecorded: false,
        revisions: Revisions::of(&args.paths, dirs),
    };
    if run.text {
        terminal.data(&run.revisions.text());
    }
    let exit = run.run_to_rest(args.output);
    match exit {
        Exit::Ok if broken => Exit::Failed,
        Exit::Ok if !accepted.held.is_empty() => Exit::Held,
        other => other,
    }
}

/// One call of a verb that converges and waits.
#[allow(clippy::struct_excessive_bools, reason = "independent facts about the call")]
pub(super) struct Run {
    pub opened: Opened,
    pub set: SpecSet,
    /// What this call is about.
    pub names: BTreeSet<ServiceName>,
    pub confirmed: bool,
    /// So many are being started at a time.
    pub max_starts: usize,
    pub until: Option<BootTime>,
    pub terminal: Terminal,
    pub text: bool,
    pub did_something: bool,
    /// Objects that this call tried to start.
    pub tried: BTreeSet<ServiceName>,
    /// What was decided could not be written down.
    pub unrecorded: bool,
    /// What the documents are of.
    pub revisions: Revisions,
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
    if let Some(task) = &service.task {
        return settled_task(service, task);
    }
    match service.phase {
        PhaseWord::Stopped => Settled::Ready,
        PhaseWord::Running if is_blocked(service) => Settled::Held,
        PhaseWord::Running if is(service, ConditionType::Progressing) => Settled::NotYet,
        PhaseWord::Running if has_failed_reload(service) || was_rolled_back(service) => Settled::Failed,
        PhaseWord::Running => Settled::Ready,
        PhaseWord::BackOff => Settled::Failed,
        PhaseWord::Held | PhaseWord::Unknown => Settled::Held,
        PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping => Settled::NotYet,
    }
}

/// A Task that isn't scheduled is waited for; of a scheduled one, only what somebody asked for.
fn settled_task(service: &ServiceStatus, task: &TaskStatus) -> Settled {
    let failed = service.conditions.iter().any(|condition| {
        condition.kind == ConditionType::Ready
            && condition.status == ConditionStatus::False
            && matches!(condition.reason.as_str(), "Failed" | "RunStopped")
    });
    match service.phase {
        PhaseWord::Held | PhaseWord::Unknown => Settled::Held,
        PhaseWord::Stopped if failed => Settled::Failed,
        PhaseWord::Stopped => Settled::Ready,
        PhaseWord::Starting | PhaseWord::Running if matches!(task.under_way, Some(Due::Schedule(_))) => {
            Settled::Ready
        }
        PhaseWord::Pending
        | PhaseWord::Starting
        | PhaseWord::Running
        | PhaseWord::Stopping
        | PhaseWord::BackOff => Settled::NotYet,
    }
}

/// It runs, but what its document says now is held back.
fn is_blocked(service: &ServiceStatus) -> bool {
    is(service, ConditionType::Blocked)
}

fn is(service: &ServiceStatus, kind: ConditionType) -> bool {
    service.conditions.iter().any(|c| c.kind == kind && c.status == ConditionStatus::True)
}

/// It runs by the document of before.
fn was_rolled_back(service: &ServiceStatus) -> bool {
    service.conditions.iter().any(|c| c.kind == ConditionType::UpToDate && c.reason == "RolledBack")
}

/// It runs with the configuration of before.
fn has_failed_reload(service: &ServiceStatus) -> bool {
    let failed = |c: &Condition| c.kind == ConditionType::Degraded && c.reason == "ReloadFailed";
    service.conditions.iter().any(failed)
}

impl Run {
    /// Ticks and waits until everything this call is about has come to rest.
    pub(super) fn run_to_rest(mut self, output: Output) -> Exit {
        let mut progress = Progress::new(self.terminal);
        let mut chronicle = Chronicle::new(&self.opened.host);
        let mut full = true;
        loop {
            let (status, next) = self.round(full, &progress, &mut chronicle);
            if let Some(trouble) = chronicle.take_trouble() {
                self.terminal.say(&format!("warning: {trouble}"));
            }
            full = false;
            let waiting: Vec<&ServiceStatus> =
                status.iter().filter(|service| self.settled(service) == Settled::NotYet).collect();
            progress.show(status.len() - waiting.len(), status.len(), &waiting);
            let late = self.until.is_some_and(|until| self.opened.host.now().boot >= until);
            // Nothing will come of waiting for a disk.
            if waiting.is_empty() || late || self.unrecorded {
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

    fn round(
        &mut self,
        full: bool,
        progress: &Progress,
        chronicle: &mut Chronicle,
    ) -> (Vec<ServiceStatus>, Option<BootTime>) {
        let mut tick_options = options(self.confirmed, Some(self.max_starts));
        tick_options.hints.full = full;
        let Opened { host, memory } = &mut self.opened;
        let (terminal, text) = (self.terminal, self.text);
        let mut did_something = self.did_something;
        let tried = &mut self.tried;
        let last = converge(host, &self.set, memory, tick_options, &mut |tick| {
            chronicle.tell(&tick.events);
            let starts = tick.plan.steps.iter().filter(|step| matches!(step.action, Action::Start { .. }));
            tried.extend(starts.map(|step| step.service.clone()));
            for (step, outcome) in tick.outcomes.iter().filter(|(step, _)| is_worth_telling(step)) {
                did_something |= !matches!(outcome, Outcome::Refused { .. });
                if text {
                    progress.above(|| terminal.data(&deed(step, outcome)));
                }
            }
            if let Some(reason) = &tick.not_remembered {
                progress.above(|| {
                    terminal.say(&format!("error: nothing is started, since it can't be recorded: {reason}"));
                });
            }
        });
        self.did_something = did_something;
        self.unrecorded = last.not_remembered.is_some();
        let names = &self.names;
        let mut status: Vec<ServiceStatus> =
            last.plan.status.into_iter().filter(|service| names.contains(&service.name)).collect();
        self.revisions.show(&mut status, &self.set);
        let next = if last.again { Some(host.now().boot) } else { last.next };
        (status, next)
    }

    /// A wait before the next start is a failure only if it is this call's: a process that was found dead is first
    /// started again.
    fn settled(&self, service: &ServiceStatus) -> Settled {
        if let Some(task) = &service.task {
            return self.settled_task(service, task);
        }
        match settled(service) {
            Settled::Failed if !self.tried.contains(&service.name) && !self.has_error(&service.name) => {
                Settled::NotYet
            }
            settled => settled,
        }
    }

    /// What this call has started is waited for, since nobody else would see how it ends. A scheduled run that failed before
    /// is no failure of this call.
    fn settled_task(&self, service: &ServiceStatus, task: &TaskStatus) -> Settled {
        let scheduled = task.run == "schedule";
        let runs = service.instances.iter().any(|instance| instance.pid.is_some());
        match settled(service) {
            Settled::Ready if runs && self.tried.contains(&service.name) => Settled::NotYet,
            Settled::Failed if scheduled && !self.tried.contains(&service.name) => Settled::Ready,
            settled => settled,
        }
    }

    /// Errors of former calls were forgotten when this one began.
    fn has_error(&self, name: &ServiceName) -> bool {
        let record = self.opened.memory.services.get(name);
        record.is_some_and(|record| record.instances.values().any(|instance| instance.last_error.is_some()))
    }

    fn conclude(&self, status: &[ServiceStatus], late: bool, output: Output) -> Exit {
        match output {
            Output::Json => self.terminal.json(&status),
            Output::Text => {
                for service in status.iter().filter(|service| self.settled(service) != Settled::Ready) {
                    self.terminal.data(&status_line(service));
                }
            }
        }
        let worst = status.iter().map(|service| self.settled(service)).max().unwrap_or(Settled::Ready);
        if self.unrecorded {
            return Exit::Failed;
        }
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
        let ready = status.iter().filter(|service| self.settled(service) == Settled::Ready).count();
        match (worst, self.did_something) {
            (Settled::Ready, false) => self.terminal.data("nothing to do\n"),
            (_, _) => self.terminal.data(&format!("{ready} of {count} objects are as wanted\n")),
        }
    }
}

/// A deadline for verbs with `--timeout`.
pub(super) fn deadline(opened: &Opened, timeout: Duration) -> BootTime {
    opened.host.now().boot.after(timeout)
}
