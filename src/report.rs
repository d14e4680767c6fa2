//! What people and programs are told: text, JSON, explanations.
//!
//! Floor 8. Turns values into text; does nothing.

mod cost;
mod diagnostics;
mod github;
mod look;
mod matching;
mod pages;
mod plan;
mod printable;
mod reference;
mod sarif;
mod status;
mod trials;

pub use cost::{ExpressionCost, cost_table};
pub use diagnostics::{DiagnosticRow, diagnostic_rows, render_diagnostics, summary_line};
pub use github::github_annotations;
pub use look::look_text;
pub use matching::{ExplainedProcess, MatchRow, explanation_rows, explanation_text, match_table};
pub use pages::{Page, PagePart, code_page, code_pages, page_text};
pub use plan::{ChangeRow, deed, plan_rows, plan_text};
pub use printable::printable;
pub use reference::{REFERENCE_HEAD, reference, reference_names, reference_topic};
pub use sarif::sarif;
pub use status::{status_details, status_line, status_table};
pub use trials::{TrialRow, trial_rows, trials_text};
