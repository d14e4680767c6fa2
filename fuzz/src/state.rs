//! Files of our own that others may have broken: records, start slots; and pid files, which were never ours.

use std::collections::BTreeMap;
use std::time::Duration;

use selfsame::facts::{Reason, Why};
use selfsame::host::fuzzing::{record, start_slot};
use selfsame::plan::action::Action;
use selfsame::plan::memory::{Memory, Record};
use selfsame::plan::observation::{IntentSeen, Look, Observation, ProcessSeen, Questions, Seen};
use selfsame::plan::{Plan, PlanOptions, QuestionHints, plan, questions};
use selfsame::process::pidfile;
use selfsame::spec::SpecSet;
use selfsame::units::{BootId, BootTime, Now, WallTime};

pub fn check(data: &[u8]) {
    let boot = BootId("boot-1".into());
    if let Some(key) = start_slot(data, &boot) {
        assert!(key.pid.0 > 1 && key.boot == boot);
        assert!(data.ends_with(b"\n"), "less than a line is no key");
    }
    if let Some(pid) = pidfile::parse(data) {
        assert!(pid.0 > 1, "a group or init");
        let digits = pid.to_string();
        assert!(data.windows(digits.len()).any(|part| part == digits.as_bytes()));
    }
    if let Some(record) = record(data, &boot) {
        let json =
            serde_json::to_vec(&serde_json::json!({"format": 1, "boot": boot, "record": record})).unwrap();
        assert_eq!(selfsame::host::fuzzing::record(&json, &boot).as_ref(), Some(&record), "written and read");
        remembered(record, &boot);
    }
}

/// Whatever is on record, nothing is started or signalled for want of knowledge.
fn remembered(record: Record, boot: &BootId) {
    let name = record.spec.name.clone();
    // A record is what was accepted once; so large a set is refused before.
    if record.spec.replicas > 10_000 {
        return;
    }
    let services = BTreeMap::from([(name.clone(), record.into())]);
    let memory = Memory { services: services.into_iter().collect(), ..Memory::new(boot.clone()) };
    let desired = memory.services.iter().map(|(name, record)| (name.clone(), record.spec.clone())).collect();
    let sets = [
        SpecSet { services: desired, ..SpecSet::default() },
        SpecSet::default(),
        SpecSet { removed: [name].into(), ..SpecSet::default() },
    ];
    for desired in &sets {
        for seconds in [0, 1000] {
            let now = Now {
                boot: BootTime(Duration::from_secs(seconds)),
                wall: WallTime(Duration::from_secs(1 << 30)),
            };
            let asked = questions(desired, &memory, now, QuestionHints { full: true });
            let unanswered = Observation { now, boot: boot.clone(), services: BTreeMap::new() };
            assert_harmless(&planned(desired, &unanswered, &memory));
            let services = unknown(&asked);
            assert_harmless(&planned(desired, &Observation { services, ..unanswered }, &memory));
        }
    }
}

fn planned(desired: &SpecSet, observed: &Observation, memory: &Memory) -> Plan {
    let options = PlanOptions { confirmed: true, ..PlanOptions::default() };
    let first = plan(desired, observed, memory, &options);
    assert_eq!(plan(desired, observed, memory, &options), first, "the same questions, another plan");
    first
}

fn assert_harmless(plan: &Plan) {
    for step in &plan.steps {
        assert!(!matches!(step.action, Action::Start { .. } | Action::Signal { .. }), "on unknown: {step:?}");
    }
}

/// Every question answered by "it can't be told".
fn unknown(asked: &Questions) -> BTreeMap<selfsame::spec::ServiceName, Seen> {
    let reason = || Reason::new(Why::Denied, "a test");
    asked
        .services
        .iter()
        .map(|(name, question)| {
            let seen = Seen {
                output: Vec::new(),
                processes: question
                    .processes
                    .keys()
                    .map(|index| (*index, ProcessSeen::Unknown(reason())))
                    .collect(),
                intents: question
                    .intents
                    .keys()
                    .map(|index| (*index, IntentSeen::Unknown(reason())))
                    .collect(),
                look: Some(Look::default()),
                prepared: None,
                ..Seen::default()
            };
            (name.clone(), seen)
        })
        .collect()
}
