//! Tasks under a clock of our own: what is due when, what is left out, and what follows from each end.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use selfsame::facts::{Fact, ProcessKey};
use selfsame::plan::action::{Action, Outcome};
use selfsame::plan::memory::{Due, Exit, Memory, Moment, TaskResult};
use selfsame::plan::observation::{IntentSeen, Observation, ProcessSeen, Questions, Seen};
use selfsame::plan::status::{ConditionType, PhaseWord};
use selfsame::plan::task::{Completion, completion};
use selfsame::plan::{Plan, PlanOptions, QuestionHints, fold, plan, questions};
use selfsame::spec::{
    Concurrency, Dependency, DependencyCondition, Missed, OnUnknown, Rhythm, Schedule, Service, SpecSet,
    StartCondition, Suspend, TaskPlan, TaskRun,
};
use selfsame::units::{BootId, BootTime, Cron, Now, Signal, WallTime, Zone};

use crate::bench::*;

/// 2026-03-28 00:00 UTC, the day before clocks in Berlin are put forward.
const DAY: u64 = 1_774_656_000;
const HOUR: u64 = 3600;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A host with one Task and two clocks.
struct World {
    set: SpecSet,
    memory: Memory,
    boot: BootId,
    now: Now,
    /// How long a run takes and how it ends, in order; the last one for all that follow.
    script: Vec<(u64, Exit)>,
    runs: usize,
    living: BTreeMap<ProcessKey, (BootTime, Exit)>,
    ended: BTreeMap<ProcessKey, Exit>,
    /// Each start: what it was for, and when.
    starts: Vec<(Due, Now)>,
    /// What `conditions` come to.
    met: bool,
    next: Option<BootTime>,
    last: Option<Plan>,
    most: usize,
}

fn task(run: TaskRun) -> Service {
    let mut spec = service("job");
    spec.readiness.check = selfsame::spec::ReadinessCheck::AliveFor(Duration::ZERO);
    spec.task = Some(TaskPlan { run, ..TaskPlan::default() }).into();
    spec
}

fn cron(text: &str, zone: &str) -> TaskRun {
    let rhythm = Rhythm::Cron { cron: Cron::parse(text).unwrap(), time_zone: Zone::new(zone).unwrap() };
    TaskRun::Schedule(Schedule { rhythm, jitter: Duration::ZERO, missed: Missed::RunOnce })
}

fn every(seconds: u64) -> TaskRun {
    let rhythm = Rhythm::Every(secs(seconds));
    TaskRun::Schedule(Schedule { rhythm, jitter: Duration::ZERO, missed: Missed::RunOnce })
}

impl World {
    fn new(spec: Service) -> Self {
        let mut world = Self {
            set: SpecSet::default(),
            memory: Memory::new(boot()),
            boot: boot(),
            now: Now { boot: at(NOW), wall: WallTime(secs(DAY)) },
            script: vec![(5, Exit::Code(0))],
            runs: 0,
            living: BTreeMap::new(),
            ended: BTreeMap::new(),
            starts: Vec::new(),
            met: true,
            next: None,
            last: None,
            most: 0,
        };
        world.set_spec(spec);
        world
    }

    fn set_spec(&mut self, spec: Service) {
        self.set.services.insert(spec.name.clone(), spec.into());
    }

    fn change(&mut self, change: impl FnOnce(&mut Service)) {
        let mut spec = (*self.set.services[&name("job")]).clone();
        change(&mut spec);
        self.set_spec(spec);
    }

    fn ends_with(mut self, script: &[(u64, Exit)]) -> Self {
        self.script = script.to_vec();
        self
    }

    fn observe(&self, asked: &Questions) -> Observation {
        let mut services = BTreeMap::new();
        for (name, question) in &asked.services {
            let mut seen = Seen::default();
            for (index, process) in &question.processes {
                let what = match self.ended.get(&process.key) {
                    Some(exit) => gone(exit.clone()),
                    None => ProcessSeen::Alive(alive()),
                };
                seen.processes.insert(*index, what);
            }
            seen.intents = question.intents.keys().map(|index| (*index, IntentSeen::NothingRan)).collect();
            seen.look = question.look.then(nothing);
            seen.prepared = question.prepare.then(|| Ok(prepared()));
            let answers = vec![Fact::Known(self.met); question.spec.conditions.len()];
            seen.conditions = question.conditions.then_some(answers);
            services.insert(name.clone(), seen);
        }
        Observation { now: self.now, boot: self.boot.clone(), services }
    }

