//! What follows from a look: events, and deeds by the host or by Services that are asked.

use std::sync::Arc;

use super::host::{Began, PolicyHost};
use super::{Policies, PolicyTurn, standing, tell};
use crate::plan::event::Event;
use crate::plan::memory::Memory;
use crate::plan::policy::{PolicyMemory, PolicyStep, Violation};
use crate::plan::wanted::{Objects, Wanted};
use crate::spec::ServiceName;
use crate::spec::policy::{Policy, PolicyAction};
use crate::units::Now;

/// What one look of a policy led to.
pub(super) struct Decided {
    pub(super) policy: Arc<Policy>,
    /// What was remembered before the look.
    pub(super) before: PolicyMemory,
    pub(super) began: Vec<Violation>,
    pub(super) steps: Vec<PolicyStep>,
    /// It was violated and isn't any more.
    pub(super) ended: bool,
}

impl Policies {
    pub(super) fn carry_out<H: PolicyHost>(
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
    pub(super) fn ended(&mut self, ended: Began, now: Now, turn: &mut PolicyTurn) {
        let Some(policy) = self.set.get(&ended.policy) else { return };
        let event = tell::ended(policy, &ended);
        let acted = standing::ended(&ended, now.wall);
        self.standing.entry(ended.policy.clone()).or_default().end(&acted);
        self.kept.entry(ended.policy).or_default().acted = Some(acted);
        (self.unwritten, self.news) = (true, true);
        turn.events.push(event);
    }
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
