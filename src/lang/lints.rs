//! Warnings about whole conditions; those about one node are given where it is checked.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ast::CompareOp;
use super::check::type_of;
use super::ir::{By, Kind, Node, Trail};
use super::schema::Trust;
use super::show::show;
use super::value::Value;
use super::{codes, core, cost};
use crate::diagnostic::{Diagnostic, Span};

/// The lowest cost class that should have a cheaper condition before it.
const EXPENSIVE: u8 = 5;

/// All of them but W105. What a definition is guarded by only its users know.
pub(super) fn all(root: &Node, source: &str, defines: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    root.walk_trail(&mut |node, trail| {
        // What is so whatever the arguments are was said where the definition is.
        if !trail.is_inside() || node.has_argument() {
            contradictions(node, trail, source, &mut found);
        }
    });
    if !defines {
        unguarded(root, &mut Trail::default(), false, source, &mut found);
    }
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
    match &node.bare().kind {
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

/// An operand of `&&` or `||`, definitions seen through.
struct Operand<'a> {
    node: &'a Node,
    /// Where it is written.
    trail: Trail,
    /// The operand as written that it belongs to.
    whole: usize,
}

/// The operands, and those of definitions that join the same way.
fn operands<'a>(items: &'a [Node], and: bool, trail: &Trail) -> Vec<Operand<'a>> {
    let mut found = Vec::new();
    for (whole, item) in items.iter().enumerate() {
        flatten(item, and, trail.clone(), whole, &mut found);
    }
    found
}

fn flatten<'a>(node: &'a Node, and: bool, mut trail: Trail, whole: usize, found: &mut Vec<Operand<'a>>) {
    if let Kind::Named { definition, body } = &node.kind {
        trail.enter(definition, node.span);
        return match (&body.kind, and) {
            (Kind::And(inner), true) | (Kind::Or(inner), false) => {
                inner.items.iter().for_each(|item| flatten(item, and, trail.clone(), whole, found));
            }
            _ => flatten(body, and, trail, whole, found),
        };
    }
    found.push(Operand { node, trail, whole });
}

/// W106: conditions that exclude each other, cover everything, or are said twice.
fn contradictions(node: &Node, trail: &Trail, source: &str, found: &mut Vec<Diagnostic>) {
    let (items, and) = match &node.kind {
        Kind::And(operands) => (&operands.items, true),
        Kind::Or(operands) => (&operands.items, false),
        _ => return,
    };
    let items = operands(items, and, trail);
    if and {
        empty_intervals(&items, found);
    }
    let mut seen: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    let mut equal: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for item in &items {
        let (positive, inner) = match &item.node.bare().kind {
            Kind::Not(inner) => (false, inner.as_ref()),
            _ => (true, item.node),
        };
        let print = fingerprint(inner);
        match seen.insert(print, (positive, item.whole)) {
            // Two conditions of one definition were compared where it is defined.
            Some((_, whole)) if whole == item.whole => {}
            Some((before, _)) if before == positive => found.push(repeated(item, source)),
            Some(_) => found.push(constant(item, !and, "this is also said the other way round")),
            None => {}
        }
        // `x == "a" && x == "b"` is never so; `x != "a" || x != "b"` always.
        let Some((subject, value)) = equation(inner).filter(|_| positive == and) else { continue };
        match equal.get(&subject) {
            Some((other, whole)) if *other != value && *whole != item.whole => {
                found.push(constant(item, !and, "a single value cannot be both"));
            }
            Some(_) => {}
            None => {
                equal.insert(subject, (value, item.whole));
            }
        }
    }
}

/// `x > 5 && x < 3`: the bounds of one subject that leave nothing between them.
fn empty_intervals(items: &[Operand<'_>], found: &mut Vec<Diagnostic>) {
    let mut bounds: BTreeMap<String, (Option<Bound<'_>>, Option<Bound<'_>>)> = BTreeMap::new();
    for item in items {
        let Some((subject, bound, is_low)) = bound(item) else { continue };
        let (low, high) = bounds.entry(subject).or_default();
        let (side, tighter) = if is_low { (low, Ordering::Greater) } else { (high, Ordering::Less) };
        let replace = side.as_ref().is_none_or(|old| core::order(&bound.value, &old.value) == Some(tighter));
        if replace {
            *side = Some(bound);
        }
    }
    for (low, high) in bounds.into_values() {
        let (Some(low), Some(high)) = (low, high) else { continue };
        let empty = match core::order(&low.value, &high.value) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => low.strict || high.strict,
            Some(Ordering::Less) | None => false,
        };
        if empty && low.item.whole != high.item.whole {
            let later = if low.item.place() > high.item.place() { low.item } else { high.item };
            found.push(constant(later, false, "nothing lies between these bounds"));
        }
    }
}

