//! Which processes began since the last look, without asking each of them.
//!
//! The kernel gives out pids in ascending order and begins anew at the end. So what began since a moment has a pid between
//! the last one that was given out then and the last one now, unless so many processes were made meanwhile that it may have
//! come round; then nothing can be told, and all are looked at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use crate::plan::memory::Records;
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

/// Most processes that are looked at one by one.
const SPAN_MAX: i32 = 512;
/// A process that began shortly before a look may have executed its program after it.
const MARGIN: i32 = 32;

/// How far the kernel has come with giving out pids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The last one, in our namespace.
    last: i32,
    /// Processes made since boot, in all namespaces.
    forks: u64,
    /// Where it begins anew.
    max: u64,
}

impl Cursor {
    /// The present one. `None`: this kernel doesn't say.
    pub(super) fn now() -> Option<Self> {
        let number = |path: &str| text_of(path)?.trim().parse().ok();
        let last = number("/proc/sys/kernel/ns_last_pid")?;
        let max = number("/proc/sys/kernel/pid_max")?;
        let stat = text_of("/proc/stat")?;
        let forks = stat.lines().find_map(|line| line.strip_prefix("processes "))?.trim().parse().ok()?;
        Some(Self { last: i32::try_from(last).ok()?, forks, max })
    }

    /// The pids that may be of processes which began since `before`, ascending, without those on record: each of them is
    /// held and belongs to an object. `None`: any may.
    pub(super) fn since(&self, before: &Self, on_record: impl Fn(Pid) -> bool) -> Option<Vec<Pid>> {
        // With half of all numbers in use it takes half of them to come round.
        let made = self.forks.checked_sub(before.forks)?;
        let same = self.max == before.max && made < self.max / 2;
        let span = self.last.checked_sub(before.last).filter(|span| (0..=SPAN_MAX).contains(span));
        span.filter(|_| same)?;
        let young = (before.last.saturating_sub(MARGIN).max(1)..=before.last).map(Pid);
        let new = (before.last.saturating_add(1)..=self.last).map(Pid);
        Some(young.chain(new).filter(|pid| !on_record(*pid)).collect())
    }
}

/// A file of the kernel with few reads: the standard library, told of no size, begins with 32 bytes.
fn text_of(path: &str) -> Option<String> {
    let mut text = String::with_capacity(8 << 10);
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    Some(text)
}

/// How far the kernel was when each object was last looked for among all processes, and by which document.
#[derive(Debug, Default)]
pub(super) struct Looked(BTreeMap<ServiceName, (Arc<Service>, Cursor)>);

impl Looked {
    pub(super) fn at(&self, name: &ServiceName, spec: &Arc<Service>) -> Option<Cursor> {
        self.0.get(name).filter(|(by, _)| Arc::ptr_eq(by, spec)).map(|(_, cursor)| *cursor)
    }

    /// Everybody was seen but for those that begin after this.
    pub(super) fn note(&mut self, name: &ServiceName, spec: &Arc<Service>, cursor: Option<Cursor>) {
        match cursor {
            Some(cursor) => {
                self.0.insert(name.clone(), (Arc::clone(spec), cursor));
            }
            None => {
                self.0.remove(name);
            }
        }
    }

    /// Forgets what isn't on record any more.
    pub(super) fn keep(&mut self, known: &Records) {
        if self.0.len() > known.len() {
            self.0.retain(|name, _| known.contains_key(name));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_began_since_is_between_the_two() {
        let cursor = |last, forks| Cursor { last, forks, max: 32768 };
        let before = cursor(1000, 50_000);
        let pids = |now: Cursor| {
            now.since(&before, |pid| pid.0 != 990 && pid.0 < 1001)
                .map(|pids| pids.iter().map(|p| p.0).collect::<Vec<_>>())
        };
        assert_eq!(pids(cursor(1000, 50_000)), Some(vec![990]));
        assert_eq!(pids(cursor(1002, 50_400)), Some(vec![990, 1001, 1002]));
        for (last, forks, why) in [
            (999, 82_000, "it came round"),
            (1002, 50_000 + 16_384, "it may have come round"),
            (1002, 49_000, "the count went back"),
            (2000, 51_000, "too many to ask one by one"),
        ] {
            assert_eq!(pids(cursor(last, forks)), None, "{why}");
        }
        assert_eq!(Cursor { max: 65536, ..cursor(1002, 50_002) }.since(&before, |_| false), None);
    }

    #[test]
    fn a_process_that_begins_is_between_two_cursors() {
        let Some(before) = Cursor::now() else { return };
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        child.wait().unwrap();
        let since = Cursor::now().unwrap().since(&before, |_| false);
        // Other tests make processes at the same time.
        assert!(since.is_none_or(|pids| pids.contains(&pid)), "{pid}");
    }
}
