//! The match expression: grammar, syntax tree, type check, predicate, three-valued evaluation.
//!
//! Floor 2. Knows nothing of processes: all names come from a [`schema`] that vocabularies fill.
//!
//! ```text
//! text --parse--> ast::Expr --check(Schema, Scope)--> Predicate --bind(variables)--> Matcher --eval--> Verdict
//!                                                      needs(), lints                        --explain--> Explanation
//!                                                                                             --quick---> true, false or eval
//! ```
//!
//! Nothing here reads a file, a clock or a process: a [`schema::Vocabulary`] is asked, and answers with a fact.

pub mod ast;
mod catalog;
mod check;
pub mod codes;
mod constant;
mod core;
pub mod cost;
mod eval;
mod explain;
mod format;
mod functions;
pub mod ir;
pub mod library;
mod likely;
mod limits;
mod lints;
mod observe;
mod parse;
mod predicate;
mod print;
pub mod quick;
mod reading;
pub mod schema;
pub mod shared;
mod show;
#[cfg(test)]
mod tests;
mod tokens;
pub mod value;
mod verdict;

pub use catalog::{Id, Schema};
pub use check::{LIST_MAX, Scope, type_of, word_help};
pub use cost::Estimate;
pub use eval::Vocabularies;
pub use explain::{Explanation, Form};
pub use format::{LINE_MAX, Room, Unformatted, format};
pub use functions::{CORE_FUNCTIONS, CoreFunction};
pub use library::Library;
pub use limits::{LIMITS, Limit};
pub use observe::Observer;
pub use parse::{DEPTH_MAX, NODES_MAX, Parsed, SOURCE_MAX, parse};
pub use predicate::{Bound, Compiled, Matcher, Needs, Predicate, check, compile};
pub use print::quote;
pub use reading::{CompiledReading, Reading, compile_reading};
pub use show::show;
pub use tokens::{Token, TokenKind, comments, tokens};
pub use verdict::{Missing, Outcome, Verdict};
