//! One look at one file: cut, passed on, marked, and when the next look is due.

use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, inotify};

use super::{Entry, FIRST, Keeper, LEAST, uid_of};
use crate::host::clock;
use crate::host::output::ability::Ability;
use crate::host::output::compress::compress_one;
use crate::host::output::cut::{CutError, Cutter};
use crate::host::output::journal::Journal;
use crate::host::output::moved::{Elsewhere, elsewhere, place};
use crate::host::output::open::{self, Opened, Refused};
use crate::host::output::syslog::Syslog;
use crate::host::output::{marks, trouble};
use crate::plan::observation::OutputTrouble;
use crate::plan::output::{Kept, Tag};
use crate::units::format_size;

/// Between two looks at a file that is written to, at most.
const MOST: Duration = Duration::from_secs(2);
/// Before what failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Without notifications.
const POLL: Duration = Duration::from_secs(2);
/// Between two marks of one file.
const MARKS: Duration = Duration::from_secs(10);
/// A file whose lines were passed on is cut when it has so many bytes.
const PASSED_MAX: u64 = 1 << 20;

impl Keeper {
    pub(super) fn visit(&mut self, path: &Rc<Path>, entry: &mut Entry) {
        let now = Instant::now();
        let Ok(meta) = fs::symlink_metadata(path) else {
            // Who is started anew makes it anew; until then there is nothing to look after.
            self.disarm(entry);
            let moved = match elsewhere(entry.kept.writer, path, entry.file, None) {
                Some(Elsewhere::Moved(to)) => Some(trouble::moved(path, &to)),
                Some(Elsewhere::Removed) => Some(trouble::removed(path)),
                // What nobody has seen may not have been made yet.
                None => entry.seen.map(|_| trouble::removed(path)),
            };
            entry.moved = moved.map(Box::new).or_else(|| entry.moved.take());
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
            entry.trouble = Some(Box::new(trouble::of_cut(path, &CutError::Unable, &entry.kept)));
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
    pub(super) fn work(&mut self, path: &Path, entry: &mut Entry, rest: bool) {
        let trouble = match self.try_work(path, entry, rest) {
            Ok(trouble) => trouble,
            Err(Refused::Missing) => None,
            Err(Refused::Unsafe(text)) => Some(OutputTrouble {
                reason: "OutputNotSafe",
                message: format!("`{}` is left as it is: {text}", path.display()),
            }),
            Err(Refused::Failed(error)) => Some(trouble::of_cut(path, &error.into(), &entry.kept)),
        };
        entry.trouble = trouble.map(Box::new);
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
        path: &Rc<Path>,
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
    fn arm(&mut self, path: &Rc<Path>, entry: &mut Entry) -> Option<Instant> {
        let now = Instant::now();
        let Some(inotify) = &self.inotify else { return Some(now + POLL) };
        if entry.watch.is_none() {
            let written = inotify::WatchFlags::MODIFY;
            // Removal of a file that is open changes how many names it has.
            let gone = inotify::WatchFlags::ATTRIB | inotify::WatchFlags::MOVE_SELF;
            let flags = written | gone | inotify::WatchFlags::ONESHOT | inotify::WatchFlags::DONT_FOLLOW;
            let Ok(watch) = inotify::add_watch(inotify.as_fd(), &**path, flags) else {
                return Some(now + POLL);
            };
            entry.watch = Some(watch);
            self.watched.insert(watch, Rc::clone(path));
        }
        let size = fs::symlink_metadata(path).map(|meta| meta.len()).ok();
        (size != entry.seen.map(|(_, size)| size)).then_some(now + FIRST)
    }
}

/// When to look again at a file that is written to: before it can have come half of the way to its limit.
fn interval(elapsed: Option<Duration>, grown: Option<u64>, left: u64) -> Duration {
    let (Some(elapsed), Some(grown)) = (elapsed, grown.filter(|grown| *grown > 0)) else { return FIRST };
    let millis = elapsed.as_millis().max(1) * u128::from(left / 2) / u128::from(grown);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)).clamp(LEAST, MOST)
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
