//! Start slots: a place for each start that is under way, in one file that is never shortened while a child may write.
//!
//! ```text
//! place of 256 bytes: NAME.INDEX.NONCE, zeros up to byte 192 | zeros, until the child writes PID STARTTICKS and a newline
//! ```
//!
//! One file, since making and removing one for each start costs more than all else that is written for it. The place is
//! named by the engine in one write before the child is made, and has no key then; it is given to another start only when
//! the record says what came of this one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::host::atomic;

const PLACE: usize = 256;
const NAME: usize = 192;
/// No set of starts is near this size.
const BYTES_MAX: u64 = 64 << 20;
/// A file with more places than this is emptied when none is in use.
const PLACES_KEPT: u64 = 64;
const MODE: u32 = 0o600;

/// The places of one file.
#[derive(Debug)]
pub(super) struct Slots {
    path: PathBuf,
    /// `None`: not looked at yet.
    opened: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    /// By name.
    used: BTreeMap<String, u64>,
    free: Vec<u64>,
    places: u64,
}

impl Slots {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, opened: None }
    }

    /// The file may be another one, or none: it is looked at anew.
    pub(super) fn forget(&mut self) {
        self.opened = None;
    }

    /// Names a place that has no key, and opens it for the child.
    pub(super) fn create(&mut self, name: &str) -> io::Result<File> {
        let path = self.path.clone();
        let opened = self.opened()?;
        if opened.used.contains_key(name) {
            return Err(io::Error::from_raw_os_error(libc::EEXIST));
        }
        let mut bytes = [0; PLACE];
        let head = bytes.get_mut(..name.len()).filter(|head| head.len() < NAME);
        head.ok_or_else(|| io::Error::from_raw_os_error(libc::ENAMETOOLONG))?
            .copy_from_slice(name.as_bytes());
        let place = opened.free.last().copied().unwrap_or(opened.places);
        opened.file.write_all_at(&bytes, start(place))?;
        if opened.free.pop().is_none() {
            opened.places += 1;
        }
        opened.used.insert(name.to_owned(), place);
        // A description of its own, whose position is where the child begins.
        let slot = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path);
        // Somebody removed the file: the next one gets a new file.
        let mut slot = slot.inspect_err(|_| self.forget())?;
        slot.seek(SeekFrom::Start(start(place) + NAME as u64))?;
        Ok(slot)
    }

    /// What a child wrote; `None`: there is no such place.
    pub(super) fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let opened = self.opened()?;
        let Some(place) = opened.used.get(name) else { return Ok(None) };
        let mut bytes = [0; PLACE - NAME];
        opened.file.read_exact_at(&mut bytes, start(*place) + NAME as u64)?;
        Ok(Some(until_zero(&bytes).to_vec()))
    }

    /// Places of other starts than these are free for the next ones.
    pub(super) fn keep(&mut self, open: impl Iterator<Item = String>) {
        let Some(opened) = self.opened.as_mut().filter(|opened| !opened.used.is_empty()) else { return };
        let open: BTreeSet<String> = open.collect();
        let Opened { file, used, free, places } = opened;
        free.extend(used.extract_if(.., |name, _| !open.contains(name)).map(|(_, place)| place));
        if used.is_empty() && *places > PLACES_KEPT && file.set_len(0).is_ok() {
            (*places, *free) = (0, Vec::new());
        }
    }

    fn opened(&mut self) -> io::Result<&mut Opened> {
        if self.opened.is_none() {
            self.opened = Some(open(&self.path)?);
        }
        self.opened.as_mut().ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
    }
}

fn open(path: &Path) -> io::Result<Opened> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let own = rustix::process::geteuid().as_raw();
    let bytes = atomic::read_opened(file.try_clone()?, &[own], BYTES_MAX)?;
    // The rest of a place that the disk had no room for has no name.
    let (blocks, _) = bytes.as_chunks::<PLACE>();
    let mut opened = Opened { file, used: BTreeMap::new(), free: Vec::new(), places: 0 };
    for block in blocks {
        let name = block.get(..NAME).map(until_zero).and_then(|name| std::str::from_utf8(name).ok());
        match name.filter(|name| !name.is_empty()) {
            Some(name) => {
                opened.used.insert(name.to_owned(), opened.places);
            }
            None => opened.free.push(opened.places),
        }
        opened.places += 1;
    }
    Ok(opened)
}

fn start(place: u64) -> u64 {
    place * PLACE as u64
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
