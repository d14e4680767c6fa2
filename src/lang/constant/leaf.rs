//! One test of one subject, as the set of values that it is true of.

use globset::GlobMatcher;
use regex::bytes::Regex;

use super::Logic;
use super::sets::Set;
use crate::lang::ast::CompareOp;
use crate::lang::core;
use crate::lang::ir::{Builtin, By, Kind, Node, Quantifier};
use crate::lang::schema::Operation;
use crate::lang::value::{Type, Value};

/// A condition that is neither `!`, `&&` nor `||`.
pub(super) enum Leaf<'a> {
    /// True exactly if the subject is in the set.
    In(&'a Node, Set),
    /// True if the subject exists and its text passes.
    Text(&'a Node, TextTest<'a>),
    /// A name that stands for something of its own kind: two names may still mean the same.
    Name(&'a Node, &'a [u8]),
    /// Nothing is known of it but that it is the same wherever it stands.
    Opaque,
}

/// A test of a text against a constant.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextTest<'a> {
    Starts(&'a [u8]),
    Ends(&'a [u8]),
    Contains(&'a [u8]),
    Under(&'a [u8]),
    Regex(&'a Regex),
    Glob(&'a GlobMatcher),
}

impl TextTest<'_> {
    pub(super) fn holds(&self, text: &[u8]) -> bool {
        let compare =
            |op, other: &[u8]| core::compare(op, &Value::string(text), &Value::string(other)).unwrap_or(true);
        match self {
            Self::Starts(other) => compare(CompareOp::StartsWith, other),
            Self::Ends(other) => compare(CompareOp::EndsWith, other),
            Self::Contains(other) => compare(CompareOp::Contains, other),
            Self::Under(other) => compare(CompareOp::Under, other),
            Self::Regex(regex) => regex.is_match(text),
            Self::Glob(glob) => {
                use std::os::unix::ffi::OsStrExt as _;
                glob.is_match(std::ffi::OsStr::from_bytes(text))
            }
        }
    }

    /// No text passes both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Starts(a), Self::Starts(b)) => !a.starts_with(b) && !b.starts_with(a),
            (Self::Ends(a), Self::Ends(b)) => !a.ends_with(b) && !b.ends_with(a),
            (Self::Under(a), Self::Under(b)) => !Self::Under(a).holds(b) && !Self::Under(b).holds(a),
            _ => false,
        }
    }

    /// Every text that passes this passes the other.
    pub(super) fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Starts(a), Self::Starts(_) | Self::Contains(_))
            | (Self::Ends(a), Self::Ends(_) | Self::Contains(_))
            | (Self::Contains(a), Self::Contains(_))
            | (Self::Under(a), Self::Under(_)) => other.holds(a),
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::Glob(a), Self::Glob(b)) => a.glob() == b.glob(),
            _ => false,
        }
    }
}

impl Logic<'_> {
    pub(super) fn leaf<'a>(&self, node: &'a Node) -> Leaf<'a> {
        let node = node.bare();
        match &node.kind {
            Kind::Builtin(Builtin::Has, arguments) => match arguments.as_slice() {
                [subject] => Leaf::In(subject, Set::present()),
                _ => Leaf::Opaque,
            },
            Kind::Member { value, set } => member(value, set),
            Kind::Regex { text, regex } => text_leaf(text, TextTest::Regex(regex)),
            Kind::Glob { text, glob } => text_leaf(text, TextTest::Glob(glob)),
            Kind::Compare { op, by: By::Core, left, right } => core_leaf(*op, left, right),
            Kind::Compare { op, by: By::Vocabulary { operation, swapped, .. }, left, right } => {
                let (subject, other) = if *swapped { (right, left) } else { (left, right) };
                self.named_leaf(*op, *operation, *swapped, subject, other)
            }
            Kind::Field { .. } | Kind::Entry { .. } | Kind::Index { .. } | Kind::Call { .. } => {
                Leaf::In(node, Set::words(["true"]))
            }
            _ => Leaf::Opaque,
        }
    }

    /// A value of a type that numbers identify.
    fn named_leaf<'a>(
        &self,
        op: CompareOp,
        operation: Operation,
        swapped: bool,
        subject: &'a Node,
        other: &'a Node,
    ) -> Leaf<'a> {
        let Type::Named(name) = &subject.ty else { return Leaf::Opaque };
        if self.schema.type_bounds(name).is_none() {
            return Leaf::Opaque;
        }
        match (op, operation) {
            (CompareOp::Equal, Operation::Equal) => match literal(other) {
                Some(Value::Int(number)) => Leaf::In(subject, Set::numbers(*number, *number)),
                Some(Value::String(name)) => Leaf::Name(subject, name),
                _ => Leaf::Opaque,
            },
            (CompareOp::In, Operation::Equal) if !swapped => {
                let Kind::List(items) = &other.bare().kind else { return Leaf::Opaque };
                let numbers = items.iter().map(|item| match literal(item) {
                    Some(Value::Int(number)) => Some(Set::numbers(*number, *number)),
                    _ => None,
                });
                let all: Option<Vec<Set>> = numbers.collect();
                all.map_or(Leaf::Opaque, |all| Leaf::In(subject, union(&all)))
            }
            (CompareOp::In, Operation::Less) => match &other.bare().kind {
                Kind::Range { low, high, inclusive } => {
                    range(subject, low.as_deref(), high.as_deref(), *inclusive)
                }
                _ => Leaf::Opaque,
            },
            (_, Operation::Less) => match literal(other).and_then(|value| side(op, value)) {
                Some(set) if !swapped => Leaf::In(subject, set),
                _ => Leaf::Opaque,
            },
            _ => Leaf::Opaque,
        }
    }
}

