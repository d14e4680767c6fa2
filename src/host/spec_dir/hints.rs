//! Hints that something changed. They only save time: the loop looks without them too, later.
//!
//! The descriptor of inotify stands in the loop's own epoll: there is no thread that could die or fall behind. What is
//! asked for is what changes a look and nothing else; opening and reading, which we do ourselves, isn't.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use rustix::io::Errno;

use super::chain::Watched;
use crate::host::errno::io_text;

/// Events are read into this; the kernel never cuts one.
const BUFFER_BYTES: usize = 16 << 10;
/// So many files that are being written are kept in mind.
const WRITING_MAX: usize = 10_000;

/// What was heard since it was asked the last time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Something that was to be watched changed, or may have.
    pub changed: bool,
}

/// The watcher of a set of places.
#[derive(Debug)]
pub struct Watcher {
    inotify: OwnedFd,
    marks: BTreeMap<i32, Mark>,
    writing: BTreeSet<PathBuf>,
    probe: Option<(File, i32)>,
    heard: Heard,
}

/// What one watch is for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mark {
    path: PathBuf,
    flags: WatchFlags,
    /// Every name in it counts.
    all: bool,
    names: BTreeSet<OsString>,
}

impl Watcher {
    /// A watcher of nothing. `probe` is a file of our own, made if need be, for [`Watcher::is_alive`].
    ///
    /// # Errors
    /// A sentence: this host gives no (more) watchers.
    pub fn new(probe: Option<&Path>) -> Result<Self, String> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|errno| {
            format!("no notifications are to be had: {}", reason(errno, "user.max_inotify_instances"))
        })?;
        let probe = probe.and_then(|path| {
            let file = File::options().write(true).create(true).truncate(false).open(path).ok()?;
            let mark = inotify::add_watch(&inotify, path, WatchFlags::ATTRIB).ok()?;
            Some((file, mark))
        });
        Ok(Self { inotify, marks: BTreeMap::new(), writing: BTreeSet::new(), probe, heard: Heard::default() })
    }

    /// Readable when something was heard.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Watches exactly this from now on; called before each look, so that nothing that changes after the look is
    /// missed. A directory that is another one by now under its old name is watched anew.
    ///
    /// # Errors
    /// A sentence: what isn't watched, and why. It must be polled then.
    pub fn watch(&mut self, wanted: &BTreeSet<Watched>) -> Result<(), String> {
        let mut marks: BTreeMap<i32, Mark> = BTreeMap::new();
        let mut failed = Ok(());
        for one in wanted {
            match self.add(one, &marks) {
                Ok(Some((watch, mark))) => {
                    marks.insert(watch, mark);
                }
                Ok(None) => {}
                Err(error) => failed = Err(error),
            }
        }
        for old in self.marks.keys().filter(|old| !marks.contains_key(old)) {
            let _ = inotify::remove_watch(&self.inotify, *old);
        }
        self.marks = marks;
        self.writing.retain(|path| self.marks.values().any(|mark| path.parent() == Some(&mark.path)));
        failed
    }

    fn add(&self, wanted: &Watched, so_far: &BTreeMap<i32, Mark>) -> Result<Option<(i32, Mark)>, String> {
        let mut mark = Mark::new(wanted);
        // The descriptor is the inode's: what another path asks of the same directory is added to it.
        let watch = match inotify::add_watch(&self.inotify, &mark.path, mark.flags) {
            Ok(watch) => watch,
            // It went away since; what is above it tells of its coming back.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            // A directory that may be passed and not read: the resync sees what becomes of it.
            Err(Errno::ACCESS) if matches!(wanted, Watched::Itself(_)) => return Ok(None),
            Err(errno) => {
                let why = reason(errno, "user.max_inotify_watches");
                return Err(format!("changes of `{}` can't be watched: {why}", mark.path.display()));
            }
        };
        if let Some(known) = so_far.get(&watch) {
            mark = mark.and(known);
            let _ = inotify::add_watch(&self.inotify, &mark.path, mark.flags);
        }
        Ok(Some((watch, mark)))
    }

    /// What was heard; the descriptor is quiet afterwards until there is more.
    pub fn take(&mut self) -> Heard {
        self.read();
        std::mem::take(&mut self.heard)
    }

    /// Files that somebody began to write and hasn't closed, as far as is known.
    pub fn writing(&self) -> &BTreeSet<PathBuf> {
        &self.writing
    }

    /// Whether it still hears: its own touch of the probe must come back. The kernel queues the event before the touch
    /// returns, so that there is nothing to wait for.
    pub fn is_alive(&mut self) -> bool {
        let Some((file, mark)) = &self.probe else { return true };
        let (mark, now) = (*mark, Timespec { tv_sec: 0, tv_nsec: UTIME_NOW });
        if futimens(file, &Timestamps { last_access: now, last_modification: now }).is_err() {
            return true;
        }
        self.read().contains(&mark)
    }

    /// Reads all events, and gives the watches that they came from.
    fn read(&mut self) -> BTreeSet<i32> {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut from = BTreeSet::new();
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let events = event.events();
            let lost = events.contains(ReadFlags::QUEUE_OVERFLOW);
            from.insert(event.wd());
            if lost {
                // Whose closing was lost nobody knows.
                self.writing.clear();
                from.extend(self.probe.as_ref().map(|(_, mark)| *mark));
            }
            let Some(mark) = self.marks.get(&event.wd()) else {
                self.heard.changed |= lost;
                continue;
            };
            self.heard.changed |= mark.cares(name);
            let Some(path) = name.map(|name| mark.path.join(name)) else { continue };
            if events.intersects(ReadFlags::MODIFY) && self.writing.len() < WRITING_MAX {
                self.writing.insert(path);
            } else if events.intersects(
                ReadFlags::CLOSE_WRITE | ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO,
            ) {
                self.writing.remove(&path);
            }
        }
        from
    }

    /// Makes it deaf, as a lost descriptor would.
    #[cfg(test)]
    fn deafen(&mut self) {
        self.inotify =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap_or_else(|_| unreachable!());
    }
}

