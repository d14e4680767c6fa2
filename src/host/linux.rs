//! This host: the door of `Host`, put together from the parts beside it.
//!
//! ```text
//! observe --> one LiveWorld a tick --> records (pidfd, start time), looks (identity), preparations (accounts, files)
//! perform --> slot, spawn | verified signal | probe begun
//! remember -> ledger
//! wait    --> Wakes
//! ```

mod census;
mod forgetting;
mod git;
mod health;
mod near;
mod observe;
mod open;
mod perform;
mod policy;
mod recent;
mod rule;
mod starting;
mod successor;
mod told;
mod tree;
mod waiting;

pub use near::NearMiss;
pub use open::{HostOptions, OpenError};

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use forgetting::Noted;
use starting::{are_many_starts, is_start};

use super::commands::{self, Commands};
use super::exits::Exits;
use super::git::{Git, WorkTrees};
use super::given::Given;
use super::groups::Groups;
use super::ledger::{Ledger, LedgerError, Loaded, peek};
use super::look::{Looker, Shortlists, Sight};
use super::output::Outputs;
use super::policy::Acting;
use super::probe::Probes;
use super::proc::LiveWorld;
use super::shelf::Shelf;
use super::spawn::give_back;
use super::state_dir::Dirs;
use super::table::{Changed, Mark, ProcessTable};
use super::wake::Waker;
use super::watched::WatchedFiles;
use super::{Host, clock, executable};
use crate::facts::{Fact, ProcessKey};
use crate::plan::action::{Outcome, Step};
use crate::plan::memory::{Image, Memory, Records};
use crate::plan::observation::{Observation, Prepared, Questions, Unprepared};
use crate::plan::output;
use crate::plugin;
use crate::process::world::World as _;
use crate::spec::{Account, EnvFrom, Secret, Service, ServiceName, Socket};
use crate::units::{BootId, Now, Pid, Uid};

/// For fewer candidates it isn't worth it to have helpers read what they will be asked.
const WORTH_HELPERS: usize = 16;

/// The Linux host of one engine.
#[derive(Debug)]
pub struct LinuxHost {
    dirs: Dirs,
    /// `None`: a look from outside, that changes nothing.
    ledger: Option<Ledger>,
    looker: Looker,
    world: LiveWorld,
    /// A look that has begun.
    begun: Option<(LiveWorld, Before)>,
    /// The last look of who only looks.
    spent: Option<LiveWorld>,
    waker: Waker,
    exits: Exits,
    probes: Probes,
    groups: Groups,
    /// Something else than an exit may have happened.
    anything: bool,
    table: ProcessTable,
    looked: recent::Looked,
    census: census::Census,
    counter: recent::Counter,
    vacant: recent::Vacant,
    seen: told::Seen,
    noted: Noted,
    /// Exits were collected after the last wait.
    collected: bool,
    ears: health::Ears,
    commands: Commands,
    /// The programs on disk, as the present look found them.
    images: BTreeMap<OsString, Fact<Image>>,
    /// The records that the present files of output follow from.
    kept_for: Option<Records>,
    /// What policies have begun.
    acting: Acting,
    git: Option<Git>,
    work_trees: Option<WorkTrees>,
    watched: WatchedFiles,
    outputs: Option<Outputs>,
    /// Sockets, copies of secrets, pid files.
    given: Given,
    subreaper: bool,
    /// Who ended and left a fork that may be about to take its place, and when that was seen.
    undecided: BTreeMap<ProcessKey, Instant>,
}

/// How far the kernel was before the processes of a look were listed: what begins meanwhile counts as new.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// With the numbers of processes. `None`: nobody needed to know yet, or it doesn't tell.
    cursor: Option<recent::Cursor>,
    /// With telling of processes.
    mark: Mark,
}

/// What was found out for one object and is the same for others of the same observation: a set of documents has a
/// handful of users and programs.
#[derive(Debug, Default)]
struct Asked<'q> {
    accounts: BTreeMap<OfAccounts<'q>, Result<Arc<Prepared>, Unprepared>>,
    programs: BTreeMap<OfPrograms<'q>, Result<(), String>>,
    plugins: plugin::Look,
}

