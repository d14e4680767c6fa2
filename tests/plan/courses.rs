//! Single courses of events, each named after what it shows.

use std::collections::BTreeSet;
use std::time::Duration;

use selfsame::engine::tick::{TickOptions, tick};
use selfsame::facts::Fact;
use selfsame::host::Host;
use selfsame::plan::action::{Action, Outcome, Step};
use selfsame::plan::memory::{Exit, Instance, Memory, Phase};
use selfsame::plan::observation::{
    Alive, ArgumentsSeen, Candidate, Look, Observation, ProcessSeen, Questions, Seen,
};
use selfsame::plan::settled::{Settled, settled};
use selfsame::plan::status::{ConditionStatus, ConditionType, PhaseWord};
use selfsame::plan::{Doing, Plan, QuestionHints, fold, questions};
use selfsame::spec::{
    AdoptPolicy, DesiredState, DuplicatePolicy, ReadinessCheck, RemovePolicy, Service, ServiceName,
    ServiceType, StopScope,
};
use selfsame::units::{BootId, Now, Pid, Uid, WallTime};

use crate::bench::*;

fn seen_alive(count: u32) -> Seen {
    let mut seen = Seen::default();
    seen.processes.extend((0..count).map(|index| (index, ProcessSeen::Alive(alive()))));
    seen
}

fn looked(candidates: Vec<Candidate>) -> Seen {
    Seen { look: Some(found(candidates)), prepared: Some(Ok(prepared())), ..Seen::default() }
}

fn condition(plan: &Plan, kind: ConditionType) -> (ConditionStatus, String) {
    let conditions = plan.status.iter().flat_map(|status| &status.conditions);
    let found = conditions.into_iter().find(|condition| condition.kind == kind);
    found.map(|condition| (condition.status, condition.message.clone())).expect("the condition is said")
}

fn phases_of(plan: &Plan, of: &str) -> Vec<String> {
    plan.memory.services[&name(of)].instances.values().map(|instance| phase_text(&instance.phase)).collect()
}

#[test]
fn what_holds_a_start_back_names_the_process_and_the_reason() {
    let one = || candidate(812);
    let rows: [(AdoptPolicy, Candidate, &str); 7] = [
        (
            AdoptPolicy::IfMatches,
            Candidate { foreign_user: true, ..one() },
            "web: not started: 812 matches and belongs to another user (uid 0); if it is the service, say so with `match: user == 0`",
        ),
        (
            AdoptPolicy::IfMatches,
            Candidate { foreign_supervisor: Some("runsv (40)".into()), ..one() },
            "web: not started: 812 matches and is kept by runsv (40)",
        ),
        (
            AdoptPolicy::IfMatches,
            Candidate { above: true, ..one() },
            "web: not started: 812 matches and is the first process or one that selfsame was started from, which it leaves \
             alone: start selfsame from elsewhere, or take it over with `selfsame adopt`",
        ),
        (
            AdoptPolicy::IfMatches,
            Candidate { recorded_for: Some(name("shop")), ..one() },
            "web: not started: 812 matches and is on record for `shop`",
        ),
        (
            AdoptPolicy::IfMatches,
            Candidate { weak: true, ..one() },
            "web: not started: 812 seems to be it, but nothing that the kernel attests says so",
        ),
        (
            AdoptPolicy::Never,
            one(),
            "web: not started: 812 matches and runs already, and `adopt: never` takes nothing over",
        ),
        (
            AdoptPolicy::Never,
            Candidate { arguments: ArgumentsSeen::Overwritten, indexes: BTreeSet::new(), ..one() },
            "web: not started: 812 matches and runs already, and `adopt: never` takes nothing over",
        ),
    ];
    for (adopt, candidate, message) in rows {
        let spec = Service { adopt, ..web() };
        let seen = Seen {
            look: Some(found(vec![candidate.clone()])),
            prepared: Some(Ok(prepared())),
            ..Seen::default()
        };
        let mut case = Case::new().with(spec, vec![Instance::default()], seen);
        if candidate.recorded_for.is_some() {
            case = case.with(
                service("shop"),
                vec![instance(running(started(&service("shop"), 812)))],
                seen_alive(1),
            );
        }
        let plan = case.plan();
        assert_eq!(plan.steps, [], "{message}");
        assert!(plan.is_held());
        let status = plan.status.iter().find(|status| status.name == name("web")).unwrap();
        assert!(status.conditions.iter().any(|c| c.message == message), "{message}: {:?}", status.conditions);
    }
}

