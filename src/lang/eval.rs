//! Three-valued evaluation.
//!
//! Absent makes every positive comparison false, whatever stands on the other side. Unknown propagates by
//! Kleene: `false && unknown` is false, `true || unknown` is true. Negation of unknown is unknown. Nothing but
//! `known(f)` and `assume(f, d)` turns unknown into something else, and those don't hide that a candidate is gone.

mod compare;

use std::path::Path;

use super::core;
use super::ir::{Access, Builtin, Kind, Node, Operands};
use super::observe::Observer;
use super::schema::Vocabulary;
use super::show::{plain, show_with};
use super::value::Value;
use super::verdict::{Missing, Outcome};
use crate::diagnostic::Span;
use crate::facts::{Fact, Reason, Why};

/// The vocabularies that answer, in the order of [`super::Schema::add`].
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "vocabularies hold caches, not values")]
pub struct Vocabularies<'a>(pub Vec<&'a dyn Vocabulary>);

impl Vocabularies<'_> {
    /// Asks one of them.
    pub(super) fn ask<T>(
        &self,
        vocabulary: usize,
        question: impl FnOnce(&dyn Vocabulary) -> Fact<T>,
    ) -> Fact<T> {
        match self.0.get(vocabulary) {
            Some(answers) => question(*answers),
            None => Fact::Unknown(Reason::new(Why::Plugin, "its vocabulary is not loaded")),
        }
    }

    /// What one of them shows a value as.
    pub(super) fn show(&self, value: &Value) -> Option<String> {
        self.0.iter().find_map(|vocabulary| vocabulary.show(value))
    }

    /// An outcome for a person: `true`, `"www-data"`, `absent`, `unknown (denied)`. A vocabulary may look
    /// something up to show its own values.
    pub fn words(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Known(value) => show_with(value, &|value| self.show(value)),
            Outcome::Absent => "absent".to_owned(),
            Outcome::Unknown(missing) => {
                let reasons: Vec<String> = missing.iter().map(|missing| missing.reason.to_string()).collect();
                format!("unknown ({})", reasons.join(", "))
            }
        }
    }
}

/// One evaluation: of one expression, for one candidate.
#[derive(Clone)]
pub(super) struct Context<'a> {
    pub(super) source: &'a str,
    pub(super) candidate: &'a Value,
    pub(super) facts: &'a Vocabularies<'a>,
    pub(super) elements: [Option<Value>; 2],
    /// Is told of every node, if somebody wants to know.
    observer: Option<&'a dyn Observer>,
}

impl<'a> Context<'a> {
    /// Outside of all quantifiers.
    pub(super) fn new(source: &'a str, candidate: &'a Value, facts: &'a Vocabularies<'a>) -> Self {
        Self { source, candidate, facts, elements: [None, None], observer: None }
    }

    /// The same, with somebody who watches.
    pub(super) fn observed(self, observer: &'a dyn Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Inside a quantifier.
    pub(super) fn with_element(&self, slot: usize, element: Value) -> Self {
        let mut inner = self.clone();
        if let Some(place) = inner.elements.get_mut(slot) {
            *place = Some(element);
        }
        inner
    }

    /// Inside a definition, or in an argument of one: spans are in another text.
    pub(super) fn within<'b>(&self, text: &'b str) -> Context<'b>
    where
        'a: 'b,
    {
        let mut inner: Context<'b> = self.clone();
        inner.source = text;
        inner
    }

    /// The value of a node.
    pub(super) fn value(&self, node: &Node) -> Outcome {
        let Some(observer) = self.observer else { return self.compute(node) };
        observer.enter(node);
        let outcome = self.compute(node);
        observer.leave(node, &outcome);
        outcome
    }

