//! The short way to a verdict: a condition as a small program over plain data.
//!
//! ```text
//! Matcher --compile(Layout, Plain)--> Program --run(Record)--> true | false | take the long way
//!                                        \--Index of many: which of them can be true of this record at all?
//! ```
//!
//! A [`Record`] holds facts of one candidate as plain data, each read at most once and only when a program asks. What
//! has no plain form (an unknown fact, an image without a name, a function) is [`Datum::Opaque`]: then [`Matcher::eval`]
//! has to decide, which also knows the reasons. So the short way never answers "unknown", and never allocates.
//!
//! INVARIANT: where a program answers, [`Matcher::eval`] gives the same answer. A property test holds them together.

mod compile;
mod index;

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memmem::Finder;
use regex::bytes::Regex;

pub use index::Index;

use super::ast::CompareOp;
use super::ir::{Id, Node};
use super::predicate::Matcher;
use super::schema::Cost;
use super::value::Value;

/// A fact in its plain form: equal facts are equal data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Datum {
    /// Known not to exist.
    Absent,
    /// Numbers, quantities, flags, accounts.
    Int(i64),
    /// Texts.
    Bytes(Arc<[u8]>),
    /// Lists of texts.
    Words(Arc<[Arc<[u8]>]>),
    /// Device and inode of a file.
    File(u64, u64),
    /// Not known, or not to be told by plain data.
    Opaque,
}

impl Datum {
    /// A value of the core in its plain form.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Int(i64::from(*flag)),
            Value::Int(n) | Value::Size(n) | Value::Duration(n) | Value::Time(n) | Value::Ratio(n) => {
                Self::Int(*n)
            }
            Value::String(bytes) => Self::Bytes(Arc::clone(bytes)),
            // Paths are equal by components, not by bytes; the rest has no plain form.
            Value::Path(_)
            | Value::Ip(_)
            | Value::Cidr(..)
            | Value::List(_)
            | Value::Enum(..)
            | Value::Object(_) => Self::Opaque,
        }
    }
}

/// What a vocabulary says about the plain form of its fields.
pub trait Plain {
    /// What equality with this value means in plain data, for a field that the vocabulary compares itself. `None`: plain
    /// data can't tell.
    fn constant(&self, field: Id, value: &Value) -> Option<Datum>;

    /// The value of a part that doesn't depend on the candidate, as `interpreter("/srv/app.py")`, if it is known.
    fn fixed(&self, node: &Node) -> Option<Value>;
}

/// Which facts the records of a set of programs have, in which place.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    fields: Vec<(Id, Cost)>,
    places: BTreeMap<Id, usize>,
}

impl Layout {
    fn place(&mut self, field: Id, cost: Cost) -> usize {
        *self.places.entry(field).or_insert_with(|| {
            self.fields.push((field, cost));
            self.fields.len() - 1
        })
    }

    fn cost(&self, place: usize) -> Cost {
        self.fields.get(place).map_or(0, |(_, cost)| *cost)
    }
}

/// Facts of one candidate at a time.
pub struct Record<'a> {
    layout: &'a Layout,
    cells: Vec<OnceCell<Datum>>,
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("cells", &self.cells).finish_non_exhaustive()
    }
}

impl<'a> Record<'a> {
    /// An empty one. The layout must be complete: all programs are compiled.
    pub fn new(layout: &'a Layout) -> Self {
        Self { layout, cells: layout.fields.iter().map(|_| OnceCell::new()).collect() }
    }

    /// Forgets everything, for the next candidate.
    pub fn clear(&mut self) {
        for cell in &mut self.cells {
            cell.take();
        }
    }

    /// The fact in a place, read with `read` if it isn't known yet.
    fn get(&self, place: usize, read: &dyn Fn(Id) -> Datum) -> &Datum {
        match self.cells.get(place).and_then(OnceCell::get) {
            Some(known) => known,
            None => self.fill(place, read),
        }
    }

    #[cold]
    fn fill(&self, place: usize, read: &dyn Fn(Id) -> Datum) -> &Datum {
        const OPAQUE: &Datum = &Datum::Opaque;
        match (self.cells.get(place), self.layout.fields.get(place)) {
            (Some(cell), Some((field, _))) => cell.get_or_init(|| read(*field)),
            _ => OPAQUE,
        }
    }
}

