//! Policies in the loop. Theory of operation:
//!
//! ```text
//!        +--> look: what is so of whom, where something may be otherwise (host)
//!        |    decide (plan/policy): what counts, what is to be done, what is withheld and why
//!        |    write down what was seen and spent, before anything rests on it
//!        |    act: on a process by the host; restart and stop of a Service as a person would ask for it
//!        +--- go on with what takes longer; say when the next look is due
//! ```
//!
//! A turn follows the ticks of a wake-up and never waits. Nothing is done that rests on what couldn't be written down: then all is
//! as it was, and tried again. The plan of Services knows nothing of policies but what they ask of Services.

mod acting;
pub mod host;
pub mod linux;
pub mod looking;
mod preview;
pub mod replay;
mod standing;
mod still;
mod taken;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acting::Decided;
use host::{PolicyHost, Question};
pub use preview::{Foreseen, PolicyEye, near_misses, preview};
use standing::Standing;

use crate::plan::event::Event;
use crate::plan::memory::Memory;
use crate::plan::policy::{Fights, KeptPolicies, KeptPolicy, PolicyLook, PolicyStatus, intend};
use crate::spec::policy::Policy;
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootId, BootTime, Now, WallTime};

/// Wait before what could not be written down is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the loop knows of policies.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent notes, each true or not")]
pub struct Policies {
    boot: Option<BootId>,
    /// As they were taken in.
    set: BTreeMap<ServiceName, Arc<Policy>>,
    /// Those of them that are looked at.
    active: BTreeMap<ServiceName, Arc<Policy>>,
    /// They are found out, until somebody's suspension ends by itself.
    chosen: bool,
    until: Option<WallTime>,
    kept: BTreeMap<ServiceName, KeptPolicy>,
    fights: Fights,
    standing: BTreeMap<ServiceName, Standing>,
    status: Vec<PolicyStatus>,
    /// What the status says may be otherwise.
    news: bool,
    noticed: bool,
    stale: BTreeMap<ServiceName, String>,
    /// Something is to be written down.
    unwritten: bool,
    retry: Option<BootTime>,
    /// It was said that nothing can be written down.
    troubled: bool,
}

/// What a turn led to.
#[derive(Debug, Default)]
pub struct PolicyTurn {
    /// For the record of events.
    pub events: Vec<Event>,
    /// Something is asked of Services: they are to be planned for once more.
    pub asked: bool,
    /// The status is another one.
    pub moved: bool,
    /// When the next turn is due, whatever happens.
    pub next: Option<BootTime>,
    /// What could not be written down.
    pub trouble: Option<String>,
}

impl Policies {
    /// What an engine before this one left behind, in this boot.
    pub fn new(boot: BootId, kept: KeptPolicies) -> Self {
        let kept = if kept.boot.as_ref() == Some(&boot) { kept } else { KeptPolicies::default() };
        let mut policies = kept.policies;
        for kept in policies.values_mut() {
            kept.memory.was_away();
        }
        Self { boot: Some(boot), kept: policies, fights: kept.fights, ..Self::default() }
    }

    /// Looks, decides and acts, as far as something may be otherwise. `full`: everything is looked at.
    #[must_use]
    pub fn turn<H: PolicyHost>(
        &mut self,
        host: &mut H,
        desired: &SpecSet,
        memory: &mut Memory,
        full: bool,
    ) -> PolicyTurn {
        let mut turn = PolicyTurn::default();
        let in_force = &desired.policies;
        let now = host.moment();
        if in_force.is_empty() && self.set.is_empty() {
            // Whatever had begun ends with its policy.
            host.go_on(in_force);
            return turn;
        }
        let wanted = self.take_in(in_force, now);
        let question =
            Question { policies: &self.active, memory, verify: full, wanted: &wanted, now: now.boot };
        let looks = host.look(&question);
        let fights = (!looks.is_empty()).then(|| self.fights.clone());
        let decided = self.decide(looks, now);
        if self.unwritten
            && let Err(reason) = host.keep(&self.to_keep())
        {
            // Nothing was seen and nothing is done.
            self.undo(decided, fights);
            self.retry = Some(now.boot.after(RETRY));
            turn.trouble = (!std::mem::replace(&mut self.troubled, true)).then_some(reason);
        } else {
            self.unwritten = false;
            self.troubled = false;
            self.retry = None;
            for one in decided {
                self.carry_out(host, one, memory, now, &mut turn);
            }
        }
        for ended in host.go_on(&self.active) {
            self.ended(ended, now, &mut turn);
        }
        self.write_what_is_done(host, turn.asked, now.boot);
        turn.moved = self.say(&desired.stale_policies, host.noticed(), now);
        let due = self.standing.values().filter_map(|standing| standing.due);
        let resumed = self.until.map(|until| now.boot.after(until.since(now.wall)));
        let next = due.chain(host.next_look()).chain(self.retry).chain(resumed).min();
        // What a look didn't answer is asked again, and not at once: that would be a loop.
        turn.next = next.map(|at| if at > now.boot { at } else { now.boot.after(RETRY) });
        turn
    }

