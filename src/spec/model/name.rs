//! Names of objects.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Bytes of the longest name.
const NAME_MAX: usize = 63;

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes: safe as a file name, unique among Services.
/// Cheap to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "Arc<str>")]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// Checks a name.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is allowed.
    pub fn new(text: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let fits = !bytes.is_empty()
            && bytes.len() <= NAME_MAX
            && bytes.iter().all(|b| inner(*b) || *b == b'-')
            && bytes.first().copied().is_some_and(inner)
            && bytes.last().copied().is_some_and(inner);
        if fits {
            Ok(Self(text.into()))
        } else {
            Err("a name has 1 to 63 lower-case letters, digits and inner hyphens".into())
        }
    }

    /// How one of its instances is called: `shop` where there is a single one, `shop[0]` where there are several.
    pub fn instance(&self, index: u32, replicas: u32) -> String {
        if replicas > 1 || index > 0 { format!("{self}[{index}]") } else { self.to_string() }
    }

    /// The name nearest to a text, with room for a number behind it: what can't stand in a name becomes a hyphen.
    pub fn near(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars().map(|c| c.to_ascii_lowercase()) {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                name.push(c);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
            if name.len() >= 58 {
                break;
            }
        }
        let name = name.trim_end_matches('-');
        Self(if name.is_empty() { "service" } else { name }.into())
    }

    /// The same with a number behind it, for which the end of a long one gives way.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let number = format!("-{number}");
        let room = NAME_MAX.saturating_sub(number.len()).min(self.0.len());
        let stem = self.0.get(..room).unwrap_or_default().trim_end_matches('-');
        Self(format!("{stem}{number}").into())
    }

    /// The same, in memory of its own: a clone shares it.
    pub(super) fn copied(&self) -> Self {
        Self(Arc::from(self.as_str()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ServiceName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<ServiceName> for Arc<str> {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_room_behind_every_name() {
        let long = ServiceName::near(&"a".repeat(80));
        for (name, number, numbered) in [
            ("web", 2, "web-2".to_owned()),
            ("%%", 3, "service-3".to_owned()),
            ("a.b.", 10, "a-b-10".to_owned()),
            (long.as_str(), 2, format!("{}-2", "a".repeat(58))),
            (long.as_str(), 123_456, format!("{}-123456", "a".repeat(56))),
        ] {
            let name = ServiceName::near(name).numbered(number);
            assert_eq!(name.as_str(), numbered);
            assert_eq!(ServiceName::new(name.as_str()), Ok(name));
        }
        // Where the cut is, no hyphen stays.
        let cut = ServiceName::near(&format!("{}-b", "a".repeat(55))).numbered(1_234_567);
        assert_eq!(cut.as_str(), format!("{}-1234567", "a".repeat(55)));
    }
}