/// A condition over plain data.
#[derive(Clone, Debug)]
pub struct Program {
    test: Test,
}

/// The tests that programs are made of. Of an absent fact all but the negations are false.
#[derive(Clone, Debug)]
enum Test {
    Always(bool),
    /// A condition that is a flag.
    Flag(usize),
    Has(usize),
    Equal(usize, Datum),
    /// One of some data of the same kind as the fact.
    Among(usize, Box<[Datum]>),
    Order(usize, CompareOp, i64),
    Starts(usize, Box<[u8]>),
    Ends(usize, Box<[u8]>),
    Contains(usize, Box<Finder<'static>>),
    Regex(usize, Regex),
    /// An element of a list by its number, negative ones from the end.
    Word(usize, i64, Arc<[u8]>),
    /// A list has the text as an element.
    HasWord(usize, Arc<[u8]>),
    Not(Box<Test>),
    All(Box<[Test]>),
    Any(Box<[Test]>),
    /// Has no plain form.
    Long,
}

impl Program {
    /// The program of a bound matcher. Its facts get their places in `layout`.
    pub fn new(matcher: &Matcher, layout: &mut Layout, plain: &dyn Plain) -> Self {
        Self { test: compile::condition(matcher.root(), layout, plain) }
    }

    /// One that always takes the long way.
    pub fn long() -> Self {
        Self { test: Test::Long }
    }

    /// True, false, or `None`: the long way has to be taken. `read` gives facts of the candidate that the record is for.
    pub fn run(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
        self.test.run(record, read)
    }
}

impl Test {
    /// Connectives call themselves; what is no connective is asked in line, which saves a call for each condition.
    #[inline]
    fn run(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
        match self {
            Self::Not(inner) => inner.negated(record, read),
            Self::All(tests) => joined(tests, false, record, read),
            Self::Any(tests) => joined(tests, true, record, read),
            leaf => leaf.ask(record, read),
        }
    }

    #[inline(never)]
    fn negated(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
        self.run(record, read).map(|holds| !holds)
    }

    /// What most conditions are made of, of facts that are there already. Two kinds and no more: they are asked one after the other,
    /// where more of them became a jump through a table.
    #[inline]
    fn at_hand(&self, cells: &[OnceCell<Datum>]) -> Option<bool> {
        let fact = |place: &usize| cells.get(*place).and_then(OnceCell::get);
        match self {
            Self::Equal(place, value) => match (value, fact(place)?) {
                (Datum::Int(wanted), Datum::Int(number)) => Some(number == wanted),
                (Datum::File(device, inode), Datum::File(of, number)) => {
                    Some(of == device && number == inode)
                }
                (Datum::Bytes(wanted), Datum::Bytes(bytes)) => Some(bytes == wanted),
                _ => None,
            },
            Self::Contains(place, part) => match fact(place)? {
                Datum::Bytes(bytes) => Some(part.find(bytes).is_some()),
                _ => None,
            },
            _ => None,
        }
    }

