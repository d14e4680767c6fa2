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
mod asked;
mod configure;
mod ending;
mod git;
mod looking;
mod pinned;
mod policing;
mod scraped;

pub use configure::parallel_starts;
pub use ending::Ended;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use looking::{Looking, Occasion};

use super::accept::{Acceptance, FileSeen, PruneHeld};
use super::carried::Carried;
use super::control::Desk;
use super::converge::converge_on;
use super::events::Chronicle;
use super::metrics::Meter;
use super::policy::Policies;
use super::policy::linux::Onlooker;
use super::settings::SettingsFile;
use super::settle;
use super::sources::{Sources, absolute};
use super::standing::Standing;
use super::tick::TickOptions;
pub use super::told::Event;
use crate::host::Host as _;
use crate::host::history::{Accepted, History};
use crate::host::linux::LinuxHost;
use crate::host::presence;
use crate::host::scrape::Scrapes;
use crate::host::spec_dir::watched;
use crate::host::wake::Wakes;
use crate::plan::action::Outcome;
use crate::plan::memory::Memory;
use crate::plan::sources::show_revisions;
use crate::plan::status::ServiceStatus;
use crate::plan::{PlanOptions, QuestionHints};
use crate::spec::SpecSet;
use crate::spec::engine::Settings;
use crate::units::{BootTime, WallTime};

/// So many objects changed in one turn are worth it to give memory back.
const MANY: usize = 100;

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

/// The state of the loop.
#[allow(clippy::struct_excessive_bools, reason = "independent facts about the last look")]
pub struct Watch<'a> {
    host: LinuxHost,
    sources: Sources,
    acceptance: Acceptance,
    memory: Memory,
    carried: Carried,
    set: SpecSet,
    /// The last look at the documents found nothing to say of them.
    clean: bool,
    /// It left nothing that another one is to confirm.
    calm: bool,
    options: WatchOptions,
    looking: Looking,
    /// What was said last about changes that nobody tells of.
    told_deaf: Option<String>,
    /// When to look at the sources: a hint has settled, or something is to be confirmed.
    look_due: Option<BootTime>,
    /// The record of what happened.
    chronicle: Chronicle,
    /// The sets that were in force.
    history: History,
    /// Those that it wasn't given yet.
    unkept: Vec<Accepted>,
    status: Vec<ServiceStatus>,
    standing: Standing,
    digest: Option<String>,
    held: Vec<PruneHeld>,
    /// Files and objects, when they were last counted by their places.
    counted: Option<(usize, usize)>,
    /// Files by which that is to be done again.
    uncounted: Option<Arc<BTreeMap<String, FileSeen>>>,
    /// Files whose content counts for services in force.
    watched_files: BTreeSet<PathBuf>,
    /// A person said that mass changes are meant.
    confirmed: bool,
    fetching: git::Fetching,
    /// So many instances may be being started at a time, found out at each complete look.
    max_starts: usize,
    /// Removals that a person has confirmed, by the ids of their plans.
    confirmed_prunes: BTreeSet<String>,
    /// Whoever is connected to the control socket.
    desk: Desk,
    /// The set that a person has rolled back to.
    pin: Option<pinned::Pin>,
    /// The binary to become.
    successor: Option<asked::Successor>,
    policies: Policies,
    /// What was seen for them.
    onlooker: Onlooker,
    meter: Meter,
    scrapes: Option<Scrapes>,
    /// Much changed since memory was last given back.
    bulky: bool,
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
    /// At everything.
    resync: BootTime,
    /// What the plan waits for.
    plan: Option<BootTime>,
    /// What policies wait for.
    policies: Option<BootTime>,
}

