//! What policies would have done while a record was made.
//!
//! ```text
//!  record --look by look--> the turns of a watch (looking, plan/policy) --> events, and who would have acted
//!                                                                   \--> nothing is done, and nothing is written
//! ```
//!
//! The same turns as in the loop, over what was written down: so what is said here is what a watch would have said that looked
//! when the record did. Nothing that a policy would have done changes what follows, since what would have followed nobody knows:
//! a process that would have been stopped goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Policies;
use super::host::{Began, PolicyHost, Question};
use super::looking::{Looking, Occasion, Owners, Scene};
use crate::diagnostic::Diagnostic;
use crate::host::conditions::Conditions;
use crate::host::table::Changed;
use crate::plan::event::{Event, EventKind};
use crate::plan::memory::Memory;
use crate::plan::policy::{KeptPolicies, PolicyLook, PolicyStep};
use crate::process::snapshot::record::{Frame, Record};
use crate::process::world::World as _;
use crate::spec::policy::{Policy, Severity};
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootId, BootTime, Now, WallTime};

/// Events that are kept; what is more is only counted.
const KEPT_MAX: usize = 100_000;

/// Something that would have been told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happened {
    /// Since the record begins.
    pub at: Duration,
    /// By the clock of the recorded host.
    pub wall: WallTime,
    /// What.
    pub event: Event,
}

/// What became of one policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// How bad a violation is.
    pub severity: Severity,
    /// Violations that began to count.
    pub violations: u64,
    /// How often it would have acted.
    pub acts: u64,
    /// How often it would have been withheld, by the word for why.
    pub withheld: BTreeMap<String, u64>,
    /// Why the record can say nothing about it.
    pub left_out: Option<String>,
}

/// What policies would have done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// In the order of time.
    pub happened: Vec<Happened>,
    /// Events that are not among these for want of room.
    pub more: u64,
    /// By name.
    pub policies: BTreeMap<ServiceName, Summary>,
    /// Looks at everything.
    pub looks: u64,
    /// Looks at what the kernel told.
    pub told: u64,
    /// From the first to the last.
    pub length: Duration,
    /// The kernel told of what happened between looks.
    pub events: bool,
    /// Why the recording ended.
    pub ended: Option<String>,
}

/// Takes the looks of a record one by one.
///
/// # Errors
/// The record has a mistake.
pub fn replay(
    record: &Record,
    policies: &BTreeMap<ServiceName, Arc<Policy>>,
    conditions: &Conditions,
) -> Result<Replayed, Vec<Diagnostic>> {
    let mut replayed = Replayed { events: record.events, ..Replayed::default() };
    let mut set = SpecSet::default();
    for (name, policy) in policies {
        let left_out = policy.selector.is_some().then(|| {
            "it is about processes of Services (`spec.selector`), and a record doesn't say whose a process is"
                .to_owned()
        });
        if left_out.is_none() {
            set.policies.insert(name.clone(), Arc::clone(policy));
        }
        let summary = Summary { severity: policy.severity, left_out, ..Summary::default() };
        replayed.policies.insert(name.clone(), summary);
    }
    let mut frames = record.frames();
    let mut stage: Option<Stage> = None;
    while let Some(frame) = frames.next() {
        let frame = frame?;
        let boot = frame.world.boot_id().known().unwrap_or_else(|| BootId("record".into()));
        let stage = stage.get_or_insert_with(|| Stage::new(boot, record.events));
        stage.turn(&frame, &set, conditions, &mut replayed);
    }
    Ok(replayed)
}

/// A watch over a record.
#[derive(Debug)]
struct Stage {
    policies: Policies,
    memory: Memory,
    looking: Looking,
    told: bool,
}

impl Stage {
    fn new(boot: BootId, told: bool) -> Self {
        Self {
            policies: Policies::new(boot.clone(), KeptPolicies::default()),
            memory: Memory::new(boot),
            looking: Looking::default(),
            told,
        }
    }

    fn turn(&mut self, frame: &Frame<'_>, set: &SpecSet, conditions: &Conditions, replayed: &mut Replayed) {
        replayed.length = frame.at;
        if let Some(ended) = &frame.ended {
            // The last words are no look.
            replayed.ended = Some(ended.clone());
            return;
        }
        match &frame.noticed {
            Some(_) => replayed.told += 1,
            None => replayed.looks += 1,
        }
        let now = moment(frame);
        let (looking, told) = (&mut self.looking, self.told);
        let mut host = OnRecord { frame, now, told, looking, conditions };
        let turn = self.policies.turn(&mut host, set, &mut self.memory, false);
        for event in turn.events {
            count(&event, replayed);
            if replayed.happened.len() < KEPT_MAX {
                replayed.happened.push(Happened { at: frame.at, wall: now.wall, event });
            } else {
                replayed.more += 1;
            }
        }
    }
}

fn moment(frame: &Frame<'_>) -> Now {
    let boot = frame.world.uptime().known().unwrap_or(BootTime(frame.at));
    Now { boot, wall: frame.world.now().known().unwrap_or(WallTime(boot.0)) }
}

fn count(event: &Event, replayed: &mut Replayed) {
    let summary = event.object.as_ref().and_then(|name| replayed.policies.get_mut(name));
    let Some(summary) = summary else { return };
    match event.kind {
        EventKind::Violated => summary.violations += 1,
        EventKind::PolicyActed | EventKind::PolicyFailed => summary.acts += 1,
        EventKind::PolicyWithheld => {
            let why = event.policy.as_ref().and_then(|note| note.withheld.clone());
            *summary.withheld.entry(why.unwrap_or_else(|| event.reason.clone())).or_default() += 1;
        }
        _ => {}
    }
}

/// A look of a record as a host on which nothing is done.
struct OnRecord<'a> {
    frame: &'a Frame<'a>,
    now: Now,
    told: bool,
    looking: &'a mut Looking,
    conditions: &'a Conditions,
}

impl PolicyHost for OnRecord<'_> {
    fn moment(&self) -> Now {
        self.now
    }

    fn look(&mut self, question: &Question<'_>) -> BTreeMap<ServiceName, PolicyLook> {
        let changed = match &self.frame.noticed {
            Some(pids) => {
                let about: BTreeSet<_> = pids.iter().chain(&self.frame.gone).copied().collect();
                Changed::These(about)
            }
            None => Changed::Anything,
        };
        let owners = Owners::default();
        let scene = Scene { world: self.frame.world, conditions: self.conditions, owners: &owners };
        let wanted = question.wanted.clone();
        let occasion = Occasion { changed, told: self.told, verify: false, wanted, now: question.now };
        self.looking.look(question.policies, &scene, &occasion)
    }

    /// It is looked at when the record did.
    fn next_look(&self) -> Option<BootTime> {
        None
    }

    fn noticed(&self) -> bool {
        self.told
    }

    fn keep(&mut self, _: &KeptPolicies) -> Result<(), String> {
        Ok(())
    }

    fn carry_out(&mut self, _: &Policy, step: &PolicyStep) -> Result<String, String> {
        Ok(format!("`{}` would be done", step.action.word()))
    }

    fn go_on(&mut self, _: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Began> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
