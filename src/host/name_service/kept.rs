//! Texts of local files, kept from look to look: a file that the kernel says is what it was isn't read again.
//!
//! Whoever restarts a service waits for its account, and that comes from files that hardly ever change.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::{fstat, stat};

use super::local::read;
use crate::host::clock;
use crate::host::spec_dir::{Reading, Stamp, remote};

/// Larger ones are read each time, so that nothing large stays.
const KEPT_MAX: usize = 16 << 10;

/// What was read last of each file, and the stamp that it had.
#[derive(Debug, Default)]
pub struct KeptTexts(RefCell<BTreeMap<&'static str, (Stamp, Arc<str>)>>);

impl KeptTexts {
    /// The text of a file as it is now.
    pub(super) fn read(&self, path: &'static str) -> io::Result<Arc<str>> {
        if let Some(text) = self.kept(path) {
            return Ok(text);
        }
        let at = clock::of_stamps();
        let file = File::open(path)?;
        let before = fstat(&file)?;
        let text: Arc<str> = read(&file)?.into();
        let stamp = Stamp::of_stat(&before);
        // What is done to it from now on shows in its stamp, and nothing was done while it was read.
        let shows = stamp.is_older_than(Reading { device: before.st_dev, at }) && remote(&file).is_none();
        let is_whole = fstat(&file).is_ok_and(|after| Stamp::of_stat(&after) == stamp);
        if shows && is_whole && text.len() <= KEPT_MAX {
            self.0.borrow_mut().insert(path, (stamp, Arc::clone(&text)));
        } else {
            self.0.borrow_mut().remove(path);
        }
        Ok(text)
    }

    fn kept(&self, path: &str) -> Option<Arc<str>> {
        let kept = self.0.borrow();
        let (stamp, text) = kept.get(path)?;
        (Stamp::of_stat(&stat(path).ok()?) == *stamp).then(|| Arc::clone(text))
    }

    /// Everything is read again.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_file_is_read_again_when_anything_is_done_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path: &'static str = Box::leak(dir.path().join("passwd").to_str().unwrap().into());
        let (texts, end) = (KeptTexts::default(), Instant::now() + Duration::from_mins(1));
        fs::write(path, "one").unwrap();
        assert_eq!(&*texts.read(path).unwrap(), "one");
        // Until its stamp is old enough it isn't kept.
        while texts.kept(path).is_none() && Instant::now() < end {
            assert_eq!(&*texts.read(path).unwrap(), "one");
        }
        assert_eq!(texts.kept(path).as_deref(), Some("one"));
        fs::write(path, "two").unwrap();
        assert_eq!(&*texts.read(path).unwrap(), "two", "in place, of the same length");
        fs::write(dir.path().join("new"), "six").unwrap();
        fs::rename(dir.path().join("new"), path).unwrap();
        assert_eq!(&*texts.read(path).unwrap(), "six");
        fs::remove_file(path).unwrap();
        assert_eq!(texts.read(path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
