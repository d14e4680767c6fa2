//! What is said to be constant is constant, whatever a candidate is like; absent and unknown facts included.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::toy;
use crate::diagnostic::Diagnostic;
use crate::lang::constant::{Alone, Logic, are_apart, fingerprint};
use crate::lang::ir::Kind;
use crate::lang::value::Value;
use crate::lang::{Predicate, Verdict, Vocabularies, compile};

/// Tests that meet each other at their ends.
const LEAVES: &[&str] = &[
    "live",
    "live == false",
    "has(live)",
    "name == \"ab\"",
    "name != \"b\"",
    "\"ab\" == name",
    "name in [\"a\", \"ab\"]",
    "name in @names",
    "name in []",
    "name not in []",
    "count_of != 2000",
    "size not in 0B..",
    "name starts_with \"a\"",
    "name ends_with \"b\"",
    "name contains \"ab\"",
    "name =~ r\"^a+$\"",
    "name like \"a*\"",
    "lower(name) == \"AB\"",
    "upper(name) == \"AB\"",
    "has(name)",
    "known(name)",
    "nice > 5",
    "nice >= 5",
    "nice < 5",
    "nice <= 5",
    "5 < nice",
    "nice == 5",
    "nice in [4, 5, 6]",
    "nice in [1, 2, 3, 4, 5, 6, 7, 8, 9]",
    "nice in 4..6",
    "nice in 4..=6",
    "nice in ..5",
    "nice == nice",
    "nice < nice",
    "nice + 1 > 5",
    "(nice ?? 5) == 5",
    "has(nice)",
    "size > 2MiB",
    "size < 0B",
    "size >= 0B",
    "count_of == 1000",
    "count_of > 1000",
    "owner == 0",
    "owner == 33",
    "owner == \"root\"",
    "owner == \"no-one\"",
    "owner in [0, 33]",
    "owner == 70000",
    "has(owner)",
    "state == running",
    "state != stopped",
    "state in [running, sleeping]",
    "place == \"/srv//x/\"",
    "place under \"/srv\"",
    "place under \"/srv/x\"",
    "place under \"/opt\"",
    "place starts_with \"/srv//\"",
    "basename(place) == \"x\"",
    "has(place)",
    "len(tags) > 0",
    "len(tags) == 0",
    "count(tags, t => t == \"a\") < 0",
    "any(tags, t => t == \"a\")",
    "all(tags, t => t == \"a\" && t == \"b\")",
    "tags[0] == \"a\"",
    "has(tags[0])",
    "\"a\" in tags",
    "has(home)",
    "home.path == \"/x\"",
    "home == \"/x\"",
    "true",
];

const FACTS: &[(&str, &[&str])] = &[
    ("live", &["true", "false", "absent", "denied"]),
    ("name", &["\"a\"", "\"ab\"", "\"b\"", "\"AB\"", "absent", "denied"]),
    ("nice", &["4", "5", "6", "0", "absent", "timeout"]),
    ("size", &["0B", "2MiB", "3MiB", "absent", "denied"]),
    ("count_of", &["0", "1000", "absent"]),
    ("owner", &["0", "33", "1000", "absent", "denied"]),
    ("state", &["running", "sleeping", "stopped", "absent", "denied"]),
    ("place", &["\"/srv/x\"", "\"/srv\"", "\"/opt/x\"", "absent", "denied"]),
    ("tags", &["[]", "[\"a\"]", "[\"a\", \"b\"]", "absent", "denied"]),
    ("home", &["absent", "denied"]),
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|inner| format!("!({inner})")),
            3 => vec(inner.clone(), 2..4).prop_map(|items| format!("({})", items.join(") && ("))),
            2 => vec(inner, 2..4).prop_map(|items| format!("({})", items.join(") || ("))),
        ]
    })
}

fn candidate() -> impl Strategy<Value = String> {
    let facts: Vec<_> = FACTS
        .iter()
        .map(|(field, values)| {
            let field = *field;
            prop::sample::select(values.to_vec()).prop_map(move |value| format!("{field} = {value}"))
        })
        .collect();
    facts.prop_map(|facts| facts.join("; "))
}

fn verdict(predicate: &Predicate, candidate: &Value) -> Verdict {
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    predicate.bind(&toy::bindings(), &facts).matcher.eval(candidate, &facts)
}

fn predicate(text: &str) -> (Predicate, Vec<Diagnostic>) {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    let predicate = compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics));
    (predicate, compiled.diagnostics)
}

/// What a warning says of the text that it points at: that it is never true.
fn never_true(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.0 == "W106" && diagnostic.message.ends_with("is never true")
}

