//! What the language promises, row by row: a snapshot, an expression, the verdict; and mistakes with their places.
//!
//! The rows are in `tests/acceptance/*.txt`. They are asked through the entry points that `match --snapshot` uses; a
//! few of them, and the exit codes, through the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "acceptance/mistakes.rs"]
mod mistakes;
#[path = "acceptance/program.rs"]
mod program;
#[path = "acceptance/rows.rs"]
mod rows;
#[path = "cli/support.rs"]
mod support;
