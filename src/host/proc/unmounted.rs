//! That `binfmt_misc` isn't mounted, for as long as nothing was mounted since.
//!
//! Whoever restarts a service asks for it, and to find the place where it would be mounted takes the kernel longer than all else about a program. It
//! counts the changes of our mounts and says whether that count has changed since somebody asked (`mounts_poll` in `fs/proc_namespace.c`): that is asked,
//! and not waited for.

use std::cell::{Cell, OnceCell};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// Without waiting.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What the last look found, and what tells whether it holds.
#[derive(Debug, Default)]
pub(super) struct Unmounted {
    /// It was asked for before: who looks once has no use for the rest.
    asked: Cell<bool>,
    /// Our mounts; `None`: they can't be read.
    mounts: OnceCell<Option<OwnedFd>>,
    found: Cell<bool>,
}

impl Unmounted {
    /// Nothing was there at the last look, and nothing was mounted or unmounted since. To be asked before each look: what happens from then
    /// on is told by the next answer.
    pub(super) fn holds(&self, proc: BorrowedFd<'_>) -> bool {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        if !self.asked.replace(true) {
            return false;
        }
        let open = || rustix::fs::openat(proc, c"self/mountinfo", flags, Mode::empty()).ok();
        let Some(mounts) = self.mounts.get_or_init(open) else { return false };
        let is_unchanged = poll(&mut [PollFd::new(mounts, PollFlags::PRI)], Some(&AT_ONCE)) == Ok(0);
        is_unchanged && self.found.get()
    }

    /// What a look found that was made after [`Self::holds`] was asked.
    pub(super) fn note(&self, found: bool) {
        // Before its beginning nobody counted.
        self.found.set(found && self.mounts.get().is_some());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn what_was_found_before_anybody_counted_does_not_hold() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = rustix::fs::open("/proc", flags, Mode::empty()).unwrap();
        let unmounted = Unmounted::default();
        let asked_and_found = |found| {
            let held = unmounted.holds(proc.as_fd());
            unmounted.note(found);
            held
        };
        assert!(!asked_and_found(true), "nothing was found yet");
        assert!(!asked_and_found(true), "it may have been mounted since");
        assert!(asked_and_found(false));
        assert!(!asked_and_found(true), "it is mounted");
    }
}
