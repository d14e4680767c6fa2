//! Imports: what each format becomes, that `check` accepts it, and that what runs is adopted and not started again.
//!
//! The cases are in `tests/import/cases/*.txt`; `UPDATE_CASES=1` writes what they expect anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/inside.rs"]
mod inside;
#[path = "cli/support.rs"]
mod support;

#[path = "import/adopted.rs"]
mod adopted;
#[path = "import/cases.rs"]
mod cases;
#[path = "import/command_line.rs"]
mod command_line;
#[path = "import/properties.rs"]
mod properties;
