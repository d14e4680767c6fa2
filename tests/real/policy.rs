//! What policies do to processes, on the real kernel: to the one that is meant, while it is meant, and to nobody else.

mod broad;
mod courses;
mod hooks;
mod values;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use selfsame::facts::{Fact, ProcessKey, Reason};
use selfsame::host::policy::{Done, Ended, Occasion, Still, Why};
use selfsame::host::proc::LiveWorld;
use selfsame::host::signal::{boot_id, hold};
use selfsame::host::spawn::spawn;
use selfsame::host::{HostOptions, LinuxHost, clock};
use selfsame::plan::policy::{PolicyStep, Shown, Withheld};
use selfsame::spec::policy::{Policy, PolicyAction, PolicyGroup, Severity};
use selfsame::spec::{Expression, ServiceName};
use selfsame::units::{BootTime, StartTicks};

use crate::support::{Guarded, dirs, executing, launch};

/// A state directory and a host that acts on it, until it dies.
struct Stage {
    base: tempfile::TempDir,
    host: Option<LinuxHost>,
}

impl Stage {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let mut stage = Self { base, host: None };
        stage.again();
        stage
    }

    /// The next engine, after the death of the last.
    fn again(&mut self) {
        self.host = None;
        // Children that other tests start at this moment hold a copy of the lock until they execute.
        let options = HostOptions { lock_timeout: Duration::from_mins(1), ..HostOptions::default() };
        self.host = Some(LinuxHost::open(&dirs(self.base.path()), options).unwrap());
    }

    fn host(&mut self) -> &mut LinuxHost {
        self.host.as_mut().unwrap()
    }

    fn act(&mut self, policy: &Policy, step: &PolicyStep, still: &Still<'_>) -> Result<Done, Why> {
        self.host().act_for_policy(step, Occasion { policy, message: "it is so", still })
    }

    /// Turns of the loop until something has ended.
    #[track_caller]
    fn until_ended(&mut self, policy: &Policy, still: &Still<'_>) -> Ended {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let in_force = BTreeMap::from([(policy.name.clone(), Arc::new(policy.clone()))]);
            if let Some(ended) = self.host().go_on_for_policies(&in_force, still).pop() {
                return ended;
            }
            assert!(Instant::now() < end, "nothing ended within a minute");
            let soon = clock::now().boot.after(Duration::from_secs(1));
            self.host().wait(Some(soon)).unwrap();
        }
    }
}

fn policy(actions: Vec<PolicyAction>) -> Policy {
    Policy {
        subject: Some(Expression::new("true")),
        actions,
        dry_run: Some(false),
        severity: Severity::Error,
        ..Policy::new(ServiceName::new("tools").unwrap())
    }
}

/// The step that asks for a policy's first action.
fn step(policy: &Policy, key: &ProcessKey) -> PolicyStep {
    PolicyStep {
        process: Some(key.clone()),
        owner: None,
        shown: Shown::default(),
        action: policy.actions[0].clone(),
        withheld: None,
        because: "`true` is so".into(),
    }
}

fn started(argv: &[&str]) -> (Guarded, ProcessKey) {
    let slot = tempfile::tempfile().unwrap();
    let process = Guarded(spawn(&launch(argv), Some(slot.as_fd())).unwrap());
    executing(&process);
    let key = ProcessKey { boot: boot_id().unwrap(), pid: process.0.pid, start: process.0.start };
    (process, key)
}

fn sleeper() -> (Guarded, ProcessKey) {
    started(&["/bin/sleep", "1000"])
}

fn lives(key: &ProcessKey) -> bool {
    hold(key).is_ok()
}

fn yes(_: &Policy, _: &LiveWorld, _: &ProcessKey) -> Fact<bool> {
    Fact::Known(true)
}

/// Every action that is done to a process.
fn acts() -> Vec<PolicyAction> {
    use selfsame::units::Signal;
    vec![
        PolicyAction::Signal(vec![(Signal::KILL, Duration::ZERO)]),
        PolicyAction::Signal(vec![(Signal::KILL, Duration::from_secs(1)), (Signal::KILL, Duration::ZERO)]),
        PolicyAction::Stop,
        PolicyAction::Renice(19),
        PolicyAction::SetLimit(BTreeMap::from([("nofile".to_owned(), (Some(5), Some(5)))])),
        PolicyAction::Move(PolicyGroup::default()),
    ]
}

