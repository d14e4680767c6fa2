//! Files that an evaluation asks about. Names come from processes too, so nothing but a regular file is ever
//! opened, and a name seen in another root can't lead out of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat, StatxFlags};
use rustix::io::Errno;

use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT, parse, read_whole, reason};
use crate::facts::{Binfmt, Fact, FileFacts, HEAD_BYTES, Reason, Why};
use crate::process::world::{Bytes, Root};
use crate::units::Pid;

/// Where the kernel shows `binfmt_misc`, below `/proc`.
const BINFMT: &std::ffi::CStr = c"sys/fs/binfmt_misc";
/// Programs that act by the name they are called by.
const MULTICALL: [&[u8]; 5] = [b"busybox", b"busybox.static", b"toybox", b"coreutils", b"toolbox"];

type Path = (Root, Box<[u8]>);
type Beginning = (Box<[u8]>, usize);

/// What this look has learnt about files.
#[derive(Debug, Default)]
pub(super) struct Cache {
    facts: RefCell<BTreeMap<Path, Fact<FileFacts>>>,
    heads: RefCell<BTreeMap<Path, Fact<Bytes>>>,
    contents: RefCell<BTreeMap<Beginning, Fact<Bytes>>>,
    locks: std::cell::OnceCell<Fact<Arc<[parse::LockLine]>>>,
    pub(super) binfmt: std::cell::OnceCell<Fact<Arc<[Binfmt]>>>,
}

impl LiveWorld {
    pub(super) fn file_cached(&self, root: Root, path: &[u8]) -> Fact<FileFacts> {
        cached(&self.files.facts, (root, path.into()), || self.read_file(root, path))
    }

    pub(super) fn head_cached(&self, root: Root, path: &[u8]) -> Fact<Bytes> {
        cached(&self.files.heads, (root, path.into()), || self.beginning(root, path, HEAD_BYTES))
    }

    pub(super) fn content_cached(&self, path: &[u8], limit: usize) -> Fact<Bytes> {
        cached(&self.files.contents, (path.into(), limit), || self.beginning(Root::Engine, path, limit))
    }

    /// The names of files in our own root that were asked for.
    pub(super) fn names_asked(&self) -> Vec<Bytes> {
        let facts = self.files.facts.borrow();
        facts.keys().filter(|(root, _)| *root == Root::Engine).map(|(_, path)| Arc::from(&**path)).collect()
    }

    /// Which file a name in our own root leads to, by device and inode.
    #[allow(clippy::useless_conversion, reason = "the types of these fields differ between architectures")]
    pub fn leads_to(&self, path: &[u8]) -> Fact<(u64, u64)> {
        match rustix::fs::stat(path) {
            Ok(stat) => Fact::Known((u64::from(stat.st_dev), u64::from(stat.st_ino))),
            Err(Errno::NOENT) => Fact::Absent,
            Err(errno) => Fact::Unknown(reason(errno, &String::from_utf8_lossy(path))),
        }
    }

    fn read_file(&self, root: Root, path: &[u8]) -> Fact<FileFacts> {
        self.locate(root, path).and_then(|(file, stat)| match self.real_path(root, &file) {
            Ok(real) => {
                let name = real.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                let multicall = MULTICALL.contains(&name);
                Fact::Known(raw::file_facts(&stat, Arc::from(real.as_slice()), multicall))
            }
            Err(reason) => Fact::Unknown(reason),
        })
    }

