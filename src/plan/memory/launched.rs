//! What a process was launched with, packed: there is one for each process on record, and as a map of texts it was a tenth of all
//! that the engine holds.
//!
//! ```text
//! args ["-v"]    of a known name: its place among them, the length, the value
//! chroot         as usual: only its place, and that it is so
//! watchFiles /x  any other name: that it is one, the lengths, both texts
//! ```

use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::plan::launch::usual;

/// The resolved restart-class fields of a start, by field name, as text: compared field by field. A field that
/// isn't in an older record is not a difference.
///
/// In the order of their names; made once and read often, so that a change makes it anew.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Launched(
    // INVARIANT: made by `Fields`, so that the same fields are the same bytes.
    Box<[u8]>,
);

/// What nearly every process is launched with, in the order of the names.
static USUAL: LazyLock<Vec<Field>> = LazyLock::new(usual);

/// A name and a value.
type Field = (&'static str, &'static str);

/// Before the name of a field that isn't among the usual ones. Below are these: twice its place for one with the usual value, and one more with
/// another.
const OTHER_NAME: u8 = u8::MAX;

/// A length takes so many bits of each byte; the highest says that there are more.
const BITS: u32 = 7;
const MORE: u8 = 1 << BITS;

/// Whether two values are the same. Most are empty, and lie nowhere: the C library compares them by loads that are masked out, which some
/// processors take forty times as long for where the address is none.
pub(in crate::plan) fn are_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// What is left to be read of fields.
#[derive(Clone)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn text(&mut self) -> Option<&'a str> {
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & !MORE).checked_shl(shift)?;
            shift += BITS;
            if byte & MORE == 0 {
                break;
            }
        }
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let code = self.byte()?;
        if code == OTHER_NAME {
            return Some((self.text()?, self.text()?));
        }
        let (name, usual) = USUAL.get(usize::from(code / 2))?;
        Some((name, if code & 1 == 0 { usual } else { self.text()? }))
    }
}

impl Launched {
    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        Reader(&self.0)
    }

    /// The value of a field, if it is known.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
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
    bytes: Vec<u8>,
    /// The usual ones that come next.
    usual: &'static [Field],
    /// How many of them were passed.
    passed: u8,
}

impl Fields {
    /// None yet, with room for those of most documents.
    pub(in crate::plan) fn new() -> Self {
        Self { bytes: Vec::with_capacity(512), usual: &USUAL, passed: 0 }
    }

    /// Each with its name and its value, whatever is usual: to say what that is.
    pub(in crate::plan) fn in_full() -> Self {
        Self { bytes: Vec::new(), usual: &[], passed: 0 }
    }

    /// A field with this value.
    pub(in crate::plan) fn add(&mut self, name: &str, value: &str) {
        let usual = self.begin(name);
        self.end(usual, value.as_bytes());
    }

    /// A field with this value as JSON. `as_usual`: it is the one of a document that says nothing, which needs no writing to be known.
    pub(in crate::plan) fn add_json(&mut self, name: &str, value: &impl Serialize, as_usual: bool) {
        let usual = self.begin(name);
        if let (true, Some(usual)) = (as_usual, usual) {
            debug_assert_eq!(serde_json::to_string(value).ok().as_deref(), Some(usual), "{name}");
            return;
        }
        // Nothing fails that writes plain values into memory.
        let value = serde_json::to_vec(value).unwrap_or_default();
        self.end(usual, &value);
    }

    /// Writes which field it is, and gives the value that it usually has.
    fn begin(&mut self, name: &str) -> Option<&'static str> {
        while let [(next, usual), rest @ ..] = self.usual
            && **next <= *name
        {
            let code = self.passed * 2;
            (self.usual, self.passed) = (rest, self.passed + 1);
            if **next == *name {
                self.bytes.push(code);
                return Some(usual);
            }
        }
        self.bytes.push(OTHER_NAME);
        self.write(name.as_bytes());
        None
    }

    fn end(&mut self, usual: Option<&'static str>, value: &[u8]) {
        match (usual, self.bytes.last_mut()) {
            (Some(usual), _) if are_same(usual.as_bytes(), value) => {}
            (Some(_), Some(code)) => {
                *code += 1;
                self.write(value);
            }
            (Some(_), None) | (None, _) => self.write(value),
        }
    }

    fn write(&mut self, text: &[u8]) {
        let mut length = text.len();
        while length >= usize::from(MORE) {
            self.bytes.push(length.to_le_bytes()[0] | MORE);
            length >>= BITS;
        }
        self.bytes.push(length.to_le_bytes()[0]);
        self.bytes.extend_from_slice(text);
    }
}

impl From<Fields> for Launched {
    fn from(fields: Fields) -> Self {
        let launched = Self(fields.bytes.into());
        debug_assert!(launched.iter().is_sorted_by(|(one, _), (next, _)| one < next), "{launched:?}");
        launched
    }
}

/// No name stands twice in what it is made of.
impl<'a> FromIterator<(&'a str, &'a str)> for Launched {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        let mut sorted: Vec<(&str, &str)> = fields.into_iter().collect();
        sorted.sort_unstable();
        let mut fields = Fields::new();
        for (name, value) in sorted {
            fields.add(name, value);
        }
        fields.into()
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
        let mut entries: Vec<(String, String)> = Vec::with_capacity(USUAL.len());
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            // Not as it is written: of what stands there twice the last one counts.
            entries = std::collections::BTreeMap::from_iter(entries).into_iter().collect();
        }
        let mut fields = Fields::new();
        for (name, value) in &entries {
            fields.add(name, value);
        }
        Ok(fields.into())
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
        fields.add_json("args", &["-v", "é"], false);
        fields.add("group", "");
        fields.add("user", "ann");
        let expected = [("args", "[\"-v\",\"é\"]"), ("group", ""), ("user", "ann")];
        assert_eq!(Launched::from(fields), expected.into_iter().collect());
    }

    #[test]
    fn what_is_usual_takes_a_byte_for_each_field() {
        assert!(USUAL.len() < usize::from(OTHER_NAME / 2));
        assert!(USUAL.is_sorted_by(|(one, _), (next, _)| one < next));
        let usual = || USUAL.iter().copied();
        let mut launched: Launched = usual().collect();
        assert_eq!(launched.0.len(), USUAL.len());
        launched.insert("umask", "0027");
        assert_eq!((launched.get("umask"), launched.get("type")), (Some("0027"), Some("simple")));
        assert!(launched.iter().map(|(name, _)| name).eq(usual().map(|(name, _)| name)));
        launched.insert("umask", "0022");
        assert_eq!(launched, usual().collect());
    }

    #[test]
    fn what_is_read_is_in_order_however_it_is_written() {
        let read = |text| serde_json::from_str::<Launched>(text).unwrap();
        let expected: Launched = [("a", "3"), ("umask", "0022")].into_iter().collect();
        for text in [r#"{"a":"3","umask":"0022"}"#, r#"{"umask":"0022","a":"1","a":"3"}"#] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn it_is_a_map_of_texts(
            one in prop::collection::btree_map("[a-c]{0,2}|é|umask|user", ".{0,4}|0022|x{100,300}", 0..6),
            other in prop::collection::btree_map("[a-c]{0,2}|é|type|umask", ".{0,4}|0022|simple", 0..6),
            name in "[a-c]{0,2}|umask",
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
