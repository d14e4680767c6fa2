//! What authors of plugins need: templates, the assembler, case files, what a plugin says of processes.
//!
//! Floor 6. Texts in, values out: files are read and written by `cli`, modules are run by [`crate::plugin`] and nowhere else.
//!
//! ```text
//! new     template --> files
//! build   text of a module --assemble--> bytes --digest--> document
//! test    case file --cases--> process, expression, expected --trials--> as expected or not
//! bench   examples, processes --measure--> fuel of each entry, and the class of cost that it should have
//! ```

mod assemble;
mod cases;
pub mod codes;
mod document;
mod expected;
mod measure;
mod read;
mod template;
mod trial;

pub use assemble::assemble;
pub use cases::{Case, CaseFile, Expectation, Snapshots, read as read_cases};
pub use document::{Document, read as read_document, with_digest};
pub use expected::Expected;
pub use measure::{Measured, Stopwatch, examples, hint, processes};
pub use template::{Language, TemplateFile, files as template_files};
pub use trial::{Trial, trials};
