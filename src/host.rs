//! The one door to the operating system. Nothing in here decides anything.
//!
//! Floor 6.

mod seam;

pub use seam::Host;
