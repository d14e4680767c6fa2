//! Verbs that converge and wait: ticks until everything they are about has come to rest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::Output;
use super::exit::Exit;
use super::one_look::options;
use super::progress::Progress;
use super::revisions::Revisions;
use super::state::Opened;
use super::terminal::Terminal;
use crate::engine::converge::{converge, is_worth_telling};
use crate::engine::events::Chronicle;
use crate::host::Host as _;
use crate::plan::action::{Action, Outcome};
use crate::plan::settled::{Settled, settled};
use crate::plan::status::{ServiceStatus, TaskStatus};
use crate::report::{deed, moments, status_line};
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootTime, WallTime, some_of};

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
    /// When this call began.
    pub began: WallTime,
    pub terminal: Terminal,
    pub text: bool,
    pub did_something: bool,
    /// Objects that this call tried to start.
    pub tried: BTreeSet<ServiceName>,
    /// What was decided could not be written down.
    pub unrecorded: bool,
    /// Some documents can't be used, so that what they ask for isn't among what this call is about.
    pub broken: bool,
    /// What the documents are of.
    pub revisions: Revisions,
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
                    progress.above(|| terminal.data(&deed(step, outcome, &tick.plan)));
                }
            }
            if let Some(reason) = &tick.not_remembered {
                progress.above(|| {
                    terminal.say(&format!("error: nothing is started, since it can't be recorded: {reason}"));
                });
            }
        });
        self.did_something = did_something;
        let names = &self.names;
        // What is withheld of others is nothing to wait for, and no failure of this call.
        let of_others = !last.withheld.is_empty() && last.withheld.is_disjoint(names);
        self.unrecorded = last.not_remembered.is_some() && !of_others;
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

    /// What this call has started is waited for, since nobody else would see how it ends: one run of a schedule, which may
    /// begin the next one as soon as one has ended. A scheduled run that failed before is no failure of this call.
    fn settled_task(&self, service: &ServiceStatus, task: &TaskStatus) -> Settled {
        let scheduled = task.run == "schedule";
        let has_ended = scheduled && task.last.as_ref().is_some_and(|last| last.ended >= self.began);
        let runs = !has_ended && service.instances.iter().any(|instance| instance.pid.is_some());
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
            Output::Json => self.terminal.json(&moments(&status)),
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
            // That can't be said of documents that couldn't be read.
            (Settled::Ready, false) if self.broken => {}
            (Settled::Ready, false) => self.terminal.data("nothing to do\n"),
            (_, _) => self.terminal.data(&format!("{} as wanted\n", some_of(ready, count, "object"))),
        }
    }
}

/// A deadline for verbs with `--timeout`.
pub(super) fn deadline(opened: &Opened, timeout: Duration) -> BootTime {
    opened.host.now().boot.after(timeout)
}