impl Mark {
    fn new(wanted: &Watched) -> Self {
        let itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let entries = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::ONLYDIR;
        match wanted {
            Watched::Itself(path) => Self {
                path: path.clone(),
                flags: itself | WatchFlags::DONT_FOLLOW,
                all: false,
                names: BTreeSet::new(),
            },
            Watched::Entries(path) => {
                Self { path: path.clone(), flags: itself | entries, all: true, names: BTreeSet::new() }
            }
            Watched::Entry(path, name) => Self {
                path: path.clone(),
                flags: itself | entries,
                all: false,
                names: BTreeSet::from([name.clone()]),
            },
        }
    }

    fn and(self, other: &Self) -> Self {
        let names = self.names.union(&other.names).cloned().collect();
        Self { flags: self.flags | other.flags, all: self.all || other.all, names, ..self }
    }

    /// What happens to the thing itself counts always.
    fn cares(&self, name: Option<&OsStr>) -> bool {
        name.is_none_or(|name| self.all || self.names.contains(name))
    }
}

fn reason(errno: Errno, limit: &str) -> String {
    let text = io_text(&errno.into());
    match errno {
        Errno::MFILE | Errno::NOSPC => format!("{text}; see the limit `{limit}`"),
        _ => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::super::chain::watched;
    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
        watcher: Watcher,
    }

    impl Bench {
        /// A directory `a/specs`, and a watcher of it.
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("a/specs")).unwrap();
            let watcher = Watcher::new(Some(&dir.path().join("probe"))).unwrap();
            let mut bench = Self { dir, watcher };
            bench.watch("a/specs");
            bench
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().canonicalize().unwrap().join(name)
        }

        fn watch(&mut self, place: &str) {
            let wanted = watched(&self.path(place));
            self.watcher.watch(&wanted).unwrap();
            self.watcher.take();
        }

        fn heard(&mut self) -> bool {
            self.watcher.take().changed
        }
    }

    #[test]
    fn what_changes_a_look_is_heard_and_reading_is_not() {
        let mut bench = Bench::new();
        let file = bench.path("a/specs/a.yaml");
        assert!(!bench.heard());
        fs::write(&file, "x").unwrap();
        assert!(bench.heard(), "a new file");
        fs::read(&file).unwrap();
        fs::read_dir(bench.path("a/specs")).unwrap().count();
        assert!(!bench.heard(), "reading");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(bench.heard(), "a mode");
        fs::rename(&file, bench.path("a/specs/b.yaml")).unwrap();
        assert!(bench.heard(), "a rename");
        fs::write(bench.path("a/beside"), "x").unwrap();
        fs::write(bench.path("beside"), "x").unwrap();
        assert!(!bench.heard(), "what lies beside");
        fs::remove_file(bench.path("a/specs/b.yaml")).unwrap();
        assert!(bench.heard(), "a removal");
    }

    #[test]
    fn what_happens_on_the_way_is_heard() {
        let mut bench = Bench::new();
        fs::rename(bench.path("a"), bench.path("old")).unwrap();
        assert!(bench.heard(), "renamed away");
        bench.watch("a/specs");
        fs::write(bench.path("old/specs/a.yaml"), "x").unwrap();
        assert!(!bench.heard(), "the former directory is nobody's business");
        fs::create_dir(bench.path("a")).unwrap();
        assert!(bench.heard(), "the first part came");
        bench.watch("a/specs");
        fs::create_dir(bench.path("a/specs")).unwrap();
        assert!(bench.heard(), "the rest came");
        bench.watch("a/specs");
        fs::write(bench.path("a/specs/a.yaml"), "x").unwrap();
        assert!(bench.heard(), "and it is watched");
        fs::remove_dir_all(bench.path("a/specs")).unwrap();
        assert!(bench.heard(), "removed");
    }

    #[test]
    fn a_link_that_is_turned_elsewhere_is_heard() {
        let mut bench = Bench::new();
        symlink("a/specs", bench.path("link")).unwrap();
        bench.watch("link");
        fs::create_dir(bench.path("b")).unwrap();
        symlink("b", bench.path("next")).unwrap();
        assert!(!bench.heard());
        fs::rename(bench.path("next"), bench.path("link")).unwrap();
        assert!(bench.heard());
    }

    #[test]
    fn a_file_that_is_being_written_is_known_until_it_is_closed() {
        let mut bench = Bench::new();
        let path = bench.path("a/specs/a.yaml");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        bench.heard();
        assert!(bench.watcher.writing().contains(&path));
        drop(file);
        bench.heard();
        assert!(bench.watcher.writing().is_empty());
        let mut file = File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        fs::remove_file(&path).unwrap();
        bench.heard();
        assert!(bench.watcher.writing().is_empty(), "gone");
    }

    #[test]
    fn a_deaf_watcher_is_found_out() {
        let mut bench = Bench::new();
        assert!(bench.watcher.is_alive() && bench.watcher.is_alive());
        assert!(!bench.heard(), "the probe is no change");
        fs::write(bench.path("a/specs/a.yaml"), "x").unwrap();
        assert!(bench.watcher.is_alive());
        assert!(bench.heard(), "what came with it isn't lost");
        bench.watcher.deafen();
        assert!(!bench.watcher.is_alive());
    }
}
