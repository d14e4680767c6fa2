//! The one door to the operating system. Nothing in here decides anything.
//!
//! Floor 6.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the module that may read clocks and files and start processes"
)]

pub mod proc;
pub mod atomic;
pub mod errno;
pub mod ledger;
mod seam;
pub mod signal;
pub mod spawn;
pub mod state_dir;
pub mod walk;

pub use seam::Host;
