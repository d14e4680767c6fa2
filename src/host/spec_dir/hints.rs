//! Hints that something changed. They only save time: the loop looks without them too, later.
//!
//! ```text
//! directories of documents --notify-------------------\
//! what is on the way to them: an inotify of our own ---+--> one epoll --> Heard
//! ```
//!
//! `notify` can't be told what to tell: it wakes for each file that somebody opens. In a directory of documents that is seldom;
//! `/etc` or `/tmp`, which may be on the way, are opened all the time, so that these are watched for their own removal, renaming
//! and single names alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::event::epoll;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use rustix::io::Errno;

use super::chain::Watched;
use super::entries::{Entries, Touched};
use crate::host::errno::io_text;

/// Events are read into this; the kernel never cuts one.
const BUFFER_BYTES: usize = 16 << 10;

/// What was heard since it was asked the last time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Something that was to be watched changed, or may have.
    pub changed: bool,
    /// Where.
    pub touched: Touched,
}

/// The watcher of a set of places.
#[derive(Debug)]
pub struct Watcher {
    epoll: OwnedFd,
    inotify: OwnedFd,
    marks: BTreeMap<i32, Mark>,
    entries: Entries,
    writing: BTreeSet<PathBuf>,
    probe: Option<Probe>,
    heard: Heard,
}

/// A file of our own that both watch.
#[derive(Debug)]
struct Probe {
    file: File,
    mark: i32,
    /// It was touched, and `notify` hasn't told of it yet.
    untold: bool,
}

/// What one watch is for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mark {
    path: PathBuf,
    flags: WatchFlags,
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
        let of_probe = probe;
        let probe = probe.and_then(|path| {
            let file = File::options().write(true).create(true).truncate(false).open(path).ok()?;
            let mark = inotify::add_watch(&inotify, path, WatchFlags::ATTRIB).ok()?;
            Some(Probe { file, mark, untold: false })
        });
        let entries = Entries::new(of_probe)?;
        let epoll = both(inotify.as_fd(), entries.descriptor()).map_err(|errno| io_text(&errno.into()))?;
        let (marks, writing, heard) = (BTreeMap::new(), BTreeSet::new(), Heard::default());
        Ok(Self { epoll, inotify, marks, entries, writing, probe, heard })
    }

    /// Readable when something was heard.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
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
        let directories = wanted.iter().filter_map(|one| match one {
            Watched::Entries(path) => Some(path.as_path()),
            Watched::Itself(_) | Watched::Entry(..) => None,
        });
        let directories: BTreeSet<&Path> = directories.collect();
        let watched = self.entries.watch(&directories);
        failed.and(watched)
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
        let _ = self.read_entries();
        self.take_heard()
    }

    /// What was heard before now, for whoever knows that the descriptor is quiet.
    pub fn take_heard(&mut self) -> Heard {
        std::mem::take(&mut self.heard)
    }

    /// Where what was heard by now is, for a look that follows at once. That something was heard is still to be taken.
    pub fn touched(&mut self) -> Touched {
        self.heard.touched.extend(self.entries.touched());
        std::mem::take(&mut self.heard.touched)
    }

    /// Files that somebody began to write and hasn't closed, as far as is known.
    pub fn writing(&self) -> &BTreeSet<PathBuf> {
        &self.writing
    }

    /// Whether it still hears: its own touch of the probe must come back. The kernel queues the event before the touch
    /// returns; `notify` tells of it when its thread has run, which is asked the next time.
    pub fn is_alive(&mut self) -> bool {
        let told = self.read_entries();
        let Some(probe) = &mut self.probe else { return true };
        let deaf = probe.untold && !told;
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        if futimens(&probe.file, &Timestamps { last_access: now, last_modification: now }).is_err() {
            return true;
        }
        probe.untold = true;
        let mark = probe.mark;
        self.read().contains(&mark) && !deaf
    }

    /// Whether the touch of the last [`Watcher::is_alive`] was told: then everything that happened before it was, too. Of a watcher
    /// that was asked this after each touch.
    pub fn is_told(&mut self) -> bool {
        self.read_entries();
        self.probe.as_ref().is_none_or(|probe| !probe.untold)
    }

    /// Takes what `notify` told, and says whether that was about the probe.
    fn read_entries(&mut self) -> bool {
        let inbox = self.entries.take();
        self.heard.changed |= inbox.changed;
        self.heard.touched.extend(inbox.touched);
        self.writing = inbox.writing;
        if let Some(probe) = self.probe.as_mut().filter(|_| inbox.probed) {
            probe.untold = false;
        }
        inbox.probed
    }

    /// Reads all events, and gives the watches that they came from.
    fn read(&mut self) -> BTreeSet<i32> {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut from = BTreeSet::new();
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            from.insert(event.wd());
            if lost {
                from.extend(self.probe.as_ref().map(|probe| probe.mark));
            }
            let Some(mark) = self.marks.get(&event.wd()) else {
                self.heard.changed |= lost;
                self.heard.touched.elsewhere |= lost;
                continue;
            };
            let cares = mark.cares(name);
            self.heard.changed |= cares;
            // On the way to a directory, or beside it.
            self.heard.touched.elsewhere |= cares;
        }
        from
    }

    /// Makes it deaf, as a lost descriptor would.
    #[cfg(test)]
    fn deafen(&mut self) {
        self.inotify =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap_or_else(|_| unreachable!());
    }

    /// Makes the other one deaf.
    #[cfg(test)]
    fn deafen_entries(&mut self) {
        self.entries.deafen();
    }
}

