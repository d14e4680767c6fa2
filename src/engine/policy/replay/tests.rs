//! A replay says what a watch would have said.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::rc::Rc;

use super::*;
use crate::diagnostic::Source;
use crate::host::shelf::Shelf;
use crate::process::snapshot::record::Recorder;
use crate::process::snapshot::{Snapshot, WriteOptions};
use crate::spec::Expression;
use crate::spec::policy::{CountRange, Lasting, PolicyAction};
use crate::units::{Pid, Signal};

fn policy(name: &str, subject: &str, change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::new(ServiceName::new(name).unwrap());
    policy.subject = Some(Expression::new(subject));
    policy.actions = vec![PolicyAction::Signal(vec![(Signal::TERM, Duration::ZERO)])];
    change(&mut policy);
    policy
}

fn by_name(policies: Vec<Policy>) -> BTreeMap<ServiceName, Arc<Policy>> {
    policies.into_iter().map(|policy| (policy.name.clone(), Arc::new(policy))).collect()
}

/// Policies of every kind: at once, after a while, of the last looks, of a number, and one that acts.
fn all_kinds() -> BTreeMap<ServiceName, Arc<Policy>> {
    by_name(vec![
        policy("at-once", "comm == \"tool\"", |_| {}),
        policy("acting", "comm == \"tool\"", |policy| policy.dry_run = Some(false)),
        policy("grown", "rss > 50MiB", |policy| policy.lasting = Lasting::Time(Duration::from_secs(12))),
        policy("often", "comm == \"daemon\"", |policy| {
            policy.when = Some(Expression::new("rss > 50MiB"));
            policy.lasting = Lasting::Looks { so: 2, of: 3 };
        }),
        policy("few", "comm == \"daemon\"", |policy| {
            policy.count = Some(CountRange { least: 1, most: Some(2) });
            policy.message = Some("${comm} once too often".to_owned());
        }),
    ])
}

/// A host over a while: processes come, grow, execute something else, give their numbers to others, and can't be read.
fn looks(seed: u64) -> Vec<Snapshot> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    };
    let mut starts = [100u64; 8];
    let mut looks = Vec::new();
    for round in 0..30u64 {
        let up = 100 + 5 * round;
        let mut text = format!(
            "host: {{bootId: b, uptime: {up}s, now: \"2030-01-01T00:{:02}:{:02}Z\"}}\nprocesses:\n- {{pid: 1, uid: 0, startTicks: 1, comm: init}}\n",
            up / 60,
            up % 60
        );
        for (pid, start) in (10u64..).zip(&mut starts) {
            match next(8) {
                0 => continue,
                1 => *start = up * 100 - 50,
                _ => {}
            }
            let comm = if next(4) == 0 { "tool" } else { "daemon" };
            let rss = match next(4) {
                0 => "unreadable: {stat: denied}".to_owned(),
                size => format!("startTicks: {start}, rss: {}MiB", 30 * size),
            };
            let _ = writeln!(text, "- {{pid: {pid}, uid: 0, comm: {comm}, {rss}}}");
        }
        looks.push(
            Snapshot::parse(&Source::new("look", text.clone()))
                .unwrap_or_else(|found| panic!("{found:#?}\n{text}")),
        );
    }
    looks
}

fn conditions() -> Conditions {
    Conditions::new(Rc::new(Shelf::default()))
}

