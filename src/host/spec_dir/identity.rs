//! Which directory it is that a path leads to, and when another one in its place is believed.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, StatxFlags, statx};
use rustix::io;

use crate::units::BootTime;

/// Another directory must be seen twice, so far apart, before what isn't in it counts as gone.
const CONFIRMED: Duration = Duration::from_secs(1);

/// A directory or file: another one under the same name is another source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Identity {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Its birth in nanoseconds, where the file system keeps it: the inode of a removed directory is soon given to the
    /// next one.
    pub born: Option<i128>,
    /// The mount that it was reached through; 0 before Linux 5.8.
    pub mount: u64,
}

impl Identity {
    /// What an open descriptor is of.
    pub(super) fn of(file: impl AsFd) -> io::Result<Self> {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID;
        Ok(Self::from(&statx(file, c"", AtFlags::EMPTY_PATH, mask)?))
    }

    fn from(found: &rustix::fs::Statx) -> Self {
        let has = |flag: StatxFlags| found.stx_mask & flag.bits() != 0;
        let born = i128::from(found.stx_btime.tv_sec) * 1_000_000_000 + i128::from(found.stx_btime.tv_nsec);
        Self {
            dev: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
            ino: found.stx_ino,
            born: has(StatxFlags::BTIME).then_some(born),
            mount: if has(StatxFlags::MNT_ID) { found.stx_mnt_id } else { 0 },
        }
    }

    /// The same directory, whichever mount shows it: a file system that was mounted again is the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.dev, self.ino, self.born) == (other.dev, other.ino, other.born)
    }

    /// Something was mounted over it, or unmounted under it: another file system is there.
    fn is_elsewhere(&self, other: &Self) -> bool {
        self.dev != other.dev && (self.mount != other.mount || self.mount == 0)
    }
}

/// Whether to believe the directory that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// The one that it was.
    Familiar,
    /// Another one: what it holds counts, what it doesn't hold isn't gone. To be confirmed at this time.
    New { again: BootTime },
}

/// The directories of a place as they were believed last, by their path below it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Believed {
    dirs: BTreeMap<PathBuf, (Identity, Option<(Identity, BootTime)>)>,
}

impl Believed {
    /// Takes what is at this path for known, or begins to.
    pub(super) fn judge(&mut self, path: &Path, seen: Identity, now: BootTime) -> Standing {
        let Some((believed, newcomer)) = self.dirs.get_mut(path) else {
            self.dirs.insert(path.to_owned(), (seen, None));
            return Standing::Familiar;
        };
        if believed.is_same(&seen) {
            (*believed, *newcomer) = (seen, None);
            return Standing::Familiar;
        }
        let since = match newcomer {
            Some((known, since)) if known.is_same(&seen) => *since,
            Some(_) | None => {
                *newcomer = Some((seen, now));
                now
            }
        };
        let again = since.after(CONFIRMED);
        if now < again {
            return Standing::New { again };
        }
        (*believed, *newcomer) = (seen, None);
        Standing::Familiar
    }

    /// Whether what is there is on another file system than what was believed last; asked before [`Believed::judge`].
    pub(super) fn moved_elsewhere(&self, path: &Path, seen: &Identity) -> bool {
        self.dirs
            .get(path)
            .is_some_and(|(believed, _)| believed.is_elsewhere(seen) && !believed.is_same(seen))
    }

    /// Forgets directories that are gone, so that their paths are free for others.
    pub(super) fn keep(&mut self, there: impl Fn(&Path) -> bool) {
        self.dirs.retain(|path, _| there(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(ino: u64) -> Identity {
        Identity { dev: 1, ino, born: None, mount: 7 }
    }

    fn at(ms: u64) -> BootTime {
        BootTime(Duration::from_millis(ms))
    }

    #[test]
    fn another_directory_is_believed_when_it_was_seen_twice() {
        let mut believed = Believed::default();
        let place = Path::new("");
        let familiar = |believed: &mut Believed, ino, ms| {
            believed.judge(place, identity(ino), at(ms)) == Standing::Familiar
        };
        for (step, (ino, ms, expected)) in [
            (1, 0, true),
            (1, 5_000, true),
            (2, 6_000, false),
            (2, 6_999, false),
            (3, 7_000, false),
            (2, 8_000, false),
            (2, 8_500, false),
            (2, 9_000, true),
            (2, 9_001, true),
            (1, 9_002, false),
            (2, 9_003, true),
            (1, 11_000, false),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(familiar(&mut believed, ino, ms), expected, "step {step}");
        }
    }

    #[test]
    fn the_same_directory_through_another_mount_is_the_same() {
        let mut believed = Believed::default();
        believed.judge(Path::new(""), identity(1), at(0));
        let remounted = Identity { mount: 9, ..identity(1) };
        assert!(!believed.moved_elsewhere(Path::new(""), &remounted));
        assert_eq!(believed.judge(Path::new(""), remounted, at(1)), Standing::Familiar);
        let covered = Identity { dev: 5, mount: 10, ..identity(1) };
        assert!(believed.moved_elsewhere(Path::new(""), &covered));
        let replaced = Identity { mount: 9, ..identity(2) };
        assert!(!believed.moved_elsewhere(Path::new(""), &replaced), "on the same file system");
    }
}
