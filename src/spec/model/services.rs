//! Services by name: a value that costs nothing to copy, and whose versions are compared by what differs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Service, ServiceName};
use crate::sharing::{SharedMap, Told};

/// Services by name.
pub type Services = SharedMap<ServiceName, Arc<Service>, Origins>;

/// What is so of the Services of a part, so that whoever looks for some passes over all other parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    /// The files that they come from.
    pub files: BTreeSet<Arc<str>>,
    /// One of them watches files.
    pub watches: bool,
    /// One of them had another name before.
    pub is_renamed: bool,
}

impl Told<ServiceName, Arc<Service>> for Origins {
    fn of(rows: &[(ServiceName, Arc<Service>)]) -> Self {
        Self {
            files: rows.iter().map(|(_, service)| Arc::clone(&service.origin.file)).collect(),
            is_renamed: rows.iter().any(|(_, service)| service.previous_name.is_some()),
            watches: rows.iter().any(|(_, service)| !service.update.watch_files.is_empty()),
        }
    }
}
