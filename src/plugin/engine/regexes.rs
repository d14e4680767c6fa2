//! Regular expressions that a plugin uses. There are few, and they stay: compiling one is the only thing that a plugin can
//! have done which takes long and has no fuel, so that their number is limited over the whole life of a plugin.
//!
//! They run on the bounded backtracker, which looks at each place with each state of the pattern at most once. That product
//! is known before, so that a search has a price; what other engines take can't be told from a pattern and a text (64 KiB
//! took half a second).

use regex_automata::nfa::thompson::backtrack::{BoundedBacktracker, Cache};
use regex_automata::nfa::thompson::{self};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

use crate::plugin::limits::{PATTERN_MAX, PATTERN_SIZE_MAX, PATTERNS_MAX};

/// The compiled ones; `None` for what can't be compiled.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Regexes(Vec<(Box<[u8]>, Option<Compiled>)>);

/// A pattern and what a search with it needs.
#[derive(Debug)]
pub(super) struct Compiled {
    regex: BoundedBacktracker,
    cache: Cache,
    groups: Captures,
}

impl Regexes {
    /// The number of a pattern. `None`: there are too many.
    pub(super) fn number(&mut self, pattern: &[u8]) -> Option<usize> {
        if let Some(known) = self.0.iter().position(|(text, _)| **text == *pattern) {
            return Some(known);
        }
        if self.0.len() >= PATTERNS_MAX {
            return None;
        }
        self.0.push((pattern.into(), Compiled::new(pattern)));
        Some(self.0.len() - 1)
    }

    /// A compiled one by number.
    pub(super) fn get(&mut self, number: usize) -> Option<&mut Compiled> {
        self.0.get_mut(number)?.1.as_mut()
    }
}

impl Compiled {
    fn new(pattern: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(pattern).ok().filter(|text| text.len() <= PATTERN_MAX)?;
        let size = thompson::Config::new().utf8(false).nfa_size_limit(Some(PATTERN_SIZE_MAX));
        let built = BoundedBacktracker::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(size)
            .build(text);
        let regex = built.ok()?;
        let (cache, groups) = (regex.create_cache(), regex.create_captures());
        Some(Self { regex, cache, groups })
    }

    /// Fuel of a search in so many bytes.
    pub(super) fn price(&self, length: usize) -> usize {
        self.regex.get_nfa().states().len().saturating_mul(length.saturating_add(1)).saturating_mul(2)
    }

    /// Searches. `None`: the text is too long for the pattern; else the groups, none if there is no match.
    pub(super) fn search(&mut self, text: &[u8]) -> Option<&Captures> {
        self.regex.try_captures(&mut self.cache, text, &mut self.groups).ok()?;
        Some(&self.groups)
    }
}
