//! Opening a file that a service writes to, so that nobody can have another one turned over in its place.
//!
//! The directory is opened once, by a way without links of strangers, and every file in it is named relative to that: what
//! was judged is what is worked on, whoever renames what meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};

use crate::host::errno::io_text;
use crate::host::walk;

/// A file in an open directory.
#[derive(Debug)]
pub struct Opened {
    /// The directory.
    pub dir: OwnedFd,
    /// Its name there.
    pub name: OsString,
    /// Both, with links resolved.
    pub path: PathBuf,
    /// The file, for reading and writing.
    pub file: File,
}

/// Why a file isn't opened.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It isn't there.
    #[error("it isn't there")]
    Missing,
    /// It may have been planted.
    #[error("{0}")]
    Unsafe(String),
    /// What the kernel answered.
    #[error("{}", io_text(.0))]
    Failed(#[from] io::Error),
}

/// The directory of a file, open, and where the file is by it.
///
/// # Errors
/// A link of a stranger on the way, or what the kernel answered.
pub fn directory(path: &Path) -> Result<(OwnedFd, PathBuf), Refused> {
    let own = rustix::process::geteuid().as_raw();
    let parent = path.parent().unwrap_or(path);
    if let Err(error) = std::fs::metadata(parent) {
        return Err(if error.kind() == io::ErrorKind::NotFound { Refused::Missing } else { error.into() });
    }
    let parent = walk::without_links_of_strangers(parent, own).map_err(Refused::Unsafe)?;
    let name = path.file_name().ok_or_else(|| Refused::Unsafe("it names no file".into()))?;
    let dir = walk::open_resolved(&parent, OFlags::RDONLY | OFlags::DIRECTORY, 0)?;
    Ok((dir.into(), parent.join(name)))
}

/// Opens a file that is there, for `flags` access.
///
/// # Errors
/// It isn't there, it isn't a plain file of one of `owners` with one name, or the kernel refuses.
pub fn existing(path: &Path, flags: OFlags, owners: &[u32]) -> Result<Opened, Refused> {
    let (dir, path) = directory(path)?;
    let name = path.file_name().unwrap_or_default().to_owned();
    let file = below(&dir, &name, flags, owners)?;
    Ok(Opened { dir, name, path, file })
}

/// The same for a name in an open directory.
///
/// # Errors
/// As [`existing`].
pub fn below(dir: &OwnedFd, name: &OsStr, flags: OFlags, owners: &[u32]) -> Result<File, Refused> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(dir, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Err(Refused::Missing),
        Err(rustix::io::Errno::LOOP) => return Err(Refused::Unsafe("it is a symbolic link".into())),
        Err(errno) => return Err(Refused::Failed(errno.into())),
    };
    judge(&file.metadata()?, owners).map_err(Refused::Unsafe)?;
    Ok(file)
}

/// Whether output may go to this file, and it may be turned over.
///
/// # Errors
/// The end of a sentence.
pub fn judge(meta: &Metadata, owners: &[u32]) -> Result<(), String> {
    if !meta.is_file() {
        return Err("it is not a regular file".into());
    }
    if !owners.contains(&meta.uid()) {
        return Err(format!("it belongs to user {}", meta.uid()));
    }
    if meta.nlink() > 1 {
        return Err("it has a second name (hard link)".into());
    }
    Ok(())
}
