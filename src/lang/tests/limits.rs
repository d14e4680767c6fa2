//! No text exhausts the stack or the memory.

use super::toy;
use crate::diagnostic::{Source, Span};
use crate::lang::library::NamedList;
use crate::lang::value::{Type, Value};
use crate::lang::{DEPTH_MAX, LIST_MAX, SOURCE_MAX, ast, check, compile, parse};

#[track_caller]
fn codes(text: &str) -> Vec<&'static str> {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.0).collect()
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}live{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nesting_ends_at_its_limit() {
    for (open, close) in
        [("(", ")"), ("!", ""), ("not ", ""), ("!(", ")"), ("f(", ")"), ("[", "]"), ("(live && ", ")")]
    {
        let deep = DEPTH_MAX / open.matches(['!', '(', '[', 'n']).count().max(1);
        let allowed = parse(&nested(open, close, deep - 1));
        assert!(allowed.diagnostics.is_empty(), "{open}: {:?}", allowed.diagnostics);
        for depth in [deep + 2, 300, 700] {
            assert_eq!(codes(&nested(open, close, depth)), ["M403"], "{open} {depth} deep");
        }
    }
}

#[test]
fn chains_of_operators_do_not_nest_beyond_the_limit() {
    for (part, code) in [
        (" + 1", "M403"),
        (" - 1", "M403"),
        (" ?? 1", "M403"),
        ("[0]", "M403"),
        (" == !live", "M403"),
        (" == live", "M112"),
    ] {
        let text = format!("live{}", part.repeat(500));
        assert!(codes(&text).contains(&code), "{part}: {:?}", codes(&text));
    }
    assert_eq!(codes(&vec!["live"; 700].join(" && ")), [""; 0]);
    assert_eq!(codes(&vec!["!live"; 700].join(" or ")), [""; 0]);
}

#[test]
fn open_brackets_without_end_are_refused_before_parsing() {
    assert_eq!(codes(&"(".repeat(8000)), ["M403"]);
    assert_eq!(codes(&"!".repeat(8000)), ["M403"]);
    assert_eq!(codes(&"a[".repeat(4000)), ["M403"]);
    // Brackets in strings and comments are no brackets.
    assert_eq!(codes(&format!("name == \"{}\" # {}", "(".repeat(100), "(".repeat(100))), [""; 0]);
    assert_eq!(codes(&format!("name == r#\"{}\"#", "(\"".repeat(100))), [""; 0]);
}

#[test]
fn long_sources_and_lists_are_refused() {
    assert_eq!(codes(&format!("live # {}", "x".repeat(SOURCE_MAX))), ["M401"]);
    let mut scope = toy::scope();
    std::sync::Arc::make_mut(&mut scope.library).add_list(NamedList {
        name: "many".into(),
        element: Type::Int,
        values: vec![Value::Int(1); LIST_MAX + 1],
        source: Source::new("lists", ""),
        name_at: Span::default(),
    });
    let compiled = compile("count_of in @many", &toy::schema(), &scope);
    assert_eq!(compiled.diagnostics[0].code.0, "M405");
}

#[test]
fn trees_that_grew_are_refused_as_well() {
    let leaf = parse("live").expr.unwrap();
    let span = leaf.span;
    let wide = ast::Expr::new(ast::Kind::And(vec![leaf.clone(); 5000]), span);
    let not = |inner| ast::Expr::new(ast::Kind::Not(Box::new(inner)), span);
    let deep = (0..100).fold(leaf, |inner, _| not(inner));
    for (expr, code) in [(wide, "M402"), (deep, "M403")] {
        let compiled = check(&expr, "live", &toy::schema(), &toy::scope());
        assert_eq!(compiled.diagnostics[0].code.0, code);
        assert!(compiled.predicate.is_none());
    }
}

/// Every level of an open call, index or lambda was read twice, so that less than a hundred bytes took minutes.
#[test]
fn what_is_wrong_inside_of_many_levels_is_found_in_time() {
    for open in
        ["a(", "a (", "a[", "any(xs, x => ", "f(a, b: ", "[", "(", "a OR (", "a foo [", "a == [", "!("]
    {
        for wrong in ["\" \0 \" - \"", "1 1 $", ";", "'"] {
            let text = format!("{}{wrong}", open.repeat(20));
            assert!(!codes(&text).is_empty(), "{text}");
        }
    }
}

#[test]
fn the_longest_expressions_are_read_within_the_steps_of_the_parser() {
    for (unit, last) in [
        ("name==\"a\"||", "live"),
        ("!live&&", "live"),
        ("(live)||", "live"),
        ("any(tags,t=>t==name)||", "live"),
    ] {
        let text = format!("{}{last}", unit.repeat((SOURCE_MAX - last.len()) / unit.len()));
        assert!(!codes(&text).contains(&"M403"), "{unit}");
    }
    let list = format!("name in [{}\"a\"]", "\"a\",".repeat(2040));
    assert!(!codes(&list).contains(&"M403"));
}
