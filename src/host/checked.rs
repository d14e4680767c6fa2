//! Conditions that were compiled when their documents were checked, for whoever looks by them.
//!
//! A document is checked by compiling its conditions, and looked for by the same. What was compiled is kept until it is
//! taken, so that nothing is compiled twice. Only what means the same wherever it is compiled: conditions without
//! definitions and plugins.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use crate::lang::Predicate;
use crate::spec::Shape;

/// So many are kept: more are compiled again.
const KEPT_MAX: usize = 4096;
/// Of so many it is kept that they compile; then that begins anew.
const KNOWN_MAX: usize = 16 << 10;

/// Compiled conditions by their text and the shape of their variables.
#[derive(Debug, Default)]
pub struct Checked {
    kept: RefCell<BTreeMap<String, Predicate>>,
    /// Hashes of the keys of those that aren't kept: there were too many, or nobody asked for a while. One piece of memory: they are noted
    /// between what loading needed for a moment, and pieces of them would each hold a page of that.
    others: RefCell<HashSet<u64>>,
    hashing: RandomState,
}

impl Checked {
    /// A condition of a document of this shape compiles.
    pub fn put(&self, text: &str, shape: Shape, predicate: Predicate) {
        let (key, mut kept) = (key(text, Some(shape)), self.kept.borrow_mut());
        if kept.len() < KEPT_MAX {
            kept.insert(key, predicate);
        } else {
            self.others.borrow_mut().insert(self.hashing.hash_one(key));
        }
    }

    /// What was compiled of a condition in a document of this shape. It is had once: who asks keeps it.
    pub fn compiled(&self, text: &str, shape: Shape) -> Option<Predicate> {
        self.take(&key(text, Some(shape)))
    }

    /// Whether something was compiled under this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.kept.borrow().contains_key(key) || self.others.borrow().contains(&self.hashing.hash_one(key))
    }

    /// What was compiled under this key. It is had once: who asks keeps it.
    pub(super) fn take(&self, key: &str) -> Option<Predicate> {
        self.kept.borrow_mut().remove(key)
    }

    /// Nobody is going to ask soon: what was compiled goes, that it compiles stays known. Says of how many that is known.
    pub(super) fn clear(&self) -> usize {
        let mut others = self.others.borrow_mut();
        others.extend(self.kept.take().keys().map(|key| self.hashing.hash_one(key)));
        if others.len() > KNOWN_MAX {
            others.clear();
        }
        others.len()
    }
}

/// What a condition without definitions and plugins is known by: its text, and the names and types of its variables. `None`: it
/// has none.
pub(super) fn key(text: &str, shape: Option<Shape>) -> String {
    let mut key = String::with_capacity(text.len() + 2);
    key.push_str(text);
    key.push('\0');
    key.extend(shape.map(Shape::letter));
    key
}
