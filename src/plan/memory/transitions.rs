//! When each condition of an object last changed: a handful of values for each object, side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::status::{ConditionStatus, ConditionType};
use crate::units::WallTime;

type Map = BTreeMap<ConditionType, (ConditionStatus, WallTime)>;

/// By condition, what it is and since when. Written like a map of these.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Map", into = "Map")]
pub struct Transitions(Vec<(ConditionType, (ConditionStatus, WallTime))>);

impl Transitions {
    /// How many conditions say something.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What each is, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (ConditionType, ConditionStatus)> {
        self.0.iter().map(|(kind, (status, _))| (*kind, *status))
    }

    /// What a condition is.
    pub fn status(&self, kind: ConditionType) -> Option<ConditionStatus> {
        self.0.iter().find(|(other, _)| *other == kind).map(|(_, (status, _))| *status)
    }

    /// Since when a condition is what it is.
    pub fn since(&self, kind: ConditionType) -> Option<WallTime> {
        self.0.iter().find(|(other, _)| *other == kind).map(|(_, (_, since))| *since)
    }

    /// Notes what a condition is now, and gives the moment since when.
    pub fn note(&mut self, kind: ConditionType, status: ConditionStatus, now: WallTime) -> WallTime {
        match self.0.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, known)) => {
                if known.0 != status {
                    *known = (status, now);
                }
                known.1
            }
            None => {
                self.0.reserve_exact(1);
                let at = self.0.partition_point(|(other, _)| *other < kind);
                self.0.insert(at, (kind, (status, now)));
                now
            }
        }
    }

    /// Forgets the conditions of which this isn't so.
    pub fn retain(&mut self, mut keep: impl FnMut(ConditionType) -> bool) {
        self.0.retain(|(kind, _)| keep(*kind));
    }
}

impl From<Map> for Transitions {
    fn from(map: Map) -> Self {
        Self(map.into_iter().collect())
    }
}

impl From<Transitions> for Map {
    fn from(all: Transitions) -> Self {
        all.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn the_moment_stays_while_the_status_does() {
        let at = |seconds| WallTime(Duration::from_secs(seconds));
        let (ready, owned) = (ConditionType::Ready, ConditionType::Owned);
        let mut all = Transitions::default();
        assert_eq!(all.note(owned, ConditionStatus::True, at(1)), at(1));
        assert_eq!(all.note(ready, ConditionStatus::False, at(2)), at(2));
        assert_eq!(all.note(ready, ConditionStatus::False, at(3)), at(2));
        assert_eq!(all.note(ready, ConditionStatus::True, at(4)), at(4));
        assert_eq!((all.status(ready), all.len()), (Some(ConditionStatus::True), 2));
        let text = serde_json::to_string(&all).unwrap();
        let map: Map = serde_json::from_str(&text).unwrap();
        assert_eq!(map.get(&owned), Some(&(ConditionStatus::True, at(1))));
        assert_eq!(serde_json::from_str::<Transitions>(&text).unwrap(), all);
        all.retain(|kind| kind != owned);
        assert_eq!((all.status(owned), all.is_empty()), (None, false));
    }
}
