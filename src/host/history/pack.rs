//! The file of all documents of the history: a digest and a text in each line. A line without an end, or whose text is not what
//! its digest says, is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::MODE;
use crate::host::atomic;

const BYTES_MAX: u64 = 256 << 20;

pub(super) fn digest(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All texts, by digest.
pub(super) fn read(path: &Path) -> io::Result<BTreeMap<String, String>> {
    Ok(rows(&bytes(path)?).map(|(digest, text)| (digest.to_owned(), text.to_owned())).collect())
}

/// The digests of all texts.
pub(super) fn digests(path: &Path) -> io::Result<BTreeSet<Arc<str>>> {
    Ok(rows(&bytes(path)?).map(|(digest, _)| digest.into()).collect())
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
    pub(super) digests: BTreeSet<Arc<str>>,
}

impl Fresh {
    pub(super) fn add(&mut self, digest: &Arc<str>, text: &str) {
        if self.digests.insert(Arc::clone(digest)) {
            // A line that was torn has no end: the first one begins with one.
            let end = if self.lines.is_empty() { "\n" } else { "" };
            self.lines.extend([end, digest, " ", text, "\n"]);
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
pub(super) fn sweep(path: &Path, needed: &BTreeSet<&str>) -> io::Result<bool> {
    let there = read(path)?;
    if there.len() <= needed.len().saturating_mul(2) {
        return Ok(false);
    }
    let kept = there.iter().filter(|(digest, _)| needed.contains(digest.as_str()));
    let text: String = kept.map(|(digest, text)| format!("{digest} {text}\n")).collect();
    atomic::write_synced(path, text.as_bytes(), MODE)?;
    Ok(true)
}
