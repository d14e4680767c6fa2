//! What tells two processes apart that had one number and began in the same clock tick: the inode of their pidfds.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use rustix::fs::{FsWord, fstat, fstatfs};

use crate::units::PidfdInode;

/// `PID_FS_MAGIC` of `linux/magic.h`.
const PID_FS_MAGIC: FsWord = 0x5049_4446;

/// The inode of a pidfd: no other process of this boot has the same one. `None` where pidfds have no file system of
/// their own (before Linux 6.9 all of them share one inode).
pub fn inode(pidfd: impl AsFd) -> Option<PidfdInode> {
    let pidfd = pidfd.as_fd();
    has_own(pidfd).then(|| fstat(pidfd).ok()).flatten().map(|stat| PidfdInode(stat.st_ino))
}

/// Whether pidfds have a file system of their own: of all of one kernel it is so or not.
fn has_own(pidfd: BorrowedFd<'_>) -> bool {
    static OWN: OnceLock<bool> = OnceLock::new();
    if let Some(known) = OWN.get() {
        return *known;
    }
    let Ok(fs) = fstatfs(pidfd) else { return false };
    *OWN.get_or_init(|| fs.f_type == PID_FS_MAGIC)
}
