//! Policies against a host that is out to get them: looks that are incomplete, late or uncertain, records that can't be written,
//! engines that die between any two calls, numbers of processes that are given out again. The checker knows the truth.
//!
//! `POLICY_SIM_RUNS=100000 cargo test --test policy_sim` plays more histories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use selfsame::engine::policy::Policies;
use selfsame::engine::policy::host::{Began, PolicyHost, Question};
use selfsame::facts::{Fact, ProcessKey, Why};
use selfsame::plan::memory::{Memory, Record, Suspension};
use selfsame::plan::policy::{KeptPolicies, PolicyLook, PolicyStep, Shown, Subject};
use selfsame::spec::policy::{ActionLimit, CountRange, Lasting, Policy, PolicyAction};
use selfsame::spec::{Expression, Service, ServiceName, SpecSet};
use selfsame::units::{BootId, BootTime, Now, Pid, Signal, StartTicks, WallTime};

/// In which fights are told.
const FIGHT: Duration = Duration::from_mins(10);

/// What is switched off, to see that it is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Break {
    Nothing,
    /// What was written down is lost with the engine.
    Forgetful,
    /// Nobody says who is spared.
    Unguarded,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

#[derive(Clone, Debug)]
struct Process {
    key: ProcessKey,
    user: u64,
    bad: bool,
    owner: Option<ServiceName>,
    spared: Option<&'static str>,
}

/// What is asked of one policy, in the town's own words: processes of this user that are bad.
struct Rule {
    user: u64,
    counts: bool,
}

struct Town {
    chance: Chance,
    seconds: u64,
    processes: Vec<Process>,
    next: (i32, u64),
    rules: BTreeMap<ServiceName, Rule>,
    file: KeptPolicies,
    /// Faults happen.
    hostile: bool,
    broken: Break,
    /// Records are as they were decided about: nothing may be done while they aren't.
    written: bool,
    /// What the last look said.
    told: BTreeMap<(ServiceName, ProcessKey), bool>,
    active: BTreeSet<ServiceName>,
    policies: BTreeMap<ServiceName, Arc<Policy>>,
    acts: Vec<(ServiceName, Duration)>,
    mistakes: Vec<String>,
    /// What the engine said of fights.
    fights: Vec<String>,
    story: Vec<String>,
    deaths: u64,
}

struct Killed;

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn boot() -> BootId {
    BootId("boot-1".into())
}

impl Town {
    fn new(seed: u64, broken: Break) -> Self {
        let mut town = Self {
            chance: Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            seconds: 1_000,
            processes: Vec::new(),
            next: (1, 1),
            rules: BTreeMap::new(),
            file: KeptPolicies::default(),
            hostile: true,
            broken,
            written: true,
            told: BTreeMap::new(),
            active: BTreeSet::new(),
            policies: BTreeMap::new(),
            acts: Vec::new(),
            mistakes: Vec::new(),
            fights: Vec::new(),
            story: Vec::new(),
            deaths: 0,
        };
        for spared in ["the first process", "a kernel thread", "selfsame itself", "an ancestor of selfsame"] {
            town.born(Some(spared));
        }
        for _ in 0..6 {
            town.born(None);
        }
        for text in ["one", "two", "three"] {
            let policy = town.policy(text);
            town.policies.insert(policy.name.clone(), Arc::new(policy));
        }
        town
    }

    fn born(&mut self, spared: Option<&'static str>) {
        let (pid, start) = self.next;
        self.next = (if pid > 40 { 5 } else { pid + 1 }, start + 1);
        if self.processes.iter().any(|process| process.key.pid == Pid(pid)) {
            return;
        }
        let owner = self.chance.once_in(3).then(|| name("web")).filter(|_| spared.is_none());
        let process = Process {
            key: ProcessKey { boot: boot(), pid: Pid(pid), start: StartTicks(start) },
            user: self.chance.below(2),
            // Whoever is spared looks as bad as can be.
            bad: spared.is_some() || self.chance.once_in(2),
            owner,
            spared,
        };
        self.processes.push(process);
    }

