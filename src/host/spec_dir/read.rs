//! Reading one file: without ever waiting for one that isn't regular, without following what can't be trusted, and as a
//! whole or not at all.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};

use super::stamp::Stamp;
use super::{ProblemReason, Trust};
use crate::host::errno::io_text;
use crate::host::walk;

/// Attempts at a file that somebody is writing; the next look comes soon in any case.
const READ_ATTEMPTS: usize = 3;

/// Nothing is waited for, no link is followed, and nothing is inherited.
pub(super) const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Why a file isn't used.
pub(super) type Refusal = (ProblemReason, String);

/// Reads a file that was listed as a regular one and is to be read in any case: what its stamp is says the descriptor. `None`:
/// something about it is unusual, and whoever looks closer has words for it.
pub(super) fn read_listed(
    dir: impl AsFd,
    name: &OsStr,
    path: &Path,
    trust: &Trust,
    most: u64,
) -> Option<(Vec<u8>, Stamp)> {
    let mut file = File::from(openat(dir, name, FLAGS, Mode::empty()).ok()?);
    let meta = file.metadata().ok().filter(Metadata::is_file)?;
    let stage = walk::Stage { path: path.to_owned(), meta };
    if walk::weakest(std::slice::from_ref(&stage), &trust.owners).is_some() {
        return None;
    }
    let bytes = read_still(&mut file, &stage.meta, most).ok()??;
    Some((bytes, Stamp::of(&stage.meta)))
}

/// Reads a file of a directory that was judged, so that only the file itself is left to be: five system calls instead
/// of fourteen. A link leads elsewhere, and whatever can't be opened wants its words: both take the long way.
pub(super) fn read_in(
    dir: impl AsFd,
    name: &OsStr,
    path: &Path,
    trust: &Trust,
    most: u64,
) -> Result<(Vec<u8>, Stamp), Refusal> {
    let Ok(mut file) = openat(dir, name, FLAGS, Mode::empty()).map(File::from) else {
        return read_trusted(path, trust, most);
    };
    let before = file.metadata().map_err(unreadable)?;
    if !before.is_file() {
        return Err(not_regular());
    }
    let stage = walk::Stage { path: path.to_owned(), meta: before };
    if let Some(weak) = walk::weakest(std::slice::from_ref(&stage), &trust.owners) {
        return Err((ProblemReason::UntrustedSource, weak));
    }
    match read_still(&mut file, &stage.meta, most)? {
        Some(bytes) => Ok((bytes, Stamp::of(&stage.meta))),
        None => read_trusted(path, trust, most),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
pub(super) fn unreadable(error: io::Error) -> Refusal {
    // No right to read it would help.
    let loops = error.raw_os_error() == Some(libc::ELOOP);
    (if loops { ProblemReason::LeadsNowhere } else { ProblemReason::Unreadable }, io_text(&error))
}

/// A link that can't be followed to its end.
pub(super) fn not_followed(link: &Path, error: io::Error) -> Refusal {
    match std::fs::read_link(link) {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("it is a link to `{}`, which isn't there", target.display());
            (ProblemReason::LeadsNowhere, text)
        }
        Ok(_) | Err(_) => unreadable(error),
    }
}

pub(super) fn not_regular() -> Refusal {
    (ProblemReason::NotRegular, "it is not a regular file".into())
}

/// Reads a file if it and everything on the way to it can be trusted, and if it holds still.
pub(super) fn read_trusted(path: &Path, trust: &Trust, most: u64) -> Result<(Vec<u8>, Stamp), Refusal> {
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
        if Stamp::of(&before) != Stamp::of(&real.meta) {
            continue;
        }
        if let Some(bytes) = read_still(&mut file, &before, most)? {
            return Ok((bytes, Stamp::of(&before)));
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
    let still = Stamp::of(before) == Stamp::of(&after) && bytes.len() as u64 == after.len();
    Ok(still.then_some(bytes))
}

/// `expected` bytes. Whether more came meanwhile is not seen by another read but by the size afterwards; where no size
/// is stated everything is read.
fn read_limited(file: &mut File, expected: u64, most: u64) -> io::Result<Vec<u8>> {
    let limit = if expected == 0 { most.saturating_add(1) } else { expected };
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