    /// One moment: everything that is to be done at once.
    fn tick(&mut self) {
        let over: Vec<ProcessKey> = self
            .living
            .iter()
            .filter(|(_, (end, _))| *end <= self.now.boot)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            let (_, exit) = self.living.remove(&key).unwrap();
            self.ended.insert(key, exit);
        }
        for _ in 0..16 {
            let before = self.memory.clone();
            let asked = questions(&self.set, &self.memory, self.now, QuestionHints::default());
            let plan = plan(&self.set, &self.observe(&asked), &self.memory, &PlanOptions::default());
            self.memory = plan.memory.clone();
            for step in &plan.steps {
                let outcome = match &step.action {
                    Action::Start { .. } => self.start(step.index),
                    Action::Signal { key, signal, .. } => {
                        if self.living.remove(key).is_some() {
                            self.ended.insert(key.clone(), Exit::Signal(*signal));
                        }
                        Outcome::Done
                    }
                    other => panic!("{other:?}"),
                };
                fold(&mut self.memory, step, &outcome, self.now);
            }
            self.next = plan.next;
            self.last = Some(plan);
            self.most = self.most.max(self.living.len());
            if self.memory == before {
                return;
            }
        }
        panic!("no rest: {:#?}", self.memory);
    }

    fn start(&mut self, index: u32) -> Outcome {
        let run = self.memory.services[&name("job")].instances.get(&index).unwrap().run.clone();
        // A Service has none.
        self.starts.push((run.map_or(Due::Found, |run| run.due), self.now));
        let (takes, exit) = self.script[self.runs.min(self.script.len() - 1)].clone();
        self.runs += 1;
        let key = ProcessKey { boot: self.boot.clone(), ..key(100 + i32::try_from(self.runs).unwrap()) };
        self.living.insert(key.clone(), (self.now.boot.after(secs(takes)), exit));
        Outcome::Started(key)
    }

    /// Time passes on both clocks, and whatever was to wake the loop does.
    fn pass(&mut self, seconds: u64) {
        let end = self.now.boot.after(secs(seconds));
        self.tick();
        while let Some(next) = self.wake().filter(|next| *next <= end) {
            self.forward(next);
            self.tick();
        }
        self.forward(end);
        self.tick();
    }

    fn wake(&self) -> Option<BootTime> {
        let ends = self.living.values().map(|(end, _)| *end);
        self.next.into_iter().chain(ends).filter(|next| *next > self.now.boot).min()
    }

    fn forward(&mut self, to: BootTime) {
        self.now.wall = self.now.wall.after(to.since(self.now.boot));
        self.now.boot = to;
    }

    /// The machine sleeps: time passes and nobody looks.
    fn sleep(&mut self, seconds: u64) {
        self.forward(self.now.boot.after(secs(seconds)));
        self.tick();
    }

    /// The machine is off and starts anew.
    fn reboot(&mut self, off: u64, number: u32) {
        self.living.clear();
        self.boot = BootId(format!("boot-{number}").into());
        self.now = Now { boot: at(10), wall: self.now.wall.after(secs(off)) };
        self.next = None;
    }

    fn set_clock(&mut self, change: i64) {
        let wall = i64::try_from(self.now.wall.0.as_secs()).unwrap() + change;
        self.now.wall = WallTime(secs(u64::try_from(wall).unwrap()));
    }

    fn record(&self) -> &selfsame::plan::memory::Record {
        &self.memory.services[&name("job")]
    }

    fn ask(&mut self) {
        let (wall, name) = (self.now.wall, name("job"));
        self.memory.record_mut(&name).unwrap().ask(true, "ann".into(), wall, None);
    }

    fn result(&self) -> Option<TaskResult> {
        self.record().task.past.last.as_ref().map(|last| last.result.clone())
    }

    fn phase(&self) -> PhaseWord {
        self.last.as_ref().unwrap().status[0].phase
    }

    fn ready(&self) -> String {
        let status = &self.last.as_ref().unwrap().status[0];
        let ready =
            status.conditions.iter().find(|condition| condition.kind == ConditionType::Ready).unwrap();
        ready.reason.to_string()
    }

    /// When it was started, by the clock of a zone.
    fn times(&self, zone: &str) -> Vec<String> {
        let zone = Zone::new(zone).unwrap();
        let shown = |now: &Now| zone.civil(now.wall).unwrap().strftime("%d %H:%M").to_string();
        self.starts.iter().map(|(_, now)| shown(now)).collect()
    }
}

