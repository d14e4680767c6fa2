//! The files of one root of a snapshot, and how a path leads to one of them.
//!
//! A listed file has all its parents; a path that isn't listed doesn't exist. Links are followed as the
//! kernel does (`path_resolution(7)`): component by component, `..` after links, at most 40 links.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::{Fact, FileFacts, FileKind, Reason, Why};
use crate::process::world::Bytes;
use crate::units::{Gid, Pid, Uid};

/// Links followed before the kernel answers `ELOOP`.
const LINKS_MAX: usize = 40;

/// Device number of files whose identity a snapshot doesn't state: no device of Linux has it, so that
/// such a file is equal to itself only.
pub(super) const UNSTATED_DEVICE: u64 = u64::MAX;

/// What stands at a path.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A symbolic link with this text.
    Link(Bytes),
    /// A file or directory.
    File(Box<File>),
    /// Nothing is known of it.
    Unread(Why),
}

/// A file, a directory or something else.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// `real` is filled in when it is asked for.
    pub(super) facts: FileFacts,
    /// Up to the first 256 bytes; why not.
    pub(super) head: Result<Bytes, Option<Why>>,
    /// The process that holds a lock on it; why that isn't known.
    pub(super) locked_by: Result<Pid, Option<Why>>,
}

/// Where a path leads.
#[derive(Debug)]
pub(super) enum Place<'t> {
    /// A file of the snapshot, under this path without links.
    Listed(Vec<u8>, &'t File),
    /// A directory that follows from its children.
    Implied(Vec<u8>),
}

/// The files of one root by path.
#[derive(Clone, Debug)]
pub(super) struct FileTable {
    entries: BTreeMap<Vec<u8>, Entry>,
    /// Parents of listed paths with an identity of their own.
    implied: BTreeMap<Vec<u8>, u64>,
}

impl Default for FileTable {
    /// A root directory with nothing in it.
    fn default() -> Self {
        Self::new(BTreeMap::new(), 0)
    }
}

impl FileTable {
    /// A table of these paths, each absolute and without `.`, `..` and empty components.
    pub(super) fn new(entries: BTreeMap<Vec<u8>, Entry>, salt: u64) -> Self {
        let mut implied: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        implied.insert(b"/".to_vec(), 0);
        for path in entries.keys() {
            let slashes = path.iter().enumerate().skip(1).filter(|(_, b)| **b == b'/');
            for (end, _) in slashes {
                implied.insert(path.get(..end).unwrap_or_default().to_vec(), 0);
            }
        }
        implied.retain(|path, _| !entries.contains_key(path));
        for (number, inode) in (1u64..).zip(implied.values_mut()) {
            *inode = salt << 32 | number;
        }
        Self { entries, implied }
    }

    /// The listed paths.
    #[cfg(test)]
    pub(super) fn paths(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.entries.keys().chain(self.implied.keys())
    }

