//! Answers of `match`: one row a process, and a table of them.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::printable;
use crate::lang::{Missing, Verdict};
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

    /// It exited while it was looked at.
    pub fn is_gone(&self) -> bool {
        self.verdict == "gone"
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

/// The effective user by name, or by number where there is none.
pub fn user_of(world: &dyn World, pid: Pid) -> String {
    let Some((uid, _)) = world.owner(pid).known() else { return "?".into() };
    world.user_name(uid).known().map_or_else(|| uid.to_string(), |name| printable(name.as_bytes()))
}

/// The arguments, or the kernel's name in brackets where there are none; cut where it gets long.
pub fn command_of(world: &dyn World, pid: Pid) -> String {
    const SHOWN: usize = 80;
    let text = match world.arguments(pid).known().filter(|arguments| !arguments.words.is_empty()) {
        Some(arguments) => {
            let words: Vec<String> = arguments.words.iter().map(printable).collect();
            words.join(" ")
        }
        None => world.comm(pid).known().map_or_else(String::new, |comm| format!("[{}]", printable(comm))),
    };
    cut(&text, SHOWN)
}

/// At most so many characters, with dots where something was left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}