#[test]
fn a_task_that_is_to_run_once_runs_once() {
    let mut world = World::new(task(TaskRun::Once));
    world.pass(1);
    assert_eq!(
        (world.starts.len(), world.phase(), world.ready().as_str()),
        (1, PhaseWord::Running, "NotCompleted")
    );
    assert_eq!(completion(world.record()), Completion::NotYet);
    world.pass(1000);
    assert_eq!((world.phase(), world.ready().as_str()), (PhaseWord::Stopped, "Completed"));
    assert_eq!(completion(world.record()), Completion::Succeeded);
    world.change(|spec| spec.args = vec!["other".into()]);
    world.pass(100_000);
    world.reboot(100, 2);
    world.pass(100);
    assert_eq!(world.starts.len(), 1, "neither a change nor a boot runs it again");
    world.ask();
    world.pass(100);
    assert_eq!(world.starts.len(), 2);
    assert_eq!(world.starts[1].0, Due::Asked("ann".into()));
}

/// The process of the Service counted as a run that was under way, for ever: none of the Task's own came.
#[test]
fn a_service_that_becomes_a_task_is_stopped_and_runs_as_one() {
    for run in [every(60), TaskRun::Once] {
        let script = [(100_000, Exit::Code(0)), (5, Exit::Code(0))];
        let mut world = World::new(service("job")).ends_with(&script);
        world.pass(10);
        let old = world.living.keys().next().unwrap().clone();
        world.change(|spec| spec.task = Some(TaskPlan { run, ..TaskPlan::default() }).into());
        world.tick();
        assert!(!world.living.contains_key(&old));
        assert_ne!(world.result(), Some(TaskResult::Stopped), "it was no run");
        world.pass(70);
        assert_eq!((world.starts.len(), world.most), (2, 1));
        assert_eq!(world.result(), Some(TaskResult::Succeeded));
    }
}

/// One that is a Service for a while, and a Task again.
#[test]
fn a_run_that_became_a_service_is_none_when_it_is_a_task_again() {
    let mut world =
        World::new(task(TaskRun::Once)).ends_with(&[(100_000, Exit::Code(0)), (5, Exit::Code(0))]);
    world.pass(10);
    world.change(|spec| spec.task = selfsame::spec::Rare::default());
    world.pass(10);
    assert_eq!((world.living.len(), world.phase()), (1, PhaseWord::Running));
    world.change(|spec| spec.task = Some(TaskPlan { run: every(60), ..TaskPlan::default() }).into());
    world.pass(100);
    assert_eq!((world.starts.len(), world.result()), (2, Some(TaskResult::Succeeded)));
}

#[test]
fn a_change_of_what_it_is_started_with_runs_it_again() {
    let mut world = World::new(task(TaskRun::OnChange)).ends_with(&[(50, Exit::Code(0))]);
    world.pass(100);
    world.change(|spec| spec.task.as_mut().unwrap().timeout = Some(secs(1000)));
    world.pass(100);
    assert_eq!(world.starts.len(), 1, "its timeout is no part of that");
    world.change(|spec| spec.args = vec!["one".into()]);
    world.pass(10);
    assert_eq!(world.starts.len(), 2);
    // While it runs, under `forbid`: the last change is run after the end, and only that.
    world.change(|spec| spec.args = vec!["two".into()]);
    world.pass(10);
    world.change(|spec| spec.args = vec!["three".into()]);
    world.pass(10);
    assert_eq!((world.starts.len(), world.most), (2, 1));
    world.pass(1000);
    assert_eq!((world.starts.len(), world.most), (3, 1));
    world.reboot(100, 2);
    world.pass(100);
    assert_eq!(world.starts.len(), 3, "a boot is no change");
}

