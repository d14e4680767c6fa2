//! The second opinion: another reader of YAML must understand every text of a file in the same way. It isn't asked of texts about
//! which no two readers differ (`yaml/evident`).
//!
//! Readers of YAML differ in corners, and a tool that stops processes must not act on a text that its author
//! or their other tools read differently. Nothing is taken from here but agreement.

mod agreement;

use serde::Deserialize;
use serde_yaml::{Deserializer, Value};

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Node, NodeKind, Scalar};

use super::codes;

/// The first disagreement about a file, if there is one. Located in `text`, without a source.
pub fn disagreement(text: &str, documents: &[Node]) -> Option<Diagnostic> {
    if agreement::is_complete(text, documents) {
        return None;
    }
    let mut ours = documents.iter();
    for document in Deserializer::from_str(text) {
        let value = match Value::deserialize(document) {
            Ok(value) => value,
            Err(error) => return Some(refused(&error)),
        };
        match ours.next() {
            Some(node) => {
                if let Some(found) = compare(node, &value) {
                    return Some(found);
                }
            }
            // An empty text is one document that is null to some, and none to others.
            None if value.is_null() => {}
            None => return Some(differs(Span::new(text.len(), text.len()))),
        }
    }
    ours.next().map(|node| differs(node.span))
}

/// Their reason is left out: it speaks of types of a programming language.
fn refused(error: &serde_yaml::Error) -> Diagnostic {
    let at = error.location().map_or(0, |location| location.index());
    Diagnostic::error(codes::SECOND_OPINION, "other readers of YAML refuse this text")
        .at(Span::new(at, at), "")
        .help("write the value in single quotes, or as a block after `|`")
}

fn differs(span: Span) -> Diagnostic {
    Diagnostic::error(codes::SECOND_OPINION, "other readers of YAML understand this text differently")
        .at(span, "")
        .help("write the value in single quotes, or as a block after `|`")
}

fn compare(node: &Node, value: &Value) -> Option<Diagnostic> {
    match (&node.kind, value) {
        // What is refused was said already.
        (NodeKind::Refused, _) | (NodeKind::Null, Value::Null) => None,
        (NodeKind::Scalar(scalar), value) => (!same_text(scalar, value)).then(|| differs(node.span)),
        (NodeKind::Sequence(nodes), Value::Sequence(values)) if nodes.len() == values.len() => {
            nodes.iter().zip(values).find_map(|(node, value)| compare(node, value))
        }
        (NodeKind::Mapping(pairs), Value::Mapping(values)) if pairs.len() == values.len() => {
            pairs.iter().zip(values).find_map(|((key, node), (other, value))| {
                if same_text(key, other) { compare(node, value) } else { Some(differs(key.span)) }
            })
        }
        _ => Some(differs(node.span)),
    }
}

/// Numbers and booleans have no text of their own any more; only plain scalars become such.
fn same_text(scalar: &Scalar, value: &Value) -> bool {
    match value {
        Value::String(text) => *text == scalar.text,
        Value::Number(_) | Value::Bool(_) => scalar.style == crate::yaml::Style::Plain,
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => false,
    }
}
