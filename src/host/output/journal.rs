//! What is remembered of a file that is turned over: which stretch of its stream it holds, and how far a cut has come.
//!
//! One small file each in the directory of accepted documents, which belongs to selfsame: beside the output itself the
//! user of a service could change it. It is synced, so that a cut that a power loss interrupts is finished as well.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::host::atomic;

/// Of the format.
const VERSION: u32 = 1;
/// It is smaller by far.
const BYTES_MAX: u64 = 64 << 10;
const MODE: u32 = 0o600;

/// Positions count from the beginning of the stream, over all pieces that ever were.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    version: u32,
    /// For people.
    file: String,
    /// Which file it was, as device and inode: another one under the name begins anew.
    identity: (u64, u64),
    /// Position of the file's first byte.
    pub origin: u64,
    /// Position of the first byte that is not in a piece. Before it the file has a hole where its system can't be cut.
    pub base: u64,
    /// The cut that is under way.
    pub step: Option<Step>,
    /// Position up to which it was passed on to the system's log.
    #[serde(default)]
    pub sent: u64,
}

/// How far a cut up to `end` has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Step {
    /// The piece is complete, and safe on disk; the head is being replaced by a hole.
    Punching {
        /// Position behind the cut.
        end: u64,
    },
    /// The head is a hole, safe on disk; it is being taken out.
    Collapsing {
        /// Position behind the cut.
        end: u64,
    },
}

impl Journal {
    /// Where the journal of the output file `path` (links resolved) lies, below `dir`.
    pub fn place(dir: &Path, path: &Path) -> PathBuf {
        let hash = Sha256::digest(path.as_os_str().as_bytes());
        let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        dir.join(hex)
    }

    /// Of a file whose stream begins at `position` with it.
    pub fn new(path: &Path, file: &File, position: u64) -> io::Result<Self> {
        Ok(Self {
            version: VERSION,
            file: path.display().to_string(),
            identity: identity(file)?,
            origin: position,
            base: position,
            step: None,
            sent: position,
        })
    }

    /// What is remembered; nothing if that is nothing, or can't be understood.
    pub fn load(at: &Path) -> Option<Self> {
        let own = rustix::process::geteuid().as_raw();
        let bytes = atomic::read(at, &[own], BYTES_MAX).ok()?;
        serde_json::from_slice::<Self>(&bytes).ok().filter(|journal| journal.version == VERSION)
    }

    /// Whether it is about this file.
    pub fn is_of(&self, file: &File) -> bool {
        identity(file).is_ok_and(|now| now == self.identity)
    }

    /// Where a position is in the file.
    pub fn offset(&self, position: u64) -> u64 {
        position.saturating_sub(self.origin)
    }

    /// Writes it down. Of what is no cut an older state does no harm.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn save_loosely(&self, at: &Path) -> io::Result<()> {
        atomic::write(at, &serde_json::to_vec(self).map_err(io::Error::other)?, MODE)
    }

    /// Writes it down, safe on disk.
    ///
    /// # Errors
    /// What the kernel answered; what was written before is as it was.
    pub fn save(&self, at: &Path) -> io::Result<()> {
        let dir = at.parent().unwrap_or(at);
        let temporary = at.with_extension("new");
        let _ = fs::remove_file(&temporary);
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        let written = atomic::create_new(&temporary, MODE)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, at))
            .and_then(|()| File::open(dir)?.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}