#[test]
fn other_arguments_are_another_process_unless_a_pidfile_speaks_for_it() {
    let other = Candidate { arguments: ArgumentsSeen::Different, indexes: BTreeSet::new(), ..candidate(812) };
    let plan = Case::new().with(web(), vec![Instance::default()], looked(vec![other.clone()])).plan();
    assert_eq!(steps_text(&plan.steps), "start [0]");
    let anchored = Candidate { anchored: true, ..other };
    let plan = Case::new().with(web(), vec![Instance::default()], looked(vec![anchored])).plan();
    assert_eq!(steps_text(&plan.steps), "adopt 812 [0]");
    // From then on it is left as it is, and says so.
    let case = Case { memory: plan.memory, ..Case::new().with(web(), Vec::new(), seen_alive(1)) };
    let later = case.plan();
    assert_eq!(later.steps, []);
    assert_eq!(condition(&later, ConditionType::UpToDate).0, ConditionStatus::False);
}

#[test]
fn equal_arguments_come_before_overwritten_ones() {
    let title =
        Candidate { arguments: ArgumentsSeen::Overwritten, indexes: BTreeSet::new(), ..candidate(70) };
    let plan = Case::new().with(web(), vec![Instance::default()], looked(vec![title, candidate(812)])).plan();
    assert_eq!(steps_text(&plan.steps), "adopt 812 [0]");
}

#[test]
fn replicas_are_told_apart_by_their_arguments_else_by_age() {
    let spec = Service { replicas: 3, ..web() };
    let of = |pid: i32, indexes: &[u32]| Candidate {
        indexes: indexes.iter().copied().collect(),
        ..candidate(pid)
    };
    let three = || vec![Instance::default(); 3];
    let by_index = looked(vec![of(60, &[2]), of(61, &[0])]);
    let plan = Case::new().with(spec.clone(), three(), by_index).plan();
    // The place that is left is filled after another look, with those on record.
    assert_eq!(steps_text(&plan.steps), "adopt 61 [0], adopt 60 [2]");
    let by_age = looked(vec![of(62, &[0, 1, 2]), of(61, &[0, 1, 2])]);
    let plan = Case::new().with(spec.clone(), three(), by_age).plan();
    assert_eq!(steps_text(&plan.steps), "adopt 61 [0], adopt 62 [1]");
    let twice_the_same = looked(vec![of(60, &[1]), of(61, &[1])]);
    let plan = Case::new().with(spec, three(), twice_the_same).plan();
    assert_eq!(plan.steps, []);
    assert!(plan.is_held());
}

#[test]
fn a_process_that_two_documents_match_goes_to_one_of_them() {
    let both = |of: &str| Service { startas: "/srv/x".into(), ..service(of) };
    let case = Case::new().with(both("web"), vec![Instance::default()], looked(vec![candidate(60)])).with(
        both("api"),
        vec![Instance::default()],
        looked(vec![candidate(60)]),
    );
    let plan = case.plan();
    assert_eq!(steps_text(&plan.steps), "adopt 60 [0]");
    assert_eq!(phases_of(&plan, "api"), ["Starting 60"]);
    assert_eq!(phases_of(&plan, "web"), ["Vacant"]);
}

#[test]
fn a_successor_that_two_replicas_claim_is_a_candidate_again() {
    let spec = Service { replicas: 2, ..web() };
    let went =
        |pid| ProcessSeen::Gone { exit: Exit::Code(0), successor: Some(key(pid)), survivors: Vec::new() };
    let mut seen = looked(vec![candidate(50)]);
    seen.processes.extend([(0, went(50)), (1, went(50))]);
    let instances = vec![instance(running(started(&spec, 40))), instance(running(started(&spec, 41)))];
    let plan = Case::new().with(spec, instances, seen).plan();
    assert_eq!(steps_text(&plan.steps), "adopt 50 [0]");
    assert_eq!(phases_of(&plan, "web"), ["Starting 50", "Vacant"]);
}

#[test]
fn the_service_that_a_starter_brought_forth_is_not_taken_for_a_duplicate() {
    // Found by a property: it was put on record twice, and stopped as surplus.
    let spec = Service { duplicates: DuplicatePolicy::StopExtra, ..web() };
    let mut seen = looked(vec![candidate(60)]);
    seen.processes.insert(0, gone(Exit::Code(0)));
    let starter = Phase::Starting {
        process: started(&spec, 40),
        since: at(998),
        starter: true,
        probed: None,
        left: Vec::new(),
    };
    let plan = Case::new().with(spec, vec![instance(starter)], seen).plan();
    assert_eq!((plan.steps.len(), phases_of(&plan, "web")), (0, vec!["Starting 60".to_owned()]));
}

