//! What is remembered of a Task beyond its processes: what it ran for, and how that ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Launched;
use crate::units::{BootTime, WallTime};

/// What is remembered of a Task in this boot.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskMemory {
    /// What outlives the boot.
    pub past: Past,
    /// A person asks for a run: who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The last moment of an interval that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<BootTime>,
    /// The next moment of the schedule, worked out once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextMoment>,
    /// A run that begins as soon as those are stopped whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Due>,
    /// Since when the clock on the wall has been far behind the last moment that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<BootTime>,
}

/// What outlives the boot: kept on disk, synced before a run begins. Only the clock on the wall means something here.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Past {
    /// Moments of a cron schedule up to this one are dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<WallTime>,
    /// What was last run for `once` and `onChange`: the fields that it was, or is being, started with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Launched>,
    /// Runs that have begun and whose end isn't known yet, by index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub under_way: BTreeMap<u32, Due>,
    /// The last run that came to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
    /// The last moment that was left out, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// Nobody knows how a run ended: there is no other by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// A moment of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// Of a cron schedule.
    Wall(WallTime),
    /// Of an interval.
    Boot(BootTime),
}

/// The next moment of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextMoment {
    /// As the schedule says it.
    pub moment: Moment,
    /// When a run begins, with what it is put off by, by the clock on the wall.
    pub shown: WallTime,
}

/// What a run is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Due {
    /// It is to run once.
    Once,
    /// What it is started with is another, or it is new.
    Change,
    /// A moment of its schedule has come.
    Schedule(Moment),
    /// Somebody asked.
    Asked(String),
    /// It was found running.
    Found,
}

/// A run of a Task that is to begin or under way, in its instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// What it is for.
    pub due: Due,
    /// Attempts that have failed.
    #[serde(default)]
    pub failed: u32,
    /// Why it is being stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopCause>,
}

/// Why a run is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopCause {
    /// It took too long: a failure.
    Timeout,
    /// Another run takes its place.
    Replaced,
}

/// How the last run of a Task ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// What it was for.
    pub due: Due,
    /// When the end was seen.
    pub ended: WallTime,
    /// How it ended.
    pub result: TaskResult,
    /// How often it was tried.
    pub attempts: u32,
}

/// How a run of a Task ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskResult {
    /// With 0 or one of `successCodes`.
    Succeeded,
    /// Otherwise, and why, as the end of a sentence.
    Failed(String),
    /// Somebody, or a following run, stopped it.
    Stopped,
    /// Nobody knows.
    Unknown,
}

/// A moment that was left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// When that was decided.
    pub at: WallTime,
    /// Why, as the end of a sentence.
    pub because: String,
}

impl TaskMemory {
    /// Nothing to be remembered.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What failed is tried again, since somebody asks for the same once more. What is unknown stays so.
    pub fn try_again(&mut self) {
        if self.remembers_failure() {
            self.forget_end();
        }
    }

    /// Whether the last run failed or was stopped.
    pub fn remembers_failure(&self) -> bool {
        let last = self.past.last.as_ref().map(|last| &last.result);
        matches!(last, Some(TaskResult::Failed(_) | TaskResult::Stopped))
    }

    /// Its document has another meaning: what failed or is unknown is tried again, moments are worked out anew.
    pub fn renew(&mut self) {
        self.next = None;
        let last = self.past.last.as_ref().map(|last| &last.result);
        if !matches!(last, Some(TaskResult::Succeeded) | None) {
            self.forget_end();
        }
        self.past.held = false;
    }

    /// Forgets what it was run with, unless a run is under way.
    fn forget_end(&mut self) {
        if self.past.under_way.is_empty() {
            self.past.done = None;
        }
    }
}

impl Past {
    /// Of a Task that left something behind which can't be read: it may have run, or be running.
    pub fn unreadable() -> Self {
        Self { done: Some(Launched::default()), held: true, ..Self::default() }
    }

    /// As it is when the machine has been started anew: what was under way is over, and nobody saw how it ended.
    #[must_use]
    pub fn after_boot(mut self, now: WallTime) -> Self {
        if let Some((_, due)) = std::mem::take(&mut self.under_way).into_iter().next() {
            self.held = true;
            self.last = Some(LastRun { due, ended: now, result: TaskResult::Unknown, attempts: 1 });
        }
        self
    }
}
