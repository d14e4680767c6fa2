//! The truth: processes, pids that are used again, clocks, what is on disk, and the faults of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use selfsame::facts::ProcessKey;
use selfsame::host::Host;
use selfsame::plan::action::{Action, Launch, Outcome, Step};
use selfsame::plan::memory::{Exit, Memory, Phase};
use selfsame::plan::observation::{Observation, Questions};
use selfsame::spec::{ServiceName, SpecSet};
use selfsame::units::{BootId, BootTime, Now, Pid, Signal, StartTicks, WallTime};

use crate::chance::Chance;

/// A process as it really is.
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
#[derive(Clone, Debug)]
pub(crate) struct Proc {
    pub key: ProcessKey,
    /// What it is a copy of; `None` is a stranger.
    pub copy_of: Option<ServiceName>,
    /// Copies that descend from one start share a number.
    pub lineage: u64,
    pub parent: Option<ProcessKey>,
    pub program: Arc<str>,
    pub args: Arc<[String]>,
    pub born: u64,
    pub ready_at: Duration,
    pub dies_at: Option<(Duration, Exit)>,
    /// A starter: when it forks the service.
    pub forks_at: Option<Duration>,
    pub starter: bool,
    /// It took the place of this one.
    pub succeeds: Option<ProcessKey>,
    pub deaf: bool,
    pub leaves_workers: bool,
    pub foreign_user: bool,
    pub supervisor: bool,
    pub weak: bool,
}

