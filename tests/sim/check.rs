//! The promises, checked at each call with knowledge of the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use selfsame::facts::ProcessKey;
use selfsame::plan::action::{Action, Step};
use selfsame::plan::memory::{Memory, Phase, Record};
use selfsame::spec::ServiceName;
use selfsame::units::BootTime;

use crate::answer::arguments_of;
use crate::world::{Proc, World};

#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// Started by the engine.
    pub ours: BTreeSet<ProcessKey>,
    /// Adopted by the engine, or followed to.
    pub adopted: BTreeSet<ProcessKey>,
    /// Of each instance: its generation, failures, and the end and length of its wait.
    /// Of each object: the most replicas that were ever asked for.
    most: BTreeMap<ServiceName, usize>,
    /// Let go, or taken over only to be stopped: they count for nobody.
    pub released: BTreeSet<u64>,
    /// Records were lost: copies that can't be recognised may live on, and nobody promises anything about those.
    pub lost: bool,
    waits: BTreeMap<(ServiceName, u32), (u64, u32, BootTime, Duration)>,
    /// Descending from those: everything that a start, or a process on record, brought forth.
    pub lineages: BTreeSet<u64>,
}

/// Before a start: P1, P3 and the intent on disk.
pub(crate) fn start(world: &mut World, step: &Step, nonce: &str) {
    let name = &step.service;
    let record = world.ledger.as_ref().and_then(|memory| memory.services.get(name)).cloned();
    let record = record.as_ref();
    let intent = record.and_then(|record| record.instances.get(&step.index)).map(|i| &i.phase);
    if !matches!(intent, Some(Phase::Intended { nonce: written, .. }) if written == nonce) {
        world.violated(format!("{name}[{}] is started without an intent on disk", step.index));
    }
    if world.clouded.contains(name) {
        world.violated(format!("{name}[{}] is started although something was unknown", step.index));
    }
    let Some(spec) = world.desired.services.get(name) else {
        world.violated(format!("{name} is started although nobody wants it"));
        return;
    };
    let recorded: BTreeSet<ProcessKey> = record
        .map(|record| {
            record.instances.values().filter_map(|i| i.phase.process().map(|p| p.key.clone())).collect()
        })
        .unwrap_or_default();
    let arguments = arguments_of(spec);
    let program = spec.startas.to_string_lossy();
    let copies: BTreeSet<u64> = world
        .procs
        .values()
        .filter(|proc| proc.copy_of.as_ref() == Some(name) && proc.born < world.looks)
        .filter(|proc| {
            let matches = *proc.program == *program && arguments.values().any(|args| *args == *proc.args);
            recorded.contains(&proc.key) || matches
        })
        .map(|proc| proc.lineage)
        .collect();
    if copies.len() >= spec.replicas as usize {
        world.violated(format!(
            "{name}[{}] is started beside {} live copies, `replicas` is {}",
            step.index,
            copies.len(),
            spec.replicas
        ));
    }
}

/// Before a signal arrives: P2.
pub(crate) fn signal(world: &mut World, step: &Step, proc: &Proc) {
    let adopted_by = match &step.action {
        Action::Signal { adopted_by, .. } => adopted_by,
        Action::KillTree { main, adopted_by, .. } if main.as_ref() == Some(&proc.key) => adopted_by,
        Action::KillTree { .. } => &None,
        _ => return,
    };
    if world.unseen.contains(&proc.key) {
        world.violated(format!("{} is signalled although nobody could tell whether it is it", proc.key.pid));
    }
    let checker = &world.checker;
    let direct = checker.ours.contains(&proc.key) || checker.adopted.contains(&proc.key);
    let descends = checker.lineages.contains(&proc.lineage);
    if !direct && !descends {
        world.violated(format!("a stranger is signalled: {} {}", proc.key.pid, proc.program));
    }
    if let Some(rule) = adopted_by
        && *rule.startas.to_string_lossy() != *proc.program
    {
        world.violated(format!("{} no longer satisfies the rule it was adopted by", proc.key.pid));
    }
}

