//! What is remembered of one object, and how a person's word changes it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AdoptWish, Ask, Asked, Instance, Instances, Phase, Suspension, TaskMemory, Transitions, Wish, is_false,
};
use crate::facts::ProcessKey;
use crate::plan::status::PhaseWord;
use crate::spec::{Rare, Service};
use crate::units::{BootTime, WallTime};

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
    /// A restart is due that is known to fail, so what runs stays: nobody who depends on it waits for that restart.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cannot_start: bool,
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
            cannot_start: false,
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
            self.task.asked = Some(by.clone());
        }
        let waits = |one: &&mut Instance| matches!(one.phase, Phase::BackOff { .. } | Phase::Finished);
        for instance in self.instances.values_mut().filter(waits) {
            instance.restarted_by = Some(by.as_str().into());
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

    /// No run of a Task is due or under way.
    pub fn forget_runs(&mut self) {
        for instance in self.instances.values_mut() {
            instance.run = None;
        }
        // One that was never a Task has nothing to forget, and would take room.
        if !self.task.is_usual() {
            (self.task.asked, self.task.waiting) = (None, None);
            self.task.past.under_way.clear();
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
