//! Properties that hold for every mix of documents, memory and sights.

use std::collections::BTreeSet;

use proptest::prelude::*;
use selfsame::facts::{Fact, ProcessKey};
use selfsame::plan::action::Action;
use selfsame::plan::memory::{Exit, Instance, Memory, Phase};
use selfsame::plan::observation::{Alive, ArgumentsSeen, Candidate, IntentSeen, Look, ProcessSeen, Seen};
use selfsame::spec::{AdoptPolicy, DesiredState, DuplicatePolicy, Service, ServiceType};
use selfsame::units::Pid;

use crate::bench::*;

const NAMES: [&str; 3] = ["api", "db", "web"];

fn a_service(of: &'static str) -> impl Strategy<Value = Service> {
    let state = prop_oneof![
        4 => Just(DesiredState::Running),
        1 => Just(DesiredState::Stopped),
        1 => Just(DesiredState::Observed)
    ];
    let adopt = prop_oneof![
        3 => Just(AdoptPolicy::IfMatches),
        1 => Just(AdoptPolicy::Never),
        1 => Just(AdoptPolicy::Require)
    ];
    let duplicates = prop_oneof![
        Just(DuplicatePolicy::Report),
        Just(DuplicatePolicy::StopExtra),
        Just(DuplicatePolicy::Refuse)
    ];
    (state, adopt, duplicates, 1..4_u32, any::<bool>(), 0..3_u32).prop_map(
        move |(state, adopt, duplicates, replicas, forking, version)| Service {
            state,
            adopt,
            duplicates,
            replicas,
            service_type: if forking { ServiceType::Forking } else { ServiceType::Simple },
            args: vec![format!("v{version}")],
            ..service(of)
        },
    )
}

fn a_phase(spec: &Service, pid: i32) -> impl Strategy<Value = Phase> + use<> {
    let old = Service { args: vec!["v9".into()], ..spec.clone() };
    let intended = Phase::Intended {
        nonce: format!("n{pid}"),
        launched: selfsame::plan::launched(spec, None),
        since: at(990),
        starter: false,
        group: None,
    };
    let mut unnoted = stopping(started(spec, pid), &[], 0, 999);
    if let Phase::Stopping { noted, sent, .. } = &mut unnoted {
        (*noted, *sent) = (false, false);
    }
    prop_oneof![
        2 => Just(Phase::Vacant),
        1 => Just(Phase::BackOff { until: at(999) }),
        1 => Just(Phase::BackOff { until: at(1010) }),
        1 => Just(Phase::Finished),
        1 => Just(intended),
        1 => Just(starting(started(spec, pid), 995)),
        1 => Just(Phase::Starting { process: started(spec, pid), since: at(950), starter: true, probed: None, left: Vec::new() }),
        2 => Just(running(started(spec, pid))),
        1 => Just(running(started(&old, pid))),
        1 => Just(running(adopted(spec, pid))),
        1 => Just(unnoted),
        1 => Just(stopping(started(spec, pid), &[pid + 5], 0, 900)),
        1 => Just(stopping(adopted(spec, pid), &[], 1, 900)),
    ]
}

fn a_sight(pid: i32) -> impl Strategy<Value = ProcessSeen> {
    let not_ours = Alive { still_ours: Fact::Known(false), ..alive() };
    prop_oneof![
        3 => Just(ProcessSeen::Alive(alive())),
        1 => Just(ProcessSeen::Alive(not_ours)),
        1 => Just(gone(Exit::Code(0))),
        1 => Just(gone(Exit::Code(1))),
        1 => Just(ProcessSeen::Gone { exit: Exit::Unknown, successor: Some(key(pid + 6)), survivors: Vec::new() }),
        1 => Just(ProcessSeen::Gone { exit: Exit::Unknown, successor: None, survivors: vec![key(pid + 5)] }),
        2 => Just(ProcessSeen::Unknown(denied("stat"))),
    ]
}

fn a_candidate(pid: i32) -> impl Strategy<Value = Candidate> {
    (any::<[bool; 5]>(), 0..3_u32).prop_map(move |([equal, title, foreign, weak, anchored], index)| {
        Candidate {
            arguments: match (equal, title) {
                (true, _) => ArgumentsSeen::Equal,
                (false, true) => ArgumentsSeen::Overwritten,
                (false, false) => ArgumentsSeen::Different,
            },
            indexes: if equal { BTreeSet::from([index]) } else { BTreeSet::new() },
            foreign_user: foreign && weak,
            weak: weak && !foreign,
            anchored: anchored && foreign,
            ..candidate(pid)
        }
    })
}

