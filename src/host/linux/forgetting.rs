//! What is held for what is on record (pidfds, groups, probes, commands) is let go of once no record speaks of it any more.
//!
//! To find that out takes a look at all records. Most of what is remembered takes nothing away: then what differs from the last
//! time is enough.

use std::collections::BTreeSet;

use super::LinuxHost;
use crate::facts::ProcessKey;
use crate::plan::memory::{Instance, Memory, Phase, Record, Records};
use crate::spec::ServiceName;

/// The records that what is held was last compared with.
#[derive(Debug)]
pub(super) struct Noted {
    /// As they were then.
    pub(super) records: Option<Records>,
    /// They stopped speaking of something since the last time that something was let go of.
    lost: bool,
    /// What rests on the records is not sure to be as they are.
    pub(super) behind: bool,
}

impl Noted {
    /// Nothing is known of any.
    pub(super) const NOTHING: Self = Self { records: None, lost: true, behind: true };
}

/// What records speak of.
#[derive(Debug, Default)]
struct Spoken<'m> {
    keys: BTreeSet<&'m ProcessKey>,
    groups: BTreeSet<&'m str>,
    /// Of commands.
    nonces: BTreeSet<&'m str>,
}

impl<'m> Spoken<'m> {
    fn of(records: impl IntoIterator<Item = &'m Record>) -> Self {
        let mut all = Self::default();
        records.into_iter().flat_map(|record| record.instances.values()).for_each(|one| all.add(one));
        all
    }

    fn add(&mut self, instance: &'m Instance) {
        if let Phase::Intended { group: Some(group), .. } = &instance.phase {
            self.groups.insert(group.as_str());
        }
        if let Phase::Stopping { tree, .. } = &instance.phase {
            self.keys.extend(tree);
        }
        if let Some(process) = instance.phase.process() {
            self.keys.insert(&process.key);
            self.groups.extend(process.group.as_deref());
        }
        self.nonces.extend(instance.errand.as_ref().and_then(|errand| errand.nonce.as_deref()));
    }

    fn is_within(&self, other: &Self) -> bool {
        self.keys.is_subset(&other.keys)
            && self.groups.is_subset(&other.groups)
            && self.nonces.is_subset(&other.nonces)
    }
}

/// Whether some record doesn't speak any more of what it spoke of.
fn something_is_lost(before: &Records, after: &Records) -> bool {
    after.changes_since(before).any(|change| match (change.was, change.is) {
        (Some(was), Some(is)) => {
            was.instances.keys().any(|index| !is.instances.contains_key(index))
                || !Spoken::of([&**was]).is_within(&Spoken::of([&**is]))
        }
        (was, _) => was.is_some(),
    })
}

impl LinuxHost {
    /// Notes what is on record from now on. A start that follows doesn't wait until what isn't any more is let go of.
    pub(super) fn note_records(&mut self, memory: &Memory) {
        let before = self.noted.records.replace(memory.services.clone());
        self.noted.lost |= before.is_none_or(|before| something_is_lost(&before, &memory.services));
        self.exits.forget_strays();
    }

    /// Lets go of what is no longer on record.
    pub(super) fn let_go(&mut self) {
        // What policies have begun is on no record, so that nobody would notice that it is over.
        let of_policies = !self.acting.is_idle();
        if self.noted.lost || of_policies {
            let Some(records) = self.noted.records.clone() else { return };
            self.forget_all_but(&records);
            self.noted.lost = of_policies;
        }
    }

    fn forget_all_but(&mut self, records: &Records) {
        let rows = records.rows_where(|told| told.has_process || told.is_busy);
        let mut spoken = Spoken::of(rows.map(|(_, record)| &**record));
        self.groups.keep(&spoken.groups);
        let of_policies = self.acting.keys();
        self.exits.retain(|key| spoken.keys.contains(key) || of_policies.contains(key));
        self.looked.keep(records);
        self.seen.keep(records);
        self.probes.retain(|key| spoken.keys.contains(key));
        let known = |(name, index): &(ServiceName, u32)| {
            records.get(name).is_some_and(|record| record.instances.contains_key(index))
        };
        self.ears.retain(&spoken.keys, known);
        spoken.nonces.extend(self.acting.nonces());
        self.commands.retain(&spoken.nonces);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::memory::Process;
    use crate::spec::Service;
    use crate::units::{BootId, BootTime, Pid, StartTicks};

    fn running(pid: i32) -> Phase {
        let process = Process {
            group: Some(format!("g{pid}")),
            ..Process::bare(ProcessKey { boot: BootId("b".into()), pid: Pid(pid), start: StartTicks(1) })
        };
        Phase::Running { process, ready_since: BootTime::default(), probe_failures: 0, probed: None }
    }

    fn records(services: &[(&str, &[Phase])]) -> Records {
        let record = |(name, phases): &(&str, &[Phase])| {
            let name = ServiceName::near(name);
            let mut record = Record::new(Service::new(name.clone(), "/bin/true".into()));
            for (index, phase) in (0..).zip(phases.iter()) {
                record.instances.insert(index, Instance { phase: phase.clone(), ..Instance::default() });
            }
            (name, Arc::new(record))
        };
        services.iter().map(record).collect()
    }

    #[test]
    fn whoever_takes_nothing_away_loses_nothing() {
        let one = running(7);
        let before = records(&[("a", std::slice::from_ref(&one))]);
        let lost = |after: &Records| something_is_lost(&before, after);
        assert!(!lost(&before.clone()));
        assert!(
            !lost(&records(&[("a", std::slice::from_ref(&one)), ("b", &[running(8)])])),
            "another object"
        );
        assert!(!lost(&records(&[("a", &[one.clone(), running(8)])])), "another instance");
        assert!(lost(&records(&[("a", &[running(8)])])), "another process");
        assert!(lost(&records(&[("a", &[Phase::Vacant])])), "no process");
        assert!(lost(&records(&[("a", &[])])), "no instance");
        assert!(lost(&records(&[("b", &[one])])), "no object");
        assert!(something_is_lost(&records(&[("a", &[Phase::Vacant])]), &records(&[("a", &[])])), "a place");
    }
}
