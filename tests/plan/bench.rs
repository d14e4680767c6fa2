//! Short ways to write down what is desired, remembered and seen; and a plan in one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use selfsame::facts::{Fact, ProcessKey, Reason, Why};
use selfsame::plan::action::{Action, Step};
use selfsame::plan::memory::{Exit, Instance, Memory, Phase, Process, Record};
use selfsame::plan::observation::{
    Alive, ArgumentsSeen, Candidate, HealthSeen, Look, Observation, Owner, Prepared, ProcessSeen, Seen,
};
use selfsame::plan::{Plan, PlanOptions, launched, plan};
use selfsame::spec::{Service, ServiceName, SpecSet};
use selfsame::units::{BootId, BootTime, Gid, Now, Pid, StartTicks, Uid, WallTime};

/// Seconds since boot of the present moment.
pub(crate) const NOW: u64 = 1000;

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

pub(crate) fn web() -> Service {
    service("web")
}

pub(crate) fn service(of: &str) -> Service {
    Service::new(name(of), format!("/srv/{of}").into())
}

pub(crate) fn boot() -> BootId {
    BootId("boot-1".into())
}

pub(crate) fn at(seconds: u64) -> BootTime {
    BootTime(Duration::from_secs(seconds))
}

pub(crate) fn key(pid: i32) -> ProcessKey {
    ProcessKey { boot: boot(), pid: Pid(pid), start: StartTicks(u64::try_from(pid).unwrap() * 10) }
}

pub(crate) fn now() -> Now {
    Now { boot: at(NOW), wall: WallTime(Duration::from_secs(1_700_000_000)) }
}

pub(crate) fn denied(what: &str) -> Reason {
    Reason::new(Why::Denied, what)
}

/// A process that was started long ago by the document as it is.
pub(crate) fn started(spec: &Service, pid: i32) -> Process {
    Process {
        key: key(pid),
        inode: None,
        at: WallTime::default(),
        since: at(500),
        adopted: false,
        launched: Some(launched(spec, Some(&*prepared()))),
        adopted_by: None,
        arguments_differ: false,
        reloaded: None,
        group: None,
        constrained: None,
        followed: false,
    }
}

pub(crate) fn adopted(spec: &Service, pid: i32) -> Process {
    Process {
        adopted: true,
        launched: None,
        adopted_by: Some(std::sync::Arc::new(spec.clone())),
        ..started(spec, pid)
    }
}

pub(crate) fn running(process: Process) -> Phase {
    Phase::Running { process, ready_since: at(600), probe_failures: 0, probed: None }
}

pub(crate) fn starting(process: Process, since: u64) -> Phase {
    Phase::Starting { process, since: at(since), starter: false, probed: None, left: Vec::new() }
}

pub(crate) fn stopping(process: Process, tree: &[i32], step: usize, since: u64) -> Phase {
    Phase::Stopping {
        process,
        tree: tree.iter().map(|pid| key(*pid)).collect(),
        noted: true,
        main_gone: false,
        step,
        sent: true,
        overdue: false,
        failed: false,
        since: at(since),
        because: "ann asked for it".into(),
        stop: selfsame::spec::Rare::default(),
        exited: None,
    }
}

pub(crate) fn instance(phase: Phase) -> Instance {
    Instance { phase, ..Instance::default() }
}

pub(crate) fn alive() -> Alive {
    Alive {
        inode: None,
        still_ours: Fact::Known(true),
        ready: Fact::Absent,
        ready_detail: String::new(),
        tree: Vec::new(),
        successor: None,
        exe: Some("/srv/web".into()),
        exe_deleted: false,
        exe_replaced: false,
        health: HealthSeen::default(),
    }
}

pub(crate) fn gone(exit: Exit) -> ProcessSeen {
    ProcessSeen::Gone { exit, successor: None, survivors: Vec::new() }
}

pub(crate) fn prepared() -> Arc<Prepared> {
    Arc::new(Prepared {
        owner: Owner {
            uid: Uid(0),
            gid: Gid(0),
            groups: Vec::new(),
            change_ids: false,
            name: "root".into(),
            home: "/root".into(),
            shell: "/bin/sh".into(),
        },
        others: BTreeMap::new(),
        env_from: BTreeMap::new(),
        secrets: Vec::new(),
        socket_owners: Vec::new(),
        run_dir: "/run/selfsame".into(),
        log_dir: "/var/log/selfsame".into(),
        watched: BTreeMap::new(),
    })
}

