//! The loop of `watch`: sources, requests, ticks, waiting. Theory of operation:
//!
//! ```text
//!        +--> look at the sources (first, after hints have settled, at each resync) --> acceptance --> what is in force
//!        |    take requests (start, stop, restart, apply) --> memory
//!        |    ticks until nothing is left to do at once --> status
//!        +--- wait: an exit, a hint, a request, a signal, or the earliest deadline
//! ```
//!
//! Everything that wakes the loop only ends the waiting.

mod accepting;
mod configure;
mod ending;

pub use configure::parallel_starts;
pub use ending::Ended;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::accept::{Acceptance, PruneHeld};
use super::carried::Carried;
use super::converge::converge_on;
use super::events::Chronicle;
use super::settings::SettingsFile;
use super::sources::{Sources, SourcesLook, absolute};
use super::standing::Standing;
use super::tick::{Tick, TickOptions};
use crate::diagnostic::Diagnostic;
use crate::host::Host as _;
use crate::host::linux::LinuxHost;
use crate::host::presence;
use crate::host::requests::{self, Request, Waiting, Wanted};
use crate::host::spec_dir::{Hints, NoHints, NotifyHints};
use crate::host::wake::Wakes;
use crate::plan::action::Outcome;
use crate::plan::event::Who;
use crate::plan::memory::{Ask, Memory, Record, Suspension};
use crate::plan::sources::Status;
use crate::plan::status::ServiceStatus;
use crate::plan::{PlanOptions, QuestionHints};
use crate::spec::SpecSet;
use crate::spec::engine::Settings;
use crate::units::BootTime;

/// Without notifications the sources are looked at so often.
const POLL: Duration = Duration::from_secs(2);

/// How to watch.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// As the file and the flags say now.
    pub settings: Settings,
    /// Where they come from; read again when it changes.
    pub file: Option<SettingsFile>,
    /// Use notifications.
    pub hints: bool,
    /// Everything is stopped at the end where the settings don't say whether.
    pub stop_on_exit: bool,
}

