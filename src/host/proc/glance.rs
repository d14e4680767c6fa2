//! The live host for a program that asks one question and ends: what [`LiveWorld`](super::LiveWorld) answers, without
//! its preparations, its memory and its helper threads, each of which costs more than such a question.
//!
//! Nothing here is kept from one question to the next, so that two answers may be of two processes. Whoever acts on
//! them holds the process by a pidfd and asks again (`host::signal`). Of the files that can block behind a stuck
//! process none is read.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::raw::{self, Form, Leaf};
use super::{RECORD_LIMIT, foreign, parse, reason};
use crate::facts::{Fact, Reason, Stat, Why};
use crate::process::world::Bytes;
use crate::process::{exe, paths};
use crate::units::{Gid, Pid, Uid};

/// `/proc`, open, or why it isn't.
#[derive(Debug)]
pub struct Glance {
    proc: Result<OwnedFd, Reason>,
    me: Pid,
}

/// The file behind `/proc/PID/exe`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Image {
    /// Device and inode.
    pub identity: (u64, u64),
    /// It has a name in some directory.
    pub named: bool,
}

impl Glance {
    /// Opens `/proc`. Where it isn't mounted, or shows another PID namespace than ours, so that its numbers would mean other
    /// processes to `kill`, nothing is known of any process.
    pub fn new() -> Self {
        let me = Pid(rustix::process::getpid().as_raw_nonzero().get());
        let proc = open(me).map_err(|error| Reason::new(Why::Unresolved, format!("/proc: {error}")));
        Self { proc, me }
    }

    /// Ourselves.
    pub fn me(&self) -> Pid {
        self.me
    }

