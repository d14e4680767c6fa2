//! The process vocabulary: what expressions can ask about a process, and which process is the service.
//!
//! Floor 3.

pub mod snapshot;
pub mod world;
