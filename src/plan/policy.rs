//! What Policies lead to. Pure: a look at the processes that a policy is about, what is remembered of it, and out comes
//! what is to be said and done.
//!
//! ```text
//!  look: who matches, of whom `when` is so --> windows (for each process; for the number) --> violations that count
//!        violations --> limit, guards, fights --> steps: acted, or only said, and why only that
//! ```
//!
//! What nobody could tell counts for nothing: it neither makes a violation last nor ends it, and nothing is done to a process of
//! which something isn't known. What only `limit` holds back is owed, and done when there is room, if it still is so then.

mod count;
mod fight;
mod kept;
mod limit;
mod status;
mod window;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use fight::Fights;
pub use kept::{KeptPolicies, KeptPolicy, meaning};
pub use limit::Spent;
pub use status::{Acted, PolicyStatus, Violating};
pub use window::Window;
pub use withheld::Withheld;

use crate::facts::{Fact, ProcessKey};
use crate::spec::ServiceName;
use crate::spec::policy::{Lasting, Policy, PolicyAction};
use crate::units::BootTime;

/// What people are told of a process, and hooks find in their environment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shown {
    /// What it executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Whose it is, by name, or by number where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `spec.message` with the facts of this look put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A process that a policy is about.
#[derive(Clone, PartialEq, Debug)]
pub struct Subject {
    /// Which.
    pub key: ProcessKey,
    /// Whether `when` is so of it.
    pub violates: Fact<bool>,
    /// The Service here whose process it is.
    pub owner: Option<ServiceName>,
    /// Why nothing may be done to it: the first process, a kernel thread, selfsame or an ancestor of it.
    pub spared: Option<&'static str>,
    /// What is told of it.
    pub shown: Shown,
}

/// One look on behalf of a policy.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PolicyLook {
    /// The processes that match, the oldest first.
    pub subjects: Vec<Subject>,
    /// How many processes might match.
    pub unsure: u32,
    /// Every process was seen.
    pub complete: bool,
    /// `spec.message` where it names no facts of a process, for a number that is wrong.
    pub message: Option<String>,
}

/// What is remembered of a policy in this boot.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyMemory {
    /// Processes of which something was seen.
    pub processes: Vec<(ProcessKey, Window)>,
    /// The number of them.
    pub number: Window,
    /// When it acted.
    pub spent: Spent,
}

/// A violation that counts from now on.
#[derive(Clone, PartialEq, Debug)]
pub struct Violation {
    /// Of this process; none where too few are there.
    pub process: Option<ProcessKey>,
    /// What is told of it.
    pub shown: Shown,
    /// The fact.
    pub because: String,
}

/// One thing that a policy leads to.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyStep {
    /// The process; none where too few are there.
    pub process: Option<ProcessKey>,
    /// Its owner.
    pub owner: Option<ServiceName>,
    /// What is told of it.
    pub shown: Shown,
    /// What follows.
    pub action: PolicyAction,
    /// Why it is only said and not done.
    pub withheld: Option<Withheld>,
    /// The fact and the decision.
    pub because: String,
}

/// What one look of a policy leads to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PolicyOutcome {
    /// What begins to count.
    pub began: Vec<Violation>,
    /// What is to be said and done, in order.
    pub steps: Vec<PolicyStep>,
    /// When it has to be looked at again at the latest, beside its `every`.
    pub next: Option<BootTime>,
}

/// Takes a look into account, and what it leads to as done.
pub fn decide(
    policy: &Policy,
    look: &PolicyLook,
    memory: &mut PolicyMemory,
    fights: &mut Fights,
    now: BootTime,
) -> PolicyOutcome {
    let outcome = intend(policy, look, memory, fights, now);
    for step in outcome.steps.iter().filter(|step| step.action.acts() && step.withheld.is_none()) {
        memory.settle(step.process.as_ref());
    }
    outcome
}

