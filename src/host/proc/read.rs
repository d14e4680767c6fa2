//! Reading one fact: by pid if it is the first, else through the descriptor, with what each failure means.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::both_ends::{BothEnds, FirstFacts};
use super::entry::{Entry, Hold};
use super::hold::{Condition, is_kernel_thread, name_in, owner_at};
use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT, parse, reason};
use crate::facts::{CgroupLine, Fact, FileFacts, LimitPair, MagicLink, Reason, RootLink, Stat, Task, Why};
use crate::process::world::{Bytes, World as _};
use crate::units::{Gid, Pid, Uid};

/// Why a read gave nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    Errno(Errno),
    /// It did not end within its deadline.
    Late,
    /// Nobody could be had to wait for it.
    NoHelper,
    /// The look has no time left for reads that can block.
    Spent,
}

/// What the kernel puts behind the name of a file that doesn't stand under it any more.
const DELETED: &[u8] = b" (deleted)";

/// The names of files that processes execute, one process after the other: nearly always it is the name that was read last, which isn't
/// written down again.
#[derive(Clone, Debug, Default)]
pub struct ImageNames {
    last: Option<Bytes>,
}

impl ImageNames {
    /// That of whoever has this number, if its file stands under it still: then nothing else needs to be asked.
    pub fn of(&mut self, pid: Pid) -> Option<Bytes> {
        self.at(rustix::fs::CWD, Leaf::new(format_args!("/proc/{pid}/exe")).as_c_str())
    }

