//! Following a path step by step, to know who could change where it leads.
//!
//! The kernel resolves a path in one call and doesn't say through whose links and directories. Here each
//! component is looked at by itself, and the trust in the end result is that in its weakest part.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::errno::io_text;
use crate::facts::HEAD_BYTES;

/// As the kernel: `ELOOP` after so many links.
const LINKS_MAX: usize = 40;
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
    let mut left: VecDeque<OsString> = parts(path);
    let mut here = PathBuf::from("/");
    let mut links = 0;
    let mut stages = vec![Stage { meta: fs::symlink_metadata(&here)?, path: here.clone() }];
    while let Some(part) = left.pop_front() {
        if part == ".." {
            here.pop();
            stages.push(Stage { meta: fs::symlink_metadata(&here)?, path: here.clone() });
            continue;
        }
        let next = here.join(&part);
        let meta = fs::symlink_metadata(&next)?;
        if meta.file_type().is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            let target = fs::read_link(&next)?;
            stages.push(Stage { path: next, meta });
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            for part in parts(&target).into_iter().rev() {
                left.push_front(part);
            }
        } else {
            stages.push(Stage { path: next.clone(), meta });
            here = next;
        }
    }
    Ok(stages)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
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
            return Some(format!("`{path}` belongs to user {}", meta.uid()));
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
