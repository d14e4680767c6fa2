//! What stands behind the descriptors of a process. Looking at a file can block (a dead file server), so it is done
//! on a helper thread with a deadline.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::LiveWorld;
use super::allowance::Behind;
use super::entry::Entry;
use super::raw::{self, Leaf};
use crate::facts::{Fact, OpenFile};

/// How often a listing is read again from which descriptors were closed meanwhile.
const TRIES: usize = 3;

/// What a process has open, as far as one question needs it.
#[derive(Debug)]
struct Opened<T> {
    descriptors: usize,
    found: Vec<T>,
}

impl LiveWorld {
    pub(super) fn read_files(&self, entry: &Entry) -> Fact<Arc<[OpenFile]>> {
        self.opened(entry, |dir, name, text| {
            if !text.starts_with(b"/") {
                return Ok(None);
            }
            let stat = raw::stat_at(dir, name.as_c_str())?;
            let facts = raw::file_facts(&stat, Arc::from(&b""[..]), false);
            Ok(Some(OpenFile { text: text.into(), facts }))
        })
        .map(Arc::from)
    }

    /// Inode numbers of the sockets of a process, each once, by ascending descriptor.
    pub(super) fn socket_inodes(&self, entry: &Entry) -> Fact<Vec<u64>> {
        let mut inodes = self.opened(entry, |_, _, text| Ok(socket_inode(text)));
        if let Fact::Known(inodes) = &mut inodes {
            let mut seen = BTreeSet::new();
            inodes.retain(|inode| seen.insert(*inode));
        }
        inodes
    }

    fn opened<T: Send + 'static>(
        &self,
        entry: &Entry,
        each: impl Fn(BorrowedFd<'_>, Leaf, &[u8]) -> Result<Option<T>, Errno> + Copy + Send + 'static,
    ) -> Fact<Vec<T>> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let own = Arc::clone(dir);
            self.within(entry, dir, Behind::Files, move || look_through(&own, &path, each))
        };
        self.own(entry, "fd", |opened: &Opened<T>| opened.descriptors == 0, read).map(|opened| opened.found)
    }
}

/// Looks at every descriptor. One that is closed meanwhile is left out; but if some were, the process may have ended
/// in the middle of the listing, and only another one can tell.
fn look_through<T>(
    process: &OwnedFd,
    path: &Leaf,
    each: impl Fn(BorrowedFd<'_>, Leaf, &[u8]) -> Result<Option<T>, Errno>,
) -> Result<Opened<T>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(process, path.as_c_str(), flags, Mode::empty())?;
    let mut left = TRIES;
    loop {
        left -= 1;
        let mut numbers = Vec::new();
        raw::list(dir.as_fd(), |name, _| numbers.extend(raw::numeric(name)))?;
        numbers.sort_unstable();
        let mut found = Vec::new();
        let mut closed = false;
        for number in &numbers {
            let name = Leaf::new(format_args!("{number}"));
            let text = raw::link_at(dir.as_fd(), name.as_c_str());
            match text.and_then(|text| each(dir.as_fd(), name, &text)) {
                Ok(one) => found.extend(one),
                Err(Errno::NOENT) => closed = true,
                Err(errno) => return Err(errno),
            }
        }
        if !closed || left == 0 {
            return Ok(Opened { descriptors: numbers.len(), found });
        }
    }
}

/// The number in `socket:[4711]`.
fn socket_inode(text: &[u8]) -> Option<u64> {
    let number = text.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_sockets_hold_their_number() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        for other in [&b"pipe:[4711]"[..], b"socket:[]", b"socket:[x]", b"/socket:[1]"] {
            assert_eq!(socket_inode(other), None);
        }
    }
}
