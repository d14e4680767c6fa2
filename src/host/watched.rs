//! The content of files that services watch, as digests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use super::clock;

/// What is larger is known by its size and the time of its last change.
const BYTES_MAX: u64 = 64 << 20;
/// A file that changed so lately may change again without its times showing it.
const SETTLED: Duration = Duration::from_secs(2);

/// Device, inode, size, and the times of the last change of content and inode in nanoseconds.
type Stamp = (u64, u64, u64, i128, i128);

/// Digests by path, so that a file is read again only when it changed.
#[derive(Debug, Default)]
pub struct WatchedFiles {
    known: RefCell<BTreeMap<PathBuf, (Stamp, String)>>,
}

impl WatchedFiles {
    /// The content of each of these as a digest, `absent` for one that isn't there. One that can't be read, or isn't a
    /// regular file, is left out: nothing follows from it.
    pub fn digests(&self, paths: &[PathBuf]) -> BTreeMap<String, String> {
        let digest = |path: &PathBuf| Some((path.display().to_string(), self.digest(path)?));
        paths.iter().filter_map(digest).collect()
    }

    fn digest(&self, path: &Path) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Some("absent".into()),
            Err(_) => return None,
        };
        let meta = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let changed = nanos(meta.ctime(), meta.ctime_nsec());
        let stamp = (meta.dev(), meta.ino(), meta.size(), nanos(meta.mtime(), meta.mtime_nsec()), changed);
        if let Some((known, digest)) = self.known.borrow().get(path)
            && *known == stamp
        {
            return Some(digest.clone());
        }
        let digest = content(&mut file, meta.size()).ok()?.unwrap_or_else(|| format!("{stamp:?}"));
        let now = i128::try_from(clock::now().wall.0.as_nanos()).unwrap_or(i128::MAX);
        let settled = i128::try_from(SETTLED.as_nanos()).unwrap_or(i128::MAX);
        if now - changed > settled {
            self.known.borrow_mut().insert(path.to_owned(), (stamp, digest.clone()));
        }
        Some(digest)
    }
}

/// Nothing for a file that is too large.
fn content(file: &mut File, size: u64) -> io::Result<Option<String>> {
    if size > BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()))
}
