//! What people and programs are told: text, JSON, explanations.
//!
//! Floor 8. Turns values into text; does nothing.

mod cost;
mod diagnostics;
mod doctor;
mod documents;
mod events;
mod explanation;
mod github;
mod history;
mod imported;
pub mod live;
mod look;
mod matching;
mod moments;
mod near;
mod pages;
mod plan;
mod plugins;
mod policies;
mod printable;
mod reference;
mod replay;
mod sarif;
mod signals;
mod sources;
mod status;
mod trace;
mod trials;
mod values;

pub use cost::{ExpressionCost, cost_table};
pub use diagnostics::{DiagnosticRow, diagnostic_rows, render_diagnostics, render_in_short, summary_line};
pub use doctor::doctor_text;
pub use documents::{document_field, document_of_kind, document_paths, documents};
pub use events::{event_line, event_lines, event_words};
pub use explanation::{
    ExplainedProcess, ExplanationRow, FailingLeaf, account_for_plugins, explanation_rows, explanation_text,
    failing_leaves, leaf_text,
};
pub use github::github_annotations;
pub use history::{SetRow, set_line, set_text};
pub use imported::{ImportedRow, import_notes, import_summary};
pub use look::look_text;
pub use matching::{MatchRow, command_of, match_table, user_of};
pub use moments::moments;
pub use near::{NearMisses, Overview, SeenProcess, near_misses_text, overview_text};
pub use pages::{Page, PagePart, code_page, code_pages, page_text};
pub use plan::{ChangeRow, deed, plan_rows, plan_text};
pub use plugins::{
    BenchReport, BenchRow, CaseFileTests, FailedValue, Inspection, PluginTests, bench_text, inspection_text,
    plugin_tests_text,
};
pub use policies::{
    ForeseenRow, ForeseenStep, SubjectRow, foreseen_rows, foreseen_text, policies_table, policy_details,
    policy_line, subject_rows, subjects_text,
};
pub use printable::printable;
pub use reference::{REFERENCE_HEAD, reference, reference_names, reference_topic};
pub use replay::{ReplayRow, replay_json, replay_text};
pub use sarif::sarif;
pub use signals::{Fate, SignalledProcess, question_text, signalled_text};
pub use sources::{held_text, moved_text, sources_text};
pub use status::{exit_words, lasting_line, status_details, status_line, status_table};
pub use trace::{
    AskedRow, FactSum, StepRow, TraceSummary, TracedProcess, own_namespace_step, summary_text, trace_row,
    trace_text,
};
pub use trials::{ProcessRow, TrialRow, Trials, trial_rows, trials_text};
pub use values::{Column, field_table, field_values, tsv};
