//! What Policies lead to. Pure: a look at the processes that a policy is about, what is remembered of it, and out comes
//! what is to be said and done.
//!
//! ```text
//!  look: who matches, of whom `when` is so --> windows (for each process; for the number) --> violations that count
//!        violations --> limit, guards, fights --> steps: acted, or only said, and why only that
//! ```
//!
//! What nobody could tell counts for nothing: it neither makes a violation last nor ends it, and nothing is done to a process of
//! which something isn't known.

mod fight;
mod limit;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use fight::Fights;
pub use limit::Spent;
pub use window::Window;

use crate::facts::{Fact, ProcessKey};
use crate::spec::ServiceName;
use crate::spec::policy::{CountRange, Policy, PolicyAction};
use crate::units::{BootTime, format_duration};

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
}

/// What is remembered of a policy in this boot.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyMemory {
    /// Processes of which something was seen.
    pub processes: Vec<(ProcessKey, Window)>,
    /// The number of them.
    pub number: Window,
    /// When it acted.
    pub spent: Spent,
}

/// One thing that a policy leads to.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyStep {
    /// The process; none where too few are there.
    pub process: Option<ProcessKey>,
    /// Its owner.
    pub owner: Option<ServiceName>,
    /// What follows.
    pub action: PolicyAction,
    /// Why it is only said and not done.
    pub withheld: Option<String>,
    /// The fact and the decision.
    pub because: String,
}

/// What one look of a policy leads to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PolicyOutcome {
    /// What is to be said and done, in order.
    pub steps: Vec<PolicyStep>,
    /// When it has to be looked at again at the latest, beside its `every`.
    pub next: Option<BootTime>,
}

/// Takes a look into account.
pub fn decide(
    policy: &Policy,
    look: &PolicyLook,
    memory: &mut PolicyMemory,
    fights: &mut Fights,
    now: BootTime,
) -> PolicyOutcome {
    let mut outcome = PolicyOutcome::default();
    let due = match policy.count {
        Some(range) => of_number(policy, range, look, memory, now, &mut outcome),
        None => of_processes(policy, look, memory, now, &mut outcome),
    };
    for Due { subject, because } in due {
        for action in &policy.actions {
            let withheld = withheld(policy, action, subject, memory, fights, now);
            if withheld.is_none() && action.acts() {
                memory.spent.note(now, policy.limit);
                if let Some(subject) = subject {
                    fights.note(&policy.name, action, &subject.key, subject.owner.as_ref(), now);
                }
            }
            outcome.steps.push(PolicyStep {
                process: subject.map(|subject| subject.key.clone()),
                owner: subject.and_then(|subject| subject.owner.clone()),
                action: action.clone(),
                withheld,
                because: because.clone(),
            });
        }
    }
    outcome
}

/// A violation that counts, of a process or of the number.
struct Due<'a> {
    subject: Option<&'a Subject>,
    because: String,
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
        if window.note(&subject.violates, policy.lasting, now) {
            let what = policy.when.as_ref().map_or_else(|| policy.about(), |when| when.text.clone());
            let because = format!("`{what}` {} of pid {}", window.so(policy.lasting, now), subject.key.pid);
            due.push(Due { subject: Some(subject), because });
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

/// The number of those of which it is so.
fn of_number<'a>(
    policy: &Policy,
    range: CountRange,
    look: &'a PolicyLook,
    memory: &mut PolicyMemory,
    now: BootTime,
    outcome: &mut PolicyOutcome,
) -> Vec<Due<'a>> {
    let counted: Vec<&Subject> =
        look.subjects.iter().filter(|subject| subject.violates == Fact::Known(true)).collect();
    let unsure = look.subjects.iter().filter(|subject| matches!(subject.violates, Fact::Unknown(_))).count();
    let sure = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    let unsure = u32::try_from(unsure).unwrap_or(u32::MAX).saturating_add(look.unsure);
    let most = look.complete.then_some(sure.saturating_add(unsure));
    let violated = match range.holds(sure, most) {
        Some(holds) => Fact::Known(!holds),
        None => Fact::unknown(crate::facts::Why::Unresolved),
    };
    let due = memory.number.note(&violated, policy.lasting, now);
    outcome.next = memory.number.next(policy.lasting);
    if !due {
        return Vec::new();
    }
    let so = memory.number.so(policy.lasting, now);
    let because = format!("{sure} processes match `{}`, which {so}; {range} may be", policy.about());
    // Those that are too many are the youngest; of too few there is nobody.
    let most = range.most.map_or(counted.len(), |most| usize::try_from(most).unwrap_or(usize::MAX));
    let extra: Vec<Due<'a>> = counted
        .into_iter()
        .skip(most)
        .map(|subject| Due { subject: Some(subject), because: because.clone() })
        .collect();
    if extra.is_empty() { vec![Due { subject: None, because }] } else { extra }
}

/// Why an action is only said.
fn withheld(
    policy: &Policy,
    action: &PolicyAction,
    subject: Option<&Subject>,
    memory: &PolicyMemory,
    fights: &Fights,
    now: BootTime,
) -> Option<String> {
    if !action.acts() {
        return None;
    }
    let is_command = matches!(action, PolicyAction::Exec(_));
    let Some(subject) = subject else {
        let nobody = "there is no process to do it to".to_owned();
        return if is_command { over(policy, memory, now) } else { Some(nobody) };
    };
    if let Some(spared) = subject.spared.filter(|_| !is_command) {
        return Some(format!("it is {spared}, which nothing is ever done to"));
    }
    if matches!(action, PolicyAction::Restart) && subject.owner.is_none() {
        return Some("it belongs to no Service here".to_owned());
    }
    match policy.dry_run {
        Some(true) => return Some("`spec.dryRun` is true".to_owned()),
        None if subject.owner.is_none() && !is_command => {
            return Some("it belongs to no Service here, and `spec.dryRun: false` isn't given".to_owned());
        }
        Some(false) | None => {}
    }
    fights
        .withheld(&policy.name, action, &subject.key, subject.owner.as_ref(), now)
        .or_else(|| over(policy, memory, now))
}

fn over(policy: &Policy, memory: &PolicyMemory, now: BootTime) -> Option<String> {
    let free = memory.spent.free(now, policy.limit)?;
    let (count, per) = (policy.limit.count, format_duration(policy.limit.per));
    Some(format!("`spec.limit` allows {count} in {per}; again in {}", format_duration(free.since(now))))
}

impl std::fmt::Display for CountRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (least, Some(most)) if least == most => write!(f, "{least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
            (least, None) => write!(f, "at least {least}"),
        }
    }
}
