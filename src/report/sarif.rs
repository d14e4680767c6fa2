//! Diagnostics as SARIF 2.1.0, the form that code scanning reads.
//!
//! Rules come from the registry of codes with their pages as help; a result points at its file, line and columns, and
//! has a fix where the help says what to put in that very place.

use serde_json::{Value, json};

use super::pages::{code_page, page_paragraph, page_text};
use crate::diagnostic::{Code, Diagnostic, Severity, Source, Span};

/// One run with these results. `codes` is every registered code.
pub fn sarif(diagnostics: &[Diagnostic], codes: &[(Code, &'static str)]) -> Value {
    let mut files: Vec<&str> = Vec::new();
    for source in diagnostics.iter().flat_map(sources) {
        if !files.contains(&&*source.name) {
            files.push(&source.name);
        }
    }
    let results: Vec<Value> = diagnostics.iter().map(|found| result(found, codes, &files)).collect();
    let artifacts: Vec<Value> =
        files.iter().map(|file| json!({ "location": { "uri": uri(file) } })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": codes.iter().map(|(code, words)| rule(*code, words)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "artifacts": artifacts,
            "results": results,
        }],
    })
}

fn sources(diagnostic: &Diagnostic) -> impl Iterator<Item = &Source> {
    let others = diagnostic.labels.iter().filter_map(|label| label.source.as_deref());
    diagnostic.source.as_deref().into_iter().chain(others)
}

fn rule(code: Code, words: &str) -> Value {
    let page = code_page(code.0);
    let full = page.as_ref().map_or(words, page_paragraph);
    let help = page.as_ref().map_or_else(|| words.to_owned(), page_text);
    json!({
        "id": code.0,
        "shortDescription": { "text": words },
        "fullDescription": { "text": full },
        "help": { "text": help },
        "defaultConfiguration": { "level": if is_warning(code) { "warning" } else { "error" } },
    })
}

/// By the class of the code: `W` and `S1`.
fn is_warning(code: Code) -> bool {
    code.0.starts_with('W') || code.0.starts_with("S1")
}

fn result(diagnostic: &Diagnostic, codes: &[(Code, &'static str)], files: &[&str]) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let notes = diagnostic.notes.iter().map(|note| format!("\nnote: {note}"));
    let help = diagnostic.help.iter().map(|help| format!("\nhelp: {help}"));
    let text: String = std::iter::once(diagnostic.message.clone()).chain(notes).chain(help).collect();
    let mut result = json!({
        "ruleId": diagnostic.code.0,
        "level": level,
        "message": { "text": text },
        "locations": [],
    });
    if let Some(index) = codes.iter().position(|(code, _)| *code == diagnostic.code) {
        put(&mut result, "ruleIndex", json!(index));
    }
    if let Some(source) = diagnostic.source.as_deref() {
        let place = location(source, diagnostic.span(), files, None);
        put(&mut result, "locations", json!([place]));
    }
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .skip(1)
        .filter_map(|label| {
            let source = label.source.as_deref().or(diagnostic.source.as_deref())?;
            Some(location(source, Some(label.span), files, Some(&label.text)))
        })
        .collect();
    if !related.is_empty() {
        put(&mut result, "relatedLocations", Value::from(related));
    }
    if let Some(fix) = fix(diagnostic, files) {
        put(&mut result, "fixes", json!([fix]));
    }
    result
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(key.to_owned(), value);
    }
}

fn location(source: &Source, span: Option<Span>, files: &[&str], message: Option<&str>) -> Value {
    let mut physical = json!({ "artifactLocation": artifact(source, files) });
    if let Some(span) = span {
        put(&mut physical, "region", region(source, span));
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(text) = message.filter(|text| !text.is_empty()) {
        put(&mut location, "message", json!({ "text": text }));
    }
    location
}

fn artifact(source: &Source, files: &[&str]) -> Value {
    let mut artifact = json!({ "uri": uri(&source.name) });
    if let Some(index) = files.iter().position(|file| **file == *source.name) {
        put(&mut artifact, "index", json!(index));
    }
    artifact
}

fn region(source: &Source, span: Span) -> Value {
    let (line, column) = source.position(span.start);
    let (end_line, end_column) = source.position(span.end);
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as a reference of a URI: relative ones stay relative, to the root of the checkout.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

/// Codes whose help names what belongs into the marked place, if the message quotes what stands there.
const REPLACED: &[&str] = &["M109", "M201", "M203", "M204", "M205", "S020", "S026"];

/// The mend as an edit, where it is sure to be one: the marked text is what the message speaks of, and the new text
/// needs no quoting in whatever it stands in.
fn fix(diagnostic: &Diagnostic, files: &[&str]) -> Option<Value> {
    let (source, span, help) =
        (diagnostic.source.as_deref()?, diagnostic.span()?, diagnostic.help.as_deref()?);
    let old = source.text.get(span.start..span.end)?;
    let new = ["write `", "did you mean `"].iter().find_map(|words| help.strip_prefix(words))?;
    let new = new.strip_suffix('`').or_else(|| new.strip_suffix("`?"))?;
    let plain = |text: &str| !text.is_empty() && !text.contains(['`', '"', '\'', '\\', '$', ' ', '#']);
    let sure = REPLACED.contains(&diagnostic.code.0) && diagnostic.message.contains(&format!("`{old}`"));
    (sure && plain(new)).then(|| {
        json!({
            "description": { "text": help },
            "artifactChanges": [{
                "artifactLocation": artifact(source, files),
                "replacements": [{
                    "deletedRegion": region(source, span),
                    "insertedContent": { "text": new },
                }],
            }],
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, expected) in [
            ("specs/web.yaml", "specs/web.yaml"),
            ("./specs/a b.yaml", "specs/a%20b.yaml"),
            ("/etc/specs/é:1.yaml", "file:///etc/specs/%C3%A9%3A1.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn only_a_sure_mend_is_an_edit() {
        let source = Source::new("a", "usr == 1 && a.nam");
        let row = |start, end, message: &str, help: &str| {
            let found = Diagnostic::error(Code("M203"), message).at(Span::new(start, end), "").help(help);
            let fix = fix(&found.in_source(&source), &["a"])?;
            let text = fix.pointer("/artifactChanges/0/replacements/0/insertedContent/text")?;
            text.as_str().map(str::to_owned)
        };
        assert_eq!(row(0, 3, "unknown field `usr`", "did you mean `user`?").as_deref(), Some("user"));
        assert_eq!(row(14, 17, "unknown field `a.nam`", "did you mean `a.name`?"), None);
        assert_eq!(row(0, 3, "unknown field `usr`", "write `\"usr\"` if a text is meant"), None);
    }
}
