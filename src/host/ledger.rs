//! The ledger: what the engine remembers, a line for each change of an object.
//!
//! ```text
//! run/ledger.jsonl         {"format": 1, "boot": ..., "name": ..., "record": ...}   of an object the last line counts
//! run/slots                the key of the child, for each start whose result is not on record
//! lib/tasks/NAME.json      what a Task ran for, which outlives the boot (see `past`)
//! run/records/NAME.json    {"format": 1, "boot": ..., "record": ...}   of former versions: read, and then gone
//! ```
//!
//! What a tick changes is appended in one write, which is all that a start waits for. Stops have room of their own in it
//! (see `open`). Where the file has grown to several
//! times what it says, it is written anew under another name and renamed.
//!
//! What is of another boot is void. A line without an end was not acknowledged, so that nothing rests on it. What can't be
//! read is kept aside and counts as lost: what runs is adopted. What a newer version wrote is refused as a whole, since
//! guessing could start things twice.

mod lines;
mod open;
mod slots;

mod past;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::lines::{Row, row};
use self::open::Open;
use self::slots::Slots;
use super::atomic;
use super::errno::io_text;
use super::failpoint;
use super::state_dir::{Dirs, LockError, StateLock};
use crate::facts::{ProcessKey, Reason, Why};
use crate::plan::memory::{Memory, Phase, Record, Records};
use crate::plan::observation::IntentSeen;
use crate::sharing::Change;
use crate::spec::ServiceName;
use crate::units::{BootId, Pid, StartTicks};

/// The form of records. Larger numbers are refused.
pub const FORMAT: u64 = 1;
/// No record is near this size.
const RECORD_BYTES_MAX: u64 = 4 << 20;
/// Of a slot that a former version made.
const SLOT_BYTES_MAX: u64 = 64;
/// For fewer lines a second thread isn't worth its start.
const WORTH_A_THREAD: usize = 256;
/// From so many bytes on they are worth one before they are read.
const WORTH_A_THREAD_BYTES: u64 = 512 << 10;
/// So many lines are read at a time by whoever of two threads is free.
const PART: usize = 64;
/// No ledger is near this size.
const LEDGER_BYTES_MAX: u64 = 1 << 30;
/// Most lines are shorter.
const LINE_BYTES: usize = 4096;
const BROKEN_MAX: u32 = 1000;
const MODE: u32 = 0o600;

/// What was found.
#[derive(Debug)]
pub struct Loaded {
    /// The records of this boot.
    pub memory: Memory,
    /// What was lost, a sentence each.
    pub problems: Vec<String>,
}

/// Why the ledger can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Written by a newer version.
    #[error("`{}` is of format {format}, this version knows {FORMAT}: use the newer selfsame again, or move the file away", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// It can't be read.
    #[error("the records in `{}` can't be read: {text}", path.display())]
    Unreadable {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        text: String,
    },
}

/// The ledger of one engine, which holds the lock.
#[derive(Debug)]
pub struct Ledger {
    dirs: Dirs,
    lock: StateLock,
    /// What the file says.
    written: Records,
    /// Where lines are added. `None`: the file is written anew the next time.
    open: Option<Open>,
    /// What a former engine's file says, and how many bytes it has, if all of it could be read.
    former: Option<(Records, u64)>,
    slots: Slots,
    /// What Tasks leave behind.
    pasts: past::Pasts,
    /// The directories were gone and were made again.
    restored: bool,
}

impl Ledger {
    /// A ledger in directories that are ours.
    pub fn new(dirs: Dirs, lock: StateLock) -> Self {
        let (slots, pasts) = (Slots::new(dirs.slots()), past::Pasts::default());
        let written = Records::default();
        Self { dirs, lock, written, open: None, former: None, slots, pasts, restored: false }
    }

    /// What makes it ours.
    pub(super) fn lock(&self) -> &StateLock {
        &self.lock
    }