    /// A descriptor that names the file without opening it.
    fn locate(&self, root: Root, path: &[u8]) -> Fact<(OwnedFd, Stat)> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        if !path.starts_with(b"/") {
            return Fact::Unknown(Reason::new(Why::Unresolved, shown()));
        }
        let found = match root {
            Root::Engine => open_path(rustix::fs::CWD, path, ResolveFlags::NO_MAGICLINKS),
            Root::Of(pid) => match self.root_of(pid) {
                Fact::Known(root) => {
                    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                    open_path(root.as_fd(), path, inside)
                }
                Fact::Absent => return Fact::Absent,
                Fact::Unknown(reason) => return Fact::Unknown(reason),
            },
        };
        match found.and_then(|file| rustix::fs::fstat(&file).map(|stat| (file, stat))) {
            Ok(found) => Fact::Known(found),
            Err(Errno::NOENT) => Fact::Absent,
            // No file has a NUL in its name.
            Err(Errno::INVAL) if path.contains(&0) => Fact::Absent,
            Err(errno) => Fact::Unknown(reason(errno, &shown())),
        }
    }

    fn root_of(&self, pid: Pid) -> Fact<OwnedFd> {
        let open = |dir: &Arc<OwnedFd>, path: Leaf| Ok(raw::open_dir(dir.as_fd(), path.as_c_str())?);
        self.own(&self.entry(pid), "root", |_| false, open)
    }

    /// The path as it is seen in the root that was asked: the kernel tells it as seen from ours.
    fn real_path(&self, root: Root, file: &OwnedFd) -> Result<Vec<u8>, Reason> {
        let own = Leaf::new(format_args!("self/fd/{}", file.as_raw_fd()));
        let real =
            raw::link_at(self.proc(), own.as_c_str()).map_err(|errno| reason(errno, "own descriptor"))?;
        let Root::Of(pid) = root else { return Ok(real) };
        let prefix = self.read_root_cell(&self.entry(pid)).known().map(|root| root.text);
        let inner = prefix.as_deref().filter(|prefix| *prefix != b"/").and_then(|p| real.strip_prefix(p));
        Ok(match inner {
            Some(b"") => b"/".to_vec(),
            Some(inner) if inner.starts_with(b"/") => inner.to_vec(),
            _ => real,
        })
    }

    /// Up to `limit` bytes of a regular file.
    fn beginning(&self, root: Root, path: &[u8], limit: usize) -> Fact<Bytes> {
        self.locate(root, path).and_then(|(file, stat)| {
            if stat.st_mode & 0o170_000 != 0o100_000 {
                return Fact::Absent;
            }
            // Opened through the descriptor: what was found to be regular is what is opened.
            let own = Leaf::new(format_args!("self/fd/{}", file.as_raw_fd()));
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let mut bytes = Vec::new();
            let read = rustix::fs::openat(self.proc(), own.as_c_str(), flags, Mode::empty())
                .and_then(|opened| raw::read_all(opened.as_fd(), Form::Stream, limit, &mut bytes));
            match read {
                Ok(_) => Fact::Known(Arc::from(bytes)),
                Err(errno) => Fact::Unknown(reason(errno, &String::from_utf8_lossy(path))),
            }
        })
    }

    pub(super) fn find_lock_holder(&self, path: &[u8]) -> Fact<Pid> {
        let locks = self.files.locks.get_or_init(|| self.read_locks()).clone();
        self.locate(Root::Engine, path).and_then(|(file, stat)| {
            locks.and_then(|locks| {
                let of_file = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
                let device = self.mount_device(&file).unwrap_or(of_file);
                let mut held = locks.iter().filter(|lock| (lock.device, lock.ino) == (device, stat.st_ino));
                match held.clone().find(|lock| lock.pid > 0).or_else(|| held.next()) {
                    None => Fact::Absent,
                    Some(lock) if lock.pid > 0 => Fact::Known(Pid(lock.pid)),
                    // Held, but by a description that several processes may share, or out of our sight.
                    Some(_) => {
                        let what = format!("lock holder of {}", String::from_utf8_lossy(path));
                        Fact::Unknown(Reason::new(Why::Unresolved, what))
                    }
                }
            })
        })
    }

    /// The device by which `/proc/locks` names the file system. It is that of the mount, and where a file system
    /// is made of several (btrfs, overlayfs) stat shows another.
    fn mount_device(&self, file: &OwnedFd) -> Option<(u32, u32)> {
        let (flags, wanted) = (AtFlags::EMPTY_PATH, StatxFlags::MNT_ID);
        let found = rustix::fs::statx(file, c"", flags, wanted).ok()?;
        let named = StatxFlags::from_bits_retain(found.stx_mask).contains(wanted);
        let mounts = named.then(|| read_whole(self.proc(), c"self/mountinfo").ok())??;
        parse::mount_device(&mounts, found.stx_mnt_id)
    }

    fn read_locks(&self) -> Fact<Arc<[parse::LockLine]>> {
        let parse = |bytes: &[u8]| parse::parse_locks(bytes);
        match self.slurp(self.proc(), c"locks", Form::Stream, RECORD_LIMIT * 16, parse) {
            Ok(Some(locks)) => Fact::Known(locks.into()),
            Ok(None) => Fact::Unknown(Reason::new(Why::Malformed, "/proc/locks")),
            Err(errno) => Fact::Unknown(reason(errno, "/proc/locks")),
        }
    }

    pub(super) fn read_binfmt(&self) -> Fact<Arc<[Binfmt]>> {
        if self.no_binfmt.holds(self.proc()) {
            return Fact::Absent;
        }
        let found = self.read_binfmt_anew();
        self.no_binfmt.note(found == Fact::Absent);
        found
    }

    fn read_binfmt_anew(&self) -> Fact<Arc<[Binfmt]>> {
        let dir = match raw::open_dir(self.proc(), BINFMT) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Fact::Absent,
            Err(errno) => return Fact::Unknown(reason(errno, "binfmt_misc")),
        };
        match read_whole(dir.as_fd(), c"status") {
            Ok(status) if status == b"enabled\n" => {}
            Ok(_) => return Fact::Known(Arc::from([])),
            // The place to mount it is there, and nothing is mounted.
            Err(Errno::NOENT) => return Fact::Absent,
            Err(errno) => return Fact::Unknown(reason(errno, "binfmt_misc")),
        }
        binfmt_entries(&dir)
    }
}