/// After every call: nobody has more living copies than was ever asked of it, among those that the engine started or
/// adopted. A second copy that comes about otherwise than by a start would be seen here.
pub(crate) fn at_any_moment(world: &mut World) {
    for (name, spec) in &world.desired.services {
        let asked = spec.replicas as usize;
        match world.checker.most.get_mut(name) {
            Some(most) => *most = (*most).max(asked),
            None => {
                world.checker.most.insert(name.clone(), asked);
            }
        }
    }
    let (checker, mut copies) = (&world.checker, Vec::new());
    for proc in world.procs.values() {
        // Workers that outlive their main process are no copies of it.
        let Some(name) = proc.copy_of.as_ref().filter(|_| proc.parent.is_none()) else { continue };
        let counts = checker.lineages.contains(&proc.lineage) && !checker.released.contains(&proc.lineage);
        if counts && !copies.contains(&(name, proc.lineage)) {
            copies.push((name, proc.lineage));
        }
    }
    let too_many = checker.most.iter().find_map(|(name, most)| {
        let live = copies.iter().filter(|(of, _)| *of == name).count();
        (live > *most)
            .then(|| format!("{name} lives {live} times, more often than was ever asked: {copies:?}"))
    });
    if let Some(what) = too_many
        && !checker.lost
    {
        world.violated(what);
    }
}

/// A process that may be adopted: the identity rule holds, and nothing speaks against it.
pub(crate) fn adopted(world: &mut World, step: &Step, key: &ProcessKey) {
    let Some(proc) = world.alive(key).cloned() else { return };
    if proc.copy_of.as_ref() != Some(&step.service) || proc.foreign_user || proc.supervisor || proc.weak {
        world.violated(format!("{} is adopted for {} and isn't it", key.pid, step.service));
    }
}

/// A new engine reads what a write that was cut short left: waits of which nobody could see how long they were meant to be.
pub(crate) fn revived(world: &mut World, memory: &Memory) {
    for (name, record) in &memory.services {
        for (index, instance) in &record.instances {
            let Phase::BackOff { until } = &instance.phase else { continue };
            let at = (name.clone(), *index);
            if world.checker.waits.get(&at).is_none_or(|(_, _, end, _)| end != until) {
                let row = (record.generation, instance.failures, *until, Duration::ZERO);
                world.checker.waits.insert(at, row);
            }
        }
    }
}

/// What is on record is ours from then on, and once.
pub(crate) fn remembered(world: &mut World, memory: &Memory) {
    recorded_once(world, memory);
    counts(world, memory.services.values());
}

/// No process is on record twice.
pub(crate) fn recorded_once(world: &mut World, memory: &Memory) {
    let (mut twice, mut keys) = (Vec::new(), BTreeSet::new());
    for (name, record) in &memory.services {
        for key in record.instances.values().filter_map(|i| i.phase.process()).map(|process| &process.key) {
            if !keys.insert(key.clone()) {
                twice.push(format!("{} is on record twice, the second time for {name}", key.pid));
            }
        }
    }
    for what in twice {
        world.violated(what);
    }
}

/// What these records tell of is ours from then on. Not for what a write that was cut short left: of an adoption of which
/// only the disk knows, nobody was told, and with its record it is gone again.
pub(crate) fn counts<'a>(world: &mut World, records: impl Iterator<Item = &'a Arc<Record>>) {
    for record in records {
        for (index, instance) in &record.instances {
            let Some(process) = instance.phase.process() else { continue };
            world.checker.adopted.insert(process.key.clone());
            if let Some(lineage) = world.alive(&process.key).map(|proc| proc.lineage) {
                world.checker.lineages.insert(lineage);
                // Taken over only to be stopped.
                if process.adopted && *index >= record.spec.replicas {
                    world.checker.released.insert(lineage);
                }
            }
        }
    }
}

/// After a tick: the wait never shrinks while it keeps failing. What a tick decides counts, written down or not.
pub(crate) fn waits(world: &mut World, memory: &Memory) {
    let mut shrunk = Vec::new();
    for (name, record) in &memory.services {
        for (index, instance) in &record.instances {
            let Phase::BackOff { until } = &instance.phase else { continue };
            let at = (name.clone(), *index);
            let last = world.checker.waits.get(&at).copied();
            let same =
                last.is_some_and(|(generation, _, end, _)| generation == record.generation && end == *until);
            if same {
                continue;
            }
            // It was decided at the look, or when a step had failed: at most and at least so long.
            let wait = until.since(BootTime(world.looked_at));
            let at_least = until.since(BootTime(world.now));
            if let Some((generation, failures, _, last)) = last
                && generation == record.generation
                && instance.failures > failures
                && failures > 0
                && wait < last
            {
                shrunk.push(format!("the wait of {name}[{index}] shrinks from {last:?} to {wait:?}"));
            }
            if instance.failures > 0 {
                world.checker.waits.insert(at, (record.generation, instance.failures, *until, at_least));
            }
        }
    }
    for what in shrunk {
        world.violated(what);
    }
}
