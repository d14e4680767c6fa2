//! What the engine remembers between ticks and across its own death: the ledger holds exactly this.
//!
//! Every time here is boot time; records of another boot are void.

mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::facts::ProcessKey;
use crate::spec::{Service, ServiceName};
use crate::units::{BootId, BootTime, WallTime};

pub use task::{Due, LastRun, LeftOut, Moment, NextMoment, Past, Run, StopCause, TaskMemory, TaskResult};

/// All records of this boot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The boot that every time and key in here belongs to.
    pub boot: BootId,
    /// One record an object. Shared: memory before and after a tick, and what the ledger has written, are one value where
    /// nothing changed. [`Memory::record_mut`] changes one.
    pub services: BTreeMap<ServiceName, Arc<Record>>,
    /// What Tasks left behind in an earlier boot, as read at the start, for records that begin in this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past: BTreeMap<ServiceName, Past>,
}

/// What is remembered of one object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Grows with every accepted change of the document's meaning.
    pub generation: u64,
    /// The last accepted document: what applies while the present one is broken or gone.
    pub spec: Arc<Service>,
    /// By index. Indexes at and above `replicas` are surplus and being stopped.
    pub instances: BTreeMap<u32, Instance>,
    /// A one-time `start` or `stop` by a person: holds until the document changes.
    pub wish: Option<Wish>,
    /// A one-time `restart` by a person: instances that began before this moment are restarted.
    pub restart_before: Option<BootTime>,
    /// Last time each condition changed, for `lastTransitionTime`: type, status, when.
    pub conditions: BTreeMap<String, (String, WallTime)>,
    /// Lives on after its document went, until its instances are stopped.
    #[serde(default)]
    pub terminating: bool,
    /// Of a Task: what it ran for, and what is due.
    #[serde(default, skip_serializing_if = "TaskMemory::is_empty")]
    pub task: TaskMemory,
}

/// What a person asked for on the command line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Running or stopped.
    pub running: bool,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// The generation it overrides; a newer one ends the wish.
    pub generation: u64,
}

/// One replica.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Where it is in its life.
    pub phase: Phase,
    /// How often it was started after the first time.
    #[serde(default)]
    pub restarts: u64,
    /// Starts that were written down: makes the next nonce another one.
    #[serde(default)]
    pub attempts: u64,
    /// Failed starts or early exits in a row: the exponent of the back-off.
    #[serde(default)]
    pub failures: u32,
    /// The restart at once, after a time in good health, was used up; the next one waits.
    #[serde(default)]
    pub spared: bool,
    /// How the last process of this index ended.
    #[serde(default)]
    pub last_exit: Option<Exit>,
    /// Why the last start failed, until one succeeds.
    #[serde(default)]
    pub last_error: Option<String>,
    /// Of a Task: the run that this instance is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What became of changes of limits and scheduling of the running process.
    #[serde(default, skip_serializing_if = "Adjusted::is_default")]
    pub adjusted: Adjusted,
}

/// What became of changes that a running process was to be given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Adjusted {
    /// What it was to have and couldn't be given as it runs, as it stands in [`Launched`] by field: it takes a restart.
    pub not_live: BTreeMap<String, String>,
    /// What was refused in the same way, which a restart wouldn't mend: nothing is done about it.
    pub refused: BTreeMap<String, String>,
    /// Why.
    pub error: Option<String>,
}

impl Adjusted {
    /// What failed of a field no longer counts.
    pub fn forget(&mut self, field: &str) {
        self.not_live.remove(field);
        self.refused.remove(field);
        if self.not_live.is_empty() && self.refused.is_empty() {
            self.error = None;
        }
    }

    /// Whether nothing failed.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The life of an instance. Every cell of (phase, what is seen) is decided in one table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Phase {
    /// Nothing runs.
    #[default]
    Vacant,
    /// Nothing runs; the next start not before then.
    #[serde(rename_all = "camelCase")]
    BackOff {
        /// When.
        until: BootTime,
    },
    /// Nothing runs and nothing will be started: the restart policy says so, until the document changes or
    /// somebody asks.
    Finished,
    /// A start was written down and not yet its result. Only a crash leaves this behind.
    #[serde(rename_all = "camelCase")]
    Intended {
        /// Names the start slot that the child writes its key into.
        nonce: String,
        /// What was being started.
        launched: Launched,
        /// When it was written down.
        #[serde(default)]
        since: BootTime,
        /// What is being started is the starter of a forking service.
        #[serde(default)]
        starter: bool,
    },
    /// It runs and isn't Ready yet.
    #[serde(rename_all = "camelCase")]
    Starting {
        /// The process.
        process: Process,
        /// Since when it is being waited for.
        since: BootTime,
        /// The starter of a forking service, until the service itself was found.
        starter: bool,
        /// When the last readiness probe was begun.
        #[serde(default)]
        probed: Option<BootTime>,
        /// What a starter left behind and may be the service, though the identity rule doesn't find it.
        #[serde(default)]
        left: Vec<ProcessKey>,
    },
    /// It runs and was Ready.
    #[serde(rename_all = "camelCase")]
    Running {
        /// The process.
        process: Process,
        /// Since when it is Ready.
        ready_since: BootTime,
        /// Readiness probes failed in a row.
        probe_failures: u32,
        /// When the last readiness probe was begun.
        #[serde(default)]
        probed: Option<BootTime>,
    },
    /// It is being stopped.
    #[serde(rename_all = "camelCase")]
    Stopping {
        /// The main process.
        process: Process,
        /// Descendants noted before the first signal.
        tree: Vec<ProcessKey>,
        /// The tree was noted; before that nothing is signalled.
        #[serde(default)]
        noted: bool,
        /// The main process is gone; what is left of the tree goes through the schedule now.
        #[serde(default)]
        main_gone: bool,
        /// Index of the step of the schedule that is under way; it began at `since`.
        step: usize,
        /// The signal of this step was sent. If a crash came between, it is sent again.
        #[serde(default)]
        sent: bool,
        /// The schedule came to its end and something still lives.
        #[serde(default)]
        overdue: bool,
        /// The stop follows a failure (it was not Ready in time): the back-off comes after it.
        #[serde(default)]
        failed: bool,
        /// When the step began.
        since: BootTime,
        /// Why, for status.
        because: String,
        /// How it stops, as it was when the stop began.
        stop: crate::spec::Stop,
    },
}

