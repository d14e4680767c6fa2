//! The one door to the operating system. Nothing in here decides anything.
//!
//! Floor 6.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the module that may read clocks and files and start processes"
)]

pub mod proc;
mod seam;

pub use seam::Host;