#[test]
fn workers_without_a_parent_are_said_to_be_several() {
    // It was said that the identity rule doesn't find them, with a mend that mends nothing.
    let case = left_by_a_starter();
    let plan = case.plan();
    assert_eq!(steps_text(&plan.steps), "-");
    let message = "web: not started again: its starter exited, and 60, 61 may be what it left behind, and several match; \
                   say with `pidfile` or `match` which of them is the service; `selfsame stop web` ends what is left";
    assert_eq!(condition(&plan, ConditionType::Unique), (ConditionStatus::Unknown, message.into()));
}

#[test]
fn what_a_starter_left_behind_as_another_user_is_told_with_what_names_it() {
    let one = Candidate { foreign_user: true, uid: Uid(33), ..candidate(60) };
    let plan = left_with(vec![one]).plan();
    let message = "web: not started again: its starter exited, and 60, 61 may be what it left behind, which became another \
                   user; say with `match: user == 33` that it is the service; `selfsame stop web` ends what is left";
    assert_eq!(condition(&plan, ConditionType::Unique), (ConditionStatus::Unknown, message.into()));
}

/// A daemon that goes to the background ends before its fork has left the session.
#[test]
fn whether_a_fork_takes_the_place_of_one_that_ended_well_is_waited_for() {
    let mut seen = Seen::default();
    let gone = ProcessSeen::Gone { exit: Exit::Code(0), successor: None, survivors: vec![key(41)] };
    seen.processes.insert(0, gone);
    seen.undecided.insert(0, Pid(41));
    let process = running(started(&web(), 40));
    let plan = Case::new().with(web(), vec![instance(process)], seen).plan();
    assert_eq!((steps_text(&plan.steps), phases_of(&plan, "web").len()), ("-".into(), 1));
    let message = "web: left alone: 40 exited, and 41 may be about to take its place";
    assert_eq!(condition(&plan, ConditionType::Owned), (ConditionStatus::Unknown, message.into()));
    let soon = at(NOW).after(Duration::from_millis(100));
    assert!(plan.next.is_some_and(|next| next <= soon), "{:?}", plan.next);
    assert_eq!(plan.status[0].phase, PhaseWord::Unknown);
    assert_eq!(settled(&plan.status[0]), Settled::NotYet, "who waits for it is told what comes of it");
}

/// It was started again and again, and nothing said how to mend that.
#[test]
fn a_program_that_may_be_going_to_the_background_is_told_what_it_is() {
    let because = |exit: Exit, service_type: ServiceType| {
        let mut seen = Seen::default();
        let gone = ProcessSeen::Gone { exit, successor: None, survivors: vec![key(41)] };
        seen.processes.insert(0, gone);
        let spec = Service { service_type, ..web() };
        let process = running(started(&spec, 40));
        let plan = Case::new().with(spec, vec![instance(process)], seen).plan();
        plan.changes[0].because.clone()
    };
    let plain = "it exited with code 0 and left 41 behind";
    assert_eq!(
        because(Exit::Code(0), ServiceType::Simple),
        format!("{plain} (one that goes to the background by a fork alone is `type: forking`)")
    );
    assert_eq!(because(Exit::Code(0), ServiceType::Forking), plain);
    assert_eq!(because(Exit::Code(3), ServiceType::Simple), "it exited with code 3 and left 41 behind");
}

/// A starter that exited long ago, and two workers of it that both match.
fn left_by_a_starter() -> Case {
    left_with(vec![candidate(60), candidate(61)])
}

fn left_with(candidates: Vec<Candidate>) -> Case {
    let spec = Service { start_timeout: Duration::from_secs(1), ..web() };
    let mut seen = looked(candidates);
    let survivors = vec![key(60), key(61)];
    seen.processes.insert(0, ProcessSeen::Gone { exit: Exit::Code(0), successor: None, survivors });
    let starter = Phase::Starting {
        process: started(&spec, 40),
        since: at(900),
        starter: true,
        probed: None,
        left: Vec::new(),
    };
    Case::new().with(spec, vec![instance(starter)], seen)
}

