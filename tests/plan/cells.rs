//! Every cell of (aim, phase, what is seen), one line each, in `cells.txt`. `UPDATE=1` writes it anew: read
//! the difference before you commit it.

use std::fmt::Write as _;

use selfsame::facts::Fact;
use selfsame::plan::memory::{Exit, Instance, Phase};
use selfsame::plan::observation::{Alive, IntentSeen, ProcessSeen, Seen, Unprepared};
use selfsame::spec::{DesiredState, Service, ServiceType, StopScope};
use selfsame::units::Signal;

use crate::bench::*;

const CELLS: &str = include_str!("cells.txt");

/// What may be wanted of an object.
const AIMS: [&str; 7] =
    ["run", "run forking", "stopped", "asked to stop", "removed", "observed", "no document"];

fn phases(spec: &Service) -> Vec<(&'static str, Instance)> {
    let starter = Phase::Starting {
        process: started(spec, 40),
        since: at(998),
        starter: true,
        probed: None,
        left: Vec::new(),
    };
    let old_starter = Phase::Starting {
        process: started(spec, 40),
        since: at(900),
        starter: true,
        probed: None,
        left: Vec::new(),
    };
    let intended = Phase::Intended {
        nonce: "n1".into(),
        launched: selfsame::plan::launched(spec, None),
        since: at(990),
        starter: false,
        group: None,
    };
    let mut to_begin = stopping(started(spec, 40), &[], 0, 999);
    if let Phase::Stopping { noted, sent, .. } = &mut to_begin {
        (*noted, *sent) = (false, false);
    }
    let mut unsent = stopping(started(spec, 40), &[41], 0, 999);
    if let Phase::Stopping { sent, .. } = &mut unsent {
        *sent = false;
    }
    let mut to_begin_adopted = stopping(adopted(spec, 40), &[], 0, 999);
    if let Phase::Stopping { noted, sent, stop, .. } = &mut to_begin_adopted {
        (*noted, *sent) = (false, false);
        stop.scope = Some(StopScope::Main);
    }
    vec![
        ("vacant", instance(Phase::Vacant)),
        ("back-off, not over", instance(Phase::BackOff { until: at(1005) })),
        ("back-off, over", instance(Phase::BackOff { until: at(999) })),
        ("finished", Instance { last_exit: Some(Exit::Code(0)), ..instance(Phase::Finished) }),
        ("intended", instance(intended)),
        ("starter", instance(starter)),
        ("starter, too long", instance(old_starter)),
        ("starting", instance(starting(started(spec, 40), 1000))),
        ("starting, 1s ago", instance(starting(started(spec, 40), 999))),
        ("running", instance(running(started(spec, 40)))),
        ("running, adopted", instance(running(adopted(spec, 40)))),
        ("stop to begin", instance(to_begin)),
        ("stop to begin, adopted", instance(to_begin_adopted)),
        ("stop, TERM not sent", instance(unsent)),
        ("stop, TERM sent", instance(stopping(started(spec, 40), &[41], 0, 990))),
        ("stop, TERM sent long ago", instance(stopping(started(spec, 40), &[41], 0, 960))),
        ("stop, KILL sent long ago", instance(stopping(started(spec, 40), &[41], 1, 960))),
    ]
}

/// What may be seen where a process is on record.
fn sights() -> Vec<(&'static str, Option<ProcessSeen>)> {
    let not_ours = Alive { still_ours: Fact::Known(false), ..alive() };
    let perhaps_ours = Alive { still_ours: Fact::Unknown(denied("exe of 40")), ..alive() };
    let with_tree = Alive { tree: vec![key(41)], ..alive() };
    vec![
        ("alive", Some(ProcessSeen::Alive(with_tree))),
        ("alive, not ours", Some(ProcessSeen::Alive(not_ours))),
        ("alive, perhaps ours", Some(ProcessSeen::Alive(perhaps_ours))),
        ("gone, code 0", Some(gone(Exit::Code(0)))),
        ("gone, code 1", Some(gone(Exit::Code(1)))),
        ("gone, unseen", Some(gone(Exit::Unknown))),
        ("gone, unwatched", Some(gone(Exit::Unwatched))),
        (
            "gone, successor",
            Some(ProcessSeen::Gone { exit: Exit::Code(0), successor: Some(key(50)), survivors: Vec::new() }),
        ),
        (
            "gone, child left",
            Some(ProcessSeen::Gone {
                exit: Exit::Signal(Signal::TERM),
                successor: None,
                survivors: vec![key(41)],
            }),
        ),
        ("unknown", Some(ProcessSeen::Unknown(denied("stat of 40")))),
        ("no answer", None),
    ]
}