/// What accounts, and the files that come with them, are looked up by.
type OfAccounts<'q> = (
    [&'q Option<Account>; 2],
    &'q [Account],
    BTreeSet<&'q Account>,
    (&'q [EnvFrom], &'q [Secret], &'q [Socket]),
);

/// What decides whether a program can be executed. Texts: to compare paths takes them apart.
type OfPrograms<'q> = (&'q OsStr, Option<&'q Path>, Uid, bool, &'q OsStr, Option<&'q String>);

impl LinuxHost {
    /// Begins the next look while documents are loaded. Only where nothing is done about what it finds: nobody acts on processes that
    /// were seen before the documents were read.
    pub fn begin_look(&mut self) {
        if self.ledger.is_none() {
            self.begin_listing();
        }
    }

    /// The processes that the next look is about are listed from now on, beside what is to be done until then: for who has read the
    /// documents, and is about to tick.
    pub fn begin_listing(&mut self) {
        let before = Before { cursor: self.counter.now(), mark: self.table.mark() };
        let world = self.world.again();
        let is_told = before.cursor.is_some_and(|now| self.census.reaches(now, &self.table));
        self.begun = Some((if is_told { world } else { world.begin_listing() }, before));
    }

    /// Documents are read anew: who was listed before doesn't count for them.
    pub fn forget_listing(&mut self) {
        self.begun = None;
    }

    /// Whoever is on record is held from now on, beside what is to be done until the look asks about them: for who only looks.
    pub fn begin_holding(&self, memory: &Memory) {
        let rows = memory.services.rows_where(|told| told.has_process);
        let instances = rows.flat_map(|(_, record)| record.instances.values());
        let processes = instances.filter_map(|instance| instance.phase.process());
        self.exits.begin_many(processes.map(|process| (process.key.clone(), process.inode)));
    }

    /// The look that was begun will ask everybody for arguments: these are read meanwhile. False: it isn't known yet who that is.
    #[must_use]
    pub fn begin_arguments(&self) -> bool {
        self.begun.as_ref().is_none_or(|(world, _)| world.begin_arguments())
    }

    /// This boot.
    pub fn boot(&self) -> &BootId {
        &self.looker.boot
    }

    /// The key of a process that is there now.
    pub fn key_of(&self, pid: Pid) -> Fact<ProcessKey> {
        self.world.again().process_key(pid)
    }

    /// Where the state lies.
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// The memory of this boot, as the last engine left it.
    ///
    /// # Errors
    /// A newer format, or records that can't be listed: nothing may be done then.
    pub fn load(&mut self) -> Result<Loaded, LedgerError> {
        match &mut self.ledger {
            Some(ledger) => {
                let mut loaded = ledger.load(&self.looker.boot)?;
                loaded.problems.extend(commands::left::end(&loaded.memory));
                Ok(loaded)
            }
            None => peek(&self.dirs, &self.looker.boot),
        }
    }

    /// Whether somebody removed the state directory since this was last asked. It is made again with all that is
    /// remembered; what others look for in it has to be written anew.
    pub fn take_restored(&mut self) -> bool {
        self.ledger.as_mut().is_some_and(Ledger::take_restored)
    }

    /// Copies of the records stand for them from now on.
    pub fn settle(&mut self, before: &Memory, copies: &Memory) {
        if let Some(ledger) = &mut self.ledger {
            ledger.settle(before, copies);
        }
        // What it compares with is all records as they were.
        drop(self.shelf().needed(copies));
        self.groups.settle();
        self.exits.settle();
        self.looked.settle();
        self.looker.conditions.settle();
        let is_what_was = |records: &Records| records.is_same(&before.services);
        for known in [&mut self.noted.records, &mut self.kept_for] {
            *known = known.take().filter(is_what_was).map(|_| copies.services.clone());
        }
    }

    /// Nothing is to be done for a while that takes much: what that took is given back.
    pub fn rest(&mut self) {
        self.looker.conditions.rest();
        self.world.rest();
        give_back();
        self.waker.rest();
    }

    /// Where plugins come from, for whoever loads documents.
    pub fn shelf(&self) -> &Rc<Shelf> {
        self.looker.conditions.shelf()
    }

    /// Looks after the files that processes on record write to, from now on and besides everything else: all of them,
    /// or those of these objects as well.
    pub fn keep_outputs(&mut self, memory: &Memory, only: Option<&BTreeSet<ServiceName>>) {
        if self.ledger.is_none() {
            return;
        }
        let dirs = (self.looker.run_dir.as_str(), self.looker.log_dir.as_str());
        let outputs = self.outputs.get_or_insert_with(|| Outputs::new(&self.dirs));
        match only {
            None => {
                let before = self.kept_for.replace(memory.services.clone());
                if before.is_some_and(|before| output::keeps_the_same(&before, &memory.services, dirs)) {
                    outputs.look();
                } else {
                    outputs.keep(output::kept(memory, dirs));
                }
            }
            Some(names) => {
                let mut files = BTreeMap::new();
                for name in names {
                    if let Some(record) = memory.services.get(name) {
                        output::kept_of(name, record, dirs, &mut files);
                    }
                }
                outputs.keep_also(files);
            }
        }
    }

    /// A look at this host as it is now, for whoever asks something else than the identity of Services.
    pub fn look_anew(&self) -> LiveWorld {
        self.world.again()
    }

    /// Listens to what processes do from now on, where the kernel tells it. `waking`: that ends the waiting.
    pub fn listen_to_processes(&mut self, waking: bool) {
        self.table.listen(&self.waker, waking);
    }

    /// What is known of what processes did.
    pub fn table(&self) -> &ProcessTable {
        &self.table
    }

    /// Whom something happened to since a mark, with everything that was told until now, and the mark of now.
    pub fn changed_since(&mut self, mark: Option<Mark>) -> (Changed, Mark) {
        self.table.hear();
        (self.table.since(mark), self.table.mark())
    }

    /// What plugins said in looks since this was last asked, a line each.
    pub fn take_said(&self) -> Vec<String> {
        self.looker.conditions.take_said()
    }

    fn prepare<'q>(
        &self,
        spec: &'q Service,
        world: &LiveWorld,
        asked: &mut Asked<'q>,
    ) -> Result<Arc<Prepared>, Unprepared> {
        // The answer that the look of this tick rests on, whatever the name service says by now.
        if let Some(name) = super::look::absent_user(spec, world) {
            return Err(format!("there is no user `{name}`").into());
        }
        let files = (spec.env_from.as_slice(), spec.secrets.as_slice(), spec.sockets.as_slice());
        let (groups, others) = (spec.supplementary_groups.as_slice(), spec.users_of_commands());
        let account = asked.accounts.entry(([&spec.user, &spec.group], groups, others, files));
        let names = world.name_service();
        let look_up = || super::accounts::account(spec, &self.looker.places(), names).map(Arc::new);
        let prepared = account.or_insert_with(look_up).clone()?;
        let path = spec.env.get("PATH");
        if let Some(missing) = super::abilities::missing(spec).into_iter().next() {
            return Err(missing.into());
        }
        if let Some(problem) = super::abilities::no_directory(spec) {
            let place = spec.working_directory.display();
            return Err(format!("the working directory `{place}` {problem}").into());
        }
        let (startas, directory) = (spec.startas.as_os_str(), spec.working_directory.as_os_str());
        let (chroot, uid) = (spec.chroot.as_deref(), prepared.owner.uid);
        let program = asked.programs.entry((startas, chroot, uid, spec.trust_executable, directory, path));
        program.or_insert_with(|| executable::check(spec, uid.0, world)).clone()?;
        let watched = self.watched.digests(&spec.update.watch_files);
        Ok(if watched.is_empty() { prepared } else { Arc::new(Prepared { watched, ..(*prepared).clone() }) })
    }
}

