//! The control socket of a running watch: what can be asked, who may ask, and what whoever means ill can't do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "control/asks.rs"]
mod asks;
#[path = "control/documented.rs"]
mod documented;
#[path = "control/hostile.rs"]
mod hostile;
#[path = "control/strangers.rs"]
mod strangers;
