//! The file that lines are added to, and the room that the disk keeps for it.
//!
//! ```text
//! |  lines  |  room for stops, allocated and beyond the end of the file  |
//! ```
//!
//! Whoever fills the disk must be stoppable, and nothing is signalled that isn't on record. So the file has blocks that it
//! doesn't use yet, which nobody else can take: giving back a file of ballast instead would be a race against whoever
//! fills the disk. What isn't a stop leaves them alone and fails as the disk does. Where blocks can't be had in advance
//! (the file system doesn't know it, or has no room to begin with) all lines are added as long as there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::host::failpoint;

/// A ledger below this size isn't worth writing anew.
const SMALL: u64 = 256 << 10;
/// What is kept for stops: some dozens, whose records are written three or four times each.
const KEPT: u64 = 64 << 10;
/// What the kernel counts blocks in.
const BLOCK: u64 = 512;

#[derive(Debug)]
pub(super) struct Open {
    file: File,
    bytes: u64,
    /// Its size when it held nothing twice.
    whole: u64,
    /// Up to here the disk has room for it.
    room: u64,
}

impl Open {
    /// A file that holds so many bytes, and nothing twice.
    pub(super) fn new(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
        let mut open = Self { file, bytes, whole: bytes, room: 0 };
        let _ = open.keep_room(0);
        Ok(open)
    }

    /// A file that a former engine left, if it holds so many bytes.
    pub(super) fn again(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
        let meta = file.metadata()?;
        if meta.len() != bytes {
            return Err(io::Error::from_raw_os_error(libc::ESTALE));
        }
        let room = meta.blocks().saturating_mul(BLOCK);
        Ok(Self { file, bytes, whole: bytes, room })
    }

    pub(super) fn is_worth_keeping(&self) -> bool {
        self.bytes <= SMALL.max(self.whole.saturating_mul(2))
    }

    /// Whether it is the file under this name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        match (self.file.metadata(), std::fs::symlink_metadata(path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }

    /// Sees to it that what is kept for stops is there still when so many bytes more were added.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn keep_room(&mut self, more: u64) -> io::Result<()> {
        let end = self.bytes.saturating_add(more).saturating_add(KEPT);
        if end <= self.room {
            return Ok(());
        }
        // Twice as much, so that it isn't asked for with each line.
        for end in [end.saturating_add(KEPT), end] {
            let length = end.saturating_sub(self.bytes);
            match fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.bytes, length) {
                Ok(()) => {
                    self.room = end;
                    return Ok(());
                }
                Err(errno @ (Errno::NOSPC | Errno::DQUOT)) if self.room > self.bytes => {
                    if length <= more.saturating_add(KEPT) {
                        return Err(errno.into());
                    }
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Adds lines.
    ///
    /// # Errors
    /// What the kernel answered. A part of them may be in the file.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if cfg!(feature = "failpoints") {
            // As a full disk or the end of the engine would leave it.
            let (begun, rest) = bytes.split_at(bytes.len() / 2);
            self.file.write_all(begun)?;
            failpoint::hit("ledger.half")?;
            self.file.write_all(rest)?;
        } else {
            self.file.write_all(bytes)?;
        }
        failpoint::hit("ledger.added")?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// As it was before an addition that failed. `None`: that can't be had.
    pub(super) fn undone(self) -> Option<Self> {
        // What lies beyond the end is given back by that.
        self.file.set_len(self.bytes).is_ok().then_some(Self { room: 0, ..self })
    }
}