    #[inline]
    fn ask(&self, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
        match self {
            Self::Always(value) => Some(*value),
            Self::Flag(place) => number(record.get(*place, read), |flag| flag != 0),
            Self::Has(place) => match record.get(*place, read) {
                Datum::Opaque => None,
                fact => Some(*fact != Datum::Absent),
            },
            Self::Equal(place, value) => equal(record.get(*place, read), value),
            Self::Among(place, values) => {
                let fact = record.get(*place, read);
                values.iter().try_fold(false, |found, value| Some(found || equal(fact, value)?))
            }
            Self::Order(place, op, bound) => {
                number(record.get(*place, read), |number| holds(*op, number.cmp(bound)))
            }
            Self::Starts(place, part) => text(record.get(*place, read), |text| text.starts_with(part)),
            Self::Ends(place, part) => text(record.get(*place, read), |text| text.ends_with(part)),
            Self::Contains(place, part) => text(record.get(*place, read), |text| part.find(text).is_some()),
            Self::Regex(place, regex) => text(record.get(*place, read), |text| regex.is_match(text)),
            Self::Word(place, at, wanted) => words(record.get(*place, read), |words| {
                element(words, *at).is_some_and(|word| **word == **wanted)
            }),
            Self::HasWord(place, wanted) => {
                words(record.get(*place, read), |words| words.iter().any(|word| **word == **wanted))
            }
            Self::Not(_) | Self::All(_) | Self::Any(_) | Self::Long => None,
        }
    }
}

/// Kleene's "and" (`decisive` false) and "or" (`decisive` true).
#[inline]
fn joined(tests: &[Test], decisive: bool, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
    match at_hand(tests, decisive, &record.cells) {
        Ok(answer) => Some(answer),
        Err(rest) => weighed(rest, decisive, record, read),
    }
}

/// The answer, as long as only facts are asked for that the record has. Else the tests from the first one on that needs more.
///
/// Nothing in here reads a fact or keeps in mind that one isn't known: whatever had to be kept aside for that would cost each condition
/// a third of its time.
#[inline]
fn at_hand<'t>(tests: &'t [Test], decisive: bool, cells: &[OnceCell<Datum>]) -> Result<bool, &'t [Test]> {
    let mut rest = tests;
    while let Some((test, more)) = rest.split_first() {
        match test.at_hand(cells) {
            Some(answer) if answer == decisive => return Ok(decisive),
            Some(_) => rest = more,
            None => return Err(rest),
        }
    }
    Ok(!decisive)
}

#[inline(never)]
fn weighed(tests: &[Test], decisive: bool, record: &Record<'_>, read: &dyn Fn(Id) -> Datum) -> Option<bool> {
    let mut sure = true;
    for test in tests {
        match test.run(record, read) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => sure = false,
        }
    }
    sure.then_some(!decisive)
}

/// The usual pairs are asked one after the other, which costs less than a jump through a table of all pairs.
#[inline]
fn equal(fact: &Datum, value: &Datum) -> Option<bool> {
    if let (Datum::Int(a), Datum::Int(b)) = (fact, value) {
        return Some(a == b);
    }
    if let (Datum::File(a, b), Datum::File(c, d)) = (fact, value) {
        return Some(a == c && b == d);
    }
    if let (Datum::Bytes(a), Datum::Bytes(b)) = (fact, value) {
        return Some(a == b);
    }
    match (fact, value) {
        (Datum::Absent, _) => Some(false),
        // A constant that nothing with a plain form equals: a file that doesn't exist.
        (Datum::Int(_) | Datum::Bytes(_) | Datum::File(..), Datum::Absent) => Some(false),
        _ => None,
    }
}

fn number(fact: &Datum, holds: impl FnOnce(i64) -> bool) -> Option<bool> {
    match fact {
        Datum::Int(number) => Some(holds(*number)),
        Datum::Absent => Some(false),
        Datum::Bytes(_) | Datum::Words(_) | Datum::File(..) | Datum::Opaque => None,
    }
}

fn text(fact: &Datum, holds: impl FnOnce(&[u8]) -> bool) -> Option<bool> {
    match fact {
        Datum::Bytes(bytes) => Some(holds(bytes)),
        Datum::Absent => Some(false),
        Datum::Int(_) | Datum::Words(_) | Datum::File(..) | Datum::Opaque => None,
    }
}

fn words(fact: &Datum, holds: impl FnOnce(&[Arc<[u8]>]) -> bool) -> Option<bool> {
    match fact {
        Datum::Words(words) => Some(holds(words)),
        Datum::Absent => Some(false),
        Datum::Int(_) | Datum::Bytes(_) | Datum::File(..) | Datum::Opaque => None,
    }
}

/// Negative numbers count from the end.
fn element(words: &[Arc<[u8]>], at: i64) -> Option<&Arc<[u8]>> {
    let place = match usize::try_from(at) {
        Ok(place) => place,
        Err(_) => words.len().checked_sub(usize::try_from(at.unsigned_abs()).ok()?)?,
    };
    words.get(place)
}

fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterEqual => order.is_ge(),
        CompareOp::Equal => order.is_eq(),
        _ => false,
    }
}