    /// Every process that is shown, ascending.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn pids(&self) -> io::Result<Vec<Pid>> {
        let mut pids = Vec::new();
        let proc = self.proc.as_ref().map_err(|reason| io::Error::other(reason.to_string()))?;
        raw::list_at(proc.as_fd(), c".", |name, _| pids.extend(raw::numeric(name).map(Pid)))?;
        pids.sort_unstable();
        Ok(pids)
    }

    /// Effective ids. Absent: there is no such process.
    pub fn owner(&self, pid: Pid) -> Fact<(Uid, Gid)> {
        self.ask(pid, "", raw::stat_at).map(|stat| (Uid(stat.st_uid), Gid(stat.st_gid)))
    }

    /// The file that it executes, told by a living thread where the first one has ended. Absent for kernel threads, zombies
    /// and where there is no such process. Without privilege it is denied for kernel threads too; telling them apart costs
    /// a read that nearly nobody needs.
    pub fn image(&self, pid: Pid) -> Fact<Image> {
        self.ask_living(pid, "exe", raw::stat_at)
            .map(|stat| Image { identity: (stat.st_dev, stat.st_ino), named: stat.st_nlink > 0 })
    }

    /// Whether its image, which has no name any more, was called `real` in our own root directory.
    pub fn was_called(&self, pid: Pid, real: &[u8]) -> Fact<bool> {
        self.ask_living(pid, "exe", raw::link_at).and_then(|text| {
            if exe::is_label(&text) || paths::strip_deleted(&text) != Some(real) {
                return Fact::Known(false);
            }
            self.in_own_root(pid)
        })
    }

    /// Asks for something that a thread loses when it exits: of another one where the leader has, since they go on with it.
    fn ask_living<T>(
        &self,
        pid: Pid,
        leaf: &str,
        ask: impl Fn(BorrowedFd<'_>, &CStr) -> Result<T, Errno>,
    ) -> Fact<T> {
        let first = self.ask(pid, leaf, &ask);
        if !matches!(first, Fact::Absent) {
            return first;
        }
        self.has_other_threads(pid).and_then(|has_others| {
            if !has_others {
                return Fact::Absent;
            }
            self.threads(pid).and_then(|threads| {
                let mut answers =
                    threads.iter().map(|thread| self.ask(pid, &format!("task/{thread}/{leaf}"), &ask));
                answers.find(|answer| !matches!(answer, Fact::Absent)).unwrap_or(Fact::Absent)
            })
        })
    }

    /// Told by one `stat`: beside its own two links the directory has one for each thread (`fs/proc/base.c`,
    /// `proc_task_getattr`). Kernel threads and most zombies, which are asked this, have one thread.
    fn has_other_threads(&self, pid: Pid) -> Fact<bool> {
        self.ask(pid, "task", raw::stat_at).map(|stat| stat.st_nlink > 3)
    }

    fn in_own_root(&self, pid: Pid) -> Fact<bool> {
        let own = match raw::stat_at(rustix::fs::CWD, c"/") {
            Ok(own) => (own.st_dev, own.st_ino),
            Err(errno) => return Fact::Unknown(reason(errno, "own root")),
        };
        self.ask_living(pid, "root", raw::stat_at).map(|root| (root.st_dev, root.st_ino) == own)
    }

    /// The name of its first thread.
    pub fn comm(&self, pid: Pid) -> Fact<Bytes> {
        self.read(pid, "comm").map(|bytes| Arc::from(bytes.strip_suffix(b"\n").unwrap_or(&bytes)))
    }

    /// `/proc/PID/stat`. Absent: there is no such process.
    pub fn stat(&self, pid: Pid) -> Fact<Stat> {
        self.read(pid, "stat").and_then(|bytes| {
            // Pages are for the size of its memory, which nobody asks for here.
            parse::parse_stat(&bytes, 1).map_or_else(
                || Fact::Unknown(Reason::new(Why::Malformed, format!("stat of {pid}"))),
                Fact::Known,
            )
        })
    }

    /// Not a zombie, or one with another thread that lives. Absent: there is no such process.
    pub fn alive(&self, pid: Pid) -> Fact<bool> {
        self.stat(pid)
            .and_then(|stat| if stat.state.is_over() { self.has_live_thread(pid) } else { Fact::Known(true) })
    }

    fn has_live_thread(&self, pid: Pid) -> Fact<bool> {
        self.threads(pid).map(|threads| {
            threads.iter().filter(|thread| **thread != pid.0).any(|thread| {
                let stat = self.read(pid, &format!("task/{thread}/stat")).known();
                stat.and_then(|bytes| parse::parse_stat(&bytes, 1)).is_some_and(|stat| !stat.state.is_over())
            })
        })
    }

    /// Its threads, the leader among them.
    fn threads(&self, pid: Pid) -> Fact<Vec<i32>> {
        let mut threads = Vec::new();
        self.ask(pid, "task", |proc, path| {
            raw::list_at(proc, path, |name, _| threads.extend(raw::numeric(name)))
        })
        .map(|()| threads)
    }

    /// Whether it is in our PID namespace, and not in a container below it.
    pub fn in_own_namespace(&self, pid: Pid) -> Fact<bool> {
        match self.namespace(self.me) {
            Fact::Known(own) => self.namespace(pid).map(|its| its == own),
            Fact::Absent | Fact::Unknown(_) => Fact::unknown(Why::Unresolved),
        }
    }

    fn namespace(&self, pid: Pid) -> Fact<u64> {
        self.ask_living(pid, "ns/pid", raw::stat_at).map(|stat| stat.st_ino)
    }

    /// Our parent, its parent and so on; as far as they can be read.
    pub fn ancestors(&self) -> Vec<Pid> {
        let mut found = Vec::new();
        let mut at = self.me;
        while let Fact::Known(stat) = self.stat(at) {
            if stat.ppid.0 < 1 || found.contains(&stat.ppid) {
                break;
            }
            at = stat.ppid;
            found.push(at);
        }
        found
    }

    fn read(&self, pid: Pid, leaf: &str) -> Fact<Vec<u8>> {
        self.ask(pid, leaf, |proc, path| {
            let mut bytes = Vec::new();
            raw::read_at(proc, path, Form::Record, RECORD_LIMIT, &mut bytes)?;
            Ok(bytes)
        })
    }

    fn ask<T>(
        &self,
        pid: Pid,
        leaf: &str,
        ask: impl FnOnce(BorrowedFd<'_>, &CStr) -> Result<T, Errno>,
    ) -> Fact<T> {
        let proc = match &self.proc {
            Ok(proc) => proc.as_fd(),
            Err(reason) => return Fact::Unknown(reason.clone()),
        };
        let path = Leaf::of(pid, leaf);
        match ask(proc, path.as_c_str()) {
            Ok(answer) => Fact::Known(answer),
            Err(Errno::NOENT | Errno::SRCH) => Fact::Absent,
            Err(errno) => Fact::Unknown(reason(errno, &format!("{leaf} of {pid}"))),
        }
    }
}

impl Default for Glance {
    fn default() -> Self {
        Self::new()
    }
}

fn open(me: Pid) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = rustix::fs::openat(rustix::fs::CWD, c"/proc", flags, Mode::empty())?;
    let text = raw::link_at(proc.as_fd(), c"self")?;
    if raw::numeric(&text) == Some(me.0) { Ok(proc) } else { Err(foreign()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::proc::LiveWorld;
    use crate::process::tree;
    use crate::process::world::World;

    /// What must be equal in both: all but who vanished, and the words of reasons.
    fn same<T: PartialEq + std::fmt::Debug>(pid: Pid, what: &str, glance: &Fact<T>, world: &Fact<T>) -> bool {
        match (glance, world) {
            (Fact::Known(left), Fact::Known(right)) => left == right,
            (Fact::Absent, Fact::Absent) => true,
            (_, Fact::Unknown(reason)) if reason.why == Why::Vanished => true,
            (Fact::Unknown(left), Fact::Unknown(right)) => left.why == right.why,
            // It ended between the two looks.
            (Fact::Absent, _) if Glance::new().owner(pid) == Fact::Absent => true,
            _ => {
                eprintln!("{what} of {pid}: {glance:?}, {world:?}");
                false
            }
        }
    }

    fn agree(glance: &Glance, world: &LiveWorld, pid: Pid) -> bool {
        let image = world.exe_file(pid);
        // What the whole look finds out with one more read.
        let kernel_thread = glance.stat(pid).known().is_some_and(|stat| stat.is_kernel_thread());
        let image = image.map(|file| Image { identity: (file.dev, file.ino), named: file.nlink > 0 });
        same(pid, "owner", &glance.owner(pid), &world.owner(pid))
            && (kernel_thread || same(pid, "image", &glance.image(pid), &image))
            && same(pid, "comm", &glance.comm(pid), &world.comm(pid))
            && same(pid, "alive", &glance.alive(pid), &tree::is_alive(world, pid))
            && same(
                pid,
                "start",
                &glance.stat(pid).map(|stat| stat.start),
                &world.stat(pid).map(|stat| stat.start),
            )
    }

    #[test]
    fn it_says_what_the_whole_look_says() {
        let (glance, mut world) = (Glance::new(), LiveWorld::new().unwrap());
        let pids = glance.pids().unwrap();
        assert!(pids.contains(&glance.me()));
        for pid in pids {
            let begun = Instant::now();
            // One that executed something or ended between the two looks is looked at again.
            while !agree(&glance, &world, pid) {
                assert!(begun.elapsed() < Duration::from_mins(1), "{pid} is seen in two ways");
                world = world.again();
            }
        }
    }

    #[test]
    fn who_is_not_there_is_absent() {
        let glance = Glance::new();
        let nobody = Pid(i32::MAX);
        assert_eq!(glance.owner(nobody), Fact::Absent);
        assert_eq!(glance.image(nobody), Fact::Absent);
        assert_eq!(glance.alive(nobody), Fact::Absent);
        assert!(glance.ancestors().contains(&Pid(std::os::unix::process::parent_id().cast_signed())));
        assert_eq!(glance.in_own_namespace(glance.me()), Fact::Known(true));
    }
}
