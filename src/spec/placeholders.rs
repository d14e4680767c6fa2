//! `${index}` and its like in arguments, values of the environment and names of files.
//!
//! `$${` is a plain `${`. Nothing else is special, so `$HOME` and `$$` stay what they are.

use crate::diagnostic::{Diagnostic, Span, did_you_mean};

use super::codes;

/// What can be written between `${` and `}`.
pub const NAMES: [&str; 5] = ["index", "name", "runDir", "logDir", "specDir"];

/// A stretch of a text.
enum Piece<'a> {
    /// As it stands.
    Plain(&'a str),
    /// `$${`
    Escape,
    /// The name in `${name}`, and the place of the whole.
    Name(&'a str, Span),
    /// `${` without an end.
    Open(Span),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (piece, length) = next_piece(rest, at);
        pieces.push(piece);
        at += length;
    }
    pieces
}

fn next_piece(rest: &str, at: usize) -> (Piece<'_>, usize) {
    if rest.starts_with("$${") {
        return (Piece::Escape, 3);
    }
    if let Some(inner) = rest.strip_prefix("${") {
        return match inner.split_once('}') {
            Some((name, _)) => (Piece::Name(name, Span::new(at, at + name.len() + 3)), name.len() + 3),
            None => (Piece::Open(Span::new(at, at + rest.len())), rest.len()),
        };
    }
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let length = rest.get(first..).and_then(|tail| tail.find('$')).map_or(rest.len(), |found| first + found);
    (Piece::Plain(rest.get(..length).unwrap_or(rest)), length)
}

/// Replaces what `value` knows; the rest and the escapes stay, so that it can be done in steps.
/// What is put in is escaped, so that a later step doesn't take it for a placeholder.
pub(super) fn substitute_some(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Escape => out.push_str("$${"),
            Piece::Open(span) => out.push_str(text.get(span.start..span.end).unwrap_or("")),
            Piece::Name(name, span) => match value(name) {
                Some(value) => out.push_str(&value.replace("${", "$${")),
                None => out.push_str(text.get(span.start..span.end).unwrap_or("")),
            },
        }
    }
    out
}

/// Replaces all placeholders and escapes: the last step, at launch. A name that `value` doesn't know stays as written.
pub fn substitute(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Escape => out.push_str("${"),
            Piece::Open(span) => out.push_str(text.get(span.start..span.end).unwrap_or("")),
            Piece::Name(name, span) => match value(name) {
                Some(value) => out.push_str(&value),
                None => out.push_str(text.get(span.start..span.end).unwrap_or("")),
            },
        }
    }
    out
}

/// Whether `${name}` is in the text.
pub fn mentions(text: &str, name: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Name(found, _) if *found == name))
}

/// What is wrong with the placeholders of a text; positions are in the text.
pub(super) fn check(text: &str) -> Vec<Diagnostic> {
    pieces(text).into_iter().filter_map(|piece| complaint(&piece)).collect()
}

fn complaint(piece: &Piece<'_>) -> Option<Diagnostic> {
    match piece {
        Piece::Plain(_) | Piece::Escape => None,
        Piece::Name(name, _) if NAMES.contains(name) => None,
        Piece::Name(name, span) => {
            let known = did_you_mean(name, NAMES).map_or_else(
                || format!("write `$${{{name}}}` for a plain `${{{name}}}`; known are {}", known_names()),
                |near| format!("did you mean `${{{near}}}`?"),
            );
            let message = format!("nothing is known to put in for `${{{name}}}`");
            Some(Diagnostic::error(codes::PLACEHOLDER, message).at(*span, "").help(known))
        }
        Piece::Open(span) => Some(
            Diagnostic::error(codes::PLACEHOLDER, "`${` is not closed")
                .at(*span, "")
                .help("add `}`, or write `$${` for a plain `${`"),
        ),
    }
}

fn known_names() -> String {
    NAMES.map(|name| format!("`${{{name}}}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "index" => Some("2".into()),
            "specDir" => Some("/odd/${name}".into()),
            _ => None,
        }
    }

    #[test]
    fn placeholders_are_replaced_and_escapes_become_plain() {
        for (text, expected) in [
            ("a${index}b", "a2b"),
            ("${index}${index}", "22"),
            ("$${index}", "${index}"),
            ("$$${index}", "$${index}"),
            ("$HOME $$ $", "$HOME $$ $"),
            ("é${index}é", "é2é"),
            ("${name}", "${name}"),
            ("${", "${"),
        ] {
            assert_eq!(substitute(text, value), expected, "{text}");
        }
    }

    #[test]
    fn what_a_first_step_puts_in_is_not_replaced_by_the_second() {
        let first = substitute_some("${specDir}/${index}/$${x}", |n| value(n).filter(|_| n == "specDir"));
        assert_eq!(first, "/odd/$${name}/${index}/$${x}");
        assert_eq!(substitute(&first, value), "/odd/${name}/2/${x}");
    }

    #[test]
    fn unknown_names_are_found_with_their_place() {
        let found = check("é ${indx} $${x} ${HOME} ${");
        let spans: Vec<_> = found.iter().filter_map(Diagnostic::span).collect();
        assert_eq!(spans, [Span::new(3, 10), Span::new(17, 24), Span::new(25, 27)]);
        assert!(found.first().is_some_and(|d| d.help.as_deref() == Some("did you mean `${index}`?")));
    }
}
