//! Many conditions, one record: which of them can be true at all.
//!
//! ```text
//! exe == A && user == B      guard: exe is A        exe  --hash--> conditions
//! argv[2] == "7" && ...      guard: argv[2] is "7"  argv[2] --hash--> conditions
//! cmdline contains "svc-1"   guard: contains it     cmdline --one automaton--> conditions
//! rss > 1GiB                 no guard               always a candidate
//! ```
//!
//! Each condition is filed under the one of its guards (operands that must hold) that the fewest others share. What an
//! index leaves out is false. What it lets through is still to be decided. A guard whose fact is not in plain form lets
//! everything filed under it through, so that unknown never turns into false.

use std::collections::BTreeMap;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use super::{Datum, Layout, Program, Record, Test, element};
use crate::lang::ir::Id;
use crate::lang::schema::Cost;

/// Where a guard looks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Aspect {
    /// The fact itself.
    Whole(usize),
    /// One word of a list.
    Word(usize, i64),
    /// Any word of a list.
    AnyWord(usize),
    /// A part of a text.
    Part(usize),
}

impl Aspect {
    fn place(&self) -> usize {
        match self {
            Self::Whole(place) | Self::Word(place, _) | Self::AnyWord(place) | Self::Part(place) => *place,
        }
    }
}

/// A necessary condition: the aspect is one of the keys.
#[derive(Clone, Debug)]
struct Guard {
    aspect: Aspect,
    keys: Vec<Datum>,
}

/// An index over programs, by their number in the order given.
#[derive(Debug, Default)]
pub struct Index {
    groups: Vec<Group>,
    /// Those without a guard.
    rest: Vec<usize>,
}

/// Conditions that look at the same aspect.
#[derive(Debug)]
struct Group {
    aspect: Aspect,
    cost: Cost,
    /// A cheaper fact that must be one of these for any of the group, if there is one.
    gate: Option<(usize, Vec<Datum>)>,
    by_key: BTreeMap<Datum, Vec<usize>>,
    /// For parts of texts: finds the keys in `parts`.
    automaton: Option<AhoCorasick>,
    parts: Vec<Vec<usize>>,
    all: Vec<usize>,
}

impl Index {
    /// An index over these programs, whose facts have their places in `layout`.
    pub fn new(programs: &[Program], layout: &Layout) -> Self {
        let guards: Vec<Vec<Guard>> = programs.iter().map(|program| guards(&program.test)).collect();
        let mut shared: BTreeMap<(&Aspect, &Datum), usize> = BTreeMap::new();
        // Where nobody has a choice it doesn't matter who shares what.
        let choose = guards.iter().any(|guards| guards.len() > 1);
        for guard in guards.iter().flatten().filter(|_| choose) {
            for key in &guard.keys {
                *shared.entry((&guard.aspect, key)).or_default() += 1;
            }
        }
        let crowd = |guard: &Guard| -> usize {
            guard.keys.iter().filter_map(|key| shared.get(&(&guard.aspect, key))).sum()
        };
        let mut index = Self::default();
        let mut filed: BTreeMap<Aspect, Vec<(usize, &Guard)>> = BTreeMap::new();
        for (number, guards) in guards.iter().enumerate() {
            let best = guards.iter().min_by_key(|guard| (crowd(guard), layout.cost(guard.aspect.place())));
            match best {
                Some(guard) => filed.entry(guard.aspect.clone()).or_default().push((number, guard)),
                None => index.rest.push(number),
            }
        }
        index.groups =
            filed.into_iter().map(|(aspect, of)| Group::new(aspect, &of, &guards, layout)).collect();
        index.groups.sort_by_key(|group| group.cost);
        index
    }

    /// Adds to `found` the programs that may be true of the record, each once, in no particular order.
    pub fn candidates(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum, found: &mut Vec<usize>) {
        found.extend(&self.rest);
        for group in &self.groups {
            group.candidates(record, read, found);
        }
    }
}

impl Group {
    fn new(aspect: Aspect, filed: &[(usize, &Guard)], guards: &[Vec<Guard>], layout: &Layout) -> Self {
        let cost = layout.cost(aspect.place());
        let mut by_key: BTreeMap<Datum, Vec<usize>> = BTreeMap::new();
        for (number, guard) in filed {
            for key in &guard.keys {
                let under = by_key.entry(key.clone()).or_default();
                if under.last() != Some(number) {
                    under.push(*number);
                }
            }
        }
        let all: Vec<usize> = filed.iter().map(|(number, _)| *number).collect();
        let gate = gate(&all, guards, cost, layout);
        let mut group = Self { aspect, cost, gate, by_key, automaton: None, parts: Vec::new(), all };
        if matches!(group.aspect, Aspect::Part(_)) {
            group.build_automaton();
        }
        group
    }

