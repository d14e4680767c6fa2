//! A spec file: positioned YAML, the second opinion, and the whole load.

use std::path::PathBuf;

use selfsame::diagnostic::{Source, Span};
use selfsame::process::expression::check_in_document;
use selfsame::spec::{ExpressionRequest, Limits, LoadContext, NoModules, SpecFile, load};
use selfsame::yaml::{self, Node, NodeKind, Scalar, Style};
use serde::Deserialize as _;
use serde_yaml::Value;

pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        positions(text);
        formats_for_good(text);
    }
    let compile = |request: &ExpressionRequest<'_>| {
        check_in_document(request.text, request.variables.clone(), request.replaces, request.library)
            .diagnostics
    };
    let context = LoadContext {
        limits: Limits::default(),
        compile: &compile,
        names: None,
        modules: &NoModules,
        held: None,
        host: None,
    };
    let file = |name: &str| SpecFile {
        name: name.to_owned(),
        directory: PathBuf::from("/etc/selfsame"),
        bytes: data.to_vec().into(),
    };
    let loaded = load(&[file("a.yaml")], &context);
    let one = &loaded.files[0];
    super::assert_shown(&one.diagnostics, &one.source);
    let refused = one.diagnostics.iter().any(selfsame::diagnostic::Diagnostic::is_error);
    assert_eq!(one.rejected().is_some(), refused);
    assert!(one.services().is_empty() || !refused, "of a refused file nothing counts");
    if !refused {
        let text = &*one.source.text;
        agrees(text);
        for service in one.services() {
            let json = serde_json::to_string(service).unwrap();
            assert_eq!(
                &serde_json::from_str::<selfsame::spec::Service>(&json).unwrap(),
                &**service,
                "in the ledger"
            );
            assert!(one.declares.contains(&service.name));
        }
    }
    // What stands in two files, and isn't for some hosts only, is in force in neither, and the second reading says the same.
    let both = load(&[file("a.yaml"), file("b.yaml")], &context);
    assert_eq!(both.files[1].services().len(), one.services().len());
    assert_eq!(both.services().filter(|service| service.hosts.is_none()).count(), 0);
    let everywhere = one.services().iter().filter(|service| service.hosts.is_none()).count();
    assert_eq!(both.duplicates.len(), everywhere);
}

/// A formatted file stays as it is.
fn formats_for_good(text: &str) {
    let Ok(formatted) = selfsame::editor::format(&Source::new("a.yaml", text)) else { return };
    let again = selfsame::editor::format(&Source::new("a.yaml", formatted.text.as_str()));
    assert_eq!(again.map(|again| again.text), Ok(formatted.text));
}

/// Every part of every scalar has a place in the text, on characters.
fn positions(text: &str) {
    let source = Source::new("a.yaml", text);
    let parsed = yaml::parse(&source, &yaml::Limits::default());
    super::assert_shown(&parsed.diagnostics, &source);
    let mut open: Vec<&Node> = parsed.documents.iter().collect();
    while let Some(node) = open.pop() {
        assert!(text.get(node.span.start..node.span.end).is_some(), "{node:?}");
        match &node.kind {
            NodeKind::Scalar(scalar) => scalar_places(text, scalar),
            NodeKind::Sequence(items) => open.extend(items),
            NodeKind::Mapping(pairs) => {
                for (key, value) in pairs {
                    scalar_places(text, key);
                    open.push(value);
                }
            }
            NodeKind::Null | NodeKind::Refused => {}
        }
    }
}

fn scalar_places(text: &str, scalar: &Scalar) {
    assert!(text.get(scalar.span.start..scalar.span.end).is_some(), "{scalar:?}");
    let mut behind = 0;
    for (at, letter) in scalar.text.char_indices() {
        let place = scalar.source_span(Span::new(at, at + letter.len_utf8()));
        let written = text.get(place.start..place.end).unwrap_or_else(|| panic!("{place:?} of {scalar:?}"));
        assert!(place.start >= behind, "places go forward: {scalar:?}");
        behind = place.start;
        // What is written plainly is found where it is written.
        let folded = letter == ' ' || letter == '\n' || scalar.style == Style::DoubleQuoted;
        assert!(folded || written.starts_with(letter), "{letter:?} is not {written:?} in {scalar:?}");
    }
}

/// An accepted text means the same to another reader: its values, word by word.
fn agrees(text: &str) {
    let source = Source::new("a.yaml", text);
    let parsed = yaml::parse(&source, &yaml::Limits::default());
    let mut theirs =
        serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap());
    for node in &parsed.documents {
        same(node, &theirs.next().expect("as many documents"));
    }
    assert!(theirs.all(|rest| rest.is_null()), "more documents");
}

fn same(node: &Node, value: &Value) {
    match (&node.kind, value) {
        (NodeKind::Null, Value::Null) => {}
        (NodeKind::Scalar(scalar), value) => same_scalar(scalar, value),
        (NodeKind::Sequence(nodes), Value::Sequence(values)) => {
            assert_eq!(nodes.len(), values.len());
            nodes.iter().zip(values).for_each(|(node, value)| same(node, value));
        }
        (NodeKind::Mapping(pairs), Value::Mapping(values)) => {
            assert_eq!(pairs.len(), values.len());
            for ((key, node), (other, value)) in pairs.iter().zip(values) {
                same_scalar(key, other);
                same(node, value);
            }
        }
        _ => panic!("{node:?} is {value:?}"),
    }
}

fn same_scalar(scalar: &Scalar, value: &Value) {
    match value {
        Value::String(text) => assert_eq!(*text, scalar.text),
        Value::Number(_) | Value::Bool(_) => {
            assert_eq!(scalar.style, Style::Plain);
            let alone: Value = serde_yaml::from_str(&scalar.text).unwrap();
            // Not a number is not equal to itself.
            assert_eq!(format!("{alone:?}"), format!("{value:?}"));
        }
        other => panic!("{scalar:?} is {other:?}"),
    }
}
