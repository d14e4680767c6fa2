//! Taking the head off a file that a service goes on appending to, without losing or doubling a byte, whoever dies when.
//!
//! ```text
//! copy the head to a new file -> sync it, its name -> journal: punching -> hole in place of the head, synced
//!                             -> journal: collapsing -> take the hole out -> journal: done
//! ```
//!
//! The service writes with `O_APPEND`: the kernel places each write at the end that the file has at that moment, under the
//! same lock that taking out takes. Before `punching` is written down nothing happened to the file; after it the piece is
//! complete, and making the hole again does no harm. After `collapsing` is written down, the head is a hole until it is
//! taken out, and then it isn't: looking tells which. So a cut that was interrupted is finished by whoever comes next.
//!
//! Where a head can't be taken out, the hole stays: the disk has it back, and the file only looks larger than it is.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FallocateFlags, Gid, Mode, OFlags, SeekFrom, Uid, fallocate, fchmod, fchown, fsync, openat,
    renameat, seek, unlinkat,
};
use rustix::io::Errno;

use super::ability::Ability;
use super::journal::{Journal, Step};
use super::open::Opened;
use super::pieces::{Piece, list};
use crate::spec::Rotation;

/// What is copied at a time.
const CHUNK: usize = 256 << 10;

/// Why a file isn't cut. It is as it was, or the cut is finished next time.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// There is no room for the piece.
    #[error("the disk is full")]
    Full,
    /// Its file system can't.
    #[error("its file system can neither take out nor give back the head of a file")]
    Unable,
    /// What the kernel answered.
    #[error("{}", crate::host::errno::io_text(.0))]
    Failed(io::Error),
}

impl From<io::Error> for CutError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => Self::Full,
            _ => Self::Failed(error),
        }
    }
}

impl From<Errno> for CutError {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// A file, open to be cut, with what is remembered of it. Whatever was interrupted is finished.
#[derive(Debug)]
pub struct Cutter<'a> {
    opened: &'a Opened,
    journal: Journal,
    at: PathBuf,
    ability: Ability,
    #[cfg(test)]
    pub(super) die_at: Option<&'static str>,
}

impl<'a> Cutter<'a> {
    /// Takes up a file; its journal lies `at`.
    ///
    /// # Errors
    /// What is under way can't be finished now.
    pub fn new(opened: &'a Opened, at: &Path, ability: Ability) -> Result<Self, CutError> {
        let journal = Self::recall(opened, at)?;
        let mut cutter = Self {
            opened,
            journal,
            at: at.to_owned(),
            ability,
            #[cfg(test)]
            die_at: None,
        };
        cutter.finish()?;
        Ok(cutter)
    }

    /// What is remembered of this very file, else a beginning behind all pieces.
    fn recall(opened: &Opened, at: &Path) -> Result<Journal, CutError> {
        let former = Journal::load(at);
        let mut journal = match former {
            Some(journal) if journal.is_of(&opened.file) => journal,
            former => {
                let pieces = list(&opened.dir, &opened.name)?;
                let ends = pieces.iter().map(|piece| piece.end).chain(former.map(|journal| journal.base));
                let journal = Journal::new(&opened.path, &opened.file, ends.max().unwrap_or(0))?;
                // Before the first piece is there: without a journal a piece counts as cut off.
                journal.save(at)?;
                journal
            }
        };
        if opened.file.metadata()?.len() < journal.offset(journal.base) {
            // Somebody emptied it, the hole as well.
            journal.origin = journal.base;
        }
        Ok(journal)
    }

