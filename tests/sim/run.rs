//! One run: a wild time with faults, edits and deaths of the engine; then calm, in which it must come to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use selfsame::engine::tick::{TickOptions, tick};
use selfsame::host::Host as _;
use selfsame::plan::action::Action;
use selfsame::plan::memory::{Exit, Memory, Phase};
use selfsame::plan::{PlanOptions, QuestionHints};
use selfsame::spec::{
    AdoptPolicy, DesiredState, DuplicatePolicy, ReadinessCheck, RemovePolicy, RestartPolicy, Service,
    ServiceName, ServiceType, StopScope, StopStep,
};
use selfsame::units::{BootTime, Signal};

use crate::chance::Chance;
use crate::world::World;

const NAMES: [&str; 3] = ["api", "db", "web"];
/// Wild steps of a history.
pub(crate) const STEPS: u32 = 50;
/// Longer than a start timeout and a back-off one after the other, the longest time in which nothing happens.
const QUIET: Duration = Duration::from_secs(13);
/// Every so many deaths of the engine the next one reads its memory from what would be on disk.
const READ_BACK: u64 = 4;
/// Ticks at one moment without coming to rest.
const HOT: u32 = 40;

pub(crate) struct Run {
    seed: u64,
    world: World,
    /// Chance of the people who edit documents: apart, so that it doesn't shift with the host's.
    people: Chance,
    memory: Memory,
    options: TickOptions,
    crashes: u64,
    held: u64,
}

/// What happened in all runs together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub starts: u64,
    pub adoptions: u64,
    pub signals: u64,
    pub refusals: u64,
    pub crashes: u64,
    pub held: u64,
}

impl Tally {
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.starts += other.starts;
        self.adoptions += other.adoptions;
        self.signals += other.signals;
        self.refusals += other.refusals;
        self.crashes += other.crashes;
        self.held += other.held;
        self
    }

    pub(crate) fn add(&mut self, run: &Run) {
        self.starts += run.world.starts;
        self.adoptions += run.world.adoptions;
        self.signals += run.world.signals;
        self.refusals += run.world.refusals;
        self.crashes += run.crashes;
        self.held += run.held;
    }
}

