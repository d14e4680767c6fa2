//! Holding on to one process: the descriptor through which all but the first fact is read.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::entry::{Entry, Hold};
use super::raw::{self, Form, Leaf};
use super::{LiveWorld, RECORD_LIMIT, parse, reason};
use crate::facts::{Fact, ProcessState, Reason, Stat, Why};
use crate::units::{Gid, Pid, Uid};

/// `PF_EXITING` and `PF_KTHREAD` of the kernel's `include/linux/sched.h`.
const PF_EXITING: u32 = 0x4;
const PF_KTHREAD: u32 = 0x0020_0000;

/// Why a process doesn't have what was asked for.
pub(super) enum Condition {
    /// A kernel thread, or a zombie with no thread left: it has none.
    Without,
    /// The leader exited; this thread of it lives.
    Thread(Pid),
    /// An ordinary process.
    Live,
    /// It is gone, or can't be asked.
    Lost(Reason),
}

/// Whether the kernel says that this is one of its own threads.
pub(super) fn is_kernel_thread(stat: &Stat) -> bool {
    stat.flags & PF_KTHREAD != 0
}

/// Whether nothing of the thread is left but its exit status.
fn has_ended(stat: &Stat) -> bool {
    matches!(stat.state, ProcessState::Zombie | ProcessState::Dead) || stat.flags & PF_EXITING != 0
}

impl LiveWorld {
    /// Whether this fact is to be read by pid, being the first one of its process.
    ///
    /// It pays where few processes are asked for a second fact, since then the first is read twice. An
    /// expression asks all processes alike, so those asked before tell.
    pub(super) fn may_glimpse(&self, entry: &Entry) -> bool {
        let may = self.could_glimpse(entry);
        if may {
            let (first, second) = self.glimpsed.get();
            self.glimpsed.set((first + 1, second));
            entry.hold.replace(Hold::Glimpsed);
        }
        may
    }

    /// The same as a question.
    pub(super) fn could_glimpse(&self, entry: &Entry) -> bool {
        let (first, second) = self.glimpsed.get();
        (first < 16 || second < first / 2) && matches!(*entry.hold.borrow(), Hold::Fresh)
    }

    /// The descriptor of the process, opened and made sure of if need be.
    pub(super) fn dir(&self, entry: &Entry) -> Result<Arc<OwnedFd>, Reason> {
        let before = match &*entry.hold.borrow() {
            Hold::Kept(dir) => return Ok(Arc::clone(dir)),
            Hold::Lost(reason) => return Err(reason.clone()),
            Hold::Released(inode) => Some(*inode),
            Hold::Fresh => None,
            Hold::Glimpsed => {
                let (first, second) = self.glimpsed.get();
                self.glimpsed.set((first, second + 1));
                None
            }
        };
        let path = Leaf::of(entry.pid, "");
        let dir = match raw::open_dir(self.proc(), path.as_c_str()) {
            Ok(dir) => Arc::new(dir),
            Err(Errno::NOENT | Errno::SRCH) => return Err(entry.vanished()),
            Err(errno) => return Err(reason(errno, &format!("process {}", entry.pid))),
        };
        let same = match before {
            Some(inode) => self.is_the_same(entry, dir.as_fd(), inode),
            None => self.agrees(entry, &dir),
        };
        if same != Ok(true) {
            return Err(self.disagreement(entry, dir.as_fd()));
        }
        self.keep(entry, &dir);
        Ok(dir)
    }

    /// Whether what was told of the pid is true of the process behind `held`. One of these was told, or the owner with
    /// the name that belongs to it.
    fn agrees(&self, entry: &Entry, held: &OwnedFd) -> Result<bool, Errno> {
        let dir = held.as_fd();
        if let Some(Fact::Known(owner)) = entry.owner.get() {
            self.note_read("");
            if owner_at(dir)? != *owner {
                return Ok(false);
            }
        }
        if let Some(Fact::Known(exe)) = entry.exe_file.get() {
            self.note_read("exe");
            let now = raw::stat_at(dir, c"exe")?;
            return Ok((now.st_dev, now.st_ino) == (exe.dev, exe.ino));
        }
        if let Some(Fact::Known(comm)) = entry.comm.get() {
            self.note_read("comm");
            return self.slurp(dir, c"comm", Form::Record, RECORD_LIMIT, |bytes| name_in(bytes) == &**comm);
        }
        if let Some(text) = entry.told(|rest| &rest.exe_text) {
            self.note_read("exe");
            return Ok(raw::link_at(dir, c"exe")? == **text);
        }
        if let Some(stat) = entry.told(|rest| &rest.stat) {
            return Ok(self.fresh_stat(dir)?.start == stat.start);
        }
        if let Some(Fact::Known(arguments)) = entry.arguments.get() {
            self.note_read("cmdline");
            return self.has_arguments(held, arguments);
        }
        Ok(true)
    }

    /// Whether a released process is still the one behind its pid: by the inode, which costs next to nothing, or,
    /// since the kernel may have forgotten the inode of a process that still runs, by the start time.
    fn is_the_same(&self, entry: &Entry, dir: BorrowedFd<'_>, inode: u64) -> Result<bool, Errno> {
        if rustix::fs::fstat(dir)?.st_ino == inode {
            return Ok(true);
        }
        match entry.told(|rest| &rest.stat) {
            Some(stat) => Ok(self.fresh_stat(dir)?.start == stat.start),
            None => Ok(false),
        }
    }

