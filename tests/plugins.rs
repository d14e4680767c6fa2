//! Plugins as hand-written modules: what they can do, and what they can't do to anybody.

#![cfg(feature = "plugins")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::similar_names,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "plugins/calls.rs"]
mod calls;
#[path = "plugins/codec.rs"]
mod codec;
#[path = "plugins/health.rs"]
mod health;
#[path = "plugins/hostile.rs"]
mod hostile;
#[path = "plugins/inputs.rs"]
mod inputs;
#[path = "plugins/manifest.rs"]
mod manifest;
#[path = "plugins/module.rs"]
mod module;
#[path = "plugins/types.rs"]
mod types;
#[path = "plugins/wat.rs"]
mod wat;
