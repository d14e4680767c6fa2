//! Restarts of what depends on others: nothing that runs is taken down for one that can't be completed.

use std::sync::Arc;

use selfsame::plan::action::Action;
use selfsame::plan::memory::{Instance, Phase, Record};
use selfsame::plan::observation::{Prepared, ProcessSeen, Seen, Unprepared};
use selfsame::plan::status::{ConditionStatus, ConditionType, PhaseWord};
use selfsame::plan::{Doing, Plan, QuestionHints, questions};
use selfsame::spec::{Dependency, DependencyCondition, Service};

use crate::bench::*;

fn on(of: &str, others: &[&str]) -> Service {
    let condition = DependencyCondition::Ready;
    let depends_on = others.iter().map(|other| Dependency { name: name(other), condition }).collect();
    Service { depends_on, ..service(of) }
}

fn lives() -> Seen {
    let mut seen = Seen { prepared: Some(Ok(prepared())), ..Seen::default() };
    seen.processes.insert(0, ProcessSeen::Alive(alive()));
    seen
}

/// A Service that runs as this PID.
fn runs(case: Case, spec: Service, pid: i32) -> Case {
    let process = started(&spec, pid);
    case.with(spec, vec![instance(running(process))], lives())
}

/// One that failed and waits.
fn fails(case: Case, of: &str) -> Case {
    let until = at(NOW + 600);
    let mut case = case.with(service(of), vec![instance(Phase::BackOff { until })], Seen::default());
    record(&mut case, of).shown = Some(PhaseWord::BackOff);
    case
}

fn record<'a>(case: &'a mut Case, of: &str) -> &'a mut Record {
    case.memory.record_mut(&name(of)).unwrap()
}

fn restart(mut case: Case, of: &[&str]) -> Plan {
    for one in of {
        record(&mut case, one).ask_restart(at(NOW - 1), "ann".into());
    }
    case.plan()
}

fn phase(plan: &Plan, of: &str) -> String {
    phase_text(&plan.memory.services[&name(of)].instances.get(&0).unwrap().phase)
}

fn said(plan: &Plan, of: &str) -> Vec<(ConditionType, String)> {
    let status = plan.status.iter().find(|status| status.name == name(of)).unwrap();
    let dependency = status.conditions.iter().filter(|condition| &*condition.reason == "Dependency");
    let held = dependency.filter(|condition| condition.status == ConditionStatus::True);
    held.map(|condition| (condition.kind, condition.message.clone())).collect()
}

const STOPS: &str = "Stopping 812 (to begin)";
const STAYS: &str = "Running 812";

#[test]
fn a_restart_waits_while_what_it_depends_on_is_down() {
    let plan = restart(fails(runs(Case::new(), on("web", &["db"]), 812), "db"), &["web"]);
    assert_eq!(phase(&plan, "web"), STAYS);
    let message = "web: not restarted: it waits for `db` to be ready, which fails";
    assert_eq!(said(&plan, "web"), [(ConditionType::Blocked, message.to_owned())]);
    assert!(plan.changes.iter().any(|change| change.service == name("web") && change.doing == Doing::Held));

    let there = runs(runs(Case::new(), on("web", &["db"]), 812), service("db"), 700);
    assert_eq!(phase(&restart(there, &["web"]), "web"), STOPS, "what it depends on is there");
}

#[test]
fn a_restart_waits_for_what_only_takes_time() {
    let db = service("db");
    let process = started(&db, 700);
    let mut case = runs(Case::new(), on("web", &["db"]), 812);
    case = case.with(db, vec![instance(starting(process, NOW))], Seen::default());
    record(&mut case, "db").shown = Some(PhaseWord::Starting);
    let plan = restart(case, &["web"]);
    assert_eq!(phase(&plan, "web"), STAYS);
    let message = "web: not restarted: it waits for `db` to be ready";
    assert_eq!(said(&plan, "web"), [(ConditionType::Progressing, message.to_owned())]);
}

#[test]
fn a_changed_document_waits_in_the_same_way() {
    let mut case = fails(runs(Case::new(), on("web", &["db"]), 812), "db");
    let changed = Service { args: vec!["--new".into()], ..on("web", &["db"]) };
    case.desired.services.insert(name("web"), changed.into());
    assert_eq!(phase(&case.plan(), "web"), STAYS);
}

#[test]
fn one_that_fails_its_liveness_is_restarted_all_the_same() {
    let mut case = fails(runs(Case::new(), on("web", &["db"]), 812), "db");
    let ill: &mut Instance = record(&mut case, "web").instances.get_mut(&0).unwrap();
    ill.health.lives = Some(false);
    assert_eq!(phase(&restart(case, &["web"]), "web"), STOPS);
}