/// Readable when one of them is.
fn both(inotify: BorrowedFd<'_>, entries: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (fd, token) in [(inotify, 0), (entries, 1)] {
        epoll::add(&epoll, fd, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
    }
    Ok(epoll)
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
            Watched::Itself(path) => {
                Self { path: path.clone(), flags: itself | WatchFlags::DONT_FOLLOW, names: BTreeSet::new() }
            }
            // What is in it `notify` tells.
            Watched::Entries(path) => Self { path: path.clone(), flags: itself, names: BTreeSet::new() },
            Watched::Entry(path, name) => {
                Self { path: path.clone(), flags: itself | entries, names: BTreeSet::from([name.clone()]) }
            }
        }
    }

    fn and(self, other: &Self) -> Self {
        let names = self.names.union(&other.names).cloned().collect();
        Self { flags: self.flags | other.flags, names, ..self }
    }

    /// What happens to the thing itself counts always.
    fn cares(&self, name: Option<&OsStr>) -> bool {
        name.is_none_or(|name| self.names.contains(name))
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
    use std::os::unix::fs::symlink;

    use super::super::chain::watched;
    use super::*;
    use crate::host::testing::{Holder, written};

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
            self.heard();
        }

        /// Until `notify` has told of all that happened so far: events come in order, and the probe's is the last one.
        fn catch_up(&mut self) {
            assert!(self.watcher.is_alive());
            let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
            while !self.watcher.read_entries() {
                assert!(std::time::Instant::now() < end, "nothing is told");
                std::thread::yield_now();
            }
        }

        fn heard(&mut self) -> bool {
            self.catch_up();
            self.watcher.take().changed
        }
    }

    #[test]
    fn what_changes_a_look_is_heard_and_reading_is_not() {
        let mut bench = Bench::new();
        let file = bench.path("a/specs/a.yaml");
        assert!(!bench.heard());
        written(&file, "x");
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
        let writer = Holder::open(&path, ">", "printf x >&3");
        bench.heard();
        assert!(bench.watcher.writing().contains(&path));
        writer.close();
        bench.heard();
        assert!(bench.watcher.writing().is_empty());
        let writer = Holder::open(&path, ">", "printf x >&3");
        bench.heard();
        assert!(bench.watcher.writing().contains(&path));
        fs::remove_file(&path).unwrap();
        bench.heard();
        assert!(bench.watcher.writing().is_empty(), "gone");
        writer.close();
    }

    #[test]
    fn a_deaf_watcher_is_found_out() {
        let mut bench = Bench::new();
        bench.catch_up();
        assert!(!bench.heard(), "the probe is no change");
        fs::write(bench.path("a/specs/a.yaml"), "x").unwrap();
        bench.catch_up();
        assert!(bench.watcher.take().changed, "what came with it isn't lost");
        bench.watcher.deafen_entries();
        assert!(bench.watcher.is_alive(), "nothing is missing yet");
        assert!(!bench.watcher.is_alive(), "the touch before was never told");
        let mut bench = Bench::new();
        bench.watcher.deafen();
        assert!(!bench.watcher.is_alive());
    }
}
