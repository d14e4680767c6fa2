//! Whose a process is, and whom nothing is ever done to.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Fact, ProcessKey};
use crate::plan::memory::Memory;
use crate::process::tree;
use crate::process::world::World;
use crate::spec::ServiceName;
use crate::spec::defaults::Selector;
use crate::units::{Pid, StartTicks};

/// The processes on record, with their Services and Tasks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Owners {
    recorded: BTreeMap<Pid, (StartTicks, ServiceName)>,
    /// By the control group that was made for it.
    groups: BTreeMap<String, ServiceName>,
    labels: BTreeMap<ServiceName, BTreeMap<String, String>>,
}

impl Owners {
    /// Of these processes.
    pub fn new(recorded: impl IntoIterator<Item = (ProcessKey, ServiceName)>) -> Self {
        let recorded = recorded.into_iter().map(|(key, name)| (key.pid, (key.start, name)));
        Self { recorded: recorded.collect(), ..Self::default() }
    }

    /// The same with the labels of these Services.
    #[must_use]
    pub fn with_labels(self, labels: BTreeMap<ServiceName, BTreeMap<String, String>>) -> Self {
        Self { labels, ..self }
    }

    /// All that is on record.
    pub fn of_memory(memory: &Memory) -> Self {
        let mut owners = Self::default();
        for (name, record) in &memory.services {
            if !record.spec.labels.is_empty() {
                owners.labels.insert(name.clone(), BTreeMap::clone(&record.spec.labels));
            }
            for process in record.instances.values().filter_map(|instance| instance.phase.process()) {
                owners.recorded.insert(process.key.pid, (process.key.start, name.clone()));
                owners.groups.extend(process.group.clone().map(|group| (group, name.clone())));
            }
        }
        owners
    }

    /// The labels of a Service or Task on record.
    fn labels(&self, name: &ServiceName) -> Option<&BTreeMap<String, String>> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        let known = self.recorded.values().any(|(_, owner)| owner == name);
        self.labels.get(name).or_else(|| known.then_some(NONE))
    }

    /// Whether a process is of a Service or Task that these labels choose; without any, every process is.
    pub(in crate::engine::policy) fn chosen(
        &self,
        selector: Option<&Selector>,
        world: &dyn World,
        pid: Pid,
    ) -> bool {
        selector.is_none_or(|selector| {
            let owner = self.of(world, pid);
            owner.is_some_and(|owner| self.labels(&owner).is_some_and(|labels| selector.matches(labels)))
        })
    }

    /// The owner of a process: that of itself, of its nearest ancestor on record, or of the control group it is in.
    pub fn of(&self, world: &dyn World, pid: Pid) -> Option<ServiceName> {
        if self.recorded.is_empty() {
            return None;
        }
        let above = tree::ancestors(world, pid).known().unwrap_or_default();
        let by_family = std::iter::once(pid).chain(above).find_map(|pid| {
            let (start, name) = self.recorded.get(&pid)?;
            let now = world.stat(pid).known()?.start;
            (now == *start).then(|| name.clone())
        });
        by_family.or_else(|| self.by_group(world, pid))
    }

    /// Of those that left the family of their Service.
    fn by_group(&self, world: &dyn World, pid: Pid) -> Option<ServiceName> {
        if self.groups.is_empty() {
            return None;
        }
        let lines = world.cgroups(pid).known()?;
        lines.iter().find_map(|line| {
            let path = String::from_utf8_lossy(&line.path);
            let name = path.split('/').find_map(|part| self.groups.get(part))?;
            Some(name.clone())
        })
    }
}

/// Those that nothing is done to.
#[derive(Debug)]
pub(super) struct Spared {
    me: Option<Pid>,
    above: BTreeSet<Pid>,
    /// Who is above us can't be told.
    unsure: bool,
}

impl Spared {
    pub(super) fn of(world: &dyn World) -> Self {
        let me = world.self_pid();
        let above = me.clone().and_then(|me| tree::ancestors(world, me));
        let unsure = matches!((&me, &above), (Fact::Unknown(_), _) | (_, Fact::Unknown(_)));
        Self { me: me.known(), above: above.known().unwrap_or_default().into_iter().collect(), unsure }
    }

    /// Why nothing is done to this one.
    pub(super) fn why(&self, world: &dyn World, pid: Pid) -> Option<&'static str> {
        if pid.0 <= 1 {
            return Some("the first process");
        }
        if self.me == Some(pid) {
            return Some("selfsame itself");
        }
        if self.above.contains(&pid) {
            return Some("an ancestor of selfsame");
        }
        match world.stat(pid) {
            Fact::Known(stat) if stat.is_kernel_thread() => Some("a kernel thread"),
            Fact::Known(_) | Fact::Absent if self.unsure => Some("possibly an ancestor of selfsame"),
            Fact::Known(_) | Fact::Absent => None,
            Fact::Unknown(_) => Some("a process of which it can't be told whether it is a kernel thread"),
        }
    }
}
