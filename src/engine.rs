//! The tick and what feeds it.
//!
//! Floor 7. Theory of operation: events only wake the loop; each tick looks at the present state anew.

pub mod accept;
pub mod carried;
mod control;
pub mod converge;
pub mod events;
pub mod live;
pub mod metrics;
pub mod policy;
pub mod recording;
#[cfg(feature = "failpoints")]
mod sabotage;
pub mod settings;
mod settle;
pub mod sources;
pub mod standing;
pub mod statuses;
pub mod tick;
pub mod told;
mod unwritten;
pub mod watch;
