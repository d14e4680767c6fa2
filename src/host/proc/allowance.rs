//! How long a look waits for reads that can block: so long for one process, and so long altogether.
//!
//! One stuck process then costs its own verdict and no other, and a host where everything is slow costs the facts
//! that were asked for last, not the loop. A helper thread that is away stays away until the kernel lets it go,
//! however often the process is looked at: the next looks know of it and don't send another one after it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::LiveWorld;
use super::entry::Entry;
use super::read::Failure;
use super::readers::MOST_STUCK;
use crate::units::Pid;

/// What may keep a read waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Behind {
    /// The memory lock of the process.
    Memory,
    /// A file server. It says nothing about the memory of the process, so the two are counted apart.
    Files,
}

/// Reads that did not come back in time, by the process and the inode number of its directory, which is new with every
/// process; with a flag that is set when the read is over after all.
#[derive(Debug, Default)]
pub(super) struct Away(RefCell<BTreeMap<(Pid, u64, Behind), Arc<AtomicBool>>>);

impl Away {
    fn has(&self, pid: Pid, dir: &OwnedFd, behind: Behind) -> bool {
        let mut away = self.0.borrow_mut();
        away.retain(|_, over| !over.load(Ordering::Acquire));
        // Nearly always nothing is away, and then no system call is spent on it.
        let is = |ino| away.contains_key(&(pid, ino, behind));
        !away.is_empty() && rustix::fs::fstat(dir).is_ok_and(|stat| is(stat.st_ino))
    }

    fn note(&self, pid: Pid, dir: &OwnedFd, behind: Behind, over: Arc<AtomicBool>) {
        if let Ok(stat) = rustix::fs::fstat(dir) {
            self.0.borrow_mut().insert((pid, stat.st_ino, behind), over);
        }
    }

    /// Those that are kept by the memory of a process.
    pub(super) fn pids(&self) -> BTreeSet<Pid> {
        let away = self.0.borrow();
        away.keys().filter(|(.., behind)| *behind == Behind::Memory).map(|(pid, ..)| *pid).collect()
    }
}

impl LiveWorld {
    /// Runs `work` on a helper thread within what its process and the look have left. `dir` is the process.
    pub(super) fn within<T: Send + 'static>(
        &self,
        entry: &Entry,
        dir: &OwnedFd,
        behind: Behind,
        work: impl FnOnce() -> Result<T, Errno> + Send + 'static,
    ) -> Result<T, Failure> {
        let taken = entry.rest().taken(behind);
        let own = self.memory_deadline.checked_sub(taken.get()).filter(|left| !left.is_zero());
        let own = own.filter(|_| !self.away.has(entry.pid, dir, behind)).ok_or(Failure::Late)?;
        let whole = self.budget_left()?;
        let over = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&over);
        let begun = Instant::now();
        let limit = own.min(whole);
        let answer = self.readers.run(limit, move || {
            let answer = work();
            tell.store(true, Ordering::Release);
            answer
        });
        // What a helper waited for a processor isn't the fault of the process.
        let time = begun.elapsed().min(limit);
        self.spend(time);
        if let Some(answer) = answer {
            taken.set(taken.get() + time);
            return Ok(answer?);
        }
        if begun.elapsed() < limit && self.readers.stuck() < MOST_STUCK {
            // The kernel gives no other thread (`RLIMIT_NPROC`, `pids.max`).
            return Err(Failure::NoHelper);
        }
        // The flag has no other owner where no helper could be had: then nothing is away.
        if Arc::strong_count(&over) > 1 {
            self.away.note(entry.pid, dir, behind, over);
        }
        // It may be the look that had no more time for it, and not the process that took too long.
        if whole < own {
            return Err(Failure::Spent);
        }
        taken.set(self.memory_deadline);
        Err(Failure::Late)
    }

    /// What the look may still wait.
    pub(super) fn budget_left(&self) -> Result<Duration, Failure> {
        let left = self.budget.checked_sub(self.waited.get()).filter(|left| !left.is_zero());
        left.ok_or(Failure::Spent)
    }

    pub(super) fn spend(&self, time: Duration) {
        self.waited.set(self.waited.get() + time);
    }
}

/// How long the reads of one process have taken: when its time is used up, no other is tried in this look.
#[derive(Debug, Default)]
pub(super) struct Taken {
    memory: Cell<Duration>,
    files: Cell<Duration>,
}

impl Taken {
    pub(super) fn by(&self, behind: Behind) -> &Cell<Duration> {
        match behind {
            Behind::Memory => &self.memory,
            Behind::Files => &self.files,
        }
    }
}
