//! Explanations: the tree, what was skipped, and the smallest set of leaves that fails.

use super::toy;
use crate::lang::{Explanation, Vocabularies, compile};

fn explained(text: &str, facts: &str) -> Explanation {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    let predicate = compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics));
    let toy = toy::Toy::new();
    let facts_of = Vocabularies(vec![&toy]);
    let matcher = predicate.bind(&toy::bindings(), &facts_of).matcher;
    matcher.explain(&toy::thing(facts), &facts_of)
}

#[test]
fn the_smallest_failing_leaves_are_found() {
    for (text, facts, expected) in [
        ("live", "live = true", vec![]),
        ("live", "live = false", vec!["live"]),
        ("live && name == \"a\"", "live = true; name = \"b\"", vec!["name == \"a\""]),
        ("live && name == \"a\"", "name = \"b\"", vec!["live", "name == \"a\""]),
        ("(live && nice == 1) || name == \"a\"", "name = \"b\"", vec!["name == \"a\""]),
        ("!(live || nice == 1)", "live = true; nice = 1", vec!["live", "nice == 1"]),
        ("!(live && nice == 1)", "live = true; nice = 1", vec!["live"]),
        ("name != \"a\" && live", "name = \"a\"; live = true", vec!["name != \"a\""]),
        ("live && name == \"a\"", "live = true; name = denied", vec!["name == \"a\""]),
        ("live && name == \"a\"", "live = timeout; name = denied", vec!["live", "name == \"a\""]),
        ("live || name == \"a\"", "live = false; name = denied", vec!["name == \"a\""]),
        (
            "any(tags, t => t == \"a\") && live",
            "tags = [\"b\"]; live = true",
            vec!["any(tags, t => t == \"a\")"],
        ),
    ] {
        let explanation = explained(text, facts);
        let leaves: Vec<&str> =
            explanation.smallest_failing().iter().map(|leaf| leaf.text.as_str()).collect();
        assert_eq!(leaves, expected, "{text} with {facts}");
    }
}

#[test]
fn parts_stand_in_source_order_with_their_values() {
    let whole =
        explained("slow > 5 && owner == spec.user && name != \"x\"", "slow = 3; owner = 0; name = denied");
    let parts: Vec<(&str, String, bool)> =
        whole.children.iter().map(|part| (part.text.as_str(), part.value(), part.skipped)).collect();
    assert_eq!(
        parts,
        [
            ("slow > 5", "false".to_owned(), true),
            ("owner == spec.user", "false".to_owned(), false),
            ("name != \"x\"", "unknown (denied)".to_owned(), true),
        ]
    );
    let operands: Vec<(&str, String)> =
        whole.children[1].children.iter().map(|part| (part.text.as_str(), part.value())).collect();
    assert_eq!(operands, [("owner", "root".to_owned()), ("spec.user", "www-data".to_owned())]);
    assert_eq!(whole.children[0].children[0].value(), "3");
    assert_eq!((whole.cost, whole.children[1].cost), (6, 1));
}

#[test]
fn elements_of_a_quantifier_are_explained_one_by_one() {
    let whole = explained("any(tags, t => t == \"a\")", "tags = [\"b\", \"a\"]");
    let parts: Vec<String> =
        whole.children.iter().map(|part| format!("{} is {}", part.text, part.value())).collect();
    assert_eq!(parts, ["tags is [\"b\", \"a\"]", "t == \"a\" is false", "t == \"a\" is true"]);
}
