//! Policies: what is seen of all processes on their behalf.

pub mod looking;
