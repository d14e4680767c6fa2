//! The tests of Matcher documents, as text and as rows.

use std::fmt::Write as _;

use serde::Serialize;

use super::explanation::{ExplanationRow, table, tree};
use super::printable;
use crate::spec::matcher::Trial;

/// One expression of a test, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialRow {
    /// The Matcher document.
    pub matcher: String,
    /// The file.
    pub file: String,
    /// Of the expected value, from 1.
    pub line: usize,
    /// The test.
    pub test: String,
    /// The expression.
    pub expression: String,
    /// true, false or unknown.
    pub expected: &'static str,
    /// The same; `None` for one that can't be evaluated.
    pub found: Option<&'static str>,
    /// As expected.
    pub passed: bool,
    /// What was remarkable: stale, near miss.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The whole evaluation, of one that isn't as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<ExplanationRow>,
}

/// Rows for programs, in the order given.
pub fn trial_rows(trials: &[Trial<'_>]) -> Vec<TrialRow> {
    trials.iter().map(row).collect()
}

fn row(trial: &Trial<'_>) -> TrialRow {
    let explanation = trial.found.as_ref().filter(|_| !trial.passed()).map(|(_, explanation)| explanation);
    TrialRow {
        matcher: trial.document.name.clone(),
        file: trial.document.source.name.clone(),
        line: trial.document.source.position(trial.expectation.at.start).0,
        test: trial.test.name.clone(),
        expression: trial.expectation.written.text.to_string(),
        expected: trial.expectation.expected.word(),
        found: trial.verdict().map(crate::spec::matcher::Expected::word),
        passed: trial.passed(),
        notes: trial.notes.iter().map(printable).collect(),
        tree: explanation.map(tree),
    }
}

/// For a person: a line a test, below it what isn't as expected, and at the end how many there were.
///
/// ```text
/// web: the app on its port: failed
///   instance("/srv/a.py", 80) is false, not true (matchers/web.yaml:17)
///     VERDICT  CONDITION                        COST  SOURCE
///     false    instance("/srv/a.py", 80)
///     false    `- all of
///     ...
/// 2 tests, 1 failed
/// ```
pub fn trials_text(trials: &[Trial<'_>]) -> String {
    let mut text = String::new();
    let (mut tests, mut failed) = (0, 0);
    for of_test in trials.chunk_by(|a, b| std::ptr::eq(a.test, b.test)) {
        let Some(first) = of_test.first() else { continue };
        let passed = of_test.iter().all(Trial::passed);
        tests += 1;
        failed += usize::from(!passed);
        let word = if passed { "passed" } else { "failed" };
        let name = printable(&first.test.name);
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}: {name}: {word}", first.document.name);
        of_test.iter().filter(|trial| !trial.passed()).for_each(|trial| failure(&mut text, trial));
    }
    let plural = if tests == 1 { "" } else { "s" };
    let _ = writeln!(text, "{tests} test{plural}, {failed} failed");
    text
}

fn failure(text: &mut String, trial: &Trial<'_>) {
    let row = row(trial);
    let found = row.found.unwrap_or("in error");
    let (expression, expected) = (printable(&row.expression), row.expected);
    let _ = writeln!(text, "  {expression} is {found}, not {expected} ({}:{})", row.file, row.line);
    if let Some((_, explanation)) = &trial.found {
        text.push_str(&table(explanation, "    "));
    }
    for note in &row.notes {
        let _ = writeln!(text, "    note: {note}");
    }
}
