//! The plan as a value, and the sheet on which one object's part of it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Action, Step};
use super::depend::Waits;
use super::launch::FieldChange;
use super::memory::Memory;
use super::status::{ConditionStatus, ConditionType, ServiceStatus};
use crate::spec::ServiceName;
use crate::units::{BootTime, Now, WallTime};

/// The next tick, without a hot loop.
pub(super) const SOON: Duration = Duration::from_millis(1);

/// What a person allows beyond the guards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlanOptions {
    /// A change that restarts or stops more than half of the set is meant.
    pub confirmed: bool,
    /// So many instances whose readiness is asked for may be being started at a time; `None`: any number.
    pub max_starts: Option<usize>,
}

/// What one tick is going to do.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct Plan {
    /// In order: releases, adoptions, signals, starts, probes; each by name, surplus instances first.
    pub steps: Vec<Step>,
    /// Memory with the intents in it: to be remembered before the first step is carried out.
    pub memory: Memory,
    /// By name.
    pub status: Vec<ServiceStatus>,
    /// What a person is told about, instance by instance; also what is left alone and why.
    pub changes: Vec<Change>,
    /// The earliest deadline; `None`: only an event makes a difference.
    pub next: Option<BootTime>,
    /// When each object has to be decided about again.
    pub outlook: BTreeMap<ServiceName, Outlook>,
}

/// When an object has to be decided about again, if nothing happens to it before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outlook {
    /// At this moment.
    pub next: Option<BootTime>,
    /// All is as it should be or waits for its moment: nothing was decided, nothing is held back, and nothing that becomes of
    /// another object makes a difference. What isn't at rest is decided about in every tick.
    pub at_rest: bool,
}

impl Plan {
    /// Nothing is to be changed on the host, now or by what is decided already.
    pub fn is_quiet(&self) -> bool {
        self.steps.is_empty() && self.changes.iter().all(|change| !change.doing.changes_something())
    }

    /// How many replicas an object is to have, as far as it is on record.
    pub fn replicas(&self, name: &ServiceName) -> u32 {
        self.memory.services.get(name).map_or(1, |record| record.spec.replicas)
    }

    /// Something is left alone because it is unknown, ambiguous or guarded.
    pub fn is_held(&self) -> bool {
        self.changes.iter().any(|change| change.doing == Doing::Held)
    }

    /// Something is to be started and can't be.
    pub fn fails(&self) -> bool {
        self.changes.iter().any(|change| change.doing == Doing::Fail)
    }
}

/// What is done about one instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The object.
    pub service: ServiceName,
    /// Which replica.
    pub index: u32,
    /// What.
    pub doing: Doing,
    /// Why, as the end of a sentence.
    pub because: String,
    /// The fields that differ, where that is the reason.
    pub fields: Vec<FieldChange>,
}

/// What can be done about an instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Doing {
    /// It will be started.
    Start,
    /// A running process is taken over, untouched.
    Adopt,
    /// It gets other limits or another scheduling as it runs.
    Adjust,
    /// It is stopped and started again.
    Restart,
    /// It is stopped.
    Stop,
    /// It is let go, untouched.
    Release,
    /// It is told to read its configuration anew.
    Reload,
    /// It will be started when what it waits for has come.
    Wait,
    /// All is as it should be, or only time has to pass.
    Nothing,
    /// Left alone on purpose, although it isn't as desired.
    Held,
    /// It is to be started and can't be, as its document and the host are.
    Fail,
}

impl Doing {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Adopt => "adopt",
            Self::Adjust => "adjust",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Release => "release",
            Self::Reload => "reload",
            Self::Wait => "wait",
            Self::Nothing => "nothing",
            Self::Held => "held",
            Self::Fail => "fail",
        }
    }

    /// Whether the host or the record of it will be another one afterwards.
    pub fn changes_something(self) -> bool {
        match self {
            Self::Start
            | Self::Adopt
            | Self::Adjust
            | Self::Restart
            | Self::Stop
            | Self::Release
            | Self::Reload
            | Self::Wait => true,
            Self::Nothing | Self::Held | Self::Fail => false,
        }
    }
}

/// A statement for the status: a condition without its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Finding {
    pub(super) kind: ConditionType,
    pub(super) status: ConditionStatus,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Where one object's part of the plan is written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) name: &'a ServiceName,
    pub(super) now: Now,
    /// The guard against mass changes is closed: no running process is disturbed because of a document.
    pub(super) guarded: bool,
    pub(super) steps: Vec<Step>,
    pub(super) changes: BTreeMap<u32, Change>,
    pub(super) findings: Vec<Finding>,
    pub(super) next: Option<BootTime>,
    /// A running process is disturbed because a document changed.
    pub(super) disturbs: bool,
    /// Why nothing is started yet.
    pub(super) start_waits: Option<Waits>,
    /// Why nothing that runs is taken down for a restart yet.
    pub(super) restart_waits: Option<Waits>,
    /// Why nothing is stopped yet.
    pub(super) stop_waits: Option<String>,
    /// So many starts may begin in this tick.
    pub(super) slots: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(name: &'a ServiceName, now: Now, guarded: bool) -> Self {
        Self {
            name,
            now,
            guarded,
            steps: Vec::new(),
            changes: BTreeMap::new(),
            findings: Vec::new(),
            next: None,
            disturbs: false,
            start_waits: None,
            restart_waits: None,
            stop_waits: None,
            slots: usize::MAX,
        }
    }

    pub(super) fn step(&mut self, index: u32, action: Action, because: impl Into<String>) {
        self.steps.push(Step { service: self.name.clone(), index, action, because: because.into() });
    }

    pub(super) fn change(&mut self, index: u32, doing: Doing, because: impl Into<String>) {
        self.change_of(index, doing, because, Vec::new());
    }

    pub(super) fn change_of(
        &mut self,
        index: u32,
        doing: Doing,
        because: impl Into<String>,
        fields: Vec<FieldChange>,
    ) {
        let service = self.name.clone();
        self.changes.insert(index, Change { service, index, doing, because: because.into(), fields });
    }

    /// Left alone, and a condition says why. The message gets the object's name put before it.
    pub(super) fn hold(
        &mut self,
        index: u32,
        (kind, status): (ConditionType, ConditionStatus),
        reason: &'static str,
        message: &str,
    ) {
        self.change(index, Doing::Held, message);
        self.find(kind, status, reason, message);
    }

    /// Left alone: more than half of the set would be stopped or restarted.
    pub(super) fn hold_mass_change(&mut self, index: u32, what: &str) {
        let message = format!(
            "{what}: the change would stop or restart more than half of the set, confirm it to go on"
        );
        self.hold(index, (ConditionType::Blocked, ConditionStatus::True), "MassChange", &message);
    }

    pub(super) fn find(
        &mut self,
        kind: ConditionType,
        status: ConditionStatus,
        reason: &'static str,
        message: &str,
    ) {
        let message = [self.name.as_str(), ": ", message].concat();
        let finding = Finding { kind, status, reason, message };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Something is to be decided again at `when`. What is over already was decided in this tick: if nothing
    /// came of it, an event or the next full look will tell more, and trying again at once won't.
    pub(super) fn wake(&mut self, when: BootTime) {
        if when <= self.now.boot {
            return;
        }
        self.next = Some(self.next.map_or(when, |next| next.min(when)));
    }

    /// The same for a moment on the wall clock.
    pub(super) fn wake_at(&mut self, when: WallTime) {
        self.wake(self.now.boot.after(when.since(self.now.wall)));
    }
}
