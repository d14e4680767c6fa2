//! One name that a document may have: its stamp decides whether it is read, and whether it is waited for.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, Stat, fstat, openat, statat};

use super::super::known::{Outcome, Verdict};
use super::super::read::{FLAGS, Refusal, not_followed, not_regular, read_in, read_listed, unreadable};
use super::super::stamp::Stamp;
use super::super::{ProblemReason, SpecFile};
use super::Place;
use super::gathering::{Directory, Gathering, Name};
use crate::host::walk;
use crate::spec::Content;
use crate::units::BootTime;

/// Directories that links of documents lead to are watched, at most so many of them.
const LINKED_MAX: usize = 64;

impl Place {
    /// A name that a document may have, and its kind as far as that was listed.
    pub(super) fn entry(
        &mut self,
        directory: &Directory,
        called: Name<'_>,
        kind: FileType,
        gathering: &mut Gathering<'_>,
    ) {
        let (name, shown) = (called.real.file_name().unwrap_or_default(), || called.shown.to_owned());
        if name.to_str().is_none() {
            let text = "its name is not UTF-8".to_owned();
            return gathering.refuse(shown(), (ProblemReason::InvalidName, text));
        }
        let manner = Arc::clone(&self.manner);
        let limits = manner.limits;
        if gathering.files.len() >= limits.files || gathering.bytes > limits.total_bytes {
            let text = "there are too many files before it".to_owned();
            return gathering.refuse(shown(), (ProblemReason::TooLarge, text));
        }
        if kind == FileType::RegularFile
            && self.is_read_in_any_case(called, gathering)
            && let Some((bytes, stamp)) =
                read_listed(&directory.open, name, called.real, &manner.trust, limits.file_bytes)
        {
            let (below, now) = (called.below.as_os_str(), gathering.attention.now);
            let outcome = self.noted(below, called.shown, stamp, Ok(bytes), now);
            return gathering.take(outcome, called.shown);
        }
        let stamp = match self.stamp(directory, name, called.real, gathering) {
            Ok(stamp) => stamp,
            Err(refusal) => return gathering.refuse(shown(), refusal),
        };
        if stamp.kind() != FileType::RegularFile {
            return gathering.refuse(shown(), not_regular());
        }
        let opened = || read_in(&directory.open, name, called.real, &manner.trust, limits.file_bytes);
        self.file(called, stamp, gathering, opened);
    }

    /// Nothing is known of it, and it isn't being written: its stamp decides nothing.
    fn is_read_in_any_case(&self, called: Name<'_>, gathering: &Gathering<'_>) -> bool {
        let writing = self.last.is_some() && gathering.attention.writing.contains(called.real);
        self.patience(&gathering.attention).quiet && !writing && !self.known.has(called.below.as_os_str())
    }

    /// Of the file itself, or of what a link leads to: then everything on the way must be trusted.
    fn stamp(
        &self,
        directory: &Directory,
        name: &OsStr,
        real: &Path,
        gathering: &mut Gathering<'_>,
    ) -> Result<Stamp, Refusal> {
        let own = match self.stat(directory, name) {
            Ok(stat) => Stamp::of_stat(&stat),
            Err(errno) => {
                // It was listed a moment ago: whatever this is, it is no knowledge.
                gathering.complete = false;
                gathering.look_again(gathering.attention.now.after(self.manner.settle));
                return Err(unreadable(errno.into()));
            }
        };
        if own.kind() != FileType::Symlink {
            return Ok(own);
        }
        let stages = walk::stages(real).map_err(|error| not_followed(real, error))?;
        for stage in stages.iter().filter(|stage| !directory.real.starts_with(&stage.path)) {
            let above = stage.path.parent().filter(|above| *above != directory.real);
            if gathering.linked.len() < LINKED_MAX {
                gathering.linked.extend(above.map(Path::to_owned));
            }
        }
        let target = stages.last().map_or(own, |stage| Stamp::of(&stage.meta));
        match walk::weakest(&stages, &self.manner.trust.owners) {
            Some(weak) if target.kind() == FileType::RegularFile => {
                Err((ProblemReason::UntrustedSource, weak))
            }
            // What it leads to is no file at all: that is said first.
            Some(_) | None => Ok(target),
        }
    }

    fn stat(&self, directory: &Directory, name: &OsStr) -> rustix::io::Result<Stat> {
        if self.remote.is_some() {
            // Only opening makes a network file system ask its server.
            if let Ok(open) = openat(&directory.open, name, FLAGS, Mode::empty()) {
                return fstat(open);
            }
        }
        statat(&directory.open, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// A regular file with this stamp: as it was, read, or not finished.
    pub(super) fn file(
        &mut self,
        Name { below, shown, real }: Name<'_>,
        stamp: Stamp,
        gathering: &mut Gathering<'_>,
        opened: impl FnOnce() -> Result<(Vec<u8>, Stamp), Refusal>,
    ) {
        let below = below.as_os_str();
        let patience = self.patience(&gathering.attention);
        let writing = self.last.is_some() && gathering.attention.writing.contains(real);
        let outcome = match self.known.judge(below, stamp, writing, patience) {
            Verdict::Unchanged(outcome) => outcome,
            Verdict::Unfinished => return gathering.unfinished.push((below.to_owned(), shown.to_owned())),
            Verdict::Read => match opened() {
                Ok((bytes, stamp)) => self.noted(below, shown, stamp, Ok(bytes), patience.now),
                Err((ProblemReason::ReadUnstable, _)) => {
                    self.known.unfinished(below, stamp, patience.now);
                    return gathering.unfinished.push((below.to_owned(), shown.to_owned()));
                }
                // Whether it can be read is no matter of its stamp.
                Err(refusal @ (ProblemReason::Unreadable, _)) => Err(refusal),
                Err(refusal) => self.noted(below, shown, stamp, Err(refusal), patience.now),
            },
        };
        gathering.take(outcome, shown);
    }

    pub(in crate::host::spec_dir) fn noted(
        &mut self,
        below: &OsStr,
        shown: &Path,
        stamp: Stamp,
        read: Result<Vec<u8>, Refusal>,
        now: BootTime,
    ) -> Outcome {
        let file = |bytes: Vec<u8>| {
            let file = SpecFile { path: shown.to_owned(), bytes: Content::from(bytes) };
            // Known before there are copies, which know it as well then.
            let _ = file.digest();
            Arc::new(file)
        };
        let settled = self.reading.is_some_and(|reading| stamp.is_older_than(reading));
        self.known.note(below, (stamp, settled), read.map(file), now)
    }
}
