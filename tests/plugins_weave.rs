//! Plugins in documents and expressions: what uses them, and what happens when they change, break or go.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "plugins_weave/made.rs"]
mod made;
#[cfg(not(feature = "plugins"))]
#[path = "plugins_weave/without.rs"]
mod without;

#[cfg(feature = "plugins")]
#[path = "plugins_weave/ask.rs"]
mod ask;
#[cfg(feature = "plugins")]
#[path = "editor/client.rs"]
#[allow(dead_code, clippy::expect_used, clippy::needless_pass_by_value, reason = "a part of it is used here")]
mod client;
#[cfg(feature = "plugins")]
#[path = "plugins_weave/documents.rs"]
mod documents;
#[cfg(feature = "plugins")]
#[path = "plugins_weave/editor.rs"]
mod editor;
#[cfg(feature = "plugins")]
#[path = "plugins_weave/watch.rs"]
mod watch;
