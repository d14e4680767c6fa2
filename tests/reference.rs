//! What selfsame says about itself: the reference of the language and the pages about codes. All of it is tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "reference/documents.rs"]
mod documents;
#[path = "reference/language.rs"]
mod language;
#[path = "reference/pages.rs"]
mod pages;
