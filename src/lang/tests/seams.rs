//! What other floors rely on.

use std::collections::BTreeMap;

use super::toy;
use crate::lang::schema::Vocabulary;
use crate::lang::value::Value;
use crate::lang::{Predicate, Schema, Vocabularies, compile, quote};

fn predicate(text: &str) -> Predicate {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics))
}

#[test]
fn a_predicate_says_what_it_needs() {
    let schema = toy::schema();
    let needs = predicate("home == doc(startas) && owner == spec.user && any(ports, p => p == port)").needs();
    let fields: Vec<&str> = needs.fields.iter().map(|id| schema.field_by_id(*id).unwrap().name).collect();
    let functions: Vec<&str> =
        needs.functions.iter().map(|id| schema.function_by_id(*id).unwrap().name).collect();
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
    assert_eq!(schema.fields("limit").map(|(_, decl)| decl.name).collect::<Vec<_>>(), ["hard", "soft"]);
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
