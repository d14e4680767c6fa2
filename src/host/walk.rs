//! Following a path step by step, to know who could change where it leads.
//!
//! The kernel resolves a path in one call and doesn't say through whose links and directories. Here each
//! component is looked at by itself, and the trust in the end result is that in its weakest part.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::errno::io_text;
use super::way::{Step, Way};
use crate::facts::HEAD_BYTES;

const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;

/// One directory, link or file on the way.
#[derive(Debug)]
pub struct Stage {
    /// Its path, with the links before it resolved.
    pub path: PathBuf,
    /// What lstat says.
    pub meta: Metadata,
}

/// Every stage from `/` to the end of `path`, links followed and listed; the last one is the file itself.
///
/// # Errors
/// What the kernel answered, or too many links.
pub fn stages(path: &Path) -> io::Result<Vec<Stage>> {
    let mut way = Way::to(path);
    let stage = |path: &Path| -> io::Result<Stage> {
        Ok(Stage { meta: fs::symlink_metadata(path)?, path: path.to_owned() })
    };
    let mut stages: Vec<Stage> = vec![stage(way.here())?];
    while let Some(step) = way.step() {
        let Step::Name(name) = step else {
            stages.push(stage(way.here())?);
            continue;
        };
        let next = stage(&way.here().join(&name))?;
        if next.meta.file_type().is_symlink() {
            way.follow(&fs::read_link(&next.path)?)?;
        } else {
            way.enter(&name);
        }
        stages.push(next);
    }
    Ok(stages)
}

/// The directory that `path` leads to, links resolved. A way through a symbolic link of somebody else than root and
/// `own` is refused.
///
/// # Errors
/// A sentence.
pub fn without_links_of_strangers(path: &Path, own: u32) -> Result<PathBuf, String> {
    let stages = stages(path).map_err(|error| format!("`{}`: {}", path.display(), io_text(&error)))?;
    match stages
        .iter()
        .find(|stage| stage.meta.file_type().is_symlink() && ![0, own].contains(&stage.meta.uid()))
    {
        Some(stage) => {
            Err(format!("the symbolic link `{}` belongs to user {}", stage.path.display(), stage.meta.uid()))
        }
        None => Ok(stages.last().map_or_else(|| PathBuf::from("/"), |stage| stage.path.clone())),
    }
}

/// Opens a path whose links were resolved before, and refuses it with `ELOOP` if there is a link on it by now: what was
/// judged and what is opened is then the same, whoever owns a directory on the way. Before Linux 5.6 only a link at
/// the end is refused.
///
/// # Errors
/// What the kernel answered.
pub fn open_resolved(path: &Path, flags: OFlags, mode: u32) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(if flags.contains(OFlags::CREATE) { mode } else { 0 });
    let opened = match openat2(CWD, path, flags, mode, ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOSYS) => openat(CWD, path, flags, mode),
        answer => answer,
    };
    Ok(File::from(opened?))
}

/// The first stage that somebody else than root and the `trusted` could change, as the end of a sentence.
/// A directory with the sticky bit counts as not writable by others: they can't rename in it what isn't theirs.
pub fn weakest(stages: &[Stage], trusted: &[u32]) -> Option<String> {
    stages.iter().find_map(|stage| {
        let meta = &stage.meta;
        let path = stage.path.display();
        if meta.uid() != 0 && !trusted.contains(&meta.uid()) {
            return Some(format!("`{path}` belongs to {}", owner(meta.uid())));
        }
        if meta.file_type().is_symlink() {
            // The mode of a link means nothing: who may replace it is a matter of its directory.
            return None;
        }
        let sticky = meta.is_dir() && meta.mode() & STICKY != 0;
        let writable = meta.mode() & OTHERS_WRITE & !own_group(meta, trusted);
        (writable != 0 && !sticky)
            .then(|| format!("`{path}` can be written by others (mode {:04o})", meta.mode() & 0o7777))
    })
}

/// An owner in words. Inside of a user namespace all whom it doesn't map have one number, root of the host and any stranger,
/// so none of them is trusted.
fn owner(uid: u32) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    if is_unmapped(uid, &read("/proc/sys/kernel/overflowuid"), &read("/proc/self/uid_map")) {
        format!("a user whom this user namespace doesn't map (all of them are {uid} in here)")
    } else {
        format!("user {uid}")
    }
}

/// Whether this is the number that stands for all who aren't mapped.
fn is_unmapped(uid: u32, overflow: &str, map: &str) -> bool {
    let is_mapped = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().ok());
        let (first, count) = (numbers.next().flatten(), numbers.nth(1).flatten());
        first.zip(count).is_some_and(|(first, count)| (first..first + count).contains(&u64::from(uid)))
    };
    overflow.trim().parse() == Ok(uid) && !map.is_empty() && !map.lines().any(is_mapped)
}

/// Writable by the group is fine for the private group of a trusted user, which has the user's number.
fn own_group(meta: &Metadata, trusted: &[u32]) -> u32 {
    let private = meta.gid() == 0 || (meta.gid() == meta.uid() && trusted.contains(&meta.uid()));
    if private { 0o020 } else { 0 }
}

/// The beginning of a regular file, without ever waiting for one that isn't.
///
/// # Errors
/// What the kernel answered; `EINVAL` for what isn't a regular file.
pub fn head_of(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_way_ends_where_the_kernel_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a/b", root.join("link")).unwrap();
        for path in ["a", "a/b", "a/b/..", "link", "link/..", "a/../a/b/../..", "a/."] {
            let path = root.join(path);
            let stages = stages(&path).unwrap();
            let last = stages.last().map(|stage| stage.path.clone());
            assert_eq!(last, path.canonicalize().ok(), "{}", path.display());
        }
    }

    /// `unshare -r`: all of the host belongs to 65534, and the message named a user whom nobody knows.
    #[test]
    fn who_is_not_mapped_is_told_from_a_user_of_that_number() {
        let unmapped = |map: &str| is_unmapped(65534, "65534\n", map);
        assert!(unmapped("         0       1000          1\n"));
        assert!(unmapped("0 1000 1\n1 100000 65533\n"));
        assert!(!unmapped("0 1000 1\n1 100000 65536\n"));
        assert!(!unmapped("         0          0 4294967295\n"));
        assert!(!unmapped(""), "nothing is known");
        assert!(!is_unmapped(1001, "65534\n", "0 1000 1\n"));
    }

    #[test]
    fn a_directory_that_became_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("secret")).unwrap();
        fs::write(root.join("secret/file"), "x").unwrap();
        assert!(open_resolved(&root.join("secret/file"), OFlags::RDONLY, 0).is_ok());
        symlink("secret", root.join("swapped")).unwrap();
        let answer = open_resolved(&root.join("swapped/file"), OFlags::RDONLY, 0);
        assert_eq!(answer.unwrap_err().raw_os_error(), Some(libc::ELOOP));
    }
}
