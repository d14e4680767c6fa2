//! A look at where the documents are: list, read, digest. Level-triggered: whatever an event said, the look decides.
//!
//! Files and directories may be given; directories are not entered further. Only a missing name in a completely read
//! directory means that a file is gone; everything else that goes wrong is a problem with that place, and what it
//! held stays in force.

mod hints;
mod names;

pub use hints::{Hints, NoHints, NotifyHints};
pub use names::is_document;

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use sha2::{Digest, Sha256};

use super::errno::io_text;
use super::walk;

/// A document file is no larger than this.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// All files of a place together.
pub const TOTAL_BYTES_MAX: u64 = 64 << 20;
/// Files of a place.
pub const FILES_MAX: usize = 10_000;
/// Attempts at a file that somebody is writing; the next look comes soon in any case.
const READ_ATTEMPTS: usize = 3;

/// Which directory or file it was: another one under the same name is another source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Identity {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
}

/// One file as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecFile {
    /// The place as given, with the name.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

/// A file that is there and not used, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Which.
    pub path: PathBuf,
    /// The kind, for status.
    pub reason: ProblemReason,
    /// A sentence.
    pub text: String,
}

/// Kinds of problems. In each case the last good content of the file stays in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemReason {
    /// It can't be read.
    Unreadable,
    /// It changed while it was read.
    ReadUnstable,
    /// Others than root and the engine's user can change it.
    UntrustedSource,
    /// Too large, or too many.
    TooLarge,
    /// Its name isn't UTF-8.
    InvalidName,
    /// Not a regular file.
    NotRegular,
}

/// What was found at one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// Every name was seen: what isn't here is gone.
    pub complete: bool,
    /// The files that can be used, by name.
    pub files: Vec<SpecFile>,
    /// The others.
    pub problems: Vec<Problem>,
    /// Which directory (or file) this was.
    pub identity: Identity,
    /// Names that are no documents, for a verbose report.
    pub ignored: Vec<PathBuf>,
}

/// One look at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// It is there.
    Found(Listing),
    /// Nothing is known of what it holds: it isn't there, or can't be listed, or isn't to be trusted.
    Unavailable(String),
}

/// Who may own documents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// Besides root.
    pub owners: Vec<u32>,
}

impl Trust {
    /// Root and the engine's own user.
    pub fn own() -> Self {
        Self { owners: vec![rustix::process::geteuid().as_raw()] }
    }
}

/// Looks at a place: a directory or a file.
pub fn look(place: &Path, trust: &Trust) -> Look {
    let unavailable = |text: String| Look::Unavailable(format!("`{}`: {text}", place.display()));
    let absolute = match std::path::absolute(place) {
        Ok(absolute) => absolute,
        Err(error) => return unavailable(io_text(&error)),
    };
    let stages = match walk::stages(&absolute) {
        Ok(stages) => stages,
        Err(error) => return unavailable(io_text(&error)),
    };
    let Some(last) = stages.last() else { return unavailable("it leads nowhere".into()) };
    let identity = identity_of(&last.meta);
    if !last.meta.is_dir() {
        return Look::Found(one_file(place, &absolute, identity, trust));
    }
    if let Some(weak) = walk::weakest(&stages, &trust.owners) {
        return unavailable(format!("it is not to be trusted: {weak}"));
    }
    match list(&last.path) {
        Ok(names) => Look::Found(read_all(place, &last.path, names, identity, trust)),
        Err(error) => unavailable(io_text(&error)),
    }
}

fn identity_of(meta: &Metadata) -> Identity {
    Identity { dev: meta.dev(), ino: meta.ino() }
}

fn one_file(place: &Path, path: &Path, identity: Identity, trust: &Trust) -> Listing {
    let mut listing = Listing { complete: true, files: vec![], problems: vec![], identity, ignored: vec![] };
    match read_trusted(path, trust, FILE_BYTES_MAX) {
        Ok(bytes) => listing.files.push(spec_file(place.to_owned(), bytes)),
        Err((reason, text)) => {
            listing.problems.push(Problem { path: place.to_owned(), reason, text });
        }
    }
    listing
}

/// The documents in a directory by name, for work on the files themselves: nothing is read, nobody is judged.
///
/// # Errors
/// What the kernel answered.
pub fn documents(dir: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(list(dir)?
        .into_iter()
        .filter(|name| is_document(name.as_bytes()))
        .map(|name| dir.join(name))
        .collect())
}

