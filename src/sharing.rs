//! An ordered map whose copies share what nobody changed, so that a copy costs nothing, a change costs the part that it is in,
//! and two versions are compared by what differs in them.
//!
//! ```text
//! version 1   [ part a | part b | part c ]
//!                 |                 |           the very same parts
//! version 2   [ part a | part b'| part c ]      changes_since(1): a look at b' and b
//! ```
//!
//! Whoever wants a few of many rows asks the parts first: each can say something of its rows ([`Told`]), worked out once
//! and kept until the part is changed.

mod changes;
mod rows;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use changes::Change;
pub use rows::{Keys, Rows, Values};

/// A part with more rows is divided.
const MOST: usize = 64;

/// What a part says of its rows. It must follow from them alone.
pub trait Told<K, V> {
    /// What is to be said of these.
    fn of(rows: &[(K, V)]) -> Self;
}

impl<K, V> Told<K, V> for () {
    fn of(_: &[(K, V)]) -> Self {}
}

/// The map. What its parts say of their rows is a `T`.
pub struct SharedMap<K, V, T = ()> {
    // INVARIANT: no part is empty, and keys grow from row to row and from part to part.
    parts: Arc<Vec<Arc<Part<K, V, T>>>>,
    last: Last,
}

/// Where the last row was found that was asked for: whoever goes through another map in order asks for the one behind it next, or
/// once more for the same.
#[derive(Default)]
struct Last(AtomicUsize);

impl Last {
    /// A part has at most one row more than this, for a moment.
    const ROWS: usize = 2 * MOST;

    fn note(&self, part: usize, row: usize) {
        self.0.store(part.saturating_mul(Self::ROWS).saturating_add(row), Ordering::Relaxed);
    }

    /// The part, and the row in it.
    fn place(&self) -> (usize, usize) {
        let place = self.0.load(Ordering::Relaxed);
        (place / Self::ROWS, place % Self::ROWS)
    }
}

struct Part<K, V, T> {
    rows: Vec<(K, V)>,
    /// INVARIANT: whoever hands out a row to be changed empties it.
    told: OnceLock<T>,
}

impl<K, V, T> Part<K, V, T> {
    fn new(rows: Vec<(K, V)>) -> Arc<Self> {
        Arc::new(Self { rows, told: OnceLock::new() })
    }

    fn first(&self) -> Option<&K> {
        self.rows.first().map(|(key, _)| key)
    }
}

impl<K: Clone, V: Clone, T> Clone for Part<K, V, T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), told: OnceLock::new() }
    }
}

impl<K, V, T> Default for SharedMap<K, V, T> {
    fn default() -> Self {
        Self { parts: Arc::default(), last: Last::default() }
    }
}

impl<K, V, T> Clone for SharedMap<K, V, T> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts), last: Last::default() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T> fmt::Debug for SharedMap<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V, T> SharedMap<K, V, T> {
    /// Whether both are known to be the same without looking at a row.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.rows.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All rows, in the order of their keys.
    pub fn iter(&self) -> Rows<'_, K, V, T> {
        Rows::of(&self.parts)
    }

    /// All keys, in order.
    pub fn keys(&self) -> Keys<'_, K, V, T> {
        Keys(self.iter())
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> Values<'_, K, V, T> {
        Values(self.iter())
    }
}

impl<K, V, T: Told<K, V>> SharedMap<K, V, T> {
    /// All rows part by part, with what each part says of its rows.
    pub fn parts(&self) -> impl Iterator<Item = (&T, &[(K, V)])> {
        self.parts.iter().map(|part| (part.told.get_or_init(|| T::of(&part.rows)), part.rows.as_slice()))
    }

    /// The rows of parts that say so of themselves: among them are all that are of interest.
    pub fn rows_where<'a>(&'a self, told: impl Fn(&T) -> bool + 'a) -> impl Iterator<Item = (&'a K, &'a V)> {
        let parts = self.parts().filter(move |(said, _)| told(said));
        parts.flat_map(|(_, rows)| rows.iter().map(|(key, value)| (key, value)))
    }
}

impl<K: Ord, V, T> SharedMap<K, V, T> {
    /// The part that holds a key, or would, and the place in it.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(usize, Result<usize, usize>)>
    where
        K: Borrow<Q>,
    {
        if let Some((at, row)) = self.find_near(key) {
            return Some((at, Ok(row)));
        }
        let before =
            self.parts.partition_point(|part| part.first().is_some_and(|first| first.borrow() <= key));
        let at = before.saturating_sub(1);
        let part = self.parts.get(at)?;
        let row = part.rows.binary_search_by(|(known, _)| known.borrow().cmp(key));
        if let Ok(row) = row {
            self.last.note(at, row);
        }
        Some((at, row))
    }

    /// The place of a key that is the one behind the last, or the last itself.
    fn find_near<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(usize, usize)>
    where
        K: Borrow<Q>,
    {
        let (at, row) = self.last.place();
        let behind = if row + 1 < self.parts.get(at)?.rows.len() { (at, row + 1) } else { (at + 1, 0) };
        let found = [behind, (at, row)].into_iter().find(|(at, row)| {
            let known = self.parts.get(*at).and_then(|part| part.rows.get(*row));
            known.is_some_and(|(known, _)| Borrow::<Q>::borrow(known) == key)
        })?;
        self.last.note(found.0, found.1);
        Some(found)
    }

