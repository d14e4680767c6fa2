//! When its processes get the CPU and the disks.

use serde::{Deserialize, Serialize};

/// CPU and I/O scheduling. Everything not given stays as inherited.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// -20 to 19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nice: Option<i32>,
    /// `ioprio_set(2)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_class: Option<IoClass>,
    /// 0 (first) to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_priority: Option<u8>,
    /// `sched_setscheduler(2)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<CpuPolicy>,
    /// 1 to 99, for `fifo` and `rr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rt_priority: Option<u8>,
    /// CPU numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_affinity: Option<Vec<u32>>,
    /// -1000 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_score_adj: Option<i32>,
}

/// Classes of `ioprio_set(2)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IoClass {
    /// First access, needs privilege.
    RealTime,
    /// The normal one.
    BestEffort,
    /// Only when nobody else wants the disk.
    Idle,
}

/// Policies of `sched(7)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuPolicy {
    /// Time sharing.
    Other,
    /// Time sharing for batch work.
    Batch,
    /// Only when nobody else runs.
    Idle,
    /// Real time, first in first out.
    Fifo,
    /// Real time, round robin.
    Rr,
}
