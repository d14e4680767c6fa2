//! What is done while not everything can be written down (stops, which may have room of their own), and what is said of
//! the objects that nothing is done about.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::host::Host;
use crate::plan::action::{Outcome, Step};
use crate::plan::memory::{Memory, Phase, Record};
use crate::plan::status::{Condition, ConditionStatus, ConditionType, PhaseWord, ServiceStatus};
use crate::plan::{Doing, Plan};
use crate::spec::{DesiredState, ServiceName};
use crate::units::WallTime;

/// How much of a memory is written down.
pub(super) enum OnRecord {
    /// All of it.
    All,
    /// The records of these objects, and why not the others.
    Only(BTreeSet<ServiceName>, String),
}

impl OnRecord {
    /// Whether the record of this object is.
    pub(super) fn has(&self, name: &ServiceName) -> bool {
        match self {
            Self::All => true,
            Self::Only(names, _) => names.contains(name),
        }
    }

    /// Why not all of it.
    pub(super) fn error(&self) -> Option<&String> {
        match self {
            Self::All => None,
            Self::Only(_, error) => Some(error),
        }
    }

    /// Takes what is on record of `written` into memory.
    pub(super) fn take(&self, memory: &mut Memory, written: &Memory) {
        match self {
            Self::All => memory.clone_from(written),
            Self::Only(names, _) => {
                for name in names {
                    match written.services.get(name) {
                        Some(record) => memory.services.insert(name.clone(), record.clone()),
                        None => memory.services.remove(name),
                    };
                }
            }
        }
    }
}

/// Writes memory down, or what is said of stops in it where there is no room for more.
pub(super) fn write_down<H: Host>(host: &mut H, before: &Memory, memory: &Memory) -> OnRecord {
    let Err(error) = host.remember(memory) else { return OnRecord::All };
    let stops = stops(before, memory);
    if stops.is_empty() {
        return OnRecord::Only(stops, error);
    }
    match host.remember_stops(memory, &stops) {
        Ok(left) if left.is_empty() => OnRecord::All,
        Ok(left) => OnRecord::Only(stops.into_iter().filter(|name| !left.contains(name)).collect(), error),
        Err(_) => OnRecord::Only(BTreeSet::new(), error),
    }
}

/// The objects whose records say of nothing but that less is to run: they are meant to end, or a stop had begun, or they are
/// forgotten. A restart isn't begun here: the start that has to follow couldn't be written down, and what runs would be gone.
fn stops(before: &Memory, memory: &Memory) -> BTreeSet<ServiceName> {
    let starts = |record: &Record| {
        record.instances.values().any(|instance| matches!(instance.phase, Phase::Intended { .. }))
    };
    let is_stop = |was: &Record, is: &Record| (is_meant_to_end(is) || only_goes_on(was, is)) && !starts(is);
    // A record that is new may go on for one under another name: both go together, or none.
    let stopped = memory.services.iter().filter(|(name, is)| {
        let was = before.services.get(*name);
        was.is_some_and(|was| is_stop(was, is))
    });
    let has_process = |record: &Record| record.instances.values().any(|one| one.phase.process().is_some());
    let gone = before
        .services
        .iter()
        .filter(|(name, was)| !memory.services.contains_key(*name) && !has_process(was));
    stopped.chain(gone).map(|(name, _)| name.clone()).collect()
}

fn is_meant_to_end(record: &Record) -> bool {
    let asked = record.wish.as_ref().is_some_and(|wish| !wish.running && !wish.released);
    asked || record.terminating || record.spec.state == DesiredState::Stopped
}

/// Some of it was being stopped already, and nothing more is.
fn only_goes_on(was: &Record, is: &Record) -> bool {
    let had_begun = |index: &u32| was.instances.get(index).is_some_and(|one| is_stopping(&one.phase));
    stopping(was) && is.instances.iter().all(|(index, one)| !is_stopping(&one.phase) || had_begun(index))
}

fn stopping(record: &Record) -> bool {
    record.instances.values().any(|instance| is_stopping(&instance.phase))
}

fn is_stopping(phase: &Phase) -> bool {
    matches!(phase, Phase::Stopping { .. })
}

/// The objects that something was decided about, which is not on record, and nothing was done. A stop under way goes on.
pub(super) fn withheld(
    before: &Memory,
    plan: &Plan,
    on_record: &OnRecord,
    done: &[(Step, Outcome)],
) -> BTreeSet<ServiceName> {
    let done: BTreeSet<&ServiceName> = done.iter().map(|(step, _)| &step.service).collect();
    let stops = |name: &ServiceName| before.services.get(name).is_some_and(|record| stopping(record));
    let decided =
        plan.changes.iter().filter(|change| change.doing.changes_something() && change.doing != Doing::Wait);
    let names: BTreeSet<&ServiceName> = decided.map(|change| &change.service).collect();
    names
        .into_iter()
        .filter(|name| !on_record.has(name) && !done.contains(name) && !stops(name))
        .cloned()
        .collect()
}

/// Says so in their statuses.
pub(super) fn tell(
    statuses: &mut [ServiceStatus],
    reason: &str,
    withheld: &BTreeSet<ServiceName>,
    at: WallTime,
) {
    for status in statuses.iter_mut().filter(|status| withheld.contains(&status.name)) {
        let message = format!("{}: not done, since it can't be recorded: {reason}", status.name);
        status.conditions.retain(|condition| condition.kind != ConditionType::Blocked);
        let place = status.conditions.partition_point(|condition| condition.kind < ConditionType::Blocked);
        let blocked = Condition {
            kind: ConditionType::Blocked,
            status: ConditionStatus::True,
            reason: Cow::Borrowed("NotRecorded"),
            message,
            last_transition_time: at,
        };
        status.conditions.insert(place, blocked);
        hold(&mut status.phase);
        status.instances.iter_mut().for_each(|instance| hold(&mut instance.phase));
    }
}

/// What would be under way isn't.
fn hold(phase: &mut PhaseWord) {
    if matches!(phase, PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping) {
        *phase = PhaseWord::Held;
    }
}
