//! What an evaluation did: for each process, and in sum.

use std::collections::BTreeMap;

use serde::Serialize;

use super::explanation::one_line;
use super::matching::{MatchRow, cut};
use super::printable;
use crate::lang::{Outcome, Vocabularies};
use crate::process::trace::{Asked, Trace};

/// Longest condition or value in a line.
const TEXT_MAX: usize = 64;

/// One fact that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedRow {
    /// As written.
    pub text: String,
    /// Name of the field or function.
    pub fact: String,
    /// Cost class.
    pub cost: u8,
    /// Value or reason.
    pub value: String,
    /// `known`, `absent` or `unknown`.
    pub state: &'static str,
    /// Files below `/proc/PID` that were read for it; empty if it was known from before.
    pub reads: Vec<String>,
}

/// One condition that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    /// As written.
    pub condition: String,
    /// Value or reason.
    pub value: String,
    /// The highest cost class in it.
    pub cost: u8,
    /// What it asked for, in order.
    pub asked: Vec<AskedRow>,
}

/// How one process was decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TracedProcess {
    /// The verdict.
    #[serde(flatten)]
    pub row: MatchRow,
    /// The condition after which nothing more was asked.
    pub decided_by: Option<String>,
    /// In the order of evaluation.
    pub steps: Vec<StepRow>,
    /// Conditions that were not looked at.
    pub skipped: Vec<String>,
}

/// For programs, and for the sums.
pub fn trace_row(trace: &Trace, row: MatchRow, facts: &Vocabularies<'_>) -> TracedProcess {
    let words = |outcome: &Outcome| printable(facts.words(outcome));
    let asked = |asked: &Asked| AskedRow {
        text: asked.text.clone(),
        fact: asked.fact.clone(),
        cost: asked.cost,
        value: words(&asked.outcome),
        state: match asked.outcome {
            Outcome::Known(_) => "known",
            Outcome::Absent => "absent",
            Outcome::Unknown(_) => "unknown",
        },
        reads: asked.reads.clone(),
    };
    TracedProcess {
        row,
        decided_by: trace.decided_by().map(ToOwned::to_owned),
        steps: trace
            .steps
            .iter()
            .map(|step| StepRow {
                condition: step.text.clone(),
                value: words(&step.outcome),
                cost: step.cost,
                asked: step.asked.iter().map(asked).collect(),
            })
            .collect(),
        skipped: trace.skipped.clone(),
    }
}

/// For a person:
///
/// ```text
/// 812: false
///   false  user == "www-data"
///          user = "root"                      cost 1, read .
///   -      exe == interpreter(startas)        skipped
/// ```
pub fn trace_text(process: &TracedProcess) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for step in &process.steps {
        let value = if step.value.starts_with("unknown") { "unknown" } else { &step.value };
        lines.push((format!("  {value:7}  {}", cut(&one_line(&step.condition), TEXT_MAX)), String::new()));
        for asked in &step.asked {
            let text = cut(&one_line(&asked.text), TEXT_MAX);
            lines.push((format!("             {text} = {}", cut(&asked.value, TEXT_MAX)), read_words(asked)));
        }
    }
    for skipped in &process.skipped {
        lines.push((format!("  -        {}", cut(skipped, TEXT_MAX)), "skipped".into()));
    }
    let wide = lines.iter().map(|(left, _)| left.chars().count()).filter(|wide| *wide < 80).max();
    let wide = wide.unwrap_or(0);
    let mut text = format!("{}: {}\n", process.row.pid, process.row.verdict);
    for (left, right) in lines {
        text.push_str(format!("{left:wide$}  {right}").trim_end());
        text.push('\n');
    }
    for note in &process.row.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

fn read_words(asked: &AskedRow) -> String {
    let reads = if asked.reads.is_empty() { "no read".to_owned() } else { asked.reads.join(" ") };
    format!("cost {}: {reads}", asked.cost)
}

/// Sums over a scan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Processes looked at.
    pub processes: usize,
    /// How many of each verdict.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// How many were decided by each condition.
    pub decided_by: BTreeMap<String, usize>,
    /// How often each fact was asked for, and what came of it.
    pub facts: BTreeMap<String, FactSum>,
    /// Reads of each file below `/proc/PID`, over all processes. Empty where no `/proc` was read.
    pub reads: BTreeMap<String, usize>,
}

/// Sums of one fact.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FactSum {
    /// Cost class.
    pub cost: u8,
    /// Times asked.
    pub asked: usize,
    /// Times absent.
    pub absent: usize,
    /// Times unknown.
    pub unknown: usize,
    /// Files read for it.
    pub reads: usize,
}

impl TraceSummary {
    /// Of these traces.
    pub fn of(traces: &[TracedProcess]) -> Self {
        let mut sum = Self { processes: traces.len(), ..Self::default() };
        for trace in traces {
            *sum.verdicts.entry(trace.row.verdict).or_default() += 1;
            if let Some(leaf) = &trace.decided_by {
                *sum.decided_by.entry(leaf.clone()).or_default() += 1;
            }
            for asked in trace.steps.iter().flat_map(|step| &step.asked) {
                sum.add(asked);
            }
        }
        sum
    }

    fn add(&mut self, asked: &AskedRow) {
        let fact = self.facts.entry(asked.fact.clone()).or_default();
        fact.cost = fact.cost.max(asked.cost);
        fact.asked += 1;
        fact.absent += usize::from(asked.state == "absent");
        fact.unknown += usize::from(asked.state == "unknown");
        fact.reads += asked.reads.len();
        for file in &asked.reads {
            *self.reads.entry(file.clone()).or_default() += 1;
        }
    }
}

/// The sums for a person, largest first.
pub fn summary_text(sum: &TraceSummary) -> String {
    let verdicts: Vec<String> =
        sum.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let noun = if sum.processes == 1 { "process" } else { "processes" };
    let mut text = format!("{} {noun}: {}\n", sum.processes, verdicts.join(", "));
    text.push_str("decided by\n");
    for (leaf, count) in largest(&sum.decided_by) {
        text.push_str(&format!("  {count:>7}  {}\n", cut(leaf, TEXT_MAX)));
    }
    if !sum.facts.is_empty() {
        text.push_str("facts: asked, absent, unknown, files read, cost\n");
    }
    for (name, fact) in &sum.facts {
        let FactSum { cost, asked, absent, unknown, reads } = fact;
        text.push_str(&format!("  {asked:>7} {absent:>7} {unknown:>7} {reads:>7}  {cost}  {name}\n"));
    }
    let total: usize = sum.reads.values().sum();
    text.push_str(&format!("reads of files in /proc/PID: {total}\n"));
    for (file, count) in largest(&sum.reads) {
        text.push_str(&format!("  {count:>7}  {file}\n"));
    }
    text
}

fn largest(counts: &BTreeMap<String, usize>) -> Vec<(&String, usize)> {
    let mut all: Vec<(&String, usize)> = counts.iter().map(|(name, count)| (name, *count)).collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

/// The look at where a process lives that follows a match, as a step; `None` if nothing was read for it.
pub fn own_namespace_step(same: bool, reads: Vec<String>) -> Option<StepRow> {
    if reads.is_empty() {
        return None;
    }
    let value = same.to_string();
    let fact = "ns.pid".to_owned();
    let asked = AskedRow {
        text: "ns.pid == self.ns.pid".into(),
        fact,
        cost: 2,
        value: value.clone(),
        state: "known",
        reads,
    };
    Some(StepRow { condition: "not in another PID namespace".into(), value, cost: 2, asked: vec![asked] })
}