    /// The pid answers otherwise than before: another process, or the same one that called exec or changed its
    /// user. The latter still lives and must not be taken for gone.
    fn disagreement(&self, entry: &Entry, dir: BorrowedFd<'_>) -> Reason {
        let same = self.fresh_stat(dir).is_ok_and(|stat| stat.start <= entry.seen && !has_ended(&stat));
        if !same {
            return entry.vanished();
        }
        let changed = Reason::new(Why::Unresolved, format!("{} changed while it was looked at", entry.pid));
        entry.lose(&changed);
        changed
    }

    fn keep(&self, entry: &Entry, dir: &Arc<OwnedFd>) {
        entry.hold.replace(Hold::Kept(Arc::clone(dir)));
        let oldest = {
            let mut kept = self.kept.borrow_mut();
            kept.push_back(entry.pid);
            (kept.len() > self.most_kept).then(|| kept.pop_front()).flatten()
        };
        if let Some(pid) = oldest {
            Self::release(&self.entry(pid));
        }
    }

    fn release(entry: &Entry) {
        let dir = match &*entry.hold.borrow() {
            Hold::Kept(dir) => Arc::clone(dir),
            Hold::Fresh | Hold::Glimpsed | Hold::Released(_) | Hold::Lost(_) => return,
        };
        match rustix::fs::fstat(&dir) {
            Ok(stat) => drop(entry.hold.replace(Hold::Released(stat.st_ino))),
            Err(_) => drop(entry.vanished()),
        }
    }

    /// `stat` as it is now, past the cache.
    pub(super) fn fresh_stat(&self, dir: BorrowedFd<'_>) -> Result<Stat, Errno> {
        self.stat_of(dir, &Leaf::new(format_args!("stat")))
    }

    /// A `stat` file; one that is not in the documented form is an input error.
    pub(super) fn stat_of(&self, dir: BorrowedFd<'_>, path: &Leaf) -> Result<Stat, Errno> {
        let page = self.page;
        let read = |bytes: &[u8]| parse::parse_stat(bytes, page);
        self.note_read("stat");
        self.slurp(dir, path.as_c_str(), Form::Record, RECORD_LIMIT, read)?.ok_or(Errno::IO)
    }

    /// Why a read answered that there is nothing: `ENOENT` and `ESRCH` are also said of kernel threads and zombies.
    pub(super) fn condition(&self, entry: &Entry, dir: BorrowedFd<'_>) -> Condition {
        let stat = match self.fresh_stat(dir) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::SRCH) => return Condition::Lost(entry.vanished()),
            Err(errno) => return Condition::Lost(reason(errno, &format!("stat of {}", entry.pid))),
        };
        if is_kernel_thread(&stat) {
            return Condition::Without;
        }
        if !has_ended(&stat) {
            return Condition::Live;
        }
        match self.live_thread(dir) {
            Ok(Some(tid)) => Condition::Thread(tid),
            // It exited while we looked: what was told before and what is seen now are two moments.
            Ok(None) if entry.was_alive() => Condition::Lost(entry.vanished()),
            Ok(None) => Condition::Without,
            // A zombie that was collected since its `stat` was read.
            Err(Errno::NOENT | Errno::SRCH) => Condition::Lost(entry.vanished()),
            Err(errno) => Condition::Lost(reason(errno, &format!("tasks of {}", entry.pid))),
        }
    }

    fn live_thread(&self, dir: BorrowedFd<'_>) -> Result<Option<Pid>, Errno> {
        let mut tids = Vec::new();
        self.note_read("task");
        raw::list_at(dir, c"task", |name, _| tids.extend(raw::numeric(name)))?;
        let lives = |tid: &i32| {
            let stat = self.stat_of(dir, &Leaf::new(format_args!("task/{tid}/stat")));
            stat.is_ok_and(|stat| !has_ended(&stat))
        };
        Ok(tids.into_iter().find(lives).map(Pid))
    }
}

/// Effective ids of the process behind `dir`.
///
/// fstat of a descriptor whose process exited succeeds and shows root as the owner, so the path goes through the
/// directory, which checks for the process, and an owner root is believed only if the process is there afterwards.
pub(super) fn owner_at(dir: BorrowedFd<'_>) -> Result<(Uid, Gid), Errno> {
    let stat = raw::stat_at(dir, c".")?;
    if stat.st_uid == 0 {
        raw::stat_at(dir, c"stat")?;
    }
    Ok((Uid(stat.st_uid), Gid(stat.st_gid)))
}

/// The name in `comm`, without the newline that the kernel puts behind it.
pub(super) fn name_in(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs::{self, File};

    use super::*;

    /// It was unknown, and what was asked of all processes with it.
    #[test]
    fn a_zombie_that_is_collected_while_it_is_asked_has_vanished() {
        let folder = tempfile::tempdir().unwrap();
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let (name, fields) = stat.rsplit_once(") ").unwrap();
        let (_state, rest) = fields.split_once(' ').unwrap();
        fs::write(folder.path().join("stat"), format!("{name}) Z {rest}")).unwrap();
        let dir = File::open(folder.path()).unwrap();
        let world = LiveWorld::new().unwrap();
        let entry = world.entry(Pid(std::process::id().cast_signed()));
        let condition = world.condition(&entry, dir.as_fd());
        assert!(matches!(condition, Condition::Lost(reason) if reason.why == Why::Vanished));
    }
}
