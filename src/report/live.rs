//! The live view of `status --watch`: what is kept between refreshes, what keys do, and the picture.
//!
//! ```text
//!  snapshot (each second) --take--\
//!  keys ------------------press----+--> Live --draw--> a frame
//!                                   \--> Command: ask the watch for something, or end
//! ```
//!
//! Pure: it is given snapshots and keys, and reads no clock, no terminal and no file.

mod changes;
#[cfg(feature = "tui")]
mod columns;
#[cfg(feature = "tui")]
mod draw;
#[cfg(feature = "tui")]
mod rows;
#[cfg(feature = "tui")]
mod state;

pub use changes::changes;
#[cfg(feature = "tui")]
pub use draw::draw;
#[cfg(feature = "tui")]
pub use state::{Command, Deed, Key, Live, Pane};

use std::collections::BTreeMap;

use crate::plan::policy::PolicyStatus;
use crate::plan::status::ServiceStatus;
use crate::spec::ServiceName;
use crate::units::Now;

/// What one refresh found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// The objects that were asked for, by name.
    pub objects: Vec<ServiceStatus>,
    /// Policies, by name.
    pub policies: Vec<PolicyStatus>,
    /// What instances take.
    pub loads: BTreeMap<(ServiceName, u32), Load>,
    /// By a running watch, which can be asked for something.
    pub told: bool,
    /// When.
    pub now: Now,
}

/// What an instance takes, with all that descends from it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Load {
    /// In percent of one CPU since the refresh before; `None`: there was none.
    pub cpu: Option<f64>,
    /// Resident, in bytes.
    pub memory: u64,
}