proptest! {
    #![proptest_config(crate::regressions::cases(256))]

    #[test]
    fn what_is_said_to_be_constant_is(text in condition(), candidates in vec(candidate(), 8)) {
        let schema = toy::schema();
        let (predicate, diagnostics) = predicate(&text);
        let parts: Vec<&str> = diagnostics
            .iter()
            .filter(|diagnostic| never_true(diagnostic))
            .filter_map(|diagnostic| text.get(diagnostic.span()?.start..diagnostic.span()?.end))
            .filter(|part| compile(part, &schema, &toy::scope()).predicate.is_some())
            .collect();
        let claim = predicate.constant(&schema);
        for facts in &candidates {
            let candidate = toy::thing(facts);
            let found = verdict(&predicate, &candidate);
            match claim {
                Some(false) => prop_assert_ne!(&found, &Verdict::Match, "never true: {} of {}", text, facts),
                Some(true) => prop_assert_ne!(&found, &Verdict::NoMatch, "always true: {} of {}", text, facts),
                None => {}
            }
            for part in &parts {
                prop_assert_ne!(verdict(&self::predicate(part).0, &candidate), Verdict::Match, "{} of {}", part, facts);
            }
        }
    }

    #[test]
    fn what_is_said_to_follow_follows(a in condition(), b in condition(), candidates in vec(candidate(), 8)) {
        let schema = toy::schema();
        let ((first, _), (second, _)) = (predicate(&a), predicate(&b));
        let (implies, excludes) = (first.implies(&second, &schema), first.excludes(&second, &schema));
        for facts in &candidates {
            let candidate = toy::thing(facts);
            if verdict(&first, &candidate) == Verdict::Match {
                let other = verdict(&second, &candidate);
                prop_assert!(!implies || other != Verdict::NoMatch, "{} implies {} of {}", a, b, facts);
                prop_assert!(!excludes || other != Verdict::Match, "{} excludes {} of {}", a, b, facts);
            }
        }
    }
}

/// The property above would hold of a check that claims nothing.
#[test]
fn constants_are_found() {
    let schema = toy::schema();
    for (text, expected) in [
        ("nice > 5 && nice < 5", Some(false)),
        ("nice < 5 || nice >= 5", None),
        ("nice < 5 || nice >= 5 || !has(nice)", Some(true)),
        ("nice < 5 || !(nice < 5)", Some(true)),
        ("live && !(live || name == \"a\")", Some(false)),
        ("!(live && !live)", Some(true)),
        ("(nice < 3 || nice > 7) && nice in 4..=6", Some(false)),
        ("(nice < 3 || nice > 6) && nice in 4..=7", None),
        ("state == running || state == sleeping || state == stopped || !has(state)", Some(true)),
        ("name in [\"a\", \"b\"] && name =~ r\"^c\"", Some(false)),
        ("owner == \"root\" && owner == \"ann\"", None),
    ] {
        assert_eq!(predicate(text).0.constant(&schema), expected, "{text}");
    }
}

#[test]
fn one_condition_follows_from_another() {
    let schema = toy::schema();
    for (a, b, implies, excludes) in [
        ("nice > 5", "nice > 3", true, false),
        ("nice > 3", "nice > 5", false, false),
        ("nice > 5", "nice < 3", false, true),
        ("name == \"a\" && live", "live", true, false),
        ("place under \"/srv/x\"", "place under \"/srv\"", true, false),
        ("owner == \"root\"", "owner == \"ann\"", false, true),
        ("owner == \"root\"", "owner == \"root\"", true, false),
        ("arg(\"--port\") == \"80\"", "arg(\"--port\") == \"81\"", false, true),
        ("arg(\"--port\") == \"80\"", "has(arg(\"--port\"))", true, false),
    ] {
        let ((first, _), (second, _)) = (predicate(a), predicate(b));
        assert_eq!(first.implies(&second, &schema), implies, "{a} implies {b}");
        assert_eq!(first.excludes(&second, &schema), excludes, "{a} excludes {b}");
    }
}

#[test]
fn what_is_plain_says_something_by_itself() {
    let schema = toy::schema();
    let logic = Logic::new(&schema);
    let mut plain = 0;
    for one in LEAVES {
        let (alone, said) = predicate(one);
        if logic.is_plain(alone.root()) {
            plain += 1;
            assert!(said.is_empty(), "{one}: {said:?}");
            let found = logic.alone(alone.root()).map(|(_, alone)| alone);
            assert!(matches!(found, None | Some(Alone::Sometimes)), "{one}: {found:?}");
        }
    }
    assert!(plain >= 3, "{plain}");
}

#[test]
fn what_is_apart_is_possible_together_if_each_is_by_itself() {
    let schema = toy::schema();
    let (logic, likely) = (Logic::new(&schema), Logic::with_different_names(&schema));
    let (mut apart, mut impossible) = (0, 0);
    for one in LEAVES {
        for other in LEAVES {
            let (both, _) = predicate(&format!("{one} && {other}"));
            let Kind::And(operands) = &both.root().kind else { continue };
            if !are_apart(&operands.items) {
                continue;
            }
            apart += 1;
            for (logic, so) in [(&logic, true), (&logic, false), (&likely, true), (&likely, false)] {
                let together = logic.possible(operands.items.iter().map(|item| (item, so)));
                let alone = operands.items.iter().all(|item| logic.possible([(item, so)]));
                assert_eq!(together, alone, "{one} && {other}, {so}");
                impossible += usize::from(!alone);
            }
            let prints: BTreeSet<_> = operands.items.iter().map(fingerprint).collect();
            assert_eq!(prints.len(), operands.items.len(), "{one} && {other}");
        }
    }
    assert!(apart >= 100 && impossible >= 10, "{apart} {impossible}");
}
