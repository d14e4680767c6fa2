//! All of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ServiceName, Services, policy};

/// All valid documents in force, and what is known of the others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpecSet {
    /// Accepted Services; shared with the records that were made of them.
    pub services: Services,
    /// Accepted Policies. One whose document is known to be gone is no longer here.
    pub policies: BTreeMap<ServiceName, Arc<policy::Policy>>,
    /// Policies in force whose present document isn't, and why: it is in error, or wasn't seen. Also such as have none in force.
    pub stale_policies: BTreeMap<ServiceName, String>,
    /// Objects whose documents are known to be gone, confirmed by complete listings: `onRemove` applies.
    /// An object on record that is neither here nor in `services` is left alone.
    pub removed: BTreeSet<ServiceName>,
    /// Objects whose newest document was rejected; what is in force for them (if anything) is in `services`.
    /// The text is the first error, for the condition `Accepted`.
    pub rejected: BTreeMap<ServiceName, String>,
    /// Objects in force whose document was not seen in the last look, and why that removes nothing: its place can't be
    /// looked at, or the removal is held back. For the condition `Accepted`.
    pub unseen: BTreeMap<ServiceName, String>,
    /// Objects whose conditions use a plugin of which a newer version, or the present document, is not taken, and why.
    /// For the condition `Accepted`.
    pub remarks: BTreeMap<ServiceName, String>,
    /// The engine ends and takes everything on record along, whatever documents and persons say.
    pub ending: bool,
}