fn a_look(base: i32) -> impl Strategy<Value = Look> {
    let candidates = (a_candidate(base + 70), a_candidate(base + 71), 0..3_usize)
        .prop_map(|(one, two, count)| [one, two].into_iter().take(count).collect::<Vec<_>>());
    (candidates, any::<[bool; 4]>()).prop_map(move |(candidates, [torn, torn_too, unknown, unknown_too])| {
        Look {
            candidates,
            complete: !(torn && torn_too),
            unknown: if unknown && unknown_too {
                vec![(Pid(base + 72), vec![denied("exe")])]
            } else {
                Vec::new()
            },
            notes: Vec::new(),
            new_only: false,
        }
    })
}

/// An object with three instances and what is seen of it; sometimes its document is gone.
fn an_object(place: usize) -> impl Strategy<Value = (Service, Vec<Instance>, Option<Seen>)> {
    let of = NAMES[place];
    let base = i32::try_from(place).unwrap() * 1000 + 100;
    a_service(of).prop_flat_map(move |spec| {
        let phases: Vec<_> = (0..3).map(|i| a_phase(&spec, base + i * 10)).collect();
        let sights: Vec<_> =
            (0..3).map(|i| proptest::option::weighted(0.9, a_sight(base + i * 10))).collect();
        let intents: Vec<_> = (0..3)
            .map(|i| {
                prop_oneof![
                    Just(IntentSeen::NothingRan),
                    Just(IntentSeen::Ran(key(base + i * 10 + 3))),
                    Just(IntentSeen::Unknown(denied("slot")))
                ]
            })
            .collect();
        let look = proptest::option::weighted(0.9, a_look(base));
        (phases, sights, intents, look, 0..10_u8).prop_map(move |(phases, sights, intents, look, silent)| {
            let mut seen = Seen { look, prepared: Some(Ok(prepared())), ..Seen::default() };
            for (index, ((phase, sight), intent)) in (0..).zip(phases.iter().zip(sights).zip(intents)) {
                if phase.process().is_some() {
                    seen.processes.extend(sight.map(|sight| (index, sight)));
                }
                if matches!(phase, Phase::Intended { .. }) {
                    seen.intents.insert(index, intent);
                }
            }
            (spec.clone(), phases.into_iter().map(instance).collect(), (silent > 0).then_some(seen))
        })
    })
}

pub(crate) fn a_case() -> impl Strategy<Value = Case> {
    (an_object(0), an_object(1), an_object(2), any::<bool>(), 0..8_u8).prop_map(
        |(one, two, three, confirmed, gone)| {
            let mut case = Case::new();
            case.options.confirmed = confirmed;
            for (spec, instances, seen) in [one, two, three] {
                let name = spec.name.clone();
                let silent = seen.is_none();
                case = case.with(spec, instances, seen.unwrap_or_default());
                if silent {
                    case.observed.services.remove(&name);
                }
            }
            let web = name("web");
            if gone < 2 {
                case.desired.services.remove(&web);
            }
            if gone == 0 {
                case.desired.removed.insert(web);
            }
            case
        },
    )
}

/// The keys that may be signalled: on record in what is written down before the first step, as the main process or as part
/// of its tree; and each of them was on record before, or the host saw it as its successor or as what it left behind.
fn signallable(case: &Case, plan: &Memory) -> BTreeSet<ProcessKey> {
    let mut known = BTreeSet::new();
    for (name, record) in &case.memory.services {
        for (index, instance) in &record.instances {
            known.extend(instance.phase.process().map(|process| process.key.clone()));
            if let Phase::Stopping { tree, .. } = &instance.phase {
                known.extend(tree.iter().cloned());
            }
            match case.observed.services.get(name).and_then(|seen| seen.processes.get(index)) {
                Some(ProcessSeen::Gone { successor, survivors, .. }) => {
                    known.extend(successor.iter().chain(survivors).cloned());
                }
                Some(ProcessSeen::Alive(alive)) => known.extend(alive.tree.iter().cloned()),
                Some(ProcessSeen::Unknown(_)) | None => {}
            }
        }
    }
    let mut written = BTreeSet::new();
    for instance in plan.services.values().flat_map(|record| record.instances.values()) {
        written.extend(instance.phase.process().map(|process| process.key.clone()));
        if let Phase::Stopping { tree, .. } = &instance.phase {
            written.extend(tree.iter().cloned());
        }
    }
    known.intersection(&written).cloned().collect()
}

