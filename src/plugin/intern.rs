//! Texts that last as long as the process: the names of types and the words of enumerations, which the language passes
//! around as such. They are kept once each and never given back, so that a plugin that is loaded again adds nothing; and
//! they are bounded, so that no number of plugins, one after the other, fills the memory.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::limits::{KEPT_TEXTS_BYTES_MAX, KEPT_TEXTS_MAX};

static POOL: Mutex<Pool> = Mutex::new(Pool { texts: BTreeSet::new(), bytes: 0 });

struct Pool {
    texts: BTreeSet<&'static str>,
    bytes: usize,
}

impl Pool {
    /// All of these, or none where there is no room for those that are new.
    fn keep(&mut self, texts: &[&str]) -> Option<Vec<&'static str>> {
        let new: BTreeSet<&str> =
            texts.iter().copied().filter(|text| !self.texts.contains::<str>(text)).collect();
        let bytes = new.iter().map(|text| text.len()).fold(self.bytes, usize::saturating_add);
        if self.texts.len().saturating_add(new.len()) > KEPT_TEXTS_MAX || bytes > KEPT_TEXTS_BYTES_MAX {
            return None;
        }
        self.bytes = bytes;
        self.texts.extend(new.into_iter().map(|text| &*Box::leak(Box::<str>::from(text))));
        texts.iter().map(|text| self.texts.get::<str>(text).copied()).collect()
    }
}

/// The same texts, for as long as the process lives. `None` if that would be more than a process keeps; nothing is kept
/// then that wasn't.
pub(super) fn intern(texts: &[&str]) -> Option<Vec<&'static str>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).keep(texts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_text_is_kept_once_and_all_of_them_or_none() {
        let mut pool = Pool { texts: BTreeSet::new(), bytes: 0 };
        let first = pool.keep(&["a", "bb", "a"]).unwrap();
        assert_eq!((first.as_slice(), pool.bytes), (&["a", "bb", "a"][..], 3));
        let again = pool.keep(&["bb"]).unwrap();
        assert!(std::ptr::eq(*first.get(1).unwrap(), *again.first().unwrap()));
        let many: Vec<String> = (0..KEPT_TEXTS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(pool.keep(&many), None);
        assert_eq!((pool.texts.len(), pool.bytes), (2, 3), "nothing of what was refused is kept");
        assert_eq!(pool.keep(&[&"x".repeat(KEPT_TEXTS_BYTES_MAX)]), None);
        assert!(pool.keep(many.get(..KEPT_TEXTS_MAX - 2).unwrap()).is_some());
        assert_eq!(pool.keep(&["new"]), None);
        assert!(pool.keep(&["a", "0"]).is_some(), "what is there is there");
    }
}
