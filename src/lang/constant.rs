//! What can be said of a condition without looking at anything: that it never holds, or always does.
//!
//! A test of one subject against constants is true of a set of its values; "absent" is one of them. Conditions that
//! stand together narrow the set, and where nothing is left they exclude each other. Sound and not complete: what is
//! said here is so for every candidate, whatever is absent or not known (an unknown fact makes nothing true).
//!
//! ```text
//! nice > 5 && (nice < 3 || state == zombie) && state == running
//!      nice: 6..     first way: nice ..2, nothing left     second way: state {zombie}, nothing left with {running}
//! ```

mod apart;
mod fingerprint;
mod leaf;
mod sets;

use std::cell::Cell;
use std::collections::BTreeMap;

pub(in crate::lang) use apart::are_apart;
pub(in crate::lang) use fingerprint::fingerprint;
use leaf::{Leaf, TextTest, possible};
pub(in crate::lang) use sets::Set;
use sets::Values;

use super::catalog::Schema;
use super::ir::{Builtin, Kind, Node};

/// Tests and branches that are looked at before giving up, which claims nothing.
const STEPS_MAX: u32 = 20_000;

/// What is known of each subject while conditions are taken to be true.
type Known<'a> = BTreeMap<Vec<u8>, Subject<'a>>;

#[derive(Clone, Debug)]
struct Subject<'a> {
    node: &'a Node,
    set: Set,
    texts: Vec<(TextTest<'a>, bool)>,
}

impl Subject<'_> {
    fn is_possible(&self) -> bool {
        !self.set.is_empty()
    }

    /// Applies the text tests to the values, where those are few, and to each other.
    fn settle(&mut self) {
        let (node, texts) = (self.node, &self.texts);
        let textual = node.ty == super::value::Type::String || node.ty == super::value::Type::Path;
        if textual {
            self.set.retain(|word| {
                possible(node, word) && texts.iter().all(|(test, so)| test.holds(word) == *so)
            });
        }
        let conflict = texts.iter().enumerate().any(|(at, (test, so))| {
            *so && texts.iter().enumerate().any(|(other, (against, also))| {
                at != other && if *also { test.excludes(against) } else { test.implies(against) }
            })
        });
        if conflict {
            self.set = Set::nothing();
        }
    }
}

/// Reasons about the conditions of one schema.
#[derive(Debug)]
pub(in crate::lang) struct Logic<'s> {
    schema: &'s Schema,
    /// Two different names are taken for two different things, which is likely and not sure.
    names_differ: bool,
    steps: Cell<u32>,
}

impl<'s> Logic<'s> {
    pub(in crate::lang) fn new(schema: &'s Schema) -> Self {
        Self { schema, names_differ: false, steps: Cell::new(0) }
    }

    pub(in crate::lang) fn with_different_names(schema: &'s Schema) -> Self {
        Self { names_differ: true, ..Self::new(schema) }
    }

    /// Some candidate may satisfy all of these (condition and whether it is to be true) at once.
    pub(in crate::lang) fn possible<'a>(
        &self,
        conditions: impl IntoIterator<Item = (&'a Node, bool)>,
    ) -> bool {
        self.steps.set(0);
        let mut known = Known::new();
        conditions.into_iter().all(|(node, so)| self.assume(node, so, &mut known))
    }

    /// `Some(false)` if the condition is never true, `Some(true)` if it is never false.
    pub(in crate::lang) fn constant(&self, node: &Node) -> Option<bool> {
        if !self.possible([(node, true)]) {
            return Some(false);
        }
        (!self.possible([(node, false)])).then_some(true)
    }