    fn policy(&mut self, text: &str) -> Policy {
        let mut policy = Policy::new(name(text));
        policy.subject = Some(Expression::new("true"));
        let user = self.chance.below(2);
        policy.when = Some(Expression::new(format!("user == {user}")));
        policy.limit = ActionLimit {
            count: u32::try_from(1 + self.chance.below(3)).unwrap(),
            per: Duration::from_secs(30 + 30 * self.chance.below(4)),
        };
        policy.dry_run =
            [None, Some(false), Some(false), Some(true)][usize::try_from(self.chance.below(4)).unwrap()];
        policy.lasting = match self.chance.below(3) {
            0 => Lasting::Seen,
            1 => Lasting::Time(Duration::from_secs(20)),
            _ => Lasting::Looks { so: 2, of: 3 },
        };
        let counts = self.chance.once_in(3);
        policy.count = counts.then_some(CountRange { least: 0, most: Some(1) });
        let signal = PolicyAction::Signal(vec![(Signal::TERM, Duration::ZERO)]);
        policy.actions = vec![match self.chance.below(4) {
            0 => PolicyAction::Restart,
            1 => PolicyAction::Stop,
            2 => PolicyAction::Renice(5),
            _ => signal,
        }];
        self.rules.insert(policy.name.clone(), Rule { user, counts });
        policy
    }

    /// The engine may die here.
    fn risk(&mut self) {
        if self.hostile && self.chance.once_in(40) {
            self.deaths += 1;
            self.story.push("the engine dies".into());
            resume_unwind(Box::new(Killed));
        }
    }

    fn means(&self, policy: &ServiceName, process: &Process) -> bool {
        self.rules[policy].user == process.user && process.bad
    }

    fn mistake(&mut self, text: String) {
        self.story.push(format!("MISTAKE: {text}"));
        self.mistakes.push(text);
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Something happens.
    fn go_on(&mut self) {
        self.seconds += 1 + self.chance.below(15);
        for _ in 0..self.chance.below(3) {
            match self.chance.below(4) {
                0 => self.born(None),
                1 => {
                    let at = usize::try_from(self.chance.below(self.processes.len() as u64)).unwrap();
                    if self.processes[at].spared.is_none() {
                        self.processes.remove(at);
                    }
                }
                _ => {
                    let at = usize::try_from(self.chance.below(self.processes.len() as u64)).unwrap();
                    let worse = self.chance.once_in(2);
                    self.processes[at].bad = worse || self.processes[at].spared.is_some();
                }
            }
        }
    }

    fn within_limit(&mut self, policy: &Policy) {
        let since = self.now().saturating_sub(policy.limit.per);
        let lately = self.acts.iter().filter(|(of, at)| *of == policy.name && *at > since).count();
        if lately > usize::try_from(policy.limit.count).unwrap() {
            self.mistake(format!("`{}` acted {lately} times, its limit is {:?}", policy.name, policy.limit));
        }
    }

    /// What has to be so of every act, whoever carries it out.
    fn check(&mut self, policy: &Policy, key: &ProcessKey, owner: Option<&ServiceName>) {
        let of = &policy.name;
        if !self.written {
            self.mistake(format!("`{of}` acts on what isn't written down"));
        }
        if !self.active.contains(of) || policy.dry_run == Some(true) {
            self.mistake(format!("`{of}` is suspended, or a dry run"));
        }
        if policy.dry_run.is_none() && owner.is_none() {
            self.mistake(format!("{key} is nobody's, and nothing says that `{of}` means it"));
        }
        match self.told.get(&(of.clone(), key.clone())) {
            Some(true) => {}
            other => self.mistake(format!("`{of}` acts on {key}, of which the look said {other:?}")),
        }
        let truth = self.processes.iter().find(|process| process.key == *key);
        if let Some(spared) = truth.and_then(|process| process.spared) {
            self.mistake(format!("`{of}` acts on {spared}"));
        }
        self.acts.push((of.clone(), self.now()));
        self.within_limit(policy);
    }
}

impl PolicyHost for Town {
    fn moment(&self) -> Now {
        Now { boot: BootTime(self.now()), wall: WallTime(self.now()) }
    }

