//! The real kernel: processes that these tests start themselves, and nothing else's.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "tests"
)]

mod confine;
mod crash;
mod gone;
mod host;
mod ledger;
mod loops;
mod policy;
mod signal;
mod spawn;
mod spec_dir;
mod stage;
mod support;
