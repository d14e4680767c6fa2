//! Values of the Language Server Protocol, version 3.17.

use serde_json::{Value, json};

use super::complete::{Suggestion, What};
use super::text::{Encoding, Position, Text};
use crate::diagnostic::{Diagnostic, Severity, Source, Span};

/// A position, if it is one.
pub(super) fn position(value: &Value) -> Option<Position> {
    let number = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
    Some(Position { line: number("line")?, character: number("character")? })
}

/// Start and end, if it is a range.
pub(super) fn positions(value: &Value) -> Option<(Position, Position)> {
    Some((position(value.get("start")?)?, position(value.get("end")?)?))
}

/// A span as a range.
pub(super) fn range(text: &Text, span: Span) -> Value {
    let place = |at: usize| {
        let Position { line, character } = text.position(at);
        json!({ "line": line, "character": character })
    };
    json!({ "start": place(span.start), "end": place(span.end) })
}

/// Markdown.
pub(super) fn markdown(text: &str) -> Value {
    json!({ "kind": "markdown", "value": text })
}

/// A diagnostic of the document `uri`. Its help and notes follow the message, its other places are related.
pub(super) fn diagnostic(uri: &str, text: &Text, diagnostic: &Diagnostic) -> Value {
    let mut message = diagnostic.message.clone();
    if let Some(label) = diagnostic.labels.first().filter(|label| !label.text.is_empty()) {
        message.push_str(&format!(": {}", label.text));
    }
    for note in &diagnostic.notes {
        message.push_str(&format!("\nnote: {note}"));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .skip(1)
        .map(|label| {
            let location = match &label.source {
                None => json!({ "uri": uri, "range": range(text, label.span) }),
                Some(source) => location(source, label.span, text.encoding()),
            };
            json!({ "location": location, "message": label.text })
        })
        .collect();
    json!({
        "range": range(text, diagnostic.span().unwrap_or_default()),
        "severity": match diagnostic.severity { Severity::Error => 1, Severity::Warning => 2 },
        "code": diagnostic.code.0,
        "source": "selfsame",
        "message": message,
        "relatedInformation": related,
    })
}

/// A place in a file that need not be open.
pub(super) fn location(source: &Source, span: Span, encoding: Encoding) -> Value {
    let text = Text::new(source.text.to_string(), encoding);
    json!({ "uri": uri_of(&source.name), "range": range(&text, span) })
}

/// The URI of a file by its absolute path; anything else is a URI already.
fn uri_of(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encoded = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("file://{}", encoded.collect::<String>())
}

/// A suggestion that replaces `span`.
pub(super) fn suggestion(text: &Text, span: Span, suggestion: &Suggestion, snippets: bool) -> Value {
    let kind = match suggestion.what {
        What::Field => 5,
        What::Function => 3,
        What::Variable => 6,
        What::Word => 20,
        What::Operator => 24,
    };
    let snippet = suggestion.snippet.as_ref().filter(|_| snippets);
    let mut item = json!({
        "label": suggestion.label,
        "kind": kind,
        "detail": suggestion.detail,
        "sortText": format!("{}{}", suggestion.rank, suggestion.label),
        "insertTextFormat": if snippet.is_some() { 2 } else { 1 },
        "textEdit": { "range": range(text, span), "newText": snippet.unwrap_or(&suggestion.label) },
    });
    if let (Value::Object(item), false) = (&mut item, suggestion.documentation.is_empty()) {
        item.insert("documentation".into(), markdown(&suggestion.documentation));
    }
    item
}

/// The path that a URI of a file names; of another, the URI itself.
pub(super) fn path_of(uri: &str) -> String {
    let Some(rest) = uri.strip_prefix("file://") else { return uri.to_owned() };
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest);
    let mut bytes = Vec::new();
    let mut left = path.as_bytes();
    while let Some((first, rest)) = left.split_first() {
        let code = rest.get(..2).filter(|_| *first == b'%');
        let byte = code
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        left = if byte.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