#[test]
fn a_person_can_stop_what_a_starter_left_behind() {
    // `stop` was answered with why nothing is started, and ended nothing.
    let mut case = left_by_a_starter();
    case.memory.record_mut(&name("web")).unwrap().ask(false, "ann".into(), WallTime::default(), None);
    let plan = case.plan();
    assert_eq!(phases_of(&plan, "web"), ["Stopping tree of 40 (0)"]);
    let later = Case { memory: plan.memory, ..case }.plan();
    assert_eq!(steps_text(&later.steps), "TERM 60, CONT 60, TERM 61, CONT 61");
}

#[test]
fn extra_processes_are_stopped_only_where_the_document_says_so() {
    let rows = [
        (DuplicatePolicy::Report, "-"),
        (DuplicatePolicy::Refuse, "-"),
        (DuplicatePolicy::StopExtra, "adopt 71 [1], adopt 70 [2]"),
    ];
    for (duplicates, steps) in rows {
        let spec = Service { duplicates, ..web() };
        let mut seen = looked(vec![candidate(70), candidate(71)]);
        seen.processes.insert(0, ProcessSeen::Alive(alive()));
        let plan = Case::new().with(spec.clone(), vec![instance(running(started(&spec, 40)))], seen).plan();
        assert_eq!(steps_text(&plan.steps), steps);
        if duplicates != DuplicatePolicy::StopExtra {
            assert_eq!(condition(&plan, ConditionType::Unique).0, ConditionStatus::False);
        }
        let ready = condition(&plan, ConditionType::Ready).0;
        assert_eq!(ready == ConditionStatus::True, duplicates != DuplicatePolicy::Refuse);
    }
}

#[test]
fn a_changed_document_restarts_one_replica_after_the_other() {
    let old = Service { replicas: 3, ..web() };
    let new = Service { args: vec!["-v".into()], ..old.clone() };
    let instances = (40..43).map(|pid| instance(running(started(&old, pid)))).collect();
    let case = Case::new().with(new, instances, seen_alive(3));
    let plan = case.plan();
    assert_eq!(phases_of(&plan, "web"), ["Stopping 40 (to begin)", "Running 41", "Running 42"]);
    let change = plan.changes.first().unwrap();
    assert_eq!(
        (change.doing, change.because.as_str()),
        (Doing::Restart, "`args` changed from [] to [\"-v\"]")
    );
    assert_eq!(plan.changes.len(), 3, "all three are announced");
    // While one is away, the others stay.
    let later = Case { memory: plan.memory, ..case }.plan();
    assert_eq!(phases_of(&later, "web"), ["Stopping 40 (0)", "Running 41", "Running 42"]);
    // "2 of 3 Ready" alone left the reader of `status` without the reason for as long as the stop took.
    let message = "web: 2 of 3 Ready: it is being stopped: `args` changed from [] to [\"-v\"]";
    assert_eq!(condition(&later, ConditionType::Ready), (ConditionStatus::False, message.into()));
}

#[test]
fn live_fields_touch_nothing_and_values_of_variables_are_not_told() {
    let old = web();
    let live =
        Service { pidfile: Some("/run/web.pid".into()), start_timeout: Duration::from_secs(1), ..web() };
    let plan = Case::new().with(live, vec![instance(running(started(&old, 40)))], seen_alive(1)).plan();
    assert!(plan.is_quiet(), "{:?}", plan.changes);
    let mut secret = web();
    secret.env.insert("KEY".into(), "hunter2".into());
    let plan = Case::new().with(secret, vec![instance(running(started(&old, 40)))], seen_alive(1)).plan();
    assert_eq!(plan.changes.first().map(|change| change.doing), Some(Doing::Restart));
    assert!(!format!("{:?} {:?}", plan.changes, plan.status).contains("hunter2"));
}

#[test]
fn what_runs_of_an_object_that_is_to_be_stopped_is_told_and_left_alone() {
    let stopped = || Service { state: DesiredState::Stopped, ..web() };
    let unknown = || Seen { look: Some(Look { complete: false, ..found(Vec::new()) }), ..Seen::default() };
    let rows = [
        (looked(Vec::new()), PhaseWord::Stopped, "web: not running: its document says `state: stopped`"),
        (
            looked(vec![candidate(70)]),
            PhaseWord::Held,
            "web: to be stopped: its document says `state: stopped`",
        ),
        (unknown(), PhaseWord::Unknown, "web: to be stopped: its document says `state: stopped`"),
    ];
    for (seen, phase, ready) in rows {
        let plan = Case::new().with(stopped(), vec![Instance::default()], seen).plan();
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        assert_eq!(plan.status.first().map(|status| status.phase), Some(phase));
        assert_eq!(condition(&plan, ConditionType::Ready).1, ready);
    }
    let asked = Case::new().with(stopped(), vec![Instance::default()], Seen::default());
    let look = |full| {
        let asked = questions(&asked.desired, &asked.memory, now(), QuestionHints { full });
        asked.services[&name("web")].look
    };
    assert!(look(true) && !look(false));
}

