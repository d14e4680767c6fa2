//! What Tasks leave behind for the next boot: one small file each, synced, since it is what keeps a run from being made
//! twice when the power fails.
//!
//! ```text
//! lib/tasks/NAME.json      {"format": 1, "past": ...}
//! ```
//!
//! What can't be read says nothing about what ran: such a Task isn't run by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FORMAT, LedgerError, MODE, files_in, keep_aside};
use crate::host::atomic;
use crate::host::errno::io_text;
use crate::host::state_dir::Dirs;
use crate::plan::memory::{Memory, Past, Record};
use crate::spec::ServiceName;
use crate::units::WallTime;

const BYTES_MAX: u64 = 1 << 20;

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    past: &'a Past,
}

#[derive(Deserialize)]
struct Header {
    format: u64,
}

#[derive(Deserialize)]
struct Body {
    past: Past,
}

/// The files as they are.
#[derive(Debug, Default)]
pub(super) struct Pasts {
    written: BTreeMap<ServiceName, Past>,
}

impl Pasts {
    /// Writes what changed and removes what belongs to nothing any more.
    pub(super) fn keep(&mut self, dirs: &Dirs, memory: &Memory) -> Result<(), String> {
        let tasks = memory.services.rows_where(|told| told.is_task);
        let tasks = tasks.filter(|(_, record)| record.spec.task.is_some());
        let of_records = tasks.map(|(name, record)| (name, &record.task.past));
        let earlier = memory.past.iter().filter(|(name, _)| !memory.services.contains_key(*name));
        let mut wanted = BTreeSet::new();
        for (name, past) in of_records.chain(earlier) {
            wanted.insert(name.clone());
            if self.written.get(name) == Some(past)
                || (*past == Past::default() && !self.written.contains_key(name))
            {
                continue;
            }
            let failed = |text: String| format!("{name}: what it ran for can't be written: {text}");
            let bytes =
                serde_json::to_vec(&Written { format: FORMAT, past }).map_err(|e| failed(e.to_string()))?;
            atomic::write_synced(&path_of(dirs, name), &bytes, MODE).map_err(|e| failed(io_text(&e)))?;
            self.written.insert(name.clone(), past.clone());
        }
        let gone: Vec<ServiceName> =
            self.written.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
        for name in gone {
            match fs::remove_file(path_of(dirs, &name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(format!("{name}: what it ran for can't be removed: {}", io_text(&error)));
                }
                _ => self.written.remove(&name),
            };
        }
        Ok(())
    }

    /// Whether what this record says of former runs is written.
    pub(super) fn says(&self, name: &ServiceName, record: &Record) -> bool {
        match self.written.get(name) {
            Some(written) => *written == record.task.past,
            None => record.spec.task.is_none() || record.task.past == Past::default(),
        }
    }

    /// The files may be gone: everything is written again.
    pub(super) fn forget(&mut self) {
        self.written.clear();
    }

    /// Reads all files, and takes note of what is in them.
    pub(super) fn load(
        &mut self,
        dirs: &Dirs,
        now: WallTime,
        problems: &mut Vec<String>,
    ) -> Result<BTreeMap<ServiceName, Past>, LedgerError> {
        let mut found = BTreeMap::new();
        for (name, read) in read_all(dirs)? {
            let past = match read {
                Ok(past) => {
                    self.written.insert(name.clone(), past.clone());
                    past.after_boot(now)
                }
                Err(text) => {
                    problems.push(format!(
                        "{name}: what it ran for can't be read, so it isn't run by itself: {text}{}",
                        keep_aside(&path_of(dirs, &name))
                    ));
                    Past::unreadable()
                }
            };
            found.insert(name, past);
        }
        Ok(found)
    }
}

/// The same without touching anything.
pub(super) fn peek(dirs: &Dirs, now: WallTime) -> Result<BTreeMap<ServiceName, Past>, LedgerError> {
    let past =
        |read: Result<Past, String>| read.map_or_else(|_| Past::unreadable(), |past| past.after_boot(now));
    Ok(read_all(dirs)?.into_iter().map(|(name, read)| (name, past(read))).collect())
}

fn path_of(dirs: &Dirs, name: &ServiceName) -> PathBuf {
    dirs.tasks().join(format!("{name}.json"))
}

fn read_all(dirs: &Dirs) -> Result<BTreeMap<ServiceName, Result<Past, String>>, LedgerError> {
    let read = |(name, path): (ServiceName, PathBuf)| Ok((name, read_one(&path)?));
    files_in(&dirs.tasks())?.into_iter().map(read).collect()
}

/// The inner error: it can't be read. The outer one: a newer version wrote it.
fn read_one(path: &Path) -> Result<Result<Past, String>, LedgerError> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = match atomic::read(path, &[0, own], BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(io_text(&error))),
    };
    match serde_json::from_slice::<Header>(&bytes) {
        Ok(Header { format }) if format > FORMAT => Err(LedgerError::Newer { path: path.to_owned(), format }),
        Ok(_) => Ok(serde_json::from_slice::<Body>(&bytes).map(|body| body.past).map_err(|e| e.to_string())),
        Err(error) => Ok(Err(error.to_string())),
    }
}
