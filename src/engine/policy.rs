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

pub mod host;
pub mod linux;
pub mod looking;
mod preview;
mod standing;
mod still;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use host::{Began, PolicyHost, Question};
pub use preview::{Foreseen, PolicyEye, near_misses, preview};
use standing::Standing;

use crate::plan::event::Event;
use crate::plan::memory::{Memory, Suspension};
use crate::plan::policy::{
    Fights, KeptPolicies, KeptPolicy, PolicyLook, PolicyMemory, PolicyStatus, PolicyStep, intend, meaning,
};
use crate::plan::wanted::{Objects, Wanted};
use crate::spec::policy::{Policy, PolicyAction};
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootId, BootTime, Now, WallTime};

/// Wait before what could not be written down is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often it acted is remembered so long of a policy that isn't in force: its document may only be out of sight.
const REMEMBERED: Duration = Duration::from_hours(1);

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
        if self.unwritten && self.retry.is_none() {
            // What was owed is done. Where that can't be written, it would be done once more by another engine.
            match host.keep(&self.to_keep()) {
                Ok(()) => self.unwritten = false,
                Err(_) => self.retry = Some(now.boot.after(RETRY)),
            }
        }
        turn.moved = self.say(&desired.stale_policies, host.noticed(), now);
        let due = self.standing.values().filter_map(|standing| standing.due);
        let resumed = self.until.map(|until| now.boot.after(until.since(now.wall)));
        let next = due.chain(host.next_look()).chain(self.retry).chain(resumed).min();
        // What a look didn't answer is asked again, and not at once: that would be a loop.
        turn.next = next.map(|at| if at > now.boot { at } else { now.boot.after(RETRY) });
        turn
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

    /// A person has some left alone, or (`None`) no longer. Those that aren't in force are no matter.
    pub fn suspend(&mut self, names: &BTreeSet<ServiceName>, suspension: Option<&Suspension>) {
        for name in names.iter().filter(|name| self.set.contains_key(*name)) {
            self.kept.entry(name.clone()).or_default().suspension = suspension.cloned();
            self.unwritten = true;
        }
        self.chosen = false;
    }

    /// Takes the documents in force. Gives those that are to be looked at now.
    fn take_in(&mut self, in_force: &BTreeMap<ServiceName, Arc<Policy>>, now: Now) -> BTreeSet<ServiceName> {
        let same = |(name, policy): (&ServiceName, &Arc<Policy>)| {
            self.set.get(name).is_some_and(|known| Arc::ptr_eq(known, policy))
        };
        if self.set.len() != in_force.len() || !in_force.iter().all(same) {
            self.take_changes(in_force, now.boot);
        }
        if !self.chosen || self.until.is_some_and(|until| until <= now.wall) {
            self.choose(now.wall);
        }
        let is_due =
            |(_, standing): &(&ServiceName, &Standing)| standing.due.is_some_and(|due| due <= now.boot);
        let mut wanted: BTreeSet<ServiceName> =
            self.standing.iter().filter(is_due).map(|(name, _)| name.clone()).collect();
        if self.retry.is_some_and(|retry| retry <= now.boot) {
            wanted.extend(self.active.keys().cloned());
        }
        wanted
    }

    fn take_changes(&mut self, in_force: &BTreeMap<ServiceName, Arc<Policy>>, now: BootTime) {
        for (name, policy) in in_force {
            let meaning = meaning(policy);
            let kept = self.kept.entry(name.clone()).or_default();
            if kept.meaning == meaning {
                continue;
            }
            if !kept.meaning.is_empty() {
                kept.memory.begin_anew();
                self.fights.forget();
            }
            kept.meaning = meaning;
            if let Some(standing) = self.standing.get_mut(name) {
                standing.begin_anew();
            }
            self.unwritten = true;
        }
        self.set.clone_from(in_force);
        self.chosen = false;
        self.standing.retain(|name, _| in_force.contains_key(name));
        let lately = |kept: &KeptPolicy| {
            kept.memory.spent.last().is_some_and(|last| now.since(last) < REMEMBERED)
                || kept.suspension.is_some()
        };
        let known = self.kept.len();
        self.kept.retain(|name, kept| in_force.contains_key(name) || lately(kept));
        self.unwritten |= known != self.kept.len();
    }

    /// Finds out which are looked at, and until when that holds.
    fn choose(&mut self, now: WallTime) {
        self.end_suspensions(now);
        let is_active = |name: &ServiceName, policy: &Policy| self.left_alone(name, policy, now).is_none();
        let active = self.set.iter().filter(|(name, policy)| is_active(name, policy));
        self.active = active.map(|(name, policy)| (name.clone(), Arc::clone(policy))).collect();
        for (name, kept) in self.kept.iter_mut().filter(|(name, _)| !self.active.contains_key(*name)) {
            kept.memory.was_away();
            if let Some(standing) = self.standing.get_mut(name) {
                standing.due = None;
            }
        }
        let by_document = self.set.values().filter_map(|policy| policy.suspend.as_ref()?.until);
        let by_person = self.kept.values().filter_map(|kept| kept.suspension.as_ref()?.until);
        self.until = by_document.chain(by_person).filter(|until| *until > now).min();
        (self.chosen, self.news) = (true, true);
    }

    /// Who has it left alone, if anybody has.
    fn left_alone(&self, name: &ServiceName, policy: &Policy, now: WallTime) -> Option<Suspension> {
        let by_person = self.kept.get(name).and_then(|kept| kept.suspension.clone());
        by_person.or_else(|| standing::by_document(policy, now))
    }

    fn end_suspensions(&mut self, now: WallTime) {
        for kept in self.kept.values_mut() {
            if kept.suspension.as_ref().is_some_and(|one| one.until.is_some_and(|until| until <= now)) {
                kept.suspension = None;
                self.unwritten = true;
            }
        }
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

    fn carry_out<H: PolicyHost>(
        &mut self,
        host: &mut H,
        decided: Decided,
        memory: &mut Memory,
        now: Now,
        turn: &mut PolicyTurn,
    ) {
        let Decided { policy, before: _, began, steps, ended } = decided;
        let standing = self.standing.entry(policy.name.clone()).or_default();
        standing.counts.violations += u64::try_from(began.len()).unwrap_or(u64::MAX);
        let mut events: Vec<Event> = began.iter().map(|one| tell::violated(&policy, one)).collect();
        for step in steps.iter().filter(|step| step.action.acts()) {
            let standing = self.standing.entry(policy.name.clone()).or_default();
            if let Some(withheld) = &step.withheld {
                standing.withhold(step, withheld);
                events.push(tell::withheld(&policy, step, withheld));
                continue;
            }
            let came = match &step.owner {
                Some(owner) if matches!(step.action, PolicyAction::Restart | PolicyAction::Stop) => {
                    turn.asked = true;
                    ask(&policy, step, owner, memory, now)
                }
                Some(_) | None => host.carry_out(&policy, step),
            };
            let acted = standing::acted(step, &came, now.wall);
            standing.act(&acted);
            events.push(tell::acted(&policy, step, &came));
            let kept = self.kept.entry(policy.name.clone()).or_default();
            kept.acted = Some(acted);
            kept.memory.settle(step.process.as_ref());
            self.unwritten = true;
        }
        if ended {
            events.push(tell::no_longer(&policy));
        }
        turn.events.extend(tell::bounded(&policy, events));
    }

    /// Something that took longer came to its end.
    fn ended(&mut self, ended: Began, now: Now, turn: &mut PolicyTurn) {
        let Some(policy) = self.set.get(&ended.policy) else { return };
        let event = tell::ended(policy, &ended);
        let acted = standing::ended(&ended, now.wall);
        self.standing.entry(ended.policy.clone()).or_default().end(&acted);
        self.kept.entry(ended.policy).or_default().acted = Some(acted);
        (self.unwritten, self.news) = (true, true);
        turn.events.push(event);
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

/// What one look of a policy led to.
struct Decided {
    policy: Arc<Policy>,
    /// What was remembered before the look.
    before: PolicyMemory,
    began: Vec<crate::plan::policy::Violation>,
    steps: Vec<PolicyStep>,
    /// It was violated and isn't any more.
    ended: bool,
}

/// Asks a Service for it, as a person would.
fn ask(
    policy: &Policy,
    step: &PolicyStep,
    owner: &ServiceName,
    memory: &mut Memory,
    now: Now,
) -> Result<String, String> {
    let objects = Objects::one(owner);
    let (wanted, what) = match step.action {
        PolicyAction::Restart => (Wanted::Restart(objects), "restart"),
        _ => (Wanted::Stop { objects, until: None }, "stop"),
    };
    match wanted.record(memory, &format!("policy {}", policy.name), now) {
        Ok(_) => Ok(format!("asked for a {what} of `{owner}`")),
        Err(sentences) => Err(sentences.join("; ")),
    }
}

#[cfg(test)]
mod tests;