#[test]
fn a_change_of_more_than_half_of_a_set_is_held_until_it_is_confirmed() {
    // objects, of them changed: held?
    for (total, changed, held) in [(5, 3, false), (4, 4, true), (7, 4, true), (8, 4, false), (3, 3, false)] {
        let mut case = Case::new();
        for number in 0..total {
            let old = service(&format!("s{number}"));
            let mut new = old.clone();
            if number < changed {
                new.umask = 0o077;
            }
            let running = instance(running(started(&old, 40 + number)));
            case = case.with(new, vec![running], seen_alive(1));
        }
        let plan = case.plan();
        assert_eq!(plan.is_held(), held, "{changed} of {total}");
        assert_eq!(plan.is_quiet(), held);
        case.options.confirmed = true;
        let confirmed = case.plan();
        let restarts = confirmed.changes.iter().filter(|change| change.doing == Doing::Restart).count();
        assert_eq!(restarts, usize::try_from(changed).unwrap());
    }
}

#[test]
fn a_renamed_object_takes_its_process_along_once_the_old_name_is_gone() {
    let old = service("old");
    let new = Service { previous_name: Some(name("old")), startas: old.startas.clone(), ..web() };
    let mut case = Case::new().with(old.clone(), vec![instance(running(started(&old, 40)))], seen_alive(1));
    case.desired.services.clear();
    case.desired.removed.insert(name("old"));
    case.desired.services.insert(name("web"), new.clone().into());
    let asked = questions(&case.desired, &case.memory, now(), QuestionHints::default());
    assert_eq!(asked.services.keys().collect::<Vec<_>>(), [&name("web")]);
    case.observed.services.insert(name("web"), seen_alive(1));
    let plan = case.plan();
    assert!(plan.is_quiet());
    assert_eq!(phases_of(&plan, "web"), ["Running 40"]);
    assert!(!plan.memory.services.contains_key(&name("old")));
    // While the old one is still desired, it keeps its process.
    case.desired.services.insert(name("old"), old.into());
    let plan = case.plan();
    assert_eq!(phases_of(&plan, "old"), ["Running 40"]);
}

#[test]
fn a_wish_holds_until_the_document_changes() {
    let mut case = Case::new().with(web(), vec![instance(running(started(&web(), 40)))], seen_alive(1));
    case.memory.record_mut(&name("web")).unwrap().ask(false, "ann".into(), WallTime::default(), None);
    assert_eq!(phases_of(&case.plan(), "web"), ["Stopping 40 (to begin)"]);
    case.desired
        .services
        .insert(name("web"), Service { start_timeout: Duration::from_secs(7), ..web() }.into());
    let plan = case.plan();
    assert_eq!(phases_of(&plan, "web"), ["Running 40"]);
    let record = &plan.memory.services[&name("web")];
    assert_eq!((record.generation, &record.wish), (2, &None));
    // Where a document stands is no part of what it means.
    let mut moved = web();
    moved.origin.file = "other.yaml".into();
    case.desired.services.insert(name("web"), moved.into());
    assert_eq!(case.plan().memory.services[&name("web")].generation, 1);
}

#[test]
fn a_stopped_object_that_somebody_starts_runs() {
    let spec = Service { state: DesiredState::Stopped, ..web() };
    let mut case = Case::new().with(spec, vec![instance(Phase::Finished)], looked(Vec::new()));
    assert_eq!(case.plan().steps, []);
    case.memory.record_mut(&name("web")).unwrap().ask(true, "ann".into(), WallTime::default(), None);
    assert_eq!(steps_text(&case.plan().steps), "start [0]");
}

#[test]
fn a_restart_that_was_asked_for_happens_once() {
    let mut case = Case::new().with(web(), vec![instance(running(started(&web(), 40)))], seen_alive(1));
    let record = case.memory.record_mut(&name("web")).unwrap();
    record.ask_restart(at(700), "ann".into());
    assert_eq!(phases_of(&case.plan(), "web"), ["Stopping 40 (to begin)"]);
    case.memory.record_mut(&name("web")).unwrap().ask_restart(at(400), "ann".into());
    assert!(case.plan().is_quiet(), "it began after that");
}

