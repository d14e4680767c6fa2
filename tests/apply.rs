//! `selfsame apply` with real processes: one copy, honest failures, careful removal, and what it sets up for a service.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "apply/again.rs"]
mod again;
#[path = "apply/confine.rs"]
mod confine;
#[path = "apply/failures.rs"]
mod failures;
#[path = "apply/given.rs"]
mod given;
#[path = "apply/identity.rs"]
mod identity;
#[path = "apply/piped.rs"]
mod piped;
#[path = "apply/prune.rs"]
mod prune;
#[path = "apply/setting.rs"]
mod setting;
#[path = "apply/state.rs"]
mod state;
#[path = "apply/strange.rs"]
mod strange;
#[path = "apply/titles.rs"]
mod titles;
