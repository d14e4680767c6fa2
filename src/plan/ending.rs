//! The end of the engine with everything that it keeps: what is still under way, and what it has to leave.

use super::aim::{Aim, aim};
use super::memory::{Memory, Phase, Record};
use crate::spec::{ServiceName, SpecSet};
use crate::units::Now;

/// How far the stop of everything is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ending {
    /// Objects that a signal, a command or a wait of their stop is under way for.
    pub under_way: Vec<ServiceName>,
    /// Objects that have processes and of which nothing is under way: they can't be told, or can't be killed.
    pub left: Vec<ServiceName>,
}

/// How far it is, by memory after a tick with [`SpecSet::ending`].
pub fn ending(desired: &SpecSet, memory: &Memory, now: Now) -> Ending {
    let mut ending = Ending::default();
    for (name, record) in &memory.services {
        if !matches!(aim(name, record, desired, now), Aim::Stop { .. } | Aim::Remove(_)) {
            continue;
        }
        if is_under_way(record) {
            ending.under_way.push(name.clone());
        } else if record.instances.values().any(|instance| instance.phase.process().is_some()) {
            ending.left.push(name.clone());
        }
    }
    ending
}

fn is_under_way(record: &Record) -> bool {
    record.instances.values().any(|instance| {
        instance.errand.is_some() || matches!(instance.phase, Phase::Stopping { overdue: false, .. })
    })
}
