//! Whether both readers understand a text in the same way, found out while the other one reads it: nothing that it says is kept,
//! which is most of what a second opinion would cost. What is not plain agreement is left to whoever compares the values
//! and says what is wrong.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::Deserializer;

use crate::yaml::{Node, NodeKind, Scalar, Style};

/// True only where each value is certainly the same. False is no knowledge.
pub(super) fn is_complete(text: &str, documents: &[Node]) -> bool {
    let mut ours = documents.iter();
    for document in Deserializer::from_str(text) {
        let same = ours.next().is_some_and(|node| document.deserialize_any(Same(node)).is_ok());
        if !same {
            return false;
        }
    }
    ours.next().is_none()
}

/// Is told what the other reader found where this value stands.
#[derive(Clone, Copy)]
struct Same<'a>(&'a Node);

/// Is told the key that the other reader found: a text, so that no two that we tell apart are one to it.
struct SameKey<'a>(&'a Scalar);

/// Nobody reads these words: who compares again finds its own.
fn other<E: Error>() -> E {
    E::custom("another value")
}

fn agreed<E: Error>(same: bool) -> Result<(), E> {
    if same { Ok(()) } else { Err(other()) }
}

impl Same<'_> {
    /// Numbers and booleans have no text of their own any more; only plain scalars become such.
    fn is_plain(self) -> bool {
        matches!(&self.0.kind, NodeKind::Scalar(scalar) if scalar.style == Style::Plain)
    }
}

impl<'de> DeserializeSeed<'de> for Same<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, theirs: D) -> Result<(), D::Error> {
        theirs.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Same<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        agreed(self.is_plain())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        agreed(self.is_plain())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        agreed(self.is_plain())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        agreed(self.is_plain())
    }

    fn visit_str<E: Error>(self, theirs: &str) -> Result<(), E> {
        agreed(matches!(&self.0.kind, NodeKind::Scalar(scalar) if scalar.text == theirs))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        agreed(matches!(self.0.kind, NodeKind::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut theirs: A) -> Result<(), A::Error> {
        let NodeKind::Sequence(nodes) = &self.0.kind else { return Err(other()) };
        for node in nodes {
            theirs.next_element_seed(Same(node))?.ok_or_else(other)?;
        }
        agreed(theirs.next_element::<IgnoredAny>()?.is_none())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut theirs: A) -> Result<(), A::Error> {
        let NodeKind::Mapping(pairs) = &self.0.kind else { return Err(other()) };
        for (key, node) in pairs {
            theirs.next_key_seed(SameKey(key))?.ok_or_else(other)?;
            theirs.next_value_seed(Same(node))?;
        }
        agreed(theirs.next_key::<IgnoredAny>()?.is_none())
    }
}

impl<'de> DeserializeSeed<'de> for SameKey<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, theirs: D) -> Result<(), D::Error> {
        theirs.deserialize_any(self)
    }
}

impl Visitor<'_> for SameKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same key")
    }

    fn visit_str<E: Error>(self, theirs: &str) -> Result<(), E> {
        agreed(theirs == self.0.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::{compare, disagreement};
    use super::*;
    use crate::diagnostic::Source;
    use crate::yaml::{Limits, parse};
    use serde::Deserialize as _;

    fn documents(text: &str) -> Vec<Node> {
        parse(&Source::new("a.yaml", text), &Limits::default()).documents
    }

    #[test]
    fn what_agrees_is_seen_at_once() {
        for text in [
            "a: 1\nb: [x, \"1\", yes, null, 0x10, 1.5]\nc: {d: ~, e: 'f'}\n",
            "a: |\n  x\n\n  y\nb: >-\n  z\n---\n- q\n-\n- {}\n",
            "a: \"\\u00e9\\n\"\n",
        ] {
            let ours = documents(text);
            assert!(!ours.is_empty() && is_complete(text, &ours), "{text}");
        }
    }

    #[test]
    fn values_that_differ_anywhere_are_never_taken_for_the_same() {
        let texts = [
            "a: x\n",
            "a: y\n",
            "b: x\n",
            "a: 'x'\n",
            "a: 1\n",
            "a: '1'\n",
            "a: true\n",
            "a: 'true'\n",
            "a:\n",
            "a: ''\n",
            "a: [x]\n",
            "a: [x, x]\n",
            "a: []\n",
            "a: {x: 1}\n",
            "a: {x: 1, y: 1}\n",
            "a: {}\n",
            "a: x\nb: x\n",
            "a: x\n---\na: x\n",
            "- a\n",
            "x\n",
            "",
        ];
        for text in texts {
            for other in texts {
                let ours = documents(other);
                let theirs: Vec<serde_yaml::Value> = Deserializer::from_str(text)
                    .map(|each| serde_yaml::Value::deserialize(each).unwrap())
                    .collect();
                let same = theirs.len() == ours.len()
                    && ours.iter().zip(&theirs).all(|(node, value)| compare(node, value).is_none());
                assert_eq!(is_complete(text, &ours), same, "{text:?} beside {other:?}");
                assert!(!same || disagreement(text, &ours).is_none());
            }
        }
    }
}
