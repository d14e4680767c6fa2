//! What a look at all places found.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};
use crate::engine::accept::{FileSeen, SourcesSeen};
use crate::host::spec_dir::Ignored;
use crate::plan::sources::SourceFinding;
use crate::spec::matcher::MatcherDocument;
use crate::spec::policies::PolicyDocument;
use crate::spec::{Names, PluginDocument, Service, ServiceName};
use crate::units::BootTime;

/// One look at all places.
#[derive(Clone, Debug, Default)]
pub struct SourcesLook {
    /// For acceptance.
    pub seen: SourcesSeen,
    /// All mistakes of all files, in order, and what could not be used or looked at.
    pub diagnostics: Vec<Diagnostic>,
    /// Places that could not be looked at, with the reason.
    pub unavailable: Vec<String>,
    /// The texts of the files, by the place that their documents have as their origin. A watch has none.
    pub texts: Arc<BTreeMap<String, Arc<Source>>>,
    /// What was found out about each place, by its absolute name.
    pub findings: Vec<(String, SourceFinding)>,
    /// Files that are there and can't be read, by their names as given, with the reasons.
    pub(super) unusable: BTreeMap<String, String>,
    /// Only files that somebody named were looked at; the others are as at the look before.
    pub named: bool,
    /// Something of our own that went wrong.
    pub trouble: Option<String>,
    /// Names that were passed over.
    pub ignored: Vec<Ignored>,
    /// Something is to be confirmed by another look at this time.
    pub again: Option<BootTime>,
    /// Changes of some place are to be looked for: its file system doesn't tell of them.
    pub remote: bool,
    /// The Matcher documents of all good files.
    pub matchers: Vec<MatcherDocument>,
    /// The Policy documents of all good files that are for this host.
    pub policies: Vec<PolicyDocument>,
    /// Policies that are for other hosts, and why.
    pub policies_elsewhere: BTreeMap<ServiceName, String>,
    /// The Plugin documents of all files.
    pub plugins: Vec<PluginDocument>,
    /// What all these give to expressions.
    pub names: Names,
    /// What all this rests on: the same text means that nothing changed.
    pub digest: String,
}

impl SourcesLook {
    /// The valid documents of all files, a name that stands twice included.
    pub fn services(&self) -> Vec<&Service> {
        let good = self.seen.files.values().filter_map(FileSeen::good);
        good.flat_map(|file| file.services.iter()).map(Arc::as_ref).collect()
    }

    /// Everything could be read as it is at this moment, and nothing is to be said of it.
    pub fn is_clean(&self) -> bool {
        self.seen.complete && self.diagnostics.is_empty() && self.again.is_none() && self.trouble.is_none()
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.seen.files.len()
    }
}