    /// The row of a key.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (at, row) = self.find(key)?;
        self.parts.get(at)?.rows.get(row.ok()?).map(|(key, value)| (key, value))
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// Whether there is such a row.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).is_some()
    }
}

impl<K: Ord + Clone, V: Clone, T> SharedMap<K, V, T> {
    /// A part to be changed: where others have it as well, a copy of its own is made first.
    fn part_mut(&mut self, at: usize) -> Option<&mut Vec<(K, V)>> {
        let part = Arc::make_mut(Arc::make_mut(&mut self.parts).get_mut(at)?);
        part.told = OnceLock::new();
        Some(&mut part.rows)
    }

    /// The value of a key, to be changed. Look before you ask: its part isn't shared from then on.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (at, row) = self.find(key)?;
        let row = row.ok()?;
        self.part_mut(at)?.get_mut(row).map(|(_, value)| value)
    }

    /// Puts a row in, with this very key, and gives the value that it had: a key that is shared with others isn't kept twice.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let found = self.find(&key);
        let Some((at, row)) = found else {
            self.parts = Arc::new(vec![Part::new(vec![(key, value)])]);
            return None;
        };
        let rows = self.part_mut(at)?;
        let place = match row {
            Ok(place) => return rows.get_mut(place).map(|known| std::mem::replace(known, (key, value)).1),
            Err(place) => place,
        };
        rows.insert(place, (key, value));
        if rows.len() > MOST {
            // What is added at the end, in order, leaves full parts behind.
            let cut = if place == MOST { MOST } else { MOST / 2 };
            let rest = rows.split_off(cut);
            Arc::make_mut(&mut self.parts).insert(at.saturating_add(1), Part::new(rest));
        }
        None
    }

    /// Takes a row out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (at, row) = self.find(key)?;
        let row = row.ok()?;
        let rows = self.part_mut(at)?;
        let (_, value) = rows.remove(row);
        let left = rows.len();
        self.join(at, left);
        Some(value)
    }

    /// A part that has become small is joined with the next one, so that there are never many of them.
    fn join(&mut self, at: usize, left: usize) {
        let next = at.saturating_add(1);
        let room = self.parts.get(next).is_some_and(|next| next.rows.len() + left <= MOST / 2);
        if left > 0 && !room {
            return;
        }
        let parts = Arc::make_mut(&mut self.parts);
        let small = parts.remove(at);
        if left > 0
            && let Some(next) = self.part_mut(at)
        {
            next.splice(0..0, small.rows.iter().cloned());
        }
    }

    /// Keeps these rows. Parts that lose nothing stay shared.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let stay: Vec<Vec<bool>> = (self.parts.iter())
            .map(|part| part.rows.iter().map(|(key, value)| keep(key, value)).collect())
            .collect();
        if stay.iter().flatten().all(|stays| *stays) {
            return;
        }
        let parts = self.parts.iter().zip(stay).filter_map(|(part, stay)| {
            if stay.iter().all(|stays| *stays) {
                return Some(Arc::clone(part));
            }
            let rows = part.rows.iter().zip(stay).filter(|(_, stays)| *stays);
            let rows: Vec<(K, V)> = rows.map(|(row, _)| row.clone()).collect();
            (!rows.is_empty()).then(|| Part::new(rows))
        });
        self.parts = Arc::new(parts.collect());
    }

    /// All rows, with values to be changed. Nothing is shared from then on.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        let parts = Arc::make_mut(&mut self.parts).iter_mut().map(Arc::make_mut);
        parts.flat_map(|part| {
            part.told = OnceLock::new();
            part.rows.iter_mut().map(|(key, value)| (&*key, value))
        })
    }

    /// All values, to be changed. Nothing is shared from then on.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Ord + Clone, V: Clone, T> Extend<(K, V)> for SharedMap<K, V, T> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, rows: I) {
        for (key, value) in rows {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V, T> FromIterator<(K, V)> for SharedMap<K, V, T> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Self {
        let mut rows = BTreeMap::from_iter(rows).into_iter().peekable();
        let mut parts = Vec::new();
        while rows.peek().is_some() {
            // As large as their rows: what stays for long has no room to spare.
            let mut part: Vec<(K, V)> = rows.by_ref().take(MOST).collect();
            part.shrink_to_fit();
            parts.push(Part::new(part));
        }
        Self { parts: Arc::new(parts), last: Last::default() }
    }
}

impl<K: Ord, V, T, const N: usize> From<[(K, V); N]> for SharedMap<K, V, T> {
    fn from(rows: [(K, V); N]) -> Self {
        rows.into_iter().collect()
    }
}

impl<Q: Ord + ?Sized, K: Ord + Borrow<Q>, V, T> Index<&Q> for SharedMap<K, V, T> {
    type Output = V;

    /// # Panics
    /// There is no such row, as with every map of the standard library.
    #[expect(clippy::expect_used, reason = "what indexing means")]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no row of this key")
    }
}

impl<K: Serialize, V: Serialize, T> Serialize for SharedMap<K, V, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>, T> Deserialize<'de> for SharedMap<K, V, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from_iter)
    }
}
