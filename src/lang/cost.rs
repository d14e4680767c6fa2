//! Static cost: the class of the dearest fact, and a weight to order operands by.

use super::ir::{By, Kind, Node, Operands};
use super::likely;
use super::schema::{Cost, Text};

/// Rough time of one access by cost class, in tenths of a microsecond.
const WEIGHTS: [u64; 7] = [3, 12, 26, 50, 90, 500, 3_300];

/// Elements that a quantifier is assumed to look at.
const ELEMENTS: u64 = 8;

fn weight_of(cost: Cost) -> u64 {
    WEIGHTS.get(usize::from(cost)).or(WEIGHTS.last()).copied().unwrap_or(0)
}

/// The class of something that takes so long, in tenths of a microsecond: the first whose accesses take as long.
pub fn class_of(tenths: u64) -> Cost {
    let class = WEIGHTS.iter().position(|weight| *weight >= tenths).unwrap_or(WEIGHTS.len() - 1);
    Cost::try_from(class).unwrap_or(Cost::MAX)
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
    let below = node.children().map(weight).fold(0, u64::saturating_add);
    match &node.kind {
        Kind::Quantifier { .. } => own.saturating_add(below.saturating_mul(ELEMENTS)),
        _ => own.saturating_add(below),
    }
}

/// What it costs to decide a condition for one candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Estimate {
    /// The highest cost class in it, 0 to 6.
    pub class: Cost,
    /// Tenths of a microsecond if every part has to be looked at, each fact once.
    pub worst: u64,
    /// The same for the operand that is looked at first, which decides most candidates.
    pub first: u64,
    /// The facts and functions, dearest first: name and cost class.
    pub facts: Vec<(Text, Cost)>,
}

pub(super) fn estimate(root: &Node) -> Estimate {
    let mut facts: Vec<(Text, Cost)> = Vec::new();
    root.walk(&mut |node| {
        if let Some(access) = node.access()
            && !facts.iter().any(|(name, _)| *name == access.name)
        {
            facts.push((access.name.clone(), access.cost));
        }
    });
    facts.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
    let first = match &root.bare().kind {
        Kind::And(operands) => operands.order.first().and_then(|first| operands.items.get(*first)),
        _ => None,
    };
    Estimate { class: class(root), worst: weight(root), first: weight(first.unwrap_or(root)), facts }
}

impl Operands {
    /// Operands of `&&`: first what costs least for each candidate that it puts out; of equals the first in the source.
    pub fn of_and(items: Vec<Node>) -> Self {
        Self::ordered(items, |item| likely::ALL - likely::passes(item))
    }

    /// Operands of `||`: first what costs least for each candidate that it lets in.
    pub fn of_or(items: Vec<Node>) -> Self {
        Self::ordered(items, likely::passes)
    }

    /// `decides`: how many of a thousand candidates need no further question.
    fn ordered(items: Vec<Node>, decides: impl Fn(&Node) -> likely::PerMille) -> Self {
        let price = |item: &Node| weight(item).saturating_mul(likely::ALL) / decides(item).max(1);
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_cached_key(|index| items.get(*index).map_or(0, price));
        Self { items, order }
    }
}
