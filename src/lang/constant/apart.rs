//! The common case without sets: `exe == "/bin/x" && argv[1] == "y"`. Each fact is a constant and is asked for once, so that no part can
//! exclude another, or say what another says.

use super::Logic;
use super::sets::Set;
use crate::lang::ast::CompareOp;
use crate::lang::ir::{Id, Kind, Node};
use crate::lang::value::{Type, Value};

impl Logic<'_> {
    /// All of these can be so at once, and each says something else. `false`: it isn't plain.
    pub(in crate::lang) fn are_apart(&self, nodes: &[Node]) -> bool {
        let fact = |node: &Node| self.plain_fact(node);
        let differs = |(at, id): (usize, Id)| nodes.iter().take(at).all(|before| fact(before) != Some(id));
        nodes.iter().enumerate().all(|(at, node)| fact(node).is_some_and(|id| differs((at, id))))
    }

    /// It says of one fact that it is a constant, which some candidate's is and some other's isn't.
    pub(in crate::lang) fn is_plain(&self, node: &Node) -> bool {
        self.plain_fact(node).is_some()
    }

    fn plain_fact(&self, node: &Node) -> Option<Id> {
        let Kind::Compare { op: CompareOp::Equal, left, right, .. } = &node.kind else { return None };
        let text = match &right.kind {
            Kind::Convert { value, .. } => value.constant(),
            _ => right.constant(),
        };
        if !matches!(text, Some(Value::String(_) | Value::Path(_))) || !self.may_be_any_text(left) {
            return None;
        }
        match &left.kind {
            Kind::Index { list, index } if index.constant().is_some() => self.own_field(list),
            _ => self.own_field(left),
        }
    }

    fn may_be_any_text(&self, subject: &Node) -> bool {
        matches!(subject.ty, Type::String | Type::Path | Type::Named(_))
            && self.domain(subject) == Set::anything()
    }

    /// A field of the candidate itself that may have any value.
    fn own_field(&self, node: &Node) -> Option<Id> {
        let Kind::Field { owner, field } = &node.kind else { return None };
        let is_own = matches!(owner.kind, Kind::Candidate) && self.domain(node) == Set::anything();
        is_own.then_some(field.id)
    }
}