    /// Where it lies.
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// Reads all records of this boot. What is broken is kept aside, and gone from the ledger once it is written.
    ///
    /// # Errors
    /// A newer format, or files that can't be read: nothing may be started then.
    pub fn load(&mut self, boot: &BootId) -> Result<Loaded, LedgerError> {
        let mut found = Found::read(&self.dirs, boot, rows)?;
        for path in found.broken {
            let kept = keep_aside(&path);
            found.problems.iter_mut().for_each(|problem| problem.push_str(&kept));
        }
        let mut memory = found.memory;
        self.former = found.whole.map(|bytes| (memory.services.clone(), bytes));
        memory.past = self.pasts.load(&self.dirs, super::clock::now().wall, &mut found.problems)?;
        Ok(Loaded { memory, problems: found.problems })
    }

    /// Writes what changed since the last time, then frees the slots whose result is on record.
    ///
    /// # Errors
    /// A sentence; what was not written keeps its former record.
    pub fn remember(&mut self, memory: &Memory) -> Result<(), String> {
        failpoint::hit("remember")
            .map_err(|error| format!("memory can't be written: {}", io_text(&error)))?;
        self.restore()?;
        // First: a record may speak of a run that has begun, and after a loss of power only this is left.
        self.pasts.keep(&self.dirs, memory)?;
        match self.open.take().filter(|open| open.is_at(&self.dirs.ledger())) {
            Some(open) if open.is_worth_keeping() => self.add(open, memory)?,
            open => {
                let written = self.write_anew(memory);
                // Its room is for stops still.
                self.open = self.open.take().or(open);
                written?;
            }
        }
        self.free_slots(memory);
        let _ = failpoint::hit("remember.done");
        Ok(())
    }

    /// Whether all of this is written down already, where it is looked for.
    pub fn says(&self, memory: &Memory) -> bool {
        let same = || memory.services.changes_since(&self.written).next().is_none();
        self.open.is_some() && same() && self.lock.holds()
    }

    /// Copies of the records, if they are what was written, stand for them from now on.
    pub fn settle(&mut self, before: &Memory, copies: &Memory) {
        if self.says(before) {
            self.written.clone_from(&copies.services);
        }
    }

