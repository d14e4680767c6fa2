//! The thread: which files are looked after, what it waits for, and what it tells. What is done at a look is [`visit`].

mod directory;
mod visit;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use directory::{Directories, Directory};

use super::ability::Ability;
use super::moved::{Elsewhere, Place, elsewhere};
use super::syslog::Syslog;
use super::{Order, Shared, trouble};
use crate::host::spawn::give_back;
use crate::plan::observation::OutputTrouble;
use crate::plan::output::Kept;
use crate::spec::{Rotation, ServiceName};
use crate::units::Pid;

/// Orders are taken together, and a file that was just begun is not looked at before.
const GATHER: Duration = Duration::from_millis(500);
/// Between two looks at a file that is written to, at least.
const LEAST: Duration = Duration::from_millis(50);
/// After the first write to a file that was quiet.
const FIRST: Duration = Duration::from_millis(100);

/// For fewer files it isn't worth it to give memory back.
const MANY: usize = 200;

/// A file that is looked after. There are two for each service, so that what is said of hardly any of them takes no room.
#[derive(Debug)]
struct Entry {
    kept: Kept,
    /// As inotify calls it, while the next write is waited for.
    watch: Option<i32>,
    /// When it was looked at last, and how large it was.
    seen: Option<(Instant, u64)>,
    /// When it is looked at next; `None`: when it is written to.
    next: Option<Instant>,
    /// Position of its first byte, and how many bytes at its beginning are a hole.
    origin: u64,
    hole: u64,
    /// When the last mark was made.
    marked: Option<Instant>,
    /// What pieces were judged by.
    judged: Option<Rotation>,
    trouble: Option<Box<OutputTrouble>>,
    /// Which file it was when it was looked at last.
    file: Option<Place>,
    /// The output doesn't go to it.
    moved: Option<Box<OutputTrouble>>,
    /// Its disk is full.
    full: bool,
}

impl Entry {
    fn new(kept: Kept, next: Instant) -> Self {
        Self {
            kept,
            watch: None,
            seen: None,
            next: Some(next),
            origin: 0,
            hole: 0,
            marked: None,
            judged: None,
            trouble: None,
            file: None,
            moved: None,
            full: false,
        }
    }

    /// The next write is waited for, and nothing is wrong: whatever happens to the file itself is told.
    fn is_told_of(&self) -> bool {
        let is_well = self.trouble.is_none() && self.moved.is_none();
        is_well && self.watch.is_some() && self.next.is_none() && self.file.is_some()
    }

    /// Another file than before, or the first one: does the output go to it?
    fn notice_other(&mut self, path: &Path, now: Place) {
        let was = self.file.replace(now);
        if was == Some(now) && self.moved.is_none() {
            return;
        }
        self.moved = elsewhere(self.kept.writer, path, was, Some(now)).map(|to| match to {
            Elsewhere::Moved(to) => Box::new(trouble::moved(path, &to)),
            Elsewhere::Removed => Box::new(trouble::removed(path)),
        });
    }
}

