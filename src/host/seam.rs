//! The one door between decisions and the operating system.

use std::collections::BTreeSet;

use crate::facts::ProcessKey;
use crate::plan::action::{Outcome, Step};
use crate::plan::memory::Memory;
use crate::plan::observation::{Observation, Questions};
use crate::spec::ServiceName;
use crate::units::Now;

/// What the engine needs from a host. Linux implements it in earnest, the simulation with a fake clock,
/// a fake process table and faults.
pub trait Host {
    /// The present moment.
    fn now(&self) -> Now;

    /// Which processes on record something may have happened to since this was last asked. `None`: anything may be otherwise.
    fn woken(&mut self) -> Option<BTreeSet<ProcessKey>> {
        None
    }

    /// Answers questions. What can't be answered is unknown or missing, never guessed.
    fn observe(&mut self, questions: &Questions) -> Observation;

    /// Writes memory down, so that it survives the engine's death. Called before the steps that rest on it and
    /// after their outcomes are folded in, in every tick: what is written already is not written again, and
    /// then it can't fail. A start slot may be removed once memory without its `Intended` is written.
    ///
    /// # Errors
    /// A sentence. Steps that rest on what was not written must not be carried out.
    fn remember(&mut self, memory: &Memory) -> Result<(), String>;

    /// Where [`Host::remember`] just failed: writes what memory says of these objects, which are being stopped or are gone,
    /// into room that is kept for this, and answers the objects of which something else is on record still.
    ///
    /// # Errors
    /// A sentence: none of it was written.
    fn remember_stops(
        &mut self,
        _memory: &Memory,
        _names: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, String> {
        Err("no room is kept for the records of stops".into())
    }

    /// Carries out one step. A failure is a value to plan with.
    fn perform(&mut self, step: &Step) -> Outcome;

    /// Carries out steps that don't wait for each other, and tells the number of each with what came of it, as soon as that is known.
    fn perform_all(&mut self, steps: &[&Step], done: &mut dyn FnMut(usize, Outcome, Now)) {
        for (at, step) in steps.iter().enumerate() {
            let outcome = self.perform(step);
            done(at, outcome, self.now());
        }
    }
}
