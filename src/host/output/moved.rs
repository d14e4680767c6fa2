//! Whether output still goes to its file: who rotates by renaming leaves the writer with the renamed one.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::units::Pid;

/// A file by its place on a disk.
pub(super) type Place = (u64, u64);

/// Where this file is.
pub(super) fn place(meta: &Metadata) -> Place {
    (meta.dev(), meta.ino())
}

/// Where the output goes that was meant for `path`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Elsewhere {
    /// To the file of this name now.
    Moved(PathBuf),
    /// To one that has no name any more.
    Removed,
}

/// Where the writer's output goes instead of to `path`, where `now` stands and `was` stood before. `None`: it goes there, or
/// that can't be told: only who has a file of that name, or that very one, as its output was moved away from.
pub(super) fn elsewhere(
    writer: Pid,
    path: &Path,
    was: Option<Place>,
    now: Option<Place>,
) -> Option<Elsewhere> {
    let mut found = None;
    for stream in [1, 2] {
        let link = format!("/proc/{writer}/fd/{stream}");
        let Ok(meta) = fs::metadata(&link) else { continue };
        let (own, is_file) = (place(&meta), meta.is_file());
        if now == Some(own) {
            return None;
        }
        let Some(text) = fs::read_link(&link).ok().filter(|_| is_file) else { continue };
        // `app.log.1`, `app.log-20260101`, `app.log (deleted)`: what became of it before somebody looked.
        let is_named_so = text.as_os_str().as_bytes().starts_with(path.as_os_str().as_bytes());
        if was != Some(own) && !is_named_so {
            continue;
        }
        found = Some(match meta.nlink() {
            0 => Elsewhere::Removed,
            _ => Elsewhere::Moved(text),
        });
    }
    found
}
