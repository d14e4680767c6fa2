//! `selfsame watch` with real processes: what it starts, what it leaves alone, and what it survives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "watch/ends.rs"]
mod ends;
#[path = "watch/hosts.rs"]
mod hosts;
#[path = "watch/matchers.rs"]
mod matchers;
#[path = "watch/policies.rs"]
mod policies;
#[path = "watch/processes.rs"]
mod processes;
#[path = "watch/sources.rs"]
mod sources;
#[path = "watch/tasks.rs"]
mod tasks;
#[path = "watch/verbs.rs"]
mod verbs;
