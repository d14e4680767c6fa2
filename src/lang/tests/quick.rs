//! The short way to a verdict: it agrees with the long one wherever it answers, and it answers where it should.

use std::cell::RefCell;

use super::toy::{self, Toy};
use crate::facts::Fact;
use crate::lang::ir::{Id, Node};
use crate::lang::quick::{Datum, Index, Layout, Plain, Program, Record};
use crate::lang::schema::Vocabulary;
use crate::lang::value::Value;
use crate::lang::{Matcher, Verdict, Vocabularies, compile};

impl Plain for Toy {
    fn constant(&self, _: Id, value: &Value) -> Option<Datum> {
        toy::number_of(value).map(Datum::Int)
    }

    fn fixed(&self, _: &Node) -> Option<Value> {
        None
    }
}

fn read(toy: &Toy, candidate: &Value, field: Id) -> Datum {
    match toy.field(candidate, field.index) {
        Fact::Known(Value::List(items)) => {
            let words: Option<Vec<_>> = items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            words.map_or(Datum::Opaque, |words| Datum::Words(words.into()))
        }
        Fact::Known(value) => toy::number_of(&value).map_or_else(|| Datum::of(&value), Datum::Int),
        Fact::Absent => Datum::Absent,
        Fact::Unknown(_) => Datum::Opaque,
    }
}

fn bound(text: &str, toy: &Toy) -> Matcher {
    let compiled = compile(text, &toy::schema(), &toy::scope());
    let predicate = compiled.predicate.unwrap_or_else(|| panic!("{text}: {:?}", compiled.diagnostics));
    predicate.bind(&toy::bindings(), &Vocabularies(vec![toy])).matcher
}

/// What the short way says of each condition, and which of them an index over all lets through.
pub(super) fn ask(matchers: &[&Matcher], toy: &Toy, candidate: &Value) -> (Vec<Option<bool>>, Vec<usize>) {
    let mut layout = Layout::default();
    let programs: Vec<Program> =
        matchers.iter().map(|matcher| Program::new(matcher, &mut layout, toy)).collect();
    let index = Index::new(&programs, &layout);
    let record = Record::new(&layout);
    let read = |field: Id| read(toy, candidate, field);
    let mut found = Vec::new();
    index.candidates(&record, &read, &mut found);
    found.sort_unstable();
    (programs.iter().map(|program| program.run(&record, &read)).collect(), found)
}

/// For the properties: both ways agree on this one.
pub(super) fn agrees(matcher: &Matcher, toy: &Toy, candidate: &Value, verdict: &Verdict) {
    let other = bound("name == \"zz\" && owner == \"ann\"", toy);
    let (answers, found) = ask(&[&other, matcher], toy, candidate);
    let text = matcher.source();
    match answers[1] {
        Some(true) => assert_eq!(*verdict, Verdict::Match, "{text}"),
        Some(false) => assert_eq!(*verdict, Verdict::NoMatch, "{text}"),
        None => {}
    }
    assert!(found.contains(&1) || *verdict == Verdict::NoMatch, "{text}: left out of {verdict:?}");
}

