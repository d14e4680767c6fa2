//! Says what is wrong with a text that is not YAML, and how to write what was probably meant.

use granit_parser::{ErrorKind, ScanError};

use super::{Limits, codes};
use crate::diagnostic::{Diagnostic, Span};

/// The diagnostic for an error of the parser.
pub(super) fn describe(text: &str, error: &ScanError, limits: &Limits) -> Diagnostic {
    let at = place(text, error);
    let width =
        text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let span = Span::new(at, at + width);
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(span, limits);
    }
    let diagnostic = Diagnostic::error(codes::SYNTAX, message(error.kind())).at(span, "");
    match help(text, at, error.kind()) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Where the error lies; behind a tab the parser has gone on by one.
fn place(text: &str, error: &ScanError) -> usize {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let tab = matches!(error.kind(), ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation);
    if tab && text.get(..at).is_some_and(|before| before.ends_with('\t')) { at - 1 } else { at }
}

/// The diagnostic for a collection inside too many others.
pub(super) fn too_deep(span: Span, limits: &Limits) -> Diagnostic {
    let message = format!("nested more than {} levels deep", limits.depth);
    Diagnostic::error(codes::DEPTH, message).at(span, "").help("write it flatter")
}

fn message(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            "a value that begins with a quote ends at the closing quote, but more follows".into()
        }
        ErrorKind::MappingValueNotAllowed => {
            "`: ` makes a key of what precedes it, which can't be one here".into()
        }
        ErrorKind::SimpleKeyExpected => "here a key is expected, which ends with `: `".into(),
        ErrorKind::BlockSequenceEntryNotAllowed => {
            "a list with `-` can't begin on the line of its key".into()
        }
        ErrorKind::InvalidBlockScalarHeader => {
            "`|` and `>` begin a block on the next line, but more follows here".into()
        }
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabAtBlockScalarStart => "a tab can't be used for indentation".into(),
        ErrorKind::CommentInterceptedScalar => "a comment inside a value that goes on after it".into(),
        ErrorKind::UnexpectedCharacter { character } => format!("a value can't begin with `{character}`"),
        ErrorKind::UnclosedFlowCollection { open } => format!("the bracket `{open}` is not closed"),
        ErrorKind::UnclosedQuotedScalar => "the quote is not closed".into(),
        ErrorKind::DirectiveDisallowed => "directives (`%`) are not supported".into(),
        ErrorKind::UnknownQuotedScalarEscape => "an unknown escape in a double quoted text".into(),
        ErrorKind::ExpectedBlockMappingKey => "here a key is expected".into(),
        ErrorKind::BomInsideDocument => "a byte order mark inside the text".into(),
        other => other.to_string(),
    }
}

fn help(text: &str, at: usize, kind: &ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabAtBlockScalarStart => Some("use spaces".into()),
        ErrorKind::UnknownQuotedScalarEscape => {
            Some("write `\\\\` for a backslash, or use single quotes".into())
        }
        ErrorKind::SimpleKeyExpected => space_after_colon(text, at),
        ErrorKind::DirectiveDisallowed => Some("delete the line".into()),
        ErrorKind::UnclosedQuotedScalar => {
            Some("add the closing quote; inside single quotes `''` is one quote".into())
        }
        ErrorKind::CommentInterceptedScalar => Some(
            "write the value as a block after `|`, where `#` is part of the text, or delete the comment"
                .into(),
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            Some(format!("add `{}`", if *open == '{' { '}' } else { ']' }))
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingValueNotAllowed => quote_the_value(text, at).or_else(|| {
            (*kind == ErrorKind::MappingValueNotAllowed).then(|| {
                "check the indentation: the value of a key stands on its line or is indented deeper".into()
            })
        }),
        _ => None,
    }
}

/// The line with its value in single quotes, where the error lies behind the `key: ` of its line.
fn quote_the_value(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |found| found + 1);
    let line = text.get(start..line_end(text, at))?;
    let colon = line.find(": ")?;
    let value = line.get(colon + 2..)?.trim();
    if value.is_empty() || at <= start + colon {
        return None;
    }
    let key = line.get(..colon)?.trim_start_matches([' ', '-']);
    if key.is_empty() || key.contains(['{', '[', '"', '\'']) {
        return Some("put the whole value in single quotes, or write it as a block after `|`".into());
    }
    Some(format!(
        "put the whole value in single quotes, `{key}: {}`, or write it as a block after `|`",
        single_quoted(value)
    ))
}

/// The line with the blank that its colon lacks.
fn space_after_colon(text: &str, at: usize) -> Option<String> {
    let line = text.get(at..line_end(text, at))?;
    let (key, value) =
        line.split_once(':').filter(|(key, _)| key.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    Some(format!("put a blank behind the colon: `{key}: {value}`"))
}

/// The text as a single quoted scalar.
pub(super) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Where the line that contains `at` ends.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find(['\n', '\r'])).map_or(text.len(), |found| at + found)
}
