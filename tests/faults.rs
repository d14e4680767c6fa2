//! The fault matrix on the real kernel: at each point of start, stop, restart, prune, adopt, release and upgrade the engine
//! is killed, the step fails, or it takes longer. Afterwards an engine without faults has to find one copy of everything.
//!
//! Numbers in names are those of `tests/faults/table`, which says for every fault where it is provoked.
//! The truth comes from the programs, which note each start, and from `/proc`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::zombie_processes,
    reason = "tests; whoever panics leaves its children to the end of the bench"
)]

#[path = "faults/breaks.rs"]
mod breaks;
#[path = "cli/inside.rs"]
mod inside;
#[path = "faults/matrix.rs"]
mod matrix;
#[path = "faults/numbers.rs"]
mod numbers;
#[path = "cli/support.rs"]
mod support;
