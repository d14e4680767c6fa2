//! A file with its expressions in canonical form, and every other byte as it was.

use std::sync::Arc;

use super::edit::{Edit, apply};
use super::rewrite::{Left, Rewritten, rewrite};
use super::sites::{Site, sites};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::parse;
use crate::spec::{codes, second_opinion};
use crate::yaml::{self, Node, NodeKind, Style};

/// A byte order mark.
const MARK: &str = "\u{feff}";

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Formatted {
    /// The whole text afterwards.
    pub text: String,
    /// The way there; none: it is as it should be.
    pub edits: Vec<Edit>,
    /// What the author may wonder about, in order.
    pub remarks: Vec<Remark>,
}

/// A remark on one expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// Where.
    pub span: Span,
    /// A sentence.
    pub text: String,
}

/// Formats the expressions of a file. Documents of others are not looked into.
///
/// # Errors
/// What is wrong with its YAML or with the form of an expression, located: such a file is left alone. Unknown names
/// and wrong types are no obstacle. A byte order mark is no column, as in `check`.
pub fn format(source: &Arc<Source>) -> Result<Formatted, Vec<Diagnostic>> {
    let Some(rest) = source.text.strip_prefix(MARK) else { return unmarked(source) };
    let mut formatted = unmarked(&Source::new(&source.name, rest))?;
    formatted.text.insert_str(0, MARK);
    let behind = |span: Span| Span::new(span.start + MARK.len(), span.end + MARK.len());
    formatted.edits.iter_mut().for_each(|edit| edit.span = behind(edit.span));
    formatted.remarks.iter_mut().for_each(|remark| remark.span = behind(remark.span));
    Ok(formatted)
}

fn unmarked(source: &Arc<Source>) -> Result<Formatted, Vec<Diagnostic>> {
    let parsed = yaml::parse(source, &yaml::Limits::default());
    let mut errors = parsed.diagnostics;
    if errors.is_empty() {
        errors.extend(second_opinion(&source.text, &parsed.documents).map(|found| found.in_source(source)));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut work = Work { source, edits: Vec::new(), remarks: Vec::new(), errors: Vec::new() };
    for site in parsed.documents.iter().flat_map(|document| sites(&source.text, document)) {
        work.site(&site);
    }
    if !work.errors.is_empty() {
        return Err(work.errors);
    }
    let text = apply(&source.text, &work.edits);
    if !work.edits.is_empty() && !same_meaning(&parsed.documents, &text) {
        // Not known to happen; better no formatting than another meaning.
        let remark =
            Remark { span: Span::default(), text: "left as it is: YAML would read it differently".into() };
        return Ok(Formatted { text: source.text.to_string(), edits: Vec::new(), remarks: vec![remark] });
    }
    Ok(Formatted { text, edits: work.edits, remarks: work.remarks })
}

struct Work<'a> {
    source: &'a Arc<Source>,
    edits: Vec<Edit>,
    remarks: Vec<Remark>,
    errors: Vec<Diagnostic>,
}

impl Work<'_> {
    fn site(&mut self, site: &Site<'_>) {
        if let Some(comment) = site.scalar.comment {
            let diagnostic =
                Diagnostic::error(codes::CUT_EXPRESSION, format!("a comment ends `{}` here", site.path))
                    .at(comment, "not part of the expression")
                    .help("move it to a line of its own")
                    .in_source(self.source);
            return self.errors.push(diagnostic);
        }
        match rewrite(&self.source.text, site) {
            Ok(rewritten) => self.take(site, rewritten),
            Err(Left::Mistakes(found)) => self.errors.extend(found.into_iter().map(|diagnostic| {
                let located = diagnostic.map_spans(|span| {
                    let span = site.scalar.source_span(span);
                    Span::new(span.start.min(site.scalar.span.end), span.end.min(site.scalar.span.end))
                });
                located.note(format!("in `{}`", site.path)).in_source(self.source)
            })),
            Err(Left::Comment(span)) => self.remark(
                site.scalar.source_span(span),
                format!("`{}` is left as it is: this comment would get lost", site.path),
            ),
            Err(Left::TooLong) => self.remark(
                site.scalar.span,
                format!("`{}` is left as it is: its canonical text would be too long", site.path),
            ),
            Err(Left::Style) => self.remark(
                site.scalar.span,
                format!("`{}` is left as it is: write it as a block after `|`", site.path),
            ),
        }
    }

    fn take(&mut self, site: &Site<'_>, rewritten: Rewritten) {
        let Rewritten { span, text, style } = rewritten;
        if self.source.text.get(span.start..span.end) == Some(text.as_str()) {
            return;
        }
        if style != site.scalar.style {
            let now = match style {
                Style::Plain => "without quotes",
                Style::SingleQuoted => "in single quotes",
                Style::DoubleQuoted => "in double quotes",
                Style::Literal | Style::Folded => "a block",
            };
            self.remark(span, format!("`{}` is now {now}, or YAML would read another text", site.path));
        }
        self.edits.push(Edit { span, text });
    }

    fn remark(&mut self, span: Span, text: String) {
        self.remarks.push(Remark { span, text });
    }
}

/// Whether a text has the same documents, expressions compared by meaning and all else by text.
fn same_meaning(before: &[Node], text: &str) -> bool {
    let source = Source::new("formatted", text);
    let parsed = yaml::parse(&source, &yaml::Limits::default());
    parsed.diagnostics.is_empty()
        && second_opinion(text, &parsed.documents).is_none()
        && before.len() == parsed.documents.len()
        && before.iter().zip(&parsed.documents).all(|(a, b)| same(a, b))
}

fn same(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (NodeKind::Scalar(a), NodeKind::Scalar(b)) => same_text(&a.text, &b.text),
        (NodeKind::Sequence(a), NodeKind::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (NodeKind::Mapping(a), NodeKind::Mapping(b)) => {
            let pair = |((key, value), (other, new)): (&(yaml::Scalar, Node), &(yaml::Scalar, Node))| {
                same_text(&key.text, &other.text) && same(value, new)
            };
            a.len() == b.len() && a.iter().zip(b).all(pair)
        }
        (NodeKind::Null, NodeKind::Null) | (NodeKind::Refused, NodeKind::Refused) => true,
        _ => false,
    }
}

fn same_text(a: &str, b: &str) -> bool {
    let meaning = |text: &str| {
        let parsed = parse(text);
        parsed.expr.filter(|_| parsed.diagnostics.is_empty()).map(|expr| expr.to_string())
    };
    a == b || meaning(a).is_some_and(|a| meaning(b) == Some(a))
}
