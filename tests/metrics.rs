//! Metrics: what a running watch answers to Prometheus, and what the documentation says of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "metrics/documented.rs"]
mod documented;
#[path = "metrics/served.rs"]
mod served;
