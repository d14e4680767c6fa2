//! `match --trace`: how each process was decided, and the sums.

use serde_json::json;

use super::question::missing_row;
use super::{MatchArgs, MatchOutput, Question, Terminal};
use crate::cli::exit::Exit;
use crate::lang::{Verdict, Vocabularies};
use crate::process::candidate;
use crate::process::trace::{Trace, trace};
use crate::report::{
    MatchRow, TraceSummary, TracedProcess, own_namespace_step, summary_text, trace_row, trace_text,
};
use crate::units::Pid;

/// The evaluation that `match` makes, watched.
pub(super) fn run(args: &MatchArgs, question: &Question<'_>, terminal: Terminal) -> Exit {
    let facts = question.vocabularies();
    // Showing a value may read something, so that nothing is shown before all is evaluated.
    let evaluated: Vec<Evaluated> =
        question.pids.iter().map(|pid| evaluate(question, *pid, &facts)).collect();
    let traced: Vec<TracedProcess> = evaluated.into_iter().map(|one| shown(one, &facts)).collect();
    let summary = TraceSummary::of(&traced);
    match args.form.form() {
        MatchOutput::Json => terminal.json(&json!({ "processes": traced, "summary": summary })),
        MatchOutput::Jsonl => {
            let lines = traced.iter().map(|process| json!(process)).chain([json!({ "summary": summary })]);
            terminal.data(&lines.map(|line| format!("{line}\n")).collect::<String>());
        }
        MatchOutput::Pids | MatchOutput::Table | MatchOutput::Tsv => {
            let texts: String = traced.iter().map(trace_text).collect();
            terminal.data(&format!("{texts}\n{}", summary_text(&summary)));
        }
    }
    let rows = || traced.iter().map(|process| &process.row);
    if rows().any(MatchRow::is_match) {
        Exit::Ok
    } else if rows().any(MatchRow::is_unknown) {
        Exit::Changes
    } else {
        Exit::Failed
    }
}

/// One process, as evaluated.
struct Evaluated {
    row: MatchRow,
    /// `None`: there is no such process.
    trace: Option<Trace>,
    /// Read to see where it lives, after the expression.
    scope: Vec<String>,
}

fn evaluate(question: &Question<'_>, pid: Pid, facts: &Vocabularies<'_>) -> Evaluated {
    if !question.is_there(pid) {
        return Evaluated { row: missing_row(pid), trace: None, scope: Vec::new() };
    }
    let trace = trace(question.matcher, &candidate(pid), facts, question.world);
    let row = question.row_of(pid, &trace.verdict);
    Evaluated { row, trace: Some(trace), scope: question.world.take_reads() }
}

fn shown(one: Evaluated, facts: &Vocabularies<'_>) -> TracedProcess {
    let Evaluated { row, trace, scope } = one;
    let Some(trace) = trace else {
        return TracedProcess { row, decided_by: None, steps: Vec::new(), skipped: Vec::new() };
    };
    let same = row.verdict != "false" || trace.verdict == Verdict::NoMatch;
    let mut traced = trace_row(&trace, row, facts);
    traced.steps.extend(own_namespace_step(same, scope));
    traced
}