    fn look(&mut self, question: &Question<'_>) -> BTreeMap<ServiceName, PolicyLook> {
        self.risk();
        self.active = question.policies.keys().cloned().collect();
        self.told.clear();
        let mut looks = BTreeMap::new();
        for of in self.active.clone() {
            if self.hostile && self.chance.once_in(4) {
                continue;
            }
            let mut look = PolicyLook { complete: true, ..PolicyLook::default() };
            for process in self.processes.clone() {
                if self.hostile && self.chance.once_in(12) {
                    // It is overlooked, or can't be told.
                    if self.chance.once_in(2) {
                        look.complete = false;
                    } else {
                        look.unsure += 1;
                    }
                    continue;
                }
                let unknown = self.hostile && self.chance.once_in(10);
                let bad = self.means(&of, &process);
                self.told.insert((of.clone(), process.key.clone()), bad && !unknown);
                look.subjects.push(Subject {
                    key: process.key.clone(),
                    violates: if unknown { Fact::unknown(Why::Denied) } else { Fact::Known(bad) },
                    owner: process.owner.clone(),
                    spared: process.spared.filter(|_| self.broken != Break::Unguarded),
                    shown: Shown::default(),
                });
            }
            look.subjects.sort_by_key(|subject| subject.key.start);
            looks.insert(of, look);
        }
        self.written = true;
        looks
    }

    fn next_look(&self) -> Option<BootTime> {
        None
    }

    fn noticed(&self) -> bool {
        false
    }

    fn keep(&mut self, kept: &KeptPolicies) -> Result<(), String> {
        self.risk();
        if self.hostile && self.chance.once_in(10) {
            self.written = false;
            return Err("no space".into());
        }
        self.file = serde_json::from_str(&serde_json::to_string(kept).unwrap()).unwrap();
        self.risk();
        Ok(())
    }

    fn carry_out(&mut self, policy: &Policy, step: &PolicyStep) -> Result<String, String> {
        self.risk();
        let key = step.process.clone().expect("a process");
        self.story.push(format!("{}: {} {key}", policy.name, step.action.word()));
        if !policy.actions.contains(&step.action) || step.withheld.is_some() {
            self.mistake(format!("`{}` never said {:?}", policy.name, step.action));
        }
        if step.owner.is_some() && matches!(step.action, PolicyAction::Restart | PolicyAction::Stop) {
            self.mistake("a Service is asked, never signalled".into());
        }
        self.check(policy, &key, step.owner.as_ref());
        let written = self.file.policies.get(&policy.name).and_then(|kept| kept.memory.spent.last());
        if written != Some(BootTime(self.now())) {
            self.mistake(format!("`{}` acted at {:?}, written is {written:?}", policy.name, self.now()));
        }
        if !matches!(step.action, PolicyAction::Renice(_)) {
            self.processes.retain(|process| process.key != key);
        } else if let Some(process) = self.processes.iter_mut().find(|process| process.key == key) {
            process.bad = false;
        }
        self.risk();
        Ok("done".into())
    }