    /// A test by itself: the set it is true of within all that its subject can be; `None` where nothing is known.
    pub(in crate::lang) fn alone<'a>(&self, node: &'a Node) -> Option<(&'a Node, Alone)> {
        let Leaf::In(subject, set) = self.leaf(node) else { return None };
        let domain = self.domain(subject);
        let mut inside = domain.and(&set);
        if matches!(set.values, Values::Only(_)) {
            inside.retain(|word| possible(subject, word));
        }
        let rest = domain.and(&set.complement());
        let alone = if !inside.has_values() {
            Alone::Never
        } else if rest.has_values() {
            Alone::Sometimes
        } else {
            Alone::Exists
        };
        Some((subject, alone))
    }

    /// The least and greatest of a subject's numbers.
    pub(in crate::lang) fn bounds(&self, subject: &Node) -> Option<(i64, i64)> {
        match &self.domain(subject).values {
            Values::Numbers(ranges) => Some((ranges.first()?.0, ranges.last()?.1)),
            _ => None,
        }
    }

    /// Takes a condition to be true (or false). Says no if it then can't be.
    fn assume<'a>(&self, node: &'a Node, so: bool, known: &mut Known<'a>) -> bool {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX {
            return true;
        }
        let node = node.bare();
        match &node.kind {
            Kind::Const(value) => match value {
                super::value::Value::Bool(value) => *value == so,
                _ => true,
            },
            Kind::Nothing => !so,
            Kind::Unknown(_) => true,
            Kind::Not(inner) => self.assume(inner, !so, known),
            Kind::And(operands) if so => self.every(&operands.items, so, known),
            Kind::Or(operands) if !so => self.every(&operands.items, so, known),
            Kind::And(operands) | Kind::Or(operands) => self.one_of(&operands.items, so, known),
            _ => self.test(node, so, known),
        }
    }

    /// Plain tests before those with several ways, which then are fewer.
    fn every<'a>(&self, items: &'a [Node], so: bool, known: &mut Known<'a>) -> bool {
        let plain = |node: &&Node| !matches!(node.bare().kind, Kind::And(_) | Kind::Or(_) | Kind::Not(_));
        items.iter().filter(plain).all(|item| self.assume(item, so, known))
            && items.iter().filter(|item| !plain(item)).all(|item| self.assume(item, so, known))
    }

    fn one_of<'a>(&self, items: &'a [Node], so: bool, known: &mut Known<'a>) -> bool {
        let ways = items.iter().filter_map(|item| {
            let mut way = known.clone();
            self.assume(item, so, &mut way).then_some(way)
        });
        let Some(joined) = ways.reduce(|a, b| join(a, &b)) else { return false };
        *known = joined;
        true
    }

    fn test<'a>(&self, node: &'a Node, so: bool, known: &mut Known<'a>) -> bool {
        let mut fine = true;
        match self.leaf(node) {
            Leaf::In(subject, set) => {
                let set = if so { set } else { set.complement() };
                let exists = !set.absent;
                fine &= self.narrow(subject, &set, known);
                if exists {
                    fine &= self.parts_present(subject, known);
                }
            }
            Leaf::Text(subject, test) => {
                let entry = self.entry(subject, known);
                entry.texts.push((test, so));
                if so {
                    entry.set.absent = false;
                }
                entry.settle();
                fine &= entry.is_possible();
                if so {
                    fine &= self.parts_present(subject, known);
                }
            }
            Leaf::Name(subject, name) if self.names_differ => {
                let set = Set::words([name]);
                let key = [b"name of ", fingerprint(subject).as_slice()].concat();
                let domain = || Subject { node: subject, set: Set::anything(), texts: Vec::new() };
                let entry = known.entry(key).or_insert_with(domain);
                entry.set = entry.set.and(&if so { set } else { set.complement() });
                fine &= entry.is_possible();
                if so {
                    fine &= self.present(subject, known);
                }
            }
            Leaf::Name(..) | Leaf::Opaque => {
                fine &= self.narrow(node, &truth(so), known);
                if so {
                    fine &= self.operands_present(node, known);
                }
            }
        }
        fine
    }

    fn entry<'a, 'k>(&self, subject: &'a Node, known: &'k mut Known<'a>) -> &'k mut Subject<'a> {
        let fresh = || Subject { node: subject, set: self.domain(subject), texts: Vec::new() };
        known.entry(fingerprint(subject)).or_insert_with(fresh)
    }

    fn narrow<'a>(&self, subject: &'a Node, set: &Set, known: &mut Known<'a>) -> bool {
        let entry = self.entry(subject, known);
        entry.set = entry.set.and(set);
        entry.settle();
        entry.is_possible()
    }

    /// A comparison is true of what exists only.
    fn operands_present<'a>(&self, node: &'a Node, known: &mut Known<'a>) -> bool {
        match &node.bare().kind {
            Kind::Compare { left, right, .. } => self.present(left, known) && self.present(right, known),
            Kind::Regex { text, .. } | Kind::Glob { text, .. } | Kind::MatchesAny { text, .. } => {
                self.present(text, known)
            }
            _ => true,
        }
    }

    /// A value exists, and with it what it is taken from.
    fn present<'a>(&self, node: &'a Node, known: &mut Known<'a>) -> bool {
        match &node.bare().kind {
            Kind::Nothing => false,
            Kind::Const(_) | Kind::Unknown(_) | Kind::Candidate | Kind::List(_) | Kind::Range { .. } => true,
            _ => self.narrow(node, &Set::present(), known) && self.parts_present(node, known),
        }
    }

    fn parts_present<'a>(&self, node: &'a Node, known: &mut Known<'a>) -> bool {
        match &node.bare().kind {
            Kind::Field { .. }
            | Kind::Entry { .. }
            | Kind::Index { .. }
            | Kind::Call { .. }
            | Kind::Text { .. }
            | Kind::ToPath(_)
            | Kind::Arithmetic { .. }
            | Kind::Builtin(
                Builtin::Len | Builtin::Lower | Builtin::Upper | Builtin::Basename | Builtin::Dirname,
                _,
            ) => node.bare().children().all(|part| self.present(part, known)),
            _ => true,
        }
    }
}

/// How a test stands by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::lang) enum Alone {
    /// True of no value.
    Never,
    /// True of every value, so that it says only that there is one.
    Exists,
    /// Neither.
    Sometimes,
}

fn truth(so: bool) -> Set {
    let set = Set::words(["true"]);
    if so { set } else { set.complement() }
}

/// What is so in either way.
fn join<'a>(a: Known<'a>, b: &Known<'a>) -> Known<'a> {
    let mut joined = Known::new();
    for (key, subject) in a {
        let Some(other) = b.get(&key) else { continue };
        // Tests that only one way has are left out: the shorter list is the one from before the ways parted.
        let texts = if subject.texts.len() <= other.texts.len() { &subject.texts } else { &other.texts };
        let shared = subject.texts.iter().zip(&other.texts).take_while(|(x, y)| same_test(x, y)).count();
        let texts = texts.iter().take(shared).copied().collect();
        joined.insert(key, Subject { node: subject.node, set: subject.set.or(&other.set), texts });
    }
    joined
}

fn same_test(a: &(TextTest<'_>, bool), b: &(TextTest<'_>, bool)) -> bool {
    a.1 == b.1 && format!("{:?}", a.0) == format!("{:?}", b.0)
}