/// The nice value and a limit, which the acts change.
fn values(key: &ProcessKey) -> (i32, String) {
    let process = procfs::process::Process::new(key.pid.0).unwrap();
    let nice = i32::try_from(process.stat().unwrap().nice).unwrap();
    (nice, format!("{:?}", process.limits().unwrap().max_open_files.soft_limit))
}

#[test]
fn without_every_proof_nothing_is_done() {
    let (_process, key) = sleeper();
    let before = values(&key);
    let mut stage = Stage::new();
    let reason = Reason::new(selfsame::facts::Why::Denied, "exe");
    for action in acts() {
        let policy = policy(vec![action.clone()]);
        let asked = step(&policy, &key);
        let gone = PolicyStep {
            process: Some(ProcessKey { start: StartTicks(key.start.0 + 1), ..key.clone() }),
            ..asked.clone()
        };
        let withheld = PolicyStep { withheld: Some(Withheld::DryRun), ..asked.clone() };
        let nobody = PolicyStep { process: None, ..asked.clone() };
        let can_move = !matches!(action, PolicyAction::Move(_));
        let refused = |text: &str| Some(Why::Refused(text.to_owned()));
        let no = |_: &Policy, _: &LiveWorld, _: &ProcessKey| Fact::Known(false);
        let absent = |_: &Policy, _: &LiveWorld, _: &ProcessKey| Fact::Absent;
        let denied = |_: &Policy, _: &LiveWorld, _: &ProcessKey| Fact::Unknown(reason.clone());
        let rows: Vec<(&PolicyStep, &Still<'_>, Option<Why>)> = vec![
            (&asked, &no, can_move.then_some(Why::NoLonger)),
            (&asked, &denied, can_move.then(|| Why::Unknown(reason.clone()))),
            (&asked, &absent, can_move.then_some(Why::Gone)),
            (&gone, &yes, can_move.then_some(Why::Gone)),
            (&withheld, &yes, refused(&Withheld::DryRun.to_string())),
            (&nobody, &yes, refused("there is no process to do it to")),
        ];
        for (step, still, expected) in rows {
            let answer = stage.act(&policy, step, still);
            match expected {
                Some(why) => assert_eq!(answer, Err(why), "{action:?}"),
                // Where no group can be had, that is said first.
                None => assert!(answer.is_err(), "{action:?}: {answer:?}"),
            }
        }
    }
    assert!(lives(&key));
    assert_eq!(values(&key), before);
    assert_eq!(stage.host().deadline(), None, "something was begun");
}

#[test]
fn the_first_process_selfsame_and_its_ancestors_are_never_touched() {
    let own = i32::try_from(std::process::id()).unwrap();
    let parent = selfsame::host::signal::vital(selfsame::units::Pid(own)).unwrap().parent.0;
    let mut stage = Stage::new();
    for pid in [1, own, parent] {
        let Fact::Known(key) = selfsame::host::proc::process_key(selfsame::units::Pid(pid)) else { continue };
        for action in acts() {
            let policy = policy(vec![action.clone()]);
            let answer = stage.act(&policy, &step(&policy, &key), &yes);
            assert!(matches!(answer, Err(Why::Refused(_))), "{pid}: {action:?}: {answer:?}");
        }
    }
    assert_eq!(stage.host().deadline(), None, "something was begun");
}

#[test]
fn a_service_is_stopped_and_restarted_in_its_own_way() {
    let (_process, key) = sleeper();
    let mut stage = Stage::new();
    let web = ServiceName::new("web").unwrap();
    for action in [PolicyAction::Stop, PolicyAction::Restart] {
        let policy = policy(vec![action]);
        let step = PolicyStep { owner: Some(web.clone()), ..step(&policy, &key) };
        assert_eq!(stage.act(&policy, &step, &yes), Err(Why::OfService(web.clone())));
    }
    let of_nobody = policy(vec![PolicyAction::Restart]);
    let answer = stage.act(&of_nobody, &step(&of_nobody, &key), &yes);
    assert_eq!(answer, Err(Why::Refused("it belongs to no Service here".into())));
    let moved = policy(vec![PolicyAction::Move(PolicyGroup::default())]);
    let owned = PolicyStep { owner: Some(web), ..step(&moved, &key) };
    assert!(stage.act(&moved, &owned, &yes).unwrap_err().to_string().contains("spec.resources"));
    assert!(lives(&key));
}

/// The moment on the clock that deadlines are of.
fn now() -> BootTime {
    clock::now().boot
}
