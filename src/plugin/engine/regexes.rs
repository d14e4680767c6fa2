//! Regular expressions that a plugin uses. There are few, and they stay: compiling one is the only thing that a plugin can
//! have done which takes long and has no fuel, so that their number is limited over the whole life of a plugin.

use regex::bytes::{Regex, RegexBuilder};

use crate::plugin::limits::{PATTERN_MAX, PATTERN_SIZE_MAX, PATTERNS_MAX};

/// The compiled ones; `None` for what can't be compiled.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Regexes(Vec<(Box<[u8]>, Option<Regex>)>);

impl Regexes {
    /// The number of a pattern. `None`: there are too many.
    pub(super) fn number(&mut self, pattern: &[u8]) -> Option<usize> {
        if let Some(known) = self.0.iter().position(|(text, _)| **text == *pattern) {
            return Some(known);
        }
        if self.0.len() >= PATTERNS_MAX {
            return None;
        }
        let regex = std::str::from_utf8(pattern)
            .ok()
            .filter(|text| text.len() <= PATTERN_MAX)
            .and_then(|text| RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build().ok());
        self.0.push((pattern.into(), regex));
        Some(self.0.len() - 1)
    }

    /// A compiled one by number.
    pub(super) fn get(&self, number: usize) -> Option<&Regex> {
        self.0.get(number)?.1.as_ref()
    }
}