/// A process on record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its identity.
    pub key: ProcessKey,
    /// When it was started or adopted, wall clock, for display.
    pub at: WallTime,
    /// The same moment on the boot clock.
    #[serde(default)]
    pub since: BootTime,
    /// Taken over, not started.
    pub adopted: bool,
    /// What it was launched with; `None` when adopted: it is left as it is.
    pub launched: Option<Launched>,
    /// For an adopted process: the document by whose identity rule it was adopted. It must still satisfy that
    /// before it is signalled.
    pub adopted_by: Option<Arc<Service>>,
    /// It was adopted although its arguments are others than the specified ones (its pidfile spoke for it).
    #[serde(default)]
    pub arguments_differ: bool,
}

/// The resolved restart-class fields of a start, by field name, as text: compared field by field. A field that
/// isn't in an older record is not a difference.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Launched(pub BTreeMap<String, String>);

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(crate::units::Signal),
    /// It wasn't our child and the kernel doesn't say; counts as a failure.
    Unknown,
    /// We stopped it.
    Stopped,
}

impl Memory {
    /// Nothing is remembered of this boot yet.
    pub fn new(boot: BootId) -> Self {
        Self { boot, services: BTreeMap::new(), past: BTreeMap::new() }
    }

    /// What is left of it in another boot: what Tasks left behind.
    #[must_use]
    pub fn after_boot(&self, boot: BootId, now: WallTime) -> Self {
        let past = self.past.clone().into_iter();
        let of_records = self.services.iter().map(|(name, record)| (name.clone(), record.task.past.clone()));
        let past = past.chain(of_records).filter(|(_, past)| *past != Past::default());
        Self { past: past.map(|(name, past)| (name, past.after_boot(now))).collect(), ..Self::new(boot) }
    }

    /// The record of an object, to be changed: of a record that is shared, a copy of its own is made first.
    pub fn record_mut(&mut self, name: &ServiceName) -> Option<&mut Record> {
        self.services.get_mut(name).map(Arc::make_mut)
    }

    /// Every document in it: the accepted ones, and those that processes were adopted by.
    pub fn documents(&self) -> impl Iterator<Item = &Service> {
        self.services.values().flat_map(|record| {
            let processes = record.instances.values().filter_map(|instance| instance.phase.process());
            let rules = processes.filter_map(|process| process.adopted_by.as_deref());
            std::iter::once(&*record.spec).chain(rules)
        })
    }
}

impl Instance {
    /// It is in good health, or a person asked: what failed before no longer counts.
    pub fn forget_failures(&mut self) {
        self.failures = 0;
        self.spared = false;
        self.adjusted = Adjusted::default();
    }
}

impl Record {
    /// The first record of an object.
    pub fn new(spec: impl Into<Arc<Service>>) -> Self {
        Self {
            generation: 1,
            spec: spec.into(),
            instances: BTreeMap::new(),
            wish: None,
            restart_before: None,
            conditions: BTreeMap::new(),
            terminating: false,
            task: TaskMemory::default(),
        }
    }

    /// A person asks for it to run or to be stopped, until the document changes. A running one is started
    /// without waiting for its back-off.
    ///
    /// A Task is run once, now; to be stopped holds for it as for a Service.
    pub fn ask(&mut self, running: bool, by: String, at: WallTime) {
        if running && self.spec.task.is_some() {
            self.wish = None;
            self.task.asked = Some(by);
            return;
        }
        self.task.asked = None;
        self.wish = Some(Wish { running, by, at, generation: self.generation });
        if running {
            self.forgive();
        }
    }

    /// A person asks for a restart of every instance that runs now. A Task that doesn't run is run.
    pub fn ask_restart(&mut self, now: BootTime) {
        if self.spec.task.is_some() {
            self.wish = None;
            self.task.asked = Some("a restart".into());
        }
        self.restart_before = Some(now);
        self.forgive();
    }

    /// Past failures no longer count, and nothing waits for a back-off.
    pub fn forgive(&mut self) {
        for instance in self.instances.values_mut() {
            instance.forget_failures();
            if matches!(instance.phase, Phase::BackOff { .. } | Phase::Finished) {
                instance.phase = Phase::Vacant;
            }
        }
    }

    /// Forgets what failed before, so that what waits is tried at once. What came to its end by its restart policy
    /// stays there: asking again for the same changes nothing.
    pub fn try_again(&mut self) {
        self.task.try_again();
        for instance in self.instances.values_mut() {
            instance.forget_failures();
            if matches!(instance.phase, Phase::BackOff { .. } | Phase::Vacant) {
                instance.last_error = None;
                instance.phase = Phase::Vacant;
            }
        }
    }
}

impl Phase {
    /// What the process on record was launched with, for a change of the record.
    pub fn launched_mut(&mut self) -> Option<&mut Launched> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => process.launched.as_mut(),
        }
    }

    /// The process on record, if there is one.
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => Some(process),
        }
    }
}
