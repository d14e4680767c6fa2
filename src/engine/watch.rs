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
mod converging;
mod documents;
mod ending;
mod found;
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
use std::time::Duration;

use documents::Scope;
use looking::{Looking, Occasion};

use super::accept::{Acceptance, FileSeen, PruneHeld};
use super::carried::Carried;
use super::control::Desk;
use super::events::Chronicle;
use super::metrics::Meter;
use super::policy::Policies;
use super::policy::linux::Onlooker;
use super::settings::SettingsFile;
use super::settle;
use super::sources::{Sources, absolute};
use super::standing::Standing;
use super::statuses::Statuses;
pub use super::told::Event;
use crate::host::Host as _;
use crate::host::history::{Accepted, History};
use crate::host::linux::LinuxHost;
use crate::host::scrape::Scrapes;
use crate::plan::memory::Memory;
use crate::spec::SpecSet;
use crate::spec::engine::Settings;
use crate::units::BootTime;

/// So long after much was done nothing more comes of it, as a rule.
const QUIET: Duration = Duration::from_secs(1);

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
    status: Statuses,
    standing: Standing,
    digest: Option<String>,
    held: Vec<PruneHeld>,
    /// Files and objects, when they were last counted by their places.
    counted: Option<(usize, usize)>,
    /// Files by which that is to be done again.
    uncounted: Option<Arc<BTreeMap<Arc<str>, FileSeen>>>,
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
    /// Why other verbs can't find this watch.
    unfound: Option<String>,
    /// How many records were made anew by large ticks since copies were made of them.
    altered: usize,
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
    /// Memory is given back once more. Later by as much where the loop has something to do before.
    rest: Option<BootTime>,
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
            status: Statuses::default(),
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
            altered: 0,
            bulky: false,
            unfound: None,
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
        self.listen_to_processes();
        self.announce();
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
            let bulky = std::mem::take(&mut self.bulky);
            if bulky {
                self.settle();
            }
            if bulky || full || confirmed {
                self.status.pack();
                self.host.rest();
            }
            if bulky {
                deadlines.rest = Some(self.host.now().boot.after(QUIET));
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
            if resync {
                self.be_found();
            }
            if resync && self.looking.check(self.host.waker()) && self.told_deaf.is_none() {
                (self.tell)(Event::Trouble(
                    "the watcher of documents heard nothing any more and was made anew",
                ));
            }
        }
    }

    /// Much was loaded, started and written down, which took more than what stays of it.
    fn settle(&mut self) {
        self.altered = 0;
        if let Some(copies) = settle::of_memory(&self.memory) {
            self.carried.settle(&self.memory, &copies);
            self.host.settle(&self.memory, &copies);
            self.memory = copies;
        }
        self.meter.borrow_mut().settle();
        self.chronicle.settle();
    }

    /// Says that a watch begins, and over which places.
    fn begin_chronicle(&mut self) {
        let places: Vec<String> =
            self.sources.places().iter().map(|place| format!("`{}`", absolute(place))).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.chronicle.engine("Began", format!("selfsame {version} watches {}", places.join(", ")));
    }
}

impl Deadlines {
    fn earliest_with(&self, sources: Option<BootTime>, fetch: Option<BootTime>) -> BootTime {
        let others = self.of_others(sources, fetch);
        self.policies.into_iter().chain(self.rest).fold(others, BootTime::min)
    }

    /// The earliest of those that ask for more than a turn of policies, or that memory is given back.
    fn of_others(&self, sources: Option<BootTime>, fetch: Option<BootTime>) -> BootTime {
        sources.into_iter().chain(self.plan).chain(fetch).min().unwrap_or(self.resync).min(self.resync)
    }
}