    fn compute(&self, node: &Node) -> Outcome {
        match &node.kind {
            Kind::Const(value) => Outcome::Known(value.clone()),
            Kind::Nothing | Kind::Variable(_) => Outcome::Absent,
            Kind::Unknown(reason) => self.missing(node.span, reason.clone()),
            Kind::Interpolated(parts) => self.all(parts, |values| {
                Outcome::Known(Value::string(values.iter().flat_map(plain).collect::<Vec<u8>>()))
            }),
            Kind::List(items) => self.list(items),
            Kind::Range { .. } => malformed(self, node.span),
            Kind::Candidate => Outcome::Known(self.candidate.clone()),
            Kind::Element(slot) => {
                let element = self.elements.get(*slot).cloned().flatten();
                element.map_or(Outcome::Absent, Outcome::Known)
            }
            Kind::Field { owner, field } => self.field(node.span, owner, field),
            Kind::Entry { owner, field, key } => self.entry(node.span, owner, field, key),
            Kind::Index { list, index } => self.both(list, index, |list, index| {
                index_of(list, index).map_or(Outcome::Absent, Outcome::Known)
            }),
            Kind::Call { function, arguments } => self.all(arguments, |values| {
                let id = function.id;
                let fact = self.facts.ask(id.vocabulary, |v| v.call(self.candidate, id.index, values));
                self.outcome(node.span, fact)
            }),
            Kind::Builtin(builtin, arguments) => self.builtin(node.span, *builtin, arguments),
            Kind::MatchesAny { text, patterns } => {
                self.text(text, |bytes| Outcome::bool(patterns.is_match(bytes)))
            }
            Kind::Quantifier { quantifier, list, slot, body } => {
                self.quantifier(node.span, *quantifier, list, *slot, body)
            }
            Kind::Not(inner) => negate(self.value(inner)),
            Kind::And(operands) => self.logical(operands, false),
            Kind::Or(operands) => self.logical(operands, true),
            Kind::Compare { op, by, left, right } => self.comparison(node.span, *op, *by, left, right),
            Kind::Regex { text, regex } => self.comparand(text, |bytes| Outcome::bool(regex.is_match(bytes))),
            Kind::Glob { text, glob } => {
                self.comparand(text, |bytes| Outcome::bool(glob.is_match(os_path(bytes))))
            }
            Kind::Member { value, set } => match self.value(value) {
                Outcome::Known(value) => {
                    Outcome::bool(core::key(&value).is_some_and(|key| set.contains(&key)))
                }
                Outcome::Absent => Outcome::bool(false),
                unknown @ Outcome::Unknown(_) => unknown,
            },
            Kind::Default { value, fallback } => match self.value(value) {
                Outcome::Absent => self.value(fallback),
                found => found,
            },
            Kind::Arithmetic { op, left, right } => {
                self.both(left, right, |left, right| match core::arithmetic(*op, left, right) {
                    Some(Ok(value)) => Outcome::Known(value),
                    Some(Err(())) => {
                        self.missing(node.span, Reason::new(Why::Malformed, "outside of 64 bits"))
                    }
                    None => malformed(self, node.span),
                })
            }
            Kind::Convert { value, to, vocabulary } => self.one(value, |value| {
                self.outcome(node.span, self.facts.ask(*vocabulary, |v| v.convert(value, to)))
            }),
            Kind::ToPath(inner) => self.one(inner, |value| match value {
                Value::String(bytes) | Value::Path(bytes) => Outcome::Known(Value::Path(bytes.clone())),
                _ => malformed(self, node.span),
            }),
            Kind::Named { definition, body } => self.within(&definition.text).value(body),
            Kind::Argument { text, value } => self.within(text).value(value),
            Kind::Text { value, vocabulary } => self
                .one(value, |value| self.outcome(node.span, self.facts.ask(*vocabulary, |v| v.text(value)))),
        }
    }

    /// A fact, with what is written for it.
    pub(super) fn outcome(&self, span: Span, fact: Fact<Value>) -> Outcome {
        match fact {
            Fact::Known(value) => Outcome::Known(value),
            Fact::Absent => Outcome::Absent,
            Fact::Unknown(reason) => self.missing(span, reason),
        }
    }

    pub(super) fn missing(&self, span: Span, reason: Reason) -> Outcome {
        let what = self.source.get(span.start..span.end).unwrap_or_default().to_owned();
        Outcome::Unknown(vec![Missing { what, reason }])
    }

    fn one(&self, node: &Node, then: impl FnOnce(&Value) -> Outcome) -> Outcome {
        match self.value(node) {
            Outcome::Known(value) => then(&value),
            other => other,
        }
    }

    fn both(&self, left: &Node, right: &Node, then: impl FnOnce(&Value, &Value) -> Outcome) -> Outcome {
        match (self.value(left), self.value(right)) {
            (Outcome::Absent, _) | (_, Outcome::Absent) => Outcome::Absent,
            (Outcome::Known(left), Outcome::Known(right)) => then(&left, &right),
            (left, right) => unknowns([left, right]),
        }
    }

