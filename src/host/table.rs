//! What has happened to processes since somebody last looked.
//!
//! ```text
//!  kernel --events--> ears --pid by pid--> changes, numbered --since a mark--> the processes to look at again
//!                      \--overrun, or no ears--------------------------------> all of them
//! ```
//!
//! Events say only whom to look at. What they are about is read afresh, and a process that is gone by then has no facts. Now
//! and then everybody looks at everything all the same, so that an event that never came is made up for.

mod changes;

pub use changes::{Changed, Changes, Mark};
