//! The decision as tables, case by case; and properties that hold for every input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "plan/adjust.rs"]
mod adjust;
#[path = "plan/bench.rs"]
mod bench;
#[path = "plan/cells.rs"]
mod cells;
#[path = "plan/courses.rs"]
mod courses;
#[path = "plan/dependence.rs"]
mod dependence;
#[path = "plan/large.rs"]
mod large;
#[path = "plan/narrow.rs"]
mod narrow;
#[path = "plan/properties.rs"]
mod properties;
#[path = "plan/recognized.rs"]
mod recognized;
#[path = "plan/tasks.rs"]
mod tasks;
#[path = "plan/told.rs"]
mod told;
#[path = "plan/waiting.rs"]
mod waiting;
