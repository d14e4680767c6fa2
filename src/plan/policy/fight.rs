//! Two who pull at the same thing: a policy that stops what a Service starts again, two policies that undo each other.
//!
//! Whoever acts is noted. Three times in ten minutes on what somebody else brings back is a fight: then nothing more is
//! done, until ten minutes have passed or a document has changed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::ProcessKey;
use crate::spec::ServiceName;
use crate::spec::policy::PolicyAction;
use crate::units::BootTime;

/// So often is a fight.
const TIMES: usize = 3;
/// In so long.
const SPAN: Duration = Duration::from_mins(10);
/// Processes and Services that are remembered; the oldest are forgotten.
const NOTED_MAX: usize = 4096;

/// What policies did lately.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Fights {
    /// Stops of what a Service brings back, by policy and Service.
    stops: BTreeMap<(ServiceName, ServiceName), Vec<BootTime>>,
    /// Changes of one property of one process.
    changes: BTreeMap<(ProcessKey, String), Vec<(BootTime, ServiceName)>>,
}

/// The same without keys that JSON can't have.
#[derive(Serialize, Deserialize)]
struct Written {
    stops: Vec<((ServiceName, ServiceName), Vec<BootTime>)>,
    changes: Vec<((ProcessKey, String), Changes)>,
}

/// When, and by whom.
type Changes = Vec<(BootTime, ServiceName)>;

impl From<Written> for Fights {
    fn from(written: Written) -> Self {
        Self { stops: written.stops.into_iter().collect(), changes: written.changes.into_iter().collect() }
    }
}

impl From<Fights> for Written {
    fn from(fights: Fights) -> Self {
        Self { stops: fights.stops.into_iter().collect(), changes: fights.changes.into_iter().collect() }
    }
}

impl Fights {
    /// A document has changed: everybody may begin anew.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// A policy acts.
    pub fn note(
        &mut self,
        policy: &ServiceName,
        action: &PolicyAction,
        key: &ProcessKey,
        owner: Option<&ServiceName>,
        now: BootTime,
    ) {
        let Some(handle) = action.handle() else { return };
        match owner.filter(|_| handle == "life") {
            Some(owner) => {
                let times = self.stops.entry((policy.clone(), owner.clone())).or_default();
                times.retain(|at| now.since(*at) < SPAN);
                times.push(now);
            }
            None => {
                let changes = self.changes.entry((key.clone(), handle.to_owned())).or_default();
                changes.retain(|(at, _)| now.since(*at) < SPAN);
                changes.push((now, policy.clone()));
            }
        }
        if self.stops.len() + self.changes.len() > NOTED_MAX {
            self.stops.retain(|_, times| times.iter().any(|at| now.since(*at) < SPAN));
            self.changes.retain(|_, changes| changes.iter().any(|(at, _)| now.since(*at) < SPAN));
        }
    }

    /// Why this is not to be done once more.
    pub fn withheld(
        &self,
        policy: &ServiceName,
        action: &PolicyAction,
        key: &ProcessKey,
        owner: Option<&ServiceName>,
        now: BootTime,
    ) -> Option<String> {
        let handle = action.handle()?;
        if let Some(owner) = owner.filter(|_| handle == "life") {
            let times = self.stops.get(&(policy.clone(), owner.clone()))?;
            let lately = times.iter().filter(|at| now.since(**at) < SPAN).count();
            return (lately >= TIMES).then(|| {
                format!(
                    "it stopped `{owner}` {lately} times in 10m, which brings it back each time: they fight"
                )
            });
        }
        let changes = self.changes.get(&(key.clone(), handle.to_owned()))?;
        let lately: Vec<&ServiceName> =
            changes.iter().filter(|(at, _)| now.since(*at) < SPAN).map(|(_, by)| by).collect();
        let other = lately.iter().find(|by| **by != policy)?;
        (lately.len() >= TIMES).then(|| {
            let count = lately.len();
            format!(
                "`{other}` and `{policy}` changed the {handle} of pid {} {count} times in 10m: they fight",
                key.pid
            )
        })
    }
}
