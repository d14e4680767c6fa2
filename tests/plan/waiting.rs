//! Starts that wait for something that comes by itself: they are told as `wait`, with what they wait for, and are part of a plan.
//!
//! They were told as if nothing were to be done, so that a plan said nothing of them.

use std::time::Duration;

use selfsame::facts::{Reason, Why};
use selfsame::plan::memory::{Instance, Phase};
use selfsame::plan::observation::{Look, ProcessSeen, Seen};
use selfsame::plan::{Doing, Plan};
use selfsame::spec::{Dependency, DependencyCondition, Readiness, ReadinessCheck, Service};
use selfsame::units::Pid;

use crate::bench::*;

fn free() -> Seen {
    Seen { look: Some(nothing()), prepared: Some(Ok(prepared())), ..Seen::default() }
}

fn vacant(case: Case, spec: Service) -> Case {
    case.with(spec, vec![instance(Phase::Vacant)], free())
}

/// What is said of one object, about which nothing is done yet.
#[track_caller]
fn waits(plan: &Plan, of: &str) -> String {
    let found = plan.changes.iter().find(|change| change.service == name(of)).unwrap();
    assert_eq!(
        (found.doing, found.doing.word(), found.doing.changes_something()),
        (Doing::Wait, "wait", true)
    );
    assert!(plan.steps.iter().all(|step| step.service != name(of)), "{:?}", plan.steps);
    found.because.clone()
}

#[test]
fn for_what_it_depends_on() {
    let on_db = vec![Dependency { name: name("db"), condition: DependencyCondition::Ready }];
    let web = Service { depends_on: on_db.into(), ..service("web") };
    let plan = vacant(vacant(Case::new(), web), service("db")).plan();
    assert_eq!(waits(&plan, "web"), "not started: it waits for `db` to be ready");
}

#[test]
fn for_its_turn() {
    let asks = |of: &str| Service {
        readiness: Readiness { check: ReadinessCheck::Pidfile, ..(*service(of).readiness).clone() }.into(),
        ..service(of)
    };
    let mut case = vacant(vacant(Case::new(), asks("a")), asks("b"));
    case.options.max_starts = Some(1);
    let plan = case.plan();
    assert_eq!(waits(&plan, "b"), "waits for its turn: as many are being started as may be");
    assert_eq!(steps_text(&plan.steps), "start [0]");
}

#[test]
fn for_another_instance_to_come_to_rest() {
    let two = Service { replicas: 2, ..service("web") };
    let mut lives = free();
    lives.processes.insert(0, ProcessSeen::Alive(alive()));
    let unsettled = stopping(started(&two, 812), &[], 0, NOW - 1);
    let case = Case::new().with(two, vec![instance(unsettled), instance(Phase::Vacant)], lives);
    let plan = case.plan();
    let second = plan.changes.iter().find(|change| change.index == 1).unwrap();
    assert_eq!(
        (second.doing, second.because.as_str()),
        (Doing::Wait, "waits until another instance has come to rest or is gone")
    );
}

/// Nobody tells when somebody is through with execve, and the next look at everything may be half a minute away.
#[test]
fn for_an_answer_that_passes_it_looks_again_soon_and_then_rarer() {
    let unknown = |why| Seen {
        look: Some(Look { unknown: vec![(Pid(72), vec![Reason::new(why, "cmdline of 72")])], ..nothing() }),
        ..free()
    };
    let held = |why, since: Option<u64>| {
        let vacant = Instance { unmet_since: since.map(at), ..instance(Phase::Vacant) };
        Case::new().with(web(), vec![vacant], unknown(why)).plan()
    };
    let again = |plan: &Plan| plan.next.map(|next| next.since(at(NOW)));
    for why in [Why::Timeout, Why::Vanished, Why::Budget] {
        let plan = held(why, None);
        assert_eq!((plan.steps.len(), again(&plan)), (0, Some(Duration::from_millis(250))));
        let record = &plan.memory.services[&name("web")];
        assert_eq!(record.instances.get(&0).unwrap().unmet_since, Some(at(NOW)));
        assert_eq!(again(&held(why, Some(NOW - 8))), Some(Duration::from_secs(2)));
        assert_eq!(again(&held(why, Some(1))), Some(Duration::from_secs(10)));
    }
    assert_eq!(again(&held(Why::Denied, None)), None, "that doesn't pass by itself");
    // Known, and nobody: what was waited for counts no more.
    let vacant = Instance { unmet_since: Some(at(NOW - 8)), ..instance(Phase::Vacant) };
    let plan = Case::new().with(web(), vec![vacant], free()).plan();
    assert_eq!(steps_text(&plan.steps), "start [0]");
    assert_eq!(plan.memory.services[&name("web")].instances.get(&0).unwrap().unmet_since, None);
}
