#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::process::expression::compile_expression;
use crate::process::testing::TestWorld;
use crate::process::{ProcessVocabulary, candidate};
use crate::units::Pid;

fn traced(text: &str) -> Trace {
    let mut world = TestWorld::new();
    world.elf("/usr/bin/x");
    world.start(600, 50, "/usr/bin/x", &["x", "--port", "80"]);
    let vocabulary = ProcessVocabulary::new(&world);
    let facts = Vocabularies(vec![&vocabulary]);
    let predicate = compile_expression(text).predicate.unwrap_or_else(|| panic!("{text}"));
    let matcher = predicate.bind(&std::collections::BTreeMap::new(), &facts).matcher;
    let traced = trace(&matcher, &candidate(Pid(600)), &facts, &world);
    assert_eq!(traced.verdict, matcher.eval(&candidate(Pid(600)), &facts), "{text}");
    traced
}

#[test]
fn conditions_come_in_the_order_of_evaluation_and_the_rest_is_skipped() {
    for (text, steps, skipped) in [
        ("pid > 1", vec!["pid > 1"], vec![]),
        // Cheapest first, until one is false.
        ("threads > 0 && pid > 700", vec!["pid > 700"], vec!["threads > 0"]),
        ("threads == 1 && pid == 600", vec!["pid == 600", "threads == 1"], vec![]),
        ("arg(\"--port\") == \"80\" || pid == 600", vec!["pid == 600"], vec!["arg(\"--port\") == \"80\""]),
        (
            "(pid == 1 || nice == 5) && !(pid == 600 && exe.deleted)",
            vec!["pid == 1", "nice == 5"],
            vec!["pid == 600", "exe.deleted"],
        ),
        // Not the cheapest, but what decides more often for its cost.
        ("pid != 1 && threads == 9", vec!["threads == 9"], vec!["pid != 1"]),
        ("user != \"root\" && comm == \"zz\"", vec!["comm == \"zz\""], vec!["user != \"root\""]),
        ("pid < 600 && threads > 0", vec!["pid < 600"], vec!["threads > 0"]),
    ] {
        let traced = traced(text);
        let written: Vec<&str> = traced.steps.iter().map(|step| step.text.as_str()).collect();
        let cheap_first: Vec<&str> = traced.skipped.iter().map(String::as_str).collect();
        assert_eq!((written, cheap_first), (steps, skipped), "{text}");
        assert_eq!(traced.decided_by(), traced.steps.last().map(|step| step.text.as_str()));
    }
}

#[test]
fn the_facts_of_a_condition_are_named_with_their_cost() {
    let traced = traced("any(ancestors, a => a.pid == 1 || a.comm == \"z\") && arg(\"--port\") == \"81\"");
    let facts = |at: usize| {
        let asked = traced.steps.get(at).unwrap().asked.iter();
        asked.map(|asked| (asked.fact.as_str(), asked.cost)).collect::<Vec<_>>()
    };
    assert_eq!(facts(0), [("arg", 3)]);
    assert_eq!(traced.skipped.len(), 1, "{traced:?}");
}