/// A literal, also where it is converted to a named type.
fn literal(node: &Node) -> Option<&Value> {
    match &node.bare().kind {
        Kind::Const(value) => Some(value),
        Kind::Convert { value, .. } => value.constant(),
        _ => None,
    }
}

fn core_leaf<'a>(op: CompareOp, left: &'a Node, right: &'a Node) -> Leaf<'a> {
    if let (CompareOp::In, Kind::Range { low, high, inclusive }) = (op, &right.bare().kind) {
        return range(left, low.as_deref(), high.as_deref(), *inclusive);
    }
    let (subject, value, op) = match (left.constant(), right.constant()) {
        (None, Some(value)) => (left, value, op),
        (Some(value), None) => match mirrored(op) {
            Some(op) => (right, value, op),
            None => return Leaf::Opaque,
        },
        (None, None) if super::fingerprint(left) == super::fingerprint(right) => return same(op, left),
        _ => return Leaf::Opaque,
    };
    let bytes = || core::bytes(value);
    match op {
        CompareOp::Equal => point(value).map_or(Leaf::Opaque, |set| Leaf::In(subject, set)),
        CompareOp::In => match value {
            Value::List(values) => listed(subject, values),
            _ => Leaf::Opaque,
        },
        // Every text begins and ends so, and has it inside.
        CompareOp::StartsWith | CompareOp::EndsWith if is_empty(value) => Leaf::In(subject, Set::present()),
        CompareOp::Contains if subject.ty == Type::String && is_empty(value) => {
            Leaf::In(subject, Set::present())
        }
        CompareOp::StartsWith => bytes().map_or(Leaf::Opaque, |b| text_leaf(subject, TextTest::Starts(b))),
        CompareOp::EndsWith => bytes().map_or(Leaf::Opaque, |b| text_leaf(subject, TextTest::Ends(b))),
        CompareOp::Contains if subject.ty == Type::String => {
            bytes().map_or(Leaf::Opaque, |b| text_leaf(subject, TextTest::Contains(b)))
        }
        CompareOp::Under if subject.ty == Type::Path => {
            bytes().map_or(Leaf::Opaque, |b| Leaf::Text(subject, TextTest::Under(b)))
        }
        _ => side(op, value).map_or(Leaf::Opaque, |set| Leaf::In(subject, set)),
    }
}

fn is_empty(value: &Value) -> bool {
    core::bytes(value).is_some_and(<[u8]>::is_empty)
}

/// A text test of a string. Paths are equal by components and tested by bytes: of them it says nothing.
fn text_leaf<'a>(subject: &'a Node, test: TextTest<'a>) -> Leaf<'a> {
    if subject.ty == Type::String { Leaf::Text(subject, test) } else { Leaf::Opaque }
}

/// Both sides are one and the same: `x == x` says that there is one, `x < x` is never so.
fn same(op: CompareOp, subject: &Node) -> Leaf<'_> {
    match op {
        CompareOp::Equal | CompareOp::LessEqual | CompareOp::GreaterEqual => {
            Leaf::In(subject, Set::present())
        }
        CompareOp::Less | CompareOp::Greater => Leaf::In(subject, Set::nothing()),
        _ => Leaf::Opaque,
    }
}

fn mirrored(op: CompareOp) -> Option<CompareOp> {
    Some(match op {
        CompareOp::Equal => CompareOp::Equal,
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessEqual => CompareOp::GreaterEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterEqual => CompareOp::LessEqual,
        _ => return None,
    })
}

pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Size(n) | Value::Duration(n) | Value::Time(n) | Value::Ratio(n) => Some(*n),
        _ => None,
    }
}

