//! The thread: which file is looked at when, and what is done then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, inotify, statvfs};

use super::ability::Ability;
use super::compress::compress_one;
use super::cut::{CutError, Cutter};
use super::journal::Journal;
use super::moved::{Elsewhere, Place, elsewhere, place};
use super::open::{self, Opened, Refused};
use super::syslog::Syslog;
use super::{Order, Shared, marks, trouble};
use crate::host::clock;
use crate::plan::observation::OutputTrouble;
use crate::plan::output::{Kept, Tag};
use crate::spec::{Rotation, ServiceName};
use crate::units::{Pid, format_size};

/// Orders are taken together, and a file that was just begun is not looked at before.
const GATHER: Duration = Duration::from_millis(500);
/// After the first write to a file that was quiet.
const FIRST: Duration = Duration::from_millis(100);
/// Between two looks at a file that is written to, at least and at most.
const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(2);
/// Before what failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Without notifications.
const POLL: Duration = Duration::from_secs(2);
/// Between two marks of one file.
const MARKS: Duration = Duration::from_secs(10);
/// A file whose lines were passed on is cut when it has so many bytes.
const PASSED_MAX: u64 = 1 << 20;

/// A file that is looked after.
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
    trouble: Option<OutputTrouble>,
    /// Which file it was when it was looked at last.
    file: Option<Place>,
    /// The output doesn't go to it.
    moved: Option<OutputTrouble>,
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

    /// Another file than before, or the first one: does the output go to it?
    fn notice_other(&mut self, path: &Path, now: Place) {
        let was = self.file.replace(now);
        if was == Some(now) && self.moved.is_none() {
            return;
        }
        self.moved = elsewhere(self.kept.writer, path, was, Some(now)).map(|to| match to {
            Elsewhere::Moved(to) => trouble::moved(path, &to),
            Elsewhere::Removed => trouble::removed(path),
        });
    }
}

