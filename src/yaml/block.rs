//! Reads literal and folded block scalars a second time, to learn where each decoded byte stands.
//!
//! The parser tells where the content begins, but neither its indentation nor how many empty lines
//! precede it. There are few possibilities, and only one of them gives the decoded text.

use super::Style;
use super::offsets::{Decoded, OffsetMap};
use crate::diagnostic::Span;

/// Indentations tried where the position of the content doesn't tell.
const INDENT_MAX: usize = 64;

/// A line of the content: its text without indentation and break, and its break.
struct Line<'a> {
    text: &'a str,
    start: usize,
    ending: Span,
}

/// The map of a block scalar whose content stands at `span` and means `expected`.
pub(super) fn map(source: &str, span: Span, style: Style, expected: &str) -> Option<OffsetMap> {
    if expected.bytes().all(|byte| byte == b'\n') {
        return Some(OffsetMap::default());
    }
    let first = line_start(source, span.start);
    let start = with_empty_lines_above(source, first);
    let body = source.get(start..span.end)?;
    // The content begins behind the indentation, unless its first line is empty.
    let likely = span.start - first;
    let widest = body.lines().map(leading_spaces).max().unwrap_or(0).min(INDENT_MAX);
    std::iter::once(likely).chain(0..=widest).find_map(|indent| {
        let lines = split(body, start, indent);
        let decoded = if style == Style::Literal { literal(&lines) } else { folded(&lines) };
        decoded.matching(expected, true)
    })
}

/// Empty lines above the first line of text belong to the content as well; the header is not empty.
fn with_empty_lines_above(source: &str, first: usize) -> usize {
    let mut start = first;
    while let Some(before) = source.get(..start).and_then(without_break) {
        let above = line_start(source, before.len());
        if !source.get(above..start).is_some_and(|line| line.trim().is_empty()) {
            break;
        }
        start = above;
    }
    start
}

/// The text without the line break that it ends with.
fn without_break(text: &str) -> Option<&str> {
    let text = text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest));
    text.filter(|rest| !rest.is_empty())
}

fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |found| found + 1)
}

fn leading_spaces(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

fn split(body: &str, base: usize, indent: usize) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let ending = match rest.as_bytes().get(length..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        let line = rest.get(..length).unwrap_or("");
        let skip = leading_spaces(line).min(indent);
        lines.push(Line {
            text: line.get(skip..).unwrap_or(""),
            start: base + at + skip,
            ending: Span::new(base + at + length, base + at + length + ending),
        });
        at += length + ending;
    }
    lines
}

fn literal(lines: &[Line<'_>]) -> Decoded {
    let mut out = Decoded::default();
    for line in lines {
        out.verbatim(line.text, line.start);
        feed(&mut out, line.ending);
    }
    out
}

/// A line feed that the file has as `ending`, if it has one.
fn feed(out: &mut Decoded, ending: Span) {
    if ending.end > ending.start {
        out.replaced("\n", ending);
    }
}

/// One break between two lines that begin with text is a space, each further one a line feed; breaks next
/// to a line that begins with a blank, and those at both ends, stay as they are.
fn folded(lines: &[Line<'_>]) -> Decoded {
    let mut out = Decoded::default();
    let mut before: Option<bool> = None;
    let mut pending: Vec<Span> = Vec::new();
    for line in lines {
        if !line.text.is_empty() {
            let indented = line.text.starts_with([' ', '\t']);
            fold(&mut out, &pending, before == Some(false) && !indented);
            pending.clear();
            out.verbatim(line.text, line.start);
            before = Some(indented);
        }
        pending.push(line.ending);
    }
    fold(&mut out, &pending, false);
    out
}

fn fold(out: &mut Decoded, breaks: &[Span], join: bool) {
    if let ([only], true) = (breaks, join) {
        return out.replaced(" ", *only);
    }
    for ending in breaks.iter().skip(usize::from(join)) {
        feed(out, *ending);
    }
}
