//! How each policy stands: what the last look saw, what was done, what is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::host::Began;
use crate::facts::Fact;
use crate::plan::memory::Suspension;
use crate::plan::policy::{
    Acted, KeptPolicy, PolicyLook, PolicyMemory, PolicyStatus, PolicyStep, Violating, Withheld,
};
use crate::spec::policy::Policy;
use crate::units::{BootTime, Now, WallTime, format_duration};

/// Processes that are named in a status.
const NAMED_MAX: usize = 20;

/// One policy.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// When it wants a look.
    pub(super) due: Option<BootTime>,
    pub(super) counts: Counts,
    looked: bool,
    matching: usize,
    unknown: usize,
    violating: usize,
    named: Vec<Violating>,
    withheld: Option<String>,
    /// Moments by both clocks: the same one is always told as the same.
    since: Option<(BootTime, WallTime)>,
    allowed: Option<(BootTime, WallTime)>,
}

/// What happened since this engine runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::engine) struct Counts {
    /// Violations that began to count.
    pub(in crate::engine) violations: u64,
    /// Actions, by their words and by what came of them: `done` or `failed`.
    pub(in crate::engine) actions: BTreeMap<(&'static str, &'static str), u64>,
    /// Actions that were only said, by their words and why.
    pub(in crate::engine) withheld: BTreeMap<(&'static str, &'static str), u64>,
}

impl Standing {
    /// Takes a look, and what it led to.
    pub(super) fn see(
        &mut self,
        look: &PolicyLook,
        memory: &PolicyMemory,
        policy: &Policy,
        due: Option<BootTime>,
        now: Now,
    ) {
        self.due = due;
        self.looked = true;
        self.matching = look.subjects.len();
        let undecided = look.subjects.iter().filter(|one| matches!(one.violates, Fact::Unknown(_))).count();
        self.unknown = undecided + usize::try_from(look.unsure).unwrap_or(usize::MAX);
        let violated = memory.violated();
        let counting: BTreeSet<_> =
            memory.processes.iter().filter(|(_, window)| window.counts()).map(|(key, _)| key).collect();
        self.violating = counting.len();
        let subjects = look.subjects.iter().filter(|one| counting.contains(&one.key));
        let condition = policy.when.as_ref().map_or_else(|| policy.about(), |when| when.text.clone());
        let named = subjects.take(NAMED_MAX).map(|one| Violating {
            pid: one.key.pid,
            start_ticks: one.key.start,
            exe: one.shown.exe.clone(),
            message: one.shown.message.clone().unwrap_or_else(|| condition.clone()),
        });
        self.named = named.collect();
        self.since = violated.map(|(_, since)| same_moment(self.since, since, now));
        if violated.is_none() {
            self.withheld = None;
        }
    }

    /// Its document has another meaning: what was seen counts for nothing, what was counted stays.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { counts: std::mem::take(&mut self.counts), ..Self::default() };
    }

    /// Something was only said.
    pub(super) fn withhold(&mut self, step: &PolicyStep, withheld: &Withheld) {
        // How long a limit lasts stands beside it.
        let text = match withheld {
            Withheld::Limit { limit, .. } => Withheld::Limit { limit: *limit, again: None }.to_string(),
            other => other.to_string(),
        };
        self.withheld = Some(text);
        *self.counts.withheld.entry((step.action.word(), withheld.word())).or_default() += 1;
    }

    /// Something was done.
    pub(super) fn act(&mut self, acted: &Acted) {
        if !acted.failed {
            self.withheld = None;
        }
        self.count(acted);
    }

    /// Something that had begun has ended: it was counted when it began, unless it failed.
    pub(super) fn end(&mut self, acted: &Acted) {
        if acted.failed {
            self.count(acted);
        }
    }

    fn count(&mut self, acted: &Acted) {
        let result = if acted.failed { "failed" } else { "done" };
        let word = WORDS.iter().find(|word| **word == acted.action).copied().unwrap_or("report");
        *self.counts.actions.entry((word, result)).or_default() += 1;
    }

    /// What is told of it.
    pub(super) fn status(
        &mut self,
        policy: &Policy,
        kept: &KeptPolicy,
        suspended: Option<Suspension>,
        noticed: bool,
        now: Now,
    ) -> PolicyStatus {
        let free = kept.memory.spent.free(now.boot, policy.limit).filter(|_| policy.limit.count > 0);
        self.allowed = free.map(|free| same_moment(self.allowed, free, now));
        let waits = kept.memory.owes() && self.allowed.is_some();
        let limit = waits.then(|| Withheld::Limit { limit: policy.limit, again: None }.to_string());
        let every = format!("every {}", format_duration(policy.every));
        let done = self.counts.actions.iter().filter(|((_, result), _)| *result == "done");
        PolicyStatus {
            name: policy.name.clone(),
            source: policy.origin.clone(),
            severity: policy.severity,
            violated: self.looked.then_some(self.since.is_some()),
            since: self.since.map(|(_, wall)| wall),
            violating: self.violating,
            processes: self.named.clone(),
            matching: self.matching,
            unknown: self.unknown,
            noticed: if noticed { "events".to_owned() } else { every },
            actions: policy.actions.iter().map(|action| action.word().to_owned()).collect(),
            dry_run: policy.dry_run,
            acted: kept.acted.clone(),
            next_allowed: self.allowed.map(|(_, wall)| wall),
            withheld: self.withheld.clone().or(limit),
            suspended,
            stale: None,
            violations: self.counts.violations,
            actions_done: done.map(|(_, count)| count).sum(),
        }
    }
}

const WORDS: [&str; 8] = ["report", "exec", "signal", "renice", "setLimit", "cgroup", "restart", "stop"];

/// A moment of the one clock on the other one: as it was told before, or worked out now.
fn same_moment(known: Option<(BootTime, WallTime)>, moment: BootTime, now: Now) -> (BootTime, WallTime) {
    if let Some(known) = known.filter(|(boot, _)| *boot == moment) {
        return known;
    }
    let wall = if moment > now.boot {
        now.wall.after(moment.since(now.boot))
    } else {
        WallTime(now.wall.0.saturating_sub(now.boot.since(moment)))
    };
    (moment, wall)
}

/// What a step came to.
pub(super) fn acted(step: &PolicyStep, came: &Result<String, String>, at: WallTime) -> Acted {
    let (Ok(outcome) | Err(outcome)) = came;
    Acted {
        at,
        action: step.action.word().to_owned(),
        pid: step.process.as_ref().map(|key| key.pid),
        exe: step.shown.exe.clone(),
        outcome: outcome.clone(),
        failed: came.is_err(),
    }
}

/// What came of something that had begun.
pub(super) fn ended(ended: &Began, at: WallTime) -> Acted {
    let (Ok(outcome) | Err(outcome)) = &ended.outcome;
    Acted {
        at,
        action: ended.action.word().to_owned(),
        pid: ended.process.as_ref().map(|key| key.pid),
        exe: None,
        outcome: outcome.clone(),
        failed: ended.outcome.is_err(),
    }
}

/// The document itself has it left alone.
pub(super) fn by_document(policy: &Policy, now: WallTime) -> Option<Suspension> {
    let suspend = policy.suspend.as_ref().filter(|one| one.until.is_none_or(|until| until > now))?;
    Some(Suspension {
        by: "its document".to_owned(),
        at: WallTime::default(),
        reason: suspend.reason.clone(),
        until: suspend.until,
        others: Vec::new(),
    })
}
