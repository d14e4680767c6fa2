//! First facts read from both ends: most expressions begin with the user or the executable, and ask every process for it, one system
//! call each, and most of them for nothing else. A helper reads from the end of the listing while who asks comes from its beginning, until
//! they meet.
//!
//! Nobody waits for the helper. What it hasn't read when it is asked for is read by who asks, so that a helper without a processor
//! costs nothing. None of these reads can block (`fs/proc/base.c`, `pid_getattr` and `proc_pid_get_link`), and what one gave is a first
//! fact read by pid like any other: before a second one is told it is compared.

use std::cell::{Cell, OnceCell};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::fs::Stat;

use super::raw::{self, Leaf};
use super::readers::Readers;
use crate::units::{Gid, Pid, Uid};

/// So many questions in the order of the listing show that everybody will be asked.
const RUN: usize = 3;
/// Fewer processes are asked sooner than a thread is made.
const SHARED: usize = 256;

/// What is read in this way in one look.
#[derive(Debug)]
pub(super) struct FirstFacts {
    pub(super) owners: BothEnds<(Uid, Gid)>,
    pub(super) images: BothEnds<Stat>,
}

impl Default for FirstFacts {
    fn default() -> Self {
        Self {
            owners: BothEnds::of("", |stat| (Uid(stat.st_uid), Gid(stat.st_gid))),
            images: BothEnds::of("exe", |stat| *stat),
        }
    }
}

/// One fact of all processes, told by `stat` of one of their files.
#[derive(Debug)]
pub(super) struct BothEnds<T> {
    leaf: &'static str,
    told: fn(&Stat) -> T,
    /// Places that were asked for one after the other, from the first one on.
    run: Cell<usize>,
    ends: OnceCell<Option<Arc<Ends<T>>>>,
}

/// What both ends share.
#[derive(Debug)]
struct Ends<T> {
    /// By place in the listing.
    read: Box<[OnceLock<T>]>,
    /// The first place that nobody has asked for.
    asked: AtomicUsize,
}

impl<T: Copy + Send + Sync + 'static> BothEnds<T> {
    fn of(leaf: &'static str, told: fn(&Stat) -> T) -> Self {
        Self { leaf, told, run: Cell::new(0), ends: OnceCell::new() }
    }

    /// The fact of the process in this place, if the helper has read it.
    pub(super) fn take(
        &self,
        at: usize,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &Readers,
    ) -> Option<T> {
        if self.run.get() == at {
            self.run.set(at + 1);
        }
        if self.run.get() < RUN {
            return None;
        }
        let ends = self.ends.get_or_init(|| self.begin(pids, proc, readers)).as_ref()?;
        ends.asked.fetch_max(at + 1, Ordering::Relaxed);
        ends.read.get(at)?.get().copied()
    }

    /// `None`: there are too few processes for two, or nobody is to be had.
    fn begin(&self, pids: &Arc<[Pid]>, proc: &Arc<OwnedFd>, readers: &Readers) -> Option<Arc<Ends<T>>> {
        if pids.len() < SHARED || !readers.have_company() {
            return None;
        }
        let ends = Arc::new(Ends::among(pids));
        let (theirs, pids, proc) = (Arc::clone(&ends), Arc::clone(pids), Arc::clone(proc));
        let (leaf, told) = (self.leaf, self.told);
        readers.begin(move || theirs.read(&pids, &proc, leaf, told)).map(|_| ends)
    }
}

impl<T> Drop for BothEnds<T> {
    /// Nobody asks any more.
    fn drop(&mut self) {
        if let Some(Some(ends)) = self.ends.get() {
            ends.asked.store(usize::MAX, Ordering::Relaxed);
        }
    }
}

impl<T> Ends<T> {
    fn among(pids: &[Pid]) -> Self {
        Self { read: pids.iter().map(|_| OnceLock::new()).collect(), asked: AtomicUsize::new(0) }
    }

    /// The helper's part. Who isn't there, or can't be asked, is left to who asks.
    fn read(&self, pids: &[Pid], proc: &OwnedFd, leaf: &str, told: fn(&Stat) -> T) {
        for (at, (pid, place)) in pids.iter().zip(&self.read).enumerate().rev() {
            if at < self.asked.load(Ordering::Relaxed) {
                return;
            }
            if let Ok(stat) = raw::stat_at(proc.as_fd(), Leaf::of(*pid, leaf).as_c_str()) {
                let _ = place.set(told(&stat));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::host::proc::LiveWorld;

    #[test]
    fn the_helper_reads_what_nobody_has_asked_for_and_nothing_of_who_is_not_there() {
        let world = LiveWorld::new().unwrap();
        let me = Pid(std::process::id().cast_signed());
        let own = rustix::process::geteuid().as_raw();
        let pids = [me, me, me, Pid(i32::MAX), me];
        let ends = Ends::among(&pids);
        ends.asked.store(2, Ordering::Relaxed);
        ends.read(&pids, &world.proc, "", |stat| stat.st_uid);
        let found: Vec<_> = ends.read.iter().map(|place| place.get().copied()).collect();
        assert_eq!(found, [None, None, Some(own), None, Some(own)]);
    }

    #[test]
    fn who_asks_in_another_order_or_of_few_has_no_helper() {
        let world = LiveWorld::new().unwrap();
        let me = Pid(std::process::id().cast_signed());
        let many: Arc<[Pid]> = vec![me; SHARED].into();
        let few: Arc<[Pid]> = vec![me; SHARED - 1].into();
        let asked = |pids: &Arc<[Pid]>, places: &[usize]| {
            let owners = FirstFacts::default().owners;
            for at in places {
                owners.take(*at, pids, &world.proc, &world.readers);
            }
            owners.ends.get().is_some_and(Option::is_some)
        };
        assert!(!asked(&many, &[7, 3, 1, 0, 9, 8]));
        assert!(!asked(&few, &[0, 1, 2, 3]));
        assert_eq!(asked(&many, &[0, 1, 2]), world.readers.have_company());
    }
}
