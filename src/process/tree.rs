//! Families: parents, children and descendants, from the parent's number in `/proc/PID/stat`.

use std::collections::{BTreeMap, BTreeSet};

use super::world::World;
use crate::facts::{Fact, Reason, Why};
use crate::units::Pid;

/// How far ancestors are followed.
pub const ANCESTORS_MAX: usize = 64;

/// The parent. Absent for PID 1 and for processes whose parent lies outside the namespace.
pub fn parent(world: &dyn World, pid: Pid) -> Fact<Pid> {
    world.stat(pid).and_then(|stat| Fact::from_option((stat.ppid.0 > 0).then_some(stat.ppid)))
}

/// Ancestors, nearest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lineage {
    /// At most [`ANCESTORS_MAX`].
    pub nearest: Vec<Pid>,
    /// There are more than these.
    pub more: bool,
}

impl Lineage {
    /// Why nothing can be said of those that are farther away; `None` if there are none.
    pub fn cut(&self, pid: Pid) -> Option<Reason> {
        self.more.then(|| Reason::new(Why::Truncated, format!("ancestors of {pid}")))
    }
}

/// The ancestors. Unknown if one can't be read.
pub fn lineage(world: &dyn World, pid: Pid) -> Fact<Lineage> {
    let mut nearest = Vec::new();
    let mut at = pid;
    loop {
        match parent(world, at) {
            Fact::Known(next) if next == at || nearest.contains(&next) => break,
            Fact::Known(_) if nearest.len() >= ANCESTORS_MAX => {
                return Fact::Known(Lineage { nearest, more: true });
            }
            Fact::Known(next) => {
                nearest.push(next);
                at = next;
            }
            Fact::Absent => break,
            // A parent that just ended leaves its child to another, which this look can't see.
            Fact::Unknown(reason) if reason.why == Why::Vanished && at != pid => break,
            Fact::Unknown(reason) => return Fact::Unknown(reason),
        }
    }
    Fact::Known(Lineage { nearest, more: false })
}

/// The nearest ancestors, at most [`ANCESTORS_MAX`]. Unknown if one can't be read.
pub fn ancestors(world: &dyn World, pid: Pid) -> Fact<Vec<Pid>> {
    lineage(world, pid).map(|lineage| lineage.nearest)
}

/// All ancestors. Unknown if there are more than are followed: who isn't among the nearest may be among the others.
pub fn all_ancestors(world: &dyn World, pid: Pid) -> Fact<Vec<Pid>> {
    lineage(world, pid).and_then(|lineage| match lineage.cut(pid) {
        Some(reason) => Fact::Unknown(reason),
        None => Fact::Known(lineage.nearest),
    })
}

/// The engine, and who is above it.
#[derive(Debug)]
pub struct OwnLine {
    /// Their numbers.
    pub pids: BTreeSet<Pid>,
    /// They could be told.
    pub known: bool,
}

impl OwnLine {
    /// As a look tells it.
    pub fn of(world: &dyn World) -> Self {
        let me = world.self_pid();
        let above = me.clone().and_then(|me| ancestors(world, me));
        let known = matches!((&me, &above), (Fact::Known(_), Fact::Known(_)) | (Fact::Absent, _));
        Self { pids: me.known().into_iter().chain(above.known().into_iter().flatten()).collect(), known }
    }
}

/// Children by parent, over a whole listing. Processes that vanish meanwhile are left out.
///
/// # Errors
/// The reason why a process could not be placed.
pub fn children(world: &dyn World) -> Fact<BTreeMap<Pid, Vec<Pid>>> {
    world.pids().and_then(|pids| {
        let mut map: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        for pid in pids.iter() {
            match parent(world, *pid) {
                Fact::Known(parent) => map.entry(parent).or_default().push(*pid),
                Fact::Absent => {}
                Fact::Unknown(reason) if reason.why == Why::Vanished => {}
                Fact::Unknown(reason) => return Fact::Unknown(reason),
            }
        }
        Fact::Known(map)
    })
}

/// All descendants in a map of children, ascending.
pub fn descendants(children: &BTreeMap<Pid, Vec<Pid>>, pid: Pid) -> Vec<Pid> {
    let mut found = BTreeSet::new();
    let mut todo = vec![pid];
    while let Some(at) = todo.pop() {
        for child in children.get(&at).into_iter().flatten() {
            if found.insert(*child) {
                todo.push(*child);
            }
        }
    }
    found.into_iter().collect()
}

/// A thread of the kernel, by its flags; not by an empty command line.
pub fn is_kernel_thread(world: &dyn World, pid: Pid) -> Fact<bool> {
    world.stat(pid).map(|stat| stat.is_kernel_thread())
}

/// Whether a state means that it runs no more.
/// The first thread ended, others live on.
pub fn leader_exited(world: &dyn World, pid: Pid) -> Fact<bool> {
    world.stat(pid).and_then(|stat| {
        if !stat.state.is_over() {
            return Fact::Known(false);
        }
        match world.tasks(pid) {
            Fact::Known(tasks) => {
                Fact::Known(tasks.iter().any(|task| task.tid != pid && !task.state.is_over()))
            }
            Fact::Absent => Fact::Known(false),
            Fact::Unknown(reason) => Fact::Unknown(reason),
        }
    })
}

/// Not a zombie, or a zombie with another thread.
pub fn is_alive(world: &dyn World, pid: Pid) -> Fact<bool> {
    world
        .stat(pid)
        .and_then(|stat| if stat.state.is_over() { leader_exited(world, pid) } else { Fact::Known(true) })
}
