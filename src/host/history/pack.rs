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
    let own = rustix::process::geteuid().as_raw();
    let bytes = match atomic::read(path, &[0, own], BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        bytes => bytes?,
    };
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let row = |line: &[u8]| {
        let (digest_of, text) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        (digest(text.as_bytes()) == digest_of).then(|| (digest_of.to_owned(), text.to_owned()))
    };
    Ok(lines.filter_map(row).collect())
}

/// Appends these, safe on disk.
pub(super) fn add(path: &Path, texts: &BTreeMap<Arc<str>, String>) -> io::Result<()> {
    // A line that was torn has no end: the next one begins with one.
    let mut fresh = String::from("\n");
    for (digest, text) in texts {
        fresh.push_str(&format!("{digest} {text}\n"));
    }
    if fresh.len() == 1 {
        return Ok(());
    }
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let mut file = OpenOptions::new().append(true).create(true).mode(MODE).custom_flags(flags).open(path)?;
    file.write_all(fresh.as_bytes())?;
    file.sync_all()
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
