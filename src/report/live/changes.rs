//! What is worth a line between one status and the next.

use crate::plan::memory::Exit;
use crate::plan::status::{ConditionStatus, ConditionType, InstanceStatus, ServiceStatus};
use crate::report::{exit_words, status_line};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Objects that are not as they were, each with a sentence. That a wait has become shorter is no change.
pub fn changes(before: &[ServiceStatus], after: &[ServiceStatus]) -> Vec<(ServiceName, String)> {
    let find = |list: &[ServiceStatus], name: &ServiceName| {
        list.iter().position(|service| service.name == *name).and_then(|at| list.get(at).cloned())
    };
    let mut lines = Vec::new();
    for service in after {
        let old = find(before, &service.name);
        if old.as_ref().is_some_and(|old| essence(old) == essence(service)) {
            continue;
        }
        let ended = old.iter().flat_map(|old| ended(old, service));
        let line = std::iter::once(status_line(service)).chain(ended).collect::<Vec<_>>().join("; ");
        lines.push((service.name.clone(), line));
    }
    for gone in before.iter().filter(|old| find(after, &old.name).is_none()) {
        lines.push((gone.name.clone(), format!("{}: no longer on record", gone.name)));
    }
    lines
}

type Essence<'a> = (
    u64,
    Vec<(Option<Pid>, u64, &'a str, crate::plan::status::PhaseWord)>,
    Vec<(ConditionType, ConditionStatus, &'a str)>,
);

/// All that counts as a change.
fn essence(service: &ServiceStatus) -> Essence<'_> {
    let instances = service.instances.iter().map(|i| (i.pid, i.restarts, i.says.as_str(), i.phase)).collect();
    let conditions = service.conditions.iter().map(|c| (c.kind, c.status, &*c.reason)).collect();
    (service.generation, instances, conditions)
}

/// How processes ended that another has taken the place of.
fn ended(before: &ServiceStatus, after: &ServiceStatus) -> Vec<String> {
    let changed = |instance: &&InstanceStatus| {
        let old = before.instances.iter().find(|old| old.index == instance.index);
        old.is_some_and(|old| old.pid.is_some() && old.pid != instance.pid)
    };
    let exits = after.instances.iter().filter(changed).filter_map(|instance| instance.last_exit.as_ref());
    exits
        .filter(|exit| **exit != Exit::Stopped)
        .map(|exit| format!("before that it {}", exit_words(exit)))
        .collect()
}