impl Proc {
    /// It exits because it has done its work, not because of a fault.
    pub(crate) fn service_is_starter(&self) -> bool {
        self.forks_at.is_some() || self.starter
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub chance: Chance,
    pub wild: bool,
    pub now: Duration,
    pub wall_offset: i64,
    boot: BootId,
    pub procs: BTreeMap<i32, Proc>,
    last_start: BTreeMap<i32, u64>,
    freed: Vec<i32>,
    lineages: u64,
    boots: u32,
    /// Counts observations: what was born after the last one can't have been seen.
    pub looks: u64,
    /// When the last one was made.
    pub looked_at: Duration,
    /// What the engine that lives now knows of exits.
    pub exits: BTreeMap<ProcessKey, Exit>,
    pub probes: BTreeMap<ProcessKey, bool>,
    /// On disk.
    pub ledger: Option<Memory>,
    /// Start slots by object, index and nonce.
    pub slots: BTreeMap<(ServiceName, u32, String), ProcessKey>,
    /// The engine was killed: nothing that it still does has an effect.
    pub dead: bool,
    /// May the engine be killed inside this tick?
    pub fragile: bool,
    pub desired: Arc<SpecSet>,
    /// Objects about which the last observation did not tell everything.
    pub clouded: BTreeSet<ServiceName>,
    /// Processes on record of which the last observation could not tell whether they live.
    pub unseen: BTreeSet<ProcessKey>,
    /// The disk is full until then.
    pub full_until: Duration,
    pub starts: u64,
    pub adoptions: u64,
    pub signals: u64,
    pub refusals: u64,
    pub log: Vec<String>,
    pub violations: Vec<String>,
    pub checker: crate::check::Checker,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            wild: true,
            now: Duration::from_secs(100),
            wall_offset: 1_700_000_000,
            boot: BootId("boot-1".into()),
            procs: BTreeMap::new(),
            last_start: BTreeMap::new(),
            freed: Vec::new(),
            lineages: 0,
            boots: 1,
            looks: 0,
            looked_at: Duration::ZERO,
            exits: BTreeMap::new(),
            probes: BTreeMap::new(),
            ledger: None,
            slots: BTreeMap::new(),
            dead: false,
            fragile: false,
            desired: Arc::default(),
            clouded: BTreeSet::new(),
            unseen: BTreeSet::new(),
            full_until: Duration::ZERO,
            starts: 0,
            adoptions: 0,
            signals: 0,
            refusals: 0,
            log: Vec::new(),
            violations: Vec::new(),
            checker: crate::check::Checker::default(),
        }
    }

    pub(crate) fn boot_id(&self) -> BootId {
        self.boot.clone()
    }

    /// Nothing lives on, and numbers and slots are free again.
    pub(crate) fn boot_again(&mut self) {
        self.say("the machine boots again");
        self.boots += 1;
        self.boot = BootId(format!("boot-{}", self.boots).into());
        self.procs.clear();
        self.slots.clear();
    }

    pub(crate) fn say(&mut self, line: impl std::fmt::Display) {
        self.log.push(format!("{:>5}.{:03}s  {line}", self.now.as_secs(), self.now.subsec_millis()));
    }

    pub(crate) fn violated(&mut self, what: String) {
        self.say(format_args!("VIOLATION {what}"));
        self.violations.push(what);
    }

    pub(crate) fn alive(&self, key: &ProcessKey) -> Option<&Proc> {
        self.procs.get(&key.pid.0).filter(|proc| proc.key == *key)
    }

    fn new_key(&mut self) -> ProcessKey {
        // The number that was freed last comes back first: the worst case.
        let pid = self.freed.pop().unwrap_or_else(|| {
            (300..9999)
                .find(|pid| !self.procs.contains_key(pid) && !self.last_start.contains_key(pid))
                .unwrap()
        });
        let ticks = u64::try_from(self.now.as_millis() / 10).unwrap();
        let start = ticks.max(self.last_start.get(&pid).map_or(0, |last| last + 1));
        self.last_start.insert(pid, start);
        ProcessKey { boot: self.boot_id(), pid: Pid(pid), start: StartTicks(start) }
    }

    /// A process comes to be.
    pub(crate) fn spawn(
        &mut self,
        program: impl Into<Arc<str>>,
        args: impl Into<Arc<[String]>>,
        copy_of: Option<&ServiceName>,
    ) -> ProcessKey {
        let key = self.new_key();
        self.lineages += 1;
        let proc = Proc {
            key: key.clone(),
            copy_of: copy_of.cloned(),
            lineage: self.lineages,
            parent: None,
            program: program.into(),
            args: args.into(),
            born: self.looks,
            ready_at: self.now,
            dies_at: None,
            forks_at: None,
            starter: false,
            succeeds: None,
            deaf: false,
            leaves_workers: false,
            foreign_user: false,
            supervisor: false,
            weak: false,
        };
        self.procs.insert(key.pid.0, proc);
        key
    }

    fn fork(&mut self, of: &Proc, parent: Option<ProcessKey>) -> ProcessKey {
        let key = self.spawn(Arc::clone(&of.program), Arc::clone(&of.args), of.copy_of.as_ref());
        let child = self.procs.get_mut(&key.pid.0).unwrap();
        child.lineage = of.lineage;
        child.born = of.born;
        child.parent = parent;
        key
    }

    pub(crate) fn end(&mut self, key: &ProcessKey, exit: Exit) {
        let Some(proc) = self.alive(key).cloned() else { return };
        self.procs.remove(&key.pid.0);
        self.freed.push(key.pid.0);
        self.exits.insert(key.clone(), exit);
        let children: Vec<ProcessKey> = self
            .procs
            .values()
            .filter(|child| child.parent.as_ref() == Some(key))
            .map(|child| child.key.clone())
            .collect();
        if !proc.leaves_workers {
            for child in children {
                self.end(&child, Exit::Code(0));
            }
        }
    }

    /// The chances of life that a new copy of a service gets.
    fn give_life(&mut self, key: &ProcessKey, forking: bool) {
        let (now, wild) = (self.now, self.wild);
        let fate = self.chance.below(if wild { 10 } else { 1 });
        let delay = Duration::from_millis(self.chance.below(3000));
        let workers = self.chance.below(3);
        let proc = self.procs.get_mut(&key.pid.0).unwrap();
        proc.ready_at = now + delay / 3;
        if forking {
            proc.starter = true;
            proc.forks_at = Some(now + Duration::from_millis(50) + delay / 10);
            if fate == 1 {
                proc.dies_at = Some((now + delay / 20, Exit::Code(1)));
            }
            return;
        }
        match fate {
            1 => proc.dies_at = Some((now + delay, Exit::Code(1))),
            2 => proc.dies_at = Some((now, Exit::Signal(Signal::KILL))),
            3 => proc.dies_at = Some((now + delay * 20, Exit::Code(0))),
            4 => proc.deaf = true,
            5 => proc.leaves_workers = true,
            6 => proc.ready_at = now + Duration::from_hours(1),
            _ => {}
        }
        let parent = proc.clone();
        for _ in 0..workers {
            self.fork(&parent, Some(key.clone()));
        }
    }

    /// When the next process forks or exits of itself.
    pub(crate) fn next_event(&self) -> Option<Duration> {
        self.procs.values().filter_map(|p| p.forks_at.or(p.dies_at.as_ref().map(|d| d.0))).min()
    }

    /// Time goes by, and what was to happen happens.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next =
                self.procs.values().filter_map(|p| p.forks_at.or(p.dies_at.as_ref().map(|d| d.0))).min();
            match next {
                Some(next) if next <= until => self.now = self.now.max(next),
                _ => break,
            }
            self.happen();
        }
        self.now = until;
    }

    fn happen(&mut self) {
        let now = self.now;
        let is_due = |proc: &&Proc| {
            proc.forks_at.is_some_and(|at| at <= now)
                || proc.dies_at.as_ref().is_some_and(|(at, _)| *at <= now)
        };
        let due: Vec<Proc> = self.procs.values().filter(is_due).cloned().collect();
        for proc in due {
            if self.alive(&proc.key).is_none() {
                continue;
            }
            if proc.forks_at.is_some_and(|at| at <= now) {
                let child = self.fork(&proc, None);
                self.procs.get_mut(&child.pid.0).unwrap().succeeds = Some(proc.key.clone());
                let starter = self.procs.get_mut(&proc.key.pid.0).unwrap();
                starter.forks_at = None;
                let later = Duration::from_millis(self.chance.below(2) * 40);
                self.procs.get_mut(&proc.key.pid.0).unwrap().dies_at = Some((now + later, Exit::Code(0)));
                self.say(format_args!("{} forks {}", proc.key.pid, child.pid));
            } else if let Some((at, exit)) = &proc.dies_at
                && *at <= now
            {
                self.say(format_args!("{} ends: {exit:?}", proc.key.pid));
                self.end(&proc.key, exit.clone());
            }
        }
    }

    /// Mischief between two calls of the engine.
    pub(crate) fn mischief(&mut self) {
        if !self.wild {
            return;
        }
        if self.fragile && self.chance.once_in(60) {
            self.say("the engine is killed");
            self.dead = true;
        }
        if self.chance.once_in(12) {
            let keys: Vec<ProcessKey> = self.procs.values().map(|proc| proc.key.clone()).collect();
            if let Some(key) = self.chance.pick(&keys).cloned() {
                self.say(format_args!("{} is ended by fate", key.pid));
                self.end(&key, Exit::Signal(Signal::KILL));
            }
        }
        if self.chance.once_in(12) {
            let key = self.spawn("/usr/bin/vim", [], None);
            self.say(format_args!("a stranger begins as {}", key.pid));
        }
        if self.chance.once_in(25) {
            self.reexecute();
        }
        if self.chance.once_in(8) {
            let time = Duration::from_millis(self.chance.below(200));
            self.pass(time);
        }
        if self.chance.once_in(400) {
            self.say("the engine is suspended for a minute");
            self.pass(Duration::from_mins(1));
        }
    }

    /// What happens while a look is being made, between the list and the reading of its rows: an exit, another program
    /// under the very same number, a child.
    pub(crate) fn meanwhile(&mut self) {
        if !self.wild || !self.chance.once_in(40) {
            return;
        }
        let procs: Vec<Proc> = self.procs.values().cloned().collect();
        let Some(proc) = self.chance.pick(&procs).cloned() else { return };
        match self.chance.below(3) {
            0 => {
                self.say(format_args!("{} ends in the middle of a look", proc.key.pid));
                self.end(&proc.key, Exit::Signal(Signal::KILL));
            }
            1 => {
                self.end(&proc.key, Exit::Code(1));
                let key = self.spawn("/usr/bin/vim", [], None);
                self.say(format_args!(
                    "{} ends in the middle of a look, a stranger is {}",
                    proc.key.pid, key.pid
                ));
            }
            _ => {
                let child = self.fork(&proc, Some(proc.key.clone()));
                self.say(format_args!("{} forks {} in the middle of a look", proc.key.pid, child.pid));
            }
        }
    }

    /// The records that a write which is cut short leaves: files are written one after the other.
    fn write_some(&mut self, memory: &Memory) {
        let count = usize::try_from(self.chance.below(memory.services.len() as u64 + 1)).unwrap();
        let mut written = match &self.ledger {
            Some(ledger) if ledger.boot == memory.boot => ledger.clone(),
            _ => Memory::new(memory.boot.clone()),
        };
        for (name, record) in memory.services.iter().take(count) {
            written.services.insert(name.clone(), record.clone());
        }
        self.ledger = Some(written);
    }

    /// Start slots whose result is on record are removed.
    fn sweep(&mut self, memory: &Memory) {
        self.slots.retain(|(name, index, nonce), _| {
            let instance = memory.services.get(name).and_then(|record| record.instances.get(index));
            matches!(instance.map(|i| &i.phase), Some(Phase::Intended { nonce: written, .. }) if written == nonce)
        });
    }

    /// A service comes back under a new pid, as some do on HUP.
    fn reexecute(&mut self) {
        let tops: Vec<Proc> = self
            .procs
            .values()
            .filter(|proc| proc.copy_of.is_some() && proc.parent.is_none() && proc.forks_at.is_none())
            .filter(|proc| proc.succeeds.is_none() && proc.dies_at.is_none())
            .cloned()
            .collect();
        if let Some(old) = self.chance.pick(&tops).cloned() {
            let new = self.fork(&old, None);
            self.procs.get_mut(&new.pid.0).unwrap().succeeds = Some(old.key.clone());
            self.procs.get_mut(&old.key.pid.0).unwrap().leaves_workers = false;
            self.say(format_args!("{} comes back as {}", old.key.pid, new.pid));
            self.end(&old.key, Exit::Code(0));
        }
    }

    fn start(&mut self, step: &Step, nonce: &str, launch: &Launch) -> Outcome {
        crate::check::start(self, step, nonce);
        if self.wild && self.chance.once_in(10) {
            return Outcome::StartFailed { error: "exec: no such file or directory".into() };
        }
        if self.wild && self.chance.once_in(20) {
            self.refusals += 1;
            return Outcome::Refused { error: "the executable can be written by others".into() };
        }
        let program = launch.program.display().to_string();
        let key = self.spawn(program, &launch.argv[1..], Some(&step.service));
        self.slots.insert((step.service.clone(), step.index, nonce.to_owned()), key.clone());
        self.checker.ours.insert(key.clone());
        let lineage = self.lineages;
        self.checker.lineages.insert(lineage);
        self.starts += 1;
        let forking = launch.launched.get("type").is_some_and(|kind| kind == "forking");
        self.give_life(&key, forking);
        self.say(format_args!("start {}[{}] as {}: {}", step.service, step.index, key.pid, step.because));
        Outcome::Started(key)
    }

    fn signal(&mut self, step: &Step, key: &ProcessKey, signal: Signal) -> Outcome {
        if self.wild && self.chance.once_in(15) {
            self.refusals += 1;
            return Outcome::Refused { error: "not permitted".into() };
        }
        let meant = self.alive(key).cloned();
        // A keeper that a test can switch off: here stands the fake of the pidfd and its check.
        #[cfg(feature = "failpoints")]
        let meant = if selfsame::host::failpoint::broken(selfsame::host::failpoint::Break::SignalByNumber) {
            self.procs.get(&key.pid.0).cloned()
        } else {
            meant
        };
        let Some(proc) = meant else {
            return Outcome::Gone;
        };
        crate::check::signal(self, step, &proc);
        self.signals += 1;
        self.say(format_args!(
            "{signal} to {} of {}[{}]: {}",
            key.pid, step.service, step.index, step.because
        ));
        if signal == Signal::KILL || (signal == Signal::TERM && !proc.deaf) {
            let slow = self.wild && self.chance.once_in(3);
            let delay = Duration::from_millis(if slow { self.chance.below(5000) } else { 0 });
            if delay.is_zero() {
                self.end(&proc.key, Exit::Signal(signal));
            } else if let Some(dying) = self.procs.get_mut(&proc.key.pid.0) {
                dying.forks_at = None;
                dying.dies_at = Some((self.now + delay, Exit::Signal(signal)));
            }
        }
        Outcome::Done
    }
}

