#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

use proptest::prelude::*;
use serde::Deserialize;
use serde_yaml::Value;

use super::*;

fn read(text: &str) -> (Parsed, Arc<Source>) {
    let source = Source::new("t", text);
    (parse(&source, &Limits::default()), source)
}

/// The scalar under the key `m` of the only document.
#[track_caller]
fn scalar_of(text: &str) -> Scalar {
    let (parsed, _) = read(text);
    assert_eq!(parsed.diagnostics, [], "{text:?}");
    parsed.documents[0].get("m").and_then(Node::scalar).cloned().unwrap_or_else(|| panic!("{text:?}"))
}

/// `needle` in the decoded text stands in the source where `needle` stands there.
#[track_caller]
fn check_caret(text: &str, needle: &str, written: &str) {
    let scalar = scalar_of(text);
    let at = scalar.text.find(needle).unwrap_or_else(|| panic!("no {needle:?} in {:?}", scalar.text));
    let span = scalar.source_span(Span::new(at, at + needle.len()));
    assert_eq!(&text[span.start..span.end], written, "{text:?} {needle:?}");
    if text.matches(written).count() == 1 {
        assert_eq!(Some(span.start), text.find(written), "{text:?} {needle:?}");
    }
}

#[test]
fn carets_are_exact_in_every_style() {
    for (text, needle, written) in [
        ("m: exe == usr\n", "usr", "usr"),
        ("m: exe ==\n  a\n\n  usr\n", "usr", "usr"),
        ("m: exe ==\n  a usr\n", "a usr", "a usr"),
        ("m: 'it''s usr'\n", "usr", "usr"),
        ("m: 'it''s usr'\n", "'", "''"),
        ("m: 'a\n\n   usr'\n", "usr", "usr"),
        ("m: \"a\\tusr\"\n", "usr", "usr"),
        ("m: \"a\\tusr\"\n", "\t", "\\t"),
        ("m: \"a\\u00e9usr\"\n", "é", "\\u00e9"),
        ("m: \"a \\\n   \\  usr\"\n", "usr", "usr"),
        ("m: |\n  a\n    usr\n", "usr", "usr"),
        ("m: |2-\n    usr\n   b", "usr", "usr"),
        ("m: |\n\n\n  usr", "usr", "usr"),
        ("m: >-\n  a\n  usr\n\n  b\n", "usr", "usr"),
        ("m: >\n  a\n   c\n  usr\n\n  b\n", "usr", "usr"),
        ("m: |\r\n  a\r\n  usr\r\n", "usr", "usr"),
        ("\u{feff}m: a\r\n  usr\r\n", "usr", "usr"),
        ("m: >\r\n  é\r\n  usr\r\n", "usr", "usr"),
    ] {
        check_caret(text, needle, written);
    }
}

#[test]
fn a_span_over_a_fold_covers_the_break_and_the_indentation() {
    check_caret("m: a bb\n   cc d\n", "bb cc", "bb\n   cc");
    check_caret("m: >\n  a bb\n  cc d\n", "bb cc", "bb\n  cc");
}

#[test]
fn an_empty_span_at_the_end_stands_behind_the_text() {
    for (text, expected) in [("m: abc\n", 6), ("m: 'abc'\n", 7), ("m: |-\n  abc\n", 11)] {
        let scalar = scalar_of(text);
        let end = scalar.text.len();
        assert_eq!(scalar.source_span(Span::new(end, end)), Span::new(expected, expected), "{text:?}");
    }
}

/// Codes with positions, as `Y005@2:3`.
fn complaints(text: &str) -> Vec<String> {
    let (parsed, source) = read(text);
    parsed
        .diagnostics
        .iter()
        .map(|d| {
            let (line, column) = source.position(d.span().map_or(0, |span| span.start));
            format!("{}@{line}:{column}", d.code.0)
        })
        .collect()
}

