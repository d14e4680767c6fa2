//! Small reads for verbs and sources.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::name_service::NameService;
use crate::plan::event::Who;
use crate::units::{Pid, Uid};

/// The most that is read of a text given on the command line: the limit of snapshots.
const TEXT_MAX: u64 = 64 << 20;
/// Most texts have less.
const ROOM: usize = 4 << 10;

/// Programs with many names.
const MULTI_CALL: [&str; 3] = ["busybox", "toybox", "coreutils"];

/// What this host is called; empty where the kernel doesn't say.
pub fn host_name() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A text file that a person named.
///
/// # Errors
/// What the kernel answered; not UTF-8; too large.
pub fn read_text(path: &Path) -> io::Result<String> {
    // The kernel doesn't say how long its own files are, and without room they are read by bits.
    let mut text = String::with_capacity(ROOM);
    let read = std::fs::File::open(path)?.take(TEXT_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > TEXT_MAX {
        return Err(io::Error::other("larger than 64MiB"));
    }
    Ok(text)
}

/// A file that a person named, whatever is in it.
///
/// # Errors
/// What the kernel answered; larger than `most`.
pub fn read_bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// A new directory in one that is there.
///
/// # Errors
/// What the kernel answered: `EEXIST` where something has this name.
pub fn create_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Makes a directory, and those that lead to it, where they aren't there.
///
/// # Errors
/// What the kernel answered.
pub fn make_directories(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// A new file with this content; the directory it is in is made if need be.
///
/// # Errors
/// What the kernel answered: `EEXIST` where something has this name.
pub fn create_text(path: &Path, text: &str, executable: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    super::atomic::create_new(path, mode)?.write_all(text.as_bytes())
}

/// The files of a directory whose name ends so, in the order of their names; none if there is no such directory.
///
/// # Errors
/// What the kernel answered.
pub fn files_in(directory: &Path, end: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let named = path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(end.as_bytes()));
        if named && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The path without links, if it leads anywhere.
pub fn real_path(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// Device and inode of the file that a path leads to, if that says which program it is: of a program that acts by the
/// name it is called by (busybox) it doesn't.
pub fn program_identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let real = std::fs::canonicalize(path).ok()?;
    let name = real.file_name()?.to_str()?;
    if MULTI_CALL.contains(&name) {
        return None;
    }
    let facts = std::fs::metadata(&real).ok()?;
    Some((facts.dev(), facts.ino()))
}

/// Whether it is a directory now.
pub fn is_directory(path: &Path) -> bool {
    path.is_dir()
}

/// Whether this process is the first one of its PID namespace: orphans are its children, and its end is that of all.
pub fn is_init() -> bool {
    rustix::process::getpid().as_raw_nonzero().get() == 1
}

/// The engine's effective user.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether something has this name.
pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Whether it is there and no regular file: a directory, or a pipe, which who reads it waits for.
pub fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file())
}

/// This process.
pub fn own_pid() -> Pid {
    Pid(rustix::process::getpid().as_raw_nonzero().get())
}

/// Who calls, for the record: the name of the real user, else the number.
pub fn caller() -> String {
    let uid = Uid(rustix::process::getuid().as_raw());
    let name = NameService::default().user_numbered(uid, |user| user.name.to_owned());
    named(name.known(), uid)
}

/// As it stands in sentences: what the user `nobody` asks for isn't asked for by nobody.
fn named(name: Option<String>, uid: Uid) -> String {
    match name {
        Some(name) if name == "nobody" => format!("user {name}"),
        Some(name) => name,
        None => uid.to_string(),
    }
}

/// The same, with the number.
pub fn person() -> Who {
    Who::Person { name: caller(), uid: Some(rustix::process::getuid().as_raw()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_nobody_is_told_from_nobody() {
        let of = |name: Option<&str>| named(name.map(ToOwned::to_owned), Uid(7));
        assert_eq!([of(Some("ann")), of(Some("nobody")), of(None)], ["ann", "user nobody", "7"]);
    }
}
