//! A definition in place of its use: arguments for parameters, and where everything is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Kind, Node};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::library::Written;

/// The size of a tree, for the limits. What only marks or converts counts for nothing, and a list for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::lang) struct Measure {
    /// Nodes.
    pub(in crate::lang) nodes: usize,
    /// Levels.
    pub(in crate::lang) depth: usize,
    /// Levels of quantifiers.
    pub(in crate::lang) nesting: usize,
}

impl Measure {
    /// Of a tree. Without recursion.
    pub(in crate::lang) fn of(root: &Node) -> Self {
        let mut all = Self::default();
        let mut open = vec![(root, 0, 0)];
        while let Some((node, mut depth, mut nesting)) = open.pop() {
            all.nodes += usize::from(counts(node));
            // A name is a level as well, or names for names for names could exhaust the stack.
            depth += usize::from(counts(node) || matches!(node.kind, Kind::Named { .. }));
            nesting += usize::from(matches!(node.kind, Kind::Quantifier { .. }));
            all.depth = all.depth.max(depth);
            all.nesting = all.nesting.max(nesting);
            if !matches!(node.kind, Kind::List(_)) {
                open.extend(node.children().map(|child| (child, depth, nesting)));
            }
        }
        all
    }
}

fn counts(node: &Node) -> bool {
    !matches!(
        node.kind,
        Kind::Named { .. }
            | Kind::Argument { .. }
            | Kind::Convert { .. }
            | Kind::ToPath(_)
            | Kind::Text { .. }
            | Kind::Candidate
    )
}

/// How often each variable occurs.
pub(in crate::lang) fn occurrences(root: &Node) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    root.walk(&mut |node| {
        if let Kind::Variable(name) = &node.kind {
            *found.entry(name.clone()).or_default() += 1;
        }
    });
    found
}

/// The body of a definition with these arguments, inside of `slots` quantifiers. The arguments are written in `text`.
pub(in crate::lang) fn expand(
    body: &Node,
    arguments: &BTreeMap<&str, Node>,
    slots: usize,
    text: &Arc<str>,
) -> Node {
    let mut body = body.clone();
    put_in(&mut body, arguments, slots, text);
    body
}

fn put_in(node: &mut Node, arguments: &BTreeMap<&str, Node>, slots: usize, text: &Arc<str>) {
    match &mut node.kind {
        Kind::Variable(name) => {
            if let Some(value) = arguments.get(name.as_str()) {
                node.kind = Kind::Argument { text: Arc::clone(text), value: Box::new(value.clone()) };
            }
            return;
        }
        Kind::Element(slot) | Kind::Quantifier { slot, .. } => *slot += slots,
        _ => {}
    }
    for child in node.children_mut() {
        put_in(child, arguments, slots, text);
    }
}

/// The uses of definitions around a node, outermost first: each with its place in the text around it.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    uses: Vec<(Arc<Written>, Span)>,
}

impl Trail {
    /// Whether the node is written in a definition, not in the expression itself.
    pub fn is_inside(&self) -> bool {
        !self.uses.is_empty()
    }

    /// The text of a node of an expression whose own text is `own`.
    pub fn text<'a>(&'a self, own: &'a str, span: Span) -> &'a str {
        let text = self.uses.last().map_or(own, |(definition, _)| &definition.text);
        text.get(span.start..span.end).unwrap_or_default()
    }

    /// Adds the place of a node: where it is written, or the use of the definition and then the place in that.
    pub fn at(&self, diagnostic: Diagnostic, span: Span, label: impl Into<String>) -> Diagnostic {
        let Some((innermost, _)) = self.uses.last() else { return diagnostic.at(span, label) };
        let mut diagnostic = diagnostic;
        let mut around: Option<&Written> = None;
        for (definition, place) in &self.uses {
            diagnostic = match around {
                None => diagnostic.at(*place, "used here"),
                Some(outer) => diagnostic.at_other(&outer.source, outer.place(*place), "used here"),
            };
            around = Some(definition);
        }
        diagnostic.at_other(&innermost.source, innermost.place(span), label)
    }

    /// What the place is called by itself: of the outermost use, in the text of the expression.
    pub fn outermost(&self, span: Span) -> Span {
        self.uses.first().map_or(span, |(_, place)| *place)
    }

    pub(in crate::lang) fn enter(&mut self, definition: &Arc<Written>, place: Span) {
        self.uses.push((Arc::clone(definition), place));
    }

    /// Out of the innermost use: into an argument, which is written beside it.
    pub(in crate::lang) fn leave(&mut self) -> Option<(Arc<Written>, Span)> {
        self.uses.pop()
    }

    /// Back into a use that [`Trail::leave`] gave.
    pub(in crate::lang) fn enter_again(&mut self, left: Option<(Arc<Written>, Span)>) {
        self.uses.extend(left);
    }
}

impl Node {
    /// Calls `visit` with this node and all below it, parents first, and where they are written.
    pub fn walk_trail<'a>(&'a self, visit: &mut impl FnMut(&'a Self, &Trail)) {
        self.walk_from(&mut Trail::default(), visit);
    }

    fn walk_from<'a>(&'a self, trail: &mut Trail, visit: &mut impl FnMut(&'a Self, &Trail)) {
        visit(self, trail);
        match &self.kind {
            Kind::Named { definition, body } => {
                trail.enter(definition, self.span);
                body.walk_from(trail, visit);
                trail.leave();
            }
            Kind::Argument { value, .. } => {
                let left = trail.leave();
                value.walk_from(trail, visit);
                trail.enter_again(left);
            }
            _ => self.children().for_each(|child| child.walk_from(trail, visit)),
        }
    }

    /// Whether an argument of a definition is in it, so that it says more here than in the definition.
    pub fn has_argument(&self) -> bool {
        let mut found = false;
        self.walk(&mut |node| found |= matches!(node.kind, Kind::Argument { .. }));
        found
    }
}
