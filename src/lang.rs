//! The match expression: grammar, syntax tree, type check, predicate, three-valued evaluation.
//!
//! Floor 2. Knows nothing of processes: all names come from a [`schema`] that vocabularies fill.

pub mod ast;
pub mod codes;
mod parse;
mod print;
pub mod schema;
pub mod value;

pub use parse::{DEPTH_MAX, NODES_MAX, Parsed, SOURCE_MAX, parse};
pub use print::quote;
