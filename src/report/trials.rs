//! The tests of Matcher and Policy documents, as text and as rows.

use std::fmt::Write as _;

use serde::Serialize;

use super::explanation::{ExplanationRow, table, tree};
use super::printable;
use crate::spec::matcher::{Expected, Trial};
use crate::spec::policies::PolicyTrial;

/// All tests of a set, carried out.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Trials<'a> {
    /// Of Matchers.
    pub matchers: Vec<Trial<'a>>,
    /// Of Policies.
    pub policies: Vec<PolicyTrial<'a>>,
}

impl Trials<'_> {
    /// Whether all is as expected.
    pub fn passed(&self) -> bool {
        self.matchers.iter().all(Trial::passed) && self.policies.iter().all(PolicyTrial::passed)
    }
}

/// One expression of a test, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialRow {
    /// The Matcher document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// The Policy document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The file.
    pub file: String,
    /// Of the expected value, from 1.
    pub line: usize,
    /// The test.
    pub test: String,
    /// The expression; for a Policy `violated`.
    pub expression: String,
    /// true, false or unknown.
    pub expected: &'static str,
    /// The same; `None` for one that can't be evaluated.
    pub found: Option<&'static str>,
    /// As expected.
    pub passed: bool,
    /// What a Policy says, where it is violated and has a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What was remarkable: stale, near miss; for a Policy, another message than the expected one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The whole evaluation, of one that isn't as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<ExplanationRow>,
    /// The same of a Policy: of each process and each condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<ProcessRow>,
}

/// What a Policy made of one process, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRow {
    /// Which.
    pub pid: i32,
    /// `match`, then `when`.
    pub conditions: Vec<ExplanationRow>,
}

/// Rows for programs, in the order given.
pub fn trial_rows(trials: &Trials<'_>) -> Vec<TrialRow> {
    trials.matchers.iter().map(row).chain(trials.policies.iter().map(policy_row)).collect()
}

fn policy_row(trial: &PolicyTrial<'_>) -> TrialRow {
    let failed = !trial.passed();
    let processes = trial.evaluated.iter().filter(|_| failed).map(|(pid, conditions)| ProcessRow {
        pid: pid.0,
        conditions: conditions.iter().map(|(_, explanation)| tree(explanation)).collect(),
    });
    let other = trial.wrong_message().map(|(expected, _)| format!("the message is not `{expected}`"));
    TrialRow {
        matcher: None,
        policy: Some(trial.document.policy.name.to_string()),
        file: trial.document.source.name.to_string(),
        line: trial.document.source.position(trial.test.at.start).0,
        test: trial.test.name.clone(),
        expression: "violated".to_owned(),
        expected: trial.test.violated.word(),
        found: Some(trial.found.word()),
        passed: trial.passed(),
        message: trial.message.as_ref().map(printable),
        notes: other.iter().map(printable).collect(),
        tree: None,
        processes: processes.collect(),
    }
}

fn row(trial: &Trial<'_>) -> TrialRow {
    let explanation = trial.found.as_ref().filter(|_| !trial.passed()).map(|(_, explanation)| explanation);
    TrialRow {
        matcher: Some(trial.document.name.clone()),
        policy: None,
        file: trial.document.source.name.to_string(),
        line: trial.document.source.position(trial.expectation.at.start).0,
        test: trial.test.name.clone(),
        expression: trial.expectation.written.text.to_string(),
        expected: trial.expectation.expected.word(),
        found: trial.verdict().map(Expected::word),
        passed: trial.passed(),
        message: None,
        processes: Vec::new(),
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
pub fn trials_text(trials: &Trials<'_>) -> String {
    let mut text = String::new();
    let (mut tests, mut failed) = (0, 0);
    for of_test in trials.matchers.chunk_by(|a, b| std::ptr::eq(a.test, b.test)) {
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
    for trial in &trials.policies {
        tests += 1;
        failed += usize::from(!trial.passed());
        policy(&mut text, trial);
    }
    let plural = if tests == 1 { "" } else { "s" };
    let _ = writeln!(text, "{tests} test{plural}, {failed} failed");
    text
}

fn policy(text: &mut String, trial: &PolicyTrial<'_>) {
    let (name, tested) = (&trial.document.policy.name, printable(&trial.test.name));
    let word = if trial.passed() { "passed" } else { "failed" };
    let _ = writeln!(text, "{name}: {tested}: {word}");
    if trial.passed() {
        return;
    }
    let row = policy_row(trial);
    if trial.found != trial.test.violated {
        let (found, expected) = (trial.found.word(), row.expected);
        let _ = writeln!(text, "  violated is {found}, not {expected} ({}:{})", row.file, row.line);
    }
    if let Some((expected, _)) = trial.wrong_message() {
        let said = row.message.as_ref().map_or("there is none".to_owned(), |said| format!("`{said}`"));
        let _ = writeln!(
            text,
            "  the message: {said}, not `{}` ({}:{})",
            printable(expected),
            row.file,
            row.line
        );
    }
    for (pid, conditions) in &trial.evaluated {
        for (condition, explanation) in conditions {
            let _ = writeln!(text, "  pid {pid}: {}", printable(condition));
            text.push_str(&table(explanation, "    "));
        }
    }
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
