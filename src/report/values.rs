//! Values of chosen fields: in a table for people, in JSON and in lines of columns for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Number, Value as Json, json};

use super::matching::cut;
use super::printable;
use crate::lang::value::Value;
use crate::lang::{Outcome, Vocabularies, show};

/// Longest value in a table.
const CELL_MAX: usize = 80;

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// One column of a listing: what it is called, and its value for each process.
#[derive(Clone, Debug)]
pub struct Column {
    /// As written.
    pub name: String,
    /// In the order of the rows.
    pub outcomes: Vec<Outcome>,
}

/// Rows for a person: absent is `-`, unknown is `?` with the reason.
pub fn field_table(columns: &[Column], facts: &Vocabularies<'_>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.name.to_ascii_uppercase()));
    for row in rows(columns) {
        table.add_row(row.into_iter().map(|outcome| cell(outcome, facts)));
    }
    super::status::plain_rows(&table)
}

/// The columns turned into rows.
fn rows(columns: &[Column]) -> Vec<Vec<&Outcome>> {
    let count = columns.first().map_or(0, |column| column.outcomes.len());
    (0..count).map(|at| columns.iter().filter_map(|column| column.outcomes.get(at)).collect()).collect()
}

fn cell(outcome: &Outcome, facts: &Vocabularies<'_>) -> String {
    match outcome {
        Outcome::Known(value) => cut(&plain(value, facts), CELL_MAX),
        Outcome::Absent => "-".into(),
        Outcome::Unknown(missing) => {
            let why = missing.first().map(|missing| missing.reason.why.word()).unwrap_or_default();
            format!("?{why}")
        }
    }
}

/// Without the quotes of a literal where it is only a text or a name.
fn plain(value: &Value, facts: &Vocabularies<'_>) -> String {
    match value {
        Value::String(bytes) | Value::Path(bytes) => printable(bytes),
        Value::Time(nanos) => show(&Value::Time(nanos / SECOND * SECOND)).trim_start_matches('@').to_owned(),
        Value::Duration(nanos) if *nanos > 10 * SECOND => show(&Value::Duration(nanos / SECOND * SECOND)),
        Value::Object(_) => {
            let words = facts.words(&Outcome::Known(value.clone()));
            printable(words.trim_matches('"'))
        }
        other => printable(facts.words(&Outcome::Known(other.clone()))),
    }
}

/// Lines of columns for programs, the names first: sizes in bytes, times of day in RFC 3339, durations in seconds, absent
/// is empty, unknown is `?`. What would break a line or steer a terminal is escaped.
pub fn tsv(columns: &[Column], facts: &Vocabularies<'_>, delimiter: &str, end: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = format!("{}{end}", names.join(delimiter));
    for row in rows(columns) {
        let cells: Vec<String> = row.into_iter().map(|outcome| exact(outcome, facts)).collect();
        text.push_str(&cells.join(delimiter));
        text.push_str(end);
    }
    text
}

fn exact(outcome: &Outcome, facts: &Vocabularies<'_>) -> String {
    match outcome {
        Outcome::Known(value) => match json_value(value, facts) {
            Json::String(text) => text,
            other => other.to_string(),
        },
        Outcome::Absent => String::new(),
        Outcome::Unknown(_) => "?".into(),
    }
}

/// The fields of one row for programs: absent is null, unknown an object with the reasons.
pub fn field_values(columns: &[Column], row: usize, facts: &Vocabularies<'_>) -> Map<String, Json> {
    let value = |column: &Column| {
        let outcome = column.outcomes.get(row)?;
        Some((column.name.clone(), json_outcome(outcome, facts)))
    };
    columns.iter().filter_map(value).collect()
}

fn json_outcome(outcome: &Outcome, facts: &Vocabularies<'_>) -> Json {
    match outcome {
        Outcome::Known(value) => json_value(value, facts),
        Outcome::Absent => Json::Null,
        Outcome::Unknown(missing) => {
            let reasons: Vec<String> = missing.iter().map(|m| printable(m.reason.to_string())).collect();
            json!({ "unknown": reasons })
        }
    }
}

fn json_value(value: &Value, facts: &Vocabularies<'_>) -> Json {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(number) | Value::Size(number) => (*number).into(),
        Value::Duration(nanos) => scaled(*nanos, 1_000_000_000.0),
        Value::Ratio(millionths) => scaled(*millionths, 1_000_000.0),
        Value::Time(_) => show(value).trim_start_matches('@').into(),
        Value::List(items) => items.iter().map(|item| json_value(item, facts)).collect(),
        Value::String(_)
        | Value::Path(_)
        | Value::Object(_)
        | Value::Enum(..)
        | Value::Ip(_)
        | Value::Cidr(..) => plain(value, facts).into(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a century fit")]
fn scaled(number: i64, unit: f64) -> Json {
    Number::from_f64(number as f64 / unit).map_or(Json::Null, Json::Number)
}