fn looks() -> Vec<(&'static str, Seen)> {
    let with = |look| Seen { look: Some(look), prepared: Some(Ok(prepared())), ..Seen::default() };
    let mut unknown = nothing();
    unknown.unknown.push((selfsame::units::Pid(812), vec![denied("exe")]));
    let mut torn = nothing();
    torn.complete = false;
    vec![
        ("nothing found", with(nothing())),
        ("one found", with(found(vec![candidate(60)]))),
        ("two found", with(found(vec![candidate(60), candidate(61)]))),
        ("one undecided", with(unknown)),
        ("list torn", with(torn)),
        ("not looked", Seen { prepared: Some(Ok(prepared())), ..Seen::default() }),
        (
            "no account",
            Seen { look: Some(nothing()), prepared: Some(Err("no user `www`".into())), ..Seen::default() },
        ),
        (
            "account not asked",
            Seen {
                look: Some(nothing()),
                prepared: Some(Err(Unprepared::NotAsked("group `www` can't be looked up".into()))),
                ..Seen::default()
            },
        ),
    ]
}

/// What is seen, for a phase.
fn seen_for(phase: &Phase) -> Vec<(&'static str, Option<Seen>)> {
    let mut all: Vec<(&str, Option<Seen>)> = match phase {
        Phase::Intended { .. } => vec![
            ("nothing ran", IntentSeen::NothingRan),
            ("ran", IntentSeen::Ran(key(40))),
            ("unknown", IntentSeen::Unknown(denied("the slot"))),
        ]
        .into_iter()
        .map(|(word, intent)| {
            let mut seen = Seen { look: Some(nothing()), prepared: Some(Ok(prepared())), ..Seen::default() };
            seen.intents.insert(0, intent);
            (word, Some(seen))
        })
        .collect(),
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished => {
            looks().into_iter().map(|(word, seen)| (word, Some(seen))).collect()
        }
        Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. } => sights()
            .into_iter()
            .map(|(word, process)| {
                let mut seen = Seen::default();
                seen.processes.extend(process.map(|process| (0, process)));
                (word, Some(seen))
            })
            .collect(),
    };
    all.push(("host silent", None));
    all
}

fn case(aim: &str, instance: Instance, seen: Option<&Seen>) -> Case {
    let mut spec = web();
    match aim {
        "run forking" => spec.service_type = ServiceType::Forking,
        "stopped" => spec.state = DesiredState::Stopped,
        "observed" => spec.state = DesiredState::Observed,
        _ => {}
    }
    let mut case = Case::new().with(spec, vec![instance], seen.cloned().unwrap_or_default());
    if seen.is_none() {
        case.observed.services.clear();
    }
    let web = name("web");
    match aim {
        "asked to stop" => {
            let record = case.memory.record_mut(&web).unwrap();
            record.ask(false, "ann".into(), selfsame::units::WallTime::default(), None);
        }
        "removed" => {
            case.desired.services.clear();
            case.desired.removed.insert(web);
        }
        "no document" => case.desired.services.clear(),
        _ => {}
    }
    case
}

fn all_cells() -> String {
    let mut text = String::new();
    for aim in AIMS {
        let _ = writeln!(text, "# {aim}");
        let spec = case(aim, Instance::default(), None).memory.services[&name("web")].spec.clone();
        for (phase_word, instance) in phases(&spec) {
            if phase_word.starts_with("starter") != (aim == "run forking")
                && !phase_word.starts_with("vacant")
            {
                continue;
            }
            for (seen_word, seen) in seen_for(&instance.phase) {
                let plan = case(aim, instance.clone(), seen.as_ref()).plan();
                let _ = writeln!(text, "{phase_word}; {seen_word}: {}", summary(&plan));
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn every_cell_is_as_written() {
    let text = all_cells();
    if std::env::var_os("UPDATE").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plan/cells.txt");
        std::fs::write(file, &text).unwrap();
        return;
    }
    for (is, was) in text.lines().zip(CELLS.lines()) {
        assert_eq!(is, was);
    }
    assert_eq!(text.lines().count(), CELLS.lines().count());
}

#[test]
fn no_cell_acts_on_what_is_unknown() {
    for line in CELLS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (cell, outcome) = line.split_once(": ").unwrap();
        let (_, seen) = cell.rsplit_once("; ").unwrap();
        let unknown = ["unknown", "no answer", "host silent", "one undecided", "list torn", "not looked"];
        if unknown.contains(&seen) {
            // To let go of an adopted process touches nothing but memory.
            assert!(outcome.starts_with("- =>") || outcome.starts_with("release "), "{line}");
        }
    }
}
