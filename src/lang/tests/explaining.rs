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

#[test]
fn an_observer_is_told_of_the_very_steps_of_an_evaluation() {
    use crate::lang::{Matcher, Observer, Outcome, ir};
    use std::cell::RefCell;

    #[derive(Default)]
    struct Notes(RefCell<Vec<String>>);
    impl Observer for Notes {
        fn enter(&self, node: &ir::Node) {
            self.0.borrow_mut().push(format!("{}..", node.span.start));
        }
        fn leave(&self, node: &ir::Node, outcome: &Outcome) {
            let truth = outcome.truth().map_or("?".to_owned(), |truth| truth.to_string());
            self.0.borrow_mut().push(format!("{}={truth}", node.span.start));
        }
    }

    let matcher = |text: &str| -> Matcher {
        let compiled = compile(text, &toy::schema(), &toy::scope());
        let toy = toy::Toy::new();
        compiled.predicate.unwrap().bind(&toy::bindings(), &Vocabularies(vec![&toy])).matcher
    };
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    for (text, of, last) in [
        ("live && nice == 1", "live = false; nice = 1", "0=false"),
        ("live || nice == 1", "live = denied; nice = denied", "0=?"),
    ] {
        let matcher = matcher(text);
        let notes = Notes::default();
        let observed = matcher.eval_observed(&toy::thing(of), &facts, &notes);
        assert_eq!(observed, matcher.eval(&toy::thing(of), &facts), "{text}");
        let notes = notes.0.into_inner();
        assert_eq!(notes.last().map(String::as_str), Some(last), "{notes:?}");
        assert_eq!(
            notes.iter().filter(|note| note.ends_with("..")).count(),
            notes.iter().filter(|note| note.contains('=')).count(),
            "what is entered is left: {notes:?}"
        );
    }
    // Decided by the first: the second is never entered.
    let notes = Notes::default();
    let _ = matcher("nice == 1 && live").eval_observed(&toy::thing("live = true; nice = 2"), &facts, &notes);
    assert!(!notes.0.into_inner().iter().any(|note| note.starts_with("13")), "`live` begins at 13");
}

#[test]
fn a_reading_has_any_type_and_its_mistakes_have_places() {
    use crate::lang::{Outcome, compile_reading};
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    let schema = toy::schema();
    for (text, of, expected) in [
        ("nice", "nice = 3", "3"),
        ("nice + 1", "nice = 3", "4"),
        ("nice > 1", "nice = 3", "true"),
        ("name", "name = \"b\"", "\"b\""),
        ("nice", "nice = denied", "unknown (denied)"),
        ("len(tags)", "tags = [\"b\"]", "1"),
    ] {
        let reading = compile_reading(text, &schema).reading.unwrap_or_else(|| panic!("{text}"));
        let outcome: Outcome = reading.of(&toy::thing(of), &facts);
        assert_eq!(facts.words(&outcome), expected, "{text}");
    }
    for text in ["nmae", "nice ==", "", "startas"] {
        let compiled = compile_reading(text, &schema);
        assert!(compiled.reading.is_none() && !compiled.diagnostics.is_empty(), "{text}");
    }
}
