//! What other floors rely on.

use std::collections::BTreeMap;

use super::toy;
use crate::diagnostic::Span;
use crate::lang::schema::Vocabulary;
use crate::lang::value::Value;
use crate::lang::{Predicate, Schema, Vocabularies, ast, check, compile, parse, quote};

fn predicate(text: &str) -> Predicate {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics))
}

#[test]
fn a_predicate_says_what_it_needs() {
    let schema = toy::schema();
    let needs = predicate("home == doc(startas) && owner == spec.user && any(ports, p => p == port)").needs();
    let fields: Vec<&str> =
        needs.fields.iter().map(|id| schema.field_by_id(*id).unwrap().name.as_ref()).collect();
    let functions: Vec<&str> =
        needs.functions.iter().map(|id| schema.function_by_id(*id).unwrap().name.as_ref()).collect();
    assert_eq!(fields, ["owner", "home", "ports"]);
    assert_eq!(functions, ["doc"]);
    assert_eq!(needs.variables.into_iter().collect::<Vec<_>>(), ["port", "spec.user", "startas"]);
    assert_eq!(needs.cost, 6);
}

#[test]
fn cheap_facts_are_asked_first_and_dear_ones_only_if_needed() {
    for (text, facts, asked) in [
        ("slow > 5 && name == \"a\" && owner == \"root\"", "owner = 33", vec!["owner"]),
        ("slow > 5 && name == \"a\" && owner == \"root\"", "owner = 0; name = \"b\"", vec!["owner", "name"]),
        ("slow > 5 || owner == \"root\"", "owner = 0", vec!["owner"]),
        ("name == \"a\" && title == \"b\"", "name = \"b\"", vec!["name"]),
        ("title == \"b\" && name == \"a\"", "name = \"b\"", vec!["title"]),
    ] {
        let toy = toy::Toy::new();
        let facts_of = Vocabularies(vec![&toy]);
        let matcher = predicate(text).bind(&toy::bindings(), &facts_of).matcher;
        let _ = matcher.eval(&toy::thing(facts), &facts_of);
        assert_eq!(*toy.asked.borrow(), asked, "{text}");
    }
}

#[test]
fn decisions_on_self_reported_facts_alone_are_named() {
    for (text, expected) in [
        ("name == \"a\"", true),
        ("name == \"a\" && owner == \"root\"", false),
        ("name == \"a\" || owner == \"root\"", true),
        ("name == \"a\" && title == \"b\"", true),
        ("(name == \"a\" || title == \"b\") && live", false),
        ("live", false),
        ("has(startas)", false),
    ] {
        assert_eq!(predicate(text).self_reported().is_some(), expected, "{text}");
    }
}

#[test]
fn a_variable_of_the_wrong_type_is_an_error_and_unknown() {
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    let bindings = BTreeMap::from([("port".to_owned(), Value::string("80"))]);
    let bound = predicate("port == 80").bind(&bindings, &facts);
    assert_eq!(bound.diagnostics[0].code.0, "M317");
    let verdict = bound.matcher.eval(&toy::thing(""), &facts);
    assert!(matches!(verdict, crate::lang::Verdict::Unknown(_)));
    // A string serves as a path, as it does from the command line.
    let bindings = BTreeMap::from([("startas".to_owned(), Value::string("/x"))]);
    assert!(predicate("home == startas").bind(&bindings, &facts).diagnostics.is_empty());
}

#[test]
fn the_first_vocabulary_keeps_a_name() {
    let mut schema = Schema::new("thing");
    assert_eq!(schema.add(toy::declarations()), 0);
    assert_eq!(schema.add(toy::declarations()), 1);
    assert_eq!(schema.field("thing", "name").unwrap().0.vocabulary, 0);
    assert_eq!(
        schema.fields("limit").map(|(_, decl)| decl.name.as_ref()).collect::<Vec<_>>(),
        ["hard", "soft"]
    );
    assert!(schema.function("doc").is_some() && schema.enumeration("state").is_some());
    assert_eq!(schema.foreign("proc.name"), Some("name"));
}

#[test]
fn a_missing_vocabulary_is_unknown_not_false() {
    let facts: Vocabularies<'_> = Vocabularies(Vec::<&dyn Vocabulary>::new());
    let matcher = predicate("name != \"a\"").bind(&BTreeMap::new(), &facts).matcher;
    let verdict = matcher.eval(&toy::thing("name = \"b\""), &facts);
    assert!(matches!(verdict, crate::lang::Verdict::Unknown(_)));
}

#[test]
fn quoting_is_the_inverse_of_reading() {
    assert_eq!(quote(b"a\"\\\xff${x}"), r#""a\"\\\xff\${x}""#);
}

#[test]
fn a_definition_expands_with_its_arguments_as_values() {
    let mut expr = parse("arg(\"port\") == \"${port}\" && count_of > limit").expr.unwrap();
    let place = Span::new(4, 8);
    let argument = |text: &str| parse(text).expr.unwrap();
    expand(&mut expr, &|name| match name {
        "port" => Some(argument("8000 + 80")),
        "limit" => Some(argument("5")),
        _ => None,
    });
    expr.map_spans(&|_| place);
    let compiled = check(&expr, "web.instance(8080)", &toy::schema(), &toy::scope());
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    let predicate = compiled.predicate.unwrap();
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    let matcher = predicate.bind(&BTreeMap::new(), &facts).matcher;
    let verdict = matcher.eval(&toy::thing("arg.port = \"8080\"; count_of = 6"), &facts);
    assert_eq!(verdict, crate::lang::Verdict::Match);
    // All parts stand at one place now; that makes neither of them a repetition or a negation of the other.
    let explanation = matcher.explain(&toy::thing("arg.port = \"8080\"; count_of = 5"), &facts);
    assert_eq!(explanation.smallest_failing().len(), 1);
}

fn expand(expr: &mut ast::Expr, argument: &impl Fn(&str) -> Option<ast::Expr>) {
    if let ast::Kind::Name(words) = &expr.kind
        && let Some(value) = argument(&ast::dotted(words))
    {
        *expr = value;
        return;
    }
    if let ast::Kind::Interpolated(pieces) = &mut expr.kind {
        for piece in pieces {
            if let ast::Piece::Variable(name) = piece
                && let Some(value) = argument(&name.text)
            {
                *piece = ast::Piece::Value(Box::new(value));
            }
        }
    }
    for child in expr.children_mut() {
        expand(child, argument);
    }
}
