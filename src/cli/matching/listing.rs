//! The answer as a list: process ids, a table, JSON, lines of columns, or a number.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::fields::{self, Field};
use super::{Question, say_unknown};
use crate::cli::args::{MatchArgs, MatchOutput};
use crate::cli::terminal::Terminal;
use crate::process::select::Chosen;
use crate::report::{Column, MatchRow, command_of, field_table, field_values, match_table, tsv, user_of};
use crate::units::Pid;

/// What a look found.
pub(super) struct Found<'a> {
    /// The verdict on each process that was asked about.
    pub(super) rows: &'a [MatchRow],
    /// The processes that were picked, and their families.
    pub(super) chosen: &'a [Chosen],
}

/// Prints it in the form that was asked for.
pub(super) fn print(
    args: &MatchArgs,
    question: &Question<'_>,
    columns: &[Field],
    found: &Found<'_>,
    terminal: Terminal,
) {
    if args.form.quiet {
        return;
    }
    if args.form.count {
        count(args, found, terminal);
        return;
    }
    let shown = shown(args, question, found);
    let pids: Vec<Pid> = shown.iter().map(|row| row.pid).collect();
    let read = |fields: &[Field], pids: &[Pid]| fields::read(question, fields, pids);
    match args.form.form() {
        MatchOutput::Pids => {
            terminal.exactly(&pid_lines(args, found.chosen.iter().map(|chosen| chosen.pid)));
            say_unknown(found.rows, terminal);
        }
        MatchOutput::Table if columns.is_empty() => {
            terminal.data(&match_table(&shown.iter().collect::<Vec<_>>(), question.world));
        }
        MatchOutput::Table => {
            let only = only_chosen(args, &shown, found);
            terminal.data(&field_table(&read(columns, &only), &question.vocabularies()));
            say_unknown(found.rows, terminal);
        }
        MatchOutput::Tsv => {
            let delimiter = args.form.delimiter.as_deref().unwrap_or("\t");
            let only = only_chosen(args, &shown, found);
            if columns.is_empty() {
                terminal.exactly(&plain_tsv(question, &shown, &only, delimiter, args.form.end()));
            } else {
                let columns = read(columns, &only);
                terminal.exactly(&tsv(&columns, &question.vocabularies(), delimiter, args.form.end()));
            }
            say_unknown(found.rows, terminal);
        }
        MatchOutput::Json => terminal.json(&json_rows(question, &shown, &read(columns, &pids))),
        MatchOutput::Jsonl => {
            let rows = json_rows(question, &shown, &read(columns, &pids));
            let lines = rows.iter().filter_map(|row| serde_json::to_string(row).ok());
            terminal.exactly(&lines.map(|line| format!("{line}\n")).collect::<String>());
        }
    }
}

fn count(args: &MatchArgs, found: &Found<'_>, terminal: Terminal) {
    let count = found.chosen.len();
    let unknown = found.rows.iter().filter(|row| row.is_unknown()).count();
    match args.form.form() {
        MatchOutput::Json => terminal.json(&json!({ "count": count, "unknown": unknown })),
        MatchOutput::Jsonl => terminal.data(&json!({ "count": count, "unknown": unknown }).to_string()),
        MatchOutput::Pids | MatchOutput::Table | MatchOutput::Tsv => {
            terminal.data(&count.to_string());
            say_unknown(found.rows, terminal);
        }
    }
}

/// Process ids, each ended as asked for; a delimiter stands between them only.
pub(super) fn pid_lines(args: &MatchArgs, pids: impl Iterator<Item = Pid>) -> String {
    let pids: Vec<String> = pids.map(|pid| pid.to_string()).collect();
    match &args.form.delimiter {
        Some(_) if pids.is_empty() => String::new(),
        Some(delimiter) => format!("{}\n", pids.join(delimiter)),
        None => pids.iter().map(|pid| format!("{pid}{}", args.form.end())).collect(),
    }
}

/// Everything if that was asked for, else what was chosen and what can't be decided.
fn shown(args: &MatchArgs, question: &Question<'_>, found: &Found<'_>) -> Vec<MatchRow> {
    let pick = &args.pick;
    let picks = pick.newest || pick.oldest || pick.limit.is_some() || pick.children || pick.tree;
    if !picks && (pick.all || !args.pid.is_empty()) {
        return found.rows.to_vec();
    }
    let facts = question.vocabularies();
    let row_of = |chosen: &Chosen| {
        let known = found.rows.iter().find(|row| row.pid == chosen.pid).cloned();
        let mut row = known.unwrap_or_else(|| question.row(chosen.pid, &facts));
        row.notes.extend(chosen.with.map(|parent| format!("below {parent}")));
        row
    };
    let mut shown: Vec<MatchRow> = found.chosen.iter().map(row_of).collect();
    let is_chosen = |row: &MatchRow| found.chosen.iter().any(|chosen| chosen.pid == row.pid);
    shown.extend(found.rows.iter().filter(|row| row.is_unknown() && !is_chosen(row)).cloned());
    shown.sort_by_key(|row| row.pid);
    shown
}

/// Columns of fields have no room for a verdict: they list what was chosen, or everything where that was asked for.
fn only_chosen(args: &MatchArgs, shown: &[MatchRow], found: &Found<'_>) -> Vec<Pid> {
    let everything = args.pick.all;
    let is_chosen = |pid: Pid| found.chosen.iter().any(|chosen| chosen.pid == pid);
    shown.iter().map(|row| row.pid).filter(|pid| everything || is_chosen(*pid)).collect()
}

fn plain_tsv(
    question: &Question<'_>,
    shown: &[MatchRow],
    only: &[Pid],
    delimiter: &str,
    end: &str,
) -> String {
    let line = |row: &MatchRow| {
        let cells = [
            row.pid.to_string(),
            user_of(question.world, row.pid),
            row.verdict.to_owned(),
            command_of(question.world, row.pid),
        ];
        format!("{}{end}", cells.join(delimiter))
    };
    let head = ["pid", "user", "verdict", "command"].join(delimiter);
    let lines: String = shown.iter().filter(|row| only.contains(&row.pid)).map(line).collect();
    format!("{head}{end}{lines}")
}

/// A row with its fields, where some were asked for.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    row: &'a MatchRow,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Json>,
}

fn json_rows<'a>(question: &Question<'_>, shown: &'a [MatchRow], columns: &[Column]) -> Vec<Row<'a>> {
    let facts = question.vocabularies();
    let fields = |at| field_values(columns, at, &facts);
    shown.iter().enumerate().map(|(at, row)| Row { row, fields: fields(at) }).collect()
}
