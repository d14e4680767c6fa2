//! Going through a map.

use std::slice;
use std::sync::Arc;

use super::{Part, SharedMap};

/// All rows of a map.
pub struct Rows<'a, K, V, T> {
    parts: slice::Iter<'a, Arc<Part<K, V, T>>>,
    front: slice::Iter<'a, (K, V)>,
    back: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V, T> Rows<'a, K, V, T> {
    pub(super) fn of(parts: &'a [Arc<Part<K, V, T>>]) -> Self {
        Self { parts: parts.iter(), front: [].iter(), back: [].iter() }
    }
}

impl<K, V, T> Clone for Rows<'_, K, V, T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), front: self.front.clone(), back: self.back.clone() }
    }
}

impl<K, V, T> std::fmt::Debug for Rows<'_, K, V, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl<'a, K, V, T> Iterator for Rows<'a, K, V, T> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.front.next() {
                return Some((key, value));
            }
            match self.parts.next() {
                Some(part) => self.front = part.rows.iter(),
                None => return self.back.next().map(|(key, value)| (key, value)),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let between: usize = self.parts.clone().map(|part| part.rows.len()).sum();
        let left = self.front.len().saturating_add(between).saturating_add(self.back.len());
        (left, Some(left))
    }
}

impl<K, V, T> DoubleEndedIterator for Rows<'_, K, V, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.back.next_back() {
                return Some((key, value));
            }
            match self.parts.next_back() {
                Some(part) => self.back = part.rows.iter(),
                None => return self.front.next_back().map(|(key, value)| (key, value)),
            }
        }
    }
}

impl<K, V, T> ExactSizeIterator for Rows<'_, K, V, T> {}

/// All keys of a map.
pub struct Keys<'a, K, V, T>(pub(super) Rows<'a, K, V, T>);

/// All values of a map.
pub struct Values<'a, K, V, T>(pub(super) Rows<'a, K, V, T>);

impl<K, V, T> std::fmt::Debug for Keys<'_, K, V, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl<K, V, T> std::fmt::Debug for Values<'_, K, V, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}

impl<K, V, T> Clone for Keys<'_, K, V, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V, T> Clone for Values<'_, K, V, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'a, K, V, T> Iterator for Keys<'a, K, V, T> {
    type Item = &'a K;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, _)| key)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a, K, V, T> Iterator for Values<'a, K, V, T> {
    type Item = &'a V;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V, T> DoubleEndedIterator for Keys<'_, K, V, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, _)| key)
    }
}

impl<K, V, T> DoubleEndedIterator for Values<'_, K, V, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, value)| value)
    }
}

impl<K, V, T> ExactSizeIterator for Keys<'_, K, V, T> {}
impl<K, V, T> ExactSizeIterator for Values<'_, K, V, T> {}

impl<'a, K, V, T> IntoIterator for &'a SharedMap<K, V, T> {
    type Item = (&'a K, &'a V);
    type IntoIter = Rows<'a, K, V, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Clone, V: Clone, T> IntoIterator for SharedMap<K, V, T> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let rows: Vec<(K, V)> = self.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        rows.into_iter()
    }
}
