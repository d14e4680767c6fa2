//! Reading a stream of output from its pieces and its file, byte by byte as it was written, while the file is cut.
//!
//! Positions count from the beginning of the stream. Where a position is in the file is looked up before each read and again
//! after it: only if both agree, what was read counts. A cut moves the file's origin only forward, so that agreement can't
//! be by chance.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, inotify};

use super::cut::is_hole;
use super::journal::{Journal, Step};
use super::marks;
use super::open::{Refused, directory};
use super::pieces::{Piece, list};
use crate::units::WallTime;

const CHUNK: usize = 256 << 10;
/// So far back the beginning of a line is looked for.
const LINE_MAX: u64 = 64 << 10;
/// What inotify doesn't tell of (another file under the name) is seen after so long.
const LOOK: Duration = Duration::from_secs(1);

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Bytes, at least one.
    Bytes(Vec<u8>),
    /// So many bytes are not kept any more.
    Gap(u64),
    /// The file was emptied or replaced by somebody else; what follows is from its beginning.
    Anew,
    /// Nothing more was written yet.
    End,
}

/// Where the stream is in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Layout {
    /// Position of the file's first byte.
    origin: u64,
    /// Position of the first byte that is to be read from it.
    base: u64,
}

/// A reader at a position.
pub struct Reader {
    path: PathBuf,
    journal: PathBuf,
    dir: OwnedFd,
    position: u64,
    live: Option<File>,
    piece: Option<(Box<dyn Read>, u64)>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader at the first byte that is kept of the output file `path`; journals lie in `journals`.
    ///
    /// # Errors
    /// Its directory isn't there, or can't be read.
    pub fn new(path: &Path, journals: &Path) -> Result<Self, Refused> {
        let (dir, path) = directory(path)?;
        let journal = Journal::place(journals, &path);
        let mut reader = Self { path, journal, dir, position: 0, live: None, piece: None };
        reader.live = reader.open().ok();
        reader.position = reader.stretches()?.first().map_or(0, |(start, _)| *start);
        Ok(reader)
    }