/// Limit, script: starts, result, attempts.
type Row<'a> = (u32, &'a [(u64, Exit)], usize, TaskResult, u32);

#[test]
fn what_fails_is_tried_again_as_often_as_it_says() {
    let failing = [(5, Exit::Code(1)), (5, Exit::Code(2)), (5, Exit::Code(0))];
    let rows: [Row<'_>; 4] = [
        (0, &failing, 1, TaskResult::Failed("it exited with code 1".into()), 1),
        (1, &failing, 2, TaskResult::Failed("it exited with code 2".into()), 2),
        (2, &failing, 3, TaskResult::Succeeded, 3),
        (5, &failing[2..], 1, TaskResult::Succeeded, 1),
    ];
    for (limit, script, starts, result, attempts) in rows {
        let mut spec = task(TaskRun::Once);
        spec.task.as_mut().unwrap().retries = limit;
        let mut world = World::new(spec).ends_with(script);
        world.pass(1000);
        assert_eq!(world.starts.len(), starts, "limit {limit}");
        assert_eq!(world.result(), Some(result.clone()), "limit {limit}");
        assert_eq!(world.record().task.past.last.as_ref().unwrap().attempts, attempts);
        let reason = if result == TaskResult::Succeeded { "Completed" } else { "Failed" };
        assert_eq!((world.ready().as_str(), world.phase()), (reason, PhaseWord::Stopped));
        if reason == "Failed" {
            assert_eq!(completion(world.record()), Completion::Failed);
            world.pass(100_000);
            assert_eq!(world.starts.len(), starts, "it is over");
            world.change(|spec| spec.annotations = BTreeMap::from([("why".into(), "again".into())]).into());
            world.pass(1000);
            assert!(world.starts.len() > starts, "another document tries it again");
        }
    }
}

#[test]
fn waits_between_attempts_grow() {
    let mut spec = task(TaskRun::Once);
    spec.task.as_mut().unwrap().retries = 4;
    spec.restart.backoff = secs(10);
    let mut world = World::new(spec).ends_with(&[(1, Exit::Code(1))]);
    world.pass(10_000);
    let times: Vec<Duration> = world.starts.iter().map(|(_, now)| now.boot.0).collect();
    let waits: Vec<Duration> =
        times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).saturating_sub(secs(1))).collect();
    assert_eq!(waits.len(), 4);
    assert!(waits.is_sorted() && waits[0] >= secs(9) && waits[3] >= secs(72), "{waits:?}");
}

