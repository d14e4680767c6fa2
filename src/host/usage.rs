//! What processes take: CPU time and resident memory, each with all that descends from it.
//!
//! For display only. A number is shown for a key, so that nobody is shown what a stranger with the same number takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clock;
use super::proc::Glance;
use crate::facts::Fact;
use crate::facts::Stat;
use crate::units::{Pid, StartTicks, WallTime};

/// What a process and its descendants take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// User and kernel mode, since each of them began.
    pub cpu: Duration,
    /// Resident, in bytes. What they share is counted for each.
    pub memory: u64,
    /// How many they are.
    pub processes: u32,
}

impl Usage {
    fn add(&mut self, stat: &Stat) {
        let [user, system, ..] = stat.cpu_ticks;
        self.cpu = self.cpu.saturating_add(ticks(user.saturating_add(system)));
        self.memory = self.memory.saturating_add(bytes(stat));
        self.processes += 1;
    }
}

/// What these take, from one look at all processes. A key that nobody has any more is missing, and so is everything
/// where `/proc` can't be read.
pub fn of(keys: &[(Pid, StartTicks)]) -> BTreeMap<(Pid, StartTicks), Usage> {
    if keys.is_empty() {
        return BTreeMap::new();
    }
    let glance = Glance::new();
    let mut seen: BTreeMap<Pid, Stat> = BTreeMap::new();
    for pid in glance.pids().unwrap_or_default() {
        if let Fact::Known(stat) = glance.stat(pid) {
            seen.insert(pid, stat);
        }
    }
    let mut children: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
    for (pid, stat) in &seen {
        children.entry(stat.ppid).or_default().push(*pid);
    }
    let is_there = |key: &&(Pid, StartTicks)| seen.get(&key.0).is_some_and(|stat| stat.start == key.1);
    keys.iter().filter(is_there).map(|key| (*key, sum(key.0, &seen, &children))).collect()
}

/// INVARIANT: ends although the look isn't one moment. Each process is in the list of one parent, and counted with the
/// first that leads to it.
fn sum(pid: Pid, seen: &BTreeMap<Pid, Stat>, children: &BTreeMap<Pid, Vec<Pid>>) -> Usage {
    let mut usage = Usage::default();
    let mut counted = std::collections::BTreeSet::new();
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        if !counted.insert(pid) {
            continue;
        }
        if let Some(stat) = seen.get(&pid) {
            usage.add(stat);
        }
        open.extend(children.get(&pid).into_iter().flatten());
    }
    usage
}

/// What this very process takes, and when it began. `None`: `/proc` can't be read.
pub fn own() -> Option<(Usage, WallTime)> {
    let glance = Glance::new();
    let stat = glance.stat(glance.me()).known()?.clone();
    let mut usage = Usage::default();
    usage.add(&stat);
    let nanos = u64::try_from(clock::began(stat.start)).unwrap_or(0);
    Some((usage, WallTime(Duration::from_nanos(nanos))))
}

/// The kernel's unit of CPU time.
fn ticks(count: u64) -> Duration {
    let second = rustix::param::clock_ticks_per_second().max(1);
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(second);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A glance counts pages.
fn bytes(stat: &Stat) -> u64 {
    stat.rss.saturating_mul(rustix::param::page_size() as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn key_of(pid: u32) -> (Pid, StartTicks) {
        let pid = Pid(i32::try_from(pid).unwrap());
        (pid, Glance::new().stat(pid).known().unwrap().start)
    }

    #[test]
    fn a_tree_is_counted_as_a_whole_and_a_stranger_with_its_number_is_not() {
        // The shell waits for its child, so that both are there.
        let script = "sleep 1000 & echo begun; wait";
        let mut shell = Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.stdout.take().unwrap()), &mut line)
            .unwrap();
        let key = key_of(shell.id());
        let stranger = (key.0, StartTicks(key.1.0 + 1));
        let usage = of(&[key, stranger]);
        let tree = usage.get(&key).copied();
        let below = super::super::probe::descendants(key.0);
        for child in &below {
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_raw(child.pid.0).unwrap(),
                rustix::process::Signal::KILL,
            );
        }
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert_eq!(tree.unwrap().processes, 2);
        assert!(tree.unwrap().memory > 4096);
        assert_eq!(usage.get(&stranger), None);
        assert!(of(&[key]).is_empty(), "it is gone");
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = own().unwrap();
        let mut sum = 0u64;
        while own().unwrap().0.cpu < before.0.cpu + Duration::from_millis(20) {
            sum = (0..1_000_000).fold(sum, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
        }
        assert_ne!(sum, 1);
        assert!(before.0.memory > 1 << 20);
        assert!(before.1 <= clock::now().wall);
    }
}
