//! The instances of an object, and what is asked or seen of them, by index. Nearly always there is one: a list, since a map keeps room for eleven where it keeps one,
//! and each stands by itself, as it is large.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, Range, RangeBounds};
use std::slice;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Instance;

type Row<V> = (u32, Box<V>);
type Each<'a, V> = (&'a u32, &'a V);
type EachMut<'a, V> = (&'a u32, &'a mut V);

/// By index. Written like a map of these.
#[derive(Clone, PartialEq, Eq)]
pub struct ByIndex<V>(
    // INVARIANT: indexes grow from row to row.
    Vec<Row<V>>,
);

/// What is remembered of each instance.
pub type Instances = ByIndex<Instance>;

impl<V> Default for ByIndex<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

fn each<V>((index, instance): &Row<V>) -> Each<'_, V> {
    (index, instance)
}

fn each_mut<V>((index, instance): &mut Row<V>) -> EachMut<'_, V> {
    (index, instance)
}

impl<V> ByIndex<V> {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The indexes.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &u32> + ExactSizeIterator + Clone {
        self.0.iter().map(|(index, _)| index)
    }

    /// The values in the order of their indexes.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.0.iter().map(|(_, instance)| &**instance)
    }

    /// The values in the order of their indexes, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> + ExactSizeIterator {
        self.0.iter_mut().map(|(_, instance)| &mut **instance)
    }

    /// Both, in the order of the indexes.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Both, in the order of the indexes, to be changed.
    pub fn iter_mut(&mut self) -> <&mut Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Those with an index in this range.
    pub fn range(
        &self,
        range: impl RangeBounds<u32>,
    ) -> impl DoubleEndedIterator<Item = Each<'_, V>> + Clone {
        self.0.get(self.places(&range)).unwrap_or_default().iter().map(each)
    }

    /// Those with an index in this range, to be changed.
    pub fn range_mut(
        &mut self,
        range: impl RangeBounds<u32>,
    ) -> impl DoubleEndedIterator<Item = EachMut<'_, V>> {
        let places = self.places(&range);
        self.0.get_mut(places).unwrap_or_default().iter_mut().map(each_mut)
    }

    /// Where those of a range stand.
    fn places(&self, range: &impl RangeBounds<u32>) -> Range<usize> {
        let below = |bound: &u32| self.0.partition_point(|(index, _)| index < bound);
        let through = |bound: &u32| self.0.partition_point(|(index, _)| index <= bound);
        let from = match range.start_bound() {
            Bound::Included(bound) => below(bound),
            Bound::Excluded(bound) => through(bound),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(bound) => through(bound),
            Bound::Excluded(bound) => below(bound),
            Bound::Unbounded => self.0.len(),
        };
        from..to
    }

    fn find(&self, index: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&index, |(known, _)| *known)
    }

    /// The value with this index.
    pub fn get(&self, index: &u32) -> Option<&V> {
        self.0.get(self.find(*index).ok()?).map(|(_, instance)| &**instance)
    }

    /// The value with this index, to be changed.
    pub fn get_mut(&mut self, index: &u32) -> Option<&mut V> {
        let place = self.find(*index).ok()?;
        self.0.get_mut(place).map(|(_, instance)| &mut **instance)
    }

    /// Whether there is a value with this index.
    pub fn contains_key(&self, index: &u32) -> bool {
        self.find(*index).is_ok()
    }

    /// The value with this index, to be changed; a new one where there was none.
    #[expect(clippy::indexing_slicing, reason = "it was found or put there")]
    pub fn get_or_new(&mut self, index: u32) -> &mut V
    where
        V: Default,
    {
        let place = self.find(index).unwrap_or_else(|place| {
            self.put(place, (index, Box::default()));
            place
        });
        &mut self.0[place].1
    }

    /// Sets the value with this index; gives the former one.
    pub fn insert(&mut self, index: u32, instance: V) -> Option<V> {
        match self.find(index) {
            Ok(place) => {
                let (_, known) = self.0.get_mut(place)?;
                Some(std::mem::replace(&mut **known, instance))
            }
            Err(place) => {
                self.put(place, (index, Box::new(instance)));
                None
            }
        }
    }

    /// No room to spare: hardly ever there is another one.
    fn put(&mut self, place: usize, row: Row<V>) {
        self.0.reserve_exact(1);
        self.0.insert(place, row);
    }

    /// Takes the value with this index away.
    pub fn remove(&mut self, index: &u32) -> Option<V> {
        let place = self.find(*index).ok()?;
        Some(*self.0.remove(place).1)
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes those away of which this isn't so.
    pub fn retain(&mut self, mut keep: impl FnMut(&u32, &mut V) -> bool) {
        self.0.retain_mut(|(index, instance)| keep(index, instance));
    }

    /// Moves all of the others here.
    pub fn append(&mut self, other: &mut Self) {
        for (index, instance) in std::mem::take(&mut other.0) {
            self.insert(index, *instance);
        }
    }
}

