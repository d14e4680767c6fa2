#![allow(clippy::unwrap_used, reason = "tests say what they expect")]

use std::fmt::Write as _;

use proptest::prelude::*;
use serde::Deserialize as _;
use serde_yaml::{Deserializer, Value};

use super::*;
use crate::yaml::{Parsed, build};

fn evident(text: &str) -> Option<Vec<Node>> {
    read(text, &Limits::default())
}

/// What is read here is what both readers of YAML read, positions included.
#[track_caller]
fn agrees(text: &str) {
    let Some(read) = evident(text) else { return };
    let Parsed { documents, diagnostics, .. } = build::build(text, &Limits::default());
    assert_eq!(diagnostics, [], "{text}");
    assert_eq!(documents, read, "{text}");
    let theirs = Deserializer::from_str(text).map(|theirs| Value::deserialize(theirs).unwrap());
    let theirs: Vec<Value> = theirs.collect();
    assert!(documents.len() == theirs.len() && documents.iter().zip(&theirs).all(same), "{text}{theirs:?}");
}

/// Whether the other reader of YAML found the same. Numbers and booleans have no text of their own any more.
fn same((node, theirs): (&Node, &Value)) -> bool {
    match (&node.kind, theirs) {
        (NodeKind::Scalar(scalar), Value::String(text)) => scalar.text == *text,
        (NodeKind::Scalar(scalar), Value::Number(_) | Value::Bool(_)) => scalar.style == Style::Plain,
        (NodeKind::Sequence(nodes), Value::Sequence(values)) => {
            nodes.len() == values.len() && nodes.iter().zip(values).all(same)
        }
        (NodeKind::Mapping(pairs), Value::Mapping(values)) => {
            let mut each = pairs.iter().zip(values);
            pairs.len() == values.len()
                && each.all(|((key, node), (name, value))| {
                    name.as_str() == Some(&key.text) && same((node, value))
                })
        }
        _ => false,
    }
}

#[test]
fn a_document_as_people_write_it_is_evident() {
    for text in [
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/x\n  args: []\n",
        "# said first\n\na: b c\n\n# and between\nb:\n  c: 'x: y # z'\n  d: \"null\"\n    # deeper\n  e: 10s",
        "a:\n- x\n- [1, 'b', {c: d}]\nb:\n    - /bin\n    - ''\nc: {}\nd: true\n",
        "a: {b: {c: [x]}, d: e}\nf: 007\ng: a:b\nh: x == \"y\" && !z\ni: ../x\n",
        "a: # c\n  - b: c  # d\n    e: [f] # g\n\n  -   h:\n        i: 'j'  # k\n      l: m\nm: ab  # o: p # q\n",
        "a: b\n---\n# c\na: b\n---\na:\n- b: c\n- d\n",
    ] {
        assert!(evident(text).is_some(), "{text}");
        agrees(text);
    }
}

#[test]
fn what_some_reader_may_see_otherwise_is_left_to_them() {
    for text in [
        "",
        "a",
        "- a\n",
        "a:\n",
        "a: \n",
        "a: b \n",
        "a: b#c\n",
        "a: b: c\n",
        "a: b:\n",
        "a:b\n",
        "\ta: b\n",
        "a: b\r\n",
        "a: é\n",
        "a: 'it''s'\n",
        "a: \"\\x41\"\n",
        "a: 'b' c\n",
        "a: 'b\n  c'\n",
        "a: b\n  c\n",
        "a: b\n c: d\n",
        " a: b\nc: d\n",
        "a: null\n",
        "a: ~\n",
        "a: !x y\n",
        "a: &x y\n",
        "a: *x\n",
        "a: |\n  x\n",
        "a: >-\n  x\n",
        "? a\n: b\n",
        "a: b\na: c\n",
        "a: {b: c, b: d}\n",
        "true: b\n",
        "1: b\n",
        "<<: b\n",
        "a: [b: c]\n",
        "a: [b,c]\n",
        "a: [b, ]\n",
        "a: [\n  b]\n",
        "a: {b}\n",
        "a: {b:c}\n",
        "a: {\"b\":c}\n",
        "a: [b] c\n",
        "a: b\n---\n",
        "---\na: b\n",
        "a: b\n--- c\n",
        "a: b\n--- # c\na: b\n",
        "a: b\n...\n",
        "%YAML 1.2\n",
        "a: @b\n",
        "a: `b\n",
        "a: %b\n",
        "a:\n  - - b\n",
        "a:\n  - b: c\n   d: e\n",
        "a:\n  - b c: d\n",
        "a:\n  -\n",
        "a: - b\n",
        "a: 1234567890123456789012\n",
        "a:\n  - b\n c: d\n",
        "a:\n  - b\n  c: d\n",
        "a:\n  - b\n    - c\n",
    ] {
        assert!(evident(text).is_none(), "{text:?}");
    }
}

/// Lines of keys, dashes and values, most of them well indented.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("x"),
        Just("true"),
        Just("no"),
        Just("1.5"),
        Just("0x1f"),
        Just("1e3"),
        Just("2001-01-01"),
        Just("12:30:45"),
        Just("a b"),
        Just("''"),
        Just("'a # b: c'"),
        Just("\"a, ]\""),
        Just("[]"),
        Just("[a, 'b', \"c\"]"),
        Just("{}"),
        Just("{k: v, l: [1]}"),
        Just("a {b"),
        Just("x ? y - z"),
        Just("$a ${b}"),
        Just("/a/*"),
        Just("x: y"),
        Just("null"),
        Just("a #b"),
        Just("# c: d"),
        Just("'a' # b"),
        Just("[a] # b"),
        Just("[a]# b"),
        Just("../a*"),
        Just("[a*, +b]"),
        Just("-1"),
        Just("[a"),
        Just("[a, b"),
        Just("[[a], {b: c}]"),
        Just("{b: c} d"),
        Just("1_000"),
        Just(".5"),
        Just("Infinity"),
        Just("a,b"),
        Just("x\\y"),
        Just("|"),
        Just("[a ]"),
        Just("[ a , b ]"),
        Just("{ a: b }"),
        Just("{a : b}"),
        Just("a:"),
        Just("a |"),
        Just("\"a\\n\""),
        Just("="),
    ];
    let head = prop_oneof![6 => Just("k"), 2 => Just("-"), 2 => Just("- k"), 1 => Just("---"), 1 => Just("# c"), 1 => Just(""), 1 => Just("k:")];
    let line = (0usize..4, head, proptest::option::weighted(0.7, word), 0u32..100);
    proptest::collection::vec(line, 1..8).prop_map(|lines| {
        let mut text = String::new();
        for (number, (indent, head, value, odd)) in lines.into_iter().enumerate() {
            let indent = if number == 0 { 0 } else { 2 * indent + usize::from(odd == 0) };
            let value = value.map(|value| format!(" {value}")).unwrap_or_default();
            let line = match head {
                "k" | "- k" => format!("{head}{}:{value}", if odd == 1 { 0 } else { number }),
                other => format!("{other}{value}"),
            };
            let _ = writeln!(text, "{:indent$}{line}", "");
        }
        text
    })
}

proptest! {
    #![proptest_config(crate::regressions::cases(2000))]

    #[test]
    fn what_is_evident_is_what_both_readers_read(
        text in texts(),
        mistakes in proptest::collection::vec((any::<prop::sample::Index>(), "[ -~\n]", any::<bool>()), 0..3),
    ) {
        let mut text = text;
        for (at, written, instead) in mistakes {
            let at = at.index(text.len());
            text.replace_range(at..at + usize::from(instead), &written);
        }
        agrees(&text);
    }
}
