//! The ledger: what the engine remembers, one small file an object, so that a crash or a full disk harms one at most.
//!
//! ```text
//! run/records/NAME.json          {"format": 1, "boot": ..., "record": ...}
//! run/starts/NAME.INDEX.NONCE    empty, or the key of the child that was started
//! lib/tasks/NAME.json            what a Task ran for, which outlives the boot (see `past`)
//! ```
//!
//! What is of another boot is void. What can't be read is moved aside and counts as lost: what runs is adopted. What
//! a newer version wrote is refused as a whole, since guessing could start things twice.

mod past;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::errno::io_text;
use super::failpoint;
use super::state_dir::{Dirs, LockError, StateLock};
use crate::facts::{ProcessKey, Reason, Why};
use crate::plan::memory::{Memory, Phase, Record};
use crate::plan::observation::IntentSeen;
use crate::spec::ServiceName;
use crate::units::{BootId, Pid, StartTicks};

/// The form of records. Larger numbers are refused.
pub const FORMAT: u64 = 1;
/// No record is near this size.
const RECORD_BYTES_MAX: u64 = 4 << 20;
const BROKEN_MAX: u32 = 1000;
const MODE: u32 = 0o600;

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    boot: &'a BootId,
    record: &'a Record,
}

#[derive(Deserialize)]
struct Header {
    format: u64,
    boot: BootId,
}

#[derive(Deserialize)]
struct Body {
    record: Record,
}

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
    /// The directory can't be listed.
    #[error("the records in `{}` can't be listed: {text}", path.display())]
    Unreadable {
        /// Which.
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
    /// What stands in each file, to write only what changed; `None`: a file that is there and must not stay.
    written: BTreeMap<ServiceName, Option<Arc<Record>>>,
    /// What Tasks leave behind.
    pasts: past::Pasts,
    /// The directories were gone and were made again.
    restored: bool,
}

enum Row {
    Good(Box<Record>),
    OtherBoot,
    Broken(String),
}

impl Ledger {
    /// A ledger in directories that are ours.
    pub fn new(dirs: Dirs, lock: StateLock) -> Self {
        Self { dirs, lock, written: BTreeMap::new(), pasts: past::Pasts::default(), restored: false }
    }

    /// What makes it ours.
    pub(super) fn lock(&self) -> &StateLock {
        &self.lock
    }

    /// Where it lies.
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// Reads all records of this boot, moves aside what is broken, and takes note of what is there.
    ///
    /// # Errors
    /// A newer format, or a directory that can't be listed: nothing may be started then.
    pub fn load(&mut self, boot: &BootId) -> Result<Loaded, LedgerError> {
        let mut memory = Memory::new(boot.clone());
        let mut problems = Vec::new();
        for (name, path) in record_files(&self.dirs)? {
            self.written.insert(name.clone(), None);
            match read_row(&path, boot)? {
                Row::Good(record) => {
                    memory.services.insert(name, Arc::new(*record));
                }
                Row::OtherBoot => {}
                Row::Broken(text) => {
                    problems.push(format!(
                        "{name}: the record can't be read and counts as lost: {text}{}",
                        quarantine(&path)
                    ));
                }
            }
        }
        memory.past = self.pasts.load(&self.dirs, super::clock::now().wall, &mut problems)?;
        Ok(Loaded { memory, problems })
    }