impl Operand<'_> {
    /// In the text of the expression.
    fn place(&self) -> Span {
        self.trail.outermost(self.node.span)
    }
}

/// One end of an interval.
struct Bound<'a> {
    value: Value,
    strict: bool,
    item: &'a Operand<'a>,
}

/// The subject of an ordering with a constant, the bound, and whether it is a lower one.
fn bound<'a>(item: &'a Operand<'a>) -> Option<(String, Bound<'a>, bool)> {
    let Kind::Compare { op, by: By::Core, left, right } = &item.node.bare().kind else { return None };
    let (low, strict) = match op {
        CompareOp::Greater => (true, true),
        CompareOp::GreaterEqual => (true, false),
        CompareOp::Less => (false, true),
        CompareOp::LessEqual => (false, false),
        _ => return None,
    };
    let (subject, value, low) = match (left.constant(), right.constant()) {
        (None, Some(value)) => (left, value, low),
        (Some(value), None) => (right, value, !low),
        _ => return None,
    };
    Some((fingerprint(subject), Bound { value: value.clone(), strict, item }, low))
}

fn repeated(item: &Operand<'_>, source: &str) -> Diagnostic {
    let text = item.trail.text(source, item.node.span);
    let said = Diagnostic::warning(codes::CONSTANT, format!("`{text}` is said twice"));
    item.trail.at(said.help("remove one of them"), item.node.span, "said before")
}

fn constant(item: &Operand<'_>, value: bool, label: &str) -> Diagnostic {
    let said = Diagnostic::warning(codes::CONSTANT, format!("this makes the condition always {value}"))
        .help(if value { "join them with `&&`" } else { "join them with `||`, or write `in [...]`" });
    item.trail.at(said, item.node.span, label)
}

/// The subject and the constant of an equation that can hold for one constant only.
fn equation(node: &Node) -> Option<(String, String)> {
    let Kind::Compare { op: CompareOp::Equal, by, left, right } = &node.bare().kind else { return None };
    let right_fixed = literal(right, *by).is_some();
    let (subject, constant) = if right_fixed { (left, right) } else { (right, left) };
    let value = literal(constant, *by)?;
    // A name and a number may mean the same, so they don't contradict each other.
    Some((format!("{}: {}", type_of(value), fingerprint(subject)), show(value)))
}

/// The literal of an operand. Two paths may lead to one file, so that what a vocabulary compares without
/// converting it first says nothing here.
fn literal(node: &Node, by: By) -> Option<&Value> {
    match &node.bare().kind {
        Kind::Const(value) if by == By::Core => Some(value),
        Kind::Convert { value, .. } => value.constant(),
        _ => None,
    }
}

/// A text that is the same for nodes of the same meaning, wherever they are written.
fn fingerprint(node: &Node) -> String {
    fn placeless(node: &mut Node) {
        while let Kind::Named { body: inner, .. } | Kind::Argument { value: inner, .. } = &mut node.kind {
            let kind = std::mem::replace(&mut inner.kind, Kind::Nothing);
            node.kind = kind;
        }
        node.span = Span::default();
        node.children_mut().into_iter().for_each(placeless);
    }
    let mut node = node.clone();
    placeless(&mut node);
    format!("{:?}", node.kind)
}

/// W110: an expensive fact that is read for every candidate.
fn unguarded(node: &Node, trail: &mut Trail, guarded: bool, source: &str, found: &mut Vec<Diagnostic>) {
    match &node.kind {
        Kind::And(operands) => {
            for (index, item) in operands.items.iter().enumerate() {
                let mut others = operands.items.iter().enumerate().filter(|(other, _)| *other != index);
                let cheaper = others.any(|(_, other)| is_guard(other));
                unguarded(item, trail, guarded || cheaper, source, found);
            }
            return;
        }
        Kind::Named { definition, body } => {
            trail.enter(definition, node.span);
            unguarded(body, trail, guarded, source, found);
            trail.leave();
            return;
        }
        Kind::Argument { value, .. } => {
            let left = trail.leave();
            unguarded(value, trail, guarded, source, found);
            trail.enter_again(left);
            return;
        }
        _ => {}
    }
    let class = cost::own_class(node).unwrap_or(0);
    if class >= EXPENSIVE && !guarded {
        let text = trail.text(source, node.span);
        let said = Diagnostic::warning(codes::UNGUARDED, format!("`{text}` is read for every process"))
            .help("join it by `&&` with a condition that costs less");
        found.push(trail.at(said, node.span, format!("cost class {class}")));
        return;
    }
    for child in node.children() {
        unguarded(child, trail, guarded, source, found);
    }
}

fn is_guard(node: &Node) -> bool {
    let mut looks = false;
    node.walk(&mut |inner| looks |= cost::own_class(inner).is_some());
    looks && cost::class(node) < EXPENSIVE
}
