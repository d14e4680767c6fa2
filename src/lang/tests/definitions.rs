//! Named matchers: what must hold of every use, and of those that grow.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::properties::{candidate, host, tree};
use super::toy;
use crate::lang::ir::Kind;
use crate::lang::library::Record;
use crate::lang::value::Value;
use crate::lang::{Form, Library, Scope, Verdict, Vocabularies, compile};

fn verdict(text: &str, scope: &Scope, candidate: &Value) -> Verdict {
    let compiled = compile(text, &toy::schema(), scope);
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

fn scope(lines: &[&str]) -> Scope {
    let (scope, said) = toy::scope_with(lines);
    let errors: Vec<_> = said.iter().filter(|(_, diagnostic)| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    scope
}

/// The codes of all errors in definitions.
fn codes(lines: &[String]) -> Vec<&'static str> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (_, said) = toy::scope_with(&lines);
    let mut codes: Vec<&str> = said.iter().filter(|(_, d)| d.is_error()).map(|(_, d)| d.code.0).collect();
    codes.dedup();
    codes
}

proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn a_use_decides_as_the_text_in_its_place(tree in tree(), other in tree(), host in host()) {
        let (text, other) = (tree.text(false), other.text(false));
        let scope = scope(&[
            &format!("web.one = {text}"),
            "web.join(p: bool, n: string) = (one && p) || (name == n && !web.one)",
        ]);
        let candidate = candidate(&host, true);
        let named = verdict(&format!("web.join({other}, \"b\")"), &scope, &candidate);
        let by_hand = format!("(({text}) && ({other})) || (name == \"b\" && !({text}))");
        let written = verdict(&by_hand, &scope, &candidate);
        match (&named, &written) {
            // What is missing is the same; the texts that name it may be those of the definition.
            (Verdict::Unknown(a), Verdict::Unknown(b)) => prop_assert_eq!(a, b),
            _ => prop_assert_eq!(named, written),
        }
    }

    #[test]
    fn a_recorded_use_means_the_same(tree in tree(), host in host()) {
        let text = tree.text(false);
        let live = scope(&[
            &format!("web.one = {text}"),
            "db.two(n: string, w: who) = web.one || name == n || owner == w || owner in @admins",
            "db.unrelated = live",
        ]);
        let uses = "db.two(\"a\", 33) && count_of not in [1]";
        let names = live.library.used_by(uses, None, &toy::schema(), &|_| false);
        let record: Record = live.library.record(names);
        let keys: Vec<&str> = record.keys().map(String::as_str).collect();
        prop_assert_eq!(keys, ["@admins", "db.two", "web.one"]);
        let json = serde_json::to_string(&record).unwrap();
        let record: Record = serde_json::from_str(&json).unwrap();
        let restored = Scope {
            variables: live.variables.clone(),
            library: std::sync::Arc::new(Library::restore(&record, &std::sync::Arc::new(toy::schema()))),
            ..Scope::default()
        };
        let candidate = candidate(&host, true);
        prop_assert_eq!(verdict(uses, &restored, &candidate), verdict(uses, &live, &candidate));
        prop_assert_eq!(restored.library.record(restored.library.used_by(uses, None, &toy::schema(), &|_| false)), record);
    }
}

#[test]
fn definitions_on_each_other_end_at_the_limits() {
    let chain = |text: &dyn Fn(usize) -> String, length: usize| -> Vec<String> {
        let first = "web.d0 = live && name == \"a\"".to_owned();
        std::iter::once(first).chain((1..length).map(|at| format!("web.d{at} = {}", text(at)))).collect()
    };
    let name = |at: usize| format!("web.d{}", at - 1);
    assert_eq!(codes(&chain(&name, 60)), [""; 0]);
    assert_eq!(codes(&chain(&name, 3000)), ["M403"]);
    let narrower = |at: usize| format!("!(live && !web.d{})", at - 1);
    assert_eq!(codes(&chain(&narrower, 15)), [""; 0]);
    assert_eq!(codes(&chain(&narrower, 60)), ["M403"]);
    // Each twice as large as the one before: a few definitions, no limit but the tenfold for a while.
    let doubled = |at: usize| format!("web.d{0} || (name == \"b\" && web.d{0})", at - 1);
    assert_eq!(codes(&chain(&doubled, 5)), [""; 0]);
    assert_eq!(codes(&chain(&doubled, 40)), ["M408"]);
}

