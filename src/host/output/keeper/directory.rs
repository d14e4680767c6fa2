//! Directories that files of output stand in: asked once for all of their files, and whether that is needed at all.
//!
//! A file whose next write is waited for needs no look: what is written to it, that it loses its name and that it is moved tells inotify, and
//! that it told too much says it as well. What it doesn't tell is that the way to the file leads elsewhere. Each name that comes or goes
//! changes the times of the directory, a directory that was moved is another one under this path, and a mount is in the table of mounts.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, statat, statvfs};

use crate::host::output::moved::Place;

/// The coarsest clock of a file system: so long after its times were first seen no change can hide behind them.
const COARSEST: Duration = Duration::from_secs(2);
/// Every so many looks ask for each file, whatever is known.
const ALL_EVERY: u32 = 10;

/// Which directory it is, and when a name in it came or went last.
type Stamp = (u64, u64, [(i64, i64); 2]);

/// How a directory stood at the last look.
#[derive(Clone, Copy, Debug)]
struct Standing {
    stamp: Stamp,
    /// When it was first seen like this.
    since: Instant,
    /// All files in it were asked for when nothing could be hidden any more.
    is_sure: bool,
}

/// What is known of directories from look to look.
#[derive(Debug, Default)]
pub(super) struct Directories {
    known: BTreeMap<PathBuf, Standing>,
    mounts: Vec<u8>,
    looks: u32,
}

impl Directories {
    /// Begins a look at all files.
    pub(super) fn begin(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
        if mounts.is_empty() || mounts != self.mounts || self.looks.is_multiple_of(ALL_EVERY) {
            self.known.clear();
        }
        self.mounts = mounts;
    }

    /// A directory whose files are looked at from now on.
    pub(super) fn enter<'p>(&mut self, path: &'p Path, now: Instant) -> Directory<'p> {
        let mut directory = Directory::at(path);
        let Some(stamp) = directory.stamp() else {
            self.known.remove(path);
            return directory;
        };
        match self.known.get_mut(path).filter(|known| known.stamp == stamp) {
            Some(known) => {
                directory.is_as_it_was = known.is_sure;
                known.is_sure |= now.saturating_duration_since(known.since) >= COARSEST;
            }
            None => {
                self.known.insert(path.to_owned(), Standing { stamp, since: now, is_sure: false });
            }
        }
        directory
    }
}

/// A directory whose files are looked at. They are asked for in it, so that the way to it is gone once.
pub(super) struct Directory<'p> {
    pub(super) path: &'p Path,
    descriptor: Option<OwnedFd>,
    /// For root, and for others.
    pub(super) full: (bool, bool),
    /// Each name in it leads to the file that it led to when it was last asked for.
    pub(super) is_as_it_was: bool,
}

impl<'p> Directory<'p> {
    fn at(path: &'p Path) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = openat(CWD, path, flags, Mode::empty()).ok();
        Self { path, descriptor, full: is_full(path), is_as_it_was: false }
    }

    #[allow(clippy::useless_conversion, reason = "the types of these fields differ between architectures")]
    fn stamp(&self) -> Option<Stamp> {
        let stat: Stat = fstat(self.descriptor.as_ref()?).ok()?;
        let nanos = |value| i64::try_from(value).unwrap_or_default();
        let changed = (i64::from(stat.st_mtime), nanos(stat.st_mtime_nsec));
        let changed = [changed, (i64::from(stat.st_ctime), nanos(stat.st_ctime_nsec))];
        Some((u64::from(stat.st_dev), u64::from(stat.st_ino), changed))
    }

    /// Which file stands there under this name, and how large it is. No link is followed.
    pub(super) fn find(&self, file: &Path) -> Option<(Place, u64)> {
        let stat = statat(self.descriptor.as_ref()?, file.file_name()?, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(((stat.st_dev, stat.st_ino), u64::try_from(stat.st_size).unwrap_or(0)))
    }
}

/// Whether nothing can be written any more: by root, and by others.
fn is_full(dir: &Path) -> (bool, bool) {
    // One that counts no blocks (ramfs) is never full.
    let disk = statvfs(dir).ok().filter(|disk| disk.f_blocks > 0);
    disk.map_or((false, false), |disk| (disk.f_bfree == 0, disk.f_bavail == 0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Seconds of looks at a directory, and whether each finds it as it was.
    fn looks(path: &Path, seconds: impl IntoIterator<Item = u64>, mut before: impl FnMut(u64)) -> Vec<bool> {
        let (mut directories, begun) = (Directories::default(), Instant::now());
        let look = |second| {
            before(second);
            directories.begin();
            directories.enter(path, begun + Duration::from_secs(second)).is_as_it_was
        };
        seconds.into_iter().map(look).collect()
    }

    /// Its times are those of long ago, so that each change shows.
    fn directory() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs");
        fs::create_dir(&path).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        fs::File::open(&path).unwrap().set_modified(long_ago).unwrap();
        (dir, path)
    }

    #[test]
    fn a_directory_is_as_it_was_once_its_files_were_asked_for_when_its_times_hide_nothing() {
        let (_dir, path) = directory();
        assert_eq!(looks(&path, [0, 1, 2, 3, 4], |_| ()), [false, false, false, true, true]);
        let write = |second| {
            if second == 4 {
                fs::write(path.join("a.log"), "").unwrap();
            }
        };
        let expected = [false, false, true, false, false, false, true];
        assert_eq!(looks(&path, [0, 2, 3, 4, 5, 6, 7], write), expected);
    }

    #[test]
    fn another_directory_under_the_name_is_another_one() {
        let (dir, path) = directory();
        let replace = |second| {
            if second == 4 {
                fs::rename(&path, dir.path().join("aside")).unwrap();
                fs::create_dir(&path).unwrap();
            } else if second == 5 {
                fs::remove_dir(&path).unwrap();
            }
        };
        assert_eq!(looks(&path, [0, 2, 3, 4, 5, 6], replace), [false, false, true, false, false, false]);
    }

    #[test]
    fn every_tenth_look_asks_anew() {
        let (_dir, path) = directory();
        let found = looks(&path, (0..14).map(|look| look * 30), |_| ());
        let anew: Vec<usize> = (0..14).filter(|look| found.get(*look) == Some(&false)).collect();
        assert_eq!(anew, [0, 1, 9, 10]);
    }
}