    fn go_on(&mut self, _: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Began> {
        self.risk();
        Vec::new()
    }
}

/// Services as they are asked: what policies want of them is answered at once.
fn answer(town: &mut Town, memory: &mut Memory, asked: &mut Vec<(String, Duration)>) {
    let record = memory.record_mut(&name("web")).unwrap();
    let wish = record.wish.take().map(|wish| wish.by);
    let asks: Vec<String> = record.restart_by.take().into_iter().chain(wish).collect();
    record.restart_before = None;
    if asks.is_empty() {
        return;
    }
    for by in asks {
        note(town, by, asked);
    }
    let old: Vec<Process> =
        town.processes.iter().filter(|process| process.owner.is_some()).cloned().collect();
    town.processes.retain(|process| process.owner.is_none());
    // They come back as they were.
    for process in old {
        let start = town.next.1;
        town.next.1 += 1;
        town.processes
            .push(Process { key: ProcessKey { start: StartTicks(start), ..process.key.clone() }, ..process });
    }
}

/// Somebody asked something of the Service.
fn note(town: &mut Town, by: String, asked: &mut Vec<(String, Duration)>) {
    town.story.push(format!("web is asked by {by}"));
    let now = town.now();
    if let Some(policy) = by.strip_prefix("policy ").and_then(|of| town.policies.get(&name(of)).cloned()) {
        town.acts.push((policy.name.clone(), now));
        town.within_limit(&policy);
    }
    let before = asked.iter().filter(|(of, at)| *of == by && now.saturating_sub(*at) < FIGHT).count();
    if before > 2 {
        town.mistake(format!("{by} goes on with what changes nothing: {} times", before + 1));
    }
    asked.push((by, now));
}

/// One history. What went wrong, with its story.
fn play(seed: u64, broken: Break) -> (Vec<String>, Town) {
    let mut town = Town::new(seed, broken);
    let mut memory = Memory::new(boot());
    let service = Service::new(name("web"), "/srv/web".into());
    memory.services.insert(name("web"), Arc::new(Record::new(service)));
    let mut engine = Policies::new(boot(), KeptPolicies::default());
    let mut asked = Vec::new();
    for round in 0..120 {
        town.hostile = round < 80;
        if town.hostile {
            town.go_on();
        } else {
            town.seconds += 150;
        }
        if town.hostile && town.chance.once_in(15) {
            let suspension = Suspension {
                by: "ann".into(),
                at: WallTime::default(),
                reason: String::new(),
                until: None,
                others: Vec::new(),
            };
            let names = BTreeSet::from([name("one")]);
            engine.suspend(&names, Some(&suspension).filter(|_| town.chance.once_in(2)));
        } else if round == 80 {
            engine.suspend(&BTreeSet::from([name("one")]), None);
        }
        let set = SpecSet { policies: town.policies.clone(), ..SpecSet::default() };
        let turn =
            catch_unwind(AssertUnwindSafe(|| engine.turn(&mut town, &set, &mut memory, round % 7 == 0)));
        match turn {
            Ok(turn) => {
                let fights = turn.events.iter().filter(|event| event.reason == "Fight");
                town.fights.extend(fights.map(|event| event.message.clone()));
            }
            Err(payload) if payload.is::<Killed>() => {
                let kept =
                    if broken == Break::Forgetful { KeptPolicies::default() } else { town.file.clone() };
                engine = Policies::new(boot(), kept);
            }
            Err(payload) => resume_unwind(payload),
        }
        answer(&mut town, &mut memory, &mut asked);
    }
    at_rest(&mut town);
    (town.mistakes.clone(), town)
}

/// After a long quiet time nothing is left that a policy could have done something about.
fn at_rest(town: &mut Town) {
    for (of, policy) in town.policies.clone() {
        // Two who change a nice value back and forth are told to fight, and end it with whatever is so then.
        let ends = matches!(policy.actions.first(), Some(PolicyAction::Signal(_) | PolicyAction::Stop));
        if policy.dry_run != Some(false) || !ends || town.rules[&of].counts {
            continue;
        }
        let left = town.processes.iter().filter(|process| {
            // An engine that died over it again and again takes that for a fight, and says so: it can't know whether it acted.
            let fought = format!("pid {} ", process.key.pid);
            let fought = town.fights.iter().any(|said| said.contains(of.as_str()) && said.contains(&fought));
            process.spared.is_none() && town.means(&of, process) && process.owner.is_none() && !fought
        });
        let left: Vec<String> = left.map(|process| process.key.to_string()).collect();
        if !left.is_empty() {
            town.mistake(format!("`{of}` left {left:?} alone for no reason"));
        }
    }
}

#[test]
fn nothing_is_done_that_may_not_be_and_everything_that_may_be() {
    let runs = std::env::var("POLICY_SIM_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let (mut acts, mut deaths) = (0, 0);
    for seed in 1..=runs {
        let (mistakes, town) = play(seed, Break::Nothing);
        let story = town.story.iter().rev().take(25).rev().cloned().collect::<Vec<_>>().join("\n  ");
        assert!(mistakes.is_empty(), "seed {seed}: {mistakes:?}\n  {story}");
        acts += town.acts.len();
        deaths += town.deaths;
    }
    assert!(acts > 300 && deaths > 300, "the histories are worth playing: {acts} acts, {deaths} deaths");
}

#[test]
fn the_checker_notices_what_is_switched_off() {
    for (broken, expected) in [(Break::Forgetful, "its limit is"), (Break::Unguarded, "acts on")] {
        let noticed = (1..=60).flat_map(|seed| play(seed, broken).0).any(|text| text.contains(expected));
        assert!(noticed, "{broken:?}");
    }
}