/// What the loop tells.
#[derive(Debug)]
pub enum Event<'a> {
    /// The sources were looked at and are not as they were.
    Sources(&'a SourcesLook),
    /// Removal of objects is held back.
    PruneHeld(&'a PruneHeld),
    /// A tick was carried out.
    Tick(&'a Tick),
    /// The status after all that is to be done at once was done.
    Status(&'a [ServiceStatus]),
    /// A person asked for something.
    Request(&'a Request),
    /// The settings were changed, and can't be used as they are.
    Settings(&'a [Diagnostic]),
    /// Something is not as it should be with the engine itself.
    Trouble(&'a str),
}

/// The state of the loop.
pub struct Watch<'a> {
    host: LinuxHost,
    sources: Sources,
    acceptance: Acceptance,
    memory: Memory,
    carried: Carried,
    set: SpecSet,
    options: WatchOptions,
    /// The record of what happened.
    chronicle: Chronicle,
    hints: Box<dyn Hints>,
    request_hints: Box<dyn Hints>,
    polling: bool,
    status: Vec<ServiceStatus>,
    standing: Standing,
    digest: Option<String>,
    held: Vec<PruneHeld>,
    /// A person said that mass changes are meant.
    confirmed: bool,
    /// Removals that a person has confirmed, by the ids of their plans.
    confirmed_prunes: BTreeSet<String>,
    /// The binary to become.
    successor: Option<PathBuf>,
    tell: &'a mut dyn FnMut(Event<'_>),
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// When the loop has to look again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Deadlines {
    /// At the sources, since a hint has settled or a document's absence is to be confirmed.
    sources: Option<BootTime>,
    /// The first hint that is not looked after yet.
    first_hint: Option<BootTime>,
    /// At everything.
    resync: BootTime,
    /// What the plan waits for.
    plan: Option<BootTime>,
}

impl<'a> Watch<'a> {
    /// A loop over these sources, going on from what is remembered.
    pub fn new(
        host: LinuxHost,
        sources: Sources,
        memory: Memory,
        options: WatchOptions,
        tell: &'a mut dyn FnMut(Event<'_>),
    ) -> Self {
        let acceptance = Acceptance::new(memory.services.values().map(|record| record.spec.clone()));
        let chronicle = Chronicle::new(&host);
        let standing = Standing::new(sources.places().iter().map(|place| absolute(place)));
        Self {
            host,
            sources,
            acceptance,
            memory,
            carried: Carried::default(),
            set: SpecSet::default(),
            options,
            chronicle,
            hints: Box::new(NoHints),
            request_hints: Box::new(NoHints),
            polling: false,
            status: Vec::new(),
            standing,
            digest: None,
            held: Vec::new(),
            confirmed: false,
            confirmed_prunes: BTreeSet::new(),
            successor: None,
            tell,
        }
    }

    /// Runs until somebody asks it to end, and says what became of the services then.
    ///
    /// # Errors
    /// The kernel refuses to let it wait.
    pub fn run(mut self) -> std::io::Result<Ended> {
        // Hints are armed before the first look, so that nothing falls between the two.
        self.arm_hints();
        self.begin_chronicle();
        let mut deadlines = Deadlines::default();
        let mut full = true;
        loop {
            let now = self.host.now().boot;
            // A hint may be about a file that a service watches.
            full |= deadlines.sources.is_some_and(|at| at <= now) && self.watched_files().next().is_some();
            if full || deadlines.sources.is_some_and(|at| at <= now) {
                deadlines.first_hint = None;
                deadlines.sources = self.look_at_sources(now);
            }
            let taken = self.take_requests();
            deadlines.plan = self.converge(full);
            self.answer(taken);
            if let Some(program) = self.successor.take() {
                // The request is gone by now: the next image must not find it again.
                self.upgrade(&program);
            }
            self.confirmed = false;
            self.confirmed_prunes.clear();
            if full {
                deadlines.resync = self.host.now().boot.after(self.options.settings.resync);
            }
            let wakes = self.host.wait(Some(deadlines.earliest()))?;
            let now = self.host.now().boot;
            if let Some(signal) = wakes.stop {
                self.chronicle.engine("Ending", format!("{signal} was received: the watch ends"));
                return self.end(signal);
            }
            self.note_wakes(&wakes, now, &mut deadlines);
            full = wakes.reload || now >= deadlines.resync;
        }
    }

    /// Says that a watch begins, and over which places.
    fn begin_chronicle(&mut self) {
        let places: Vec<String> =
            self.sources.places().iter().map(|place| format!("`{}`", absolute(place))).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.chronicle.engine("Began", format!("selfsame {version} watches {}", places.join(", ")));
    }

    fn note_wakes(&mut self, wakes: &Wakes, now: BootTime, deadlines: &mut Deadlines) {
        if wakes.specs {
            let first = *deadlines.first_hint.get_or_insert(now);
            let Settings { settle, settle_max, .. } = self.options.settings;
            let settled = now.after(settle).min(first.after(settle_max));
            deadlines.sources = Some(settled);
        }
    }

    /// One set of watches for documents, which wait until they settle, and one for requests, which don't.
    fn arm_hints(&mut self) {
        if !self.options.hints {
            self.polling = true;
            return;
        }
        let armed = NotifyHints::new(self.host.specs_poke())
            .and_then(|specs| Ok((specs, NotifyHints::new(self.host.requests_poke())?)));
        match armed {
            Ok((specs, requests)) => {
                self.hints = Box::new(specs);
                self.request_hints = Box::new(requests);
            }
            Err(reason) => self.poll_because(&reason),
        }
    }

    fn poll_because(&mut self, reason: &str) {
        if !self.polling {
            (self.tell)(Event::Trouble(&format!(
                "looking every 2s, since notifications are not to be had: {reason}"
            )));
        }
        self.polling = true;
    }

    /// Watches anew what is another directory now under its old name.
    fn renew_hints(&mut self) {
        if !self.options.hints {
            return;
        }
        let requests = [self.host.dirs().requests()];
        let mut places = self.sources.watched();
        places.extend(self.watched_files().cloned());
        places.extend(self.options.file.iter().map(|file| file.path().to_owned()));
        match self.hints.watch(&places).and_then(|()| self.request_hints.watch(&requests)) {
            Ok(()) => self.polling = false,
            Err(reason) => self.poll_because(&reason),
        }
    }

    /// Files whose content counts for services in force.
    fn watched_files(&self) -> impl Iterator<Item = &std::path::PathBuf> {
        self.set.services.values().flat_map(|service| &service.update.watch_files)
    }

    /// Looks at the documents, and says when to look again.
    fn look_at_sources(&mut self, now: BootTime) -> Option<BootTime> {
        self.renew_settings();
        self.renew_hints();
        let watched = self.sources.watched();
        let mut look = self.sources.look();
        if self.sources.watched() != watched {
            // What it names was not watched while it was read.
            self.renew_hints();
            look = self.sources.look();
        }
        if self.digest.as_ref() != Some(&look.digest) {
            (self.tell)(Event::Sources(&look));
            self.digest = Some(look.digest.clone());
        }
        let recheck = self.accept(&mut look, now);
        if self.watched_files().next().is_some() {
            self.renew_hints();
        }
        let poll = self.polling.then(|| now.after(POLL));
        recheck.into_iter().chain(poll).min()
    }

    /// Puts what people ask for on record. Each request is answered (removed) only after the ticks that follow: whoever
    /// waits for that finds a status that knows of it. A crash in between asks twice, which does no harm.
    fn take_requests(&mut self) -> Vec<Waiting> {
        let (waiting, problems) = requests::waiting(self.host.dirs());
        for problem in problems {
            (self.tell)(Event::Trouble(&problem));
        }
        for request in &waiting {
            (self.tell)(Event::Request(&request.request));
            let (verb, names) = (request.request.wanted.verb(), request.request.wanted.names());
            let who = Who::person(request.request.by.clone());
            self.chronicle.asked(&who, verb, &request.request.wanted.to_string(), &names);
            let now = self.host.now();
            match &request.request.wanted {
                Wanted::Start(name) => {
                    self.with_record(name, |record, by| record.ask(true, by, now.wall), &request.request);
                }
                Wanted::Stop(name) => {
                    self.with_record(name, |record, by| record.ask(false, by, now.wall), &request.request);
                }
                Wanted::Reload(name) => {
                    self.with_record(
                        name,
                        |record, by| record.ask_of_all(Ask::Reload, &by),
                        &request.request,
                    );
                }
                Wanted::Signal { name, signal } => {
                    let ask = Ask::Signal(*signal);
                    self.with_record(name, |record, by| record.ask_of_all(ask, &by), &request.request);
                }
                Wanted::Suspend { name, reason, until } => {
                    let suspension =
                        |by| Suspension { by, at: now.wall, reason: reason.clone(), until: *until };
                    let suspend = |record: &mut Record, by| record.suspension = Some(suspension(by));
                    self.with_record(name, suspend, &request.request);
                }
                Wanted::Resume(name) => {
                    self.with_record(name, |record, _| record.suspension = None, &request.request);
                }
                Wanted::Restart(name) => {
                    self.with_record(name, |record, by| record.ask_restart(now.boot, by), &request.request);
                }
                Wanted::Upgrade(program) => self.successor = Some(program.clone()),
                Wanted::Adopt { name, key, force } => self.with_record(
                    name,
                    |record, by| record.ask_adopt(key.clone(), *force, by),
                    &request.request,
                ),
                Wanted::Release(name) => {
                    self.with_record(name, |record, by| record.ask_release(by, now.wall), &request.request);
                }
                Wanted::Apply { confirmed, prune } => {
                    self.confirmed |= confirmed;
                    self.confirmed_prunes.extend(prune.iter().cloned());
                    self.memory.services.values_mut().for_each(|record| Arc::make_mut(record).try_again());
                    let _ = self.look_at_sources(now.boot);
                }
            }
        }
        waiting
    }

    fn answer(&mut self, taken: Vec<Waiting>) {
        for request in taken {
            if let Err(error) = request.done() {
                (self.tell)(Event::Trouble(&format!("a request can't be removed: {error}")));
            }
        }
    }

    fn with_record(
        &mut self,
        name: &crate::spec::ServiceName,
        change: impl FnOnce(&mut Record, String),
        request: &Request,
    ) {
        match self.memory.record_mut(name) {
            Some(record) => change(record, request.by.clone()),
            None => (self.tell)(Event::Trouble(&format!("`{name}` is asked for and not on record"))),
        }
    }

    /// Somebody removed the state directory: other verbs shall find this watch in the new one as well.
    fn announce_again(&mut self) {
        (self.tell)(Event::Trouble(
            "the state directory was removed; it was made again with all that is remembered",
        ));
        self.chronicle.restored();
        self.renew_hints();
        self.announce(None);
    }

    fn announce(&mut self, not_upgraded: Option<String>) {
        if let Err(reason) =
            presence::announce(self.host.dirs(), self.sources.places(), self.sources.host(), not_upgraded)
        {
            (self.tell)(Event::Trouble(&reason));
        }
    }

    /// Becomes another binary. If that fails, everything goes on as before, and who asked is told.
    fn upgrade(&mut self, program: &Path) {
        self.chronicle.engine("Upgrade", format!("the watch becomes `{}`", program.display()));
        let reason = self.host.replace_by(program, &self.memory);
        self.chronicle.engine("NotUpgraded", reason.clone());
        (self.tell)(Event::Trouble(&format!("this watch stays as it is: {reason}")));
        self.announce(Some(reason));
    }

    /// Ticks until nothing is left to do at once, writes the status down, and says when to tick again.
    fn converge(&mut self, full: bool) -> Option<BootTime> {
        let options = TickOptions {
            plan: PlanOptions {
                confirmed: self.confirmed,
                max_starts: Some(parallel_starts(&self.options.settings)),
            },
            hints: QuestionHints { full },
        };
        let (tell, chronicle) = (&mut self.tell, &mut self.chronicle);
        let mut started = BTreeSet::new();
        if self.confirmed {
            self.carried.forget();
        }
        let carried = &mut self.carried;
        let last = converge_on(&mut self.host, &self.set, &mut self.memory, options, carried, &mut |tick| {
            let begun = tick.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Started(_)));
            started.extend(begun.map(|(step, _)| step.service.clone()));
            chronicle.tell(&tick.events);
            (tell)(Event::Tick(tick));
        });
        if full || !started.is_empty() {
            self.host.keep_outputs(&self.memory, (!full).then_some(&started));
        }
        if let Some(trouble) = self.chronicle.take_trouble() {
            (self.tell)(Event::Trouble(&trouble));
        }
        for line in self.host.take_said() {
            (self.tell)(Event::Trouble(&line));
        }
        let restored = self.host.take_restored();
        if restored {
            self.announce_again();
        }
        let moved = last.plan.status != self.status;
        if moved || restored || self.standing.is_news() {
            let status = Status { objects: last.plan.status, sources: self.standing.sources().to_vec() };
            if let Err(reason) = requests::write_status(self.host.dirs(), &status) {
                (self.tell)(Event::Trouble(&reason));
            }
            self.standing.was_told();
            self.status = status.objects;
        }
        if moved || restored {
            (self.tell)(Event::Status(&self.status));
        }
        if last.again { Some(self.host.now().boot) } else { last.next }
    }
}

impl Deadlines {
    fn earliest(&self) -> BootTime {
        self.sources.into_iter().chain(self.plan).chain([self.resync]).min().unwrap_or(self.resync)
    }
}