    /// Adds a line for each object that isn't as it was written.
    fn add(&mut self, mut open: Open, memory: &Memory) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(LINE_BYTES);
        let changes = || memory.services.changes_since(&self.written);
        for Change { key, was, is } in changes().filter(|change| change.is.is_some()) {
            // Another value may say the same.
            if was != is {
                lines::write(&mut bytes, &memory.boot, key, is.map(Arc::as_ref))?;
            }
        }
        let begun = bytes.len();
        for Change { key, .. } in changes().filter(|change| change.is.is_none()) {
            lines::write(&mut bytes, &memory.boot, key, None)?;
        }
        if bytes.len() > begun {
            failpoint::hit("record.remove")
                .map_err(|error| format!("the records can't be written: {}", io_text(&error)))?;
        }
        if !bytes.is_empty()
            && let Err(error) = open.keep_room(bytes.len() as u64)
        {
            self.open = Some(open);
            return Err(format!("the records can't be written: {}", io_text(&error)));
        }
        self.append(open, &bytes)?;
        self.written.clone_from(&memory.services);
        Ok(())
    }

    fn append(&mut self, mut open: Open, bytes: &[u8]) -> Result<(), String> {
        if let Err(error) = open.append(bytes) {
            // What may have got into the file must not be the beginning of the next line.
            self.open = open.undone();
            return Err(format!("the records can't be written: {}", io_text(&error)));
        }
        self.open = Some(open);
        Ok(())
    }

    /// Writes what memory says of these objects into the room that is kept for stops, and answers the objects of which
    /// something else is on record still.
    ///
    /// # Errors
    /// A sentence: none of it was written.
    pub fn remember_stops(
        &mut self,
        memory: &Memory,
        names: &BTreeSet<ServiceName>,
    ) -> Result<BTreeSet<ServiceName>, String> {
        if !self.lock.holds() {
            return Err("the state directory is gone".into());
        }
        let open = match self.open.take().filter(|open| open.is_at(&self.dirs.ledger())) {
            Some(open) => open,
            None => self.open_former()?,
        };
        let (mut bytes, mut written) = (Vec::new(), self.written.clone());
        for name in names {
            let is = memory.services.get(name);
            // What a Task ran for is on disk before its record is.
            if written.get(name) == is || is.is_some_and(|record| !self.pasts.says(name, record)) {
                continue;
            }
            lines::write(&mut bytes, &memory.boot, name, is.map(Arc::as_ref))?;
            match is {
                Some(record) => written.insert(name.clone(), Arc::clone(record)),
                None => written.remove(name),
            };
        }
        self.append(open, &bytes)?;
        self.written = written;
        let left = memory.services.changes_since(&self.written).filter(|change| change.was != change.is);
        Ok(left.map(|change| change.key.clone()).collect())
    }

    /// The file of a former engine, to go on with it where it can't be written anew.
    fn open_former(&mut self) -> Result<Open, String> {
        let (records, bytes) = self.former.take().ok_or("the records have to be written anew")?;
        let open = Open::again(&self.dirs.ledger(), bytes).map_err(|error| io_text(&error))?;
        self.written = records;
        Ok(open)
    }

    fn write_anew(&mut self, memory: &Memory) -> Result<(), String> {
        let mut bytes = Vec::new();
        for (name, record) in &memory.services {
            lines::write(&mut bytes, &memory.boot, name, Some(record))?;
        }
        let failed = |error: io::Error| format!("the records can't be written: {}", io_text(&error));
        let path = self.dirs.ledger();
        atomic::write(&path, &bytes, MODE).map_err(failed)?;
        self.former = None;
        self.open = Some(Open::new(&path, bytes.len() as u64).map_err(failed)?);
        self.written.clone_from(&memory.services);
        // What former versions wrote is in it now.
        for (_, path) in record_files(&self.dirs).map_err(|error| error.to_string())? {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Somebody may have removed the directory: it is made again, locked again, and everything is written again.
    fn restore(&mut self) -> Result<(), String> {
        if self.lock.holds() && self.dirs.tasks().is_dir() {
            return Ok(());
        }
        self.dirs.ensure()?;
        if !self.lock.holds() {
            self.lock = StateLock::try_lock(&self.dirs).map_err(|error: LockError| error.to_string())?;
        }
        self.pasts.forget();
        (self.open, self.former) = (None, None);
        self.slots.forget();
        self.restored = true;
        Ok(())
    }

    /// Whether the directories had to be made again since this was last asked.
    pub fn take_restored(&mut self) -> bool {
        std::mem::take(&mut self.restored)
    }

    /// Makes the slot of a start, for the child to write its key into.
    ///
    /// # Errors
    /// Nothing may be started then.
    pub fn create_slot(&mut self, name: &ServiceName, index: u32, nonce: &str) -> io::Result<File> {
        failpoint::hit("start.slot")?;
        self.slots.create(&slot_name(name, index, nonce))
    }

    /// What a slot says. Nothing is known of a slot that can't be read; one that isn't there was never made, as slots
    /// are freed only when the record says what came of them.
    pub fn read_slot(&mut self, boot: &BootId, name: &ServiceName, index: u32, nonce: &str) -> IntentSeen {
        let slot = slot_name(name, index, nonce);
        match failpoint::hit("intent").and_then(|()| self.slots.read(&slot)) {
            Ok(Some(bytes)) => key_in(&bytes, boot).map_or(IntentSeen::NothingRan, IntentSeen::Ran),
            Ok(None) => former_slot(&self.dirs, &slot, boot),
            Err(error) => IntentSeen::Unknown(Reason::new(
                Why::Denied,
                format!("start slot of {name}: {}", io_text(&error)),
            )),
        }
    }

    fn free_slots(&mut self, memory: &Memory) {
        let open = memory.services.rows_where(|told| told.is_busy).flat_map(|(name, record)| {
            record.instances.iter().filter_map(move |(index, instance)| match &instance.phase {
                Phase::Intended { nonce, .. } => Some(slot_name(name, *index, nonce)),
                _ => None,
            })
        });
        self.slots.keep(open);
    }
}

/// Reads the records without holding the lock and without touching them, for a look from outside.
///
/// # Errors
/// As [`Ledger::load`].
pub fn peek(dirs: &Dirs, boot: &BootId) -> Result<Loaded, LedgerError> {
    // Whoever acts reads alone: what stays shall not lie between what a thread needed for a moment.
    let found = Found::read(dirs, boot, rows_by_two)?;
    let mut memory = found.memory;
    memory.past = past::peek(dirs, super::clock::now().wall)?;
    Ok(Loaded { memory, problems: found.problems })
}

/// Whether reading them takes so long that it is worth a thread to do something else meanwhile.
pub fn are_many(dirs: &Dirs) -> bool {
    fs::metadata(dirs.ledger()).is_ok_and(|meta| meta.len() >= WORTH_A_THREAD_BYTES)
}

/// Reads lines, in order.
type Reader = fn(&[&[u8]], &BootId) -> Vec<Result<Row, u64>>;

fn rows(lines: &[&[u8]], boot: &BootId) -> Vec<Result<Row, u64>> {
    lines.iter().map(|line| row(line, boot)).collect()
}

/// The same by two threads, where there are many.
fn rows_by_two(lines: &[&[u8]], boot: &BootId) -> Vec<Result<Row, u64>> {
    if lines.len() < WORTH_A_THREAD {
        return rows(lines, boot);
    }
    // Whoever has a processor takes the next part: others may have work for it as well.
    let (parts, next): (Vec<_>, _) = (lines.chunks(PART).collect(), AtomicUsize::new(0));
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        parts.get(at).map(|part| (at, *part))
    };
    let work = || -> Vec<_> { std::iter::from_fn(take).map(|(at, part)| (at, rows(part, boot))).collect() };
    let both = thread::scope(|scope| {
        let other = thread::Builder::new().name("records".into()).spawn_scoped(scope, work).ok()?;
        let mut all = work();
        all.extend(other.join().ok()?);
        Some(all)
    });
    let Some(mut all) = both else { return rows(lines, boot) };
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().flat_map(|(_, rows)| rows).collect()
}

