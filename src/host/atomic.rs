//! Small files, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::failpoint;

/// Writes a file under a temporary name beside it and renames it, so that a reader finds the old or the new one.
/// Not synced: these are files of this boot, and a power loss voids them.
///
/// # Errors
/// What the kernel answered; the old file is as it was.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_as(path, bytes, mode, false)
}

/// The same, and what was written is there also after a loss of power.
///
/// # Errors
/// What the kernel answered. The old file may or may not have been replaced.
pub fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_as(path, bytes, mode, true)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn write_as(path: &Path, bytes: &[u8], mode: u32, synced: bool) -> io::Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(".tmp");
    let temporary = dir.join(temporary);
    // What a killed engine left behind; our own directory, under our lock.
    let _ = fs::remove_file(&temporary);
    let written = create_new(&temporary, mode)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if synced { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| failpoint::hit("file.written"))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    // An error now would say that the old file is as it was.
    let _ = failpoint::hit("file.renamed");
    Ok(())
}

/// A file that must not exist yet.
///
/// # Errors
/// `EEXIST`, or what the kernel answered.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Reads a small regular file of one of `owners`; no links, no devices.
///
/// # Errors
/// What the kernel answered; `EINVAL`: not a regular file; permission denied: somebody else's; `EFBIG`: larger than `limit`.
pub fn read(path: &Path, owners: &[u32], limit: u64) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    read_opened(file, owners, limit)
}

/// Reads a small file that is open.
///
/// # Errors
/// As [`read`].
pub fn read_opened(file: File, owners: &[u32], limit: u64) -> io::Result<Vec<u8>> {
    let meta = file.metadata()?;
    if meta.is_file() && !owners.contains(&meta.uid()) {
        let text = format!("it belongs to another user (uid {})", meta.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    let refused =
        if meta.is_file() { (meta.len() > limit).then_some(libc::EFBIG) } else { Some(libc::EINVAL) };
    if let Some(errno) = refused {
        return Err(io::Error::from_raw_os_error(errno));
    }
    // Room for all of it at once: a large file isn't copied as its text grows. One byte more shows that it ends.
    let room = if meta.is_file() { meta.len().min(limit).saturating_add(1) } else { 0 };
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
