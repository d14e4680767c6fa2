//! What must hold of all expressions.

use proptest::collection::vec;
use proptest::prelude::*;

use super::toy;
use crate::diagnostic::Span;
use crate::lang::value::Value;
use crate::lang::{Verdict, Vocabularies, ast, compile, parse};

fn without_spans(mut expr: ast::Expr) -> ast::Expr {
    expr.map_spans(&|_| Span::default());
    expr
}

/// Text that looks like expressions, mostly wrong ones.
fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "name",
        "tags",
        "live",
        "==",
        "!=",
        "=",
        "&&",
        "||",
        "!",
        "not",
        "in",
        "(",
        ")",
        "[",
        "]",
        ",",
        "..",
        "..=",
        "=>",
        "x",
        "\"a\"",
        "r\"a+\"",
        "'a'",
        "\"",
        "\\",
        "1",
        "0x",
        "5MiB",
        "80%",
        "@names",
        "@2026-01-02T03:04:05Z",
        "::1",
        "10.0.0.0/8",
        ".",
        "??",
        "+",
        "-",
        "any(",
        "any(tags, t =>",
        "#",
        "\n",
        "and",
        "or",
        "like",
        "=~",
        "under",
        "<",
        ">",
        ":",
        "$",
        "{",
        "}",
        "é",
        "contains",
        "starts_with",
        "lock(",
        "held:",
        "${port}",
        "\"${port}\"",
        "/usr/x",
    ]);
    vec(token, 0..24).prop_map(|tokens| tokens.join(" "))
}

/// Well-formed expressions, of whatever type.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "a.b",
        "live",
        "1",
        "-5",
        "0o17",
        "1_000",
        "64KiB",
        "1h30m",
        "0.5%",
        "true",
        "::1",
        "10.0.0.0/8",
        "@names",
        "@2026-01-02T03:04:05Z",
        "\"a\\n\\xff$\\\"\"",
        "r#\"a\"b\\\"#",
        "\"${port}x\\${y}\"",
        "[]",
        "f()",
        "x in 1..=5",
        "x in ..b",
        "x not in a..",
        "x like \"*\"",
        "x !~ r\"a\"",
        "env[\"K\"]",
        "xs[-1].a",
        "f(a, b: 1)",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 3, |inner| {
        let op = prop::sample::select(vec![
            "&&", "||", "and", "or", "==", "!=", "<", "in", "not in", "??", "+", "-", "contains", "under",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.clone().prop_map(|a| format!("not {a}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            vec(inner.clone(), 1..3).prop_map(|items| format!("[{}]", items.join(", "))),
            vec(inner.clone(), 1..3).prop_map(|items| format!("g({})", items.join(", "))),
            inner.clone().prop_map(|a| format!("any(xs, x => {a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a})[{b}]")),
        ]
    })
}

/// A condition by its structure, so that operands can be reordered.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Leaf(&'static str),
    Not(Box<Tree>),
    Join(bool, Vec<Tree>),
}

impl Tree {
    pub(super) fn text(&self, backwards: bool) -> String {
        match self {
            Self::Leaf(text) => (*text).to_owned(),
            Self::Not(inner) => format!("!({})", inner.text(backwards)),
            Self::Join(and, items) => {
                let mut texts: Vec<String> =
                    items.iter().map(|i| format!("({})", i.text(backwards))).collect();
                if backwards {
                    texts.reverse();
                }
                texts.join(if *and { " && " } else { " || " })
            }
        }
    }
}

const FIELDS: [(&str, &str, &str); 8] = [
    ("name", "\"a\"", "\"b\""),
    ("live", "true", "false"),
    ("size", "1MiB", "5MiB"),
    ("place", "\"/srv/x\"", "\"/opt\""),
    ("owner", "0", "33"),
    ("tags", "[\"a\"]", "[]"),
    ("nice", "0", "9"),
    ("slow", "1", "9"),
];

pub(super) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop::sample::select(vec![
        "live",
        "name == \"a\"",
        "name != \"a\"",
        "name in [\"a\", \"c\"]",
        "name !~ r\"a+\"",
        "size > 2MiB",
        "size not in 1MiB..=2MiB",
        "place under \"/srv\"",
        "owner == \"root\"",
        "owner in [\"root\", \"ann\"]",
        "owner == \"no-one\"",
        "has(place)",
        "any(tags, t => t == \"a\" && live)",
        "all(tags, t => t == name)",
        "none(tags, t => t == name || live)",
        "one(tags, t => has(name))",
        "count(tags, t => t == name) > 0",
        "tags[0] == name",
        "nice ?? 5 > 4",
        "nice + 1 > 4",
        "slow > 5",
        "tags contains \"a\"",
        "tags[-1] == \"a\"",
        "name starts_with \"a\"",
        "name contains \"b\"",
        "name == \"a\" || name == \"b\"",
        "owner == 33 && name == \"b\"",
        "lower(name) ?? \"x\" == \"x\"",
    ]);
    leaf.prop_map(Tree::Leaf).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
            (any::<bool>(), vec(inner, 2..4)).prop_map(|(and, items)| Tree::Join(and, items)),
        ]
    })
}

