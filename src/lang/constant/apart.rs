//! The common cases without sets: conditions that ask for different facts, none of which can exclude another, or say what another says.

use super::Logic;
use super::sets::Set;
use crate::lang::ast::CompareOp;
use crate::lang::ir::{Id, Kind, Node};
use crate::lang::value::{Type, Value};

/// What a condition can rest on.
#[derive(PartialEq, Eq, Debug)]
enum Fact<'a> {
    Field(Id),
    Function(Id),
    Element(usize),
    Variable(&'a str),
}

/// No two of these conditions rest on the same fact, so that whatever is said of them together is said of one alone. `false`: some may,
/// or one rests on nothing, or is a definition, whose conditions stand beside the others.
pub(in crate::lang) fn are_apart(nodes: &[Node]) -> bool {
    let mut facts = Vec::with_capacity(8);
    nodes.iter().all(|node| {
        let before = facts.len();
        gather(node, &mut facts);
        let (before, own) = facts.split_at_checked(before).unwrap_or_default();
        !matches!(node.kind, Kind::Named { .. })
            && !own.is_empty()
            && own.iter().all(|fact| !before.contains(fact))
    })
}

fn gather<'a>(node: &'a Node, facts: &mut Vec<Fact<'a>>) {
    match &node.kind {
        Kind::Field { field, .. } | Kind::Entry { field, .. } => facts.push(Fact::Field(field.id)),
        Kind::Call { function, .. } => facts.push(Fact::Function(function.id)),
        Kind::Element(slot) => facts.push(Fact::Element(*slot)),
        Kind::Variable(name) => facts.push(Fact::Variable(name)),
        _ => {}
    }
    for child in node.children() {
        gather(child, facts);
    }
}

impl Logic<'_> {
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
