//! Answers of `match` and `explain`: rows, a table, and the tree with every value.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::printable;
use crate::lang::{Explanation, Form, Missing, Outcome, Verdict};
use crate::process::world::World;
use crate::units::Pid;

/// The verdict on one process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchRow {
    /// Which.
    pub pid: Pid,
    /// `true`, `false`, `unknown`, or `gone` for one that exited while it was looked at.
    pub verdict: &'static str,
    /// What could not be decided, and why.
    pub reasons: Vec<String>,
    /// What was remarkable: stale, recycled pid, near miss.
    pub notes: Vec<String>,
}

impl MatchRow {
    /// A row for a verdict.
    pub fn new(pid: Pid, verdict: &Verdict, notes: Vec<String>) -> Self {
        let (word, reasons) = match verdict {
            Verdict::Match => ("true", Vec::new()),
            Verdict::NoMatch => ("false", Vec::new()),
            Verdict::Unknown(missing) if verdict.is_gone() => ("gone", reasons(missing)),
            Verdict::Unknown(missing) => ("unknown", reasons(missing)),
        };
        Self { pid, verdict: word, reasons, notes: notes.into_iter().map(printable).collect() }
    }

    /// It matches.
    pub fn is_match(&self) -> bool {
        self.verdict == "true"
    }

    /// It can't be decided.
    pub fn is_unknown(&self) -> bool {
        self.verdict == "unknown"
    }
}

fn reasons(missing: &[Missing]) -> Vec<String> {
    missing.iter().map(|missing| printable(format!("{} ({})", missing.what, missing.reason))).collect()
}

/// Rows for a person, with whose process it is and what it was called with.
pub fn match_table(rows: &[&MatchRow], world: &dyn World) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["PID", "USER", "VERDICT", "COMMAND", "NOTE"]);
    for row in rows {
        let notes: Vec<&str> = row.reasons.iter().chain(&row.notes).map(String::as_str).collect();
        table.add_row([
            row.pid.to_string(),
            user_of(world, row.pid),
            row.verdict.to_owned(),
            command_of(world, row.pid),
            notes.join("; "),
        ]);
    }
    super::status::plain_rows(&table)
}

fn user_of(world: &dyn World, pid: Pid) -> String {
    let Some((uid, _)) = world.owner(pid).known() else { return "?".into() };
    world.user_name(uid).known().map_or_else(|| uid.to_string(), |name| printable(name.as_bytes()))
}

/// The arguments, or the kernel's name in brackets where there are none.
fn command_of(world: &dyn World, pid: Pid) -> String {
    const SHOWN: usize = 80;
    let text = match world.arguments(pid).known().filter(|arguments| !arguments.words.is_empty()) {
        Some(arguments) => {
            let words: Vec<String> = arguments.words.iter().map(printable).collect();
            words.join(" ")
        }
        None => world.comm(pid).known().map_or_else(String::new, |comm| format!("[{}]", printable(comm))),
    };
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or(&text)),
        None => text,
    }
}

/// One part of an expression with its value, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationRow {
    /// As written.
    pub text: String,
    /// Its value as text.
    pub value: String,
    /// Cost class.
    pub cost: u8,
    /// An evaluation would not have looked at it.
    pub skipped: bool,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ExplanationRow>,
}

/// A process and why it matches or not, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedProcess {
    /// The verdict.
    #[serde(flatten)]
    pub row: MatchRow,
    /// The whole tree.
    pub tree: ExplanationRow,
    /// The fewest parts that would have to turn out otherwise, as written.
    pub smallest_failing: Vec<String>,
}

/// For programs.
pub fn explanation_rows(explanation: &Explanation, row: &MatchRow) -> ExplainedProcess {
    ExplainedProcess {
        row: row.clone(),
        tree: tree(explanation),
        smallest_failing: explanation.smallest_failing().iter().map(|part| part.text.clone()).collect(),
    }
}

pub(super) fn tree(part: &Explanation) -> ExplanationRow {
    ExplanationRow {
        text: part.text.clone(),
        value: printable(part.value()),
        cost: part.cost,
        skipped: part.skipped,
        children: part.children.iter().map(tree).collect(),
    }
}