impl<V: fmt::Debug> fmt::Debug for ByIndex<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'a, V> IntoIterator for &'a ByIndex<V> {
    type Item = Each<'a, V>;
    type IntoIter = std::iter::Map<slice::Iter<'a, Row<V>>, fn(&'a Row<V>) -> Each<'a, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(each)
    }
}

impl<'a, V> IntoIterator for &'a mut ByIndex<V> {
    type Item = EachMut<'a, V>;
    type IntoIter = std::iter::Map<slice::IterMut<'a, Row<V>>, fn(&'a mut Row<V>) -> EachMut<'a, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut().map(each_mut)
    }
}

impl<V> Extend<(u32, V)> for ByIndex<V> {
    fn extend<I: IntoIterator<Item = (u32, V)>>(&mut self, rows: I) {
        let rows = rows.into_iter();
        self.0.reserve_exact(rows.size_hint().0);
        for (index, value) in rows {
            self.insert(index, value);
        }
    }
}

impl<V> FromIterator<(u32, V)> for ByIndex<V> {
    fn from_iter<I: IntoIterator<Item = (u32, V)>>(rows: I) -> Self {
        let mut all = Self::default();
        all.extend(rows);
        all
    }
}

impl<V, const N: usize> From<[(u32, V); N]> for ByIndex<V> {
    fn from(rows: [(u32, V); N]) -> Self {
        rows.into_iter().collect()
    }
}

impl<V: Serialize> Serialize for ByIndex<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for ByIndex<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|rows: BTreeMap<u32, V>| rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn numbered(restarts: u64) -> Instance {
        Instance { restarts, ..Instance::default() }
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn they_are_a_map(
            steps in prop::collection::vec((0_u32..6, 0_u8..4, 0_u64..9), 0..12),
            range in (0_u32..7, 0_u32..7),
        ) {
            let mut map: BTreeMap<u32, Instance> = BTreeMap::new();
            let mut all = Instances::default();
            for (index, step, restarts) in steps {
                match step {
                    0 => prop_assert_eq!(all.insert(index, numbered(restarts)), map.insert(index, numbered(restarts))),
                    1 => prop_assert_eq!(all.remove(&index), map.remove(&index)),
                    2 => prop_assert_eq!(all.get_or_new(index), map.entry(index).or_default()),
                    _ => {
                        let mut more: Instances = [(index, numbered(restarts))].into_iter().collect();
                        all.append(&mut more);
                        map.insert(index, numbered(restarts));
                    }
                }
                prop_assert_eq!(all.get(&index), map.get(&index));
            }
            prop_assert!(all.iter().eq(map.iter()));
            let (from, to) = (range.0.min(range.1), range.0.max(range.1));
            prop_assert!(all.range(from..to).eq(map.range(from..to)));
            prop_assert!(all.range(from..=to).eq(map.range(from..=to)));
            prop_assert!(all.range(..to).eq(map.range(..to)));
            prop_assert!(all.range_mut(from..).map(|(index, _)| *index).eq(map.range(from..).map(|(index, _)| *index)));
            let written = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(&written, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Instances>(&written).unwrap(), all);
        }
    }
}
