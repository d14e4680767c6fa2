//! Output of services: kept below its limit without losing a byte, read back, opened safely. With the real binary and real
//! file systems.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "output/bytes.rs"]
mod bytes;
#[path = "output/mounted.rs"]
mod mounted;
#[path = "output/places.rs"]
mod places;
#[path = "cli/support.rs"]
mod support;
