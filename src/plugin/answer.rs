//! What a call of a plugin says.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lang::value::Value;

/// The entries of a map.
pub type Entries = Arc<BTreeMap<Vec<u8>, Value>>;

/// A result of the declared type, or why there is none.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A value.
    Value(Value),
    /// Of a field that is a map.
    Map(Entries),
    /// Known not to exist.
    Absent,
    /// The plugin itself says that it can't know, and why.
    Unknown(String),
}

impl Answer {
    /// Bytes that it takes to keep it, about.
    pub(super) fn weight(&self) -> usize {
        const EACH: usize = 48;
        match self {
            Self::Value(value) => EACH + weight(value),
            Self::Map(entries) => {
                entries.iter().map(|(key, value)| 2 * EACH + key.len() + weight(value)).sum::<usize>() + EACH
            }
            Self::Absent => EACH,
            Self::Unknown(text) => EACH + text.len(),
        }
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::String(bytes) | Value::Path(bytes) => bytes.len(),
        Value::Object(_) => value.object::<super::own::Opaque>().map_or(0, |own| own.bytes.len()),
        Value::List(items) => items.iter().map(|item| 32 + weight(item)).sum(),
        _ => 0,
    }
}

/// A text of a plugin for a person: one line, no control characters, not long.
pub(super) fn line(text: &[u8], longest: usize) -> String {
    let text = String::from_utf8_lossy(text.get(..longest.min(text.len())).unwrap_or_default());
    text.chars().map(|c| if is_unfit(c) { ' ' } else { c }).collect()
}

/// Characters that a terminal or a reader could be led astray with: controls, and those that turn the direction of writing.
pub(super) fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
