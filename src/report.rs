//! What people and programs are told: text, JSON, explanations.
//!
//! Floor 8. Turns values into text; does nothing.

mod diagnostics;
mod printable;
mod status;

pub use diagnostics::{DiagnosticRow, diagnostic_rows, render_diagnostics, summary_line};
pub use printable::printable;
pub use status::{status_details, status_line, status_table};