    /// What is remembered.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Bytes in the file that are in no piece.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn live(&self) -> io::Result<u64> {
        Ok(self.opened.file.metadata()?.len().saturating_sub(self.journal.offset(self.journal.base)))
    }

    /// Notes that everything before `position` was passed on.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn note_sent(&mut self, position: u64) -> io::Result<()> {
        self.journal.sent = position;
        self.journal.save_loosely(&self.at)
    }

    /// Cuts until the file is below its limit, then removes what is no longer kept. True if it did anything.
    ///
    /// # Errors
    /// It can't be cut any further now.
    pub fn turn(&mut self, rotation: Rotation) -> Result<bool, CutError> {
        let Some(max) = rotation.max_size else { return Ok(false) };
        let mut cut = false;
        if self.live()? >= max {
            self.sweep()?;
        }
        while self.live()? >= max {
            let unit = self.ability.unit().ok_or(CutError::Unable)?;
            let whole = max.saturating_mul(u64::from(rotation.keep).saturating_add(1));
            let surplus = self.live()?.saturating_sub(whole);
            if surplus >= max.max(unit) {
                // It grew faster than it could be copied. What would be removed at once isn't copied.
                self.drop_head(surplus - surplus % unit)?;
            } else {
                // At least a byte stays: a file can't be taken out to its end.
                let most = self.live()?.saturating_sub(1);
                let length = (max - max % unit).max(unit).min(most - most % unit);
                if length == 0 {
                    break;
                }
                self.move_head(length, rotation)?;
            }
            cut = true;
        }
        self.prune(rotation.keep)?;
        Ok(cut)
    }

    /// Gives up the head: its bytes are in no piece.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn drop_head(&mut self, length: u64) -> Result<(), CutError> {
        if length == 0 {
            return Ok(());
        }
        self.journal.step = Some(Step::Punching { end: self.journal.base + length });
        self.journal.save(&self.at)?;
        self.finish()
    }

    /// The unit of a cut, if it can be cut at all.
    pub fn unit(&self) -> Option<u64> {
        self.ability.unit()
    }

    fn move_head(&mut self, length: u64, rotation: Rotation) -> Result<(), CutError> {
        let piece = Piece { start: self.journal.base, end: self.journal.base + length, packed: false };
        match self.copy(piece) {
            // What goes anyway once this piece is there makes room for it.
            Err(CutError::Full) if self.prune(rotation.keep.saturating_sub(1))? => self.copy(piece)?,
            answer => answer?,
        }
        self.journal.step = Some(Step::Punching { end: piece.end });
        self.journal.save(&self.at)?;
        self.reached("journal says punching")?;
        self.finish()
    }

    /// The piece, complete and safe on disk under its name.
    fn copy(&self, piece: Piece) -> Result<(), CutError> {
        let name = piece.name(&self.opened.name);
        let (dir, temporary) = (&self.opened.dir, temporary(&self.opened.name));
        let copied = self.copy_to(&temporary, piece).and_then(|()| {
            renameat(dir, &temporary, dir, &name)?;
            Ok(fsync(dir)?)
        });
        if copied.is_err() {
            let _ = unlinkat(dir, &temporary, AtFlags::empty());
        }
        self.reached("piece is there")?;
        copied
    }

    fn copy_to(&self, name: &OsStr, piece: Piece) -> Result<(), CutError> {
        let mut copy = create(&self.opened.dir, name, &self.opened.file)?;
        let mut buffer = vec![0u8; CHUNK];
        let mut position = piece.start;
        while position < piece.end {
            let wanted = usize::try_from(piece.end - position).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            self.opened.file.read_exact_at(part, self.journal.offset(position))?;
            copy.write_all(part)?;
            position += wanted as u64;
            self.reached("half a piece")?;
        }
        Ok(copy.sync_all()?)
    }

    /// Finishes what the journal says is under way.
    fn finish(&mut self) -> Result<(), CutError> {
        let (base, file) = (self.journal.base, &self.opened.file);
        let offset = self.journal.offset(base);
        if let Some(Step::Punching { end }) = self.journal.step {
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file.as_fd(), hole, offset, end - base)?;
            self.reached("hole is there")?;
            file.sync_all()?;
            match self.ability {
                Ability::Collapse(_) => {
                    self.journal.step = Some(Step::Collapsing { end });
                    self.journal.save(&self.at)?;
                    self.reached("journal says collapsing")?;
                }
                Ability::Punch(_) | Ability::Neither => return self.done(end, self.journal.origin),
            }
        }
        if let Some(Step::Collapsing { end }) = self.journal.step {
            if is_hole(file, offset, end - base)? {
                match fallocate(file.as_fd(), FallocateFlags::COLLAPSE_RANGE, offset, end - base) {
                    Ok(()) => {}
                    // Somebody emptied it meanwhile.
                    Err(Errno::INVAL) if file.metadata()?.len() <= offset + (end - base) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            self.reached("head is taken out")?;
            return self.done(end, self.journal.origin + (end - base));
        }
        Ok(())
    }

    fn done(&mut self, end: u64, origin: u64) -> Result<(), CutError> {
        self.journal.step = None;
        self.journal.base = end;
        self.journal.origin = origin;
        self.journal.sent = self.journal.sent.max(end);
        Ok(self.journal.save(&self.at)?)
    }

    /// Removes pieces that nothing was cut for: whoever made them died before that was written down.
    fn sweep(&self) -> Result<(), CutError> {
        let pieces = list(&self.opened.dir, &self.opened.name)?;
        for piece in pieces.iter().filter(|piece| piece.start >= self.journal.base) {
            self.remove(*piece)?;
        }
        Ok(())
    }

    fn remove(&self, piece: Piece) -> Result<(), CutError> {
        for packed in [false, true] {
            let name = Piece { packed, ..piece }.name(&self.opened.name);
            match unlinkat(&self.opened.dir, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Removes all but the newest pieces. True if there was one to remove.
    fn prune(&self, keep: u32) -> Result<bool, CutError> {
        let pieces = list(&self.opened.dir, &self.opened.name)?;
        let surplus = pieces.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
        for piece in pieces.iter().take(surplus) {
            self.remove(*piece)?;
        }
        Ok(surplus > 0)
    }

    /// A place where the tests let it die.
    #[cfg(test)]
    fn reached(&self, point: &'static str) -> Result<(), CutError> {
        let dies = self.die_at == Some(point);
        if dies { Err(CutError::Failed(io::Error::other(point))) } else { Ok(()) }
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "it does something in tests")]
    fn reached(&self, _: &'static str) -> Result<(), CutError> {
        Ok(())
    }
}

/// Whether there is nothing from `offset` on for so many bytes.
///
/// # Errors
/// What the kernel answered.
pub(super) fn is_hole(file: &File, offset: u64, length: u64) -> Result<bool, Errno> {
    match seek(file, SeekFrom::Data(offset)) {
        Ok(data) => Ok(data >= offset + length),
        Err(Errno::NXIO) => Ok(true),
        Err(errno) => Err(errno),
    }
}

/// The name of a piece that isn't complete yet: one for each file, so that what a killed engine left is found again.
pub(super) fn temporary(name: &OsStr) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".new");
    temporary
}

/// A new file beside `like`, for whom that is for.
pub(super) fn create(dir: &OwnedFd, name: &OsStr, like: &File) -> io::Result<File> {
    // What a killed engine left.
    let _ = unlinkat(dir, name, AtFlags::empty());
    let meta = like.metadata()?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?);
    if (meta.uid(), meta.gid()) != (file.metadata()?.uid(), file.metadata()?.gid()) {
        // The owner only matters where we may set it; who may read it is kept all the same.
        let _ = fchown(&file, Some(Uid::from_raw(meta.uid())), Some(Gid::from_raw(meta.gid())));
    }
    fchmod(&file, Mode::from_raw_mode(meta.mode() & 0o666))?;
    Ok(file)
}