    /// What was owed is done. Where that can't be written, it would be done once more by another engine. What is asked of Services
    /// is on record only after the tick that follows.
    fn write_what_is_done<H: PolicyHost>(&mut self, host: &mut H, asked: bool, now: BootTime) {
        if !self.unwritten || self.retry.is_some() {
            return;
        }
        if !asked && host.keep(&self.to_keep()).is_ok() {
            self.unwritten = false;
        } else {
            self.retry = Some(now.after(RETRY));
        }
    }

    /// What people are told.
    pub fn status(&self) -> &[PolicyStatus] {
        &self.status
    }

    /// The one of this name that is in force.
    pub fn policy(&self, name: &ServiceName) -> Option<&Arc<Policy>> {
        self.set.get(name)
    }

    /// The state directory was made again: all of it has to be written once more.
    pub fn write_again(&mut self) {
        self.unwritten = !self.kept.is_empty();
    }

    /// What is counted.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&ServiceName, &standing::Counts)> {
        self.standing.iter().map(|(name, standing)| (name, &standing.counts))
    }

    /// As if it hadn't been looked.
    fn undo(&mut self, decided: Vec<Decided>, fights: Option<Fights>) {
        for one in decided {
            self.kept.entry(one.policy.name.clone()).or_default().memory = one.before;
        }
        self.fights = fights.unwrap_or_else(|| std::mem::take(&mut self.fights));
    }

    fn decide(&mut self, looks: BTreeMap<ServiceName, PolicyLook>, now: Now) -> Vec<Decided> {
        let mut decided = Vec::new();
        self.news |= !looks.is_empty();
        for (name, look) in looks {
            let Some(policy) = self.active.get(&name).cloned() else { continue };
            let kept = self.kept.entry(name.clone()).or_default();
            let before = kept.memory.clone();
            let outcome = intend(&policy, &look, &mut kept.memory, &mut self.fights, now.boot);
            self.unwritten |= !kept.memory.says_the_same(&before, policy.lasting);
            let standing = self.standing.entry(name).or_default();
            standing.see(&look, &kept.memory, &policy, outcome.next, now);
            let ended = before.violated().is_some() && kept.memory.violated().is_none();
            decided.push(Decided { policy, before, began: outcome.began, steps: outcome.steps, ended });
        }
        decided
    }

    /// Makes the status anew where something may be otherwise. True if it is.
    fn say(&mut self, stale: &BTreeMap<ServiceName, String>, noticed: bool, now: Now) -> bool {
        if !self.news && noticed == self.noticed && *stale == self.stale {
            return false;
        }
        (self.news, self.noticed) = (false, noticed);
        self.stale.clone_from(stale);
        let mut status = Vec::with_capacity(self.set.len());
        for (name, policy) in &self.set {
            let kept = self.kept.get(name).cloned().unwrap_or_default();
            let suspended = self.left_alone(name, policy, now.wall);
            let standing = self.standing.entry(name.clone()).or_default();
            let one = standing.status(policy, &kept, suspended, noticed, now);
            status.push(PolicyStatus { stale: stale.get(name).cloned(), ..one });
        }
        let moved = status != self.status;
        self.status = status;
        moved
    }

    fn to_keep(&self) -> KeptPolicies {
        let worth = |kept: &KeptPolicy| KeptPolicy { memory: kept.memory.worth_keeping(), ..kept.clone() };
        KeptPolicies {
            boot: self.boot.clone(),
            policies: self.kept.iter().map(|(name, kept)| (name.clone(), worth(kept))).collect(),
            fights: self.fights.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
