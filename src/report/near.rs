//! What an expression is true for, what it can't decide, and what it just misses, over all processes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::explanation::{FailingLeaf, leaf_text};
use super::matching::{MatchRow, cut};

/// Rows of one kind that a person is shown.
const SHOWN: usize = 10;

/// A process with what a person knows it by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenProcess {
    /// The verdict.
    #[serde(flatten)]
    pub row: MatchRow,
    /// Effective user.
    pub user: String,
    /// What it was called with.
    pub command: String,
    /// The leaves that fail or can't be decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingLeaf>,
}

/// Processes that miss it by the same condition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMisses {
    /// The one condition that they fail.
    pub condition: String,
    /// They.
    pub processes: Vec<SeenProcess>,
}

/// What an expression says of a whole host.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Processes looked at.
    pub looked_at: usize,
    /// Those that match.
    pub matches: Vec<SeenProcess>,
    /// Those that can't be decided.
    pub unknown: Vec<SeenProcess>,
    /// Those that fail in one place only, the condition that fewest fail first.
    pub near_misses: Vec<NearMisses>,
}

impl Overview {
    /// Puts processes that fail one leaf each together by that leaf.
    #[must_use]
    pub fn with_near_misses(mut self, near: Vec<SeenProcess>) -> Self {
        let mut groups: BTreeMap<String, Vec<SeenProcess>> = BTreeMap::new();
        for process in near {
            let leaf = process.failing.first().map(|leaf| leaf.condition.clone()).unwrap_or_default();
            groups.entry(leaf).or_default().push(process);
        }
        self.near_misses =
            groups.into_iter().map(|(condition, processes)| NearMisses { condition, processes }).collect();
        self.near_misses.sort_by_key(|group| group.processes.len());
        self
    }
}

/// For a person:
///
/// ```text
/// 1 of 143 processes matches
///   812  www-data  /usr/bin/perl /srv/shop.pl
/// near miss: 2 fail in one place, user == "www-data"
///   813  user = "root"   /usr/bin/perl /srv/shop.pl
/// ```
pub fn overview_text(overview: &Overview) -> String {
    let Overview { looked_at, matches, unknown, near_misses } = overview;
    let mut text = match matches.len() {
        0 => format!("none of {looked_at} processes matches\n"),
        1 => format!("1 of {looked_at} processes matches\n"),
        some => format!("{some} of {looked_at} processes match\n"),
    };
    rows(&mut text, matches, |process| process.user.clone());
    if !unknown.is_empty() {
        text.push_str(&format!("{} can't be decided\n", unknown.len()));
        rows(&mut text, unknown, |process| process.row.reasons.join("; "));
    }
    for group in near_misses {
        let count = group.processes.len();
        let fail = if count == 1 { "fails" } else { "fail" };
        text.push_str(&format!("near miss: {count} {fail} in one place, {}\n", cut(&group.condition, 72)));
        rows(&mut text, &group.processes, |process| {
            process.failing.iter().flat_map(|leaf| leaf.values.clone()).collect::<Vec<_>>().join(", ")
        });
    }
    if near_misses.is_empty() && matches.is_empty() {
        text.push_str("no near miss: none fails in one place only\n");
    }
    text.push_str("`explain EXPR --pid N` shows every value of one process\n");
    text
}

/// `  812  WORDS  command`, the middle column aligned, with notes below.
fn rows(text: &mut String, processes: &[SeenProcess], words: impl Fn(&SeenProcess) -> String) {
    const WORDS_MAX: usize = 48;
    let shown: Vec<(&SeenProcess, String)> =
        processes.iter().take(SHOWN).map(|process| (process, cut(&words(process), WORDS_MAX))).collect();
    let wide = shown.iter().map(|(_, words)| words.chars().count()).max().unwrap_or(0);
    for (process, words) in &shown {
        let line = format!("  {:>7}  {words:wide$}  {}", process.row.pid, process.command);
        text.push_str(line.trim_end());
        text.push('\n');
        for note in &process.row.notes {
            text.push_str(&format!("           note: {note}\n"));
        }
    }
    if processes.len() > SHOWN {
        text.push_str(&format!("  and {} more; `--output json` lists all\n", processes.len() - SHOWN));
    }
}

/// Near misses of an object, for its explanation.
pub fn near_misses_text(groups: &[NearMisses]) -> String {
    let mut text = String::new();
    for group in groups {
        for process in group.processes.iter().take(SHOWN) {
            let why: Vec<String> = process.failing.iter().map(leaf_text).collect();
            let line =
                format!("  near miss: {} ({}): {}\n", process.row.pid, process.command, why.join("; "));
            text.push_str(&line);
        }
        if group.processes.len() > SHOWN {
            let more = group.processes.len() - SHOWN;
            text.push_str(&format!("  near miss: {more} more, by the same condition\n"));
        }
    }
    text
}
