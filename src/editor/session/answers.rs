//! What requests about open documents yield.

use serde_json::{Value, json};

use super::{Answer, Document, Session, missing};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::editor::Edit;
use crate::editor::complete::complete;
use crate::editor::diagnose::{Around, fix, is_ours};
use crate::editor::format::format;
use crate::editor::hover::{definition, hover, signature};
use crate::editor::protocol::{self, markdown, positions, range};

impl Session {
    pub(super) fn hover(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| hover(text, at, &document.library));
        Ok(found.map_or(
            Value::Null,
            |(span, text)| json!({ "contents": markdown(&text), "range": range(&document.text, span) }),
        ))
    }

    pub(super) fn definition(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| definition(text, at, &document.library));
        Ok(found.map_or(Value::Null, |(source, span)| protocol::location(&source, span, self.encoding)))
    }

    pub(super) fn completion(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| complete(text, at, &document.library));
        let (span, suggestions) = found.unwrap_or((Span::new(at, at), Vec::new()));
        let row = |one| protocol::suggestion(&document.text, span, one, self.snippets);
        let items: Vec<Value> = suggestions.iter().map(row).collect();
        Ok(json!({ "isIncomplete": false, "items": items }))
    }

    pub(super) fn signature(&self, params: &Value) -> Answer {
        let (document, at) = self.pointed(params)?;
        let found = ours(document).and_then(|text| signature(text, at, &document.library));
        Ok(found.map_or(Value::Null, |found| {
            let parameters: Vec<Value> =
                found.parameters.iter().map(|label| json!({ "label": label })).collect();
            let signature = json!({
                "label": found.label,
                "documentation": markdown(&found.documentation),
                "parameters": parameters,
            });
            json!({ "signatures": [signature], "activeSignature": 0, "activeParameter": found.active })
        }))
    }

    /// Nothing for a document with mistakes: its diagnostics say why.
    pub(super) fn formatting(&self, params: &Value) -> Answer {
        let (uri, document) = self.document(params)?;
        let source = Source::new(protocol::path_of(uri), document.text.as_str());
        let edits = format(&source).map(|formatted| formatted.edits).unwrap_or_default();
        let row = |edit: &Edit| json!({ "range": range(&document.text, edit.span), "newText": edit.text });
        Ok(json!(edits.iter().map(row).collect::<Vec<_>>()))
    }

    pub(super) fn code_actions(&self, params: &Value) -> Answer {
        let (uri, document) = self.document(params)?;
        let (from, to) = params.get("range").and_then(positions).ok_or_else(|| missing("range"))?;
        let asked = Span::new(document.text.offset(from), document.text.offset(to));
        let touched = |diagnostic: &&Diagnostic| {
            diagnostic.span().is_some_and(|span| span.start <= asked.end && asked.start <= span.end)
        };
        let (name, files) = (protocol::path_of(uri), self.around(uri));
        let around = Around { files: &files, modules: &*self.modules };
        let mut actions = Vec::new();
        for diagnostic in document.diagnostics.iter().filter(touched) {
            let Some(fix) = fix(&name, document.text.as_str(), around, diagnostic) else { continue };
            let edit = json!({ "range": range(&document.text, fix.edit.span), "newText": fix.edit.text });
            actions.push(json!({
                "title": fix.title,
                "kind": "quickfix",
                "diagnostics": [protocol::diagnostic(uri, &document.text, diagnostic)],
                "isPreferred": fix.preferred,
                "edit": { "changes": { uri: [edit] } },
            }));
        }
        Ok(json!(actions))
    }
}

/// The text of a document, if it is one of ours.
fn ours(document: &Document) -> Option<&str> {
    Some(document.text.as_str()).filter(|text| is_ours(text))
}
