//! The directories and files of groups, as the kernel shows them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::units::Pid;

/// Groups below groups are looked at so deep.
pub(super) const DEPTH_MAX: usize = 16;
/// No file of lines with a word and a number each is longer.
const SHORT_MAX: u64 = 16 << 10;
/// So many processes of a group are named; what is beyond is ended with the group.
const MEMBERS_MAX: usize = 4096;

/// Makes `dir` and, if need be, `base` above it. One that is there already is fine.
pub(super) fn make_below(base: &Path, dir: &Path) -> io::Result<()> {
    let make = |dir: &Path| match DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        answer => answer,
    };
    match make(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && base != dir => {
            make(base).and_then(|()| make(dir))
        }
        answer => answer,
    }
}

/// A file of a group, for writing.
///
/// # Errors
/// What the kernel answered.
pub(in crate::host) fn opened(file: &Path) -> io::Result<OwnedFd> {
    OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(file).map(OwnedFd::from)
}

/// The processes of a group; with `depth` 0 also those below.
pub(super) fn collect(dir: &Path, depth: usize, found: &mut Vec<Pid>) {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    let pids = text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).map(Pid);
    found.extend(pids.take(MEMBERS_MAX.saturating_sub(found.len())));
    if depth >= DEPTH_MAX {
        return;
    }
    for below in directories(dir) {
        collect(&below, depth + 1, found);
    }
}

fn directories(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()).collect()
}

/// Removes an empty group with what is below it. True if nothing is left.
pub(super) fn remove(dir: &Path, depth: usize) -> bool {
    match fs::remove_dir(dir) {
        Ok(()) => return true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
        Err(_) if depth >= DEPTH_MAX => return false,
        Err(_) => {}
    }
    let below = directories(dir);
    !below.is_empty() && below.iter().all(|dir| remove(dir, depth + 1)) && fs::remove_dir(dir).is_ok()
}

pub(super) fn has_processes(dir: &Path) -> bool {
    let mut found = Vec::new();
    collect(dir, DEPTH_MAX, &mut found);
    !found.is_empty()
}

/// Writes into a file of the kernel. One that isn't there is not made: that would be another error than its absence.
pub(super) fn put(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(file)?.write_all(text.as_bytes())
}

/// The text of a short file of the kernel, whose size is not asked for: it says 0.
fn read_short(file: &Path) -> io::Result<String> {
    let mut text = String::with_capacity(256);
    File::open(file)?.take(SHORT_MAX).read_to_string(&mut text)?;
    Ok(text)
}

pub(super) fn says(file: &Path, line: &str) -> bool {
    let mut beginning = [0; 256];
    let Ok(length) = File::open(file).and_then(|mut file| file.read(&mut beginning)) else { return false };
    let mut lines = beginning.get(..length).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
    // Whole lines that the kernel gives at first are all that there is, nearly always.
    if lines.any(|other| other.strip_suffix(b"\n") == Some(line.as_bytes())) {
        return true;
    }
    length == beginning.len() && read_short(file).is_ok_and(|text| text.lines().any(|other| other == line))
}

pub(super) fn says_word(file: &Path, word: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.split_whitespace().any(|other| other == word))
}

/// `oom_kill 2` in a file of such lines.
pub(super) fn counted(file: &Path, name: &str) -> u64 {
    let text = read_short(file).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

/// Whether a group can be made below another one; tried by what its mode and its mount say.
pub(in crate::host) fn can_make_below(own: &Path) -> bool {
    let writable = rustix::fs::access(own, rustix::fs::Access::WRITE_OK).is_ok();
    writable && is_writable(&own.join("cgroup.procs"))
}

/// Whether a file can be opened for writing, which also a read-only mount forbids. Nothing is written.
pub(super) fn is_writable(file: &Path) -> bool {
    File::options().write(true).open(file).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_their_whole_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("memory.events");
        fs::write(&file, "low 0\noom 3\noom_kill 2\noom_group_kill 7\n").unwrap();
        assert_eq!(counted(&file, "oom_kill"), 2);
        assert_eq!(counted(&dir.path().join("missing"), "oom_kill"), 0);
    }
}
