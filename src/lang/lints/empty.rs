//! W108: `all` of a list that may be empty is true without an element that says so.

use crate::diagnostic::Diagnostic;
use crate::lang::ast::CompareOp;
use crate::lang::codes;
use crate::lang::constant::fingerprint;
use crate::lang::core;
use crate::lang::ir::{Builtin, By, Kind, Node, Quantifier, Trail};
use crate::lang::value::Value;

/// Every `all` that nothing beside it guards.
pub(super) fn find(root: &Node, source: &str, found: &mut Vec<Diagnostic>) {
    Finder { source }.look(root, &mut Trail::default(), &mut Vec::new(), found);
}

struct Finder<'a> {
    source: &'a str,
}

impl Finder<'_> {
    /// `filled`: the lists that are known to have elements where this stands.
    fn look(&self, node: &Node, trail: &mut Trail, filled: &mut Vec<Vec<u8>>, found: &mut Vec<Diagnostic>) {
        match &node.kind {
            Kind::And(operands) => self.beside(&operands.items, true, trail, filled, found),
            // `len(xs) == 0 || all(xs, ...)`: whoever writes that has thought of the empty list.
            Kind::Or(operands) => self.beside(&operands.items, false, trail, filled, found),
            Kind::Named { definition, body } => {
                trail.enter(definition, node.span);
                self.look(body, trail, filled, found);
                trail.leave();
            }
            Kind::Argument { value, .. } => {
                let left = trail.leave();
                self.look(value, trail, filled, found);
                trail.enter_again(left);
            }
            Kind::Quantifier { quantifier: Quantifier::All, list, .. } => {
                let literal = matches!(list.bare().kind, Kind::Const(_) | Kind::List(_));
                // What is so whatever the arguments are was said where the definition is.
                let here = !trail.is_inside() || node.has_argument();
                if here && !literal && !filled.contains(&fingerprint(list)) {
                    found.push(self.may_be_empty(node, list, trail));
                }
                for child in node.children() {
                    self.look(child, trail, filled, found);
                }
            }
            _ => {
                for child in node.children() {
                    self.look(child, trail, filled, found);
                }
            }
        }
    }

    fn beside(
        &self,
        items: &[Node],
        and: bool,
        trail: &mut Trail,
        filled: &mut Vec<Vec<u8>>,
        found: &mut Vec<Diagnostic>,
    ) {
        for (at, item) in items.iter().enumerate() {
            let before = filled.len();
            for (other, guard) in items.iter().enumerate() {
                if other != at {
                    filled_by(guard, and, filled);
                }
            }
            self.look(item, trail, filled, found);
            filled.truncate(before);
        }
    }

    fn may_be_empty(&self, node: &Node, list: &Node, trail: &Trail) -> Diagnostic {
        let (whole, list) = (trail.text(self.source, node.span), trail.text(self.source, list.span));
        let said = Diagnostic::warning(codes::ALL_OF_EMPTY, format!("`all` is true if `{list}` is empty"))
            .help(format!("write `len({list}) > 0 && {whole}`"));
        trail.at(said, node.span, "true of an empty list")
    }
}

/// The lists that have an element if the condition is true (or false).
fn filled_by(guard: &Node, so: bool, lists: &mut Vec<Vec<u8>>) {
    match &guard.bare().kind {
        Kind::Not(inner) => filled_by(inner, !so, lists),
        Kind::And(operands) if so => operands.items.iter().for_each(|item| filled_by(item, so, lists)),
        Kind::Or(operands) if !so => operands.items.iter().for_each(|item| filled_by(item, so, lists)),
        Kind::Quantifier { quantifier, list, .. } => {
            let has_one = match quantifier {
                Quantifier::Any | Quantifier::One => so,
                Quantifier::None => !so,
                Quantifier::All | Quantifier::Count | Quantifier::Sum => false,
            };
            if has_one {
                lists.push(fingerprint(list));
            }
        }
        // `"a" in xs`, `xs contains "a"`, `xs[0] == "a"`, `has(xs[0])`
        Kind::Compare { op: CompareOp::In, right: list, .. } if so && is_list(list) => {
            lists.push(fingerprint(list));
        }
        Kind::Compare { op: CompareOp::Contains, left: list, .. } if so && is_list(list) => {
            lists.push(fingerprint(list));
        }
        Kind::Compare { op, by: By::Core, left, right } => {
            lists.extend(counted(*op, left, right, so).map(fingerprint));
            if so {
                indexed(left, lists);
                indexed(right, lists);
            }
        }
        Kind::Regex { text: subject, .. } | Kind::Glob { text: subject, .. } if so => indexed(subject, lists),
        Kind::Builtin(Builtin::Has, arguments) if so => arguments.iter().for_each(|one| indexed(one, lists)),
        _ => {}
    }
}

fn is_list(node: &Node) -> bool {
    matches!(node.ty, crate::lang::value::Type::List(_)) && node.constant().is_none()
}

/// An element that exists belongs to a list that has one.
fn indexed(node: &Node, lists: &mut Vec<Vec<u8>>) {
    if let Kind::Index { list, .. } = &node.bare().kind {
        lists.push(fingerprint(list));
    }
}

/// The list whose length, or count of elements, is not 0 where the comparison is true (or false).
fn counted<'n>(op: CompareOp, left: &'n Node, right: &'n Node, so: bool) -> Option<&'n Node> {
    let list = |node: &'n Node| match &node.bare().kind {
        Kind::Builtin(Builtin::Len, arguments) => arguments.first(),
        Kind::Quantifier { quantifier: Quantifier::Count | Quantifier::Sum, list, .. } => Some(list.as_ref()),
        _ => None,
    };
    let zero = Value::Int(0);
    let (list, of_zero) = match (list(left), list(right), left.constant(), right.constant()) {
        (Some(list), _, _, Some(value)) => (list, core::compare(op, &zero, value)),
        (_, Some(list), Some(value), _) => (list, core::compare(op, value, &zero)),
        _ => return None,
    };
    // Of an empty list the comparison comes out otherwise.
    (of_zero == Some(!so)).then_some(list)
}
