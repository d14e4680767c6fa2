//! The child's table of descriptors. A copy of the engine's takes as long as what is open there, and the engine has one for
//! each process that it keeps: so the child begins in the engine's own table, and its first step is a table of its own with no
//! more in it than what it needs, which are low numbers.
//!
//! INVARIANT: what children have to hold until they execute (see [`super`]) is below the end of that copy.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::raw::call;

/// What is kept for long has numbers from here on, so that what is opened for a moment has low ones.
const KEPT_FROM: RawFd = 256;

/// The highest descriptor that every child has to hold until it executes.
static HELD: AtomicI32 = AtomicI32::new(2);

/// Every child that is started from now on holds this descriptor (close-on-exec, as all are) until it executes.
pub fn held_until_exec(descriptor: impl AsFd) {
    HELD.fetch_max(descriptor.as_fd().as_raw_fd(), Ordering::SeqCst);
}

/// The same open file under a number that is in nobody's way. Where the limit is too low, as it was.
pub fn out_of_the_way(descriptor: OwnedFd) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(&descriptor, KEPT_FROM).unwrap_or(descriptor)
}

/// The end of what a child needs, who uses these besides what all hold.
pub(super) fn end_of(needed: impl Iterator<Item = RawFd>) -> usize {
    let last = needed.fold(HELD.load(Ordering::SeqCst), RawFd::max);
    usize::try_from(last).map_or(0, |last| last + 1)
}

/// Called by the child, which shares the engine's table: a copy of what is below `end`, and of all where the kernel can't copy
/// a part (before 5.9).
///
/// # Errors
/// The kernel's errno. The table is still the engine's, and must not be touched.
pub(super) fn own(end: usize) -> Result<(), i32> {
    let part = libc::CLOSE_RANGE_UNSHARE as usize;
    // SAFETY: no pointers. What is closed is closed in the copy.
    let answer = unsafe { call(libc::SYS_close_range, [end, u32::MAX as usize, part, 0, 0]) };
    if answer.is_ok() {
        return Ok(());
    }
    // SAFETY: no pointers.
    unsafe { call(libc::SYS_unshare, [libc::CLONE_FILES.unsigned_abs() as usize, 0, 0, 0, 0]) }.map(|_| ())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_long_is_above_what_children_need_and_what_all_hold_is_below_their_end() {
        let open = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let kept = out_of_the_way(open());
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        assert!(kept.as_raw_fd() >= KEPT_FROM || limit.is_some_and(|limit| limit <= 256), "{kept:?}");
        let lock = open();
        held_until_exec(&lock);
        let end = end_of([lock.as_raw_fd() + 7].into_iter());
        assert!(end_of(std::iter::empty()) > usize::try_from(lock.as_raw_fd()).unwrap());
        assert!(end > usize::try_from(lock.as_raw_fd() + 7).unwrap());
    }
}