#[test]
fn it_answers_what_plain_data_can_tell() {
    let facts = "name = \"web\"; owner = 33; size = 5MiB; tags = [\"-v\", \"serve\"]; live = true; title = \"a b c\"; nice = denied";
    let candidate = toy::thing(facts);
    for (text, expected) in [
        ("name == \"web\" && owner == \"www-data\"", Some(true)),
        ("name == \"web\" && owner == \"root\"", Some(false)),
        ("owner in [\"root\", \"ann\"]", Some(false)),
        ("owner not in [\"root\", 33]", Some(false)),
        ("size > 4MiB && live", Some(true)),
        ("size <= 4MiB || !live", Some(false)),
        ("tags[0] == \"-v\" && tags[-1] == \"serve\"", Some(true)),
        ("tags[7] == \"x\"", Some(false)),
        ("tags contains \"serve\"", Some(true)),
        ("title contains \" b \" && title starts_with \"a\" && title ends_with \"c\"", Some(true)),
        ("title =~ r\"^b\"", Some(false)),
        ("\"web\" == name", Some(true)),
        ("has(slow)", Some(false)),
        ("slow == 1", Some(false)),
        ("slow != 1", Some(true)),
        ("nice == 1", None),
        ("nice == 1 && name == \"x\"", Some(false)),
        ("nice == 1 || name == \"web\"", Some(true)),
        ("place under \"/srv\"", None),
        ("any(tags, t => t == name)", None),
        ("owner == \"no-one\"", None),
    ] {
        let toy = Toy::new();
        let matcher = bound(text, &toy);
        assert_eq!(ask(&[&matcher], &toy, &candidate).0, [expected], "{text}");
    }
}

#[test]
fn an_index_lets_through_what_can_be_true() {
    let conditions = [
        "name == \"web\"",
        "name == \"db\" && live",
        "name in [\"web\", \"db\"]",
        "tags[1] == \"serve\" && owner == \"www-data\"",
        "tags contains \"-x\"",
        "title contains \"needle\"",
        "title contains \"eed\" && size > 1MiB",
        "size > 1MiB",
        "name == \"web\" || owner == \"root\"",
        "owner == \"root\" || owner == \"ann\"",
        "!(name == \"web\")",
    ];
    for (facts, expected) in [
        (
            "name = \"web\"; owner = 33; tags = [\"-v\", \"serve\"]; title = \"a needle\"",
            vec![0, 2, 3, 5, 6, 7, 8, 10],
        ),
        ("name = \"db\"; owner = 0; tags = [\"-x\"]; title = \"nothing\"", vec![1, 2, 4, 7, 8, 9, 10]),
        // What isn't known lets everything through that rests on it.
        ("name = denied; owner = 1000; tags = absent; title = denied", vec![0, 1, 2, 5, 6, 7, 8, 9, 10]),
        ("owner = denied", vec![3, 7, 8, 9, 10]),
    ] {
        let toy = Toy::new();
        let matchers: Vec<Matcher> = conditions.iter().map(|text| bound(text, &toy)).collect();
        let matchers: Vec<&Matcher> = matchers.iter().collect();
        assert_eq!(ask(&matchers, &toy, &toy::thing(facts)).1, expected, "{facts}");
    }
}

#[test]
fn a_thousand_conditions_ask_for_each_fact_once() {
    let texts: Vec<String> =
        (0..1000).map(|n| format!("owner == \"root\" && name == \"n{n}\" && slow > 5")).collect();
    let toy = Toy::new();
    let matchers: Vec<Matcher> = texts.iter().map(|text| bound(text, &toy)).collect();
    let matchers: Vec<&Matcher> = matchers.iter().collect();
    let mut layout = Layout::default();
    let programs: Vec<Program> =
        matchers.iter().map(|matcher| Program::new(matcher, &mut layout, &toy)).collect();
    let index = Index::new(&programs, &layout);
    let asked = RefCell::new(Vec::new());
    let mut record = Record::new(&layout);
    for (candidate, expected) in [
        ("owner = 0; name = \"n7\"; slow = 9", vec!["owner", "name", "slow"]),
        ("owner = 0; name = \"other\"; slow = 9", vec!["owner", "name"]),
        ("owner = 33; name = \"n7\"; slow = 9", vec!["owner"]),
    ] {
        let candidate = toy::thing(candidate);
        let schema = toy::schema();
        let read = |field: Id| {
            asked.borrow_mut().push(schema.field_by_id(field).unwrap().name.clone());
            read(&toy, &candidate, field)
        };
        let mut found = Vec::new();
        record.clear();
        index.candidates(&record, &read, &mut found);
        for number in found {
            let _ = programs[number].run(&record, &read);
        }
        assert_eq!(asked.take(), expected);
    }
}
