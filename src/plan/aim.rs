//! What is wanted of each object, and memory brought up to the documents: generations, renames, removals.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::memory::{Memory, Record, Wish};
use super::task;
use crate::spec::{DesiredState, Origin, Rare, RemovePolicy, Service, ServiceName, SpecSet};
use crate::units::{Now, WallTime};

/// The objects that a tick is about. `None`: all of them.
pub type Scope<'a> = Option<&'a BTreeSet<ServiceName>>;

/// The objects that a tick is about, as they are on record, in the order of their names.
pub(super) fn about<'a>(
    scope: Scope<'a>,
    memory: &'a Memory,
) -> impl Iterator<Item = (&'a ServiceName, &'a Arc<Record>)> {
    let all = scope.is_none().then(|| memory.services.iter()).into_iter().flatten();
    let named = scope.into_iter().flatten().filter_map(|name| memory.services.get_key_value(name));
    all.chain(named)
}

/// What is wanted of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Aim {
    /// Keep its replicas running.
    Run,
    /// Keep it stopped.
    Stop {
        /// The end of a sentence.
        because: String,
        /// A document says so, not a person: the guard against mass changes applies.
        by_document: bool,
    },
    /// Its document is gone: stop or release its processes, then forget it. `None`: what was started is
    /// stopped, what was adopted is released.
    Remove(Option<RemovePolicy>),
    /// A person let its processes go: nothing is done about it.
    Released {
        /// Who.
        by: String,
    },
    /// Look and report, never act.
    Observe,
    /// Everything about it is left alone for a while.
    Suspend {
        /// The end of a sentence.
        because: String,
        /// Until then, by the wall clock.
        until: Option<WallTime>,
    },
    /// No document speaks for it or against it: not even looked at.
    Leave,
}

/// Memory as it is after the documents are taken into account: what `questions` and `plan` both begin with.
pub(super) fn settle(desired: &SpecSet, memory: &Memory, only: Scope<'_>, now: WallTime) -> Memory {
    let mut memory = memory.clone();
    // In the order of their names either way.
    let all = only.is_none().then_some(&desired.services).into_iter().flatten();
    let named = only.into_iter().flatten().filter_map(|name| desired.services.get_key_value(name));
    for (name, spec) in all.chain(named) {
        take_over_previous(name, spec, desired, &mut memory);
        match memory.services.get(name).cloned() {
            Some(known) => {
                let mut record = Arc::clone(&known);
                renew(&mut record, spec, now);
                if !Arc::ptr_eq(&known, &record) {
                    memory.services.insert(name.clone(), record);
                }
            }
            None => {
                let mut record = Record::new(Arc::clone(spec));
                if spec.task.is_some() {
                    record.task.past = memory.past.get(name).cloned().unwrap_or_default();
                }
                memory.services.insert(name.clone(), Arc::new(record));
            }
        }
    }
    for name in &desired.removed {
        let ends = memory.services.get(name).is_some_and(|record| !record.terminating);
        if ends
            && !desired.services.contains_key(name)
            && let Some(record) = memory.record_mut(name)
        {
            record.terminating = true;
        }
    }
    memory
}

/// A renamed object takes its record along, once nobody else can claim it.
fn take_over_previous(name: &ServiceName, spec: &Service, desired: &SpecSet, memory: &mut Memory) {
    let Some(previous) = &spec.previous_name else {
        return;
    };
    let newcomer = memory.services.get(name).is_none_or(|own| own.instances.values().all(is_unused));
    if newcomer
        && !desired.services.contains_key(previous)
        && memory.services.contains_key(previous)
        && let Some(record) = memory.services.remove(previous)
    {
        memory.services.insert(name.clone(), record);
    }
}

fn is_unused(instance: &super::memory::Instance) -> bool {
    use super::memory::Phase;
    matches!(instance.phase, Phase::Vacant | Phase::BackOff { .. } | Phase::Finished)
}