/// What stands in the files.
struct Found {
    memory: Memory,
    problems: Vec<String>,
    /// Files with something that can't be read.
    broken: Vec<PathBuf>,
    /// How long the ledger is, if it holds everything, with nothing in it that can't be read.
    whole: Option<u64>,
}

impl Found {
    fn read(dirs: &Dirs, boot: &BootId, read: Reader) -> Result<Self, LedgerError> {
        let memory = Memory::new(boot.clone());
        let mut found = Self { memory, problems: Vec::new(), broken: Vec::new(), whole: None };
        let former = record_files(dirs)?;
        let none_former = former.is_empty();
        for (name, path) in former {
            match read_file(&path, RECORD_BYTES_MAX) {
                Ok(bytes) => found.row(row(&bytes, boot), &path, Some(&name))?,
                Err(error) => found.lost(Some(&name), &io_text(&error), &path),
            }
        }
        let path = dirs.ledger();
        let bytes = match read_file(&path, LEDGER_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(LedgerError::Unreadable { path, text: io_text(&error) }),
            Ok(bytes) => bytes,
        };
        // What stands behind the last end of a line was not written to its end.
        let lines = lines::ended(&bytes);
        let mut said = read(&lines::that_count(&lines, boot), boot);
        if said.iter().any(|row| matches!(row, Ok(Row::Broken(..)))) {
            // What an earlier line says may count.
            said = read(&lines, boot);
        }
        for row in said {
            found.row(row, &path, None)?;
        }
        let is_whole = none_former && found.broken.is_empty() && bytes.ends_with(b"\n");
        found.whole = is_whole.then_some(bytes.len() as u64);
        Ok(found)
    }

    fn row(
        &mut self,
        row: Result<Row, u64>,
        path: &Path,
        of_file: Option<&ServiceName>,
    ) -> Result<(), LedgerError> {
        match row.map_err(|format| LedgerError::Newer { path: path.to_owned(), format })? {
            Row::Is(name, record) => {
                let name = of_file.cloned().or(name).unwrap_or_else(|| record.spec.name.clone());
                self.memory.services.insert(name, Arc::new(*record));
            }
            Row::Gone(name) => {
                self.memory.services.remove(&name);
            }
            Row::OtherBoot => {}
            Row::Broken(name, text) => self.lost(of_file.or(name.as_ref()), &text, path),
        }
        Ok(())
    }

