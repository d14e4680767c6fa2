//! `watch --git`: a repository is followed, and only what may be taken is taken.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "git/repository.rs"]
mod repository;
#[path = "git/taken.rs"]
mod taken;
#[path = "git/trouble.rs"]
mod trouble;