/// A record that is as its document says stays the shared one.
fn renew(record: &mut Arc<Record>, spec: &Arc<Service>, now: WallTime) {
    let ended = record.wish.as_ref().is_some_and(|wish| !wish.holds(record.generation, now));
    if !record.terminating && !ended && Arc::ptr_eq(&record.spec, spec) {
        return;
    }
    let refused = record.rolled_back.as_ref().map(|rolled_back| &rolled_back.refused);
    let is_refused =
        refused.is_some_and(|refused| Arc::ptr_eq(refused, spec) || meaning(refused) == meaning(spec));
    if is_refused && !record.terminating && !ended {
        return;
    }
    let record = Arc::make_mut(record);
    record.terminating = false;
    if !is_refused {
        record.rolled_back = None;
        if meaning(&record.spec) != meaning(spec) {
            record.generation = record.generation.saturating_add(1);
            record.forgive();
            if spec.task.is_none() {
                // Of a Task that is a Service now no run is under way, also when it is a Task again.
                record.forget_runs();
            }
            if !record.task.is_usual() {
                record.task.renew();
            }
            record.instances.values_mut().for_each(|instance| instance.health.recognized = None);
            // What is to be restarted has to be known to come up again first.
            let mut processes = record.instances.values().filter_map(|instance| instance.phase.process());
            record.compares |= processes.any(|process| process.launched.is_some());
        }
        record.spec = Arc::clone(spec);
    }
    if record.wish.as_ref().is_some_and(|wish| !wish.holds(record.generation, now)) {
        record.wish = None;
    }
}

/// Where a document stands is no part of what it means.
pub fn meaning(spec: &Service) -> Service {
    Service { origin: Origin::default(), defaults: Rare::default(), ..spec.clone() }
}

/// A person's word holds also when the document is gone, the document's only while it is there.
fn suspended(record: &Record, now: Now) -> Option<Aim> {
    let holds = |until: Option<WallTime>| until.is_none_or(|until| now.wall < until);
    if let Some(still) = record.suspension.as_ref().and_then(|suspension| suspension.still(now.wall)) {
        let because = still.said(|word| {
            let reason = if word.reason.is_empty() { String::new() } else { format!(": {}", word.reason) };
            format!("{} suspended it{}{reason}", word.by, until_text(word.until))
        });
        return Some(Aim::Suspend { because, until: still.first_end() });
    }
    let spec = record.spec.suspend.as_ref().filter(|suspend| !record.terminating && holds(suspend.until))?;
    let because = format!("its document suspends it{}: {}", until_text(spec.until), spec.reason);
    Some(Aim::Suspend { because, until: spec.until })
}

/// Until when a word of somebody holds, behind it.
fn until_text(until: Option<WallTime>) -> String {
    until.map_or_else(String::new, |until| format!(", until {}", until.to_the_second()))
}

/// What is wanted of one object of settled memory.
pub(super) fn aim(name: &ServiceName, record: &Record, desired: &SpecSet, now: Now) -> Aim {
    if desired.ending && !record.terminating {
        return at_the_end(record);
    }
    if let Some(suspended) = suspended(record, now).filter(|_| !desired.ending) {
        return suspended;
    }
    if record.terminating {
        return Aim::Remove(record.spec.on_remove);
    }
    if !desired.services.contains_key(name) {
        return Aim::Leave;
    }
    if record.spec.state == DesiredState::Stopped && record.wish.is_none() && task::is_by_hand(record) {
        return Aim::Run;
    }
    match (record.spec.state, record.wish.as_deref()) {
        (DesiredState::Observed, _) => Aim::Observe,
        (DesiredState::Running | DesiredState::Stopped, Some(Wish { released: true, by, .. })) => {
            Aim::Released { by: by.clone() }
        }
        (DesiredState::Running | DesiredState::Stopped, Some(Wish { running: true, .. }))
        | (DesiredState::Running, None) => Aim::Run,
        (DesiredState::Running | DesiredState::Stopped, Some(Wish { running: false, by, until, .. })) => {
            let until = until_text(*until);
            Aim::Stop { because: format!("{by} asked for it{until}"), by_document: false }
        }
        (DesiredState::Stopped, None) => {
            Aim::Stop { because: "its document says `state: stopped`".into(), by_document: true }
        }
    }
}

/// What is wanted when the engine ends with all that it keeps: what it doesn't act on, and what a person let go, isn't its own.
/// What is suspended is stopped as well: as PID 1 the kernel would kill it otherwise.
fn at_the_end(record: &Record) -> Aim {
    match (record.spec.state, record.wish.as_deref()) {
        (DesiredState::Observed, _) => Aim::Observe,
        (DesiredState::Running | DesiredState::Stopped, Some(Wish { released: true, by, .. })) => {
            Aim::Released { by: by.clone() }
        }
        (DesiredState::Running | DesiredState::Stopped, Some(_) | None) => {
            Aim::Stop { because: "selfsame ends".into(), by_document: false }
        }
    }
}
