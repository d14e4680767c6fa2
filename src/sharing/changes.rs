//! What differs between two versions of a map. Parts that both share are passed over without a look at their rows.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Part, SharedMap};

/// A row that one of two versions lacks, or that has another value.
#[derive(Debug)]
pub struct Change<'a, K, V> {
    /// Of which row.
    pub key: &'a K,
    /// What it was; `None`: it is new.
    pub was: Option<&'a V>,
    /// What it is; `None`: it is gone.
    pub is: Option<&'a V>,
}

/// Where one goes through a version.
struct Walk<'a, K, V, T> {
    rest: &'a [Arc<Part<K, V, T>>],
    rows: &'a [(K, V)],
}

impl<'a, K, V, T> Walk<'a, K, V, T> {
    fn of(map: &'a SharedMap<K, V, T>) -> Self {
        Self { rest: &map.parts, rows: &[] }
    }

    /// The next row, which stays the next one.
    fn peek(&mut self) -> Option<&'a (K, V)> {
        if self.rows.is_empty() {
            let (part, rest) = self.rest.split_first()?;
            (self.rows, self.rest) = (&part.rows, rest);
        }
        self.rows.first()
    }

    fn pass(&mut self) {
        self.rows = self.rows.get(1..).unwrap_or_default();
    }
}

/// All rows in which two versions may differ, in the order of their keys.
pub(super) struct Apart<'a, K, V, T> {
    was: Walk<'a, K, V, T>,
    is: Walk<'a, K, V, T>,
}

impl<'a, K: Ord, V, T> Iterator for Apart<'a, K, V, T> {
    type Item = Change<'a, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (was, is) = (self.was.peek(), self.is.peek());
            if was.is_some() && std::ptr::eq(self.was.rows, self.is.rows) {
                (self.was.rows, self.is.rows) = (&[], &[]);
                continue;
            }
            let order = match (was, is) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((was, _)), Some((is, _))) => was.cmp(is),
            };
            let was = was.filter(|_| order.is_le());
            let is = is.filter(|_| order.is_ge());
            if was.is_some() {
                self.was.pass();
            }
            if is.is_some() {
                self.is.pass();
            }
            let key = &is.or(was)?.0;
            return Some(Change { key, was: was.map(|(_, value)| value), is: is.map(|(_, value)| value) });
        }
    }
}

impl<K: Ord, V, T> SharedMap<K, V, T> {
    pub(super) fn apart<'a>(&'a self, former: &'a Self) -> Apart<'a, K, V, T> {
        Apart { was: Walk::of(former), is: Walk::of(self) }
    }
}

impl<K: Ord, V, T> SharedMap<K, Arc<V>, T> {
    /// What isn't the very value that it was, in the order of keys. Two values that say the same are two.
    pub fn changes_since<'a>(&'a self, former: &'a Self) -> impl Iterator<Item = Change<'a, K, Arc<V>>> {
        self.apart(former).filter(|change| match (change.was, change.is) {
            (Some(was), Some(is)) => !Arc::ptr_eq(was, is),
            (Some(_) | None, None) | (None, Some(_)) => true,
        })
    }
}

impl<K: Ord, V: PartialEq, T> PartialEq for SharedMap<K, V, T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.apart(other).all(|change| change.was == change.is)
    }
}

impl<K: Ord, V: Eq, T> Eq for SharedMap<K, V, T> {}