#[test]
fn fewer_replicas_stop_the_highest_first() {
    let spec = Service { replicas: 1, ..web() };
    let instances: Vec<Instance> = (40..43).map(|pid| instance(running(started(&spec, pid)))).collect();
    let first = Case::new().with(spec, instances, seen_alive(3));
    let plan = first.plan();
    assert_eq!(phases_of(&plan, "web"), ["Running 40", "Stopping 41 (to begin)", "Stopping 42 (to begin)"]);
    let plan = Case { memory: plan.memory, ..first }.plan();
    assert_eq!(steps_text(&plan.steps), "TERM 42, CONT 42, TERM 41, CONT 41");
}

#[test]
fn a_surplus_that_cannot_be_stopped_holds_back_starts() {
    // Found by the simulation: index 0 was started while the surplus index 1 still lived.
    let spec = web();
    let mut seen = looked(Vec::new());
    seen.processes.insert(1, ProcessSeen::Unknown(denied("stat of 41")));
    let instances = vec![Instance::default(), instance(running(started(&spec, 41)))];
    assert_eq!(Case::new().with(spec, instances, seen).plan().steps, []);
}

#[test]
fn removal_follows_on_remove_for_started_and_adopted_processes() {
    let rows = [
        (None, false, "Stopping 40 (to begin)"),
        (None, true, "release"),
        (Some(RemovePolicy::Release), false, "release"),
        (Some(RemovePolicy::Stop), true, "Stopping 40 (to begin)"),
    ];
    for (on_remove, is_adopted, expected) in rows {
        let spec = Service { on_remove, ..web() };
        let process = if is_adopted { adopted(&spec, 40) } else { started(&spec, 40) };
        let mut case = Case::new().with(spec, vec![instance(running(process))], seen_alive(1));
        case.desired.services.clear();
        case.desired.removed.insert(name("web"));
        let plan = case.plan();
        if expected == "release" {
            let step = plan.steps.first().unwrap();
            let mut memory = plan.memory.clone();
            fold(&mut memory, step, &Outcome::Done, now());
            assert!(memory.services[&name("web")].instances.is_empty());
            // It is said once that it is gone; afterwards memory says so.
            case.desired.removed.clear();
            let forgotten = Case { memory, ..case }.plan();
            assert!(forgotten.memory.services.is_empty());
        } else {
            assert_eq!(phases_of(&plan, "web"), [expected]);
        }
    }
}

#[test]
fn records_of_another_boot_are_void() {
    let mut case = Case::new().with(web(), vec![instance(running(started(&web(), 40)))], looked(Vec::new()));
    case.memory.boot = BootId("boot-0".into());
    let plan = case.plan();
    assert_eq!(steps_text(&plan.steps), "start [0]");
    assert_eq!(plan.memory.boot, boot());
}

#[test]
fn a_stop_goes_on_with_the_grace_that_is_left() {
    let case = Case::new().with(
        Service { state: DesiredState::Stopped, ..web() },
        vec![instance(stopping(started(&web(), 40), &[], 0, 980))],
        seen_alive(1),
    );
    let plan = case.plan();
    assert_eq!((plan.steps.len(), plan.next), (0, Some(at(1010))));
}

#[test]
fn what_survives_the_whole_schedule_is_degraded_and_blocks_a_start() {
    let mut seen = looked(Vec::new());
    seen.processes
        .insert(0, ProcessSeen::Gone { exit: Exit::Unknown, successor: None, survivors: vec![key(41)] });
    let mut last = stopping(started(&web(), 40), &[41], 1, 900);
    if let Phase::Stopping { main_gone, .. } = &mut last {
        *main_gone = true;
    }
    let plan = Case::new().with(web(), vec![instance(last)], seen).plan();
    assert_eq!(steps_text(&plan.steps), "KILL 41");
    let (status, message) = condition(&plan, ConditionType::Degraded);
    assert_eq!(status, ConditionStatus::True);
    assert_eq!(message, "web: no further start: 41 still lives after the last signal of its stop (KILL)");
}

