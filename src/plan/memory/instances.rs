//! The instances of an object, by index. Nearly always there is one, and it is large: each stands by itself, since a map keeps room
//! for eleven values where it keeps one.

use std::collections::{BTreeMap, btree_map};
use std::ops::RangeBounds;

use serde::{Deserialize, Serialize};

use super::Instance;

type Each<'a> = (&'a u32, &'a Instance);
type EachMut<'a> = (&'a u32, &'a mut Instance);
type Boxed<'a> = (&'a u32, &'a Box<Instance>);
type BoxedMut<'a> = (&'a u32, &'a mut Box<Instance>);

/// Instances by index.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instances(BTreeMap<u32, Box<Instance>>);

fn each((index, instance): Boxed<'_>) -> Each<'_> {
    (index, instance)
}

fn each_mut((index, instance): BoxedMut<'_>) -> EachMut<'_> {
    (index, instance)
}

impl Instances {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The indexes, in order.
    pub fn keys(&self) -> btree_map::Keys<'_, u32, Box<Instance>> {
        self.0.keys()
    }

    /// All of them, in the order of their indexes.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Instance> + ExactSizeIterator + Clone {
        self.0.values().map(|instance| &**instance)
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Instance> + ExactSizeIterator {
        self.0.values_mut().map(|instance| &mut **instance)
    }

    /// All of them with their indexes, in order.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// All of them with their indexes, to be changed.
    pub fn iter_mut(&mut self) -> <&mut Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Those with these indexes.
    pub fn range(&self, range: impl RangeBounds<u32>) -> impl DoubleEndedIterator<Item = Each<'_>> + Clone {
        self.0.range(range).map(each)
    }

    /// Those with these indexes, to be changed.
    pub fn range_mut(
        &mut self,
        range: impl RangeBounds<u32>,
    ) -> impl DoubleEndedIterator<Item = EachMut<'_>> {
        self.0.range_mut(range).map(each_mut)
    }

    /// One of them.
    pub fn get(&self, index: &u32) -> Option<&Instance> {
        self.0.get(index).map(|instance| &**instance)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, index: &u32) -> Option<&mut Instance> {
        self.0.get_mut(index).map(|instance| &mut **instance)
    }

    /// Whether there is one.
    pub fn contains_key(&self, index: &u32) -> bool {
        self.0.contains_key(index)
    }

    /// The place of one, taken or not.
    pub fn entry(&mut self, index: u32) -> btree_map::Entry<'_, u32, Box<Instance>> {
        self.0.entry(index)
    }

    /// Puts one in its place, and gives the former one.
    pub fn insert(&mut self, index: u32, instance: Instance) -> Option<Instance> {
        self.0.insert(index, Box::new(instance)).map(|former| *former)
    }

    /// Takes one away.
    pub fn remove(&mut self, index: &u32) -> Option<Instance> {
        self.0.remove(index).map(|former| *former)
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps those of which this is so.
    pub fn retain(&mut self, mut keep: impl FnMut(&u32, &mut Instance) -> bool) {
        self.0.retain(|index, instance| keep(index, instance));
    }

    /// Takes all out of another one.
    pub fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }
}

impl<'a> IntoIterator for &'a Instances {
    type Item = Each<'a>;
    type IntoIter = std::iter::Map<btree_map::Iter<'a, u32, Box<Instance>>, fn(Boxed<'a>) -> Each<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(each)
    }
}

impl<'a> IntoIterator for &'a mut Instances {
    type Item = EachMut<'a>;
    type IntoIter =
        std::iter::Map<btree_map::IterMut<'a, u32, Box<Instance>>, fn(BoxedMut<'a>) -> EachMut<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut().map(each_mut)
    }
}

impl FromIterator<(u32, Instance)> for Instances {
    fn from_iter<I: IntoIterator<Item = (u32, Instance)>>(instances: I) -> Self {
        Self(instances.into_iter().map(|(index, instance)| (index, Box::new(instance))).collect())
    }
}
