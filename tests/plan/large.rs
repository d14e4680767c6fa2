//! Ten thousand objects: what a tick asks, decides and holds.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use selfsame::plan::memory::Record;
use selfsame::plan::observation::{Observation, ProcessSeen, Questions, Seen};
use selfsame::plan::{Plan, PlanOptions, QuestionHints, plan_of, questions_of};
use selfsame::spec::{Service, ServiceName};

use crate::bench::*;

const OBJECTS: i32 = 10_000;
/// Set in a process that runs the test alone: its memory is that of the test.
const ALONE: &str = "SELFSAME_TEST_ALONE";

/// All run, as their documents say: what is on record is the very document.
fn many() -> Case {
    let mut case = Case::new();
    for number in 0..OBJECTS {
        let args = vec![format!("--port={number}")];
        let spec = Arc::new(Service { args, ..service(&format!("object-{number}")) });
        let mut record = Record::new(Arc::clone(&spec));
        record.instances.insert(0, instance(running(started(&spec, 1000 + number))));
        case.memory.services.insert(spec.name.clone(), record.into());
        case.desired.services.insert(spec.name.clone(), spec);
    }
    case
}

/// A host that answers what is asked: all live, nothing else is found.
fn answer(case: &Case, asked: &Questions) -> Observation {
    let services = asked.services.iter().map(|(name, question)| {
        let processes = question.processes.keys().map(|index| (*index, ProcessSeen::Alive(alive())));
        let seen = Seen {
            processes: processes.collect(),
            look: question.look.then(nothing),
            prepared: question.prepare.then(|| Ok(prepared())),
            ..Seen::default()
        };
        (name.clone(), seen)
    });
    Observation { services: services.collect(), ..case.observed.clone() }
}

fn tick(case: &mut Case, scope: Option<&BTreeSet<ServiceName>>, full: bool) -> (usize, Plan) {
    let asked = questions_of(scope, &case.desired, &case.memory, case.observed.now, QuestionHints { full });
    let processes = asked.services.values().map(|question| question.processes.len()).sum();
    let observed = answer(case, &asked);
    let plan = plan_of(scope, &case.desired, &observed, &case.memory, &PlanOptions::default());
    case.memory = plan.memory.clone();
    (processes, plan)
}

/// What this process has in memory (`VmRSS`), or had at the most (`VmHWM`), in MiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    found.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[test]
fn fault_71_ten_thousand_objects_at_rest_are_asked_nothing_and_take_little_memory() {
    if std::env::var_os(ALONE).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "large::fault_71_ten_thousand_objects_at_rest_are_asked_nothing_and_take_little_memory",
                "--nocapture",
            ])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let mut case = many();
    let held = memory("VmRSS");
    let all = usize::try_from(OBJECTS).unwrap();
    let (asked, first) = tick(&mut case, None, true);
    assert_eq!((asked, first.steps.len(), first.is_quiet()), (all, 0, true));
    assert_eq!(first.status.len(), all);
    drop(first);
    // A tick about nothing asks nothing, and one about an object asks of that alone.
    let (asked, idle) = tick(&mut case, Some(&BTreeSet::new()), false);
    assert_eq!((asked, idle.steps.len(), idle.status.len()), (0, 0, 0));
    let (asked, one) = tick(&mut case, Some(&BTreeSet::from([name("object-7000")])), false);
    assert_eq!((asked, one.steps.len()), (1, 0));
    assert!(one.status.len() <= 1, "{}", one.status.len());
    // Documents and records. A look at everything has the answers, a plan and a status of all of them besides: with these it is more
    // than the 100 MiB that are promised, and so for now.
    let peak = memory("VmHWM");
    assert!(held < 60 && peak < 200, "{held} and {peak} MiB");
}