    /// The file that is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on from this position.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
        self.piece = None;
    }

    /// Goes to the end of what was written by now.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn seek_end(&mut self) -> io::Result<()> {
        let position = match &self.live {
            Some(file) => {
                let layout = self.layout(file)?;
                layout.base.max(layout.origin.saturating_add(file.metadata()?.len()))
            }
            None => self.pieces()?.into_iter().map(|piece| piece.end).max().unwrap_or(0),
        };
        self.seek(position);
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let name = self.path.file_name().unwrap_or_default();
        let file = File::from(rustix::fs::openat(&self.dir, name, flags, rustix::fs::Mode::empty())?);
        let plain = file.metadata()?.is_file();
        if plain { Ok(file) } else { Err(io::Error::from_raw_os_error(libc::EINVAL)) }
    }

    fn pieces(&self) -> io::Result<Vec<Piece>> {
        list(&self.dir, self.path.file_name().unwrap_or_default())
    }

    fn layout(&self, file: &File) -> io::Result<Layout> {
        let journal = Journal::load(&self.journal);
        let Some(journal) = journal.as_ref().filter(|journal| journal.is_of(file)) else {
            let ends = self.pieces()?.into_iter().map(|piece| piece.end);
            let base = ends.chain(journal.map(|journal| journal.base)).max().unwrap_or(0);
            return Ok(Layout { origin: base, base });
        };
        let (origin, base) = (journal.origin, journal.base);
        let layout = match journal.step {
            None => Layout { origin, base },
            Some(Step::Punching { end }) => Layout { origin, base: end },
            Some(Step::Collapsing { end }) if is_hole(file, journal.offset(base), end - base)? => {
                Layout { origin, base: end }
            }
            Some(Step::Collapsing { end }) => Layout { origin: origin + (end - base), base: end },
        };
        // Somebody emptied it, the hole as well.
        let emptied = file.metadata()?.len() < layout.base - layout.origin;
        Ok(if emptied { Layout { origin: layout.base, base: layout.base } } else { layout })
    }

    /// What comes next.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn read_on(&mut self) -> io::Result<Next> {
        loop {
            if let Some(bytes) = self.of_piece()? {
                return Ok(Next::Bytes(bytes));
            }
            if self.live.is_none() {
                self.live = self.open().ok();
            }
            let Some(file) = &self.live else {
                return match self.behind(u64::MAX)? {
                    Some(next) => Ok(next),
                    None if self.piece.is_some() => continue,
                    None => Ok(Next::End),
                };
            };
            let layout = self.layout(file)?;
            if self.position < layout.base {
                match self.behind(layout.base)? {
                    Some(next) => return Ok(next),
                    None => continue,
                }
            }
            let mut buffer = vec![0u8; CHUNK];
            let offset = self.position - layout.origin;
            let size = file.metadata()?.len();
            let count = file.read_at(&mut buffer, offset)?;
            if self.layout(file)? != layout {
                continue;
            }
            if count > 0 {
                buffer.truncate(count);
                self.position += count as u64;
                return Ok(Next::Bytes(buffer));
            }
            if offset > size {
                self.position = layout.base;
                return Ok(Next::Anew);
            }
            // At its end. If the name is another file's by now, that one follows.
            let now = self.open().ok();
            let same = now.as_ref().is_none_or(|now| is_same(now, file));
            if same {
                return Ok(Next::End);
            }
            self.live = now;
            if let Some(file) = &self.live {
                self.position = self.layout(file)?.base;
            }
            return Ok(Next::Anew);
        }
    }

    fn of_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((piece, end)) = &mut self.piece else { return Ok(None) };
        let wanted = usize::try_from(*end - self.position).unwrap_or(CHUNK).min(CHUNK);
        let mut buffer = vec![0u8; wanted];
        let count = piece.read(&mut buffer)?;
        if count == 0 {
            self.piece = None;
            return Ok(None);
        }
        buffer.truncate(count);
        self.position += count as u64;
        if self.position >= *end {
            self.piece = None;
        }
        Ok(Some(buffer))
    }

    /// Opens the piece that holds the position, which is before `base`; else the gap up to what there is.
    fn behind(&mut self, base: u64) -> io::Result<Option<Next>> {
        let pieces = self.pieces()?;
        let held = pieces.iter().find(|piece| piece.start <= self.position && self.position < piece.end);
        if let Some(piece) = held
            && let Some(opened) = self.open_piece(*piece)?
        {
            self.piece = Some((opened, piece.end.min(base)));
            return Ok(None);
        }
        let next = pieces.iter().map(|piece| piece.start).filter(|start| *start > self.position).min();
        let next = next.unwrap_or(base).min(base);
        if next == u64::MAX {
            return Ok(None);
        }
        // It may have been removed, or compressed, since the list was made.
        if held.is_some()
            && self.pieces()?.iter().any(|piece| piece.start <= self.position && self.position < piece.end)
        {
            return Ok(None);
        }
        let gap = next - self.position;
        self.position = next;
        Ok(Some(Next::Gap(gap)))
    }

    fn open_piece(&self, piece: Piece) -> io::Result<Option<Box<dyn Read>>> {
        let name = piece.name(self.path.file_name().unwrap_or_default());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, &name, flags, rustix::fs::Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let mut opened: Box<dyn Read> =
            if piece.packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        io::copy(&mut (&mut opened).take(self.position - piece.start), &mut io::sink())?;
        Ok(Some(opened))
    }

    /// What there is, from where to where, in order; the file's end is open.
    fn stretches(&self) -> io::Result<Vec<(u64, u64)>> {
        let mut all: Vec<(u64, u64)> = self.pieces()?.iter().map(|piece| (piece.start, piece.end)).collect();
        if let Some(file) = &self.live {
            let base = self.layout(file)?.base;
            all.retain(|(start, _)| *start < base);
            all.push((base, u64::MAX));
        }
        Ok(all)
    }

    /// Goes to the beginning of the last `count` lines.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn seek_lines(&mut self, count: usize) -> io::Result<()> {
        let stretches = self.stretches()?;
        let mut begins: Vec<u64> = Vec::new();
        let mut end = None;
        for (start, behind) in stretches.iter().rev() {
            let (mut found, stopped) = self.lines_in(*start, *behind)?;
            let end = *end.get_or_insert(stopped);
            found.retain(|begin| *begin < end);
            found.append(&mut begins);
            begins = found;
            if begins.len() >= count {
                break;
            }
        }
        let target = match begins.len().checked_sub(count).and_then(|at| begins.get(at)) {
            Some(begin) => *begin,
            None if count == 0 => end.unwrap_or(0),
            None => stretches.first().map_or(0, |(start, _)| *start),
        };
        self.seek(target);
        Ok(())
    }

    /// Where lines begin behind ends of lines of this stretch, and where it ended.
    fn lines_in(&mut self, start: u64, end: u64) -> io::Result<(Vec<u64>, u64)> {
        self.seek(start);
        let mut begins = Vec::new();
        while self.position < end {
            let at = self.position;
            match self.read_on()? {
                Next::Bytes(bytes) => {
                    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
                    begins.extend(ends.map(|(n, _)| at + n as u64 + 1));
                }
                Next::Gap(_) => {}
                Next::Anew | Next::End => break,
            }
        }
        Ok((begins, self.position))
    }

    /// Goes to where the stream was at `time`, or a little before: what was written since is behind it.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn seek_time(&mut self, time: WallTime) -> io::Result<()> {
        let first = self.stretches()?.first().map_or(0, |(start, _)| *start);
        let mut position = marks::since(&self.journal, time).unwrap_or(0).max(first);
        let before = |meta: &std::fs::Metadata| {
            u64::try_from(meta.mtime()).is_ok_and(|seconds| Duration::from_secs(seconds + 1) <= time.0)
        };
        for piece in self.pieces()? {
            let name = piece.name(self.path.file_name().unwrap_or_default());
            // It was made after all of it was written.
            if std::fs::symlink_metadata(self.path.with_file_name(name)).is_ok_and(|meta| before(&meta)) {
                position = position.max(piece.end);
            }
        }
        if self.live.as_ref().and_then(|file| file.metadata().ok()).is_some_and(|meta| before(&meta)) {
            self.seek_lines(0)?;
            return Ok(());
        }
        self.seek(position);
        self.forward_to_line(first)
    }

    /// Back to the beginning of the line that the position is in.
    fn forward_to_line(&mut self, first: u64) -> io::Result<()> {
        let position = self.position;
        let from = position.saturating_sub(LINE_MAX).max(first);
        let (begins, _) = self.lines_in(from, position)?;
        let begin = begins.into_iter().rfind(|begin| *begin <= position);
        self.seek(begin.unwrap_or(if from == first { first } else { position }));
        Ok(())
    }

    /// Waits until there may be more, at most a second. False when nobody reads what we write any more.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn wait(&mut self, watch: &mut Watch) -> io::Result<bool> {
        watch.wait(&self.path)
    }
}