    /// Follows a path.
    pub(super) fn resolve(&self, path: &[u8]) -> Fact<Place<'_>> {
        let unresolved = || Fact::Unknown(Reason::new(Why::Unresolved, shown(path)));
        if !path.starts_with(b"/") {
            return unresolved();
        }
        let mut todo: Vec<Vec<u8>> = components(path);
        let mut here: Vec<u8> = b"/".to_vec();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if matches!(self.entries.get(&here), Some(Entry::File(file)) if file.facts.kind != FileKind::Directory)
            {
                return unresolved();
            }
            if component == b".." {
                here = parent(&here);
                continue;
            }
            let next = join(&here, &component);
            match self.entries.get(&next) {
                Some(Entry::Link(text)) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return unresolved();
                    }
                    if text.starts_with(b"/") {
                        here = b"/".to_vec();
                    }
                    todo.extend(components(text));
                }
                Some(Entry::Unread(why)) => return Fact::Unknown(Reason::new(*why, shown(path))),
                Some(Entry::File(_)) => here = next,
                None if self.implied.contains_key(&next) => here = next,
                None => return Fact::Absent,
            }
        }
        // `file/` and `file/.` ask for a directory.
        let directory = path.ends_with(b"/") || path.ends_with(b"/.");
        match self.entries.get(&here) {
            Some(Entry::File(file)) if directory && file.facts.kind != FileKind::Directory => unresolved(),
            Some(Entry::File(file)) => Fact::Known(Place::Listed(here, file)),
            _ => Fact::Known(Place::Implied(here)),
        }
    }

    /// stat, links followed.
    pub(super) fn file(&self, path: &[u8]) -> Fact<FileFacts> {
        self.resolve(path).map(|place| match place {
            Place::Listed(real, file) => FileFacts { real: real.into(), ..file.facts.clone() },
            Place::Implied(real) => self.directory(real),
        })
    }

    fn directory(&self, real: Vec<u8>) -> FileFacts {
        let ino = self.implied.get(&real).copied().unwrap_or_default();
        FileFacts {
            real: real.into(),
            kind: FileKind::Directory,
            mode: 0o755,
            nlink: 2,
            ..plain(UNSTATED_DEVICE, ino)
        }
    }

    /// The beginning of a regular file.
    pub(super) fn head(&self, path: &[u8]) -> Fact<Bytes> {
        self.resolve(path).and_then(|place| match place {
            Place::Listed(_, file) if file.facts.kind == FileKind::Regular => answer(&file.head, path),
            Place::Listed(..) | Place::Implied(_) => Fact::Absent,
        })
    }

    /// The process that holds a lock on a file; `elsewhere` is why locks that aren't stated aren't known.
    pub(super) fn lock_holder(&self, path: &[u8], elsewhere: Fact<Pid>) -> Fact<Pid> {
        self.resolve(path).and_then(|place| match place {
            Place::Listed(_, file) if file.locked_by == Err(None) => elsewhere,
            Place::Listed(_, file) => answer(&file.locked_by, path),
            Place::Implied(_) => Fact::Absent,
        })
    }
}

fn answer<T: Clone>(stated: &Result<T, Option<Why>>, path: &[u8]) -> Fact<T> {
    match stated {
        Ok(value) => Fact::Known(value.clone()),
        Err(None) => Fact::Absent,
        Err(Some(why)) => Fact::Unknown(Reason::new(*why, shown(path))),
    }
}

/// An empty regular file of root with this identity, its path not filled in.
pub(super) fn plain(dev: u64, ino: u64) -> FileFacts {
    FileFacts {
        real: Arc::from(&b""[..]),
        dev,
        ino,
        kind: FileKind::Regular,
        mode: 0o755,
        uid: Uid(0),
        gid: Gid(0),
        size: 0,
        mtime: 0,
        ctime: 0,
        nlink: 1,
        multicall: false,
    }
}

/// The components of a path, last first, without empty ones and `.`.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.rsplit(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(<[u8]>::to_vec).collect()
}

/// The directory that holds a path; `/` for `/`.
pub(super) fn parent(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|b| *b == b'/') {
        None | Some(0) => b"/".to_vec(),
        Some(end) => path.get(..end).unwrap_or_default().to_vec(),
    }
}

/// `component` in the directory `here`.
pub(super) fn join(here: &[u8], component: &[u8]) -> Vec<u8> {
    let mut next = here.to_vec();
    if !next.ends_with(b"/") {
        next.push(b'/');
    }
    next.extend_from_slice(component);
    next
}

/// The path without empty components and `.`, if it is absolute and has no `..`.
pub(super) fn canonical(path: &[u8]) -> Option<Vec<u8>> {
    let parts = components(path);
    if !path.starts_with(b"/") || parts.iter().any(|part| part == b"..") {
        return None;
    }
    Some(parts.iter().rev().fold(b"/".to_vec(), |here, part| join(&here, part)))
}

/// Bytes for a person.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
