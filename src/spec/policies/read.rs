//! A Policy document from its `spec`.

use std::sync::Arc;
use std::time::Duration;

use super::{PolicyDocument, PolicyTest, action, check_breadth, units};
use crate::diagnostic::Diagnostic;
use crate::lang::Predicate;
use crate::process::expression::schema_of;
use crate::process::snapshot::Snapshot;
use crate::process::template::Template;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::expression::condition;
use crate::spec::matcher::Expected;
use crate::spec::parts::{self, change};
use crate::spec::policy::{ActionLimit, Lasting, Policy, Severity};
use crate::spec::{codes, defaults, table};
use crate::yaml::{Node, NodeKind};

/// Looks don't follow each other closer than this.
const EVERY_MIN: Duration = Duration::from_millis(100);

/// Fills a document that has its name. What is wrong is said and left out.
pub(in crate::spec) fn read(value: &Value<'_>, document: &mut PolicyDocument, d: &mut Decoder<'_>) {
    let Some(object) = Object::open(value, &table::POLICY, d) else { return };
    let policy = Arc::make_mut(&mut document.policy);
    fields(&object, policy, d);
    let (mut subject, mut when): (Option<Predicate>, Option<Predicate>) = (None, None);
    for (name, expression, predicate) in
        [("match", &mut policy.subject, &mut subject), ("when", &mut policy.when, &mut when)]
    {
        if let Some(value) = object.get(name, d)
            && let Some((read, compiled)) = condition(&value, d)
        {
            *expression = Some(read);
            *predicate = Some(compiled);
        }
    }
    check_together(value, &object, policy, d);
    check_breadth(&object, policy, (subject.as_ref(), when.as_ref()), d);
    if let Some(tests) = object.get("tests", d) {
        let items = tests.items(d).into_iter().flatten();
        document.tests = items.filter_map(|value| test(&value, d)).collect();
    }
}

fn fields(object: &Object<'_>, policy: &mut Policy, d: &mut Decoder<'_>) {
    object.set_some("selector", &mut policy.selector, d, defaults::read_selector);
    object.set_some("count", &mut policy.count, d, units::count);
    object.set("for", &mut policy.lasting, d, units::lasting);
    object.set("every", &mut policy.every, d, every);
    object.set("do", &mut policy.actions, d, action::actions);
    object.set("limit", &mut policy.limit, d, limit);
    object.set_some("dryRun", &mut policy.dry_run, d, Value::bool);
    let severities = [
        ("info", Severity::Info),
        ("warning", Severity::Warning),
        ("error", Severity::Error),
        ("critical", Severity::Critical),
    ];
    object.set_word("severity", &mut policy.severity, &severities, d);
    object.set_some("message", &mut policy.message, d, message);
    object.set_some("hosts", &mut policy.hosts, d, parts::hosts::hosts);
    object.set_some("suspend", &mut policy.suspend, d, change::suspend);
}