/// Takes a look into account. What is to be done is owed until [`PolicyMemory::settle`] says that it is done, so that whoever
/// dies in between has it done by the next one.
pub fn intend(
    policy: &Policy,
    look: &PolicyLook,
    memory: &mut PolicyMemory,
    fights: &mut Fights,
    now: BootTime,
) -> PolicyOutcome {
    let mut outcome = PolicyOutcome::default();
    let due = match policy.count {
        Some(range) => count::of_number(policy, range, look, memory, now, &mut outcome),
        None => of_processes(policy, look, memory, now, &mut outcome),
    };
    let (mut considered, mut owed, mut waits) = (BTreeSet::new(), BTreeSet::new(), false);
    for due in due {
        let process = due.subject.map(|subject| subject.key.clone());
        let shown = due.subject.map_or_else(
            || Shown { message: look.message.clone(), ..Shown::default() },
            |subject| subject.shown.clone(),
        );
        if due.begins {
            let because = due.because.clone();
            outcome.began.push(Violation { process: process.clone(), shown: shown.clone(), because });
        }
        considered.insert(process.clone());
        // All that follows from one violation is one act.
        let over = withheld::over(policy, memory, now);
        let mut acts = false;
        for action in policy.actions.iter().filter(|action| due.begins || action.acts()) {
            let against = withheld::withheld(policy, action, due.subject, fights, now);
            let withheld = against.or_else(|| over.clone().filter(|_| action.acts()));
            if matches!(withheld, Some(Withheld::Limit { again: Some(_), .. })) {
                owed.insert(process.clone());
                waits = true;
                if !due.begins {
                    // It was said when it began.
                    continue;
                }
            }
            if withheld.is_none() && action.acts() {
                acts = true;
                owed.insert(process.clone());
                if let Some(subject) = due.subject {
                    fights.note(&policy.name, action, &subject.key, subject.owner.as_ref(), now);
                }
            }
            outcome.steps.push(PolicyStep {
                process: process.clone(),
                owner: due.subject.and_then(|subject| subject.owner.clone()),
                shown: shown.clone(),
                action: action.clone(),
                withheld,
                because: due.because.clone(),
            });
        }
        if acts {
            memory.spent.note(now, policy.limit);
        }
    }
    // Who isn't due owes what it owed: it wasn't seen, or something of it isn't known.
    if considered.contains(&None) {
        memory.number.owe(owed.contains(&None));
    }
    for (key, window) in &mut memory.processes {
        if !considered.is_empty() && considered.contains(&Some(key.clone())) {
            window.owe(owed.contains(&Some(key.clone())));
        }
    }
    if waits {
        outcome.next = outcome.next.into_iter().chain(memory.spent.free(now, policy.limit)).min();
    }
    outcome
}

impl PolicyMemory {
    /// What followed for a process (or, without one, for the number) is done, or was tried.
    pub fn settle(&mut self, process: Option<&ProcessKey>) {
        match process {
            None => self.number.owe(false),
            Some(process) => {
                if let Some((_, window)) = self.processes.iter_mut().find(|(key, _)| key == process) {
                    window.owe(false);
                }
            }
        }
    }

    /// Whether something that follows from a violation waits.
    pub fn owes(&self) -> bool {
        self.number.owes() || self.processes.iter().any(|(_, window)| window.owes())
    }

    /// Since when it is violated, and by how many processes that are known to; nothing if it isn't.
    pub fn violated(&self) -> Option<(usize, BootTime)> {
        let processes: Vec<BootTime> =
            self.processes.iter().filter_map(|(_, window)| window.counts_since()).collect();
        let since = processes.iter().copied().chain(self.number.counts_since()).min()?;
        Some((processes.len(), since))
    }

    /// Whether the two lead to the same, whenever the last look was.
    pub fn says_the_same(&self, other: &Self, lasting: Lasting) -> bool {
        let noted = |memory: &'_ Self| -> Vec<(ProcessKey, Window)> {
            memory.processes.iter().filter(|(_, window)| !window.is_blank()).cloned().collect()
        };
        let (ours, theirs) = (noted(self), noted(other));
        let same = |((key, window), (other, with)): (&(ProcessKey, Window), &(ProcessKey, Window))| {
            key == other && window.says_the_same(with, lasting)
        };
        self.spent == other.spent
            && self.number.says_the_same(&other.number, lasting)
            && ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(same)
    }

    /// What is worth to be written down of it.
    #[must_use]
    pub fn worth_keeping(&self) -> Self {
        let mut kept = self.clone();
        kept.processes.retain(|(_, window)| !window.is_blank());
        kept
    }

    /// The engine was away: what happened meanwhile nobody saw.
    pub fn was_away(&mut self) {
        self.number.was_away();
        for (_, window) in &mut self.processes {
            window.was_away();
        }
    }

    /// The document has another meaning: nothing was seen of that. How often it acted stays.
    pub fn begin_anew(&mut self) {
        self.processes.clear();
        self.number = Window::default();
    }
}

/// A violation that counts, of a process or of the number.
struct Due<'a> {
    subject: Option<&'a Subject>,
    because: String,
    /// It counts from now on; otherwise something is still owed.
    begins: bool,
}

/// Each process by itself.
fn of_processes<'a>(
    policy: &Policy,
    look: &'a PolicyLook,
    memory: &mut PolicyMemory,
    now: BootTime,
    outcome: &mut PolicyOutcome,
) -> Vec<Due<'a>> {
    let mut known: BTreeMap<ProcessKey, Window> = std::mem::take(&mut memory.processes).into_iter().collect();
    let mut due = Vec::new();
    for subject in &look.subjects {
        let mut window = known.remove(&subject.key).unwrap_or_default();
        let begins = window.note(&subject.violates, policy.lasting, now);
        if begins || (window.owes() && subject.violates == Fact::Known(true)) {
            let what = policy.when.as_ref().map_or_else(|| policy.about(), |when| when.text.clone());
            let because = format!("`{what}` {}", window.so(policy.lasting, now));
            due.push(Due { subject: Some(subject), because, begins });
        }
        outcome.next = outcome.next.into_iter().chain(window.next(policy.lasting)).min();
        memory.processes.push((subject.key.clone(), window));
    }
    if !look.complete {
        // Who wasn't seen may be there.
        memory.processes.extend(known);
    }
    due
}

#[cfg(test)]
mod tests;
