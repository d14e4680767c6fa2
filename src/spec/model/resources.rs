//! What a service's processes may use together, in the terms of control groups.

use serde::{Deserialize, Serialize};

/// Bounds and shares of one instance, all of its processes together. What isn't given is not bounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// Bytes that it can't exceed: the kernel ends one of its processes instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// Bytes above which it is slowed down and its memory reclaimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_high: Option<u64>,
    /// Processor time, in thousandths of one processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_max: Option<u32>,
    /// Share of processor time when there isn't enough: 1 to 10000, others have 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_weight: Option<u32>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_max: Option<u32>,
    /// Share of the disks' time when there isn't enough: 1 to 10000, others have 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_weight: Option<u32>,
}

impl Resources {
    /// Nothing is bounded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
