//! The decision: from what is desired, observed and remembered to a list of steps with reasons.
//!
//! Floor 5. [`plan`] is a pure function: no clock, no chance, no environment, no logging, no input or
//! output. The same plan is printed, explained, simulated and carried out.

pub mod action;
pub mod memory;
pub mod observation;
pub mod status;