    fn lost(&mut self, name: Option<&ServiceName>, text: &str, path: &Path) {
        let of = match name {
            // What stood there before is older than what is lost.
            Some(name) => {
                self.memory.services.remove(name);
                format!("{name}: the record")
            }
            None => "a record".into(),
        };
        self.problems.push(format!("{of} can't be read and counts as lost: {text}"));
        if !self.broken.iter().any(|known| known == path) {
            self.broken.push(path.to_owned());
        }
    }
}

fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let own = rustix::process::geteuid().as_raw();
    atomic::read(path, &[0, own], limit)
}

/// What a slot says that a former version made, a file for each.
fn former_slot(dirs: &Dirs, slot: &str, boot: &BootId) -> IntentSeen {
    match read_file(&dirs.starts().join(slot), SLOT_BYTES_MAX) {
        Ok(bytes) => key_in(&bytes, boot).map_or(IntentSeen::NothingRan, IntentSeen::Ran),
        Err(error) if error.kind() == io::ErrorKind::NotFound => IntentSeen::NothingRan,
        Err(error) => {
            let detail = format!("start slot `{slot}`: {}", io_text(&error));
            IntentSeen::Unknown(Reason::new(Why::Denied, detail))
        }
    }
}

fn slot_name(name: &ServiceName, index: u32, nonce: &str) -> String {
    format!("{name}.{index}.{nonce}")
}

/// The files of former versions.
fn record_files(dirs: &Dirs) -> Result<BTreeMap<ServiceName, PathBuf>, LedgerError> {
    files_in(&dirs.records())
}

/// The files of objects in a directory, by name.
fn files_in(path: &Path) -> Result<BTreeMap<ServiceName, PathBuf>, LedgerError> {
    let unreadable =
        |error: io::Error| LedgerError::Unreadable { path: path.to_owned(), text: io_text(&error) };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".json"));
        if let Some(name) = stem.and_then(|stem| ServiceName::new(stem).ok()) {
            files.insert(name, entry.path());
        }
    }
    Ok(files)
}

/// The record in a line or a file of this boot, for the fuzz targets.
pub(super) fn record_in(bytes: &[u8], boot: &BootId) -> Option<Record> {
    match row(bytes, boot) {
        Ok(Row::Is(_, record)) => Some(*record),
        Ok(Row::Gone(_) | Row::OtherBoot | Row::Broken(..)) | Err(_) => None,
    }
}

/// Keeps a copy of a broken file for a person to look at; the end of the sentence about it.
fn keep_aside(path: &Path) -> String {
    let aside = (1..BROKEN_MAX)
        .map(|number| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".broken-{number}"));
            PathBuf::from(name)
        })
        .find(|aside| fs::symlink_metadata(aside).is_err());
    // A second name: the ledger is replaced under its first one by the next write.
    match aside.map(|aside| (fs::hard_link(path, &aside), aside)) {
        Some((Ok(()), aside)) => format!(" (kept as `{}`)", aside.display()),
        _ => String::new(),
    }
}

/// `PID STARTTICKS` and a newline. Less than that was written by a child that died before it could execute.
pub(super) fn key_in(bytes: &[u8], boot: &BootId) -> Option<ProcessKey> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (pid, start) = line.split_once(' ')?;
    Some(ProcessKey {
        boot: boot.clone(),
        pid: Pid(pid.parse().ok().filter(|pid| *pid > 1)?),
        start: StartTicks(start.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_line_is_a_key() {
        let boot = BootId("b".into());
        let whole = ProcessKey { boot: boot.clone(), pid: Pid(12), start: StartTicks(345) };
        for (text, key) in [
            ("12 345\n", Some(whole)),
            ("", None),
            ("12 345", None),
            ("12", None),
            ("12 \n", None),
            ("1 345\n", None),
            ("-12 345\n", None),
            ("12 345\n\n", None),
        ] {
            assert_eq!(key_in(text.as_bytes(), &boot), key, "{text:?}");
        }
    }
}
