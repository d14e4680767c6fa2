//! What was started and isn't what the identity rule of its document describes.

use std::sync::Arc;

use selfsame::facts::Fact;
use selfsame::plan::memory::{Instance, Phase};
use selfsame::plan::observation::{Alive, HealthSeen, ProcessSeen, Questions, Seen};
use selfsame::plan::status::{ConditionStatus, ConditionType};
use selfsame::plan::{Plan, QuestionHints, questions};
use selfsame::spec::Service;

use crate::bench::*;

fn answered(recognized: Fact<bool>) -> Seen {
    let health = HealthSeen { recognized, ..HealthSeen::default() };
    let alive = Alive { exe: Some("/usr/bin/python3".into()), health, ..alive() };
    Seen { processes: [(0, ProcessSeen::Alive(alive))].into(), ..Seen::default() }
}

fn runs(instance_of: impl FnOnce(&mut Instance), recognized: Fact<bool>) -> Case {
    let mut one = instance(running(started(&web(), 812)));
    instance_of(&mut one);
    Case::new().with(web(), vec![one], answered(recognized))
}

fn said(plan: &Plan) -> Option<String> {
    let conditions = &plan.status[0].conditions;
    let found = conditions.iter().find(|one| one.kind == ConditionType::UpToDate)?;
    assert_eq!((found.status, &*found.reason), (ConditionStatus::False, "NotRecognized"));
    Some(found.message.clone())
}

fn asked(case: &Case, full: bool) -> Questions {
    questions(&case.desired, &case.memory, now(), QuestionHints { full })
}

fn is_asked(case: &Case, full: bool) -> bool {
    asked(case, full).services[&name("web")].processes.get(&0).unwrap().health.recognized
}

/// After a loss of its record it would have been started a second time, and nobody was told before.
#[test]
fn what_the_identity_rule_would_not_find_is_said_and_nothing_is_done() {
    let case = runs(|_| {}, Fact::Known(false));
    let plan = case.plan();
    let message = said(&plan).unwrap();
    assert!(message.starts_with("web: 812 runs `/usr/bin/python3`, and the identity rule"), "{message}");
    assert!(plan.steps.is_empty() && plan.changes.is_empty());
    // It is said as long as it is so, also by ticks that don't ask.
    let later = Case { memory: plan.memory, ..runs(|_| {}, Fact::Absent) };
    let plan = later.plan();
    assert_eq!(said(&plan).unwrap(), message);
    assert_eq!(plan.memory, later.memory);
    // Until it is mended.
    let mended = Case { memory: plan.memory, ..runs(|_| {}, Fact::Known(true)) };
    assert_eq!(said(&mended.plan()), None);
}

#[test]
fn what_is_not_known_or_gone_from_the_disk_is_no_ground() {
    for recognized in [Fact::Known(true), Fact::Absent, Fact::Unknown(denied("exe of 812"))] {
        assert_eq!(said(&runs(|_| {}, recognized).plan()), None);
    }
    let mut replaced = runs(|_| {}, Fact::Known(false));
    let seen = replaced.observed.services.get_mut(&name("web")).unwrap();
    let Some(ProcessSeen::Alive(alive)) = seen.processes.get_mut(&0) else { panic!("it lives") };
    alive.exe_deleted = true;
    let plan = replaced.plan();
    assert!(plan.status[0].conditions.iter().all(|one| &*one.reason != "NotRecognized"));
}

#[test]
fn it_is_asked_in_complete_looks_until_the_rule_finds_it() {
    let of = |recognized| runs(|one| one.health.recognized = recognized, Fact::Absent);
    assert!(is_asked(&of(None), true) && is_asked(&of(Some(false)), true));
    assert!(!is_asked(&of(None), false) && !is_asked(&of(Some(true)), true));
    // A wrapper may not have executed yet what it wraps.
    let fresh = |one: &mut Instance| {
        if let Phase::Running { ready_since, .. } = &mut one.phase {
            *ready_since = at(NOW);
        }
    };
    assert!(!is_asked(&runs(fresh, Fact::Absent), true));
    // Another document may have another rule.
    let mut edited = of(Some(true));
    edited
        .desired
        .services
        .insert(name("web"), Arc::new(Service { becomes: Some("/usr/bin/other".into()), ..web() }));
    assert!(is_asked(&edited, true));
}

#[test]
fn a_look_asks_about_so_many_and_the_next_one_about_others() {
    let mut case = Case::new();
    for number in 0..40 {
        let spec = service(&format!("web-{number}"));
        let one = instance(running(started(&spec, 800 + number)));
        case = case.with(spec, vec![one], answered(Fact::Absent));
    }
    let of = |questions: &Questions| -> Vec<_> {
        let asked =
            questions.services.iter().filter(|(_, asked)| asked.processes.get(&0).unwrap().health.recognized);
        asked.map(|(name, _)| name.clone()).collect()
    };
    let first = of(&asked(&case, true));
    assert_eq!(first.len(), 32);
    for name in &first {
        case.memory.record_mut(name).unwrap().instances.get_mut(&0).unwrap().health.recognized = Some(true);
    }
    let second = of(&asked(&case, true));
    assert_eq!(second.len(), 8);
    assert!(second.iter().all(|name| !first.contains(name)));
}
