//! What tells two processes apart that had one number and began in the same clock tick: the inode of their pidfds.

use std::os::fd::AsFd;

use rustix::fs::{FsWord, fstat, fstatfs};

use crate::units::PidfdInode;

/// `PID_FS_MAGIC` of `linux/magic.h`.
const PID_FS_MAGIC: FsWord = 0x5049_4446;

/// The inode of a pidfd: no other process of this boot has the same one. `None` where pidfds have no file system of
/// their own (before Linux 6.9 all of them share one inode).
pub fn inode(pidfd: impl AsFd) -> Option<PidfdInode> {
    let pidfd = pidfd.as_fd();
    let own = fstatfs(pidfd).is_ok_and(|fs| fs.f_type == PID_FS_MAGIC);
    own.then(|| fstat(pidfd).ok()).flatten().map(|stat| PidfdInode(stat.st_ino))
}
