//! The process vocabulary: what expressions can ask about a process, and which process is the service.
//!
//! Floor 3. Everything here is a pure look over a [`world::World`]; nothing reads `/proc` itself.
//!
//! ```text
//!  World (raw facts) --> exe, chain, script, runs --> vocabulary (fields, functions for expressions)
//!                                          \-------> identity   (which process is the service)
//! ```

pub mod arguments;
pub mod chain;
pub mod codes;
pub mod container;
pub mod declare;
pub mod exe;
pub mod expression;
pub mod identity;
pub mod likeness;
pub mod lints;
pub mod objects;
pub mod paths;
pub mod pidfile;
pub mod plain;
pub mod runs;
pub mod samples;
pub mod script;
pub mod select;
pub mod snapshot;
pub mod supervisor;
pub mod template;
pub mod trace;
pub mod tree;
pub mod vocabulary;
pub mod world;
pub mod wrappers;

mod read;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use declare::declarations;
pub use objects::candidate;
pub use vocabulary::{Context, ProcessVocabulary};
