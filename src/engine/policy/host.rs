//! What policies need of a host: the door between what is decided about processes and the operating system.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::facts::ProcessKey;
use crate::plan::memory::Memory;
use crate::plan::policy::{KeptPolicies, PolicyLook, PolicyStep};
use crate::spec::ServiceName;
use crate::spec::policy::{Policy, PolicyAction};
use crate::units::{BootTime, Now};

/// What is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// For these.
    pub policies: &'a BTreeMap<ServiceName, Arc<Policy>>,
    /// Whose processes are whose.
    pub memory: &'a Memory,
    /// Everybody is to be looked at, whatever was told.
    pub verify: bool,
    /// These want a look now, whatever happened.
    pub wanted: &'a BTreeSet<ServiceName>,
    /// The moment.
    pub now: BootTime,
}

/// Something that had begun and came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Began {
    /// Whose it was.
    pub policy: ServiceName,
    /// The process, if there is one.
    pub process: Option<ProcessKey>,
    /// What had begun.
    pub action: PolicyAction,
    /// How it ended, or why it wasn't gone on with: the end of a sentence about it.
    pub outcome: Result<String, String>,
}

/// Linux in earnest, the simulation with faults.
pub trait PolicyHost {
    /// The present moment.
    fn moment(&self) -> Now;

    /// Looks where something may be otherwise. Says what is seen of the policies for which it is, of those that are wanted and
    /// of those whose `every` has passed; each answer is about all processes. What can't be told is unknown, never guessed.
    fn look(&mut self, question: &Question<'_>) -> BTreeMap<ServiceName, PolicyLook>;

    /// When a look is due though nothing happens.
    fn next_look(&self) -> Option<BootTime>;

    /// Whether the kernel tells what processes do.
    fn noticed(&self) -> bool;

    /// Writes down what is remembered, so that it survives the engine's death.
    ///
    /// # Errors
    /// A sentence. Nothing that rests on it may be done.
    fn keep(&mut self, kept: &KeptPolicies) -> Result<(), String>;

    /// Does one step to the process that it is about, if it still is that one and the policy still means it. Never waits.
    ///
    /// # Errors
    /// Nothing was done, and why.
    fn carry_out(&mut self, policy: &Policy, step: &PolicyStep) -> Result<String, String>;

    /// Goes on with what takes longer, and says what ended.
    fn go_on(&mut self, in_force: &BTreeMap<ServiceName, Arc<Policy>>) -> Vec<Began>;
}