/// What equals a constant.
fn point(value: &Value) -> Option<Set> {
    if let Some(number) = number(value) {
        return Some(Set::numbers(number, number));
    }
    match value {
        Value::Bool(value) => Some(Set::words([value.to_string()])),
        Value::String(_) | Value::Path(_) | Value::Enum(..) | Value::Ip(_) => {
            core::key(value).map(|key| Set::words([key]))
        }
        _ => None,
    }
}

/// What lies on one side of a constant.
fn side(op: CompareOp, value: &Value) -> Option<Set> {
    let value = number(value)?;
    Some(match op {
        CompareOp::Less => {
            value.checked_sub(1).map_or_else(Set::nothing, |high| Set::numbers(i64::MIN, high))
        }
        CompareOp::LessEqual => Set::numbers(i64::MIN, value),
        CompareOp::Greater => {
            value.checked_add(1).map_or_else(Set::nothing, |low| Set::numbers(low, i64::MAX))
        }
        CompareOp::GreaterEqual => Set::numbers(value, i64::MAX),
        _ => return None,
    })
}

fn range<'a>(subject: &'a Node, low: Option<&Node>, high: Option<&Node>, inclusive: bool) -> Leaf<'a> {
    let upper = if inclusive { CompareOp::LessEqual } else { CompareOp::Less };
    let mut set = Set::present();
    for (bound, op) in [(low, CompareOp::GreaterEqual), (high, upper)] {
        let Some(bound) = bound else { continue };
        match literal(bound).and_then(|value| side(op, value)) {
            Some(side) => set = set.and(&side),
            None => return Leaf::Opaque,
        }
    }
    Leaf::In(subject, set)
}

fn listed<'a>(subject: &'a Node, values: &[Value]) -> Leaf<'a> {
    // An address lies in a network without being equal to it.
    if values.iter().any(|value| matches!(value, Value::Cidr(..))) {
        return Leaf::Opaque;
    }
    let points: Option<Vec<Set>> = values.iter().map(point).collect();
    points.map_or(Leaf::Opaque, |points| Leaf::In(subject, union(&points)))
}

fn union(sets: &[Set]) -> Set {
    sets.iter().fold(Set::nothing(), |all, one| if all.is_empty() { one.clone() } else { all.or(one) })
}

fn member<'a>(value: &'a Node, set: &std::collections::BTreeSet<Vec<u8>>) -> Leaf<'a> {
    match value.ty {
        Type::String | Type::Path | Type::Enum(_) | Type::Ip => Leaf::In(value, Set::words(set)),
        Type::Int | Type::Size | Type::Duration | Type::Time | Type::Ratio => {
            let number = |key: &Vec<u8>| Some(i64::from_be_bytes(key.as_slice().try_into().ok()?));
            let numbers: Option<Vec<Set>> =
                set.iter().map(|key| number(key).map(|n| Set::numbers(n, n))).collect();
            numbers.map_or(Leaf::Opaque, |numbers| Leaf::In(value, union(&numbers)))
        }
        _ => Leaf::Opaque,
    }
}

impl Logic<'_> {
    /// All that a subject can be.
    pub(super) fn domain(&self, subject: &Node) -> Set {
        let bounded = |bounds: Option<(i64, i64)>| {
            bounds.map_or_else(Set::anything, |(low, high)| Set::numbers(low, high).or_absent())
        };
        match (&subject.bare().kind, &subject.ty) {
            (_, Type::Bool) => Set::words(["true", "false"]).or_absent(),
            (_, Type::Enum(name)) => match self.schema.enumeration(name) {
                Some(decl) => Set::words(decl.words.iter()).or_absent(),
                None => Set::anything(),
            },
            (
                Kind::Builtin(Builtin::Len, _) | Kind::Quantifier { quantifier: Quantifier::Count, .. },
                Type::Int,
            ) => bounded(Some((0, i64::MAX))),
            (_, Type::Named(name)) => bounded(self.schema.type_bounds(name)),
            (Kind::Field { field, .. }, _) => {
                bounded(field.owner.and_then(|owner| self.schema.field_bounds(owner, &field.name)))
            }
            _ => Set::anything(),
        }
    }
}

/// Whether a subject can have this text at all, whatever it is about.
pub(super) fn possible(subject: &Node, text: &[u8]) -> bool {
    match &subject.bare().kind {
        Kind::Builtin(Builtin::Lower, _) => !text.iter().any(u8::is_ascii_uppercase),
        Kind::Builtin(Builtin::Upper, _) => !text.iter().any(u8::is_ascii_lowercase),
        // `.`, `./` and the root have no last component, and are their own.
        Kind::Builtin(Builtin::Basename, _) => {
            !text.contains(&b'/') || text.iter().all(|b| matches!(b, b'/' | b'.'))
        }
        _ => true,
    }
}
