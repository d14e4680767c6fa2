//! Readiness and liveness in every form, triggers, conditions, a replaced program: real processes under `watch`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "health/asked.rs"]
mod asked;
#[path = "health/follows.rs"]
mod follows;
#[path = "health/said.rs"]
mod said;
