//! The one door to the operating system.
//!
//! Floor 6. Nothing here decides or parses expressions; it answers questions and does what it is told.

pub mod proc;
