//! A text for people with facts of a process in it: `${name} of ${user} uses ${rss}`.
//!
//! What stands in `${...}` is an expression of any type; `$${` is a plain `${`. It is checked when it is read, so that filling it
//! in can't fail: what isn't there, or isn't known, is said in its place.

use std::time::Duration;

use super::paths::show;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::value::Value;
use crate::lang::{Outcome, Reading, Schema, Vocabularies, codes, compile_reading};
use crate::units::format_duration;

/// Facts in one text.
const FACTS_MAX: usize = 16;
/// Characters of one fact; a command line can be long.
const FACT_CHARS_MAX: usize = 160;
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// A checked text.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Fact(Reading),
}

impl Template {
    /// Reads and checks a text.
    ///
    /// # Errors
    /// What is wrong with it, positions in the text.
    pub fn compile(text: &str, schema: &Schema) -> Result<Self, Vec<Diagnostic>> {
        let (mut parts, mut found, mut plain, mut at) = (Vec::new(), Vec::new(), String::new(), 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("$${") {
                plain.push_str("${");
                at += 3;
            } else if let Some(inner) = rest.strip_prefix("${") {
                let Some(length) = end(inner) else {
                    found.push(unclosed(Span::new(at, text.len())));
                    break;
                };
                let place = Span::new(at + 2, at + 2 + length);
                match fact(inner.get(..length).unwrap_or_default(), place, schema) {
                    Ok(reading) => {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                        parts.push(Part::Fact(reading));
                    }
                    Err(said) => found.extend(said),
                }
                at = place.end + 1;
            } else {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                plain.push_str(rest.get(..length).unwrap_or_default());
                at += length;
            }
        }
        parts.push(Part::Text(plain));
        if parts.len() > 2 * FACTS_MAX + 1 {
            let message = format!("more than {FACTS_MAX} facts in one text");
            found.push(Diagnostic::error(codes::INTERPOLATION, message).at(Span::new(0, text.len()), ""));
        }
        if found.iter().any(Diagnostic::is_error) { Err(found) } else { Ok(Self { parts }) }
    }

    /// Whether it says something of a process.
    pub fn names_facts(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Fact(_)))
    }

    /// The text about a process. Nothing in it breaks a line or steers a terminal.
    pub fn fill(&self, candidate: &Value, facts: &Vocabularies<'_>) -> String {
        self.with(|reading| short(&words(&reading.of(candidate, facts), facts)))
    }

    /// The text where there is no process to speak of: `-` stands for what would be a fact.
    pub fn fill_with_nothing(&self) -> String {
        self.with(|_| "-".to_owned())
    }

    fn with(&self, value: impl Fn(&Reading) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => show(text.as_bytes()),
            Part::Fact(reading) => value(reading),
        };
        self.parts.iter().map(part).collect()
    }
}

/// Where the `}` stands: one inside of a text is part of the text.
fn end(inner: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn fact(text: &str, place: Span, schema: &Schema) -> Result<Reading, Vec<Diagnostic>> {
    if text.trim().is_empty() {
        let said = Diagnostic::error(codes::INTERPOLATION, "`${}` names no fact");
        let whole = Span::new(place.start.saturating_sub(2), place.end + 1);
        return Err(vec![said.at(whole, "").help("write for example `${name}`")]);
    }
    let compiled = compile_reading(text, schema);
    let moved = |span: Span| Span::new(span.start + place.start, span.end + place.start);
    let said = || compiled.diagnostics.iter().cloned().map(|said| said.map_spans(moved)).collect();
    compiled.reading.clone().ok_or_else(said)
}

fn unclosed(place: Span) -> Diagnostic {
    Diagnostic::error(codes::INTERPOLATION, "`${` is not closed")
        .at(place, "")
        .help("add `}`, or write `$${` for a plain `${`")
}

/// A value without the quotes of a literal.
fn words(outcome: &Outcome, facts: &Vocabularies<'_>) -> String {
    match outcome {
        Outcome::Known(Value::String(text) | Value::Path(text)) => String::from_utf8_lossy(text).into_owned(),
        Outcome::Known(Value::Duration(nanos)) if *nanos > 10 * SECOND => {
            format_duration(Duration::from_secs(u64::try_from(nanos / SECOND).unwrap_or_default()))
        }
        Outcome::Known(Value::Object(_)) => facts.words(outcome).trim_matches('"').to_owned(),
        Outcome::Known(_) => facts.words(outcome),
        Outcome::Absent => "-".to_owned(),
        Outcome::Unknown(missing) => {
            let why = missing.first().map(|missing| missing.reason.why.word()).unwrap_or_default();
            format!("?{why}")
        }
    }
}

fn short(text: &str) -> String {
    let shown = show(text.as_bytes());
    match shown.char_indices().nth(FACT_CHARS_MAX) {
        Some((at, _)) => format!("{}...", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::diagnostic::Source;
    use crate::process::expression::schema;
    use crate::process::snapshot::Snapshot;
    use crate::process::{ProcessVocabulary, candidate};
    use crate::units::Pid;

    const HOST: &str = "host: {users: {ann: 1000}}\nprocesses:\n- {pid: 7, comm: \"a\\tb\", user: ann, rss: 3GiB, argv: [x, \"}\"]}\n";

    fn filled(text: &str) -> String {
        let snapshot = Snapshot::parse(&Source::new("h", HOST)).unwrap();
        let vocabulary = ProcessVocabulary::new(&snapshot);
        let facts = Vocabularies(vec![&vocabulary]);
        Template::compile(text, schema()).unwrap().fill(&candidate(Pid(7)), &facts)
    }

    #[test]
    fn facts_stand_in_the_text_as_people_write_them() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${user} uses ${rss}", "ann uses 3GiB"),
            ("${comm}", "a\\tb"),
            ("${lower(\"A}\")}${argv[1]}", "a}}"),
            ("$${name} costs $5", "${name} costs $5"),
            ("${argv[7]}!", "-!"),
            ("${rss > 1GiB}", "true"),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_said_where_it_stands() {
        for (text, code, at) in [
            ("of ${usr}", "M203", (5, 8)),
            ("${}", "M116", (0, 3)),
            ("a ${rss", "M116", (2, 7)),
            ("${env}", "M313", (2, 5)),
        ] {
            let said = Template::compile(text, schema()).unwrap_err();
            let span = said[0].span().unwrap();
            assert_eq!((said[0].code.0, (span.start, span.end)), (code, at), "{text}");
        }
        assert!(Template::compile(&"${pid}".repeat(17), schema()).is_err());
    }
}
