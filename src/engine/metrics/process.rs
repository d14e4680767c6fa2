//! What the engine itself takes.

use std::time::Duration;

use super::page::Page;
use super::{families as family, seconds};
use crate::units::WallTime;

/// The engine's process, as its host sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OwnProcess {
    /// User and kernel mode together.
    pub cpu: Duration,
    /// Resident, in bytes.
    pub memory: u64,
    /// When it began.
    pub began: WallTime,
    /// What the kernel told it of processes.
    pub told: u64,
    /// How often some of that was lost.
    pub overruns: u64,
    /// Processes that looks for policies found to be others without having been told.
    pub untold: u64,
}

/// Writes it.
pub(super) fn write(page: &mut Page, own: OwnProcess) {
    page.single(&family::PROCESS_CPU, own.cpu.as_secs_f64());
    page.single(&family::PROCESS_MEMORY, own.memory);
    page.single(&family::PROCESS_START, seconds(own.began));
    page.single(&family::TOLD, own.told);
    page.single(&family::OVERRUNS, own.overruns);
    page.single(&family::UNTOLD, own.untold);
}
