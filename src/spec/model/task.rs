//! What is special about a Task: when it runs, and what becomes of its end. Everything else it has from a Service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Cron, Zone};

/// When a Task runs and what follows from how it ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskPlan {
    /// When.
    pub run: TaskRun,
    /// A run that takes longer is stopped and has failed.
    pub timeout: Option<Duration>,
    /// So often a run that failed is tried again.
    pub retries: u32,
    /// What is done when a run is due while another one is under way.
    pub concurrency: Concurrency,
    /// What follows when nobody knows how a run ended.
    pub on_unknown: OnUnknown,
}

/// When a Task runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskRun {
    /// Once.
    #[default]
    Once,
    /// At first, and whenever what it would be started with is another.
    OnChange,
    /// Again and again.
    Schedule(Schedule),
}

/// When a Task runs again and again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The moments.
    pub rhythm: Rhythm,
    /// Each moment is put off by a part of this that the name of the Task chooses.
    pub jitter: Duration,
    /// What is done about a moment that is found over.
    pub missed: Missed,
}

/// The moments of a schedule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rhythm {
    /// By the clock on the wall.
    #[serde(rename_all = "camelCase")]
    Cron {
        /// The five fields.
        cron: Cron,
        /// Whose clock.
        time_zone: Zone,
    },
    /// By the clock that counts from the boot, from when it was first seen.
    Every(Duration),
}

/// What is done about a moment that is found over, since the machine was off or asleep or nobody watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Missed {
    /// One run makes up for all of them.
    #[default]
    RunOnce,
    /// It is left out.
    Skip,
}

/// What is done when a run is due while another one is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Concurrency {
    /// The new one is left out; what changed meanwhile is run after the end.
    #[default]
    Forbid,
    /// The old one is stopped.
    Replace,
    /// Both run.
    Allow,
}

/// What follows when nobody knows how a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnUnknown {
    /// It isn't run again until somebody asks or the document changes.
    #[default]
    Hold,
    /// That run isn't tried again; the next moment of the schedule is another one.
    GoOn,
}

impl TaskPlan {
    /// The schedule, if it has one.
    pub fn schedule(&self) -> Option<&Schedule> {
        match &self.run {
            TaskRun::Schedule(schedule) => Some(schedule),
            TaskRun::Once | TaskRun::OnChange => None,
        }
    }
}

impl Default for TaskPlan {
    fn default() -> Self {
        Self {
            run: TaskRun::Once,
            timeout: None,
            retries: 0,
            concurrency: Concurrency::Forbid,
            on_unknown: OnUnknown::Hold,
        }
    }
}