/// Whom a step would signal.
fn signalled(action: &Action) -> Vec<&ProcessKey> {
    match action {
        Action::Signal { key, .. } => vec![key],
        Action::KillTree { main, tree, .. } => main.iter().chain(tree).collect(),
        _ => Vec::new(),
    }
}

/// `PROPTEST_CASES=5000` looks longer.
pub(crate) fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_same_input_gives_the_same_plan(case in a_case()) {
        prop_assert_eq!(case.plan(), case.plan());
    }

    #[test]
    fn a_process_is_on_record_once(case in a_case()) {
        let plan = case.plan();
        let keys: Vec<_> = plan
            .memory
            .services
            .values()
            .flat_map(|record| record.instances.values().filter_map(|i| i.phase.process()))
            .map(|process| process.key.clone())
            .collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        prop_assert!(distinct.len() == keys.len(), "{:?} {}", keys, steps_text(&plan.steps));
    }

    #[test]
    fn nothing_is_started_or_signalled_for_want_of_knowledge(mut case in a_case()) {
        for seen in case.observed.services.values_mut() {
            for process in seen.processes.values_mut() {
                *process = ProcessSeen::Unknown(denied("stat"));
            }
            for intent in seen.intents.values_mut() {
                *intent = IntentSeen::Unknown(denied("slot"));
            }
            if let Some(look) = &mut seen.look {
                look.complete = false;
            }
        }
        for step in case.plan().steps {
            let starts = matches!(step.action, Action::Start { .. });
            prop_assert!(!starts && signalled(&step.action).is_empty(), "{:?}", step);
        }
    }

    #[test]
    fn a_start_rests_on_a_complete_look_that_found_nothing(case in a_case()) {
        for step in case.plan().steps {
            if matches!(step.action, Action::Start { .. }) {
                let look = case.observed.services[&step.service].look.as_ref().unwrap();
                prop_assert!(look.complete && look.unknown.is_empty());
                let other = |c: &Candidate| c.arguments == ArgumentsSeen::Different && !c.anchored;
                let mine = |c: &Candidate| case.plan().memory.services.values().any(|record| {
                    record.instances.values().any(|i| i.phase.process().is_some_and(|p| p.key == c.key))
                });
                prop_assert!(look.candidates.iter().all(|c| other(c) || mine(c)));
            }
        }
    }

    #[test]
    fn signals_go_only_to_what_is_on_record(case in a_case()) {
        let plan = case.plan();
        let allowed = signallable(&case, &plan.memory);
        for step in &plan.steps {
            for key in signalled(&step.action) {
                prop_assert!(allowed.contains(key), "{:?}", step);
            }
        }
    }

    #[test]
    fn the_order_of_what_was_found_plays_no_part(case in a_case()) {
        let mut turned = case.clone();
        for look in turned.observed.services.values_mut().filter_map(|seen| seen.look.as_mut()) {
            look.candidates.reverse();
        }
        let (one, other) = (case.plan(), turned.plan());
        prop_assert_eq!(one.steps, other.steps);
        prop_assert_eq!(one.memory, other.memory);
    }

    #[test]
    fn where_everything_runs_there_is_nothing_to_do(specs in (a_service("api"), a_service("db"), a_service("web"))) {
        let mut case = Case::new();
        for (place, mut spec) in (0..).zip([specs.0, specs.1, specs.2]) {
            spec.state = DesiredState::Running;
            let mut seen = Seen { look: Some(nothing()), prepared: Some(Ok(prepared())), ..Seen::default() };
            let mut instances = Vec::new();
            for index in 0..spec.replicas {
                let pid = place * 1000 + i32::try_from(index).unwrap() + 10;
                seen.processes.insert(index, ProcessSeen::Alive(alive()));
                instances.push(instance(running(started(&spec, pid))));
            }
            case = case.with(spec, instances, seen);
        }
        let first = case.plan();
        prop_assert!(first.is_quiet() && first.steps.is_empty(), "{:?}", first.changes);
        // The first plan notes the times of conditions; then memory rests, too.
        let again = Case { memory: first.memory.clone(), ..case }.plan();
        prop_assert_eq!(again.memory, first.memory);
    }

    #[test]
    fn plans_survive_the_ledger(case in a_case()) {
        let memory = case.plan().memory;
        let text = serde_json::to_string(&memory).unwrap();
        prop_assert_eq!(serde_json::from_str::<selfsame::plan::memory::Memory>(&text).unwrap(), memory);
    }
}
