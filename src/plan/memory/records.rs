//! The records of all objects, by name: a value that costs nothing to copy, and whose versions are compared by what differs.
//! Memory before and after a tick, and what the ledger has written, are mostly the very same value.

use std::sync::{Arc, OnceLock};

use super::{Instance, Phase, Record};
use crate::plan::recorded::{StartedHere, keys};
use crate::sharing::{SharedMap, Told};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Records by the names of their objects. To ask for a record to be changed makes its part another one than that of all
/// copies, so look before you ask.
pub type Records = SharedMap<ServiceName, Arc<Record>, Traits>;

/// What is so of one record of a part at least, so that whoever looks for such records passes over all other parts.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Traits {
    /// It depends on others.
    pub depends: bool,
    /// Its document is a Task.
    pub is_task: bool,
    /// Something of it is being started, stopped, or waited for: an intent, a tree, a command.
    pub is_busy: bool,
    /// A process of it is on record.
    pub has_process: bool,
    /// The numbers of all processes, ascending, and the rows of their records.
    pids: Box<[(Pid, usize)]>,
    /// It is given sockets, copies of secrets or a pid file.
    pub is_given: bool,
    /// It remembers failures.
    pub failed: bool,
    /// What was started for whom, found out when it is asked for.
    pub(in crate::plan) started: OnceLock<StartedHere>,
}

impl Told<ServiceName, Arc<Record>> for Traits {
    fn of(rows: &[(ServiceName, Arc<Record>)]) -> Self {
        let mut all = Self::default();
        let mut pids = Vec::with_capacity(rows.len());
        for (row, (_, record)) in rows.iter().enumerate() {
            let spec = &record.spec;
            all.depends |= !spec.depends_on.is_empty();
            all.is_task |= spec.task.is_some();
            all.is_busy |= record.instances.values().any(is_busy);
            pids.extend(keys(record).map(|key| (key.pid, row)));
            all.is_given |= !spec.sockets.is_empty() || !spec.secrets.is_empty() || spec.write_pidfile;
            all.failed |= record.remembers_failures();
        }
        pids.sort_unstable();
        Self { has_process: !pids.is_empty(), pids: pids.into(), ..all }
    }
}

impl Traits {
    /// The rows of the records that have a process of this number.
    fn rows_of(&self, pid: Pid) -> impl Iterator<Item = usize> {
        let first = self.pids.partition_point(|(other, _)| *other < pid);
        let from = self.pids.get(first..).unwrap_or_default();
        from.iter().take_while(move |(other, _)| *other == pid).map(|(_, row)| *row)
    }
}

/// The records that have a process of this number, found without a look at all others.
pub fn records_of(records: &Records, pid: Pid) -> impl Iterator<Item = (&ServiceName, &Arc<Record>)> {
    records.parts().flat_map(move |(told, rows)| {
        told.rows_of(pid).filter_map(move |row| rows.get(row)).map(|(name, record)| (name, record))
    })
}

fn is_busy(instance: &Instance) -> bool {
    let moves = match &instance.phase {
        Phase::Intended { .. } | Phase::Starting { .. } | Phase::Stopping { .. } => true,
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished | Phase::Running { .. } => false,
    };
    moves || instance.errand.is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::facts::ProcessKey;
    use crate::plan::memory::Process;
    use crate::spec::Service;
    use crate::units::{BootId, BootTime, StartTicks};

    #[test]
    fn a_copy_is_the_same_value_until_it_is_changed() {
        let record =
            |name: &ServiceName| Arc::new(Record::new(Service::new(name.clone(), "/bin/true".into())));
        let names = ["a", "b"].map(ServiceName::near);
        let mut records: Records = names.iter().map(|name| (name.clone(), record(name))).collect();
        let copy = records.clone();
        assert!(records.is_same(&copy) && records.get(&names[0]).is_some());
        records.remove(&names[0]);
        assert!(!records.is_same(&copy) && records != copy);
        assert_eq!((records.len(), copy.len()), (1, 2));
        records.insert(names[0].clone(), record(&names[0]));
        assert_eq!(records, copy, "it says the same again");
    }

    #[test]
    fn records_are_found_by_the_numbers_of_their_processes() {
        let running = |pids: &[i32]| {
            let mut record = Record::new(Service::new(ServiceName::near("x"), "/bin/true".into()));
            for (index, pid) in (0..).zip(pids) {
                let key = ProcessKey { boot: BootId("b".into()), pid: Pid(*pid), start: StartTicks(1) };
                let (process, ready_since) = (Process::bare(key), BootTime::default());
                let phase = Phase::Running { process, ready_since, probe_failures: 0, probed: None };
                record.instances.insert(index, Instance { phase, ..Instance::default() });
            }
            Arc::new(record)
        };
        // More than one part, and two of them say the same number.
        let pids = |n: i32| vec![1000 - 2 * n, 2000 + n / 2];
        let rows = (0..200).map(|n| (ServiceName::near(&format!("s{n:03}")), running(&pids(n))));
        let mut records: Records = rows.collect();
        let found = |records: &Records, pid| -> Vec<String> {
            records_of(records, Pid(pid)).map(|(name, _)| name.to_string()).collect()
        };
        for n in 0..200 {
            assert_eq!(found(&records, 1000 - 2 * n), [format!("s{n:03}")]);
            assert_eq!(found(&records, 2000 + n / 2), [n & !1, n | 1].map(|n| format!("s{n:03}")));
        }
        assert_eq!(found(&records, 1001), [""; 0]);
        records.insert(ServiceName::near("s007"), running(&[5]));
        assert_eq!(found(&records, 986), [""; 0], "it is told anew after a change");
        assert_eq!(found(&records, 5), ["s007"]);
    }

    #[test]
    fn what_is_asked_for_is_found_after_each_change() {
        let names: Vec<ServiceName> = (0..200).map(|n| ServiceName::near(&format!("s{n:03}"))).collect();
        let new = |name: &ServiceName| {
            (name.clone(), Arc::new(Record::new(Service::new(name.clone(), "/bin/true".into()))))
        };
        let mut records: Records = names.iter().map(new).collect();
        let given = |records: &Records| {
            let rows = records.rows_where(|told| told.is_given);
            rows.filter(|(_, record)| record.spec.write_pidfile).count()
        };
        assert_eq!(given(&records), 0);
        for (at, name) in names.iter().enumerate().step_by(37) {
            let record = Arc::make_mut(records.get_mut(name).unwrap());
            Arc::make_mut(&mut record.spec).write_pidfile = true;
            assert_eq!(given(&records), at / 37 + 1);
        }
        let copy = records.clone();
        records.retain(|_, record| !record.spec.write_pidfile);
        assert_eq!((given(&records), given(&copy)), (0, 6));
    }
}