    /// Writes what changed since the last time, removes what is gone, then the slots whose result is on record.
    ///
    /// # Errors
    /// A sentence; what was not written keeps its former record.
    pub fn remember(&mut self, memory: &Memory) -> Result<(), String> {
        failpoint::hit("remember")
            .map_err(|error| format!("memory can't be written: {}", io_text(&error)))?;
        self.restore()?;
        // First: a record may speak of a run that has begun, and after a loss of power only this is left.
        self.pasts.keep(&self.dirs, memory)?;
        for (name, record) in &memory.services {
            // Of a thousand records a tick changes one; the others are the very values that were written.
            if self.written.get(name).and_then(Option::as_ref) == Some(record) {
                continue;
            }
            let bytes = serde_json::to_vec(&Written { format: FORMAT, boot: &memory.boot, record })
                .map_err(|error| format!("{name}: the record can't be written: {error}"))?;
            atomic::write(&record_path(&self.dirs, name), &bytes, MODE)
                .map_err(|error| format!("{name}: the record can't be written: {}", io_text(&error)))?;
            self.written.insert(name.clone(), Some(Arc::clone(record)));
        }
        let gone: Vec<ServiceName> =
            self.written.keys().filter(|name| !memory.services.contains_key(*name)).cloned().collect();
        for name in gone {
            let removed = failpoint::hit("record.remove")
                .and_then(|()| fs::remove_file(record_path(&self.dirs, &name)));
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(format!("{name}: the record can't be removed: {}", io_text(&error)));
                }
                _ => self.written.remove(&name),
            };
        }
        self.sweep_slots(memory)?;
        let _ = failpoint::hit("remember.done");
        Ok(())
    }

    /// Somebody may have removed the directory: it is made again, locked again, and everything is written again.
    fn restore(&mut self) -> Result<(), String> {
        if self.lock.holds()
            && self.dirs.records().is_dir()
            && self.dirs.starts().is_dir()
            && self.dirs.tasks().is_dir()
        {
            return Ok(());
        }
        self.dirs.ensure()?;
        if !self.lock.holds() {
            self.lock = StateLock::try_lock(&self.dirs).map_err(|error: LockError| error.to_string())?;
        }
        self.written.clear();
        self.pasts.forget();
        self.restored = true;
        Ok(())
    }

    /// Whether the directories had to be made again since this was last asked.
    pub fn take_restored(&mut self) -> bool {
        std::mem::take(&mut self.restored)
    }

    /// Makes the slot of a start. It is empty until the child writes its key.
    ///
    /// # Errors
    /// Nothing may be started then.
    pub fn create_slot(&self, name: &ServiceName, index: u32, nonce: &str) -> io::Result<File> {
        failpoint::hit("start.slot")?;
        atomic::create_new(&self.slot_path(name, index, nonce), MODE)
    }

    /// What a slot says. Nothing is known of a slot that can't be read; one that isn't there was never made, as slots
    /// are removed only when the record says what came of them.
    pub fn read_slot(&self, boot: &BootId, name: &ServiceName, index: u32, nonce: &str) -> IntentSeen {
        let own = rustix::process::geteuid().as_raw();
        let slot = self.slot_path(name, index, nonce);
        match failpoint::hit("intent").and_then(|()| atomic::read(&slot, &[own], 64)) {
            Ok(bytes) => key_in(&bytes, boot).map_or(IntentSeen::NothingRan, IntentSeen::Ran),
            Err(error) if error.kind() == io::ErrorKind::NotFound => IntentSeen::NothingRan,
            Err(error) => IntentSeen::Unknown(Reason::new(
                Why::Denied,
                format!("start slot of {name}: {}", io_text(&error)),
            )),
        }
    }

    /// Removes the slot of a start that failed.
    pub fn remove_slot(&self, name: &ServiceName, index: u32, nonce: &str) {
        let _ = fs::remove_file(self.slot_path(name, index, nonce));
    }

    fn slot_path(&self, name: &ServiceName, index: u32, nonce: &str) -> PathBuf {
        self.dirs.starts().join(slot_name(name, index, nonce))
    }

    fn sweep_slots(&self, memory: &Memory) -> Result<(), String> {
        let open: BTreeSet<String> = memory
            .services
            .iter()
            .flat_map(|(name, record)| {
                record.instances.iter().filter_map(move |(index, instance)| match &instance.phase {
                    Phase::Intended { nonce, .. } => Some(slot_name(name, *index, nonce)),
                    _ => None,
                })
            })
            .collect();
        let failed = |error: io::Error| format!("the start slots can't be listed: {}", io_text(&error));
        for entry in fs::read_dir(self.dirs.starts()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_none_or(|name| !open.contains(name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Reads the records without holding the lock and without touching them, for a look from outside.
///
/// # Errors
/// As [`Ledger::load`].
pub fn peek(dirs: &Dirs, boot: &BootId) -> Result<Loaded, LedgerError> {
    let mut memory = Memory::new(boot.clone());
    let mut problems = Vec::new();
    for (name, path) in record_files(dirs)? {
        match read_row(&path, boot)? {
            Row::Good(record) => {
                memory.services.insert(name, Arc::new(*record));
            }
            Row::OtherBoot => {}
            Row::Broken(text) => problems.push(format!("{name}: the record can't be read: {text}")),
        }
    }
    memory.past = past::peek(dirs, super::clock::now().wall)?;
    Ok(Loaded { memory, problems })
}

fn slot_name(name: &ServiceName, index: u32, nonce: &str) -> String {
    format!("{name}.{index}.{nonce}")
}

fn record_path(dirs: &Dirs, name: &ServiceName) -> PathBuf {
    dirs.records().join(format!("{name}.json"))
}

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

fn read_row(path: &Path, boot: &BootId) -> Result<Row, LedgerError> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = match atomic::read(path, &[0, own], RECORD_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Row::Broken(io_text(&error))),
    };
    row(&bytes, boot).map_err(|format| LedgerError::Newer { path: path.to_owned(), format })
}

/// What a record file says. `Err`: it is of this newer format.
fn row(bytes: &[u8], boot: &BootId) -> Result<Row, u64> {
    // The header first: a newer body need not be in a form that we know.
    let header: Header = match serde_json::from_slice(bytes) {
        Ok(header) => header,
        Err(error) => return Ok(Row::Broken(error.to_string())),
    };
    if header.format > FORMAT {
        return Err(header.format);
    }
    if header.boot != *boot {
        return Ok(Row::OtherBoot);
    }
    Ok(match serde_json::from_slice::<Body>(bytes) {
        Ok(body) => Row::Good(Box::new(body.record)),
        Err(error) => Row::Broken(error.to_string()),
    })
}

/// The record in a file of this boot, for the fuzz targets.
pub(super) fn record_in(bytes: &[u8], boot: &BootId) -> Option<Record> {
    match row(bytes, boot) {
        Ok(Row::Good(record)) => Some(*record),
        Ok(Row::OtherBoot | Row::Broken(_)) | Err(_) => None,
    }
}

/// Moves a broken file aside for a person to look at; the end of the sentence about it.
fn quarantine(path: &Path) -> String {
    let aside = (1..BROKEN_MAX)
        .map(|number| path.with_extension(format!("json.broken-{number}")))
        .find(|aside| fs::symlink_metadata(aside).is_err());
    match aside.map(|aside| (fs::rename(path, &aside), aside)) {
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
