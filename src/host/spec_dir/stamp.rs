//! What the kernel says of a file without its being read: the same stamp, the same content, but for the coarse clock of
//! file systems, for maps that aren't written back yet, and for those who set times back. Who relies on stamps knows
//! them (`known.rs`).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::fs::{FileType, Stat};

/// The coarsest clock of a file system: FAT counts in two seconds.
pub(super) const COARSEST: Duration = Duration::from_secs(2);

/// The kernel's own clock for stamps is put on a hundred times a second at least.
const TICK: Duration = Duration::from_millis(10);

/// When files are read, by the clock that the kernel stamps with, and on which device: the one of a directory whose file system is no other
/// machine's.
#[derive(Clone, Copy, Debug)]
pub(in crate::host) struct Reading {
    pub(in crate::host) device: u64,
    /// Since 1970.
    pub(in crate::host) at: Duration,
}

/// Times are compared with what they were before; with the clock only for whether a file that was read is to be read once more ([`Reading`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::host) struct Stamp {
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
    pub(in crate::host) fn of_stat(stat: &Stat) -> Self {
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

    /// Whether whatever is done to the file after `reading` shows in its stamp, on a file system that goes by the clock of this kernel: what is
    /// done then is stamped with that moment or a later one. Nobody can set the time of a change of the inode, and where the clock is set
    /// back it would have to come to the very nanosecond again. Nothing is said of a file of another file system, nor of one that was
    /// changed a moment before, or later than it is by now.
    pub(in crate::host) fn is_older_than(&self, reading: Reading) -> bool {
        let [_, (seconds, nanos)] = self.changed;
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else { return false };
        // A file system that counts more coarsely than that has whole ones.
        let unit = if nanos % 1_000_000 == 0 { COARSEST } else { TICK };
        let (device, _) = self.file;
        device == reading.device && Duration::new(seconds, nanos) + unit <= reading.at
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.file == other.file
    }

    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_older_than_the_clock_when_no_later_change_can_have_its_stamp() {
        let stamp = |seconds, nanos| Stamp {
            file: (1, 2),
            size: 0,
            mode: 0,
            owner: (0, 0),
            changed: [(0, 0), (seconds, nanos)],
        };
        let reading = |device, millis| Reading { device, at: Duration::from_millis(millis) };
        for (stamp, reading, expected) in [
            (stamp(5, 1), reading(1, 5_011), true),
            (stamp(5, 1), reading(1, 5_010), false),
            (stamp(5, 1), reading(2, 9_000), false),
            (stamp(5, 1), reading(1, 4_000), false),
            // A file system that counts seconds, or two of them.
            (stamp(5, 0), reading(1, 6_999), false),
            (stamp(5, 0), reading(1, 7_000), true),
            (stamp(-5, 1), reading(1, 7_000), false),
        ] {
            assert_eq!(stamp.is_older_than(reading), expected, "{stamp:?} {reading:?}");
        }
    }
}