#[test]
fn what_changes_a_value_is_refused() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", vec!["Y005@3:1"]),
        ("a: {x: 1, x: 2}\nb: {y: 1, y: 1}\n", vec!["Y005@1:11", "Y005@2:11"]),
        ("'a': 1\na: 3\n", vec!["Y005@2:1"]),
        ("match: !foo(exe)\n", vec!["Y006@1:8"]),
        ("match: !(exe == \"x\")\n", vec!["Y006@1:8"]),
        ("match: !exe == \"x\"\n", vec!["Y006@1:8"]),
        ("a: !!str 1\nb: !x [1]\nc: !y {a: 1}\n", vec!["Y006@1:4", "Y006@2:4", "Y006@3:4"]),
        ("match: &x && y\n", vec!["Y007@1:8", "Y003@1:11"]),
        ("a: &x b\nc: *x\nd: *y\n", vec!["Y007@1:4", "Y008@2:4", "Y008@3:4"]),
        ("a: {<<: {b: c}}\n", vec!["Y009@1:5"]),
        ("? [a]\n: b\n? {c: d}\n: e\n: f\n", vec!["Y010@1:3", "Y010@3:3", "Y010@5:1"]),
        ("a:\n\tb: c\n", vec!["Y003@2:1"]),
        ("a: b\0c\n", vec!["Y002@1:5"]),
        ("a: b\u{2028}c\n", vec!["Y002@1:5"]),
        ("a: b\u{feff}c\n", vec!["Y002@1:5"]),
        ("%YAML 1.2\n---\na: b\n", vec!["Y003@1:1"]),
        ("match: \"www\" == user\n", vec!["Y003@1:14"]),
        ("match: exe == \"a: b\"\n", vec!["Y003@1:17"]),
        ("match: a == 1 # c\n  && b\n", vec!["Y003@1:15"]),
        ("a: [b, c\n", vec!["Y003@1:4"]),
        ("a: b\nc d\ne: f\n", vec!["Y003@2:1"]),
    ] {
        assert_eq!(complaints(text), expected, "{text:?}");
    }
}

#[test]
fn a_key_that_stands_twice_is_found_in_mappings_of_every_size() {
    for size in [1, 15, 16, 17, 40] {
        for again in [0, size / 2, size - 1] {
            let keys: String = (0..size).map(|key| format!("k{key}: v\n")).collect();
            let text = format!("{keys}k{again}: v\nk{again}: v\nother: v\n");
            let (parsed, source) = read(&text);
            let said: Vec<_> = parsed.diagnostics.iter().map(|said| said.code).collect();
            assert_eq!(said, [codes::DUPLICATE_KEY; 2], "{again} of {size}");
            for said in &parsed.diagnostics {
                let first = said.labels[1].span;
                assert_eq!(source.text[first.start..].lines().next(), Some(&*format!("k{again}: v")));
                assert!(said.labels[0].span.start > first.start);
                assert_eq!(Some(first.start), source.text.find(&format!("k{again}:")));
            }
        }
    }
}