/// All names, or an error: half a listing would make files look gone.
fn list(dir: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn read_all(
    place: &Path,
    real: &Path,
    names: Vec<std::ffi::OsString>,
    identity: Identity,
    trust: &Trust,
) -> Listing {
    let mut listing = Listing { complete: true, files: vec![], problems: vec![], identity, ignored: vec![] };
    let dir = open_judged(real, identity);
    let mut total = 0u64;
    for name in names {
        let path = place.join(&name);
        if !is_document(name.as_bytes()) {
            listing.ignored.push(path);
            continue;
        }
        let outcome = if name.to_str().is_none() {
            Err((ProblemReason::InvalidName, "its name is not UTF-8".to_owned()))
        } else if listing.files.len() >= FILES_MAX || total > TOTAL_BYTES_MAX {
            Err((ProblemReason::TooLarge, "there are too many files before it".to_owned()))
        } else {
            read_in(dir.as_ref(), &name, &real.join(&name), trust)
        };
        match outcome {
            Ok(bytes) => {
                total = total.saturating_add(bytes.len() as u64);
                listing.files.push(spec_file(path, bytes));
            }
            Err((reason, text)) => listing.problems.push(Problem { path, reason, text }),
        }
    }
    // The directory may have been replaced while its files were read.
    listing.complete = fs::metadata(real).is_ok_and(|meta| identity_of(&meta) == identity);
    listing
}

fn spec_file(path: PathBuf, bytes: Vec<u8>) -> SpecFile {
    let digest = Sha256::digest(&bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    });
    SpecFile { path, bytes, digest }
}

type Refusal = (ProblemReason, String);

/// Reads a file that a document names and that counts like the document itself: regular, at most so large, and nobody
/// else can change it or where its path leads.
///
/// # Errors
/// A sentence.
pub fn read_file(path: &Path, trust: &Trust, most: u64) -> Result<Vec<u8>, String> {
    read_trusted(path, trust, most).map_err(|(_, text)| text)
}

/// The directory that was judged; `None` if there is another one in its place by now.
fn open_judged(real: &Path, identity: Identity) -> Option<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let dir = OpenOptions::new().read(true).custom_flags(flags).open(real).ok()?;
    dir.metadata().is_ok_and(|meta| identity_of(&meta) == identity).then_some(dir)
}

/// Reads a file of a directory that was judged, so that only the file itself is left to be: five system calls instead
/// of fourteen. A link leads elsewhere, and whatever can't be opened wants its words: both take the long way.
fn read_in(dir: Option<&File>, name: &OsStr, path: &Path, trust: &Trust) -> Result<Vec<u8>, Refusal> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = dir.and_then(|dir| openat(dir, name, flags, Mode::empty()).ok());
    let Some(mut file) = opened.map(File::from) else { return read_trusted(path, trust, FILE_BYTES_MAX) };
    let before = file.metadata().map_err(unreadable)?;
    if !before.is_file() {
        return Err(not_regular());
    }
    let stage = walk::Stage { path: path.to_owned(), meta: before };
    if let Some(weak) = walk::weakest(std::slice::from_ref(&stage), &trust.owners) {
        return Err((ProblemReason::UntrustedSource, weak));
    }
    match read_still(&mut file, &stage.meta, FILE_BYTES_MAX)? {
        Some(bytes) => Ok(bytes),
        None => read_trusted(path, trust, FILE_BYTES_MAX),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn unreadable(error: io::Error) -> Refusal {
    (ProblemReason::Unreadable, io_text(&error))
}

fn not_regular() -> Refusal {
    (ProblemReason::NotRegular, "it is not a regular file".into())
}

/// Reads a file if it and everything on the way to it can be trusted, and if it holds still.
fn read_trusted(path: &Path, trust: &Trust, most: u64) -> Result<Vec<u8>, Refusal> {
    for _ in 0..READ_ATTEMPTS {
        let stages = walk::stages(path).map_err(unreadable)?;
        let Some(real) = stages.last().filter(|stage| stage.meta.is_file()) else {
            return Err(not_regular());
        };
        if let Some(weak) = walk::weakest(&stages, &trust.owners) {
            return Err((ProblemReason::UntrustedSource, weak));
        }
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut file =
            OpenOptions::new().read(true).custom_flags(flags).open(&real.path).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        // What was opened must be what was judged.
        if !same_state(&before, &real.meta) {
            continue;
        }
        if let Some(bytes) = read_still(&mut file, &before, most)? {
            return Ok(bytes);
        }
    }
    Err((ProblemReason::ReadUnstable, "it changes while it is read".into()))
}

/// The whole file; `None` if it changed meanwhile.
fn read_still(file: &mut File, before: &Metadata, most: u64) -> Result<Option<Vec<u8>>, Refusal> {
    if before.len() > most {
        let text = format!("it is larger than {}", crate::units::format_size(most));
        return Err((ProblemReason::TooLarge, text));
    }
    let bytes = read_limited(file, before.len(), most).map_err(unreadable)?;
    let after = file.metadata().map_err(unreadable)?;
    Ok((same_state(before, &after) && bytes.len() as u64 == after.len()).then_some(bytes))
}

/// `expected` bytes. Whether more came meanwhile is not seen by another read but by the size afterwards; where no size
/// is stated everything is read.
fn read_limited(file: &mut File, expected: u64, most: u64) -> io::Result<Vec<u8>> {
    let limit = if expected == 0 { most + 1 } else { expected };
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn same_state(a: &Metadata, b: &Metadata) -> bool {
    let state = |meta: &Metadata| {
        (
            (meta.dev(), meta.ino(), meta.len(), meta.mode(), meta.uid()),
            (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()),
        )
    };
    state(a) == state(b)
}
