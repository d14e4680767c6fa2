//! Comparisons and quantifiers over known, absent and unknown values.

use super::{Context, any, malformed, negate, unknowns};
use crate::diagnostic::Span;
use crate::facts::{Reason, Why};
use crate::lang::ast::{ArithmeticOp, CompareOp};
use crate::lang::core;
use crate::lang::ir::{By, Kind, Node, Quantifier};
use crate::lang::schema::Operation;
use crate::lang::value::Value;
use crate::lang::verdict::{Missing, Outcome};

impl Context<'_> {
    pub(super) fn quantifier(
        &self,
        span: Span,
        quantifier: Quantifier,
        list: &Node,
        slot: usize,
        body: &Node,
    ) -> Outcome {
        let items = match self.value(list) {
            Outcome::Known(Value::List(items)) => items,
            Outcome::Known(_) => return malformed(self, span),
            // Of a list that does not exist nothing positive is so; `all` of it is not vacuously true.
            Outcome::Absent => {
                return match quantifier {
                    Quantifier::None => Outcome::bool(true),
                    Quantifier::Any | Quantifier::All | Quantifier::One => Outcome::bool(false),
                    Quantifier::Count | Quantifier::Sum => Outcome::Absent,
                };
            }
            unknown @ Outcome::Unknown(_) => return unknown,
        };
        if quantifier == Quantifier::Sum {
            return self.sum(span, &items, slot, body);
        }
        let (mut so, mut not_so, mut unknown) = (0_i64, 0_i64, Vec::new());
        for item in items.iter() {
            let outcome = self.with_element(slot, item.clone()).value(body);
            match outcome.truth() {
                Some(true) => so += 1,
                Some(false) => not_so += 1,
                None => unknown.push(outcome),
            }
            if let Some(value) = decided(quantifier, so, not_so) {
                return Outcome::bool(value);
            }
        }
        if !unknown.is_empty() {
            return unknowns(unknown);
        }
        match quantifier {
            Quantifier::Any => Outcome::bool(so > 0),
            Quantifier::All => Outcome::bool(not_so == 0),
            Quantifier::None => Outcome::bool(so == 0),
            Quantifier::One => Outcome::bool(so == 1),
            Quantifier::Count | Quantifier::Sum => Outcome::Known(Value::Int(so)),
        }
    }

    /// What is absent adds nothing, and neither does an element that is gone: it has no share in the whole any more.
    fn sum(&self, span: Span, items: &[Value], slot: usize, body: &Node) -> Outcome {
        let (mut sum, mut unknown) = (core::nothing(&body.ty), Vec::new());
        for item in items {
            match self.with_element(slot, item.clone()).value(body) {
                Outcome::Known(value) => {
                    let joined = sum.as_ref().map(|sum| core::arithmetic(ArithmeticOp::Add, sum, &value));
                    sum = match joined {
                        Some(Some(Ok(sum))) => Some(sum),
                        Some(Some(Err(()))) => {
                            return self.missing(span, Reason::new(Why::Malformed, "outside of 64 bits"));
                        }
                        _ => return malformed(self, span),
                    };
                }
                Outcome::Unknown(missing) if !missing.iter().any(Missing::is_gone) => {
                    unknown.push(Outcome::Unknown(missing));
                }
                Outcome::Absent | Outcome::Unknown(_) => {}
            }
        }
        match sum {
            Some(sum) if unknown.is_empty() => Outcome::Known(sum),
            Some(_) => unknowns(unknown),
            None => malformed(self, span),
        }
    }

    pub(super) fn comparison(&self, span: Span, op: CompareOp, by: By, left: &Node, right: &Node) -> Outcome {
        if let (CompareOp::In, Kind::Range { low, high, inclusive }) = (op, &right.kind) {
            return self.in_range(span, by, left, low.as_deref(), high.as_deref(), *inclusive);
        }
        let element = self.value(left);
        // A literal list is looked at item by item: an unknown item must not hide a known equal one.
        if let (CompareOp::In, Kind::List(items)) = (op, &right.kind) {
            return any(items.iter().map(|item| self.element(span, by, &element, &self.value(item))));
        }
        let other = self.value(right);
        match (op, &element, &other) {
            (CompareOp::In, _, Outcome::Known(Value::List(items))) => {
                any(items.iter().map(|item| self.element(span, by, &element, &Outcome::Known(item.clone()))))
            }
            (CompareOp::Contains, Outcome::Known(Value::List(items)), _) => {
                any(items.iter().map(|item| self.element(span, by, &other, &Outcome::Known(item.clone()))))
            }
            _ => self.pair(span, op, by, &element, &other),
        }
    }

    /// Whether `value` equals an item of a list, or lies in it if it is a network.
    fn element(&self, span: Span, by: By, value: &Outcome, item: &Outcome) -> Outcome {
        let op = if by == By::Core { CompareOp::In } else { CompareOp::Equal };
        self.pair(span, op, by, value, item)
    }

    fn pair(&self, span: Span, op: CompareOp, by: By, left: &Outcome, right: &Outcome) -> Outcome {
        match (left, right) {
            (Outcome::Absent, _) | (_, Outcome::Absent) => Outcome::bool(false),
            (Outcome::Known(left), Outcome::Known(right)) => self.decide(span, op, by, left, right),
            (left, right) => unknowns([left.clone(), right.clone()]),
        }
    }

    fn decide(&self, span: Span, op: CompareOp, by: By, left: &Value, right: &Value) -> Outcome {
        let By::Vocabulary { vocabulary, operation, swapped, .. } = by else {
            return core::compare(op, left, right).map_or_else(|| malformed(self, span), Outcome::bool);
        };
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let ask = |operation| {
            let fact = self.facts.ask(vocabulary, |v| v.compare(self.candidate, operation, left, right));
            self.outcome(span, fact.map(Value::Bool))
        };
        let less_or_equal = || any([Operation::Less, Operation::Equal].into_iter().map(ask));
        let outcome = match op {
            CompareOp::LessEqual => less_or_equal(),
            // Two values without an order are not greater than each other either.
            CompareOp::GreaterEqual | CompareOp::Greater => match ask(Operation::Less) {
                Outcome::Absent => Outcome::Absent,
                less if op == CompareOp::GreaterEqual => negate(less),
                _ => negate(less_or_equal()),
            },
            _ => ask(operation),
        };
        if matches!(outcome, Outcome::Absent) { Outcome::bool(false) } else { outcome }
    }

    fn in_range(
        &self,
        span: Span,
        by: By,
        value: &Node,
        low: Option<&Node>,
        high: Option<&Node>,
        inclusive: bool,
    ) -> Outcome {
        let value = self.value(value);
        let upper = if inclusive { CompareOp::LessEqual } else { CompareOp::Less };
        let bounds = [(low, CompareOp::GreaterEqual), (high, upper)];
        let sides = bounds.into_iter().filter_map(|(bound, op)| Some((bound?, op)));
        let outcomes = sides.map(|(bound, op)| negate(self.pair(span, op, by, &value, &self.value(bound))));
        negate(any(outcomes))
    }
}

/// Whether a quantifier can be decided before all elements were seen.
fn decided(quantifier: Quantifier, so: i64, not_so: i64) -> Option<bool> {
    match quantifier {
        Quantifier::Any => (so > 0).then_some(true),
        Quantifier::All => (not_so > 0).then_some(false),
        Quantifier::None => (so > 0).then_some(false),
        Quantifier::One => (so > 1).then_some(false),
        Quantifier::Count | Quantifier::Sum => None,
    }
}
