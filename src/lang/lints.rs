//! Warnings about whole conditions; those about one node are given where it is checked.

mod constants;
mod empty;
mod patterns;

use super::catalog::Schema;
use super::ir::{Kind, Node, Trail};
use super::schema::Trust;
use super::{codes, cost};
use crate::diagnostic::Diagnostic;

/// The lowest cost class that should have a cheaper condition before it.
const EXPENSIVE: u8 = 5;

/// All of them but W105. What a definition is guarded by only its users know.
pub(super) fn all(root: &Node, source: &str, schema: &Schema, defines: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    constants::find(root, source, schema, &mut found);
    patterns::find(root, source, &mut found);
    empty::find(root, source, &mut found);
    if !defines && cost::class(root) >= EXPENSIVE {
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
                let trust = inner.access().and_then(|access| access.trust);
                kernel |= matches!(trust, Some(Trust::Kernel | Trust::Both));
            });
            kernel
        }
    }
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
