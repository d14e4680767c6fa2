//! What a file system can do with the head of a file that others append to. Measured on a file of our own in the same
//! directory, since neither the name of a file system nor its documentation tells (layers, block sizes, versions).

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags, fallocate, fstatvfs, openat, unlinkat};

/// What can be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ability {
    /// The head can be taken out, in multiples of so many bytes (ext4, xfs, f2fs).
    Collapse(u64),
    /// The head can be given back, and the file keeps a hole in its place (btrfs, tmpfs).
    Punch(u64),
    /// Neither: the file grows as long as somebody writes to it.
    Neither,
}

/// A block, then what file systems with larger units of allocation want.
const UNITS: [u64; 3] = [0, 64 << 10, 1 << 20];

impl Ability {
    /// What the file system of this directory can do.
    ///
    /// # Errors
    /// It can't be tried: the disk is full, or the directory can't be written to.
    pub fn of(dir: &OwnedFd) -> io::Result<Self> {
        let block = fstatvfs(dir)?.f_bsize.max(512);
        let mut best = Self::Neither;
        for unit in UNITS.map(|unit| unit.max(block)) {
            let mut file = scratch(dir)?;
            file.write_all(&vec![b'x'; usize::try_from(unit).unwrap_or(4096)])?;
            file.write_all(b"tail")?;
            let try_out = |flags| fallocate(&file, flags, 0, unit).is_ok();
            if try_out(FallocateFlags::COLLAPSE_RANGE) && file.metadata()?.len() == 4 {
                return Ok(Self::Collapse(unit));
            }
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            if best == Self::Neither && try_out(hole) && file.metadata()?.len() == unit + 4 {
                best = Self::Punch(unit);
            }
        }
        Ok(best)
    }

    /// The unit of a cut, in bytes.
    pub fn unit(self) -> Option<u64> {
        match self {
            Self::Collapse(unit) | Self::Punch(unit) => Some(unit),
            Self::Neither => None,
        }
    }
}

/// A file without a name, or one whose name is gone at once.
fn scratch(dir: &OwnedFd) -> io::Result<File> {
    let (mode, flags) = (Mode::RUSR | Mode::WUSR, OFlags::RDWR | OFlags::CLOEXEC);
    if let Ok(file) = openat(dir, ".", flags | OFlags::TMPFILE, mode) {
        return Ok(file.into());
    }
    let name = format!(".selfsame-{}.try", rustix::process::getpid().as_raw_nonzero());
    let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let file = openat(dir, &name, flags, mode)?;
    unlinkat(dir, &name, AtFlags::empty())?;
    Ok(file.into())
}
