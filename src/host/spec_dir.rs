//! A look at where the documents are: list, read, digest. Level-triggered: whatever an event said, the look decides.
//!
//! Files and directories may be given; sub-directories are entered where that is asked for. Only a missing name in a
//! completely read directory means that a file is gone; everything else that goes wrong is a problem with that place, and
//! what it held stays in force.
//!
//! | file | what it knows |
//! | --- | --- |
//! | `place` | one place, looked at again and again |
//! | `place/entering`, `place/file` | the directories of it, and each name in them |
//! | `named` | of a place where nothing is in doubt, the files that somebody told of |
//! | `known` | its files as they were, and which of them must be read |
//! | `read`, `stamp` | one file |
//! | `trust` | whose files count |
//! | `identity` | which directory it is, and when another one is believed |
//! | `git` | a work tree that is being changed |
//! | `remote` | file systems that tell nothing |
//! | `chain`, `hints` | what to watch, and what was heard |

mod chain;
mod entries;
mod git;
mod hints;
mod identity;
mod known;
mod named;
mod names;
mod place;
mod read;
mod remote;
mod stamp;
mod trust;

pub use chain::{Watched, watched};
pub use entries::Touched;
pub use hints::{Heard, Watcher};
pub use identity::Identity;
pub use names::{DIRECTORY, is_document, why_ignored};
pub use place::{Attention, Manner, Place};
pub use trust::Trust;

pub(super) use remote::remote;
pub(super) use stamp::{Reading, Stamp};

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clock;
use crate::spec::Content;
use crate::units::BootTime;

/// A document file is no larger than this.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// All files of a place together.
pub const TOTAL_BYTES_MAX: u64 = 64 << 20;
/// Files of a place.
pub const FILES_MAX: usize = 10_000;

/// How much of a place is taken; the rest is refused by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Files.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: FILE_BYTES_MAX, total_bytes: TOTAL_BYTES_MAX, files: FILES_MAX }
    }
}

/// One file as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecFile {
    /// The place as given, with the name.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Content,
}

impl SpecFile {
    /// SHA-256 of its content in hexadecimal.
    pub fn digest(&self) -> &Arc<str> {
        self.bytes.digest()
    }
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
    /// A link whose target isn't there, or that leads to itself.
    LeadsNowhere,
    /// It changes, and doesn't come to rest.
    ReadUnstable,
    /// Others than root and the trusted users can change it.
    UntrustedSource,
    /// Too large, or too many.
    TooLarge,
    /// Its name isn't UTF-8.
    InvalidName,
    /// Not a regular file.
    NotRegular,
}

impl ProblemReason {
    /// What a person can do about it.
    pub fn help(self) -> &'static str {
        match self {
            Self::Unreadable => "let the user that selfsame runs as read it",
            Self::LeadsNowhere => "mend the link or remove it",
            Self::ReadUnstable => {
                "write a new file and rename it over the old one; it is read when it has come to rest"
            }
            Self::UntrustedSource => {
                "give it to root or to the user that selfsame runs as, and `chmod go-w` it; or name its owner with \
                 `--trust-owner`"
            }
            Self::TooLarge => "split it into smaller files, or keep fewer of them in one place",
            Self::InvalidName => "give it a name in UTF-8",
            Self::NotRegular => "put a regular file in its place, or give it another ending than `.yaml`",
        }
    }
}

/// A name that is no document's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ignored {
    /// Which.
    pub path: PathBuf,
    /// What it is taken for.
    pub why: &'static str,
}

/// The place is in the middle of a change: what is listed is its last state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// What is waited for, as a clause.
    pub text: String,
    /// When to look again.
    pub again: BootTime,
}

/// What was found at one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// Every name was seen, in the directory that it always was: what isn't here is gone.
    pub complete: bool,
    /// The files that can be used, by name.
    pub files: Vec<Arc<SpecFile>>,
    /// The others.
    pub problems: Vec<Problem>,
    /// Which directory (or file) this was.
    pub identity: Identity,
    /// Names that are no documents, for a verbose report.
    pub ignored: Vec<Ignored>,
    /// This is the last state, since there is no present one.
    pub pending: Option<Pending>,
    /// Something is to be confirmed by another look at this time.
    pub again: Option<BootTime>,
}

impl Listing {
    /// Whether both saw everything, the same directory with the very same files in it, and nothing to be said of it.
    fn is_the_very_same(&self, other: &Self) -> bool {
        let is_calm = |one: &Self| {
            one.complete && one.problems.is_empty() && one.pending.is_none() && one.again.is_none()
        };
        let same_files = || self.files.iter().zip(&other.files).all(|(one, other)| Arc::ptr_eq(one, other));
        let same_place = self.identity == other.identity && self.ignored == other.ignored;
        is_calm(self) && is_calm(other) && same_place && self.files.len() == other.files.len() && same_files()
    }
}

/// Why nothing is known of what a place holds now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unavailable {
    /// The kind, for status.
    pub reason: UnavailableReason,
    /// A sentence that names the place.
    pub text: String,
}

/// Kinds of reasons. In each case what the place held stays in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnavailableReason {
    /// There is nothing under this name.
    Missing,
    /// It can't be listed.
    Unreadable,
    /// Others than root and the trusted users can change it, or where its path leads.
    UntrustedSource,
    /// Another file system is there than before, and empty.
    AnotherMount,
    /// It is being changed, and no state of it is known yet.
    Unsettled,
}

/// One look at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// It is there.
    Found(Listing),
    /// Nothing is known of what it holds: it isn't there, or can't be listed, or isn't to be trusted.
    Unavailable(Unavailable),
}

/// Looks at a place once: a directory or a file.
pub fn look(place: &Path, trust: &Trust) -> Look {
    let manner = Manner { trust: trust.clone(), ..Manner::default() };
    Place::new(place.to_owned(), manner).look(Attention::at(clock::now().boot))
}

/// The documents in a directory by name, for work on the files themselves: nothing is read, nobody is judged.
///
/// # Errors
/// What the kernel answered.
pub fn documents(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let names = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.into_iter().filter(|name| is_document(name.as_bytes())).map(|name| dir.join(name)).collect())
}

/// Reads a file that a document names and that counts like the document itself: regular, at most so large, and nobody
/// else can change it or where its path leads.
///
/// # Errors
/// A sentence.
pub fn read_file(path: &Path, trust: &Trust, most: u64) -> Result<Vec<u8>, String> {
    read::read_trusted(path, trust, most).map(|(bytes, _)| bytes).map_err(|(_, text)| text)
}
