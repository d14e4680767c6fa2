//! Scalars as they are written, with every byte in its place.

use super::{Expression, Home, Place};

pub(super) fn expression(text: &str, start: usize, end: usize, home: Option<Home>) -> Place {
    let written = text.get(start..end).unwrap_or_default();
    let (start, text) = match written.chars().next() {
        Some('\'') => (start + 1, single(written.get(1..).unwrap_or_default())),
        Some('"') => (start + 1, double(written.get(1..).unwrap_or_default())),
        _ => (start, written.to_owned()),
    };
    Place::Expression(Expression { start, text, home })
}

/// The inside of single quotes; a doubled quote keeps its length.
pub(super) fn single(written: &str) -> String {
    let mut out = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push_str("' ");
            }
            '\'' => break,
            c => out.push(c),
        }
    }
    out
}

/// The inside of double quotes; the backslash of an escape becomes a blank.
pub(super) fn double(written: &str) -> String {
    let mut out = String::new();
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(' ');
                out.extend(chars.next());
            }
            '"' => break,
            c => out.push(c),
        }
    }
    out
}

/// Where a value inside braces ends.
pub(super) fn item_end(rest: &str) -> usize {
    let quote = rest.chars().next().filter(|c| "'\"".contains(*c));
    if let Some(quote) = quote {
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            let doubled = c == quote && quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'');
            if doubled || (c == '\\' && quote == '"') {
                chars.next();
            } else if c == quote {
                return at + 1;
            }
        }
        return rest.len();
    }
    rest.find([',', '}', ']', '{', '[']).unwrap_or(rest.len())
}