    fn at(&mut self, dir: BorrowedFd<'_>, path: &CStr) -> Option<Bytes> {
        raw::short_link_at(dir, path, |text| {
            if text.is_empty() || text.ends_with(DELETED) {
                return None;
            }
            let last = self.last.take().filter(|last| **last == *text);
            self.last = Some(last.unwrap_or_else(|| Arc::from(text)));
            self.last.clone()
        })
        .flatten()
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl Entry {
    /// The fact that a failed read amounts to.
    pub(super) fn refused<T>(&self, what: &str, failure: Failure) -> Fact<T> {
        let detail = format!("{what} of {}", self.pid);
        match failure {
            Failure::Late => Fact::Unknown(Reason::new(Why::Timeout, detail)),
            Failure::NoHelper => {
                let detail = format!("{detail}: no thread is to be had to read it");
                Fact::Unknown(Reason::new(Why::Unresolved, detail))
            }
            Failure::Spent => Fact::Unknown(Reason::new(Why::Budget, detail)),
            Failure::Errno(Errno::SRCH) => Fact::Unknown(self.vanished()),
            Failure::Errno(errno) => Fact::Unknown(reason(errno, &detail)),
        }
    }
}

impl Failure {
    fn is_missing(self) -> bool {
        matches!(self, Self::Errno(Errno::NOENT | Errno::SRCH))
    }
}

impl LiveWorld {
    /// Reads a file and gives its bytes to `parse`, in a buffer that is used for every file.
    pub(super) fn slurp<T>(
        &self,
        dir: BorrowedFd<'_>,
        path: &CStr,
        form: Form,
        limit: usize,
        parse: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Errno> {
        let mut buffer = self.scratch.take();
        let read = raw::read_at(dir, path, form, limit, &mut buffer).map(|_| parse(&buffer));
        self.scratch.replace(buffer);
        read
    }

    /// A file that every process has. `none` is an error by which the kernel says that there is nothing in it.
    pub(super) fn small<T>(
        &self,
        entry: &Entry,
        path: &CStr,
        none: Option<Errno>,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Fact<T> {
        let dir = match self.dir(entry) {
            Ok(dir) => dir,
            Err(reason) => return Fact::Unknown(reason),
        };
        let what = path.to_string_lossy();
        self.note_read(&what);
        match self.slurp(dir.as_fd(), path, Form::Record, RECORD_LIMIT, parse) {
            Ok(Some(value)) => Fact::Known(value),
            Ok(None) => Fact::Unknown(Reason::new(Why::Malformed, format!("{what} of {}", entry.pid))),
            Err(errno) if Some(errno) == none => Fact::Absent,
            // The process is there and the kernel has no such file.
            Err(Errno::NOENT) if self.fresh_stat(dir.as_fd()).is_ok() => Fact::Absent,
            Err(Errno::NOENT) => Fact::Unknown(entry.vanished()),
            Err(errno) => entry.refused(&what, errno.into()),
        }
    }

    /// Something that kernel threads and zombies don't have, read through a live thread where the leader exited.
    /// `hollow` tells an answer that may mean "none" from one that says something.
    pub(super) fn own<T>(
        &self,
        entry: &Entry,
        leaf: &str,
        hollow: impl Fn(&T) -> bool,
        read: impl Fn(&Arc<OwnedFd>, Leaf) -> Result<T, Failure>,
    ) -> Fact<T> {
        let dir = match self.dir(entry) {
            Ok(dir) => dir,
            Err(reason) => return Fact::Unknown(reason),
        };
        let path = || Leaf::new(format_args!("{leaf}"));
        let read = |path: Leaf| {
            self.note_read(leaf);
            read(&dir, path)
        };
        let first = match read(path()) {
            Ok(value) if hollow(&value) => Some(value),
            Ok(value) => return Fact::Known(value),
            Err(failure) if failure.is_missing() => None,
            Err(failure) => return entry.refused(leaf, failure),
        };
        let second = match self.condition(entry, dir.as_fd()) {
            Condition::Lost(reason) => return Fact::Unknown(reason),
            Condition::Without => return Fact::Absent,
            Condition::Thread(tid) => read(Leaf::new(format_args!("task/{tid}/{leaf}"))),
            Condition::Live => first.map_or_else(|| read(path()), Ok),
        };
        match second {
            Ok(value) => Fact::Known(value),
            Err(Failure::Errno(Errno::NOENT)) => Fact::Absent,
            // A moment ago it lived. Saying that it vanished would take it from the candidates.
            Err(Failure::Errno(Errno::SRCH)) => {
                Fact::Unknown(Reason::new(Why::Unresolved, format!("{leaf} of {}", entry.pid)))
            }
            Err(failure) => entry.refused(leaf, failure),
        }
    }

    /// One system call by pid where it may be done, and what is to be made of its failure.
    fn glimpse<T>(
        &self,
        entry: &Entry,
        leaf: &str,
        read: impl FnOnce(BorrowedFd<'_>, &CStr) -> Result<T, Errno>,
    ) -> Option<Fact<T>> {
        if !self.may_glimpse(entry) {
            return None;
        }
        self.note_read(leaf);
        match read(self.proc(), Leaf::of(entry.pid, leaf).as_c_str()) {
            Ok(value) => Some(Fact::Known(value)),
            // The directory itself.
            Err(Errno::NOENT) if leaf.is_empty() => Some(Fact::Unknown(entry.vanished())),
            // Gone, a kernel thread or a zombie: the descriptor will tell.
            Err(Errno::NOENT | Errno::SRCH) => {
                entry.hold.replace(Hold::Fresh);
                None
            }
            Err(errno) => Some(entry.refused(leaf, errno.into())),
        }
    }

    pub(super) fn read_owner(&self, entry: &Entry) -> Fact<(Uid, Gid)> {
        let by_pid =
            self.glimpse(entry, "", |proc, path| match self.helped(entry.pid, |facts| &facts.owners) {
                Some(owner) => Ok(owner),
                None => raw::stat_at(proc, path).map(|stat| (Uid(stat.st_uid), Gid(stat.st_gid))),
            });
        if let Some(fact) = by_pid {
            return fact;
        }
        let read = |dir: Arc<OwnedFd>| {
            self.note_read("");
            owner_at(dir.as_fd())
        };
        match self.dir(entry).map(read) {
            Ok(Ok(owner)) => Fact::Known(owner),
            Ok(Err(Errno::NOENT | Errno::SRCH)) => Fact::Unknown(entry.vanished()),
            Ok(Err(errno)) => entry.refused("owner", errno.into()),
            Err(reason) => Fact::Unknown(reason),
        }
    }

    /// What a helper has read meanwhile, where one does.
    fn helped<T: Copy + Send + Sync + 'static>(
        &self,
        pid: Pid,
        of: impl FnOnce(&FirstFacts) -> &BothEnds<T>,
    ) -> Option<T> {
        let (facts, listed) = (self.first_facts.as_ref()?, self.listed.get()?);
        let [helper, _] = &self.ahead_readers;
        of(facts).take(listed.place(pid)?, &listed.pids, &self.proc, helper)
    }

    pub(super) fn read_exe_file(&self, entry: &Entry) -> Fact<FileFacts> {
        let by_pid =
            self.glimpse(entry, "exe", |proc, path| match self.helped(entry.pid, |facts| &facts.images) {
                Some(stat) => Ok(stat),
                None => raw::stat_at(proc, path),
            });
        let stat = by_pid.unwrap_or_else(|| self.own(entry, "exe", |_| false, stat_through));
        self.unless_kernel_thread(entry, stat)
            .map(|stat| raw::file_facts(&stat, Arc::clone(&self.nothing), false))
    }

    pub(super) fn read_exe_text(&self, entry: &Entry) -> Fact<Bytes> {
        let by_pid = self.glimpse(entry, "exe", raw::link_at);
        let through = |dir: &Arc<OwnedFd>, path: Leaf| Ok(raw::link_at(dir.as_fd(), path.as_c_str())?);
        let text = by_pid.unwrap_or_else(|| self.own(entry, "exe", Vec::is_empty, through));
        self.unless_kernel_thread(entry, text).map(Arc::from)
    }

    /// The text of the link of the first one that executes this file.
    pub(super) fn image_name_cached(&self, pid: Pid, image: &FileFacts) -> Fact<Bytes> {
        let key = (image.dev, image.ino);
        if let Some(text) = self.image_names.borrow().get(&key).filter(|_| image.nlink > 0) {
            return Fact::Known(Arc::clone(text));
        }
        let text = self.exe_text(pid);
        if let (Fact::Known(text), true) = (&text, image.nlink > 0) {
            self.image_names.borrow_mut().insert(key, Arc::clone(text));
        }
        text
    }

    /// The same, told of it by who has read both.
    pub(super) fn note_image_name(&self, image: &rustix::fs::Stat, text: &Bytes) {
        if image.st_nlink > 0 {
            let mut names = self.image_names.borrow_mut();
            names.entry((image.st_dev, image.st_ino)).or_insert_with(|| Arc::clone(text));
        }
    }

    /// The path of the file that a process executes, for people, and whether it has no name any more.
    pub(in crate::host) fn exe_shown(&self, pid: Pid) -> (Option<Bytes>, bool) {
        if let Some(text) = self.exe_named(pid) {
            return (Some(text), false);
        }
        let (file, text) = (self.exe_file(pid).known(), self.exe_text(pid).known());
        (text, file.is_some_and(|file| file.nlink == 0))
    }

    /// One system call, of which nothing is told: as long as the file stands where it stood when it was executed, the kernel gives that name
    /// and nothing behind it, so that it isn't asked for the file as well. Where that isn't enough, all is read of one process for certain.
    fn exe_named(&self, pid: Pid) -> Option<Bytes> {
        if let Some(text) = self.images.get(&pid) {
            return Some(Arc::clone(text));
        }
        self.note_read("exe");
        self.exe_names.borrow_mut().at(self.proc(), Leaf::of(pid, "exe").as_c_str())
    }

    /// A kernel thread has no executable; to a user who isn't root the kernel says only that the link is denied.
    fn unless_kernel_thread<T>(&self, entry: &Entry, fact: Fact<T>) -> Fact<T> {
        match fact {
            Fact::Unknown(reason) if reason.why == Why::Denied => match self.read_stat_cell(entry) {
                Fact::Known(stat) if stat.is_kernel_thread() => Fact::Absent,
                Fact::Known(_) | Fact::Absent | Fact::Unknown(_) => Fact::Unknown(reason),
            },
            fact => fact,
        }
    }

    /// `stat`, from the cache or read.
    pub(super) fn read_stat_cell(&self, entry: &Entry) -> Fact<Arc<Stat>> {
        entry.rest().stat.get_or_init(|| self.read_stat(entry)).clone()
    }

    fn read_stat(&self, entry: &Entry) -> Fact<Arc<Stat>> {
        let page = self.page;
        let parse = |bytes: &[u8]| parse::parse_stat(bytes, page).map(Arc::new);
        let by_pid = self
            .glimpse(entry, "stat", |proc, path| self.slurp(proc, path, Form::Record, RECORD_LIMIT, parse));
        match by_pid {
            Some(Fact::Known(None)) => {
                Fact::Unknown(Reason::new(Why::Malformed, format!("stat of {}", entry.pid)))
            }
            Some(fact) => fact.and_then(Fact::from_option),
            None => self.small(entry, c"stat", None, parse),
        }
    }

    pub(super) fn read_comm(&self, entry: &Entry) -> Fact<Bytes> {
        if let Some(stat) = entry.told(|rest| &rest.stat) {
            return Fact::Known(Arc::clone(&stat.comm));
        }
        if let Some(name) = self.comm_of_owner(entry) {
            return Fact::Known(name);
        }
        let name = |bytes: &[u8]| self.shared_name(name_in(bytes));
        let by_pid = self
            .glimpse(entry, "comm", |proc, path| self.slurp(proc, path, Form::Record, RECORD_LIMIT, name));
        by_pid.unwrap_or_else(|| self.small(entry, c"comm", None, |bytes| Some(name(bytes))))
    }

    /// Neighbours often have one name: they share its text.
    fn shared_name(&self, name: &[u8]) -> Bytes {
        let mut last = self.last_name.borrow_mut();
        if **last != *name {
            *last = Arc::from(name);
        }
        Arc::clone(&last)
    }

    /// The name of a process of which only the owner was read, by pid: the file itself says whose process it is, so one
    /// open file proves that both are of the same one. Most expressions ask for these two, and the descriptor of the
    /// directory would cost twice as much. The file of a process that can't be dumped belongs to root: that one takes the
    /// way through its directory.
    fn comm_of_owner(&self, entry: &Entry) -> Option<Bytes> {
        let Some(Fact::Known((uid, gid))) = entry.owner.get() else { return None };
        if !matches!(*entry.hold.borrow(), Hold::Glimpsed) || !entry.is_bare() {
            return None;
        }
        self.note_read("comm");
        let file = raw::open_read(self.proc(), Leaf::of(entry.pid, "comm").as_c_str()).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        if (stat.st_uid, stat.st_gid) != (uid.0, gid.0) {
            return None;
        }
        // Of a process that exited fstat says that it is root's; reading it fails then.
        let mut buffer = self.scratch.take();
        let read = raw::read_all(file.as_fd(), Form::Record, RECORD_LIMIT, &mut buffer);
        let name = read.ok().map(|_| self.shared_name(name_in(&buffer)));
        self.scratch.replace(buffer);
        name
    }

    fn read_link(&self, entry: &Entry, leaf: &str) -> Fact<MagicLink> {
        let read = |dir: &Arc<OwnedFd>, path: Leaf| {
            let text = raw::link_at(dir.as_fd(), path.as_c_str())?;
            let stat = raw::stat_at(dir.as_fd(), path.as_c_str())?;
            Ok(MagicLink { text: Arc::from(text), dev: stat.st_dev, ino: stat.st_ino })
        };
        self.own(entry, leaf, |_| false, read)
    }

    pub(super) fn read_cwd(&self, entry: &Entry) -> Fact<MagicLink> {
        let link = self.read_link(entry, "cwd");
        // The kernel shows `/` for its own threads, which have no directory that means anything.
        let root = matches!(&link, Fact::Known(link) if *link.text == *b"/");
        if root && !matches!(entry.exe_file.get(), Some(Fact::Known(_))) {
            let stat = self.read_stat_cell(entry);
            return stat.and_then(|stat| if is_kernel_thread(&stat) { Fact::Absent } else { link });
        }
        link
    }

    /// `root`, from the cache or read.
    pub(super) fn read_root_cell(&self, entry: &Entry) -> Fact<RootLink> {
        entry.rest().root.get_or_init(|| self.read_root(entry)).clone()
    }

    fn read_root(&self, entry: &Entry) -> Fact<RootLink> {
        let own = match raw::stat_at(rustix::fs::CWD, c"/") {
            Ok(own) => (own.st_dev, own.st_ino),
            Err(errno) => return Fact::Unknown(reason(errno, "own root")),
        };
        self.read_link(entry, "root").map(|link| {
            let same = (link.dev, link.ino) == own;
            RootLink { text: link.text, dev: link.dev, ino: link.ino, same }
        })
    }

    /// Inode of what a link of the process leads to.
    pub(super) fn read_inode(&self, entry: &Entry, leaf: &str) -> Fact<u64> {
        self.own(entry, leaf, |_| false, stat_through).map(|stat| stat.st_ino)
    }

    pub(super) fn read_fd_count(&self, entry: &Entry) -> Fact<u64> {
        let count = |dir: &Arc<OwnedFd>, path: Leaf| {
            // From Linux 6.2 the size of the directory is the number of descriptors; before that it is 0.
            let size = raw::stat_at(dir.as_fd(), path.as_c_str())?.st_size;
            if let Ok(count @ 1..) = u64::try_from(size) {
                return Ok(count);
            }
            let mut count = 0;
            raw::list_at(dir.as_fd(), path.as_c_str(), |_, _| count += 1)?;
            Ok(count)
        };
        self.own(entry, "fd", |count| *count == 0, count)
    }

    /// What a `cgroup` file says.
    pub(super) fn cgroups_in(&self, text: &[u8]) -> Option<Arc<[CgroupLine]>> {
        let mut last = self.cgroups.borrow_mut();
        if last.0 != text {
            *last = (text.to_vec(), parse::parse_cgroups(text)?);
        }
        Some(Arc::clone(&last.1))
    }

    /// Nobody looks for a while.
    pub(in crate::host) fn rest(&self) {
        self.cgroups.take();
    }

    pub(super) fn read_limits(&self, entry: &Entry) -> Fact<BTreeMap<&'static str, LimitPair>> {
        self.small(entry, c"limits", None, parse::parse_limits)
    }

    pub(super) fn read_security_label(&self, entry: &Entry) -> Fact<Bytes> {
        let label = self.small(entry, c"attr/current", Some(Errno::INVAL), |bytes| Some(label_in(bytes)));
        label.and_then(|label| if label.is_empty() { Fact::Absent } else { Fact::Known(label) })
    }

    pub(super) fn read_tasks(&self, entry: &Entry) -> Fact<Arc<[Task]>> {
        let dir = match self.dir(entry) {
            Ok(dir) => dir,
            Err(reason) => return Fact::Unknown(reason),
        };
        let mut tasks = Vec::new();
        self.note_read("task");
        let listed = raw::list_at(dir.as_fd(), c"task", |name, _| tasks.extend(raw::numeric(name)));
        if let Err(errno) = listed {
            let errno = if errno == Errno::NOENT { Errno::SRCH } else { errno };
            return entry.refused("task", errno.into());
        }
        let mut known = Vec::new();
        for tid in tasks {
            match self.stat_of(dir.as_fd(), &Leaf::new(format_args!("task/{tid}/stat"))) {
                Ok(stat) => known.push(Task { tid: Pid(tid), state: stat.state }),
                // The thread ended meanwhile; without any, the process did.
                Err(Errno::NOENT | Errno::SRCH) => {}
                Err(errno) => return entry.refused("task", errno.into()),
            }
        }
        if known.is_empty() { Fact::Unknown(entry.vanished()) } else { Fact::Known(known.into()) }
    }
}

fn stat_through(dir: &Arc<OwnedFd>, path: Leaf) -> Result<rustix::fs::Stat, Failure> {
    Ok(raw::stat_at(dir.as_fd(), path.as_c_str())?)
}

/// Security modules end their label with a newline, a NUL, or nothing.
fn label_in(bytes: &[u8]) -> Bytes {
    let end =
        bytes.iter().rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
    Arc::from(bytes.get(..end).unwrap_or_default())
}
