//! What people and programs are told: text, JSON, explanations.
//!
//! Floor 8. Turns values into text; does nothing.

mod diagnostics;
mod look;
mod matching;
mod plan;
mod printable;
mod status;
mod trials;

pub use diagnostics::{DiagnosticRow, diagnostic_rows, render_diagnostics, summary_line};
pub use look::look_text;
pub use matching::{ExplainedProcess, MatchRow, explanation_rows, explanation_text, match_table};
pub use plan::{ChangeRow, deed, plan_rows, plan_text};
pub use printable::printable;
pub use status::{status_details, status_line, status_table};
pub use trials::{TrialRow, trial_rows, trials_text};
