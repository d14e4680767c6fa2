#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::facts::{IoCounts, Stat};
use crate::lang::Vocabularies;
use crate::process::testing::TestWorld;
use crate::process::{ProcessVocabulary, candidate, expression};

const PID: Pid = Pid(600);

/// A host that is looked at again and again.
struct Course {
    world: TestWorld,
}

impl Course {
    fn new() -> Self {
        let mut world = TestWorld::new();
        world.elf("/opt/x");
        world.start(PID.0, 1, "/opt/x", &["x"]);
        world.samples = Some(RefCell::default());
        Self { world }
    }

    fn at(&mut self, seconds: f64) -> &mut Self {
        self.world.uptime = BootTime(Duration::from_secs_f64(seconds));
        self
    }

    fn stat(&mut self, change: impl FnOnce(&mut Stat)) -> &mut Self {
        let proc = self.world.procs.get_mut(&PID.0).unwrap();
        if let Fact::Known(stat) = &mut proc.stat {
            change(stat);
        }
        self
    }

    fn pace(&self, counter: Counter) -> String {
        match self.world.pace(PID, counter) {
            Fact::Known(pace) if counter.unit() == crate::facts::Unit::Time => pace.share().to_string(),
            Fact::Known(pace) => pace.per_second().to_string(),
            Fact::Absent => "-".into(),
            Fact::Unknown(reason) => format!("?{}", reason.why),
        }
    }

    fn changed(&self, of: Trait) -> String {
        match self.world.changed(PID, of) {
            Fact::Known(changed) => changed.to_string(),
            Fact::Absent => "-".into(),
            Fact::Unknown(reason) => format!("?{}", reason.why),
        }
    }
}

#[test]
fn a_share_is_told_from_the_second_look_on_over_a_second_at_least() {
    let mut course = Course::new();
    // At so many seconds the process has used so many ticks of a hundredth; what is told then, in millionths.
    for (at, ticks, expected) in [
        (100.0, 1000, "?sampling"),
        (100.5, 1050, "?sampling"),
        (101.0, 1100, "1000000"),
        // Again in the same look: the same.
        (101.0, 1100, "1000000"),
        // Half a second later: since the first look.
        (101.5, 1100, "666667"),
        // A second after the look that was kept: since that.
        (102.0, 1150, "500000"),
        (107.0, 1150, "0"),
        // The kernel's count went back by a tick.
        (108.0, 1149, "0"),
        (109.0, 1250, "1010000"),
        // Hours later nobody knows what was meanwhile.
        (20_000.0, 1250, "?sampling"),
        (20_001.0, 1251, "10000"),
    ] {
        course.at(at).stat(|stat| stat.cpu_ticks = [ticks, 0, 0, 0]);
        assert_eq!(course.pace(Counter::CpuTime), expected, "at {at}");
    }
}

#[test]
fn a_successor_with_the_same_number_begins_anew() {
    let mut course = Course::new();
    course.at(100.0).stat(|stat| stat.cpu_ticks = [1000, 0, 0, 0]);
    assert_eq!(course.pace(Counter::CpuTime), "?sampling");
    course.at(102.0).stat(|stat| (stat.cpu_ticks, stat.start) = ([3, 0, 0, 0], StartTicks(10_100)));
    assert_eq!(course.pace(Counter::CpuTime), "?sampling");
    course.at(104.0).stat(|stat| stat.cpu_ticks = [103, 0, 0, 0]);
    assert_eq!(course.pace(Counter::CpuTime), "500000");
}

#[test]
fn each_counter_is_kept_for_itself() {
    let mut course = Course::new();
    let io = |read_bytes, write_calls| IoCounts { read_bytes, write_calls, ..IoCounts::default() };
    course.world.io = Fact::Known(io(1 << 20, 100));
    course.at(100.0).stat(|stat| stat.faults = [7, 0]);
    for counter in [Counter::ReadBytes, Counter::WriteCalls, Counter::MajorFaults] {
        assert_eq!(course.pace(counter), "?sampling");
    }
    course.world.io = Fact::Known(io(3 << 20, 103));
    course.at(104.0).stat(|stat| stat.faults = [7, 1]);
    assert_eq!(course.pace(Counter::ReadBytes), (1 << 19).to_string());
    assert_eq!(course.pace(Counter::WriteCalls), "1");
    // One in four seconds is not none.
    assert_eq!(course.pace(Counter::MajorFaults), "1");
    // Nobody asked for it before.
    assert_eq!(course.pace(Counter::MinorFaults), "?sampling");
    course.world.io = Fact::unknown(Why::Denied);
    course.at(108.0);
    assert_eq!(course.pace(Counter::ReadBytes), "?denied");
}

#[test]
fn a_change_is_seen_once() {
    let mut course = Course::new();
    course.at(100.0);
    assert_eq!(
        (course.changed(Trait::Parent), course.changed(Trait::Exe)),
        ("?sampling".into(), "?sampling".into())
    );
    course.at(105.0).stat(|stat| stat.ppid = Pid(50));
    assert_eq!((course.changed(Trait::Parent), course.changed(Trait::Exe)), ("true".into(), "false".into()));
    course.at(110.0);
    assert_eq!(
        (course.changed(Trait::Parent), course.changed(Trait::User)),
        ("false".into(), "?sampling".into())
    );
}

#[test]
fn what_is_kept_is_bounded_and_what_nobody_asks_for_any_more_goes() {
    let mut samples = Samples::default();
    let at = |seconds| BootTime(Duration::from_secs(seconds));
    let most = i32::try_from(PROCESSES_MAX).unwrap();
    let what = What::Counter(Counter::CpuTime);
    for pid in 0..most {
        assert_eq!(samples.earlier((Pid(pid), StartTicks(1)), what, (at(1), 0)), Ok(None));
    }
    let refused = samples.earlier((Pid(most), StartTicks(1)), what, (at(1), 0));
    assert_eq!(refused.map_err(|reason| reason.why), Err(Why::Budget));
    assert_eq!(samples.len(), PROCESSES_MAX);
    // In the next look some of them aren't asked for.
    for pid in 0..10 {
        assert_eq!(samples.earlier((Pid(pid), StartTicks(1)), what, (at(3), 5)), Ok(Some((at(1), 0))));
    }
    assert_eq!(samples.earlier((Pid(most), StartTicks(1)), what, (at(3), 0)), Ok(None));
    assert_eq!((samples.len(), samples.is_empty()), (11, false));
}

/// Only processes that the cheap part of a condition selects are sampled.
#[test]
fn conditions_sample_whom_cheap_facts_select() {
    let mut course = Course::new();
    course.world.elf("/opt/y");
    for pid in 700..720 {
        course.world.start(pid, 1, "/opt/y", &["y"]);
    }
    let predicate = expression::compile_expression("cpu > 50% && exe == \"/opt/x\"").predicate.unwrap();
    let vocabulary = ProcessVocabulary::new(&course.world);
    let facts = Vocabularies(vec![&vocabulary]);
    let bound = predicate.bind(&std::collections::BTreeMap::new(), &facts);
    for pid in course.world.pids().known().unwrap().iter() {
        let _verdict = bound.matcher.eval(&candidate(*pid), &facts);
    }
    assert_eq!(course.world.samples.unwrap().borrow().len(), 1);
}