impl Host for LinuxHost {
    fn now(&self) -> Now {
        clock::now()
    }

    fn woken(&mut self) -> Option<BTreeSet<ProcessKey>> {
        let woken = self.exits.take_woken();
        let anything = std::mem::take(&mut self.anything);
        (!anything).then_some(woken)
    }

    fn observe(&mut self, questions: &Questions) -> Observation {
        self.images.clear();
        self.let_go();
        self.groups.sweep();
        if questions.full {
            self.world.forget_texts();
        }
        if !std::mem::take(&mut self.collected) || questions.full {
            self.take_exits(clock::now().boot, questions.full);
        }
        // INVARIANT: whoever ended did so before anything else is asked.
        let not_alive = self.lives_of(questions);
        if !not_alive.is_empty() {
            self.begun = None;
        }
        self.table.hear();
        let anew = || (self.world.again(), Before { cursor: None, mark: self.table.mark() });
        let is_begun = self.begun.is_some();
        let (world, mut before) = self.begun.take().unwrap_or_else(anew);
        let told = before.cursor.filter(|_| is_begun && !questions.full);
        let kept: Vec<Pid> = told.iter().flat_map(|_| self.exits.kept_numbers()).collect();
        let told = told.and_then(|now| self.census.at(now, &self.table, &kept));
        let is_told = told.is_some();
        let world = told.into_iter().fold(world, LiveWorld::with_listing);
        let world = world.with_managed(questions.recorded.clone()).with_images(self.exits.take_images());
        let world = world.with_facts_only_shown(self.ledger.is_none());
        let mut asked = Asked::default();
        let given = self.given_lists(questions, &world);
        let looks =
            questions.services.iter().any(|(name, question)| question.look && !given.contains_key(name));
        if looks {
            before.cursor = before.cursor.or_else(|| self.counter.now());
        }
        let pids = if looks { listing(&world) } else { Arc::default() };
        let glimpsed = before.cursor.map(|at| recent::Glimpsed::new(at, before.mark, &pids));
        if looks
            && !is_told
            && world.lists_all() == Fact::Known(())
            && let Some(at) = &glimpsed
        {
            self.census.note(at.clone(), Arc::clone(&pids));
        }
        let plugins = asked.plugins.clone();
        let sight = Sight { world: &world, plugins: &plugins, pids: &pids };
        let (lists, mut bound) =
            self.looker.shortlists(questions, &given, sight, &lives(&self.exits, &world));
        let few: Vec<Pid> =
            lists.values().filter(|list| list.len() < pids.len()).flatten().copied().collect();
        if few.len() >= WORTH_HELPERS {
            world.foresee(few.into_iter());
        }
        // One after the other: to collect them takes room for all of them twice more.
        let mut services = BTreeMap::new();
        // In the order of names as well.
        let mut listed = lists.iter().peekable();
        for (name, question) in &questions.services {
            // Who only looks doesn't look again.
            if question.look && self.ledger.is_some() && !given.contains_key(name) {
                self.looked.note(name, &question.spec, glimpsed.clone());
            }
            while listed.next_if(|(other, _)| *other < name).is_some() {}
            let list = listed.next_if(|(other, _)| *other == name).map(|(_, list)| list);
            let list = given.get(name).or(list).map_or(&*pids, Vec::as_slice);
            if question.look && list.len() < pids.len() {
                for pid in list {
                    world.meet(*pid);
                }
            }
            let about = (questions, &not_alive, (list, bound.take(name)));
            let mut seen = self.see(name, question, about, (&world, before), &mut asked);
            seen.look.iter_mut().for_each(|look| look.new_only |= is_told);
            services.insert(name.clone(), seen);
        }
        if self.ledger.is_none() {
            // Whoever only looks ends soon, and all of it at once: ten thousands of pieces of memory aren't given back one by one.
            self.spent = Some(world);
        }
        Observation { now: clock::now(), boot: self.looker.boot.clone(), services }
    }