/// The thread.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    dir: PathBuf,
    inotify: Option<OwnedFd>,
    files: BTreeMap<PathBuf, Entry>,
    watched: BTreeMap<i32, PathBuf>,
    /// By device.
    abilities: BTreeMap<u64, Ability>,
    /// Orders wait until then.
    gathering: Option<Instant>,
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
            gathering: None,
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
            if written {
                self.note_writes(now);
            }
            if self.gathering.is_some_and(|at| at <= now) {
                self.gathering = None;
                self.take_orders(now);
            }
            self.visit_due(now);
            self.tell();
        }
    }

    /// Whether there are orders, and whether a file was written to.
    fn wait(&self) -> (bool, bool) {
        let due = self.files.values().filter_map(|entry| entry.next).chain(self.gathering).min();
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
                Order::Also(files) => self.take(files, now),
                Order::All(files) => {
                    let gone: Vec<PathBuf> =
                        self.files.keys().filter(|path| !files.contains_key(*path)).cloned().collect();
                    for path in gone {
                        self.give_up(&path);
                    }
                    self.take(files, now);
                    self.look_at_all(now);
                }
            }
        }
    }

    fn take(&mut self, files: BTreeMap<PathBuf, Kept>, now: Instant) {
        for (path, kept) in files {
            match self.files.get_mut(&path) {
                Some(entry) => {
                    // A process begun anew may have made the file anew, which no watch tells of.
                    if entry.kept != kept {
                        entry.kept = kept;
                        (entry.file, entry.next) = (None, Some(now));
                    }
                }
                None => {
                    self.files.insert(path, Entry::new(kept, now));
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
        let mut full: BTreeMap<PathBuf, (bool, bool)> = BTreeMap::new();
        for (path, entry) in &mut self.files {
            let dir = path.parent().unwrap_or(path);
            let (for_root, for_others) = match full.get(dir) {
                Some(known) => *known,
                None => {
                    let known = is_full(dir);
                    full.insert(dir.to_owned(), known);
                    known
                }
            };
            entry.full = if uid_of(entry.kept.writer) == Some(0) { for_root } else { for_others };
            let meta = fs::symlink_metadata(path).ok();
            let grown = meta.as_ref().map(fs::Metadata::len) != entry.seen.map(|(_, size)| size);
            let other = entry.file.is_some() && meta.as_ref().map(place) != entry.file;
            let troubled = entry.trouble.is_some() || entry.moved.is_some();
            if entry.next.is_none() && (grown || other || troubled || entry.watch.is_none()) {
                entry.next = Some(now);
            }
        }
        self.abilities.clear();
    }

    fn visit_due(&mut self, now: Instant) {
        let due = |entry: &Entry| entry.next.is_some_and(|next| next <= now + LEAST);
        let paths: Vec<PathBuf> =
            self.files.iter().filter(|(_, entry)| due(entry)).map(|(path, _)| path.clone()).collect();
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

    fn visit(&mut self, path: &Path, entry: &mut Entry) {
        let now = Instant::now();
        let Ok(meta) = fs::symlink_metadata(path) else {
            // Who is started anew makes it anew; until then there is nothing to look after.
            self.disarm(entry);
            if entry.seen.is_some() {
                entry.moved = Some(match elsewhere(entry.kept.writer, path, entry.file, None) {
                    Some(Elsewhere::Moved(to)) => trouble::moved(path, &to),
                    Some(Elsewhere::Removed) | None => trouble::removed(path),
                });
            }
            (entry.next, entry.seen) = (None, None);
            return;
        };
        entry.notice_other(path, place(&meta));
        let before = entry.seen.replace((now, meta.len()));
        let grown = before.map(|(_, size)| meta.len().saturating_sub(size));
        let changed = before.is_none_or(|(_, size)| size != meta.len());
        let live = meta.len().saturating_sub(entry.hole);
        let over = entry.kept.rotation.max_size.is_some_and(|max| live >= max);
        let first = entry.judged.is_none() && !over;
        if first {
            self.begin(path, &meta, entry);
        }
        let rotated = entry.judged.is_some_and(|judged| judged != entry.kept.rotation);
        if over || rotated || entry.kept.syslog.is_some() || entry.trouble.is_some() {
            self.work(path, entry, !changed);
        }
        entry.judged = Some(entry.kept.rotation);
        if changed && entry.marked.is_none_or(|at| now.duration_since(at) >= MARKS) {
            self.mark(path, entry);
            entry.marked = Some(now);
        }
        self.plan_next(path, entry, (before.map(|(at, _)| now.duration_since(at)), grown, changed));
    }

    /// At first: is a cut to be finished, and can it be kept below its limit at all?
    fn begin(&mut self, path: &Path, meta: &fs::Metadata, entry: &mut Entry) {
        let Ok((dir, resolved)) = open::directory(path) else { return };
        if let Some(journal) = Journal::load(&Journal::place(&self.dir, &resolved)) {
            (entry.origin, entry.hole) = (journal.origin, journal.offset(journal.base));
            if journal.step.is_some() {
                self.work(path, entry, false);
            }
        }
        let limited = entry.kept.rotation.max_size.is_some();
        if limited && self.ability(meta.dev(), &dir).is_ok_and(|ability| ability == Ability::Neither) {
            entry.trouble = Some(trouble::of_cut(path, &CutError::Unable, &entry.kept));
        }
    }

    fn ability(&mut self, device: u64, dir: &OwnedFd) -> std::io::Result<Ability> {
        if let Some(known) = self.abilities.get(&device) {
            return Ok(*known);
        }
        let found = Ability::of(dir)?;
        self.abilities.insert(device, found);
        Ok(found)
    }

    /// Cuts, passes on, removes, compresses.
    fn work(&mut self, path: &Path, entry: &mut Entry, rest: bool) {
        entry.trouble = match self.try_work(path, entry, rest) {
            Ok(trouble) => trouble,
            Err(Refused::Missing) => None,
            Err(Refused::Unsafe(text)) => Some(OutputTrouble {
                reason: "OutputNotSafe",
                message: format!("`{}` is left as it is: {text}", path.display()),
            }),
            Err(Refused::Failed(error)) => Some(trouble::of_cut(path, &error.into(), &entry.kept)),
        };
    }

    fn try_work(
        &mut self,
        path: &Path,
        entry: &mut Entry,
        rest: bool,
    ) -> Result<Option<OutputTrouble>, Refused> {
        let own = rustix::process::geteuid().as_raw();
        let owners: Vec<u32> = [0, own].into_iter().chain(uid_of(entry.kept.writer)).collect();
        let opened = open::existing(path, OFlags::RDWR, &owners)?;
        let ability = self.ability(opened.file.metadata()?.dev(), &opened.dir);
        let ability = match ability {
            Ok(ability) => ability,
            Err(error) => return Ok(Some(trouble::of_cut(path, &error.into(), &entry.kept))),
        };
        let at = Journal::place(&self.dir, &opened.path);
        let mut cutter = match Cutter::new(&opened, &at, ability) {
            Ok(cutter) => cutter,
            Err(error) => return Ok(Some(trouble::of_cut(path, &error, &entry.kept))),
        };
        let done = match entry.kept.syslog.clone() {
            Some(tag) => pass_on(&mut self.syslog, &mut cutter, &opened, &tag, (&entry.kept, rest)),
            None => cutter.turn(entry.kept.rotation).map(|_| None),
        };
        let journal = cutter.journal();
        (entry.origin, entry.hole) = (journal.origin, journal.offset(journal.base));
        entry.seen = Some((Instant::now(), opened.file.metadata()?.len()));
        if entry.kept.rotation.compress {
            while compress_one(&opened, &owners)? {
                if self.shared.lock().end {
                    break;
                }
            }
        }
        let grows = ability == Ability::Neither && entry.kept.rotation.max_size.is_some();
        Ok(match done {
            Ok(None) if grows => Some(trouble::of_cut(path, &CutError::Unable, &entry.kept)),
            Ok(found) => found,
            Err(error) => Some(trouble::of_cut(path, &error, &entry.kept)),
        })
    }

    fn mark(&self, path: &Path, entry: &Entry) {
        let (Ok((_, resolved)), Some((_, size))) = (open::directory(path), entry.seen) else { return };
        let at = Journal::place(&self.dir, &resolved);
        // Only what `logs --since` shows becomes longer without it.
        let _ = marks::note(&at, clock::now().wall, entry.origin + size);
    }

    fn plan_next(
        &mut self,
        path: &Path,
        entry: &mut Entry,
        (elapsed, grown, changed): (Option<Duration>, Option<u64>, bool),
    ) {
        let now = Instant::now();
        let waits = entry.trouble.as_ref().is_some_and(|trouble| trouble.reason != trouble::CANNOT);
        if waits {
            entry.next = Some(now + RETRY);
            return;
        }
        if changed {
            let left = entry.kept.rotation.max_size.map_or(u64::MAX, |max| {
                max.saturating_sub(entry.seen.map_or(0, |(_, size)| size.saturating_sub(entry.hole)))
            });
            entry.next = Some(now + interval(elapsed, grown, left));
            return;
        }
        entry.next = self.arm(path, entry);
    }

    /// Asks for the next write, and says when to look if there was one already, or nothing can be asked.
    fn arm(&mut self, path: &Path, entry: &mut Entry) -> Option<Instant> {
        let now = Instant::now();
        let Some(inotify) = &self.inotify else { return Some(now + POLL) };
        if entry.watch.is_none() {
            let written = inotify::WatchFlags::MODIFY;
            // Removal of a file that is open changes how many names it has.
            let gone = inotify::WatchFlags::ATTRIB | inotify::WatchFlags::MOVE_SELF;
            let flags = written | gone | inotify::WatchFlags::ONESHOT | inotify::WatchFlags::DONT_FOLLOW;
            let Ok(watch) = inotify::add_watch(inotify.as_fd(), path, flags) else { return Some(now + POLL) };
            entry.watch = Some(watch);
            self.watched.insert(watch, path.to_owned());
        }
        let size = fs::symlink_metadata(path).map(|meta| meta.len()).ok();
        (size != entry.seen.map(|(_, size)| size)).then_some(now + FIRST)
    }

    /// What is wrong, by object.
    fn tell(&self) {
        let mut troubles: BTreeMap<ServiceName, BTreeSet<OutputTrouble>> = BTreeMap::new();
        for (path, entry) in &self.files {
            let full = entry.full.then(|| trouble::full_disk(path));
            for trouble in full.into_iter().chain(entry.trouble.clone()).chain(entry.moved.clone()) {
                for name in &entry.kept.owners {
                    troubles.entry(name.clone()).or_default().insert(trouble.clone());
                }
            }
        }
        let troubles = troubles.into_iter().map(|(name, found)| (name, found.into_iter().collect()));
        self.shared.lock().troubles = troubles.collect();
    }
}

/// When to look again at a file that is written to: before it can have come half of the way to its limit.
fn interval(elapsed: Option<Duration>, grown: Option<u64>, left: u64) -> Duration {
    let (Some(elapsed), Some(grown)) = (elapsed, grown.filter(|grown| *grown > 0)) else { return FIRST };
    let millis = elapsed.as_millis().max(1) * u128::from(left / 2) / u128::from(grown);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).clamp(LEAST, MOST)
}

/// Whether nothing can be written any more: by root, and by others.
fn is_full(dir: &Path) -> (bool, bool) {
    // One that counts no blocks (ramfs) is never full.
    let disk = statvfs(dir).ok().filter(|disk| disk.f_blocks > 0);
    disk.map_or((false, false), |disk| (disk.f_bfree == 0, disk.f_bavail == 0))
}

/// The user of a process, by the owner of its directory in `/proc`.
fn uid_of(pid: Pid) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|meta| meta.uid())
}

