//! Plugins in documents and expressions: what uses them, and what happens when they change, break or go.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]
#![cfg(feature = "plugins")]

#[path = "cli/support.rs"]
mod support;

#[path = "plugins_weave/ask.rs"]
mod ask;
#[path = "plugins_weave/documents.rs"]
mod documents;
#[path = "plugins_weave/made.rs"]
mod made;
#[path = "plugins_weave/watch.rs"]
mod watch;