#[test]
fn help_can_be_pasted() {
    for (text, expected) in [
        ("match: !foo(exe)\n", "write `not foo(exe)`, or the value in single quotes: '!foo(exe)'"),
        (
            "match: !(exe == 'x')\n",
            "write `not (exe == 'x')`, or the value in single quotes: '!(exe == ''x'')'",
        ),
        (
            "  match: \"www\" == user\n",
            "put the whole value in single quotes, `match: '\"www\" == user'`, or write it as a block after `|`",
        ),
        (
            "match: exe == \"a: b\"\n",
            "put the whole value in single quotes, `match: 'exe == \"a: b\"'`, or write it as a block after `|`",
        ),
        (
            "a: b\n  c: d\n",
            "check the indentation: the value of a key stands on its line or is indented deeper",
        ),
        ("a:\n\tb: c\n", "use spaces"),
    ] {
        let (parsed, _) = read(text);
        assert_eq!(parsed.diagnostics[0].help.as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn a_syntax_error_gives_no_document() {
    let (parsed, _) = read("a: 1\n---\nb: [\n");
    assert!(parsed.documents.is_empty());
    assert_eq!(parsed.diagnostics.len(), 1);
}

#[test]
fn omitted_values_and_null_are_null_and_quoted_words_are_not() {
    let (parsed, _) = read("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: {g: , h}\n");
    let root = &parsed.documents[0];
    for (key, null) in [("a", true), ("b", true), ("c", true), ("d", false), ("e", false)] {
        assert_eq!(root.get(key).unwrap().kind == NodeKind::Null, null, "{key}");
    }
    assert_eq!(root.get("f").unwrap().get("h").unwrap().kind, NodeKind::Null);
}

#[test]
fn documents_are_counted_and_an_empty_text_has_none() {
    for (text, count) in [("", 0), ("# c\n", 0), ("a: b\n", 1), ("---\n---\na: b\n...\n", 2)] {
        assert_eq!(read(text).0.documents.len(), count, "{text:?}");
    }
}

#[test]
fn only_a_comment_that_can_cut_a_plain_value_is_remembered() {
    assert!(scalar_of("m: a == 1 # c && b\n").comment.is_some());
    assert!(scalar_of("m: 'a == 1' # c && b\n").comment.is_none());
    assert!(scalar_of("m: a\n# c\n").comment.is_none());
    assert!(scalar_of("m: |  # c\n  a\n").comment.is_none());
}

#[test]
fn depth_and_size_are_limited() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let nested = |levels: usize| format!("{}{}", open.repeat(levels), close.repeat(levels));
        assert_eq!(complaints(&nested(64)), Vec::<String>::new());
        assert!(complaints(&nested(65))[0].starts_with("Y004"));
    }
    assert!(complaints(&"[".repeat(100_000))[0].starts_with("Y004"));
    let blocks: String = (0..70).flat_map(|level| [" ".repeat(level), "a:\n".to_owned()]).collect();
    assert!(complaints(&blocks)[0].starts_with("Y004"));
    assert!(complaints(&" ".repeat((1 << 20) + 1))[0].starts_with("Y001"));
}

/// One piece of a generated scalar.
#[derive(Clone, Debug)]
enum Piece {
    Word,
    Escape,
    Quote,
    Blanks(usize),
    /// Blanks before the break, further empty lines, extra indentation.
    Break(usize, usize, usize),
    EscapedBreak(usize),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        4 => Just(Piece::Word),
        1 => Just(Piece::Escape),
        1 => Just(Piece::Quote),
        3 => (1usize..3).prop_map(Piece::Blanks),
        3 => (0usize..2, 0usize..3, 0usize..3).prop_map(|(a, b, c)| Piece::Break(a, b, c)),
        1 => (0usize..2).prop_map(Piece::EscapedBreak),
    ];
    proptest::collection::vec(piece, 0..12)
}

/// A document `m: <scalar>`, and the words and escapes in it as (decoded, written).
fn write(style: Style, pieces: &[Piece], crlf: bool, header: &str) -> (String, Vec<(String, String)>) {
    let newline = if crlf { "\r\n" } else { "\n" };
    let mut names = Vec::new();
    let mut body = String::new();
    let mut number = 0x4e00;
    for piece in pieces {
        number += 1;
        match piece {
            Piece::Word | Piece::Escape => {
                let character = char::from_u32(number).unwrap();
                let word = format!("w{character}");
                let escaped = matches!(piece, Piece::Escape) && style == Style::DoubleQuoted;
                let written = if escaped { format!("w\\u{number:04x}") } else { word.clone() };
                body.push_str(&written);
                names.push((word, written));
            }
            Piece::Quote if style == Style::SingleQuoted => body.push_str("''"),
            Piece::Quote => body.push('x'),
            Piece::Blanks(count) => body.push_str(&" ".repeat(*count)),
            Piece::Break(blanks, empty, indent) => {
                body.push_str(&" ".repeat(*blanks));
                body.push_str(&newline.repeat(empty + 1));
                body.push_str(&" ".repeat(2 + indent));
            }
            Piece::EscapedBreak(empty) if style == Style::DoubleQuoted => {
                body.push('\\');
                body.push_str(&newline.repeat(empty + 1));
                body.push_str("   ");
            }
            Piece::EscapedBreak(_) => body.push('y'),
        }
    }
    let text = match style {
        Style::Plain => format!("m: a{body}z{newline}n: 1{newline}"),
        Style::SingleQuoted => format!("m: '{body}'{newline}"),
        Style::DoubleQuoted => format!("m: \"{body}\" # c{newline}"),
        Style::Literal => format!("m: |{header}{newline}  {body}{newline}n: 1{newline}"),
        Style::Folded => format!("m: >{header}{newline}  {body}{newline}"),
    };
    (text, names)
}