/// The thread.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    dir: PathBuf,
    inotify: Option<OwnedFd>,
    /// Each by itself: a map of what comes in order is half empty.
    files: BTreeMap<Rc<Path>, Box<Entry>>,
    watched: BTreeMap<i32, Rc<Path>>,
    /// By device.
    abilities: BTreeMap<u64, Ability>,
    directories: Directories,
    /// Orders wait until then.
    gathering: Option<Instant>,
    /// The next look at a file.
    due: Option<Instant>,
    syslog: Syslog,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, dir: PathBuf, log: &Path) -> Self {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        Self {
            shared,
            dir,
            inotify: inotify::init(flags).ok(),
            files: BTreeMap::new(),
            watched: BTreeMap::new(),
            abilities: BTreeMap::new(),
            directories: Directories::default(),
            gathering: None,
            due: None,
            syslog: Syslog::new(log),
        }
    }

    /// Until the engine ends.
    pub(super) fn run(mut self) {
        // Of this thread alone: copying and compressing can wait, starts can't.
        let _ = rustix::process::setpriority_process(None, 10);
        loop {
            let (poked, written) = self.wait();
            if self.shared.lock().end {
                return;
            }
            let now = Instant::now();
            if poked {
                self.gathering.get_or_insert(now + GATHER);
            }
            let gathered = self.gathering.is_some_and(|at| at <= now);
            if !written && !gathered && !is_due(self.due, now) {
                continue;
            }
            if written {
                self.note_writes(now);
            }
            if gathered {
                self.gathering = None;
                self.take_orders(now);
            }
            self.visit_due(now);
            self.tell();
            self.due = self.files.values().filter_map(|entry| entry.next).min();
        }
    }

    /// Whether there are orders, and whether a file was written to.
    fn wait(&self) -> (bool, bool) {
        let due = self.due.into_iter().chain(self.gathering).min();
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut fds = vec![PollFd::new(&self.shared.poke, PollFlags::IN)];
        fds.extend(self.inotify.as_ref().map(|inotify| PollFd::new(inotify, PollFlags::IN)));
        // An interruption is a look too many.
        let _ = poll(&mut fds, timeout.as_ref());
        let ready = |at: usize| fds.get(at).is_some_and(|fd| fd.revents().contains(PollFlags::IN));
        let (poked, written) = (ready(0), ready(1));
        if poked {
            let _ = rustix::io::read(&self.shared.poke, &mut [0u8; 8]);
        }
        (poked, written)
    }

    fn note_writes(&mut self, now: Instant) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        let mut fired = Vec::new();
        let mut lost = false;
        while let Ok(event) = reader.next() {
            lost |= event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW);
            fired.push(event.wd());
        }
        for watch in fired {
            let Some(path) = self.watched.remove(&watch) else { continue };
            if let Some(entry) = self.files.get_mut(&path) {
                entry.watch = None;
                entry.next.get_or_insert(now + FIRST);
            }
        }
        if lost {
            for entry in self.files.values_mut() {
                entry.next.get_or_insert(now + FIRST);
            }
        }
    }

    fn take_orders(&mut self, now: Instant) {
        let orders = std::mem::take(&mut self.shared.lock().orders);
        for order in orders {
            match order {
                Order::Also(files) => self.take(&files, now),
                Order::Look => self.look_at_all(now),
                Order::All(files) => {
                    let gone: Vec<Rc<Path>> =
                        self.files.keys().filter(|path| !files.contains_key(&***path)).cloned().collect();
                    for path in gone {
                        self.give_up(&path);
                    }
                    self.take(&files, now);
                    let many = files.len() >= MANY;
                    drop(files);
                    if many {
                        // It lay between what the complete look needed, which the loop gave back around it.
                        give_back();
                    }
                    self.look_at_all(now);
                }
            }
        }
    }

    /// Takes copies, in memory of this thread: the loop made these, between what it needed for a moment. Whoever gave them frees them afterwards, since
    /// the next copy would be given the very place of what this thread frees.
    fn take(&mut self, files: &BTreeMap<PathBuf, Kept>, now: Instant) {
        for (path, kept) in files {
            match self.files.get_mut(&**path) {
                Some(entry) => {
                    // A process begun anew may have made the file anew, which no watch tells of.
                    if entry.kept != *kept {
                        entry.kept = kept.clone();
                        (entry.file, entry.next) = (None, Some(now));
                    }
                }
                None => {
                    self.files.insert(Rc::from(&**path), Box::new(Entry::new(kept.clone(), now)));
                }
            }
        }
    }

    /// Nobody on record writes to it any more.
    fn give_up(&mut self, path: &Path) {
        let Some(mut entry) = self.files.remove(path) else { return };
        if entry.kept.syslog.is_some() {
            self.work(path, &mut entry, true);
        }
        self.disarm(&mut entry);
    }

    fn disarm(&mut self, entry: &mut Entry) {
        if let (Some(watch), Some(inotify)) = (entry.watch.take(), &self.inotify) {
            self.watched.remove(&watch);
            let _ = inotify::remove_watch(inotify, watch);
        }
    }

    /// What no notification tells of: a full disk, a file that was made anew, a limit that changed.
    fn look_at_all(&mut self, now: Instant) {
        self.directories.begin();
        // Files of one directory lie side by side.
        let mut last: Option<Directory<'_>> = None;
        for (path, entry) in &mut self.files {
            let dir = path.parent().unwrap_or(path);
            if last.as_ref().is_none_or(|last| last.path != dir) {
                last = Some(self.directories.enter(dir, now));
            }
            let Some(directory) = &last else { continue };
            let (for_root, for_others) = directory.full;
            // Whose a process is is asked only where that makes a difference.
            let is_roots = for_root == for_others || uid_of(entry.kept.writer) == Some(0);
            entry.full = if is_roots { for_root } else { for_others };
            if directory.is_as_it_was && entry.is_told_of() {
                continue;
            }
            let found = directory.find(path);
            let grown = found.map(|(_, size)| size) != entry.seen.map(|(_, size)| size);
            let other = entry.file.is_some() && found.map(|(file, _)| file) != entry.file;
            let troubled = entry.trouble.is_some() || entry.moved.is_some();
            if entry.next.is_none() && (grown || other || troubled || entry.watch.is_none()) {
                entry.next = Some(now);
            }
        }
        self.abilities.clear();
    }

    fn visit_due(&mut self, now: Instant) {
        let due = self.files.iter().filter(|(_, entry)| is_due(entry.next, now));
        let paths: Vec<Rc<Path>> = due.map(|(path, _)| Rc::clone(path)).collect();
        for path in paths {
            if self.shared.lock().end {
                return;
            }
            if let Some(mut entry) = self.files.remove(&path) {
                self.visit(&path, &mut entry);
                self.files.insert(path, entry);
            }
        }
    }

    /// What is wrong, by object.
    fn tell(&self) {
        let mut troubles: BTreeMap<ServiceName, BTreeSet<OutputTrouble>> = BTreeMap::new();
        for (path, entry) in &self.files {
            let full = entry.full.then(|| trouble::full_disk(path));
            let said =
                [&entry.trouble, &entry.moved].into_iter().flatten().map(|trouble| (**trouble).clone());
            for trouble in full.into_iter().chain(said) {
                for name in &entry.kept.owners {
                    troubles.entry(name.clone()).or_default().insert(trouble.clone());
                }
            }
        }
        let troubles = troubles.into_iter().map(|(name, found)| (name, found.into_iter().collect()));
        self.shared.lock().troubles = troubles.collect();
    }
}

/// Whether a file is looked at now: one that would be in a moment is looked at with the others.
fn is_due(next: Option<Instant>, now: Instant) -> bool {
    next.is_some_and(|next| next <= now + LEAST)
}

/// The user of a process, by the owner of its directory in `/proc`.
fn uid_of(pid: Pid) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|meta| meta.uid())
}
