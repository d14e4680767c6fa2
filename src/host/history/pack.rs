//! The file of all documents of the history: a digest and a text in each line. A line without an end, or whose text is not what
//! its digest says, is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::MODE;
use crate::host::atomic;

const BYTES_MAX: u64 = 256 << 20;

/// SHA-256 of a text. Kept for each document: half as large as its digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Of its digits.
    pub(super) fn read(digits: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let digit =
                |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let [high, low] = pair else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(super) fn digest(text: &[u8]) -> String {
    Digest::of(text).to_string()
}

/// All texts, by digest.
pub(super) fn read(path: &Path) -> io::Result<BTreeMap<String, String>> {
    Ok(rows(&bytes(path)?).map(|(digest, text)| (digest.to_owned(), text.to_owned())).collect())
}

/// The digests of all texts.
pub(super) fn digests(path: &Path) -> io::Result<BTreeSet<Digest>> {
    Ok(rows(&bytes(path)?).filter_map(|(digest, _)| Digest::read(digest)).collect())
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let own = rustix::process::geteuid().as_raw();
    match atomic::read(path, &[0, own], BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        bytes => bytes,
    }
}

fn rows(bytes: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let rows = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split_once(' '));
    rows.filter(|(digest_of, text)| digest(text.as_bytes()) == **digest_of)
}

/// Texts that are to be appended, as they will stand there: one piece of memory, so that digests, which stay, don't lie between them.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    lines: String,
    pub(super) digests: BTreeSet<Digest>,
}

impl Fresh {
    pub(super) fn add(&mut self, digest: Digest, text: &str) {
        if self.digests.insert(digest) {
            // A line that was torn has no end: the first one begins with one.
            let end = if self.lines.is_empty() { "\n" } else { "" };
            self.lines.extend([end, &digest.to_string(), " ", text, "\n"]);
        }
    }

    /// Appends them, safe on disk.
    pub(super) fn append(&self, path: &Path) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let mut file =
            OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
        file.write_all(self.lines.as_bytes())?;
        file.sync_all()
    }
}

/// Drops what no set needs, when that is more than half. True if it did.
pub(super) fn sweep(path: &Path, needed: &BTreeSet<Digest>) -> io::Result<bool> {
    let there = read(path)?;
    if there.len() <= needed.len().saturating_mul(2) {
        return Ok(false);
    }
    let is_needed = |digest: &str| Digest::read(digest).is_some_and(|digest| needed.contains(&digest));
    let kept = there.iter().filter(|(digest, _)| is_needed(digest));
    let text: String = kept.map(|(digest, text)| format!("{digest} {text}\n")).collect();
    atomic::write_synced(path, text.as_bytes(), MODE)?;
    Ok(true)
}