#[test]
fn success_codes_count() {
    let mut spec = task(TaskRun::Once);
    spec.restart.success_codes = vec![3];
    let mut world = World::new(spec).ends_with(&[(5, Exit::Code(3))]);
    world.pass(100);
    assert_eq!(world.result(), Some(TaskResult::Succeeded));
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_has_failed() {
    let mut spec = task(TaskRun::Once);
    let plan = spec.task.as_mut().unwrap();
    (plan.timeout, plan.retries) = (Some(secs(60)), 1);
    let mut world = World::new(spec).ends_with(&[(100_000, Exit::Code(0))]);
    world.pass(59);
    assert_eq!((world.starts.len(), world.living.len()), (1, 1));
    world.pass(10);
    assert_eq!(world.starts.len(), 2, "a timeout is a failure like others");
    world.pass(1000);
    assert_eq!(world.result(), Some(TaskResult::Failed("it ran longer than `timeout`".into())));
    assert!(world.living.is_empty() && world.ended.values().all(|exit| *exit == Exit::Signal(Signal::TERM)));
}

/// P3: nothing follows from an end that nobody saw.
#[test]
fn an_unknown_exit_is_shown_and_nothing_runs_by_itself() {
    let unknown: [(u64, Exit); 2] = [(5, Exit::Unknown), (5, Exit::Code(0))];
    for run in [TaskRun::Once, TaskRun::OnChange, cron("@hourly", "UTC"), every(600)] {
        let mut spec = task(run.clone());
        spec.task.as_mut().unwrap().retries = 5;
        let mut world = World::new(spec).ends_with(&unknown);
        world.pass(3 * HOUR);
        assert_eq!(world.starts.len(), 1, "{run:?}");
        assert_eq!((world.phase(), world.ready().as_str()), (PhaseWord::Unknown, "ExitUnknown"));
        assert_eq!(completion(world.record()), Completion::Unknown);
        world.memory.record_mut(&name("job")).unwrap().try_again();
        world.pass(3 * HOUR);
        assert_eq!(world.starts.len(), 1, "an `apply` of the same doesn't run it");
        world.ask();
        world.pass(10);
        assert_eq!(world.starts.len(), 2);
        assert_eq!(world.result(), Some(TaskResult::Succeeded));
        world.pass(3 * HOUR);
        let goes_on = matches!(run, TaskRun::Schedule(_));
        assert_eq!(world.starts.len() > 2, goes_on, "{run:?}: then all is as before");
    }
}

#[test]
fn a_schedule_may_go_on_after_an_unknown_exit() {
    let mut spec = task(cron("@hourly", "UTC"));
    let plan = spec.task.as_mut().unwrap();
    (plan.on_unknown, plan.retries) = (OnUnknown::GoOn, 5);
    let mut world = World::new(spec).ends_with(&[(5, Exit::Unknown)]);
    world.pass(3 * HOUR + 60);
    assert_eq!(world.times("UTC"), ["28 01:00", "28 02:00", "28 03:00"]);
}

#[test]
fn a_power_loss_in_a_run_leaves_it_unknown() {
    for run in [TaskRun::Once, cron("@hourly", "UTC")] {
        let mut world = World::new(task(run)).ends_with(&[(3 * HOUR, Exit::Code(0))]);
        world.pass(HOUR + 60);
        assert_eq!(world.living.len(), 1);
        let starts = world.starts.len();
        world.reboot(HOUR, 2);
        world.pass(10 * HOUR);
        assert_eq!((world.starts.len(), world.phase()), (starts, PhaseWord::Unknown));
    }
}

#[test]
fn what_is_due_while_another_run_is_under_way() {
    let long = [(90 * 60, Exit::Code(0))];
    // concurrency: starts in four hours and a minute, at most at a time
    for (concurrency, times, most) in [
        (Concurrency::Forbid, vec!["28 01:00", "28 03:00"], 1),
        (Concurrency::Replace, vec!["28 01:00", "28 02:00", "28 03:00", "28 04:00"], 1),
        (Concurrency::Allow, vec!["28 01:00", "28 02:00", "28 03:00", "28 04:00"], 2),
    ] {
        let mut spec = task(cron("@hourly", "UTC"));
        spec.task.as_mut().unwrap().concurrency = concurrency;
        let mut world = World::new(spec).ends_with(&long);
        world.pass(4 * HOUR + 60);
        assert_eq!(
            (world.times("UTC"), world.most),
            (times.iter().map(|t| (*t).to_owned()).collect(), most),
            "{concurrency:?}"
        );
        let left_out = world.record().task.past.left_out.as_ref().map(|left_out| left_out.because.as_str());
        let expected = (concurrency == Concurrency::Forbid).then_some("the run before was still under way");
        assert_eq!(left_out, expected);
    }
}

/// Days of a change of the clock, with the zone whose clock it is.
#[test]
fn moments_follow_the_clock_of_the_zone() {
    let rows: [(&str, u64, &[&str]); 3] = [
        // Saturday as usual; on Sunday 02:30 doesn't exist.
        ("30 2 * * *", 3 * 24 * HOUR, &["28 02:30", "29 03:30", "30 02:30"]),
        ("0 */12 * * *", 2 * 24 * HOUR, &["28 12:00", "29 00:00", "29 12:00", "30 00:00"]),
        ("15 2-3 * * *", 2 * 24 * HOUR, &["28 02:15", "28 03:15", "29 03:15", "30 02:15", "30 03:15"]),
    ];
    for (text, time, expected) in rows {
        let mut world = World::new(task(cron(text, "Europe/Berlin")));
        world.pass(time + 3 * HOUR);
        let times = world.times("Europe/Berlin");
        assert_eq!(times[..expected.len().min(times.len())], *expected, "{text}");
    }
    let mut world = World::new(task(cron("30 2 * * *", "Europe/Berlin")));
    world.now.wall = WallTime(secs(1_792_800_000)); // 2026-10-24 00:00 UTC
    world.pass(2 * 24 * HOUR + 3 * HOUR);
    assert_eq!(
        world.times("Europe/Berlin"),
        ["24 02:30", "25 02:30", "26 02:30"],
        "the repeated hour counts once"
    );
}

#[test]
fn missed_moments_are_made_up_for_once_or_left_out() {
    for (missed, expected) in [
        (Missed::RunOnce, vec!["28 01:00", "28 06:30", "28 07:00"]),
        (Missed::Skip, vec!["28 01:00", "28 07:00"]),
    ] {
        let TaskRun::Schedule(schedule) = cron("@hourly", "UTC") else { panic!() };
        let mut world = World::new(task(TaskRun::Schedule(Schedule { missed, ..schedule })));
        world.pass(HOUR + 60);
        // Five hours asleep: the deadline of the loop comes late.
        world.forward(world.now.boot.after(secs(5 * HOUR + 29 * 60)));
        world.pass(HOUR);
        assert_eq!(world.times("UTC"), expected, "{missed:?}");
        // The machine is off over two more moments.
        let before = world.starts.len();
        world.reboot(2 * HOUR + 120, 2);
        world.pass(30);
        assert_eq!(
            world.starts.len() - before,
            usize::from(missed == Missed::RunOnce),
            "{missed:?} over a boot"
        );
    }
}

#[test]
fn a_clock_that_is_set_runs_no_moment_twice_and_stops_nothing() {
    let rows: [(&str, i64, u64, &[&str]); 4] = [
        // Forward by a day: one run for all that was leapt over.
        ("forward", 24 * 3600, 2 * HOUR, &["28 01:00", "29 01:30", "29 02:00", "29 03:00"]),
        // Back by less than three hours: it waits until the clock is there again.
        ("a little back", -3600, 2 * HOUR + 60, &["28 01:00", "28 02:00"]),
        // Back by a day: it was wrong before, and counts from where it is now.
        ("a day back", -24 * 3600, HOUR, &["28 01:00", "27 02:00"]),
        ("ten years forward", 10 * 365 * 86_400, 600, &["28 01:00", "25 01:30"]),
    ];
    for (what, change, time, expected) in rows {
        let mut world = World::new(task(cron("@hourly", "UTC")));
        world.pass(HOUR + 30 * 60);
        world.set_clock(change);
        world.pass(time);
        assert_eq!(world.times("UTC"), *expected, "{what}");
    }
    // What runs, and what waits for another attempt, doesn't notice.
    let mut spec = task(TaskRun::Once);
    let plan = spec.task.as_mut().unwrap();
    (plan.timeout, plan.retries) = (Some(secs(500)), 1);
    let mut world = World::new(spec).ends_with(&[(400, Exit::Code(1)), (400, Exit::Code(0))]);
    world.pass(200);
    world.set_clock(-86_400);
    world.pass(100);
    world.set_clock(10 * 365 * 86_400);
    world.pass(90);
    assert_eq!((world.starts.len(), world.living.len()), (1, 1));
    world.pass(1000);
    assert_eq!((world.starts.len(), world.result()), (2, Some(TaskResult::Succeeded)));
}

/// A machine without a battery begins in 1970 until its clock is set.
#[test]
fn a_clock_that_is_not_set_yet_runs_nothing() {
    let mut world = World::new(task(cron("0 3 * * *", "UTC")));
    world.pass(3 * HOUR + 60);
    assert_eq!(world.times("UTC"), ["28 03:00"]);
    world.reboot(HOUR, 2);
    let right = world.now.wall;
    world.now.wall = WallTime(secs(5));
    world.pass(300);
    world.now.wall = right.after(secs(300));
    world.pass(HOUR);
    assert_eq!(world.times("UTC"), ["28 03:00"], "what ran before the boot isn't run again");
    world.pass(24 * HOUR);
    assert_eq!(world.times("UTC"), ["28 03:00", "29 03:00"]);
}

#[test]
fn an_interval_counts_on_the_boot_clock() {
    let mut world = World::new(task(every(600)));
    world.pass(1);
    world.set_clock(-86_400);
    world.pass(1199);
    world.set_clock(86_400 * 365);
    world.pass(600);
    let times: Vec<u64> = world.starts.iter().map(|(_, now)| now.boot.0.as_secs() - NOW).collect();
    assert_eq!(times, [0, 600, 1200, 1800], "the clock on the wall plays no part");
    world.sleep(6000 + 300);
    world.pass(600);
    let times: Vec<u64> = world.starts.iter().map(|(_, now)| now.boot.0.as_secs() - NOW).collect();
    assert_eq!(times[4..], [8100, 8400], "one run after the sleep, and then the grid as before");
    world.change(|spec| spec.task.as_mut().unwrap().run = every(60));
    world.pass(61);
    assert_eq!(world.starts.len(), 8, "from the last moment on");
}

#[test]
fn jitter_puts_each_moment_off_by_the_same_time() {
    let TaskRun::Schedule(schedule) = cron("@hourly", "UTC") else { panic!() };
    let mut world = World::new(task(TaskRun::Schedule(Schedule { jitter: secs(1800), ..schedule })));
    world.pass(5 * HOUR);
    let late: Vec<Duration> = world
        .starts
        .iter()
        .map(|(due, now)| match due {
            Due::Schedule(Moment::Wall(moment)) => now.wall.since(*moment),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(late.len() >= 4 && late.iter().all(|time| *time == late[0] && *time < secs(1800)), "{late:?}");
    assert!(late[0] > Duration::ZERO);
}

#[test]
fn a_person_runs_it_now_and_stops_it() {
    let mut spec = task(cron("@daily", "UTC"));
    spec.state = selfsame::spec::DesiredState::Stopped;
    let mut world = World::new(spec).ends_with(&[(100, Exit::Code(0))]);
    world.pass(48 * HOUR);
    assert_eq!(world.starts.len(), 0);
    world.ask();
    world.pass(50);
    assert_eq!((world.starts.len(), world.living.len()), (1, 1), "though its document says stopped");
    world.pass(100);
    assert_eq!(world.result(), Some(TaskResult::Succeeded));
    world.change(|spec| spec.state = selfsame::spec::DesiredState::Running);
    world.pass(60);
    assert_eq!(world.starts.len(), 1, "what passed meanwhile wasn't missed");
    world.ask();
    world.pass(50);
    let wall = world.now.wall;
    world.memory.record_mut(&name("job")).unwrap().ask(false, "ann".into(), wall, None);
    world.pass(48 * HOUR);
    assert_eq!((world.starts.len(), world.result()), (2, Some(TaskResult::Stopped)));
    world.ask();
    world.pass(25 * HOUR);
    assert_eq!(world.starts.len(), 4, "asking for a run ends the wish that it be stopped");
}

#[derive(Clone, Debug)]
enum Happening {
    Pass(u64),
    Sleep(u64),
    Set(i64),
    Reboot(u64),
    Ask,
}

fn a_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1u64..20_000).prop_map(Happening::Pass),
        1 => (1u64..200_000).prop_map(Happening::Sleep),
        1 => (-10_000i64..200_000).prop_map(Happening::Set),
        1 => (1u64..200_000).prop_map(Happening::Reboot),
        1 => Just(Happening::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each moment runs at most once and never before its time, and under `forbid` and `replace` there is one run at a time,
    /// whatever clocks, sleep and boots do (a clock that is put back by hours is another story, and told above).
    #[test]
    fn every_moment_runs_at_most_once(
        text in prop::sample::select(&["@hourly", "30 2 * * *", "*/20 * * * *", "0 3 * * 0"][..]),
        zone in prop::sample::select(&["UTC", "Europe/Berlin", "Australia/Lord_Howe"][..]),
        concurrency in prop::sample::select(&[Concurrency::Forbid, Concurrency::Replace, Concurrency::Allow][..]),
        missed in prop::sample::select(&[Missed::RunOnce, Missed::Skip][..]),
        jitter in 0u64..3000,
        takes in 1u64..8000,
        code in 0i32..2,
        happenings in prop::collection::vec(a_happening(), 1..25),
    ) {
        let TaskRun::Schedule(schedule) = cron(text, zone) else { panic!() };
        let mut spec = task(TaskRun::Schedule(Schedule { jitter: secs(jitter), missed, ..schedule }));
        let plan = spec.task.as_mut().unwrap();
        (plan.concurrency, plan.on_unknown) = (concurrency, OnUnknown::GoOn);
        let mut world = World::new(spec).ends_with(&[(takes, Exit::Code(code))]);
        for (number, happening) in (2u32..).zip(&happenings) {
            match happening {
                Happening::Pass(seconds) => world.pass(*seconds),
                Happening::Sleep(seconds) => world.sleep(*seconds),
                Happening::Set(change) => {
                    world.set_clock(*change);
                    world.tick();
                }
                Happening::Reboot(off) => {
                    world.reboot(*off, number);
                    world.tick();
                }
                Happening::Ask => {
                    world.tick();
                    world.ask();
                    world.tick();
                }
            }
            let next = world.last.as_ref().unwrap().next;
            prop_assert!(next.is_none_or(|next| next > world.now.boot), "the loop would spin");
        }
        let moments: Vec<WallTime> = world.starts.iter().filter_map(|(due, _)| match due {
            Due::Schedule(Moment::Wall(moment)) => Some(*moment),
            _ => None,
        }).collect();
        let mut once = moments.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), moments.len(), "a moment ran twice");
        for (due, now) in &world.starts {
            if let Due::Schedule(Moment::Wall(moment)) = due {
                prop_assert!(*moment <= now.wall || concurrency == Concurrency::Replace);
            }
        }
        if concurrency != Concurrency::Allow {
            prop_assert!(world.most <= 1);
        }
    }
}

