//! What people who write documents are helped with: formatting, and answers to editors.
//!
//! Floor 9. Pure: it is given texts and positions and gives edits and answers. Files are read and written, and
//! the protocol is spoken, by `cli`. Nothing here starts, signals or looks at a process.
//!
//! ```text
//! text --yaml--> tree --table of fields--> places of expressions --lang::format--> edits
//!                                                               \--schema--> hover, completion, ...
//! ```

mod complete;
mod describe;
mod diagnose;
mod diff;
mod edit;
mod format;
mod hover;
mod names;
mod place;
mod protocol;
mod rewrite;
mod session;
mod sites;
#[cfg(test)]
mod tests;
mod text;

pub use diff::unified;
pub use edit::{Edit, apply};
pub use format::{Formatted, Remark, format};
pub use session::{Neighbours, Session, SessionEnd};
pub use text::{Encoding, Position, Text};
