//! Which process on record belongs to which object. Most ticks don't ask: it is worked out for the first who does.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::memory::{Record, Records};
use crate::facts::ProcessKey;
use crate::spec::ServiceName;

type Owners = BTreeMap<ProcessKey, ServiceName>;

/// The owners of all processes on record, by their keys.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    records: Records,
    owners: OnceLock<Owners>,
}

impl Recorded {
    /// Those of these records.
    pub fn of(records: &Records) -> Self {
        Self(Arc::new(Known { records: records.clone(), owners: OnceLock::new() }))
    }
}

impl From<Owners> for Recorded {
    fn from(owners: Owners) -> Self {
        Self(Arc::new(Known { records: Records::default(), owners: OnceLock::from(owners) }))
    }
}

impl Deref for Recorded {
    type Target = Owners;

    fn deref(&self) -> &Owners {
        self.0.owners.get_or_init(|| {
            let rows = self.0.records.rows_where(|told| told.has_process);
            rows.flat_map(|(name, record)| keys(record).map(|key| (key.clone(), name.clone()))).collect()
        })
    }
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// The processes on record for an object.
pub(super) fn keys(record: &Record) -> impl Iterator<Item = &ProcessKey> {
    record.instances.values().filter_map(|instance| instance.phase.process()).map(|process| &process.key)
}
