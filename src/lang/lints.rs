//! Warnings about whole conditions; those about one node are given where it is checked.

use std::collections::BTreeMap;

use super::ast::CompareOp;
use super::check::type_of;
use super::codes;
use super::cost;
use super::ir::{By, Kind, Node};
use super::schema::Trust;
use super::show::show;
use super::value::Value;
use crate::diagnostic::{Diagnostic, Span};

/// The lowest cost class that should have a cheaper condition before it.
const EXPENSIVE: u8 = 5;

/// All of them but W105.
pub(super) fn all(root: &Node, source: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    contradictions(root, source, &mut found);
    unguarded(root, false, source, &mut found);
    found
}

/// W105: no kernel-attested fact stands in every way to be true.
pub(super) fn self_reported(root: &Node) -> Option<Diagnostic> {
    let mut any = false;
    root.walk(&mut |node| any |= node.access().and_then(|access| access.trust) == Some(Trust::SelfReported));
    (any && !attested(root)).then(|| {
        Diagnostic::warning(
            codes::SELF_REPORTED,
            "the decision rests only on what the process says about itself",
        )
        .at(root.span, "any process can look like this")
        .help("add a condition on a fact that the kernel attests")
    })
}

fn attested(node: &Node) -> bool {
    match &node.kind {
        Kind::And(operands) => operands.items.iter().any(attested),
        Kind::Or(operands) => operands.items.iter().all(attested),
        _ => {
            let mut kernel = false;
            node.walk(&mut |inner| {
                kernel |= inner.access().and_then(|access| access.trust) == Some(Trust::Kernel);
            });
            kernel
        }
    }
}

/// W106: conditions that exclude each other, cover everything, or are said twice.
fn contradictions(node: &Node, source: &str, found: &mut Vec<Diagnostic>) {
    for child in node.children() {
        contradictions(child, source, found);
    }
    let (items, and) = match &node.kind {
        Kind::And(operands) => (&operands.items, true),
        Kind::Or(operands) => (&operands.items, false),
        _ => return,
    };
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    let mut equal: BTreeMap<String, (String, Span)> = BTreeMap::new();
    for item in items {
        let (positive, inner) = match &item.kind {
            Kind::Not(inner) => (false, inner.as_ref()),
            _ => (true, item),
        };
        let print = fingerprint(inner);
        match seen.insert(print, positive) {
            Some(before) if before == positive => found.push(repeated(item, source)),
            Some(_) => found.push(constant(item.span, !and, "this is also said the other way round")),
            None => {}
        }
        // `x == "a" && x == "b"` is never so; `x != "a" || x != "b"` always.
        let Some((subject, value)) = equation(inner).filter(|_| positive == and) else { continue };
        match equal.get(&subject) {
            Some((other, _)) if *other != value => {
                found.push(constant(item.span, !and, "a single value cannot be both"));
            }
            Some(_) => {}
            None => {
                equal.insert(subject, (value, item.span));
            }
        }
    }
}

fn repeated(item: &Node, source: &str) -> Diagnostic {
    let text = source.get(item.span.start..item.span.end).unwrap_or_default();
    Diagnostic::warning(codes::CONSTANT, format!("`{text}` is said twice"))
        .at(item.span, "said before")
        .help("remove one of them")
}

fn constant(span: Span, value: bool, label: &str) -> Diagnostic {
    Diagnostic::warning(codes::CONSTANT, format!("this makes the condition always {value}"))
        .at(span, label)
        .help(if value { "join them with `&&`" } else { "join them with `||`, or write `in [...]`" })
}

/// The subject and the constant of an equation that can hold for one constant only.
fn equation(node: &Node) -> Option<(String, String)> {
    let Kind::Compare { op: CompareOp::Equal, by, left, right } = &node.kind else { return None };
    let right_fixed = literal(right, *by).is_some();
    let (subject, constant) = if right_fixed { (left, right) } else { (right, left) };
    let value = literal(constant, *by)?;
    // A name and a number may mean the same, so they don't contradict each other.
    Some((format!("{}: {}", type_of(value), fingerprint(subject)), show(value)))
}

/// The literal of an operand. Two paths may lead to one file, so that what a vocabulary compares without
/// converting it first says nothing here.
fn literal(node: &Node, by: By) -> Option<&Value> {
    match &node.kind {
        Kind::Const(value) if by == By::Core => Some(value),
        Kind::Convert { value, .. } => value.constant(),
        _ => None,
    }
}

/// A text that is the same for nodes of the same meaning, wherever they are written.
fn fingerprint(node: &Node) -> String {
    fn placeless(node: &mut Node) {
        node.span = Span::default();
        node.children_mut().into_iter().for_each(placeless);
    }
    let mut node = node.clone();
    placeless(&mut node);
    format!("{:?}", node.kind)
}

/// W110: an expensive fact that is read for every candidate.
fn unguarded(node: &Node, guarded: bool, source: &str, found: &mut Vec<Diagnostic>) {
    if let Kind::And(operands) = &node.kind {
        for (index, item) in operands.items.iter().enumerate() {
            let mut others = operands.items.iter().enumerate().filter(|(other, _)| *other != index);
            let cheaper = others.any(|(_, other)| is_guard(other));
            unguarded(item, guarded || cheaper, source, found);
        }
        return;
    }
    let class = cost::own_class(node).unwrap_or(0);
    if class >= EXPENSIVE && !guarded {
        let text = source.get(node.span.start..node.span.end).unwrap_or_default();
        found.push(
            Diagnostic::warning(codes::UNGUARDED, format!("`{text}` is read for every process"))
                .at(node.span, format!("cost class {class}"))
                .help("join it by `&&` with a condition that costs less"),
        );
        return;
    }
    for child in node.children() {
        unguarded(child, guarded, source, found);
    }
}

fn is_guard(node: &Node) -> bool {
    let mut looks = false;
    node.walk(&mut |inner| looks |= cost::own_class(inner).is_some());
    looks && cost::class(node) < EXPENSIVE
}
