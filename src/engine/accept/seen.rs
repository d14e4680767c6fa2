//! One look at all sources, as acceptance wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::spec::policy::Policy;
use crate::spec::{Service, ServiceName};

/// What one look at all sources gave.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SourcesSeen {
    /// Every source was listed completely. If not, nothing follows from not finding.
    pub complete: bool,
    /// By path.
    pub files: Arc<BTreeMap<Arc<str>, FileSeen>>,
    /// Which look of its sources this is.
    pub number: u64,
    /// The files that may be other than in the look before, by path. `None`: all of them.
    pub changed: Option<BTreeSet<String>>,
    /// Only objects that came from under one of these may be called gone.
    pub prunable: Vec<String>,
    /// Which directory (device, inode) each place was; another one under the same name is another source.
    pub identities: BTreeMap<String, String>,
    /// Files that somebody has open for writing; of interest for [`super::Acceptance::shrunk`] files only.
    pub being_written: BTreeSet<String>,
    /// Places that could not be looked at, with the reason.
    pub unavailable: BTreeMap<String, String>,
    /// Plugins that stay in use although their documents can't be used, with the reason.
    pub held_plugins: BTreeMap<String, String>,
    /// Matcher documents that are in use as they last were, since their file can't be used, with the reason.
    pub stale_matchers: BTreeMap<String, String>,
    /// The same of Defaults.
    pub stale_defaults: BTreeMap<String, String>,
    /// The Defaults that are there and can be used, by name.
    pub defaults: BTreeSet<String>,
    /// Objects that are for other hosts, and why. Their documents are there and say so.
    pub elsewhere: BTreeMap<ServiceName, String>,
}

/// What one file gave.
#[derive(Clone, PartialEq, Debug)]
pub enum FileSeen {
    /// Read and valid as a whole.
    Good(GoodFile),
    /// Not to be used: syntax, validation, trust, or not readable.
    Broken(BrokenFile),
}

/// A file that counts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct GoodFile {
    /// The digest of its content: the same one means that nobody has written to it.
    pub digest: Arc<str>,
    /// What it declares.
    pub services: Arc<[Arc<Service>]>,
    /// Its Policies.
    pub policies: Arc<[Arc<Policy>]>,
    /// No document at all stands in it, not even a definition.
    pub empty: bool,
}

/// A file that can't be used.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BrokenFile {
    /// The first reason.
    pub reason: String,
    /// What it declared when it was last good, as far as that was kept.
    pub last_good: Arc<[Arc<Service>]>,
    /// Its Policies then.
    pub last_good_policies: Arc<[Arc<Policy>]>,
}

impl FileSeen {
    /// The file, if it counts.
    pub fn good(&self) -> Option<&GoodFile> {
        match self {
            Self::Good(file) => Some(file),
            Self::Broken(_) => None,
        }
    }

    /// A file that can't be used, of which nothing was kept.
    pub fn broken(reason: String) -> Self {
        Self::Broken(BrokenFile { reason, ..BrokenFile::default() })
    }
}

impl SourcesSeen {
    /// The files that can't be used.
    pub(super) fn broken(&self) -> BTreeMap<&str, &BrokenFile> {
        let mut found = BTreeMap::new();
        for (path, file) in self.files.iter() {
            if let FileSeen::Broken(broken) = file {
                found.insert(&**path, broken);
            }
        }
        found
    }

    /// Why nothing is known of a file, if its place can't be looked at.
    pub(super) fn unavailable(&self, file: &str) -> Option<&String> {
        let mut places = self.unavailable.iter();
        places.find(|(place, _)| is_under(file, place)).map(|(_, reason)| reason)
    }

    /// The place that a file belongs to, if what is missing there may be called gone: the innermost.
    pub(super) fn place_of(&self, file: &str) -> Option<&String> {
        self.prunable.iter().filter(|place| is_under(file, place)).max_by_key(|place| place.len())
    }

    /// An object that is missing stays in force only if it comes from these sources; others are not our business.
    pub(super) fn may_speak_for(&self, service: &Service) -> bool {
        let file = &*service.origin.file;
        self.files.contains_key(file) || self.place_of(file).is_some()
    }
}

/// Component-wise: `/etc/a` covers `/etc/a/x`, not `/etc/ab`.
pub(in crate::engine) fn is_under(path: &str, place: &str) -> bool {
    // The same without looking at the parts of both, where that is enough.
    let below = path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (below && !place.is_empty()) || Path::new(path).starts_with(place)
}