/// A complete look that found nothing.
pub(crate) fn nothing() -> Look {
    Look { complete: true, ..Look::default() }
}

pub(crate) fn found(candidates: Vec<Candidate>) -> Look {
    Look { candidates, ..nothing() }
}

pub(crate) fn candidate(pid: i32) -> Candidate {
    Candidate {
        key: key(pid),
        uid: Uid(0),
        indexes: BTreeSet::from([0]),
        arguments: ArgumentsSeen::Equal,
        anchored: false,
        foreign_user: false,
        foreign_supervisor: None,
        above: false,
        recorded_for: None,
        weak: false,
    }
}

/// Everything that `plan` is given.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) desired: SpecSet,
    pub(crate) memory: Memory,
    pub(crate) observed: Observation,
    pub(crate) options: PlanOptions,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self {
            desired: SpecSet::default(),
            memory: Memory::new(boot()),
            observed: Observation { now: now(), boot: boot(), services: BTreeMap::new() },
            options: PlanOptions::default(),
        }
    }

    /// One object with its instances, and what is seen of it.
    pub(crate) fn with(mut self, spec: Service, instances: Vec<Instance>, seen: Seen) -> Self {
        let mut record = Record::new(spec.clone());
        record.instances = (0..).zip(instances).collect();
        let name = spec.name.clone();
        self.memory.services.insert(name.clone(), record.into());
        self.observed.services.insert(name.clone(), seen);
        self.desired.services.insert(name, spec.into());
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.desired, &self.observed, &self.memory, &self.options)
    }
}

/// `TERM 812, CONT 812`
pub(crate) fn steps_text(steps: &[Step]) -> String {
    let words: Vec<String> = steps
        .iter()
        .map(|step| match &step.action {
            Action::Start { .. } => format!("start [{}]", step.index),
            Action::Adopt { key } => format!("adopt {} [{}]", key.pid, step.index),
            Action::Signal { key, signal, .. } => format!("{signal} {}", key.pid),
            Action::KillTree { main, tree, .. } => {
                let pids: Vec<String> =
                    main.iter().chain(tree).map(|key| format!("KILL {}", key.pid)).collect();
                pids.join(", ")
            }
            Action::Constrain { key, .. } => format!("constrain {}", key.pid),
            Action::Release { key } => format!("release {}", key.pid),
            Action::Run { launch, .. } => format!("run {}", launch.argv.join(" ")),
            Action::Adjust { key, field, .. } => format!("adjust {field} {}", key.pid),
            Action::Probe { key, .. } => format!("probe {}", key.pid),
        })
        .collect();
    if words.is_empty() { "-".into() } else { words.join(", ") }
}

pub(crate) fn phase_text(phase: &Phase) -> String {
    match phase {
        Phase::Vacant => "Vacant".into(),
        Phase::BackOff { until } => format!("BackOff({:.1}s)", until.since(at(NOW)).as_secs_f64()),
        Phase::Finished => "Finished".into(),
        Phase::Intended { .. } => "Intended".into(),
        Phase::Starting { process, starter: true, .. } => format!("Starter {}", process.key.pid),
        Phase::Starting { process, .. } => format!("Starting {}", process.key.pid),
        Phase::Running { process, .. } => format!("Running {}", process.key.pid),
        Phase::Stopping { process, noted: false, .. } => format!("Stopping {} (to begin)", process.key.pid),
        Phase::Stopping { process, step, main_gone, .. } => {
            let whom = if *main_gone { "tree of " } else { "" };
            format!("Stopping {whom}{} ({step})", process.key.pid)
        }
    }
}

/// A plan for `web` in one line: steps, the phase of each instance, and what a person is told.
pub(crate) fn summary(plan: &Plan) -> String {
    let mut line = steps_text(&plan.steps);
    match plan.memory.services.get(&name("web")) {
        Some(record) => {
            let phases: Vec<String> =
                record.instances.values().map(|instance| phase_text(&instance.phase)).collect();
            let _ = write!(line, " => {}", phases.join(", "));
        }
        None => line.push_str(" => forgotten"),
    }
    if let Some(change) = plan.changes.iter().find(|change| change.service == name("web")) {
        let _ = write!(line, " | {}: {}", change.doing.word(), change.because);
    }
    line
}
