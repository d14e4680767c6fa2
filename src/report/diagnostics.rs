//! Diagnostics as text with carets, and as rows for programs.

use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::printable;
use crate::diagnostic::{Diagnostic, Label, Severity, Source, Span};

/// So many warnings with one code are shown to who asked for something else.
const FEW: usize = 10;

/// One diagnostic for a program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticRow {
    /// Stable.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// One sentence.
    pub message: String,
    /// The file, if there is one.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    /// From 1, in characters.
    pub column: Option<usize>,
    /// One past the last character, on the same line; the end of the line for a longer range.
    pub end_column: Option<usize>,
    /// How to mend it.
    pub help: Option<String>,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Rows for programs, in the order given.
pub fn diagnostic_rows(diagnostics: &[Diagnostic]) -> Vec<DiagnosticRow> {
    diagnostics.iter().map(row).collect()
}

fn row(diagnostic: &Diagnostic) -> DiagnosticRow {
    let source = diagnostic.source.as_deref();
    let place = source.zip(diagnostic.span()).map(|(source, span)| {
        let (line, column) = source.position(span.start);
        let (end_line, end_column) = source.position(span.end);
        (line, column, if end_line == line { end_column } else { column + 1 })
    });
    DiagnosticRow {
        code: diagnostic.code.0.to_owned(),
        severity: word(diagnostic.severity).to_owned(),
        message: diagnostic.message.clone(),
        file: source.map(|source| source.name.to_string()),
        line: place.map(|p| p.0),
        column: place.map(|p| p.1),
        end_column: place.map(|p| p.2),
        help: diagnostic.help.clone(),
        notes: diagnostic.notes.clone(),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// All of them for a person: header, place, caret, notes, help.
pub fn render_diagnostics(diagnostics: &[Diagnostic], colour: bool) -> String {
    render(diagnostics.iter(), colour)
}

/// For who asked for something else: all errors, of each kind of warning the first few, and how many more there are.
pub fn render_in_short(diagnostics: &[Diagnostic], colour: bool) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let is_shown = |diagnostic: &&Diagnostic| {
        let count = counts.entry(diagnostic.code.0).or_default();
        *count += usize::from(!diagnostic.is_error());
        diagnostic.is_error() || *count <= FEW
    };
    let shown: Vec<&Diagnostic> = diagnostics.iter().filter(is_shown).collect();
    let mut text = render(shown.into_iter(), colour);
    let more = counts.into_iter().filter(|(_, count)| *count > FEW);
    let more: Vec<String> = more.map(|(code, count)| format!("{} more of {code}", count - FEW)).collect();
    if !more.is_empty() {
        text.push_str(&format!("warning: {}\n  = help: `selfsame check` shows them\n\n", more.join(", ")));
    }
    text
}

fn render<'d>(diagnostics: impl Iterator<Item = &'d Diagnostic>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&renderer.render(&groups(diagnostic)));
        text.push_str("\n\n");
    }
    text
}

fn groups(diagnostic: &Diagnostic) -> Vec<Group<'_>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(printable(&diagnostic.message))
        .id(diagnostic.code.0)
        .elements(snippets(diagnostic));
    if let (Some(source), true) = (&diagnostic.source, diagnostic.labels.is_empty()) {
        group = group.element(annotate_snippets::Origin::path(printable(&*source.name)));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}

/// One snippet a source: the diagnostic's own first.
fn snippets(diagnostic: &Diagnostic) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
    let mut by_source: Vec<(&Source, Vec<(usize, &Label)>)> = Vec::new();
    for (number, label) in diagnostic.labels.iter().enumerate() {
        let Some(source) = label.source.as_deref().or(diagnostic.source.as_deref()) else { continue };
        match by_source.iter_mut().find(|(known, _)| known.name == source.name) {
            Some((_, labels)) => labels.push((number, label)),
            None => by_source.push((source, vec![(number, label)])),
        }
    }
    by_source
        .into_iter()
        .map(|(source, labels)| {
            Snippet::source(&*source.text).path(printable(&*source.name)).annotations(labels.into_iter().map(
                |(number, label)| {
                    let kind = if number == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                    kind.span(on_characters(&source.text, label.span)).label(label.text.as_str())
                },
            ))
        })
        .collect()
}

/// The renderer wants ranges inside the text and on character boundaries.
fn on_characters(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.min(text.len()));
    start..end.max(start)
}

/// `2 errors, 1 warning`, or nothing if there are none.
pub fn summary_line(diagnostics: &[Diagnostic]) -> Option<String> {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => None,
        (0, w) => Some(count(w, "warning")),
        (e, 0) => Some(count(e, "error")),
        (e, w) => Some(format!("{}, {}", count(e, "error"), count(w, "warning"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn sample() -> Diagnostic {
        let source = Source::new("specs/web.yaml", "spec:\n  match: exe == usr\n");
        Diagnostic::error(Code("M201"), "unknown field `usr`")
            .at(Span::new(22, 25), "no such field")
            .help("did you mean `user`?")
            .in_source(&source)
    }

    #[test]
    fn text_has_place_caret_and_help() {
        let text = render_diagnostics(&[sample()], false);
        for part in [
            "error[M201]: unknown field `usr`",
            "specs/web.yaml:2:17",
            "^^^ no such field",
            "help: did you mean `user`?",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn in_short_all_errors_and_the_first_of_many_warnings_are_shown() {
        let warnings = (0..FEW + 3).map(|n| Diagnostic::warning(Code("W103"), format!("the {n}th")));
        let others = [Diagnostic::warning(Code("W105"), "another"), sample(), sample()];
        let errors = (0..FEW + 3).map(|n| Diagnostic::error(Code("M201"), format!("mistake {n}")));
        let all: Vec<Diagnostic> = warnings.chain(others).chain(errors).collect();
        let text = render_in_short(&all, false);
        assert_eq!(text.matches("error[M201]").count(), FEW + 5);
        assert_eq!(text.matches("warning[W103]").count(), FEW);
        assert_eq!(text.matches("warning[W105]").count(), 1);
        assert!(text.contains("the 0th") && text.contains("warning: 3 more of W103\n"), "{text}");
        let few: Vec<Diagnostic> = all.into_iter().skip(3).collect();
        assert_eq!(render_in_short(&few, false), render_diagnostics(&few, false));
    }

    #[test]
    fn rows_count_from_one() {
        let rows = diagnostic_rows(&[sample()]);
        let row = rows.first();
        assert_eq!(row.and_then(|r| r.line), Some(2));
        assert_eq!(row.and_then(|r| r.column), Some(17));
        assert_eq!(row.and_then(|r| r.end_column), Some(20));
    }

    #[test]
    fn spans_outside_the_text_do_no_harm() {
        let source = Source::new("a", "é");
        let odd = Diagnostic::error(Code("X"), "odd").at(Span::new(1, 99), "").in_source(&source);
        assert!(render_diagnostics(&[odd], false).contains("odd"));
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary_line(&[]), None);
        assert_eq!(summary_line(&[sample()]).as_deref(), Some("1 error"));
    }
}
