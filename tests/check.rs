//! `selfsame check` and the verbs that need no host: every mistake with its place, all of them in one run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "check/documents.rs"]
mod documents;
#[path = "check/matchers.rs"]
mod matchers;
#[path = "check/mistakes.rs"]
mod mistakes;
#[path = "check/outputs.rs"]
mod outputs;
#[path = "check/pairs.rs"]
mod pairs;
#[path = "check/plans.rs"]
mod plans;
#[path = "check/policies.rs"]
mod policies;
#[path = "check/usage.rs"]
mod usage;
