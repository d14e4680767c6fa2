//! What can happen to a spec directory, one test a row, each with notifications and without: nothing is stopped, nothing
//! half is applied, and every change is seen.
//!
//! Without notifications the directory is looked at every two seconds, so that a test of that kind takes longer; they
//! sleep for most of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/inside.rs"]
mod inside;
#[path = "cli/support.rs"]
mod support;

#[path = "sources/exhausted.rs"]
mod exhausted;
#[path = "sources/mounts.rs"]
mod mounts;
#[path = "sources/nested.rs"]
mod nested;
#[path = "sources/places.rs"]
mod places;
#[path = "sources/strange.rs"]
mod strange;
#[path = "sources/trust.rs"]
mod trust;
#[path = "sources/ward.rs"]
mod ward;
#[path = "sources/writers.rs"]
mod writers;

/// Each of these functions is a test in two ways: `hints::NAME` and `silent::NAME`.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod hints {
            $(#[test] fn $name() { super::$name(crate::ward::HINTS); })*
        }
        mod silent {
            $(#[test] fn $name() { super::$name(crate::ward::SILENT); })*
        }
    };
}
pub(crate) use both;
