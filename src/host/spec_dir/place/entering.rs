//! A directory with all that is in it. Half a listing would make files look gone: whatever can't be listed is said, and nothing of what it
//! held is gone.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};

use super::super::identity::{Identity, Standing};
use super::super::names::{DIRECTORY, why_ignored};
use super::super::read::{Refusal, unreadable};
use super::super::stamp::Stamp;
use super::super::{Ignored, ProblemReason};
use super::Place;
use super::gathering::{Directory, Gathering, Name};
use crate::host::walk;

/// Sub-directories are entered so deep.
const DEPTH_MAX: usize = 32;

impl Place {
    /// A directory with all that is in it. Half a listing would make files look gone, so that an error ends it.
    pub(super) fn enter(
        &mut self,
        directory: &Directory,
        identity: Identity,
        gathering: &mut Gathering<'_>,
        depth: usize,
    ) -> io::Result<()> {
        match self.believed.judge(&directory.below, identity, gathering.attention.now) {
            Standing::Familiar => {}
            Standing::New { again } => {
                gathering.complete = false;
                gathering.look_again(again);
            }
        }
        gathering.directories.push(directory.real.clone());
        gathering.entered.insert(directory.below.clone());
        let names = list(&directory.open)?;
        self.known.make_room(names.len().min(self.manner.limits.files));
        for (name, kind) in names {
            if self.is_as_it_was(directory, &name, kind, gathering) {
                continue;
            }
            let may_enter = self.manner.recursive && !name.as_bytes().starts_with(b".");
            if may_enter && is_directory(&directory.open, &name, kind) {
                self.sub_directory(directory, &name, directory.below.join(&name), gathering, depth);
            } else if let Some(why) = why_ignored(name.as_bytes()) {
                let is_closed = !self.manner.recursive
                    && !name.as_bytes().starts_with(b".")
                    && kind == FileType::Directory;
                let why = if is_closed { DIRECTORY } else { why };
                gathering.ignored.push(Ignored { path: self.path.join(directory.below.join(&name)), why });
            } else {
                let below = directory.below.join(&name);
                let (shown, real) = (self.path.join(&below), directory.real.join(&name));
                self.entry(directory, Name { below: &below, shown: &shown, real: &real }, kind, gathering);
            }
        }
        Ok(())
    }

    /// Takes a file that is certainly as it was at the last look: of most files that is all. Whatever is doubtful, or new, is looked
    /// at more closely.
    pub(super) fn is_as_it_was(
        &mut self,
        directory: &Directory,
        name: &OsStr,
        kind: FileType,
        gathering: &mut Gathering<'_>,
    ) -> bool {
        let limits = self.manner.limits;
        let within = gathering.files.len() < limits.files && gathering.bytes <= limits.total_bytes;
        // The names that are known are those of documents.
        if kind != FileType::RegularFile || self.remote.is_some() || !within {
            return false;
        }
        let in_sub_directory = (!directory.below.as_os_str().is_empty()).then(|| directory.below.join(name));
        let below = in_sub_directory.as_ref().map_or(name, |below| below.as_os_str());
        let stamp = || {
            let stat = statat(&directory.open, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some(Stamp::of_stat(&stat))
        };
        let Some(file) = self.known.unchanged(below, gathering.attention.contents, stamp) else {
            return false;
        };
        gathering.bytes = gathering.bytes.saturating_add(file.bytes.len() as u64);
        gathering.files.push(file);
        true
    }

    /// One that can't be entered is a problem, and nothing of what it held is gone.
    fn sub_directory(
        &mut self,
        above: &Directory,
        name: &OsStr,
        below: PathBuf,
        gathering: &mut Gathering<'_>,
        depth: usize,
    ) {
        let shown = self.path.join(&below);
        let entered = if depth >= DEPTH_MAX {
            Err((ProblemReason::TooLarge, "it lies too deep".to_owned()))
        } else {
            self.open_sub_directory(above, name, below).and_then(|(directory, identity)| {
                self.enter(&directory, identity, gathering, depth + 1).map_err(unreadable)
            })
        };
        if let Err(refusal) = entered {
            gathering.complete = false;
            gathering.refuse(shown, refusal);
        }
    }

    fn open_sub_directory(
        &self,
        above: &Directory,
        name: &OsStr,
        below: PathBuf,
    ) -> Result<(Directory, Identity), Refusal> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = openat(&above.open, name, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
        let open = File::from(open);
        let stage = walk::Stage { path: above.real.join(name), meta: open.metadata().map_err(unreadable)? };
        if let Some(weak) = walk::weakest(std::slice::from_ref(&stage), &self.manner.trust.owners) {
            return Err((ProblemReason::UntrustedSource, weak));
        }
        let identity = Identity::of(&open).map_err(|errno| unreadable(errno.into()))?;
        Ok((Directory { open, real: stage.path, below }, identity))
    }
}

/// All names in order, with their kinds where the file system says them, or an error.
fn list(directory: &File) -> io::Result<Vec<(OsString, FileType)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push((name.to_owned(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

fn is_directory(above: &File, name: &OsStr, kind: FileType) -> bool {
    match kind {
        FileType::Directory => true,
        FileType::Unknown => statat(above, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        _ => false,
    }
}
