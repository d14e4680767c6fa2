//! `status --watch`: the picture, what keys do, and the real program on a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "live/drawn.rs"]
mod drawn;
#[path = "live/keys.rs"]
mod keys;
#[path = "live/plain.rs"]
mod plain;
#[path = "live/terminal.rs"]
mod terminal;