#[test]
fn a_run_that_is_due_waits_for_what_its_task_depends_on() {
    for concurrency in [Concurrency::Forbid, Concurrency::Replace, Concurrency::Allow] {
        let mut spec = task(every(10));
        spec.task.as_mut().unwrap().concurrency = concurrency;
        spec.depends_on = vec![Dependency { name: name("db"), condition: DependencyCondition::Ready }].into();
        let mut world = World::new(spec);
        world.pass(35);
        assert_eq!(world.starts, [], "{concurrency:?}");
        let status = &world.last.as_ref().unwrap().status[0];
        let blocked = status.conditions.iter().find(|one| one.kind == ConditionType::Blocked).unwrap();
        assert_eq!(blocked.message, "job: not started: it waits for `db` to be ready, and there is no `db`");
        world.change(|spec| spec.depends_on.clear());
        world.pass(0);
        assert!(!world.starts.is_empty() && world.starts.len() <= 4, "{concurrency:?}: {:?}", world.starts);
    }
}

#[test]
fn a_run_that_is_due_waits_until_its_conditions_hold() {
    for concurrency in [Concurrency::Forbid, Concurrency::Allow] {
        let mut spec = task(TaskRun::Once);
        spec.task.as_mut().unwrap().concurrency = concurrency;
        spec.conditions = vec![StartCondition::PathExists("/srv/data".into())].into();
        let mut world = World::new(spec);
        world.met = false;
        world.pass(60);
        assert_eq!(world.starts, [], "{concurrency:?}");
        let status = &world.last.as_ref().unwrap().status[0];
        let blocked = status.conditions.iter().find(|one| one.kind == ConditionType::Blocked).unwrap();
        assert_eq!(blocked.message, "job: not started: `/srv/data` isn't there");
        world.met = true;
        world.pass(20);
        assert_eq!(world.starts.len(), 1, "{concurrency:?}");
    }
}

#[test]
fn a_suspended_task_runs_nothing_and_has_missed_nothing() {
    let mut spec = task(every(10));
    let until = Some(WallTime(secs(DAY + 65)));
    spec.suspend = Some(Suspend { reason: "moving house".into(), until }).into();
    let mut world = World::new(spec);
    world.pass(60);
    assert_eq!(world.starts, []);
    world.pass(10);
    assert_eq!(world.starts.len(), 1, "{:?}", world.starts);
}
