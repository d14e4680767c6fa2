//! Diagnostics as annotations that a GitHub workflow shows at the line.

use super::diagnostics::{DiagnosticRow, diagnostic_rows};
use crate::diagnostic::Diagnostic;

/// One workflow command a line.
pub fn github_annotations(diagnostics: &[Diagnostic]) -> String {
    diagnostic_rows(diagnostics).iter().map(annotation).collect()
}

fn annotation(row: &DiagnosticRow) -> String {
    let mut properties = Vec::new();
    if let Some(file) = &row.file {
        properties.push(format!("file={}", property(file)));
    }
    for (name, value) in [("line", row.line), ("col", row.column), ("endColumn", row.end_column)] {
        properties.extend(value.map(|value| format!("{name}={value}")));
    }
    properties.push(format!("title={}", property(&row.code)));
    let help = row.help.as_ref().map_or_else(String::new, |help| format!("\nhelp: {help}"));
    format!("::{} {}::{}\n", row.severity, properties.join(","), data(&format!("{}{help}", row.message)))
}

/// What the runner takes for the end of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Source, Span};

    #[test]
    fn nothing_in_a_message_can_end_a_command() {
        let source = Source::new("a,b:c.yaml", "one\ntwo\n");
        let found = Diagnostic::warning(Code("W1"), "100%\n::error::x")
            .at(Span::new(4, 7), "")
            .help("mend")
            .in_source(&source);
        assert_eq!(
            github_annotations(&[found]),
            "::warning file=a%2Cb%3Ac.yaml,line=2,col=1,endColumn=4,title=W1::100%25%0A::error::x%0Ahelp: mend\n"
        );
    }
}