#[test]
fn the_tree_is_asked_for_before_the_first_signal_only_where_it_is_needed() {
    for (process, scope, wanted) in [
        (started(&web(), 40), None, true),
        (adopted(&web(), 40), None, false),
        (started(&web(), 40), Some(StopScope::Main), false),
        (adopted(&web(), 40), Some(StopScope::Tree), true),
    ] {
        let mut phase = stopping(process, &[], 0, 999);
        if let Phase::Stopping { noted, sent, stop, .. } = &mut phase {
            (*noted, *sent, stop.scope) = (false, false, scope);
        }
        let case = Case::new().with(web(), vec![instance(phase)], Seen::default());
        let asked = questions(&case.desired, &case.memory, now(), QuestionHints::default());
        assert_eq!(asked.services[&name("web")].processes.get(&0).unwrap().list_tree, wanted);
    }
}

#[test]
fn probes_that_fail_in_a_row_make_it_not_ready_and_stop_nothing() {
    let mut spec = web();
    spec.readiness.check = ReadinessCheck::Tcp { host: "127.0.0.1".into(), port: 80 };
    let mut seen = Seen::default();
    let refused = Alive { ready: Fact::Known(false), ..alive() };
    seen.processes.insert(0, ProcessSeen::Alive(refused));
    let mut case = Case::new().with(spec.clone(), vec![instance(running(started(&spec, 40)))], seen);
    let mut ready = Vec::new();
    for second in 0..4 {
        case.observed.now = Now { boot: at(NOW + second * 2), ..now() };
        let plan = case.plan();
        assert_eq!(steps_text(&plan.steps), "probe 40");
        ready.push(condition(&plan, ConditionType::Ready).0 == ConditionStatus::True);
        case.memory = plan.memory;
    }
    assert_eq!(ready, [true, true, false, false]);
}

#[test]
fn a_look_is_asked_for_only_where_something_may_be_started() {
    let rows = [
        (Phase::Vacant, true),
        (Phase::BackOff { until: at(NOW + 1) }, false),
        (Phase::BackOff { until: at(NOW) }, true),
        (Phase::Finished, false),
        (running(started(&web(), 40)), false),
    ];
    for (phase, look) in rows {
        let case = Case::new().with(web(), vec![instance(phase.clone())], Seen::default());
        let asked = questions(&case.desired, &case.memory, now(), QuestionHints::default());
        let web = &asked.services[&name("web")];
        assert_eq!((web.look, web.prepare), (look, look), "{phase:?}");
        let full = questions(&case.desired, &case.memory, now(), QuestionHints { full: true });
        assert!(full.services[&name("web")].look);
    }
}

/// A host that can't write memory down any more.
struct FullDisk {
    observed: Observation,
    written: bool,
    /// There is room for the records of stops.
    stops: bool,
    performed: Vec<Step>,
}

impl Host for FullDisk {
    fn now(&self) -> Now {
        self.observed.now
    }

    fn observe(&mut self, _: &Questions) -> Observation {
        self.observed.clone()
    }

    fn remember(&mut self, _: &Memory) -> Result<(), String> {
        if self.written { Ok(()) } else { Err("no space left on device".into()) }
    }