/// What a watch says that looks at these.
fn watched(looks: &[Snapshot], policies: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Happened> {
    let set = SpecSet { policies: policies.clone(), ..SpecSet::default() };
    let mut stage = Stage::new(BootId("b".into()), false);
    let mut replayed = Replayed::default();
    for (at, world) in (0..).step_by(5).zip(looks) {
        let at = Duration::from_secs(at);
        let frame = Frame { at, noticed: None, gone: Vec::new(), world, ended: None };
        stage.turn(&frame, &set, &conditions(), &mut replayed);
    }
    replayed.happened
}

fn recorded(looks: &[Snapshot]) -> Record {
    let mut recorder = Recorder::new(WriteOptions { redact: true, ..WriteOptions::default() });
    let mut text = String::new();
    for world in looks {
        let pids = world.pids().known().unwrap();
        let more = if text.is_empty() {
            recorder.begin(world, &pids, Duration::from_secs(5), false)
        } else {
            recorder.look(world, &pids)
        };
        text.push_str(&more);
    }
    Record::parse("record", text).unwrap_or_else(|found| panic!("{found:#?}"))
}

#[test]
fn a_replay_says_what_a_watch_would_have_said() {
    let policies = all_kinds();
    let mut kinds = BTreeSet::new();
    for seed in 1..=40 {
        let looks = looks(seed);
        let expected = watched(&looks, &policies);
        let found = replay(&recorded(&looks), &policies, &conditions()).unwrap();
        assert_eq!(found.happened, expected, "seed {seed}");
        kinds.extend(
            expected.iter().map(|one| format!("{:?} {}", one.event.kind, one.event.object.as_ref().unwrap())),
        );
    }
    // Or it would show nothing.
    for kind in [
        "Violated at-once",
        "Violated grown",
        "Violated often",
        "Violated few",
        "PolicyActed acting",
        "PolicyWithheld at-once",
        "NotViolated few",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}

const SCRIPT: &str = "record: 1
every: 1m
events: true
host: {bootId: b, uptime: 1000s, now: \"2030-01-01T00:00:00Z\"}
processes:
- {pid: 1, uid: 0, startTicks: 1, comm: init}
- {pid: 50, uid: 0, startTicks: 900, comm: sh}
---
at: 7s
noticed: [50]
processes: [{pid: 50, comm: tool}]
---
at: 8s
noticed: []
gone: [50]
---
at: 1m
---
at: 70s
ended: signal
";

#[test]
fn what_the_kernel_told_is_judged_when_it_told() {
    let record = Record::parse("record", SCRIPT.to_owned()).unwrap();
    let replayed = replay(&record, &all_kinds(), &conditions()).unwrap();
    let told: Vec<String> = replayed
        .happened
        .iter()
        .map(|one| format!("{:?} {} {:?}", one.at, one.event.object.as_ref().unwrap(), one.event.kind))
        .collect();
    assert_eq!(
        told,
        [
            "0ns few Violated",
            "0ns few PolicyWithheld",
            "7s acting Violated",
            "7s acting PolicyActed",
            "7s at-once Violated",
            "7s at-once PolicyWithheld",
            "8s acting NotViolated",
            "8s at-once NotViolated",
        ]
    );
    assert_eq!((replayed.looks, replayed.told), (2, 2));
    assert_eq!((replayed.length, replayed.ended.as_deref()), (Duration::from_secs(70), Some("signal")));
    let of = |name: &str| replayed.policies.get(&ServiceName::new(name).unwrap()).unwrap();
    assert_eq!((of("acting").violations, of("acting").acts), (1, 1));
    assert_eq!(of("at-once").withheld, BTreeMap::from([("NotOwned".to_owned(), 1)]));
    assert!(replayed.happened.iter().any(|one| one.event.pid == Some(Pid(50))));
}

#[test]
fn a_policy_about_services_is_left_out_and_says_so() {
    let policies = by_name(vec![policy("labelled", "comm == \"tool\"", |policy| {
        policy.selector = Some(crate::spec::defaults::Selector::default());
    })]);
    let record = Record::parse("record", SCRIPT.to_owned()).unwrap();
    let replayed = replay(&record, &policies, &conditions()).unwrap();
    assert!(replayed.happened.is_empty());
    assert!(
        replayed
            .policies
            .values()
            .all(|one| one.left_out.as_ref().is_some_and(|why| why.contains("selector")))
    );
}