#[test]
fn uses_end_at_the_limits_before_anything_is_put_in() {
    let mut wide = "web.wide(p: bool) = live".to_owned();
    for _ in 0..600 {
        wide.push_str(" || p");
    }
    let scope = scope(&[&wide]);
    let codes = |text: &str| -> Vec<&str> {
        let compiled = compile(text, &toy::schema(), &scope);
        compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.0).collect()
    };
    assert_eq!(codes("web.wide(live)"), [""; 0]);
    let mut argument = "web.wide(name == \"a\"".to_owned();
    for _ in 0..20 {
        argument.push_str(" && nice == 1");
    }
    assert_eq!(codes(&format!("{argument})")), ["M402"]);
    assert_eq!(codes(&["web.wide(live)"; 10].join(" && ")), ["M402"]);
}

#[test]
fn an_explanation_shows_the_name_and_then_its_tree() {
    let scope = scope(&["web.app(who: who, n: int) = owner == who && nice == n"]);
    let predicate = compile("web.app(\"ann\", count_of) && live", &toy::schema(), &scope).predicate.unwrap();
    let toy = toy::Toy::new();
    let facts = Vocabularies(vec![&toy]);
    let matcher = predicate.bind(&toy::bindings(), &facts).matcher;
    let thing = toy::thing("owner = 1000; nice = 3; count_of = 4; live = true");
    let explanation = matcher.explain(&thing, &facts);
    let named = &explanation.children[0];
    assert_eq!((named.text.as_str(), named.form), ("web.app(\"ann\", count_of)", Form::Named));
    let body = &named.children[0];
    assert_eq!((body.text.as_str(), body.form), ("owner == who && nice == n", Form::And));
    let mut shown = String::new();
    for leaf in &body.children {
        for operand in &leaf.children {
            write!(shown, "{} = {}; ", operand.text, operand.value()).unwrap();
        }
    }
    assert_eq!(shown, "owner = ann; who = ann; nice = 3; n = 4; ");
    let failing: Vec<&str> = explanation.smallest_failing().iter().map(|part| part.text.as_str()).collect();
    assert_eq!(failing, ["nice == n"]);
}

#[test]
fn a_bound_use_shows_its_conjuncts_with_constants() {
    let scope = scope(&["web.a(n: string) = name == n && live", "web.b(n: string) = web.a(n) && nice > 1"]);
    let predicate = compile("web.b(\"x\") && has(title)", &toy::schema(), &scope).predicate.unwrap();
    let toy = toy::Toy::new();
    let bound = predicate.bind(&toy::bindings(), &Vocabularies(vec![&toy]));
    let conjuncts = bound.matcher.root().conjuncts();
    assert_eq!(conjuncts.len(), 4);
    let Kind::Compare { right, .. } = &conjuncts[0].bare().kind else { panic!("{:?}", conjuncts[0]) };
    assert!(matches!(&right.kind, Kind::Const(Value::String(text)) if **text == *b"x"), "{right:?}");
}

#[test]
fn the_short_way_sees_through_definitions() {
    let scope = scope(&["web.a(n: string, l: int) = name == n && nice > l && tags contains \"x\""]);
    let predicate = compile("web.a(\"x\", 3) && live", &toy::schema(), &scope).predicate.unwrap();
    let toy = toy::Toy::new();
    let matcher = predicate.bind(&toy::bindings(), &Vocabularies(vec![&toy])).matcher;
    for (facts, expected) in [
        ("name = \"x\"; nice = 4; tags = [\"x\"]; live = true", Some(true)),
        ("name = \"y\"; nice = 4; tags = [\"x\"]; live = true", Some(false)),
    ] {
        let (answers, candidates) = super::quick::ask(&[&matcher], &toy, &toy::thing(facts));
        assert_eq!(answers, [expected], "{facts}");
        assert_eq!(candidates.len(), usize::from(expected == Some(true)), "the index knows its guards");
    }
}

#[test]
fn facts_of_arguments_are_named_as_the_use_names_them() {
    let scope = scope(&["web.a(n: int) = nice == n", "web.b(m: int) = web.a(m + 1)"]);
    let thing = toy::thing("nice = 1; count_of = denied");
    let Verdict::Unknown(missing) = verdict("web.b(count_of)", &scope, &thing) else { panic!() };
    assert_eq!(missing[0].what, "count_of");
    let Verdict::Unknown(missing) = verdict("web.b(3)", &scope, &toy::thing("nice = denied")) else {
        panic!()
    };
    assert_eq!(missing[0].what, "nice");
}
