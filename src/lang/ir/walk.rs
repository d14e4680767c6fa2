//! Going over a checked tree.

use super::{Kind, Node, Operands};

/// What is directly inside a node. No list is made of it: every check goes over every tree.
#[derive(Debug, Default)]
pub struct Children<'a> {
    few: [Option<&'a Node>; 2],
    items: std::slice::Iter<'a, Node>,
}

impl<'a> Children<'a> {
    fn of(few: [Option<&'a Node>; 2]) -> Self {
        Self { few, ..Self::default() }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a Node;

    fn next(&mut self) -> Option<&'a Node> {
        let [first, second] = &mut self.few;
        first.take().or_else(|| second.take()).or_else(|| self.items.next())
    }
}

impl Node {
    /// The nodes directly inside, in source order.
    pub fn children(&self) -> Children<'_> {
        match &self.kind {
            Kind::Const(_)
            | Kind::Nothing
            | Kind::Unknown(_)
            | Kind::Variable(_)
            | Kind::Candidate
            | Kind::Element(_) => Children::default(),
            Kind::Interpolated(items)
            | Kind::List(items)
            | Kind::Builtin(_, items)
            | Kind::Call { arguments: items, .. }
            | Kind::And(Operands { items, .. })
            | Kind::Or(Operands { items, .. }) => Children { items: items.iter(), ..Children::default() },
            Kind::Range { low, high, .. } => Children::of([low.as_deref(), high.as_deref()]),
            Kind::Field { owner: inner, .. }
            | Kind::MatchesAny { text: inner, .. }
            | Kind::Not(inner)
            | Kind::Regex { text: inner, .. }
            | Kind::Glob { text: inner, .. }
            | Kind::Member { value: inner, .. }
            | Kind::Convert { value: inner, .. }
            | Kind::ToPath(inner)
            | Kind::Named { body: inner, .. }
            | Kind::Argument { value: inner, .. }
            | Kind::Text { value: inner, .. } => Children::of([Some(inner), None]),
            Kind::Entry { owner: a, key: b, .. }
            | Kind::Index { list: a, index: b }
            | Kind::Quantifier { list: a, body: b, .. }
            | Kind::Compare { left: a, right: b, .. }
            | Kind::Default { value: a, fallback: b }
            | Kind::Arithmetic { left: a, right: b, .. } => Children::of([Some(a), Some(b)]),
        }
    }

    /// The same, to change them.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            Kind::Const(_)
            | Kind::Nothing
            | Kind::Unknown(_)
            | Kind::Variable(_)
            | Kind::Candidate
            | Kind::Element(_) => Vec::new(),
            Kind::Interpolated(items)
            | Kind::List(items)
            | Kind::Builtin(_, items)
            | Kind::Call { arguments: items, .. }
            | Kind::And(Operands { items, .. })
            | Kind::Or(Operands { items, .. }) => items.iter_mut().collect(),
            Kind::Range { low, high, .. } => {
                low.iter_mut().chain(high.iter_mut()).map(AsMut::as_mut).collect()
            }
            Kind::Field { owner: inner, .. }
            | Kind::MatchesAny { text: inner, .. }
            | Kind::Not(inner)
            | Kind::Regex { text: inner, .. }
            | Kind::Glob { text: inner, .. }
            | Kind::Member { value: inner, .. }
            | Kind::Convert { value: inner, .. }
            | Kind::ToPath(inner)
            | Kind::Named { body: inner, .. }
            | Kind::Argument { value: inner, .. }
            | Kind::Text { value: inner, .. } => vec![inner],
            Kind::Entry { owner: a, key: b, .. }
            | Kind::Index { list: a, index: b }
            | Kind::Quantifier { list: a, body: b, .. }
            | Kind::Compare { left: a, right: b, .. }
            | Kind::Default { value: a, fallback: b }
            | Kind::Arithmetic { left: a, right: b, .. } => vec![a, b],
        }
    }

    /// Calls `visit` with this node and all below it, parents first, in source order.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}