    fn build_automaton(&mut self) {
        let mut patterns: Vec<Arc<[u8]>> = Vec::new();
        // They are found by the automaton from now on.
        for (key, numbers) in std::mem::take(&mut self.by_key) {
            if let Datum::Bytes(part) = key {
                patterns.push(part);
                self.parts.push(numbers);
            }
        }
        // One that can't be built (too large) lets everything through.
        self.automaton = AhoCorasick::new(patterns.iter()).ok();
    }

    fn candidates(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum, found: &mut Vec<usize>) {
        if let Some((place, keys)) = &self.gate {
            match record.get(*place, read) {
                Datum::Absent => return,
                Datum::Opaque => {}
                fact if !keys.contains(fact) => return,
                _ => {}
            }
        }
        let fact = record.get(self.aspect.place(), read);
        match (&self.aspect, fact) {
            (_, Datum::Absent) => {}
            (Aspect::Whole(_), Datum::Int(_) | Datum::Bytes(_) | Datum::File(..)) => self.add(fact, found),
            (Aspect::Word(_, at), Datum::Words(words)) => {
                if let Some(word) = element(words, *at) {
                    self.add(&Datum::Bytes(Arc::clone(word)), found);
                }
            }
            (Aspect::AnyWord(_), Datum::Words(words)) => {
                let before = found.len();
                for word in words.iter() {
                    self.add(&Datum::Bytes(Arc::clone(word)), found);
                }
                once(found, before);
            }
            (Aspect::Part(_), Datum::Bytes(text)) => self.add_parts(text, found),
            _ => found.extend(&self.all),
        }
    }

    fn add(&self, key: &Datum, found: &mut Vec<usize>) {
        found.extend(self.by_key.get(key).into_iter().flatten());
    }

    fn add_parts(&self, text: &[u8], found: &mut Vec<usize>) {
        let Some(automaton) = &self.automaton else {
            found.extend(&self.all);
            return;
        };
        let before = found.len();
        for part in automaton.find_overlapping_iter(text) {
            found.extend(self.parts.get(part.pattern().as_usize()).into_iter().flatten());
        }
        once(found, before);
    }
}

/// Each of those that were added once.
fn once(found: &mut Vec<usize>, before: usize) {
    if found.len() > before + 1 {
        let mut added = found.split_off(before);
        added.sort_unstable();
        added.dedup();
        found.append(&mut added);
    }
}

/// A fact that is cheaper than the aspect and that every condition of the group has a guard on.
fn gate(all: &[usize], guards: &[Vec<Guard>], cost: Cost, layout: &Layout) -> Option<(usize, Vec<Datum>)> {
    let of = |number: &usize| guards.get(*number).map_or(&[][..], Vec::as_slice);
    let whole = |guard: &&Guard| match guard.aspect {
        Aspect::Whole(place) if layout.cost(place) < cost => Some(place),
        _ => None,
    };
    let mut places: Vec<usize> = of(all.first()?).iter().filter_map(|guard| whole(&guard)).collect();
    places.sort_by_key(|place| layout.cost(*place));
    places.into_iter().find_map(|place| {
        let mut keys: Vec<Datum> = Vec::new();
        for number in all {
            let guard = of(number).iter().find(|guard| guard.aspect == Aspect::Whole(place))?;
            for key in &guard.keys {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        (keys.len() <= GATE_MAX).then_some((place, keys))
    })
}

/// A gate with more keys than this is searched for longer than the fact behind it costs.
const GATE_MAX: usize = 16;

/// The necessary conditions of a test.
fn guards(test: &Test) -> Vec<Guard> {
    let one = |aspect, key: Datum| vec![Guard { aspect, keys: vec![key] }];
    match test {
        // Nothing plain is equal to what doesn't exist, but an image without a name may be.
        Test::Equal(place, key) => one(Aspect::Whole(*place), key.clone()),
        Test::Among(place, keys) => vec![Guard { aspect: Aspect::Whole(*place), keys: keys.to_vec() }],
        Test::Word(place, at, word) => one(Aspect::Word(*place, *at), Datum::Bytes(Arc::clone(word))),
        Test::HasWord(place, word) => one(Aspect::AnyWord(*place), Datum::Bytes(Arc::clone(word))),
        Test::Contains(place, part) if !part.needle().is_empty() => {
            one(Aspect::Part(*place), Datum::Bytes(Arc::from(part.needle())))
        }
        Test::All(tests) => tests.iter().flat_map(guards).collect(),
        Test::Any(tests) => alternatives(tests),
        _ => Vec::new(),
    }
}

/// An aspect that every alternative has a guard on guards them all.
fn alternatives(tests: &[Test]) -> Vec<Guard> {
    let Some((first, others)) = tests.split_first() else { return Vec::new() };
    let mut common = guards(first);
    for other in others {
        let theirs = guards(other);
        common.retain_mut(|guard| {
            let same = theirs.iter().find(|theirs| theirs.aspect == guard.aspect);
            guard.keys.extend(same.into_iter().flat_map(|theirs| theirs.keys.clone()));
            same.is_some()
        });
    }
    common
}
