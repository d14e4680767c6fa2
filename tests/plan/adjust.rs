//! Limits and scheduling of what runs: given, refused, or a matter of a restart.

use selfsame::plan::action::{Action, Outcome};
use selfsame::plan::memory::Memory;
use selfsame::plan::status::{ConditionStatus, ConditionType};
use selfsame::plan::{Plan, fold};
use selfsame::spec::{Limit, Service};

use crate::bench::*;

fn limited(nofile: u64) -> Service {
    let mut spec = web();
    spec.limits.insert("nofile".into(), Limit { soft: Some(nofile), hard: Some(nofile) });
    spec
}

/// It runs with one limit, and its document has another.
fn case(memory: Option<Memory>) -> Case {
    let mut seen = selfsame::plan::observation::Seen::default();
    seen.processes.insert(0, selfsame::plan::observation::ProcessSeen::Alive(alive()));
    let process = started(&limited(10), 812);
    let case = Case::new().with(limited(20), vec![instance(running(process))], seen);
    match memory {
        Some(memory) => Case { memory, ..case },
        None => case,
    }
}

/// Memory after the step had this outcome.
fn after(plan: &Plan, outcome: &Outcome) -> Memory {
    let mut memory = plan.memory.clone();
    let step = plan.steps.iter().find(|step| matches!(step.action, Action::Adjust { .. })).unwrap();
    fold(&mut memory, step, outcome, now());
    memory
}

fn up_to_date(plan: &Plan) -> Option<(ConditionStatus, String)> {
    let mut conditions = plan.status.iter().flat_map(|status| &status.conditions);
    let found = conditions.find(|condition| condition.kind == ConditionType::UpToDate);
    found.map(|condition| (condition.status, condition.message.clone()))
}

#[test]
fn what_was_given_is_on_record_and_is_not_given_again() {
    let plan = case(None).plan();
    assert_eq!(steps_text(&plan.steps), "adjust limits 812");
    let later = case(Some(after(&plan, &Outcome::Done))).plan();
    assert_eq!(later.steps, []);
    assert!(later.is_quiet());
    // Nothing is known of the rest: a process that is gone is a matter of its exit.
    let gone = case(Some(after(&plan, &Outcome::Gone))).plan();
    assert_eq!(steps_text(&gone.steps), "adjust limits 812");
}

#[test]
fn what_only_a_new_process_can_have_takes_a_restart() {
    let plan = case(None).plan();
    let memory = after(&plan, &Outcome::NotLive { error: "not permitted".into() });
    let later = case(Some(memory)).plan();
    assert!(!later.steps.iter().any(|step| matches!(step.action, Action::Adjust { .. })));
    assert_eq!(later.changes[0].doing, selfsame::plan::Doing::Restart);
}

#[test]
fn what_no_process_can_have_is_left_and_said() {
    let plan = case(None).plan();
    let memory = after(&plan, &Outcome::Refused { error: "not permitted".into() });
    let later = case(Some(memory.clone())).plan();
    assert_eq!(later.steps, []);
    assert!(later.is_held());
    let (status, message) = up_to_date(&later).unwrap();
    assert_eq!(status, ConditionStatus::False);
    assert!(message.contains("812 is left as it is: not permitted"), "{message}");
    // A person who asks again is taken at their word.
    let mut asked = memory;
    let record = std::sync::Arc::make_mut(asked.services.get_mut(&name("web")).unwrap());
    record.try_again();
    assert_eq!(steps_text(&case(Some(asked)).plan().steps), "adjust limits 812");
}

#[test]
fn a_record_that_knows_nothing_of_scheduling_is_no_difference() {
    let mut process = started(&web(), 812);
    process.launched.as_mut().unwrap().remove("scheduling");
    let mut spec = web();
    spec.scheduling.nice = Some(5);
    let mut seen = selfsame::plan::observation::Seen::default();
    seen.processes.insert(0, selfsame::plan::observation::ProcessSeen::Alive(alive()));
    let plan = Case::new().with(spec, vec![instance(running(process))], seen).plan();
    assert_eq!(plan.steps, []);
}