fn every(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Duration> {
    let every = value.duration(d)?;
    if every < EVERY_MIN {
        let message = format!("`{}` is at least 100ms", value.path());
        d.say(
            value
                .wrong(codes::INVALID_VALUE, message)
                .help("leave it out: what the kernel tells of is noticed at once"),
        );
        return None;
    }
    Some(every)
}

fn limit(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<ActionLimit> {
    let object = Object::open(value, &table::POLICY_LIMIT, d)?;
    let mut limit = ActionLimit::default();
    object.set("count", &mut limit.count, d, |value, d| value.integer(1, 100_000, d));
    object.set("per", &mut limit.per, d, Value::positive_duration);
    Some(limit)
}

fn message(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let scalar = value.scalar("a text", d)?;
    let names = d.names.clone();
    match Template::compile(&scalar.text, schema_of(&names.library)) {
        Ok(_) => Some(scalar.text.to_string()),
        Err(found) => {
            let whole = scalar.span;
            let note = format!("in `{}`", value.path());
            for said in found {
                let said = said.map_spans(|span| {
                    let span = scalar.source_span(span);
                    crate::diagnostic::Span::new(span.start.min(whole.end), span.end.min(whole.end))
                });
                d.say(said.note(note.clone()));
            }
            None
        }
    }
}

/// What the fields mean to each other.
fn check_together(value: &Value<'_>, object: &Object<'_>, policy: &Policy, d: &mut Decoder<'_>) {
    let is_there = |field: &str| object.has(field) || object.is_meant(field);
    if !is_there("match") && !is_there("selector") {
        let message =
            "`spec` has neither `match` nor `selector`, so nobody knows which processes it is about";
        let said = Diagnostic::error(codes::MISSING_FIELD, message).at(value.key, "");
        d.say(said.help("add `match: 'name == \"cron\"'`"));
    }
    let at = |field: &str| object.key(field).unwrap_or_default();
    if let Lasting::Time(time) = policy.lasting
        && time < policy.every
        && object.has("every")
    {
        let message =
            "`spec.for` is shorter than `spec.every`: it is so for longer before the next look tells";
        let said = Diagnostic::warning(codes::POLICY_TIMES, message).at(at("for"), "").at(at("every"), "");
        d.say(said.help("make `every` the shorter one"));
    }
    let too_few = policy.count.is_some_and(|range| range.most.is_none());
    let in_vain = policy.actions.iter().find(|action| !matches!(action.word(), "report" | "exec"));
    if let Some(action) = in_vain.filter(|_| too_few) {
        let message = format!(
            "`spec.do: {}` never happens: `spec.count` is violated when too few are there, and then there is no process to do it to",
            action.word()
        );
        let said = Diagnostic::error(codes::CONFLICT, message).at(at("do"), "").at(at("count"), "");
        d.say(said.help("start what is missing by a Service, or write `do: {exec: {command: [...]}}`"));
    }
}

fn test(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyTest> {
    let object = Object::open(value, &table::POLICY_TEST, d)?;
    let name = object.get("name", d).and_then(|value| value.nonempty(d));
    let (mut violated, mut message) = (None, None);
    if let Some(expect) = object.get("expect", d)
        && let Some(expect) = Object::open(&expect, &table::POLICY_EXPECT, d)
    {
        let words = [("true", Expected::True), ("false", Expected::False), ("unknown", Expected::Unknown)];
        expect.set_some("violated", &mut violated, d, |value, d| {
            Some((value.word(&table::VERDICTS, &words, d)?, value.node.span))
        });
        expect.set_some("message", &mut message, d, |value, d| Some((value.text(d)?, value.node.span)));
    }
    let nodes = processes(&object, value, d)?;
    let host = object.get("host", d).and_then(|host| facts(&host, d).map(|_| host));
    match Snapshot::of_tests(&d.source, host.as_ref().map(|host| host.node), &nodes) {
        Ok((snapshot, pids)) => {
            let (violated, at) = violated?;
            Some(PolicyTest { name: name?, snapshot, pids, violated, at, message })
        }
        Err(said) => {
            let place = format!("in `{}`", value.path());
            for diagnostic in said {
                d.say(diagnostic.note(place.clone()));
            }
            None
        }
    }
}

/// The processes that there are; none is a host without any.
fn processes(object: &Object<'_>, test: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<Node>> {
    match (object.get("process", d), object.get("processes", d)) {
        (Some(one), Some(several)) => {
            let message = format!("`{}` and `{}` are both given", one.path(), several.path());
            let said = Diagnostic::error(codes::CONFLICT, message).at(several.key, "").at(one.key, "");
            d.say(said.help("put all processes into `processes`"));
            None
        }
        (Some(one), None) => facts(&one, d).map(|node| vec![node.clone()]),
        (None, Some(several)) => several.list(d, |value, d| facts(value, d).cloned()),
        (None, None) if object.has("process") || object.has("processes") => None,
        (None, None) => {
            let message = format!("`{}` has neither `process` nor `processes`", test.path());
            let said = test.wrong(codes::MISSING_FIELD, message);
            d.say(said.help("write `processes: []` for a host without any"));
            None
        }
    }
}

/// A part of a snapshot, whose own reader says what is wrong inside.
fn facts<'n>(value: &Value<'n>, d: &mut Decoder<'_>) -> Option<&'n Node> {
    if !matches!(value.node.kind, NodeKind::Mapping(_)) {
        value.wrong_type("a mapping of facts", d);
        return None;
    }
    Some(value.node)
}
