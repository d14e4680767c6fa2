//! The one door to the operating system. Nothing in here decides anything.
//!
//! Floor 6.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the module that may read clocks and files and start processes"
)]

pub mod errno;
mod seam;
pub mod spawn;
pub mod walk;

pub use seam::Host;
