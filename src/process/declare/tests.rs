#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_name_is_declared_once_and_described() {
    let declarations = declarations();
    let mut seen = BTreeSet::new();
    for field in &declarations.fields {
        assert!(seen.insert((field.owner, field.name.clone())), "{}", field.name);
        assert!(!field.summary.is_empty() && !field.source.is_empty(), "{}", field.name);
        assert!(!field.summary.ends_with('.') && field.cost <= 6, "{}", field.name);
    }
    let mut seen = BTreeSet::new();
    for function in &declarations.functions {
        assert!(seen.insert(function.name.clone()), "{}", function.name);
        assert!(function.example.contains(function.name.as_ref()), "{}", function.name);
    }
}

fn leaf(ty: &Type) -> &Type {
    match ty {
        Type::List(of) | Type::Map(of) => leaf(of),
        other => other,
    }
}

#[test]
fn types_that_fields_mention_are_declared() {
    let declarations = declarations();
    let named: BTreeSet<&str> = declarations.types.iter().map(|ty| ty.name).collect();
    let enums: BTreeSet<&str> = declarations.enums.iter().map(|ty| ty.name).collect();
    for field in &declarations.fields {
        match leaf(&field.ty) {
            Type::Named(name) => assert!(named.contains(name), "{name}"),
            Type::Enum(name) => assert!(enums.contains(name), "{name}"),
            _ => {}
        }
    }
}

/// A name that the language has itself would never be reported, and an answer that it hasn't would lead nowhere.
#[test]
fn foreign_names_are_not_ours_and_lead_to_ours() {
    let declarations = declarations();
    let field =
        |name: &str| declarations.fields.iter().any(|field| field.owner == PROCESS && field.name == name);
    let function = |name: &str| declarations.functions.iter().any(|function| function.name == name);
    let core = |name: &str| crate::lang::CORE_FUNCTIONS.iter().any(|function| function.name == name);
    let word = |name: &str| declarations.enums.iter().any(|words| words.words.contains(&name));
    let operator = |text: &str| {
        text == "??" || crate::lang::ast::CompareOp::ALL.into_iter().any(|op| op.symbol() == text)
    };
    let mut seen = BTreeSet::new();
    for (theirs, instead) in declarations.foreign.iter() {
        assert!(seen.insert(theirs), "{theirs} stands twice");
        assert!(!field(theirs), "{theirs}");
        let first: String = instead
            .trim_start_matches('!')
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
            .collect();
        let start = first.split('.').next().unwrap();
        let known = field(&first) || field(start) || function(start) || core(start) || word(start);
        assert!(known || operator(instead), "{theirs}: {instead}");
    }
}

/// Where the kernel says a number, both of its ends are known, and of what it counts the lower one.
#[test]
fn bounds_are_of_numbers_and_in_order() {
    let declarations = declarations();
    let bounded = |owner, name: &str| {
        let field = declarations.fields.iter().find(|field| field.owner == owner && field.name == name);
        field.unwrap().bounds
    };
    for field in &declarations.fields {
        let counts = matches!(field.ty, Type::Int | Type::Size | Type::Duration | Type::Ratio);
        assert!(field.bounds.is_none_or(|(low, high)| counts && low < high), "{}", field.name);
    }
    assert_eq!(bounded(PROCESS, "pid"), Some((1, PID_MAX)));
    assert_eq!(bounded(PROCESS, "nice"), Some((-20, 19)));
    assert_eq!(bounded(FILE, "size"), Some((0, i64::MAX)));
    assert_eq!(bounded(PROCESS, "rate(io.write_calls)"), Some((0, i64::MAX)));
    assert_eq!(bounded(PROCESS, "switches.voluntary"), Some((0, i64::MAX)));
    // The difference of two clocks.
    assert_eq!(bounded(PROCESS, "age"), None);
}
