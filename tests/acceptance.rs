//! The language and the rules of identity as somebody meets them who has only the documents: a snapshot, an
//! expression, and what must come out. The rows go through the entry points that `selfsame match` uses; a few go
//! through the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "acceptance/absence.rs"]
mod absence;
#[path = "acceptance/ask.rs"]
mod ask;
#[path = "acceptance/collections.rs"]
mod collections;
#[path = "acceptance/env.rs"]
mod env;
#[path = "acceptance/equality.rs"]
mod equality;
#[path = "acceptance/functions.rs"]
mod functions;
#[path = "acceptance/mistakes.rs"]
mod mistakes;
#[path = "acceptance/operators.rs"]
mod operators;
#[path = "acceptance/program.rs"]
mod program;
#[path = "acceptance/runs.rs"]
mod runs;
#[path = "acceptance/shebang.rs"]
mod shebang;
#[path = "acceptance/snapshots.rs"]
mod snapshots;