impl Host for World {
    fn now(&self) -> Now {
        let wall = u64::try_from(self.wall_offset + i64::try_from(self.now.as_secs()).unwrap()).unwrap_or(0);
        Now { boot: BootTime(self.now), wall: WallTime(Duration::from_secs(wall)) }
    }

    fn observe(&mut self, questions: &Questions) -> Observation {
        self.mischief();
        let observed = crate::answer::observe(self, questions);
        crate::check::at_any_moment(self);
        observed
    }

    fn remember(&mut self, memory: &Memory) -> Result<(), String> {
        self.mischief();
        if self.dead {
            return Err("dead".into());
        }
        if self.ledger.as_ref() == Some(memory) {
            return Ok(());
        }
        if self.wild && self.now < self.full_until {
            self.refusals += 1;
            return Err("no space left on device".into());
        }
        if self.wild && self.chance.once_in(20) {
            self.refusals += 1;
            self.write_some(memory);
            self.say("memory can't be written, but for a part of it");
            if self.chance.once_in(3) {
                self.full_until = self.now + Duration::from_millis(self.chance.below(20_000));
            }
            return Err("no space left on device".into());
        }
        if self.fragile && self.chance.once_in(100) {
            self.write_some(memory);
            self.say("the engine is killed while it writes");
            self.dead = true;
            return Err("dead".into());
        }
        self.ledger = Some(memory.clone());
        self.sweep(memory);
        crate::check::remembered(self, memory);
        crate::check::at_any_moment(self);
        Ok(())
    }