fn is_same(one: &File, other: &File) -> bool {
    let identity = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    identity(one) == identity(other)
}

/// Nobody reads our output any more.
pub fn is_unread() -> bool {
    let out = rustix::stdio::stdout();
    let mut fds = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok_and(|count| count > 0)
        && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP))
}

/// Waits for writes.
#[derive(Debug)]
pub struct Watch {
    inotify: Option<OwnedFd>,
}

impl Watch {
    /// Nothing is waited for yet.
    pub fn new() -> Self {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        Self { inotify: inotify::init(flags).ok() }
    }

    /// Waits until something is written to this file, at most a second. False: nobody reads our output any more.
    ///
    /// # Errors
    /// What the kernel answered.
    pub(in crate::host) fn wait(&mut self, path: &Path) -> io::Result<bool> {
        let out = rustix::stdio::stdout();
        let mut fds = vec![PollFd::new(&out, PollFlags::empty())];
        if let Some(inotify) = &self.inotify {
            // The same file again is the same watch; another one under the name is seen at the next look.
            let _ = inotify::add_watch(inotify, path, inotify::WatchFlags::MODIFY);
            fds.push(PollFd::new(inotify, PollFlags::IN));
        }
        let second = Timespec { tv_sec: i64::try_from(LOOK.as_secs()).unwrap_or(1), tv_nsec: 0 };
        match poll(&mut fds, Some(&second)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let closed = fds.first().is_some_and(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP));
        if let Some(inotify) = &self.inotify {
            let mut buffer = [0u8; 4096];
            while rustix::io::read(inotify, &mut buffer).is_ok_and(|count| count > 0) {}
        }
        Ok(!closed)
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything that is kept of a stream now.
///
/// # Errors
/// What the kernel answered.
pub fn whole(path: &Path, journals: &Path) -> Result<Vec<u8>, Refused> {
    let mut reader = Reader::new(path, journals)?;
    let mut all = Vec::new();
    loop {
        match reader.read_on()? {
            Next::Bytes(bytes) => all.extend(bytes),
            Next::Gap(_) | Next::Anew => {}
            Next::End => return Ok(all),
        }
    }
}