    fn remember(&mut self, memory: &Memory) -> Result<(), String> {
        let behind = std::mem::replace(&mut self.noted.behind, true);
        if let Some(ledger) = self.ledger.as_mut().filter(|ledger| !behind && ledger.says(memory)) {
            // Of most ticks nothing comes, and what rests on the records is as it was.
            self.exits.forget_strays();
            ledger.remember(memory)?;
            self.noted.behind = false;
            return Ok(());
        }
        self.note_records(memory);
        let conditions = &self.looker.conditions;
        match &mut self.ledger {
            Some(ledger) => {
                // Before the records that name them, and not removed before these are gone.
                conditions.shelf().keep(memory)?;
                ledger.remember(memory)?;
                conditions.sweep(memory)?;
                self.given.look_after(memory, &self.looker.places());
                self.noted.behind = false;
                Ok(())
            }
            None => Err("the state is not held by this look".into()),
        }
    }

    fn remember_stops(
        &mut self,
        memory: &Memory,
        names: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, String> {
        match &mut self.ledger {
            Some(ledger) => ledger.remember_stops(memory, names),
            None => Err("the state is not held by this look".into()),
        }
    }

    fn perform(&mut self, step: &Step) -> Outcome {
        self.act(step)
    }

    fn perform_all(&mut self, steps: &[&Step], done: &mut dyn FnMut(usize, Outcome, Now)) {
        let mut first = 0;
        for alike in steps.chunk_by(|one, next| is_start(one) == is_start(next)) {
            if are_many_starts(alike) {
                self.start_all(alike, &mut |at, outcome, now| done(first + at, outcome, now));
            } else {
                (first..).zip(alike).for_each(|(at, step)| done(at, self.act(step), clock::now()));
            }
            first += alike.len();
        }
    }
}

impl LinuxHost {
    /// The lists of objects that need not look at everybody.
    fn given_lists(&self, questions: &Questions, world: &LiveWorld) -> Shortlists {
        let looking = questions.services.iter().filter(|(_, question)| question.look && !questions.full);
        looking
            .filter_map(|(name, question)| {
                Some((name.clone(), self.may_be_otherwise(name, &question.spec, world)?))
            })
            .collect()
    }
}

/// Whether a process on record is still there: of those that are held this is asked once for all.
fn lives(exits: &Exits, world: &LiveWorld) -> impl Fn(&ProcessKey) -> bool {
    let held = OnceCell::new();
    move |key| {
        // Whose exit is known may be uncollected still.
        if exits.is_known_gone(key) {
            return false;
        }
        exits.keeps_number(key)
            || held.get_or_init(|| exits.others_that_live()).contains(key)
            || world.process_key(key.pid) == Fact::Known(key.clone())
    }
}

/// All processes that can be seen.
fn listing(world: &LiveWorld) -> Arc<[Pid]> {
    world.pids().known().unwrap_or_else(|| world.visible_pids())
}
