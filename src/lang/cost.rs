//! Static cost: the class of the dearest fact, and a weight to order operands by.

use super::ir::{By, Kind, Node, Operands};
use super::schema::Cost;

/// Rough time of one access by cost class, in tenths of a microsecond.
const WEIGHTS: [u64; 7] = [3, 12, 26, 50, 90, 500, 3_300];

/// Elements that a quantifier is assumed to look at.
const ELEMENTS: u64 = 8;

fn weight_of(cost: Cost) -> u64 {
    WEIGHTS.get(usize::from(cost)).or(WEIGHTS.last()).copied().unwrap_or(0)
}

/// What this node costs by itself, as a class; `None` if it looks at no fact.
pub fn own_class(node: &Node) -> Option<Cost> {
    match &node.kind {
        Kind::Compare { by: By::Vocabulary { cost, .. }, .. } => Some(*cost),
        _ => node.access().map(|access| access.cost),
    }
}

/// The highest cost class in a tree; 0 if it looks at no fact.
pub fn class(node: &Node) -> Cost {
    let mut highest = 0;
    node.walk(&mut |node| highest = highest.max(own_class(node).unwrap_or(0)));
    highest
}

/// The estimated time of a tree.
pub(super) fn weight(node: &Node) -> u64 {
    let own = 1 + own_class(node).map_or(0, weight_of);
    let below = node.children().into_iter().map(weight).fold(0, u64::saturating_add);
    match &node.kind {
        Kind::Quantifier { .. } => own.saturating_add(below.saturating_mul(ELEMENTS)),
        _ => own.saturating_add(below),
    }
}

impl Operands {
    /// Cheapest first; equally dear ones stay in source order.
    pub fn new(items: Vec<Node>) -> Self {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_cached_key(|index| items.get(*index).map_or(0, weight));
        Self { items, order }
    }
}
