//! Who is there, for somebody who waits for it: those of the last listing that are still there, and whoever was given a number since
//! ([`super::recent`]).
//!
//! The kernel lists a thousand processes in more than a millisecond, a quarter of what somebody waits who has written a document and
//! asks for it. A process that isn't in the last listing was told of by the kernel since, where it does that. Elsewhere it has a number
//! that was given out after the listing, or too shortly before it to be seen; each of these is asked about. Where so many were given
//! out that this can't be told, or that it takes as long, all are listed.
//! A complete look follows within a second, as after a restart: whoever restores processes gives them numbers of its own choice.

use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open, test_kill_process};

use super::recent::{Cursor, Glimpsed};
use crate::host::table::ProcessTable;
use crate::units::Pid;

/// The last listing.
#[derive(Debug, Default)]
pub(super) struct Census(Option<(Glimpsed, Arc<[Pid]>)>);

impl Census {
    /// These are all, listed after this moment.
    pub(super) fn note(&mut self, at: Glimpsed, listed: Arc<[Pid]>) {
        self.0 = Some((at, listed));
    }

    /// Whether it can be told who is there at this moment.
    pub(super) fn reaches(&self, now: Cursor, table: &ProcessTable) -> bool {
        self.began_since(now, table).is_some()
    }

    /// All processes that began before this moment and are there, ascending. Kept numbers (ascending) are known to be somebody's.
    pub(super) fn at(&self, now: Cursor, table: &ProcessTable, kept: &[Pid]) -> Option<Vec<Pid>> {
        let (_, listed) = self.0.as_ref()?;
        let mut rest = kept;
        let mut is_kept = |pid: Pid| {
            while let Some((_, after)) = rest.split_first().filter(|(first, _)| **first < pid) {
                rest = after;
            }
            rest.first() == Some(&pid)
        };
        let mut pids: Vec<Pid> =
            listed.iter().copied().filter(|pid| is_kept(*pid) || !is_nobodys(*pid)).collect();
        for pid in self.began_since(now, table)? {
            if kept.binary_search(&pid).is_ok() || is_process(pid)? {
                pids.push(pid);
            }
        }
        pids.sort_unstable();
        Some(pids)
    }

    /// The numbers of whoever may have come since.
    fn began_since(&self, now: Cursor, table: &ProcessTable) -> Option<Vec<Pid>> {
        let (at, listed) = self.0.as_ref()?;
        let is_listed = |pid: Pid| listed.binary_search(&pid).is_ok();
        at.heard(table, is_listed).or_else(|| at.until(now, is_listed))
    }
}

fn is_nobodys(pid: Pid) -> bool {
    rustix::process::Pid::from_raw(pid.0).is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

/// Threads have numbers as well. `None`: this kernel doesn't tell.
fn is_process(pid: Pid) -> Option<bool> {
    match pidfd_open(rustix::process::Pid::from_raw(pid.0)?, PidfdFlags::empty()) {
        Ok(_) => Some(true),
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Some(false),
        Err(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc;

    use super::*;
    use crate::host::linux::recent::Counter;
    use crate::host::proc::LiveWorld;
    use crate::process::world::World as _;

    fn child() -> (Child, Pid) {
        let child = Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        (child, pid)
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn who_came_and_who_went_since_the_last_listing_is_told() {
        let mut counter = Counter::default();
        let Some(before) = counter.now() else { return };
        let ((stays, staying), (goes, going)) = (child(), child());
        let listed = LiveWorld::new().unwrap().pids().known().unwrap();
        let mut census = Census::default();
        let untold = ProcessTable::default();
        assert!(!census.reaches(before, &untold), "nobody was listed");
        census.note(Glimpsed::new(before, untold.mark(), &listed), listed);
        end(goes);
        let ((came, coming), (ended, gone)) = (child(), child());
        end(ended);
        let (tell, told) = mpsc::channel();
        let (let_go, held) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(Pid(rustix::thread::gettid().as_raw_nonzero().get())).unwrap();
            let _ = held.recv();
        });
        let thread_id = told.recv().unwrap();
        let now = counter.now().unwrap();
        // Other tests may make so many meanwhile that nothing can be told.
        if let Some(pids) = census.at(now, &untold, &[]) {
            assert!(census.reaches(now, &untold));
            for (pid, is_there, who) in [
                (staying, true, "was listed and stays"),
                (going, false, "was listed and ended"),
                (coming, true, "came since"),
                (gone, false, "came since and ended"),
                (thread_id, false, "a thread"),
                (Pid(1), true, "the first process"),
            ] {
                assert_eq!(pids.contains(&pid), is_there, "{who}");
            }
            assert!(pids.is_sorted());
            let kept = census.at(now, &untold, &[going, coming]).unwrap();
            assert!(kept.contains(&going) && kept.contains(&coming), "who is kept isn't asked about");
        }
        drop(let_go);
        thread.join().unwrap();
        end(stays);
        end(came);
    }
}
