//! What is counted and measured, and how it is told: the text format of Prometheus.
//!
//! ```text
//!  events of the loop --note--> Metrics --\
//!  status, what is held, now -- Situation --> text() --> the control socket, `watch --metrics`, `selfsame metrics`
//! ```
//!
//! Pure. What can be read off the status is not counted here a second time. Every family is declared in [`families`], which
//! the documentation is generated from. The number of series is bounded: by the objects, of which at most
//! [`OBJECTS_MAX`] have series of their own, and never by processes, files or texts.

pub mod families;
mod histogram;
mod objects;
mod page;
mod policies;
mod process;

pub use families::{FAMILIES, Family, Kind};
pub use process::OwnProcess;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use self::families as family;
use self::histogram::Histogram;
use self::page::Page;
use super::accept::FileSeen;
use super::policy::Policies;
use super::sources::SourcesLook;
use super::tick::Tick;
use super::told::Event;
use crate::host::spawn::close_up;
use crate::plan::action::{Action, Outcome};
use crate::plan::status::ServiceStatus;
use crate::spec::ServiceName;
use crate::units::{Now, WallTime};

/// So many objects have series of their own; the others are only counted.
pub const OBJECTS_MAX: usize = 2_000;

/// Counters that whoever tells events and whoever answers questions share.
pub type Meter = Rc<RefCell<Metrics>>;

/// What the moment of the question knows.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Of all objects.
    pub status: &'a [ServiceStatus],
    /// And what is known of policies.
    pub policies: &'a Policies,
    /// Objects whose removal is held back.
    pub held: usize,
    /// The moment.
    pub now: Now,
    /// The process that answers; `None`: it is not the engine, so that there is nothing to tell of it.
    pub engine: Option<OwnProcess>,
}

/// Starts of one object since the engine began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Starts {
    done: u64,
    failed: u64,
}

/// The last look at the sources that found something new.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Seen {
    files: usize,
    broken: usize,
    unavailable: usize,
    errors: usize,
    warnings: usize,
}

/// What was counted since the engine began.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metrics {
    ticks: u64,
    turns: Histogram,
    looks: Histogram,
    last_complete: Option<WallTime>,
    seen: Seen,
    starts: BTreeMap<ServiceName, Starts>,
    steps: BTreeMap<(&'static str, &'static str), u64>,
    unrecorded: u64,
    requests: u64,
    troubles: u64,
}

impl Metrics {
    /// Takes an event into account.
    pub fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Sources(look) => self.seen = Seen::of(look),
            Event::Tick(tick) => self.tick(tick),
            Event::Looked { took, complete } => {
                self.looks.add(*took);
                if let Some(at) = complete {
                    self.last_complete = Some(*at);
                }
            }
            Event::Turned { took } => self.turns.add(*took),
            Event::Request(_) => self.requests += 1,
            Event::Trouble(_) => self.troubles += 1,
            // These are in the situation, or in the output alone.
            Event::Policies(_)
            | Event::PruneHeld(_)
            | Event::Status { .. }
            | Event::Revision { .. }
            | Event::Settings(_) => {}
        }
    }

    /// Much was needed for a moment while this grew.
    pub fn settle(&mut self) {
        close_up(&mut self.starts);
    }

    fn tick(&mut self, tick: &Tick) {
        self.ticks += 1;
        self.unrecorded += u64::from(tick.not_remembered.is_some());
        for (step, outcome) in &tick.outcomes {
            *self.steps.entry((deed(&step.action), result(outcome))).or_default() += 1;
            if matches!(step.action, Action::Start { .. }) {
                let starts = self.starts.entry(step.service.clone()).or_default();
                let began = matches!(outcome, Outcome::Started(_));
                *(if began { &mut starts.done } else { &mut starts.failed }) += 1;
            }
        }
    }

    /// Everything, in the text format of Prometheus (version 0.0.4). Objects that are gone are forgotten.
    pub fn text(&mut self, situation: &Situation<'_>) -> String {
        let mut page = Page::default();
        objects::write(&mut page, situation.status, situation.held);
        policies::write(&mut page, situation.policies);
        if let Some(own) = situation.engine {
            self.starts.retain(|name, _| {
                situation.status.binary_search_by(|service| service.name.cmp(name)).is_ok()
            });
            self.write_starts(&mut page, situation.status);
            self.write_engine(&mut page);
            process::write(&mut page, own);
        }
        page.into_text()
    }

    /// An object that was never started by this engine has a zero, so that its first start is an increase.
    fn write_starts(&self, page: &mut Page, status: &[ServiceStatus]) {
        let of = |service: &ServiceStatus| self.starts.get(&service.name).copied().unwrap_or_default();
        for (family, count) in [
            (&family::STARTS, (|starts| starts.done) as fn(Starts) -> u64),
            (&family::START_FAILURES, |starts| starts.failed),
        ] {
            page.begin(family);
            for service in status.iter().take(OBJECTS_MAX) {
                page.sample(&[("object", service.name.as_str())], count(of(service)));
            }
        }
    }

    fn write_engine(&self, page: &mut Page) {
        page.begin(&family::STEPS);
        for ((action, result), count) in &self.steps {
            page.sample(&[("action", action), ("result", result)], *count);
        }
        page.single(&family::TICKS, self.ticks);
        page.histogram(&family::TURN_DURATION, &self.turns);
        page.histogram(&family::LOOK_DURATION, &self.looks);
        page.single(&family::LAST_LOOK, self.last_complete.map_or(0.0, seconds));
        page.single(&family::SOURCE_FILES, self.seen.files);
        page.single(&family::SOURCE_FILES_BROKEN, self.seen.broken);
        page.single(&family::SOURCES_UNAVAILABLE, self.seen.unavailable);
        page.begin(&family::MISTAKES);
        page.sample(&[("severity", "error")], self.seen.errors);
        page.sample(&[("severity", "warning")], self.seen.warnings);
        page.single(&family::UNRECORDED, self.unrecorded);
        page.single(&family::REQUESTS, self.requests);
        page.single(&family::TROUBLES, self.troubles);
        page.begin(&family::BUILD);
        page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1u8);
    }
}

impl Seen {
    fn of(look: &SourcesLook) -> Self {
        let broken = look.seen.files.values().filter(|file| matches!(file, FileSeen::Broken(_))).count();
        let errors = look.diagnostics.iter().filter(|one| one.is_error()).count();
        Self {
            files: look.files(),
            broken,
            unavailable: look.unavailable.len(),
            errors,
            warnings: look.diagnostics.len() - errors,
        }
    }
}

/// Seconds since the Unix epoch.
fn seconds(at: WallTime) -> f64 {
    at.0.as_secs_f64()
}

/// The action of a step, as a label.
fn deed(action: &Action) -> &'static str {
    match action {
        Action::Start { .. } => "start",
        Action::Adopt { .. } => "adopt",
        Action::Signal { .. } => "signal",
        Action::KillTree { .. } => "kill",
        Action::Constrain { .. } => "constrain",
        Action::Release { .. } => "release",
        Action::Adjust { .. } => "adjust",
        Action::Probe { .. } => "probe",
        Action::Run { .. } => "command",
    }
}

/// What came of it, as a label.
fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Started(_) | Outcome::Done => "done",
        Outcome::StartFailed { .. } => "failed",
        Outcome::Refused { .. } | Outcome::NotLive { .. } => "refused",
        Outcome::Gone => "gone",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests;
