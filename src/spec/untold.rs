//! What is told of a rejected document beyond the look that rejected it: the mistake and its place, without the value that is
//! wrong.
//!
//! `check` shows a document to whoever can read it. A status and the record of events are read by others, and a value may be a
//! secret: of `env`, of a command line, or of any field that it was put into by mistake.

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::spec::ServiceName;

/// Stands for what isn't told.
const UNTOLD: &str = "…";

/// The message, where quotes hold nothing but words of the language, names of fields, and names of these objects.
pub(super) fn without_values(error: &Diagnostic, source: &Source, objects: &[ServiceName]) -> String {
    let place = error.span().filter(|span| !is_key(&source.text, *span));
    let value = place.and_then(|span| source.text.get(span.start..span.end)).unwrap_or_default();
    let before = place.and_then(|span| source.text.get(..span.start)).unwrap_or_default();
    let in_text = before.ends_with('"');
    let is_told = |quoted: &str| {
        let is_object = objects.iter().any(|name| name.as_str() == quoted);
        is_object || (!in_text && is_word(error, quoted, value)) || !may_be_of(quoted, value)
    };
    // Every second part stands between two quotes.
    let parts = error.message.split('`').enumerate();
    let told = parts.map(|(at, part)| if at % 2 == 0 || is_told(part) { part } else { UNTOLD });
    told.collect::<Vec<_>>().join("`")
}

/// A name in an expression, which is no text of it.
fn is_word(error: &Diagnostic, quoted: &str, value: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    error.code.0.starts_with('M') && quoted == value && quoted.chars().all(is_name)
}

/// Whether it may be a part of the value. One that is escaped or cut off looks otherwise than it is written.
fn may_be_of(quoted: &str, value: &str) -> bool {
    !value.is_empty() && (value.contains(quoted) || quoted.contains(['\\', '…']))
}

/// Whether a name of a field stands there.
fn is_key(text: &str, span: Span) -> bool {
    let rest = text.get(span.end..).unwrap_or_default();
    rest.trim_start_matches([' ', '"', '\'']).starts_with(':')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::super::tests::{load_text, service};
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn a_value_that_is_wrong_is_not_told() {
        for (spec, told) in [
            ("startas: /x, usr: hunter2", "unknown field `spec.usr`"),
            ("startas: hunter2", "`…`"),
            ("startas: /x, stop: {timeout: hunter2}", ""),
            ("startas: /x, env: {TOKEN: [hunter2]}", ""),
            ("startas: /x, state: hunter2", ""),
        ] {
            let loaded = load_text(&service(spec));
            let reason = loaded.files[0].reason().unwrap();
            assert!(reason.contains(told) && !reason.contains("hunter2"), "{spec}: {reason}");
        }
        let twice = load_text(&format!("{}---\n{}", service("startas: /x"), service("startas: /x")));
        assert!(twice.files[0].reason().unwrap().contains("`shop`"), "names of objects are told");
    }

    #[test]
    fn names_in_expressions_are_told_and_texts_are_not() {
        let source = Source::new("a.yaml", "match: 'usr == \"hunter2\"'\n");
        for (code, message, span, told) in [
            ("M203", "unknown field `usr`", (8, 11), "unknown field `usr`"),
            ("M300", "`\"hunter2\"` is no number", (15, 24), "`…` is no number"),
            ("M300", "`\"hunt…` is no number", (15, 24), "`…` is no number"),
            ("M300", "`hunter2` is no number", (16, 23), "`…` is no number"),
            ("S001", "unknown field `match`", (0, 5), "unknown field `match`"),
            ("S001", "`hunter2` is no user", (16, 23), "`…` is no user"),
        ] {
            let error = Diagnostic::error(Code(code), message).at(Span::new(span.0, span.1), "");
            assert_eq!(without_values(&error, &source, &[]), told, "{message}");
        }
    }
}
