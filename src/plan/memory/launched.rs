//! What a process was launched with, packed: there is one for each process on record, and as a map of texts it was a tenth of all
//! that the engine holds.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The resolved restart-class fields of a start, by field name, as text: compared field by field. A field that
/// isn't in an older record is not a difference.
///
/// In the order of their names; made once and read often, so that a change makes it anew.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Launched {
    /// All names and values: name, value, name, value ...
    text: Box<str>,
    /// Where each of these ends.
    ends: Box<[u32]>,
}

impl Launched {
    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let pairs = self.ends.chunks_exact(2);
        let starts = std::iter::once(0).chain(pairs.clone().filter_map(|pair| pair.last().copied()));
        pairs.zip(starts).filter_map(|(pair, start)| {
            let [name, value] = pair else { return None };
            Some((self.part(start, *name)?, self.part(*name, *value)?))
        })
    }

    fn part(&self, start: u32, end: u32) -> Option<&str> {
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// The value of a field, if it is known.
    pub fn get(&self, field: &str) -> Option<&str> {
        let (mut from, mut to) = (0, self.ends.len() / 2);
        while from < to {
            let middle = usize::midpoint(from, to);
            let (name, value) = self.pair(middle)?;
            match name.cmp(field) {
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
                Ordering::Equal => return Some(value),
            }
        }
        None
    }

    fn pair(&self, at: usize) -> Option<(&str, &str)> {
        let name = *self.ends.get(2 * at)?;
        let start = (2 * at).checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Some((self.part(start, name)?, self.part(name, *self.ends.get(2 * at + 1)?)?))
    }

    /// Gives a field another value, or its first one.
    pub fn insert(&mut self, field: &str, value: &str) {
        *self = self.iter().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
    }

    /// Takes a field away.
    pub fn remove(&mut self, field: &str) {
        *self = self.iter().filter(|(name, _)| *name != field).collect();
    }

    /// These, and over them the other ones.
    #[must_use]
    pub fn with(&self, over: &Self) -> Self {
        self.iter().filter(|(name, _)| over.get(name).is_none()).chain(over.iter()).collect()
    }
}

/// Fields as they are written, in the order of their names: straight to where they stay. What runs is compared with its document in
/// each tick, and a text of its own for each value was half of what that took.
#[derive(Debug)]
pub(in crate::plan) struct Fields {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Fields {
    /// None yet, with room for those of most documents.
    pub(in crate::plan) fn new() -> Self {
        Self { text: Vec::with_capacity(512), ends: Vec::with_capacity(40) }
    }

    /// A field with this value.
    pub(in crate::plan) fn add(&mut self, name: &str, value: &str) {
        self.write(name);
        self.write(value);
    }

    /// A field with this value as JSON.
    pub(in crate::plan) fn add_json(&mut self, name: &str, value: &impl Serialize) {
        self.write(name);
        // Nothing fails that writes plain values into memory.
        let _ = serde_json::to_writer(&mut self.text, value);
        self.end();
    }

    fn write(&mut self, part: &str) {
        self.text.extend_from_slice(part.as_bytes());
        self.end();
    }

    fn end(&mut self) {
        // Documents are bounded far below this.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }
}

impl From<Fields> for Launched {
    fn from(fields: Fields) -> Self {
        let text = String::from_utf8(fields.text).unwrap_or_default();
        let launched = Self { text: text.into(), ends: fields.ends.into() };
        debug_assert!(launched.iter().is_sorted_by(|(one, _), (next, _)| one < next), "{launched:?}");
        launched
    }
}

/// No name stands twice in what it is made of.
impl<'a> FromIterator<(&'a str, &'a str)> for Launched {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        let mut fields: Vec<(&str, &str)> = fields.into_iter().collect();
        fields.sort_unstable();
        let mut text =
            String::with_capacity(fields.iter().map(|(name, value)| name.len() + value.len()).sum());
        let mut ends = Vec::with_capacity(fields.len() * 2);
        for part in fields.into_iter().flat_map(|(name, value)| [name, value]) {
            text.push_str(part);
            // Documents are bounded far below this.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), ends: ends.into() }
    }
}

impl fmt::Debug for Launched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Launched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Launched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyFields)
    }
}

struct AnyFields;

impl<'de> Visitor<'de> for AnyFields {
    type Value = Launched;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields and their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Launched, A::Error> {
        let mut fields = std::collections::BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            fields.insert(name, value);
        }
        Ok(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn packed(fields: &BTreeMap<String, String>) -> Launched {
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn what_is_written_field_by_field_is_the_same() {
        let mut fields = Fields::new();
        fields.add_json("args", &["-v", "é"]);
        fields.add("group", "");
        fields.add("user", "ann");
        let expected = [("args", "[\"-v\",\"é\"]"), ("group", ""), ("user", "ann")];
        assert_eq!(Launched::from(fields), expected.into_iter().collect());
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn it_is_a_map_of_texts(
            one in prop::collection::btree_map("[a-c]{0,2}|é", ".{0,4}", 0..6),
            other in prop::collection::btree_map("[a-c]{0,2}|é", ".{0,4}", 0..6),
            name in "[a-c]{0,2}",
        ) {
            let (mut map, mut fields) = (one.clone(), packed(&one));
            prop_assert!(fields.iter().eq(map.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
            let written = serde_json::to_string(&fields).unwrap();
            prop_assert_eq!(&written, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Launched>(&written).unwrap(), fields.clone());
            prop_assert_eq!(fields.get(&name), map.get(&name).map(String::as_str));
            fields.insert(&name, "new");
            map.insert(name.clone(), "new".into());
            prop_assert_eq!(&fields, &packed(&map));
            map.extend(other.clone());
            fields = fields.with(&packed(&other));
            prop_assert_eq!(&fields, &packed(&map));
            fields.remove(&name);
            map.remove(&name);
            prop_assert_eq!(&fields, &packed(&map));
        }
    }
}