    fn remember_stops(
        &mut self,
        _: &Memory,
        names: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, String> {
        let all = ["api", "db", "web"].map(name).into_iter().collect::<BTreeSet<_>>();
        if self.stops { Ok(&all - names) } else { Err("no room".into()) }
    }

    fn perform(&mut self, step: &Step) -> Outcome {
        self.performed.push(step.clone());
        match step.action {
            Action::Start { .. } => Outcome::Started(key(90)),
            _ => Outcome::Done,
        }
    }
}

#[test]
fn what_cannot_be_written_down_is_not_done_but_a_stop_under_way_goes_on() {
    let mut unsent = stopping(started(&web(), 40), &[], 0, 999);
    if let Phase::Stopping { sent, .. } = &mut unsent {
        *sent = false;
    }
    let stopped = Service { state: DesiredState::Stopped, ..web() };
    let case = Case::new()
        .with(stopped, vec![instance(unsent)], seen_alive(1))
        .with(service("api"), vec![Instance::default()], looked(Vec::new()))
        .with(service("db"), vec![Instance::default()], looked(vec![candidate(70)]));
    for written in [false, true] {
        let observed = case.observed.clone();
        let mut host = FullDisk { observed, written, stops: false, performed: Vec::new() };
        let mut memory = case.memory.clone();
        let done = tick(&mut host, &case.desired, &mut memory, TickOptions::default());
        let expected = if written { "adopt 70 [0], TERM 40, CONT 40, start [0]" } else { "TERM 40, CONT 40" };
        assert_eq!(steps_text(&host.performed), expected);
        assert_eq!(done.not_remembered.is_some(), !written);
        assert_eq!(done.again, written);
        // What goes on is not said to be held back.
        let withheld: Vec<&str> = done.withheld.iter().map(selfsame::spec::ServiceName::as_str).collect();
        assert_eq!(withheld, if written { Vec::new() } else { vec!["api", "db"] });
        let held = done.plan.status.iter().filter(|status| status.phase == PhaseWord::Held).count();
        assert_eq!(held, withheld.len());
        let api = memory.services[&name("api")].instances.get(&0).unwrap();
        assert_eq!(phase_text(&api.phase), if written { "Starting 90" } else { "Vacant" });
    }
}

/// A service that fills the disk could not be stopped.
#[test]
fn a_stop_that_can_be_written_down_is_begun_although_nothing_else_can() {
    let stopped = Service { state: DesiredState::Stopped, ..web() };
    let running = running(started(&web(), 40));
    let case = Case::new().with(stopped, vec![instance(running)], seen_alive(1)).with(
        service("api"),
        vec![Instance::default()],
        looked(Vec::new()),
    );
    for stops in [false, true] {
        let observed = case.observed.clone();
        let mut host = FullDisk { observed, written: false, stops, performed: Vec::new() };
        let mut memory = case.memory.clone();
        let done = tick(&mut host, &case.desired, &mut memory, TickOptions::default());
        let phase = phase_text(&memory.services[&name("web")].instances.get(&0).unwrap().phase);
        assert_eq!(phase.contains("Stopping"), stops, "{phase}");
        let api = &memory.services[&name("api")].instances.get(&0).unwrap().phase;
        assert_eq!(phase_text(api), "Vacant");
        assert!(!steps_text(&host.performed).contains("start"), "{:?}", host.performed);
        assert!(done.not_remembered.is_some());
        assert!(done.withheld.contains(&name("api")));
        assert_eq!(done.withheld.contains(&name("web")), !stops);
    }
}

/// Its start could not be written down, and what runs would be gone.
#[test]
fn a_restart_is_not_begun_where_there_is_room_for_stops_only() {
    let old = Service { replicas: 2, ..web() };
    let changed = Service { args: vec!["-v".into()], ..old.clone() };
    let instances = (40..42).map(|pid| instance(running(started(&old, pid)))).collect();
    let case = Case::new().with(changed, instances, seen_alive(2));
    let observed = case.observed.clone();
    let mut host = FullDisk { observed, written: false, stops: true, performed: Vec::new() };
    let mut memory = case.memory.clone();
    let done = tick(&mut host, &case.desired, &mut memory, TickOptions::default());
    assert_eq!(memory, case.memory);
    assert!(host.performed.is_empty(), "{:?}", host.performed);
    assert!(done.withheld.contains(&name("web")));
}

/// A signal that could only be sent after a long time of trying is followed by the whole wait.
#[test]
fn the_grace_begins_when_the_signal_was_sent() {
    let spec = web();
    let mut memory = Memory::new(boot());
    let mut record = selfsame::plan::memory::Record::new(spec.clone());
    let stopping = Phase::Stopping {
        process: started(&spec, 40),
        tree: Vec::new(),
        noted: true,
        main_gone: false,
        step: 0,
        sent: false,
        overdue: false,
        failed: false,
        since: at(NOW - 500),
        because: "a test".into(),
        stop: spec.stop.clone(),
        exited: None,
    };
    record.instances.insert(0, Instance { phase: stopping, ..Instance::default() });
    memory.services.insert(spec.name.clone(), record.into());
    let signal = spec.stop.schedule[0].signal;
    let step = Step {
        service: spec.name.clone(),
        index: 0,
        action: Action::Signal { key: key(40), signal, adopted_by: None },
        because: String::new(),
    };
    fold(&mut memory, &step, &Outcome::Refused { error: "not now".into() }, now());
    let since = |memory: &Memory| match &memory.services[&spec.name].instances.get(&0).unwrap().phase {
        Phase::Stopping { since, sent, .. } => (*since, *sent),
        other => panic!("{other:?}"),
    };
    assert_eq!(since(&memory), (at(NOW - 500), false));
    fold(&mut memory, &step, &Outcome::Done, now());
    assert_eq!(since(&memory), (at(NOW), true));
}
