//! A policy with a mistaken broad match does no harm: whatever a document says, nothing is done to the first process, to
//! selfsame or its ancestors, and to the others no more than its limit allows.

use std::collections::BTreeMap;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use selfsame::facts::{Fact, ProcessKey};
use selfsame::host::conditions::Conditions;
use selfsame::host::policy::{Occasion, Why};
use selfsame::host::proc::{LiveWorld, process_key};
use selfsame::host::shelf::Shelf;
use selfsame::host::signal::{protected, vital};
use selfsame::plan::observation::{Owner, Prepared};
use selfsame::plan::policy::{Fights, PolicyLook, PolicyMemory, Shown, Subject, decide};
use selfsame::plugin;
use selfsame::process::identity::Ternary;
use selfsame::process::world::World as _;
use selfsame::spec::policy::{ActionLimit, Policy, PolicyAction};
use selfsame::spec::{Expression, Service, ServiceName};
use selfsame::units::{Gid, Pid, Uid};

use super::{Stage, lives, policy, sleeper};
use crate::support::{Guarded, needs_root};

const INSIDE: &str = "SELFSAME_TEST_BROAD";
const STRANGERS: usize = 12;
const LIMIT: u32 = 3;

/// What the documents of these tests name nothing of.
fn places() -> Prepared {
    Prepared {
        owner: Owner {
            uid: Uid(0),
            gid: Gid(0),
            groups: Vec::new(),
            change_ids: false,
            name: String::new(),
            home: String::new(),
            shell: String::new(),
        },
        others: BTreeMap::new(),
        env_from: BTreeMap::new(),
        secrets: Vec::new(),
        socket_owners: Vec::new(),
        run_dir: String::new(),
        log_dir: String::new(),
        watched: BTreeMap::new(),
    }
}

/// Whether a condition holds of a process, asked of the language as a look does.
struct Rule {
    conditions: Conditions,
    expression: Expression,
    service: Service,
}

impl Rule {
    fn new(policy: &Policy, dir: &std::path::Path) -> Self {
        Self {
            conditions: Conditions::new(Rc::new(Shelf::keeping(dir.to_owned()))),
            expression: policy.subject.clone().unwrap(),
            service: Service::new(ServiceName::new("nobody").unwrap(), "/bin/false".into()),
        }
    }

    fn holds(&self, world: &LiveWorld, pid: Pid) -> Fact<bool> {
        let look = plugin::Look::default();
        let places = places();
        let bound = self.conditions.bind(&self.expression, &self.service, &places, world, &look);
        match bound.holds(pid) {
            Ternary::True => Fact::Known(true),
            Ternary::False => Fact::Known(false),
            Ternary::Unknown(reasons) => Fact::Unknown(reasons[0].clone()),
        }
    }
}

/// A look that spares nobody: what the host's own guard does is to be seen.
fn look(rule: &Rule, spares: bool) -> PolicyLook {
    let world = LiveWorld::new().unwrap();
    let pids = world.pids().known().unwrap();
    let fits = pids.iter().filter(|pid| rule.holds(&world, **pid) == Fact::Known(true));
    let subjects = fits.filter_map(|pid| {
        Some(Subject {
            key: world.process_key(*pid).known()?,
            violates: Fact::Known(true),
            owner: None,
            spared: protected(*pid).filter(|_| spares),
            shown: Shown::default(),
        })
    });
    PolicyLook { subjects: subjects.collect(), complete: true, ..PolicyLook::default() }
}

/// What must live on, whatever happens.
fn ancestors() -> Vec<ProcessKey> {
    let mut found = Vec::new();
    let mut at = Pid(i32::try_from(std::process::id()).unwrap());
    while at.0 > 0 {
        found.push(process_key(at).known().unwrap());
        at = vital(at).unwrap().parent;
    }
    found
}

/// Runs in a namespace whose first process is a shell, with another shell between that and this one.
fn inside() {
    let above = ancestors();
    assert!(above.len() >= 3 && above.last().unwrap().pid == Pid(1), "{above:?}");
    for action in
        [PolicyAction::Stop, PolicyAction::Signal(vec![(selfsame::units::Signal::KILL, Duration::ZERO)])]
    {
        for spares in [false, true] {
            for text in ["user == \"root\"", "true", "pid > 0"] {
                once(&above, action.clone(), text, spares);
            }
        }
    }
}

fn once(above: &[ProcessKey], action: PolicyAction, text: &str, spares: bool) {
    let strangers: Vec<(Guarded, ProcessKey)> = (0..STRANGERS).map(|_| sleeper()).collect();
    let mut stage = Stage::new();
    let policy = Policy {
        subject: Some(Expression::new(text)),
        limit: ActionLimit { count: LIMIT, per: Duration::from_secs(600) },
        ..policy(vec![action])
    };
    let rule = Rule::new(&policy, stage.base.path());
    let look = look(&rule, spares);
    assert!(look.subjects.len() >= STRANGERS + above.len(), "the match is broad");
    let (mut memory, mut fights) = (PolicyMemory::default(), Fights::default());
    let outcome = decide(&policy, &look, &mut memory, &mut fights, super::now());
    let still = |_: &Policy, world: &LiveWorld, key: &ProcessKey| rule.holds(world, key.pid);
    let mut done = 0;
    for step in &outcome.steps {
        // Those that are withheld as well, which nobody should ever ask for.
        let answer =
            stage.host().act_for_policy(step, Occasion { policy: &policy, message: "", still: &still });
        done += u32::from(answer.is_ok());
        if above.contains(step.process.as_ref().unwrap()) {
            assert!(matches!(answer, Err(Why::Refused(_))), "{text}: {answer:?}");
        }
    }
    assert!(done <= LIMIT, "{text}: {done} times");
    if spares {
        assert_eq!(done, LIMIT, "{text}: none of it was for those that are spared");
    }
    // What got a signal ends; and nobody else does.
    let end = Instant::now() + Duration::from_mins(1);
    while strangers.iter().filter(|(_, key)| !lives(key)).count() < done as usize {
        assert!(Instant::now() < end, "{text}: {done} signals, and not as many ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(above.iter().all(lives), "{text}");
    assert_eq!(strangers.iter().filter(|(_, key)| !lives(key)).count(), done as usize, "{text}");
}

#[test]
fn a_match_of_everything_does_no_harm() {
    if std::env::var_os(INSIDE).is_some() {
        inside();
        return;
    }
    if needs_root("a_match_of_everything_does_no_harm") {
        return;
    }
    let run = "sh -c '\"$0\" --exact policy::broad::a_match_of_everything_does_no_harm --test-threads=1 --nocapture; \
               exit $?' \"$0\"; exit $?";
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "/bin/sh", "-c", run])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .output();
    match output {
        Ok(output) if output.status.success() => {
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        }
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unshare failed") => {
            eprintln!("skipped: no PID namespace can be made here");
        }
        Ok(output) => {
            panic!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        }
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
}
