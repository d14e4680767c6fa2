//! The core with a toy vocabulary: nothing here knows of processes either.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod cases;
mod constants;
mod definitions;
mod explaining;
mod limits;
mod properties;
mod quick;
mod seams;
mod toy;