    /// Half of the time there is room. Not by chance, so that seeds of former histories stay what they were.
    fn remember_stops(
        &mut self,
        memory: &Memory,
        names: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, String> {
        let written = self.ledger.clone().filter(|ledger| ledger.boot == memory.boot);
        let Some(mut written) = written.filter(|_| !self.dead && self.now.as_millis().is_multiple_of(2))
        else {
            return Err("no room either".into());
        };
        for name in names {
            match memory.services.get(name) {
                Some(record) => written.services.insert(name.clone(), record.clone()),
                None => written.services.remove(name),
            };
        }
        self.say(format!("of memory only what is said of stops can be written: {names:?}"));
        crate::check::recorded_once(self, &written);
        crate::check::counts(self, names.iter().filter_map(|name| memory.services.get(name)));
        let left = memory.services.changes_since(&written.services).filter(|change| change.was != change.is);
        let left = left.map(|change| change.key.clone()).collect();
        self.ledger = Some(written);
        crate::check::at_any_moment(self);
        Ok(left)
    }

    fn perform(&mut self, step: &Step) -> Outcome {
        self.mischief();
        if self.dead {
            return Outcome::Refused { error: "dead".into() };
        }
        let outcome = match &step.action {
            Action::Start { nonce, launch } => self.start(step, nonce, launch),
            Action::Signal { key, signal, .. } => self.signal(step, key, *signal),
            Action::KillTree { main, tree, .. } => {
                let mut worst = Outcome::Gone;
                for key in main.iter().chain(tree) {
                    match self.signal(step, key, Signal::KILL) {
                        Outcome::Gone => {}
                        outcome => worst = outcome,
                    }
                }
                worst
            }
            Action::Constrain { .. } => Outcome::Done,
            Action::Adopt { key } => {
                self.adoptions += 1;
                self.say(format_args!("adopt {} for {}[{}]", key.pid, step.service, step.index));
                crate::check::adopted(self, step, key);
                Outcome::Done
            }
            Action::Release { key } => {
                self.say(format_args!("release {} of {}", key.pid, step.service));
                // Also what it became in the meantime, if it came back under another number.
                let of_it = |proc: &&Proc| proc.key == *key || proc.succeeds.as_ref() == Some(key);
                let lineages: Vec<u64> = self.procs.values().filter(of_it).map(|proc| proc.lineage).collect();
                self.checker.released.extend(lineages);
                Outcome::Done
            }
            // Every command succeeds at once: how they fail is a matter of the real kernel.
            Action::Run { .. } => Outcome::Done,
            Action::Adjust { key, .. } => match self.alive(key) {
                Some(_) => Outcome::Done,
                None => Outcome::Gone,
            },
            Action::Probe { key, .. } => {
                let ready = self.alive(key).is_some_and(|proc| proc.ready_at <= self.now);
                self.probes.insert(key.clone(), ready);
                Outcome::Done
            }
        };
        // The engine may be killed after the deed, before it knows of it.
        if self.fragile && self.wild && self.chance.once_in(25) {
            self.say("the engine is killed within a step");
            self.dead = true;
        }
        crate::check::at_any_moment(self);
        outcome
    }
}