    /// Absent if one is, however much else is unknown: whatever the unknown ones turn out to be changes nothing.
    fn all(&self, nodes: &[Node], then: impl FnOnce(&[Value]) -> Outcome) -> Outcome {
        let outcomes: Vec<Outcome> = nodes.iter().map(|node| self.value(node)).collect();
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Absent)) {
            return Outcome::Absent;
        }
        let values: Vec<Value> = outcomes.iter().filter_map(known).collect();
        if values.len() == outcomes.len() { then(&values) } else { unknowns(outcomes) }
    }

    fn list(&self, items: &[Node]) -> Outcome {
        let outcomes: Vec<Outcome> = items.iter().map(|item| self.value(item)).collect();
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown(_))) {
            return unknowns(outcomes);
        }
        Outcome::Known(Value::list(outcomes.iter().filter_map(known)))
    }

    fn text(&self, node: &Node, then: impl FnOnce(&[u8]) -> Outcome) -> Outcome {
        self.one(node, |value| core::bytes(value).map_or_else(|| malformed(self, node.span), then))
    }

    fn comparand(&self, node: &Node, then: impl FnOnce(&[u8]) -> Outcome) -> Outcome {
        match self.text(node, then) {
            Outcome::Absent => Outcome::bool(false),
            other => other,
        }
    }

    fn field(&self, span: Span, owner: &Node, field: &Access) -> Outcome {
        self.one(owner, |owner| {
            let id = field.id;
            self.outcome(span, self.facts.ask(id.vocabulary, |v| v.field(owner, id.index)))
        })
    }

    fn entry(&self, span: Span, owner: &Node, field: &Access, key: &Node) -> Outcome {
        self.both(owner, key, |owner, key| match core::bytes(key) {
            Some(key) => {
                let id = field.id;
                self.outcome(span, self.facts.ask(id.vocabulary, |v| v.entry(owner, id.index, key)))
            }
            None => malformed(self, span),
        })
    }

    fn logical(&self, operands: &Operands, decisive: bool) -> Outcome {
        let mut unknown = Vec::new();
        for item in operands.order.iter().filter_map(|index| operands.items.get(*index)) {
            let outcome = self.value(item);
            match outcome.truth() {
                Some(value) if value == decisive => return Outcome::bool(decisive),
                Some(_) => {}
                None => unknown.push(outcome),
            }
        }
        if unknown.is_empty() { Outcome::bool(!decisive) } else { unknowns(unknown) }
    }

    fn builtin(&self, span: Span, builtin: Builtin, arguments: &[Node]) -> Outcome {
        match (builtin, arguments) {
            (Builtin::Has, [subject]) => match self.value(subject) {
                Outcome::Known(_) => Outcome::bool(true),
                Outcome::Absent => Outcome::bool(false),
                unknown @ Outcome::Unknown(_) => unknown,
            },
            (Builtin::Known, [subject]) => Outcome::bool(!matches!(self.value(subject), Outcome::Unknown(_))),
            (Builtin::Assume, [subject, instead]) => match self.value(subject) {
                Outcome::Unknown(missing) if !missing.iter().any(Missing::is_gone) => self.value(instead),
                other => other,
            },
            (Builtin::CidrContains, [network, address]) => self.both(network, address, |network, address| {
                core::covers(address, network).map_or_else(|| malformed(self, span), Outcome::bool)
            }),
            (_, [subject]) => {
                self.one(subject, |value| simple(builtin, value).unwrap_or_else(|| malformed(self, span)))
            }
            _ => malformed(self, span),
        }
    }
}

/// Kleene's "or".
fn any(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut unknown = Vec::new();
    for outcome in outcomes {
        match outcome.truth() {
            Some(true) => return Outcome::bool(true),
            Some(false) => {}
            None => unknown.push(outcome),
        }
    }
    if unknown.is_empty() { Outcome::bool(false) } else { unknowns(unknown) }
}

/// Kleene's "not"; what is absent is not so.
pub(super) fn negate(outcome: Outcome) -> Outcome {
    match outcome.truth() {
        Some(value) => Outcome::bool(!value),
        None => outcome,
    }
}

/// All that is missing, each once, in an order that does not depend on that of the operands.
pub(super) fn unknowns(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let mut all: Vec<Missing> = outcomes
        .into_iter()
        .flat_map(|outcome| match outcome {
            Outcome::Unknown(missing) => missing,
            Outcome::Known(_) | Outcome::Absent => Vec::new(),
        })
        .collect();
    all.sort();
    all.dedup();
    Outcome::Unknown(all)
}

fn known(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Known(value) => Some(value.clone()),
        Outcome::Absent | Outcome::Unknown(_) => None,
    }
}

/// A vocabulary answered with a value of another type than it declared.
fn malformed(context: &Context<'_>, span: Span) -> Outcome {
    context.missing(span, Reason::new(Why::Malformed, "not of the declared type"))
}

fn simple(builtin: Builtin, value: &Value) -> Option<Outcome> {
    if let (Builtin::Len, Value::List(items)) = (builtin, value) {
        return Some(Outcome::Known(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))));
    }
    let bytes = core::bytes(value)?;
    let result = match builtin {
        Builtin::Len => Value::Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX)),
        Builtin::Lower => Value::string(bytes.to_ascii_lowercase()),
        Builtin::Upper => Value::string(bytes.to_ascii_uppercase()),
        Builtin::Basename => Value::string(core::basename(bytes)),
        Builtin::Dirname => Value::path(core::dirname(bytes)),
        Builtin::Has | Builtin::Known | Builtin::Assume | Builtin::CidrContains => return None,
    };
    Some(Outcome::Known(result))
}

fn index_of(list: &Value, index: &Value) -> Option<Value> {
    let (Value::List(items), Value::Int(index)) = (list, index) else { return None };
    let position = match usize::try_from(*index) {
        Ok(position) => position,
        Err(_) => items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    items.get(position).cloned()
}

fn os_path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