#[test]
fn restarts_of_all_together_wait_for_each_other_only() {
    let three = || runs(runs(Case::new(), on("web", &["app"]), 812), on("app", &["db"]), 811);
    let all = restart(runs(three(), service("db"), 700), &["web", "app", "db"]);
    let phases = ["web", "app", "db"].map(|of| phase(&all, of));
    assert_eq!(phases, [STOPS, "Running 811", "Running 700"], "in the order of dependence");

    let without = restart(fails(three(), "db"), &["web", "app", "db"]);
    assert_eq!(phase(&without, "app"), "Running 811");
    assert_eq!(phase(&without, "web"), STAYS, "`app` couldn't come back, so `web` couldn't either");
}

#[test]
fn what_is_held_back_keeps_nobody_else_from_a_restart() {
    let both = fails(runs(Case::new(), on("web", &["cache", "db"]), 812), "cache");
    let plan = restart(runs(both, service("db"), 700), &["web", "db"]);
    assert_eq!(phase(&plan, "web"), STAYS);
    assert_eq!(phase(&plan, "db"), "Stopping 700 (to begin)");
}

/// A program that isn't there any more, a user whom nobody knows: what runs is better than nothing.
#[test]
fn what_is_known_not_to_come_up_again_is_not_taken_down() {
    let broken = |spec: Service| {
        let process = started(&service("web"), 812);
        let seen = Seen { prepared: Some(Err("`/srv/web` is not executable".into())), ..lives() };
        Case::new().with(spec, vec![instance(running(process))], seen)
    };
    let changed = Service { args: vec!["--new".into()], ..service("web") };
    for plan in [broken(changed).plan(), restart(broken(service("web")), &["web"])] {
        assert_eq!(phase(&plan, "web"), STAYS);
        let status = plan.status.iter().find(|status| status.name == name("web")).unwrap();
        let blocked = status.conditions.iter().find(|one| &*one.reason == "CannotStart").unwrap();
        assert_eq!(
            blocked.message,
            "web: not restarted: it couldn't be started again: `/srv/web` is not executable"
        );
        assert!(plan.next.is_some(), "it is looked up again");
    }
    // Its liveness fails: it serves nobody.
    let mut sick = broken(service("web"));
    record(&mut sick, "web").ask_restart(at(NOW - 1), "ann".into());
    record(&mut sick, "web").instances.get_mut(&0).unwrap().health.lives = Some(false);
    assert_eq!(phase(&sick.plan(), "web"), STOPS);
}

/// A trigger, or a program that was replaced: the tick that sees it doesn't know yet whether it could be started again.
#[test]
fn what_asks_for_a_restart_itself_is_not_taken_down_before_its_start_was_looked_up() {
    let at_prepared = |prepared: Option<Result<Arc<Prepared>, Unprepared>>| {
        let mut one = instance(running(started(&service("web"), 812)));
        one.ask_restart("`rss > 1GiB` has held for 10s");
        Case::new().with(service("web"), vec![one], Seen { prepared, ..lives() })
    };
    let unknown = at_prepared(None);
    let plan = unknown.plan();
    assert_eq!(phase(&plan, "web"), STAYS);
    assert!(plan.next.is_some(), "it is looked up soon");
    let now = unknown.observed.now;
    let asked = questions(&unknown.desired, &plan.memory, now, QuestionHints::default());
    assert!(asked.services[&name("web")].prepare);
    let kept = at_prepared(Some(Err("`/srv/web` is not executable".into()))).plan();
    assert_eq!(phase(&kept, "web"), STAYS);
    assert!(kept.status[0].conditions.iter().any(|one| &*one.reason == "CannotStart"));
    let plan = at_prepared(Some(Ok(prepared()))).plan();
    assert_eq!(phase(&plan, "web"), STOPS);
    assert_eq!(plan.changes[0].because, "`rss > 1GiB` has held for 10s");
}

/// Who was restarted together with it comes back to what stayed, instead of waiting until it can be restarted.
#[test]
fn nobody_waits_for_a_restart_that_is_known_to_fail() {
    let broken = Seen { prepared: Some(Err("`/srv/db` is not executable".into())), ..lives() };
    let db = service("db");
    let both = runs(Case::new(), on("web", &["db"]), 812);
    let mut case = both.with(db.clone(), vec![instance(running(started(&db, 700)))], broken);
    for one in ["web", "db"] {
        record(&mut case, one).ask_restart(at(NOW - 1), "ann".into());
    }
    let first = case.plan();
    assert_eq!([phase(&first, "web"), phase(&first, "db")], [STOPS, "Running 700"]);

    case.memory = first.memory;
    record(&mut case, "web").instances.insert(0, instance(Phase::Vacant));
    let seen = case.observed.services.get_mut(&name("web")).unwrap();
    seen.processes.clear();
    seen.look = Some(nothing());
    let next = case.plan();
    assert_eq!(phase(&next, "db"), "Running 700");
    assert!(
        next.steps
            .iter()
            .any(|step| step.service == name("web") && matches!(step.action, Action::Start { .. }))
    );
    assert_eq!(said(&next, "web"), []);
}
