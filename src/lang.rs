//! The match expression: grammar, syntax tree, type check, predicate, three-valued evaluation.
//!
//! Floor 2. Knows nothing of processes: all names come from a [`schema`] that vocabularies fill.

pub mod schema;
pub mod value;
