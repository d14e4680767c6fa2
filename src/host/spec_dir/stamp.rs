//! What the kernel says of a file without its being read: the same stamp, the same content, but for the coarse clock of
//! file systems, for maps that aren't written back yet, and for those who set times back. Who relies on stamps knows
//! them (`known.rs`).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{FileType, Stat};

/// Times are compared with what they were before, never with the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: i64,
    mode: u32,
    owner: (u32, u32),
    /// Of content and inode: seconds and nanoseconds.
    changed: [(i64, i64); 2],
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            file: (meta.dev(), meta.ino()),
            size: i64::try_from(meta.len()).unwrap_or(i64::MAX),
            mode: meta.mode(),
            owner: (meta.uid(), meta.gid()),
            changed: [(meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec())],
        }
    }

    #[allow(clippy::useless_conversion, reason = "the types of these fields differ between architectures")]
    pub(super) fn of_stat(stat: &Stat) -> Self {
        let nanos = |value| i64::try_from(value).unwrap_or_default();
        Self {
            file: (u64::from(stat.st_dev), u64::from(stat.st_ino)),
            size: i64::from(stat.st_size),
            mode: u32::from(stat.st_mode),
            owner: (stat.st_uid, stat.st_gid),
            changed: [
                (i64::from(stat.st_mtime), nanos(stat.st_mtime_nsec)),
                (i64::from(stat.st_ctime), nanos(stat.st_ctime_nsec)),
            ],
        }
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.file == other.file
    }

    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }
}
