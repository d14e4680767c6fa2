//! What the engine remembers between ticks and across its own death: the ledger holds exactly this.
//!
//! Every time here is boot time; records of another boot are void.

mod errand;
mod health;
mod instances;
mod launched;
mod records;
mod transitions;

pub use errand::{Ask, Asked, Errand, Purpose};
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::status::PhaseWord;
use crate::facts::ProcessKey;
use crate::spec::{Rare, Resources, Service, ServiceName, Stop};
use crate::units::{BootId, BootTime, WallTime};

pub use instances::Instances;
pub use launched::Launched;
pub use records::{Records, Traits};
pub use transitions::Transitions;

pub use health::{Health, Image, Said, TriggerState, Triggers};
pub use task::{Due, LastRun, LeftOut, Moment, NextMoment, Past, Run, StopCause, TaskMemory, TaskResult};

/// All records of this boot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The boot that every time and key in here belongs to.
    pub boot: BootId,
    /// One record an object. Shared: memory before and after a tick, and what the ledger has written, are one value where
    /// nothing changed. [`Memory::record_mut`] changes one.
    pub services: Records,
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
    pub instances: Instances,
    /// A one-time `start` or `stop` by a person: holds until the document changes.
    pub wish: Option<Box<Wish>>,
    /// A one-time `restart` by a person: instances that began before this moment are restarted.
    pub restart_before: Option<BootTime>,
    /// Who asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_by: Option<String>,
    /// Last time each condition changed, for `lastTransitionTime`.
    pub conditions: Transitions,
    /// Lives on after its document went, until its instances are stopped.
    #[serde(default)]
    pub terminating: bool,
    /// A person has it left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Box<Suspension>>,
    /// The last document that became Ready, kept where `update.onFailure` is rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Arc<Service>>,
    /// The document in force isn't the newest one, which didn't become Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Box<RolledBack>>,
    /// Something has to be restarted, or is held, because of a file: files are looked at in each tick until it is done.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compares: bool,
    /// The phase that the last status showed: what objects that depend on this one go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<PhaseWord>,
    /// A one-time `adopt` by a person, until it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Box<AdoptWish>>,
    /// Of a Task: what it ran for, and what is due.
    #[serde(default, skip_serializing_if = "TaskMemory::is_empty")]
    pub task: Rare<TaskMemory>,
}

/// A person has an object left alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: WallTime,
    /// Why; may be empty.
    pub reason: String,
    /// Until when, by the wall clock; `None`: until somebody resumes it.
    pub until: Option<WallTime>,
}

/// A document that was accepted and is not in force, since it didn't become Ready.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledBack {
    /// It.
    pub refused: Arc<Service>,
    /// Its generation.
    pub generation: u64,
    /// What was wrong with it, as the end of a sentence.
    pub because: String,
}

/// What a person asked to be taken over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptWish {
    /// Which process.
    pub key: ProcessKey,
    /// Although something else keeps it, or it belongs to another user.
    pub force: bool,
    /// Who asked.
    pub by: String,
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
    /// Until when, by the wall clock; `None`: until the document changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<WallTime>,
    /// Neither: its processes are let go, and nothing is done about it.
    #[serde(default)]
    pub released: bool,
}

impl Wish {
    /// Whether it still counts for this generation of the document.
    pub fn holds(&self, generation: u64, now: WallTime) -> bool {
        self.generation == generation && self.until.is_none_or(|until| now < until)
    }
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
    /// The health of its present process.
    #[serde(default, skip_serializing_if = "Health::is_blank")]
    pub health: Health,
    /// Where its triggers stand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: Triggers,
    /// Since when its start waits for `conditions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet_since: Option<BootTime>,
    /// Commands that run for it now. While there is no process, none is started before they have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errand: Option<Box<Errand>>,
    /// `hooks.preStart` have run for the next start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub primed: bool,
    /// `hooks.postStart` have to run yet: until then it isn't Ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub greets: bool,
    /// What was asked of it and isn't done yet, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// How a command that runs for it failed, until one of its kind succeeds or it is started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_error: Option<(Purpose, String)>,
    /// Of a Task: the run that this instance is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What became of changes of limits and scheduling of the running process.
    #[serde(default, skip_serializing_if = "Adjusted::is_default")]
    pub adjusted: Rare<Adjusted>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
fn is_false(value: &bool) -> bool {
    !*value
}

crate::usual!(Adjusted, TaskMemory);

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
        /// The control group that is made for it, where the host can make one.
        #[serde(default)]
        group: Option<String>,
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
        stop: Rare<Stop>,
        /// Nobody asked for it: the main process ended by itself and left others behind.
        #[serde(default)]
        exited: Option<Box<Exited>>,
    },
}

/// The end of a main process that left others behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exited {
    /// How it ended.
    pub exit: Exit,
    /// How long it had been Ready.
    pub ready_for: Option<std::time::Duration>,
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
    /// Fields that took effect by a reload after the launch, or that were first looked at then: they stand over `launched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reloaded: Option<Box<Launched>>,
    /// The control group that was made for it, if the host could make one.
    #[serde(default)]
    pub group: Option<String>,
    /// The bounds of its group, as they were last set. `None`: none were.
    #[serde(default)]
    pub constrained: Option<Box<Constrained>>,
}