/// Lines to the system's log, and what was passed on away from the file.
fn pass_on(
    syslog: &mut Syslog,
    cutter: &mut Cutter<'_>,
    opened: &Opened,
    tag: &Tag,
    (kept, rest): (&Kept, bool),
) -> Result<Option<OutputTrouble>, CutError> {
    let journal = cutter.journal();
    let (from, size) = (journal.offset(journal.sent), opened.file.metadata()?.len());
    let sent = journal.sent;
    let passed = syslog.pass_on(&opened.file, tag, (from, size), rest);
    if passed.bytes > 0 {
        cutter.note_sent(sent + passed.bytes)?;
    }
    let (base, sent) = (cutter.journal().base, cutter.journal().sent);
    let unit = cutter.unit().unwrap_or(u64::MAX);
    let whole = |length: u64| length - length % unit;
    if sent - base > PASSED_MAX {
        cutter.drop_head(whole((sent - base).min(cutter.live()?.saturating_sub(1))))?;
    }
    let too_many = kept.rotation.max_size.map_or(0, |max| cutter.live().unwrap_or(0).saturating_sub(max));
    let dropped = whole(too_many);
    if dropped > 0 {
        cutter.drop_head(dropped)?;
    }
    Ok(passed.error.map(|error| {
        let error = crate::host::errno::io_text(&error);
        let dropped =
            if dropped > 0 { format!(", {} are lost", format_size(dropped)) } else { String::new() };
        OutputTrouble {
            reason: "SyslogDown",
            message: format!("the system's log takes nothing: {error}{dropped}"),
        }
    }))
}
