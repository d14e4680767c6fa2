//! One expression in its canonical spelling and its own style of scalar, or the nearest style that can hold it.
//!
//! Whether YAML reads the result as the wanted text is not computed from rules but tried.

use super::sites::{Place, Site};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::{LINE_MAX, Room, Unformatted, format};
use crate::spec::second_opinion;
use crate::yaml::{self, Node, NodeKind, Scalar, Style};

/// What to put in the place of a scalar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rewritten {
    /// What goes.
    pub(super) span: Span,
    /// What comes.
    pub(super) text: String,
    /// In this style.
    pub(super) style: Style,
}

/// Why an expression stays as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// It is not one; positions in its own text.
    Mistakes(Vec<Diagnostic>),
    /// A comment would get lost; its place in the expression.
    Comment(Span),
    /// No style can hold its canonical text.
    Style,
    /// Its canonical text is longer than an expression may be.
    TooLong,
}

impl From<Unformatted> for Left {
    fn from(unformatted: Unformatted) -> Self {
        match unformatted {
            Unformatted::Mistakes(found) => Self::Mistakes(found),
            Unformatted::Comment(span) => Self::Comment(span),
            Unformatted::TooLong => Self::TooLong,
        }
    }
}

/// The canonical form of the expression at a place.
pub(super) fn rewrite(source: &str, site: &Site<'_>) -> Result<Rewritten, Left> {
    match site.scalar.style {
        Style::Literal | Style::Folded => block(source, site.scalar),
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => inline(source, site),
    }
}

/// The lines of a block: its header, indentation, line ends and what precedes and follows the text stay.
fn block(source: &str, scalar: &Scalar) -> Result<Rewritten, Left> {
    let text = scalar.text.trim_end();
    let written = source.get(scalar.span.start..scalar.span.end).unwrap_or_default();
    let literal = scalar.style == Style::Literal;
    let formatted = format(text, Room::Lines { broken: written.trim().contains('\n'), comments: literal })?;
    let blank = text.len() - text.trim_start().len();
    let first = text.get(..blank).and_then(|blank| blank.rfind('\n')).map_or(0, |found| found + 1);
    let content = scalar.source_span(Span::new(first, text.len()));
    let line = line_start(source, content.start);
    let indent = source.get(line..content.start).unwrap_or_default();
    let end = source
        .get(content.end..)
        .map_or(content.end, |rest| content.end + rest.find(['\r', '\n']).unwrap_or(rest.len()));
    let text = lines(&formatted, line_end_before(source, line), indent);
    Ok(Rewritten { span: Span::new(content.start, end), text, style: scalar.style })
}

fn lines(text: &str, line_end: &str, indent: &str) -> String {
    text.split('\n').collect::<Vec<_>>().join(&format!("{line_end}{indent}"))
}

fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1)
}

/// How the line before this one ends.
fn line_end_before(source: &str, line: usize) -> &'static str {
    if source.get(..line).is_some_and(|before| before.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// A scalar on one line.
fn inline(source: &str, site: &Site<'_>) -> Result<Rewritten, Left> {
    let scalar = site.scalar;
    let text = scalar.text.trim();
    let wanted = format(text, Room::Line)?;
    let written = source.get(scalar.span.start..scalar.span.end).unwrap_or_default();
    if wanted == text && !written.contains('\n') {
        return Ok(Rewritten { span: scalar.span, text: written.to_owned(), style: scalar.style });
    }
    let column = scalar.span.start - line_start(source, scalar.span.start);
    let too_long = written.contains('\n') && column + wanted.chars().count() > LINE_MAX;
    let in_lines = || as_block(source, site, text);
    let quoted = [Style::Plain, Style::SingleQuoted, Style::DoubleQuoted]
        .into_iter()
        .filter(|style| *style >= scalar.style)
        .map(|style| (style, in_style(&wanted, style)));
    let candidates = in_lines().filter(|_| too_long).into_iter().chain(quoted).chain(in_lines());
    let fits = |(style, text): &(Style, String)| reads_as(text, *style, site.place, &wanted);
    let (style, text) = candidates.into_iter().find(fits).ok_or(Left::Style)?;
    Ok(Rewritten { span: scalar.span, text, style })
}

fn in_style(text: &str, style: Style) -> String {
    match style {
        Style::SingleQuoted => format!("'{}'", text.replace('\'', "''")),
        Style::DoubleQuoted => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("\"{}\"", escaped.replace('\t', "\\t"))
        }
        Style::Plain | Style::Literal | Style::Folded => text.to_owned(),
    }
}

/// The value of a key as a literal block below it.
fn as_block(source: &str, site: &Site<'_>, text: &str) -> Option<(Style, String)> {
    let Place::Value(key) = site.place else { return None };
    let over_lines = format(text, Room::Lines { broken: true, comments: false }).ok()?;
    let indent = " ".repeat(key.start - line_start(source, key.start) + 2);
    let line_end = line_end_before(source, source.find('\n').map_or(0, |at| at + 1));
    Some((Style::Literal, format!("|{line_end}{indent}{}", lines(&over_lines, line_end, &indent))))
}

/// Whether two readers of YAML take a candidate at such a place for the wanted text.
fn reads_as(candidate: &str, style: Style, place: Place, wanted: &str) -> bool {
    let document = match place {
        _ if style == Style::Literal => return true,
        Place::Value(_) => format!("k: {candidate}\n"),
        Place::Item => format!("- {candidate}\n"),
        Place::Flow => format!("{{k: {candidate}, l: [{candidate}]}}\n"),
        Place::Key { flow: false } => format!("{candidate}: v\n"),
        Place::Key { flow: true } => format!("{{{candidate}: v}}\n"),
    };
    let source = Source::new("candidate", document);
    let parsed = yaml::parse(&source, &yaml::Limits::default());
    let [document] = parsed.documents.as_slice() else { return false };
    let found = match (&document.kind, place) {
        (NodeKind::Mapping(pairs), Place::Key { .. }) => pairs.first().map(|(key, _)| key),
        (NodeKind::Sequence(items), _) => items.first().and_then(Node::scalar),
        _ => document.get("k").and_then(Node::scalar),
    };
    parsed.diagnostics.is_empty()
        && found
            .is_some_and(|scalar| scalar.text == wanted && scalar.style == style && scalar.comment.is_none())
        && second_opinion(&source.text, &parsed.documents).is_none()
}