/// The entries, the latest registered first as the kernel tries them: inode numbers grow with registration.
fn binfmt_entries(dir: &OwnedFd) -> Fact<Arc<[Binfmt]>> {
    let mut names = Vec::new();
    let listed = raw::list_at(dir.as_fd(), c".", |name, ino| {
        if name != b"status" && name != b"register" {
            names.push((std::cmp::Reverse(ino), name.to_vec()));
        }
    });
    if let Err(errno) = listed {
        return Fact::Unknown(reason(errno, "binfmt_misc"));
    }
    names.sort_unstable();
    let mut entries = Vec::new();
    for (_, name) in names {
        let what = format!("binfmt_misc entry {}", String::from_utf8_lossy(&name));
        let read = std::ffi::CString::new(name).map_err(|_| Errno::INVAL);
        match read
            .and_then(|name| read_whole(dir.as_fd(), &name))
            .map(|bytes| parse::parse_binfmt_entry(&bytes))
        {
            Ok(Some(entry)) => entries.extend(entry),
            Ok(None) => return Fact::Unknown(Reason::new(Why::Malformed, what)),
            Err(Errno::NOENT) => {}
            Err(errno) => return Fact::Unknown(reason(errno, &what)),
        }
    }
    Fact::Known(entries.into())
}

/// Magic links are refused: `/dev/fd/3` as the name of a process's program would be a descriptor of our own.
fn open_path(dir: std::os::fd::BorrowedFd<'_>, path: &[u8], resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    // EAGAIN: something was renamed meanwhile and the kernel can't be sure that we stayed inside.
    for _ in 0..8 {
        match rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

fn cached<K: Ord, T: Clone>(
    cache: &RefCell<BTreeMap<K, Fact<T>>>,
    key: K,
    read: impl FnOnce() -> Fact<T>,
) -> Fact<T> {
    if let Some(fact) = cache.borrow().get(&key) {
        return fact.clone();
    }
    let fact = read();
    cache.borrow_mut().insert(key, fact.clone());
    fact
}