/// For every field: which of its two values, or absent; and whether it is hidden.
pub(super) fn host() -> impl Strategy<Value = Vec<(u8, bool)>> {
    vec((0_u8..3, any::<bool>()), FIELDS.len())
}

pub(super) fn candidate(host: &[(u8, bool)], hide: bool) -> Value {
    let facts: Vec<String> = FIELDS
        .iter()
        .zip(host)
        .map(|((field, one, other), (which, hidden))| {
            let value = match which {
                _ if hide && *hidden => "denied",
                0 => one,
                1 => other,
                _ => "absent",
            };
            format!("{field} = {value}")
        })
        .collect();
    toy::thing(&facts.join("; "))
}

fn verdict(text: &str, candidate: &Value) -> Verdict {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    let predicate = compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics));
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    let matcher = predicate.bind(&toy::bindings(), &facts).matcher;
    let verdict = matcher.eval(candidate, &facts);
    super::quick::agrees(&matcher, &toy, candidate, &verdict);
    let explanation = matcher.explain(candidate, &facts);
    assert_eq!(explanation.verdict(), verdict, "{text}");
    assert_eq!(explanation.smallest_failing().is_empty(), verdict == Verdict::Match, "{text}");
    verdict
}

proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn the_layout_of_an_expression_keeps_its_meaning_and_is_final(text in expression(), broken in any::<bool>()) {
        let room = crate::lang::Room::Lines { broken, comments: true };
        let Ok(formatted) = crate::lang::format(&text, room) else { return Ok(()) };
        let again = crate::lang::format(&formatted, room);
        prop_assert_eq!(again.as_ref(), Ok(&formatted));
        let tree = |text: &str| parse(text).expr.map(without_spans);
        prop_assert_eq!(tree(&formatted), tree(&text));
    }
}

proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn no_text_upsets_the_parser(text in "\\PC{0,60}") {
        let _ = compile(&text, &toy::schema(), &toy::scope());
    }

    #[test]
    fn no_soup_of_tokens_upsets_parser_or_check(text in soup()) {
        let compiled = compile(&text, &toy::schema(), &toy::scope());
        let errors = compiled.diagnostics.iter().filter(|d| d.is_error()).count();
        prop_assert_eq!(compiled.predicate.is_none(), errors > 0, "{} {:?}", text, compiled.diagnostics);
        for diagnostic in &compiled.diagnostics {
            let span = diagnostic.span().unwrap();
            prop_assert!(text.get(span.start..span.end).is_some());
            prop_assert!(diagnostic.help.is_some(), "{} {:?}", text, diagnostic);
        }
    }

    #[test]
    fn what_is_printed_parses_to_the_same_tree(text in expression()) {
        let parsed = parse(&text);
        if parsed.diagnostics.is_empty() {
            let expr = parsed.expr.unwrap();
            let printed = expr.to_string();
            let again = parse(&printed);
            prop_assert!(again.diagnostics.is_empty(), "{} {:?}", printed, again.diagnostics);
            let again = again.expr.unwrap();
            prop_assert_eq!(again.to_string(), printed);
            prop_assert_eq!(without_spans(again), without_spans(expr));
        }
    }

    #[test]
    fn a_member_of_a_range_is_not_printed_as_one_of_its_end(tail in prop::sample::select(vec![".y", "[1]", ".y[0].z"])) {
        for text in [format!("x in (lo..hx){tail}"), format!("x in lo..hx {tail}"), format!("x in lo..=hx{tail}")] {
            let expr = parse(&text).expr.unwrap();
            prop_assert_eq!(without_spans(parse(&expr.to_string()).expr.unwrap()), without_spans(expr), "{}", text);
        }
    }

    #[test]
    fn the_order_of_operands_changes_nothing(tree in tree(), host in host()) {
        let candidate = candidate(&host, true);
        let forwards = verdict(&tree.text(false), &candidate);
        let backwards = verdict(&tree.text(true), &candidate);
        prop_assert_eq!(forwards, backwards);
    }

    #[test]
    fn knowing_less_never_decides_otherwise(tree in tree(), host in host()) {
        let text = tree.text(false);
        let full = verdict(&text, &candidate(&host, false));
        let less = verdict(&text, &candidate(&host, true));
        prop_assert!(!matches!(full, Verdict::Unknown(_)), "{} {:?}", text, full);
        prop_assert!(matches!(less, Verdict::Unknown(_)) || less == full, "{}: {:?} became {:?}", text, full, less);
    }
}
