//! What the engine remembers between ticks and across its own death: the ledger holds exactly this.
//!
//! ```text
//! Memory --one an object--> Record --by index--> Instance --> Phase --> Process
//!                             |- Wish, Suspension, ...  |- Health, Triggers, Errand, Run
//! ```
//!
//! Every time here is boot time; records of another boot are void.

mod errand;
mod health;
mod instance;
mod instances;
mod launched;
mod on_record;
mod phase;
mod process;
mod record;
mod records;
mod task;
mod transitions;
mod wish;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::spec::{Service, ServiceName};
use crate::units::{BootId, WallTime};

pub use errand::{Ask, Asked, Errand, Purpose};
pub use health::{Health, Image, Said, TriggerState, Triggers};
pub use instance::{Adjusted, Instance};
pub use instances::{ByIndex, Instances};
pub use launched::Launched;
pub(super) use launched::{Fields, are_same};
pub use phase::{Exited, Phase};
pub(crate) use process::Heirs;
pub use process::{Constrained, Exit, Process};
pub use record::{Record, RolledBack};
pub use records::{Records, Traits, records_of};
pub use task::{Due, LastRun, LeftOut, Moment, NextMoment, Past, Run, StopCause, TaskMemory, TaskResult};
pub use transitions::Transitions;
pub use wish::{AdoptWish, Suspension, Wish};

/// All records of this boot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The boot that every time and key in here belongs to.
    pub boot: BootId,
    /// One record an object. Shared: memory before and after a tick, and what the ledger has written, are one value where
    /// nothing changed. [`Memory::record_mut`] changes one.
    pub services: Records,
    /// What Tasks left behind in an earlier boot, as read at the start, for records that begin in this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past: BTreeMap<ServiceName, Past>,
}

impl Memory {
    /// Nothing is remembered of this boot yet.
    pub fn new(boot: BootId) -> Self {
        Self { boot, services: Records::default(), past: BTreeMap::new() }
    }

    /// What is left of it in another boot: what Tasks left behind.
    #[must_use]
    pub fn after_boot(&self, boot: BootId, now: WallTime) -> Self {
        let past = self.past.clone().into_iter();
        let of_records = self.services.iter().map(|(name, record)| (name.clone(), record.task.past.clone()));
        let past = past.chain(of_records).filter(|(_, past)| *past != Past::default());
        Self { past: past.map(|(name, past)| (name, past.after_boot(now))).collect(), ..Self::new(boot) }
    }

    /// The record of an object, to be changed: of a record that is shared, a copy of its own is made first.
    pub fn record_mut(&mut self, name: &ServiceName) -> Option<&mut Record> {
        self.services.get_mut(name).map(Arc::make_mut)
    }

    /// Every document in it: the accepted ones, and those that processes were adopted by.
    pub fn documents(&self) -> impl Iterator<Item = &Service> {
        self.services.values().flat_map(|record| record.documents())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
fn is_false(value: &bool) -> bool {
    !*value
}

crate::usual!(Adjusted, TaskMemory);