fn decoded_by_serde(text: &str) -> Option<Value> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    Value::deserialize(documents.next()?).ok()
}

proptest! {
    #![proptest_config(crate::regressions::cases(600))]

    #[test]
    fn decoded_text_is_that_of_serde_and_every_word_is_found_in_the_source(
        style in prop_oneof![
            Just(Style::Plain), Just(Style::SingleQuoted), Just(Style::DoubleQuoted), Just(Style::Literal), Just(Style::Folded)
        ],
        pieces in pieces(),
        crlf in any::<bool>(),
        nested in any::<bool>(),
        header in prop_oneof![Just(""), Just("-"), Just("+"), Just("2"), Just("2-"), Just("-  # c")],
    ) {
        let (text, names) = write(style, &pieces, crlf, header);
        let text = if nested { format!("o:\n{}", text.split_inclusive('\n').flat_map(|line| ["  ", line]).collect::<String>()) } else { text };
        // What libyaml refuses, and what we refuse, is not compared; both are rare here.
        let Some(value) = decoded_by_serde(&text) else { return Ok(()) };
        let (parsed, _) = read(&text);
        prop_assert!(parsed.diagnostics.is_empty(), "{text:?} {:?}", parsed.diagnostics);
        let (root, value) = if nested { (parsed.documents[0].get("o").unwrap(), &value["o"]) } else { (&parsed.documents[0], &value) };
        let Some(scalar) = root.get("m").and_then(Node::scalar) else { return Ok(()) };
        prop_assert_eq!(Some(scalar.text.as_str()), value["m"].as_str(), "{:?}", text);
        for (word, written) in names {
            let at = scalar.text.find(&word).unwrap();
            let span = scalar.source_span(Span::new(at, at + word.len()));
            prop_assert_eq!(Some(span.start), text.find(&written), "{:?} {:?}", text, word);
            prop_assert_eq!(span.end - span.start, written.len(), "{:?} {:?}", text, word);
        }
    }

    #[test]
    fn any_text_is_read_without_panic_and_spans_lie_in_it(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just(": "), Just("\n"), Just("  "), Just("- "), Just("'"), Just("\""), Just("\\"), Just("|"), Just(">"),
                Just("#"), Just(" "), Just("&"), Just("*"), Just("!"), Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just("?"),
                Just("é"), Just("\r"), Just("\t"), Just("---\n"), Just("\u{feff}"), Just("-"), Just("+"), Just("2"),
            ],
            0..24,
        )
    ) {
        let text: String = parts.concat();
        let (parsed, source) = read(&text);
        for diagnostic in &parsed.diagnostics {
            for label in &diagnostic.labels {
                prop_assert!(source.text.get(label.span.start..label.span.end).is_some(), "{text:?} {diagnostic:?}");
            }
        }
        let mut open: Vec<&Node> = parsed.documents.iter().collect();
        while let Some(node) = open.pop() {
            prop_assert!(source.text.get(node.span.start..node.span.end).is_some(), "{text:?} {node:?}");
            match &node.kind {
                NodeKind::Sequence(nodes) => open.extend(nodes),
                NodeKind::Mapping(pairs) => open.extend(pairs.iter().map(|(_, node)| node)),
                NodeKind::Scalar(scalar) => for at in 0..=scalar.text.len() {
                    let span = scalar.source_span(Span::new(at, at + 1));
                    prop_assert!(span.start >= scalar.span.start.min(span.start) && span.end <= source.text.len());
                },
                NodeKind::Null | NodeKind::Refused => {}
            }
        }
    }
}