/// An attempt at setting the bounds of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Constrained {
    /// The bounds.
    pub resources: Resources,
    /// Why the host refused; `None`: they are in force.
    pub error: Option<String>,
    /// When.
    pub at: BootTime,
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(crate::units::Signal),
    /// The kernel ended it, since there was no more memory for it.
    OutOfMemory,
    /// It wasn't our child and the kernel doesn't say; counts as a failure.
    Unknown,
    /// We stopped it.
    Stopped,
}

impl Memory {
    /// Nothing is remembered of this boot yet.
    pub fn new(boot: BootId) -> Self {
        Self { boot, services: Records::default(), past: BTreeMap::new() }
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
        self.services.values().flat_map(|record| record.documents())
    }
}

impl Instance {
    /// Asks for a reload of the process, for this reason. One that waits already is enough.
    pub fn ask_reload(&mut self, because: impl Into<String>) {
        if self.asked.iter().all(|asked| asked.what != Ask::Reload) {
            self.asked.push(Asked { what: Ask::Reload, because: because.into() });
        }
    }

    /// Another process begins: nothing is known of its health.
    pub fn begin_health(&mut self) {
        self.health = Health::default();

        self.unmet_since = None;
    }

    /// Asks for a restart of the process, when its turn comes among the replicas.
    pub fn ask_restart(&mut self, because: impl Into<String>) {
        self.health.restart = Some(because.into());
    }

    /// It is in good health, or a person asked: what failed before no longer counts.
    pub fn forget_failures(&mut self) {
        // Whatever is added here is also added to `remembers_failures`.
        self.failures = 0;
        self.spared = false;
        self.adjusted = Rare::default();
    }

    fn remembers_failures(&self) -> bool {
        self.failures > 0 || self.spared || *self.adjusted != Adjusted::default()
    }
}

impl Record {
    /// Every document in it: the accepted one, those kept beside it, and those that processes were adopted by.
    pub fn documents(&self) -> impl Iterator<Item = &Service> {
        let processes = self.instances.values().filter_map(|instance| instance.phase.process());
        let rules = processes.filter_map(|process| process.adopted_by.as_deref());
        let refused = self.rolled_back.iter().map(|rolled_back| &*rolled_back.refused);
        std::iter::once(&*self.spec).chain(self.good.as_deref()).chain(refused).chain(rules)
    }

    /// The first record of an object.
    pub fn new(spec: impl Into<Arc<Service>>) -> Self {
        Self {
            generation: 1,
            spec: spec.into(),
            instances: Instances::default(),
            wish: None,
            restart_before: None,
            restart_by: None,
            conditions: Transitions::default(),
            terminating: false,
            suspension: None,
            good: None,
            rolled_back: None,
            compares: false,
            shown: None,
            adopt: None,
            task: Rare::default(),
        }
    }

    /// A person asks every instance that runs to reload, or to get a signal.
    pub fn ask_of_all(&mut self, what: Ask, by: &str) {
        let because = format!("{by} asked for it");
        for instance in self.instances.values_mut().filter(|i| i.phase.process().is_some()) {
            instance.asked.push(Asked { what, because: because.clone() });
        }
    }

    /// A person asks for it to run or to be stopped, until the document changes or that moment comes. A running one is started
    /// without waiting for its back-off.
    ///
    /// A Task is run once, now; to be stopped holds for it as for a Service.
    pub fn ask(&mut self, running: bool, by: String, at: WallTime, until: Option<WallTime>) {
        if running && self.spec.task.is_some() {
            self.wish = None;
            self.task.asked = Some(by);
            return;
        }
        self.task.asked = None;
        self.wish =
            Some(Box::new(Wish { running, by, at, generation: self.generation, until, released: false }));
        if running {
            self.forgive();
        }
    }

    /// A person asks for its processes to be let go, untouched; it is left alone until the document changes.
    pub fn ask_release(&mut self, by: String, at: WallTime) {
        let generation = self.generation;
        self.wish = Some(Box::new(Wish { running: false, by, at, generation, until: None, released: true }));
    }

    /// A person asks for this process to be taken over.
    pub fn ask_adopt(&mut self, key: ProcessKey, force: bool, by: String) {
        self.wish = self.wish.take().filter(|wish| !wish.released);
        self.adopt = Some(Box::new(AdoptWish { key, force, by }));
    }

    /// A person asks for a restart of every instance that runs now. A Task that doesn't run is run.
    pub fn ask_restart(&mut self, now: BootTime, by: String) {
        if self.spec.task.is_some() {
            self.wish = None;
            self.task.asked = Some("a restart".into());
        }
        self.restart_before = Some(now);
        self.restart_by = Some(by);
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

    /// Whether [`Self::try_again`] would change anything.
    pub fn remembers_failures(&self) -> bool {
        self.task.remembers_failure()
            || self.instances.values().any(|instance| {
                instance.remembers_failures()
                    || matches!(instance.phase, Phase::BackOff { .. })
                    || (instance.phase == Phase::Vacant && instance.last_error.is_some())
            })
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
    /// The process on record, to be changed.
    pub fn process_mut(&mut self) -> Option<&mut Process> {
        match self {
            Self::Vacant | Self::BackOff { .. } | Self::Finished | Self::Intended { .. } => None,
            Self::Starting { process, .. }
            | Self::Running { process, .. }
            | Self::Stopping { process, .. } => Some(process),
        }
    }
}
