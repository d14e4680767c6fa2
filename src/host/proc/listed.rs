//! All processes of one look: what getdents said, and a place for the facts of each.

use std::cell::Cell;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::io::Errno;

use super::entry::Entry;
use super::{raw, ticks_now};
use crate::units::{Pid, StartTicks};

/// What getdents said, ascending, and when it had said it, in clock ticks since boot.
#[derive(Debug)]
pub(super) struct Listing {
    pids: Vec<Pid>,
    failure: Option<Errno>,
    seen: StartTicks,
}

impl Listing {
    pub(super) fn of(proc: BorrowedFd<'_>, ticks: u64) -> Self {
        let mut pids = Vec::new();
        let failure = raw::list(proc, |name, _| pids.extend(raw::numeric(name).map(Pid))).err();
        // The kernel lists in ascending order; a search in the list relies on it.
        pids.sort_unstable();
        pids.dedup();
        Self { pids, failure, seen: ticks_now(ticks) }
    }

    /// What somebody else has found out until now.
    pub(super) fn told(pids: Vec<Pid>, ticks: u64) -> Self {
        Self { pids, failure: None, seen: ticks_now(ticks) }
    }
}

/// So many places are kept at hand.
const AT_HAND: usize = 64;

/// The same, with the facts of each.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) pids: Arc<[Pid]>,
    pub(super) failure: Option<Errno>,
    entries: Vec<Entry>,
    /// Who was asked for last: it is asked for again, or the next one is.
    last: Cell<usize>,
    /// Places by what is left of the number: ancestors are asked for by all that are below them.
    at_hand: [Cell<usize>; AT_HAND],
}

impl From<Listing> for Listed {
    fn from(Listing { pids, failure, seen }: Listing) -> Self {
        let entries = pids.iter().map(|pid| Entry::new(*pid, seen)).collect();
        let at_hand = [const { Cell::new(0) }; AT_HAND];
        Self { pids: pids.into(), failure, entries, last: Cell::new(0), at_hand }
    }
}

impl Listed {
    /// What is known of a process that is listed.
    pub(super) fn entry(&self, pid: Pid) -> Option<&Entry> {
        self.entries.get(self.place(pid)?)
    }

    /// Its place in the listing.
    pub(super) fn place(&self, pid: Pid) -> Option<usize> {
        let (last, left) = (self.last.get(), usize::try_from(pid.0).ok()? % AT_HAND);
        let at_hand = self.at_hand.get(left)?;
        let near = [last, last + 1, at_hand.get()].into_iter().find(|at| self.pids.get(*at) == Some(&pid));
        let at = near.or_else(|| self.pids.binary_search(&pid).ok())?;
        self.last.set(at);
        at_hand.set(at);
        Some(at)
    }
}