/// Memory through the form that it has on disk.
fn read_back(memory: &Memory) -> Memory {
    let text = serde_json::to_string(memory).expect("a ledger can be written");
    serde_json::from_str(&text).expect("a ledger reads back")
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let memory = Memory::new(world.boot_id());
        let options = TickOptions { plan: PlanOptions::default(), hints: QuestionHints { full: true } };
        Self { seed, people: Chance::new(seed ^ 0xfeed), memory, options, crashes: 0, held: 0, world }
    }

    pub(crate) fn story(&self, lines: usize) -> String {
        let log = &self.world.log;
        log[log.len().saturating_sub(lines)..].join("\n")
    }

    pub(crate) fn whole(&mut self) -> Result<(), String> {
        for name in NAMES {
            if self.people.below(4) > 0 {
                self.edit(name);
            }
        }
        for _ in 0..STEPS {
            self.live();
            self.once()?;
        }
        self.calm();
        self.settle()?;
        self.at_rest()
    }

    /// One tick and what follows it.
    fn once(&mut self) -> Result<(), String> {
        let mut hot = 0;
        loop {
            self.world.fragile = self.world.wild;
            let desired = Arc::clone(&self.world.desired);
            let done = tick(&mut self.world, &desired, &mut self.memory, self.options);
            self.options.hints.full = false;
            if !self.world.dead {
                crate::check::waits(&mut self.world, &self.memory);
            }
            self.held += u64::from(done.plan.is_held());
            if let Some(violation) = self.world.violations.first() {
                return Err(violation.clone());
            }
            if self.world.dead {
                self.revive();
                continue;
            }
            if !done.again {
                let wait =
                    done.next.map_or(Duration::from_mins(10), |next| next.since(BootTime(self.world.now)));
                // An exit wakes the engine; in wild times such events get lost.
                let event = self.world.next_event().map_or(wait, |at| at.saturating_sub(self.world.now));
                let wild = self.world.wild && self.people.once_in(2);
                let wait = if wild { Duration::from_millis(self.people.below(8000)) } else { event };
                let wait = wait.min(done.next.map_or(wait, |next| next.since(BootTime(self.world.now))));
                self.world.pass(wait);
                return Ok(());
            }
            hot += 1;
            if hot > HOT {
                return Err(format!("{HOT} ticks at one moment: {:?}", done.plan.steps));
            }
        }
    }

    /// A new engine, which knows what is on disk.
    fn revive(&mut self) {
        self.crashes += 1;
        self.world.dead = false;
        self.world.exits.clear();
        self.world.probes.clear();
        let time = Duration::from_millis(self.people.below(5000));
        self.world.pass(time);
        if self.people.once_in(30) {
            self.world.say("the ledger is lost");
            self.world.ledger = None;
            self.world.checker.lost = true;
            // Copies with other arguments can't be recognised any more: nobody can promise anything about those.
        }
        if self.people.once_in(30)
            && let Some(ledger) = &mut self.world.ledger
            && let Some(name) =
                ledger.services.keys().nth(usize::try_from(self.people.below(3)).unwrap()).cloned()
        {
            ledger.services.remove(&name);
            self.world.say(format_args!("the record of {name} is damaged"));
            self.world.checker.lost = true;
        }
        if self.people.once_in(40) {
            self.world.boot_again();
        }
        let boot = self.world.boot_id();
        self.memory = match &self.world.ledger {
            // Some read what is really written, and it has to be the same: that takes a tenth of the time of all that is played.
            Some(memory) if (self.seed + self.crashes).is_multiple_of(READ_BACK) => read_back(memory),
            Some(memory) => memory.clone(),
            None => Memory::new(boot),
        };
        if self.world.ledger.as_ref().is_some_and(|written| *written != self.memory) {
            self.world.violated("the ledger reads back as something else".into());
        }
        crate::check::revived(&mut self.world, &self.memory);
        self.options.hints.full = true;
    }

    /// What people do between ticks.
    fn live(&mut self) {
        let name = *self.people.pick(&NAMES).unwrap();
        match self.people.below(24) {
            0..=2 => self.edit(name),
            3 => self.remove(name),
            4 => self.unlist(name),
            5 => self.by_hand(name),
            6 => self.ask(name),
            7 => {
                let jump = i64::try_from(self.people.below(200_000_000)).unwrap() - 100_000_000;
                self.world.wall_offset += jump;
                self.world.say(format_args!("the wall clock jumps by {jump} s"));
            }
            8 => {
                self.world.dead = true;
                self.world.say("the engine is killed between ticks");
                self.revive();
            }
            9 => self.options.plan.confirmed = !self.options.plan.confirmed,
            10 | 11 => self.options.hints.full = true,
            _ => {}
        }
    }

    fn edit(&mut self, name: &str) {
        let service = self.document(name);
        let args = service.args.join(" ");
        self.world.say(format_args!(
            "document of {name}: {:?} x{} {:?} {args}",
            service.state, service.replicas, service.service_type
        ));
        let key = service.name.clone();
        let desired = Arc::make_mut(&mut self.world.desired);
        desired.removed.remove(&key);
        desired.rejected.remove(&key);
        desired.services.insert(key, service.into());
    }

    fn document(&mut self, name: &str) -> Service {
        let people = &mut self.people;
        let mut service = Service::new(ServiceName::new(name).unwrap(), format!("/srv/{name}").into());
        let which = people.below(3);
        service.args = match people.below(3) {
            0 => vec!["--index=${index}".into(), format!("v{which}")],
            1 => vec![format!("v{which}")],
            _ => vec!["title".into()],
        };
        service.replicas = [1, 1, 2, 3][usize::try_from(people.below(4)).unwrap()];
        if people.once_in(8) {
            service.state = *people.pick(&[DesiredState::Stopped, DesiredState::Observed]).unwrap();
        }
        if people.once_in(4) {
            service.service_type = ServiceType::Forking;
        }
        if people.once_in(2) {
            service.readiness.check = ReadinessCheck::Tcp { host: "127.0.0.1".into(), port: 80 };
        }
        service.readiness.period = Duration::from_secs(3);
        service.start_timeout = Duration::from_secs(5);
        service.restart.max_backoff = Duration::from_secs(6);
        service.adopt = *people
            .pick(&[AdoptPolicy::IfMatches, AdoptPolicy::IfMatches, AdoptPolicy::Never, AdoptPolicy::Require])
            .unwrap();
        service.duplicates = *people
            .pick(&[DuplicatePolicy::Report, DuplicatePolicy::StopExtra, DuplicatePolicy::Refuse])
            .unwrap();
        service.on_remove =
            *people.pick(&[None, Some(RemovePolicy::Stop), Some(RemovePolicy::Release)]).unwrap();
        service.restart.policy = *people
            .pick(&[
                RestartPolicy::Always,
                RestartPolicy::Always,
                RestartPolicy::OnFailure,
                RestartPolicy::Never,
            ])
            .unwrap();
        service.stop.scope = *people.pick(&[None, Some(StopScope::Main), Some(StopScope::Tree)]).unwrap();
        let step = |signal, seconds| StopStep { signal, wait: Duration::from_secs(seconds) };
        service.stop.schedule = vec![step(Signal::TERM, 3), step(Signal::KILL, 2)];
        service
    }

    fn remove(&mut self, name: &str) {
        let name = ServiceName::new(name).unwrap();
        let desired = Arc::make_mut(&mut self.world.desired);
        if desired.services.remove(&name).is_some() {
            desired.removed.insert(name.clone());
            self.world.say(format_args!("document of {name} is removed"));
        }
    }

    /// Neither in force nor known to be gone.
    fn unlist(&mut self, name: &str) {
        let name = ServiceName::new(name).unwrap();
        if Arc::make_mut(&mut self.world.desired).services.remove(&name).is_some() {
            self.world.say(format_args!("document of {name} can't be read"));
        }
    }

    /// Somebody starts a copy by hand, perhaps another user's, perhaps under another supervisor.
    fn by_hand(&mut self, name: &str) {
        let name = ServiceName::new(name).unwrap();
        let Some(spec) = self.world.desired.services.get(&name).cloned() else { return };
        let index = u32::try_from(self.people.below(u64::from(spec.replicas))).unwrap();
        let args = crate::answer::arguments_of(&spec)[&index].clone();
        let key = self.world.spawn(spec.startas.display().to_string(), args, Some(&name));
        let proc = self.world.procs.get_mut(&key.pid.0).unwrap();
        proc.foreign_user = self.people.once_in(6);
        proc.supervisor = self.people.once_in(6);
        proc.weak = self.people.once_in(6);
        self.world.say(format_args!("{} is a copy of {name}, started by hand", key.pid));
    }

    fn ask(&mut self, name: &str) {
        let now = BootTime(self.world.now);
        let wall = self.world.now().wall;
        let end = wall.after(Duration::from_secs(self.people.below(20)));
        let until = self.people.once_in(2).then_some(end);
        let Some(record) = self.memory.record_mut(&ServiceName::new(name).unwrap()) else { return };
        match self.people.below(3) {
            0 => record.ask(true, "ann".into(), wall, until),
            1 => record.ask(false, "ann".into(), wall, until),
            _ => record.ask_restart(now, "ann".into()),
        }
        self.world.say(format_args!("ann asks something of {name}"));
    }

    /// No more faults; what stands in the way through no fault of the engine is cleared away.
    fn calm(&mut self) {
        self.world.say("calm");
        self.world.wild = false;
        self.world.fragile = false;
        self.options.plan.confirmed = true;
        self.options.hints.full = true;
        for record in self.memory.services.values_mut() {
            Arc::make_mut(record).wish = None;
        }
        let recorded: Vec<_> = self
            .memory
            .services
            .values()
            .flat_map(|record| {
                record.instances.values().filter_map(|i| i.phase.process().map(|p| p.key.clone()))
            })
            .collect();
        let procs: Vec<_> = self.world.procs.values().cloned().collect();
        for proc in procs {
            let kept = recorded.contains(&proc.key)
                || proc.parent.as_ref().is_some_and(|parent| self.world.alive(parent).is_some())
                || proc.succeeds.as_ref().is_some_and(|key| recorded.contains(key))
                || proc.forks_at.is_some();
            if let Some(now) = self.world.procs.get_mut(&proc.key.pid.0) {
                now.dies_at = now.dies_at.take().filter(|_| proc.service_is_starter());
                now.leaves_workers = false;
                now.ready_at = now.ready_at.min(self.world.now);
            }
            let intended = self.intends(&proc);
            if !kept && !intended {
                self.world.end(&proc.key, Exit::Code(0));
            }
        }
        for service in Arc::make_mut(&mut self.world.desired).services.values_mut() {
            Arc::make_mut(service).duplicates = DuplicatePolicy::Report;
        }
    }

    /// How many instances of an object are on record and live.
    fn kept(&self, name: &ServiceName) -> u32 {
        let instances = self.memory.services.get(name).map(|record| record.instances.values());
        let alive = instances.into_iter().flatten().filter_map(|instance| instance.phase.process());
        u32::try_from(alive.filter(|process| self.world.alive(&process.key).is_some()).count()).unwrap()
    }

    fn intends(&self, proc: &crate::world::Proc) -> bool {
        self.memory.services.iter().any(|(name, record)| {
            record.instances.iter().any(|(index, instance)| match &instance.phase {
                Phase::Intended { nonce, .. } => {
                    self.world.slots.get(&(name.clone(), *index, nonce.clone())) == Some(&proc.key)
                }
                _ => false,
            })
        })
    }

    /// Ticks until nothing changes any more, for some simulated minutes.
    fn settle(&mut self) -> Result<(), String> {
        let mut last_event = (self.world.now, self.world.log.len());
        for _ in 0..3000 {
            self.options.hints.full = self.people.once_in(4);
            self.once()?;
            if self.world.log.len() != last_event.1 {
                last_event = (self.world.now, self.world.log.len());
            }
            if self.world.now.saturating_sub(last_event.0) > QUIET {
                return Ok(());
            }
        }
        let desired = Arc::clone(&self.world.desired);
        let last = tick(&mut self.world, &desired, &mut self.memory, self.options);
        Err(format!(
            "it doesn't come to rest: next {:?}, now {:?}, {:?}",
            last.next, self.world.now, last.plan.changes
        ))
    }

    /// Everything is as desired, and one more plan has nothing to do.
    fn at_rest(&mut self) -> Result<(), String> {
        let desired = Arc::clone(&self.world.desired);
        self.options.hints.full = true;
        let last = tick(&mut self.world, &desired, &mut self.memory, self.options);
        let left: Vec<_> =
            last.plan.steps.iter().filter(|s| !matches!(s.action, Action::Probe { .. })).collect();
        if !left.is_empty() {
            return Err(format!("at rest, and still to do: {left:?}"));
        }
        let mut copies: BTreeMap<&ServiceName, std::collections::BTreeSet<u64>> = BTreeMap::new();
        for proc in self.world.procs.values() {
            if let Some(name) = &proc.copy_of {
                copies.entry(name).or_default().insert(proc.lineage);
            }
        }
        for (name, spec) in &desired.services {
            let live = u32::try_from(copies.get(name).map_or(0, std::collections::BTreeSet::len)).unwrap();
            let fits = match (spec.state, spec.adopt) {
                (DesiredState::Running, AdoptPolicy::Require) => live <= spec.replicas,
                (DesiredState::Running, _) if spec.restart.policy != RestartPolicy::Always => {
                    live <= spec.replicas
                }
                // Workers that one copy left behind are instances of their own once they are adopted.
                (DesiredState::Running, _) => {
                    live == spec.replicas || (live < spec.replicas && self.kept(name) == spec.replicas)
                }
                (DesiredState::Stopped, _) => live == 0,
                (DesiredState::Observed, _) => true,
            };
            if !fits {
                let status = last.plan.status.iter().find(|status| status.name == *name);
                let status = status.map(|status| selfsame::report::status_details(status, self.world.now()));
                return Err(format!(
                    "{name} has {live} copies of {}:\n{}",
                    spec.replicas,
                    status.unwrap_or_default()
                ));
            }
        }
        Ok(())
    }
}
