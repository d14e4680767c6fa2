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

#[path = "conformance/absence.rs"]
mod absence;
#[path = "conformance/ask.rs"]
mod ask;
#[path = "conformance/collections.rs"]
mod collections;
#[path = "conformance/env.rs"]
mod env;
#[path = "conformance/equality.rs"]
mod equality;
#[path = "conformance/fields.rs"]
mod fields;
#[path = "conformance/functions.rs"]
mod functions;
#[path = "conformance/mistakes.rs"]
mod mistakes;
#[path = "conformance/operators.rs"]
mod operators;
#[path = "conformance/policies.rs"]
mod policies;
#[path = "conformance/policy_courses.rs"]
mod policy_courses;
#[path = "conformance/program.rs"]
mod program;
#[path = "conformance/runs.rs"]
mod runs;
#[path = "conformance/shebang.rs"]
mod shebang;
#[path = "conformance/snapshots.rs"]
mod snapshots;