/// For a person:
///
/// ```text
/// 812: false
///   false  exe == interpreter(startas) && user == "www-data"
///   |- true   exe == interpreter(startas)
///   |         exe = /usr/bin/perl
///   `- false  user == "www-data"
///             user = root
///   it fails in one place: user == "www-data"
/// ```
pub fn explanation_text(explanation: &Explanation, row: &MatchRow) -> String {
    let mut text = format!("{}: {}\n", row.pid, row.verdict);
    branch(&mut text, explanation, "  ", "  ");
    conclusion(&mut text, explanation, row);
    for note in &row.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

/// The tree alone, and where it fails or can't be decided.
pub(super) fn tree_text(explanation: &Explanation, indent: &str) -> String {
    let mut text = String::new();
    branch(&mut text, explanation, indent, indent);
    text
}

fn branch(text: &mut String, part: &Explanation, first: &str, rest: &str) {
    let skipped = if part.skipped { "  (not needed for the verdict)" } else { "" };
    text.push_str(&format!("{first}{:7} {}{skipped}\n", printable(part.value()), one_line(&part.text)));
    match part.form {
        Form::Leaf => {
            for operand in &part.children {
                operand_lines(text, operand, &format!("{rest}        "));
            }
        }
        Form::And | Form::Or | Form::Not | Form::Named => {
            let last = part.children.len().saturating_sub(1);
            for (at, child) in part.children.iter().enumerate() {
                let (mark, below) = if at == last { ("`- ", "   ") } else { ("|- ", "|  ") };
                branch(text, child, &format!("{rest}{mark}"), &format!("{rest}{below}"));
            }
        }
    }
}

/// `user = root`, and what stands behind a call or a member.
fn operand_lines(text: &mut String, operand: &Explanation, indent: &str) {
    if matches!(operand.outcome, Outcome::Known(_)) && operand.text == operand.value() {
        return;
    }
    text.push_str(&format!("{indent}{} = {}\n", one_line(&operand.text), printable(operand.value())));
    for child in &operand.children {
        operand_lines(text, child, &format!("{indent}  "));
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn conclusion(text: &mut String, explanation: &Explanation, row: &MatchRow) {
    let parts = explanation.smallest_failing();
    let shown: Vec<String> = parts.iter().map(|part| one_line(&part.text)).collect();
    match explanation.verdict() {
        Verdict::Match => {}
        Verdict::NoMatch if shown.len() == 1 => {
            text.push_str(&format!("  it fails in one place: {}\n", shown.join("")));
        }
        Verdict::NoMatch => {
            text.push_str(&format!("  it fails in {} places: {}\n", shown.len(), shown.join("; ")));
        }
        Verdict::Unknown(missing) => {
            text.push_str(&format!("  it can't be decided because of: {}\n", shown.join("; ")));
            for missing in &missing {
                text.push_str(&format!("  could not be read: {} ({})\n", missing.what, missing.reason));
            }
            for help in remedies(&missing) {
                text.push_str(&format!("  what would help: {help}\n"));
            }
            let _ = row;
        }
    }
}

/// What would help to know it.
fn remedies(missing: &[Missing]) -> Vec<&'static str> {
    use crate::facts::Why;
    let mut found: Vec<&'static str> = missing
        .iter()
        .map(|missing| match missing.reason.why {
            Why::Denied => {
                "run as the process's user or as root (CAP_SYS_PTRACE); or ask for what everybody may read: `user`, `comm`, `argv`"
            }
            Why::Vanished => "it exited while it was looked at; look again",
            Why::Timeout => "the process is stuck in the kernel; `state` and `user` can still be read",
            Why::Malformed => "the kernel's answer was not in the documented form; please report it",
            Why::Truncated => "its arguments or environment are longer than 2 MiB; ask for something else",
            Why::Unresolved => {
                "a path or program could not be found: see the detail above; if the title was overwritten, name the executable or a pidfile"
            }
            Why::Nss => "the user database did not answer; use the number instead of the name",
            Why::Plugin => "the plugin failed; see its own status",
            Why::Budget => "the look took too long; ask for cheaper facts first",
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
