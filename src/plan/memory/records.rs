//! The records of all objects, by name: a value that costs nothing to copy until one of the copies is changed. Memory before and
//! after a tick, and what the ledger has written, are mostly the very same value.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::spec::ServiceName;

/// Records by the names of their objects. Reading it is reading a map; to ask for a change makes a map of its own of one that is
/// shared, so look before you ask.
#[derive(Clone, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Records(Arc<BTreeMap<ServiceName, Arc<Record>>>);

impl Records {
    /// Whether both are known to be the same without looking at a record.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl Deref for Records {
    type Target = BTreeMap<ServiceName, Arc<Record>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Records {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = (&'a ServiceName, &'a Arc<Record>);
    type IntoIter = btree_map::Iter<'a, ServiceName, Arc<Record>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<(ServiceName, Arc<Record>)> for Records {
    fn from_iter<I: IntoIterator<Item = (ServiceName, Arc<Record>)>>(records: I) -> Self {
        Self(Arc::new(records.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Service;

    #[test]
    fn a_copy_is_the_same_value_until_it_is_changed() {
        let record =
            |name: &ServiceName| Arc::new(Record::new(Service::new(name.clone(), "/bin/true".into())));
        let names = ["a", "b"].map(ServiceName::near);
        let mut records: Records = names.iter().map(|name| (name.clone(), record(name))).collect();
        let copy = records.clone();
        assert!(records.is_same(&copy) && records.get(&names[0]).is_some());
        records.remove(&names[0]);
        assert!(!records.is_same(&copy) && records != copy);
        assert_eq!((records.len(), copy.len()), (1, 2));
        records.insert(names[0].clone(), record(&names[0]));
        assert_eq!(records, copy, "it says the same again");
    }
}
