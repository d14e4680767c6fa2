//! A set as a file: all of its documents, or what is other than in a set before it that has all.
//!
//! ```text
//! 00000041.json  format 1, whole                       a b c d ...
//! 00000042.json  format 2, base 41, differences        b'
//! 00000043.json  format 2, base 41, differences        b'   d'      without c
//! ```
//!
//! Differences are always to a whole set, never to other differences, so that two files tell a set: a file that is lost takes away
//! its own set, and those that name it. A reader that knows format 1 alone passes over the others, as it does with all that is later.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::pack::Digest;
use super::{Accepted, KeptObject, KeptSet, SET_BYTES_MAX, set_path};
use crate::host::atomic;
use crate::host::state_dir::Dirs;
use crate::sharing::SharedMap;
use crate::spec::{Origin, ServiceName};
use crate::units::WallTime;

const WHOLE: u64 = 1;
/// Larger numbers are passed over.
const DIFFERENCES: u64 = 2;

/// A set to be written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written<'a> {
    format: u64,
    number: u64,
    at: WallTime,
    by: &'a str,
    why: &'a str,
    /// The whole set that everything else is as in.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<u64>,
    objects: BTreeMap<&'a ServiceName, WrittenObject<'a>>,
    /// Objects of the base that this set hasn't.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<&'a ServiceName>,
}

#[derive(Serialize)]
pub(super) struct WrittenObject<'a> {
    pub(super) digest: Digest,
    pub(super) origin: &'a Origin,
}

impl<'a> Written<'a> {
    /// A set with these documents.
    pub(super) fn whole(
        number: u64,
        accepted: &'a Accepted,
        objects: BTreeMap<&'a ServiceName, WrittenObject<'a>>,
    ) -> Self {
        let Accepted { at, by, why, .. } = accepted;
        Self { format: WHOLE, number, at: *at, by, why, base: None, objects, gone: BTreeSet::new() }
    }

    /// The same, told by what differs from the set of this number.
    pub(super) fn over(self, base: u64, gone: BTreeSet<&'a ServiceName>) -> Self {
        Self { format: DIFFERENCES, base: Some(base), gone, ..self }
    }
}

/// A set as it was read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    format: u64,
    number: u64,
    at: WallTime,
    by: String,
    why: String,
    #[serde(default)]
    base: Option<u64>,
    objects: SharedMap<ServiceName, KeptObject>,
    #[serde(default)]
    gone: BTreeSet<ServiceName>,
}

impl Stored {
    /// With these documents for its own.
    fn having(self, objects: SharedMap<ServiceName, KeptObject>) -> KeptSet {
        let Self { number, at, by, why, base, .. } = self;
        KeptSet { number, at, by, why, objects, base }
    }

    fn whole(mut self) -> KeptSet {
        let objects = std::mem::take(&mut self.objects);
        self.having(objects)
    }

    /// With the documents of its base where it says nothing else.
    fn over(self, base: &KeptSet) -> KeptSet {
        let mut objects = base.objects.clone();
        for name in &self.gone {
            objects.remove(name);
        }
        objects.extend(self.objects.iter().map(|(name, object)| (name.clone(), object.clone())));
        self.having(objects)
    }
}

/// Reads sets, those that others differ from once.
pub(super) struct Reader<'a> {
    dirs: &'a Dirs,
    whole: BTreeMap<u64, KeptSet>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(dirs: &'a Dirs) -> Self {
        Self { dirs, whole: BTreeMap::new() }
    }

    /// The set of this number. Nothing, if it or the set that it differs from can't be read.
    pub(super) fn set(&mut self, number: u64) -> Option<KeptSet> {
        if let Some(known) = self.whole.get(&number) {
            return Some(known.clone());
        }
        let stored = self.stored(number)?;
        match stored.base {
            None => Some(self.keep(stored)),
            Some(base) => Some(stored.over(&self.base(base)?)),
        }
    }

    /// A set that others differ from: it has all of its documents itself.
    fn base(&mut self, number: u64) -> Option<KeptSet> {
        if let Some(known) = self.whole.get(&number) {
            return Some(known.clone());
        }
        let stored = self.stored(number).filter(|stored| stored.base.is_none())?;
        Some(self.keep(stored))
    }

    fn keep(&mut self, stored: Stored) -> KeptSet {
        let set = stored.whole();
        self.whole.insert(set.number, set.clone());
        set
    }

    fn stored(&self, number: u64) -> Option<Stored> {
        let own = rustix::process::geteuid().as_raw();
        let bytes = atomic::read(&set_path(self.dirs, number), &[0, own], SET_BYTES_MAX).ok()?;
        let stored: Stored = serde_json::from_slice(&bytes).ok()?;
        (stored.format <= DIFFERENCES && stored.number == number).then_some(stored)
    }
}