/// What a look at the documents was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    /// Files that somebody named.
    Named,
    /// All there is.
    Everything,
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
        let probe = host.dirs().run.join("watcher-probe");
        let looking = Looking::new(options.hints, &options.settings, probe);
        let fetching = git::Fetching::new(&host);
        let chronicle = Chronicle::new(&host);
        let history = History::new(host.dirs());
        let onlooker = Onlooker::new(&host);
        let max_starts = parallel_starts(&options.settings);
        let sources = sources.that_stay();
        let standing = Standing::new(sources.places().iter().map(|place| absolute(place)));
        Self {
            host,
            sources,
            acceptance,
            memory,
            carried: Carried::default(),
            set: SpecSet::default(),
            clean: false,
            calm: false,
            options,
            looking,
            told_deaf: None,
            look_due: None,
            chronicle,
            history,
            unkept: Vec::new(),
            status: Vec::new(),
            standing,
            digest: None,
            held: Vec::new(),
            counted: None,
            uncounted: None,
            watched_files: BTreeSet::new(),
            confirmed: false,
            fetching,
            max_starts,
            confirmed_prunes: BTreeSet::new(),
            desk: Desk::default(),
            pin: None,
            successor: None,
            policies: Policies::default(),
            onlooker,
            meter: Meter::default(),
            scrapes: None,
            bulky: false,
            tell,
        }
    }

    /// Runs until somebody asks it to end, and says what became of the services then.
    ///
    /// # Errors
    /// The kernel refuses to let it wait.
    pub fn run(mut self) -> std::io::Result<Ended> {
        // Hints are armed before the first look, so that nothing falls between the two.
        self.looking.arm(self.host.waker());
        self.open_control();
        self.begin_chronicle();
        self.take_up_pin();
        self.take_up_policies();
        let mut deadlines = Deadlines::default();
        let mut occasion = Some(Occasion::Asked);
        let mut at_once = true;
        loop {
            let now = self.host.now().boot;
            self.hear_revisions();
            if self.fetch(now, at_once) {
                // The tree of a commit is whole.
                occasion = occasion.or(Some(Occasion::Asked));
            }
            let due = self.look_due.is_some_and(|at| at <= now);
            let mut confirmed = false;
            // A hint may be about a file that a service watches.
            let full = occasion.is_some() || (due && !self.watched_files.is_empty());
            if let Some(occasion) = occasion.or(due.then_some(Occasion::Due)) {
                let before = self.digest.clone();
                self.look_at_sources(occasion, now);
                // Who edits documents waits for the next look; after one that found nothing there is nobody.
                confirmed = before == self.digest;
            }
            let taken = self.take_requests();
            deadlines.plan = self.converge(full);
            self.give_sets();
            let asked;
            (asked, deadlines.policies) = self.police(full);
            if asked {
                deadlines.plan = self.converge(false);
            }
            self.answer(taken);
            if let Some(successor) = self.successor.take() {
                self.upgrade(&successor);
            }
            self.confirmed = false;
            self.confirmed_prunes.clear();
            if std::mem::take(&mut self.bulky) {
                self.settle();
                self.host.rest();
            } else if full || confirmed {
                self.host.rest();
            }
            if full {
                deadlines.resync = looking::resync(self.options.settings.resync, self.host.now().boot);
            }
            (self.tell)(Event::Turned { took: self.host.now().boot.since(now) });
            let wakes = self.wait_for_more(&mut deadlines)?;
            let now = self.host.now().boot;
            if let Some(signal) = wakes.stop {
                self.chronicle.engine("Ending", format!("{signal} was received: the watch ends"));
                return self.end(signal);
            }
            self.hear(&wakes);
            at_once = wakes.reload;
            let resync = now >= deadlines.resync;
            occasion = match (wakes.reload, resync) {
                (true, _) => Some(Occasion::Thorough),
                (false, true) => Some(Occasion::Resync),
                (false, false) => None,
            };
            if resync && self.looking.check(self.host.waker()) && self.told_deaf.is_none() {
                (self.tell)(Event::Trouble(
                    "the watcher of documents heard nothing any more and was made anew",
                ));
            }
        }
    }

    /// Notes when to look at the documents, if something was heard of them.
    fn hear(&mut self, wakes: &Wakes) {
        if let Some(settled) = self.looking.hear(wakes, self.host.now().boot) {
            self.look_due = Some(settled);
        }
    }

    /// Much was loaded, started and written down, which took more than what stays of it.
    fn settle(&mut self) {
        if let Some((copies, status)) = settle::of_memory(&self.memory, &self.status) {
            self.carried.settle(&self.memory, &copies);
            self.host.settle(&self.memory, &copies);
            (self.memory, self.status) = (copies, status);
        }
        self.meter.borrow_mut().settle();
    }

    /// Says that a watch begins, and over which places.
    fn begin_chronicle(&mut self) {
        let places: Vec<String> =
            self.sources.places().iter().map(|place| format!("`{}`", absolute(place))).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.chronicle.engine("Began", format!("selfsame {version} watches {}", places.join(", ")));
    }

    /// Watches what is to be watched now: another directory than before may be under an old name.
    fn renew_hints(&mut self) {
        let mut documents = self.sources.watched();
        documents.extend(self.watched_files.iter().flat_map(|path| watched(path)));
        documents.extend(self.options.file.iter().flat_map(|file| watched(file.path())));
        self.looking.watch(&documents);
        let deaf = self.looking.deaf().filter(|_| self.options.hints).map(str::to_owned);
        if let Some(reason) = deaf.as_ref().filter(|_| self.told_deaf.is_none()) {
            (self.tell)(Event::Trouble(&format!(
                "looking every 2s, since notifications are not to be had: {reason}"
            )));
        }
        self.told_deaf = deaf;
    }

    /// Looks at the documents, and notes when to look again.
    fn look_at_sources(&mut self, occasion: Occasion, now: BootTime) -> Scope {
        let began = self.host.now();
        self.host.forget_listing();
        self.renew_settings();
        self.renew_hints();
        let before = self.sources.watched();
        let attention = self.looking.attention(occasion, now, self.calm);
        let mut look = self.sources.look_with(attention);
        if self.sources.watched() != before {
            // What it leads to was not watched while it was read.
            self.renew_hints();
            look = self.sources.look_with(self.looking.attention(occasion, self.host.now().boot, false));
        }
        self.await_first_revision(&mut look);
        let told = self.looking.finding();
        for place in self.sources.places().iter().map(|place| absolute(place)) {
            if !look.findings.iter().any(|(of, finding)| *of == place && finding.kind == told.kind) {
                look.findings.push((place, told.clone()));
            }
        }
        let took = self.host.now().boot.since(began.boot);
        let complete = look.seen.complete.then_some(began.wall);
        self.ask_revisions(self.digest.as_ref() != Some(&look.digest));
        self.clean = look.is_clean();
        (self.tell)(Event::Looked { took, complete });
        if self.digest.as_ref() != Some(&look.digest) {
            if look.named && self.declares_more(&look) {
                // Whoever is new is looked for.
                self.host.begin_listing();
            }
            (self.tell)(Event::Sources(&look));
            self.digest = Some(look.digest.clone());
        }
        let recheck = self.accept(&mut look, now);
        self.calm = look.seen.complete && look.again.is_none() && recheck.is_none() && self.held.is_empty();
        if !self.watched_files.is_empty() {
            self.renew_hints();
        }
        self.look_due =
            recheck.into_iter().chain(look.again).chain(self.looking.poll(look.remote, now)).min();
        if look.named { Scope::Named } else { Scope::Everything }
    }

    /// What is in force now goes into the history, if it is another set than the last one there.
    fn keep_set(&mut self, at: WallTime) {
        let (by, why) = self.origin_of_set();
        self.unkept.push(Accepted { services: self.set.services.clone(), at, by, why });
    }

    /// Only when what follows from a set was done: its first work is to read all that is there, on a processor that the services
    /// which begin need as well.
    fn give_sets(&mut self) {
        self.unkept.drain(..).for_each(|accepted| self.history.keep(accepted));
    }

    /// Somebody removed the state directory: other verbs shall find this watch in the new one as well.
    fn announce_again(&mut self) {
        (self.tell)(Event::Trouble(
            "the state directory was removed; it was made again with all that is remembered",
        ));
        self.chronicle.restored();
        self.policies.write_again();
        self.renew_hints();
        self.open_control_again();
        if let Err(reason) = presence::announce(self.host.dirs(), self.sources.places(), self.sources.host())
        {
            (self.tell)(Event::Trouble(&reason));
        }
    }

    /// Ticks until nothing is left to do at once, tells the status, and says when to tick again.
    fn converge(&mut self, full: bool) -> Option<BootTime> {
        if full {
            self.max_starts = parallel_starts(&self.options.settings);
        }
        let options = TickOptions {
            plan: PlanOptions { confirmed: self.confirmed, max_starts: Some(self.max_starts) },
            hints: QuestionHints { full },
        };
        let (tell, chronicle, bulky) = (&mut self.tell, &mut self.chronicle, &mut self.bulky);
        let mut started = BTreeSet::new();
        if self.confirmed {
            self.carried.forget();
        }
        let carried = &mut self.carried;
        let last = converge_on(&mut self.host, &self.set, &mut self.memory, options, carried, &mut |tick| {
            let begun = tick.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Started(_)));
            started.extend(begun.map(|(step, _)| step.service.clone()));
            // Also where no status shows it: each record that is changed is made anew.
            *bulky |= tick.again && tick.plan.outlook.len() >= MANY;
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
        self.count();
        let moved = self.carried.tell(&mut self.status);
        self.bulky |= moved.names.len() >= MANY;
        if moved.is_any() || restored || self.standing.is_news() {
            // Of the others it is as it was said: what is known of a document is part of its status.
            let all = restored || self.standing.is_at_another_revision();
            if all {
                show_revisions(&mut self.status, self.standing.sources(), &self.set);
            } else {
                let at = |name| self.status.binary_search_by(|status| status.name.cmp(name)).ok();
                let moved: Vec<usize> = moved.names.iter().filter_map(at).collect();
                for at in moved {
                    show_revisions(self.status.get_mut(at), self.standing.sources(), &self.set);
                }
            }
            self.standing.was_told();
            self.desk.has_news();
        }
        if moved.is_any() || restored {
            let sum = self.carried.sum();
            (self.tell)(Event::Status { all: &self.status, changed: &moved.names, sum });
        }
        if last.again { Some(self.host.now().boot) } else { last.next }
    }
}

impl Deadlines {
    fn earliest_with(&self, sources: Option<BootTime>, fetch: Option<BootTime>) -> BootTime {
        self.of_others(sources, fetch).min(self.policies.unwrap_or(self.resync))
    }

    /// The earliest of all but the policies'.
    fn of_others(&self, sources: Option<BootTime>, fetch: Option<BootTime>) -> BootTime {
        sources.into_iter().chain(self.plan).chain(fetch).min().unwrap_or(self.resync).min(self.resync)
    }
}
