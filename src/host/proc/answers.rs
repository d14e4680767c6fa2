//! The questions of an evaluation and where each is answered. A flat table.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustix::io::Errno;

use super::entry::Entry;
use super::raw::{self, Leaf};
use super::{LiveWorld, parse, reason};
use crate::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, IoCounts, LimitPair, MagicLink, MemoryUse,
    OpenFile, Pace, Reason, RootLink, Socket, Stat, Status, Task, Trait, Why,
};
use crate::process::likeness::{Likeness, Pulse};
use crate::process::samples;
use crate::process::tree::OwnLine;
use crate::process::world::{Bytes, Namespace, Root, World, variable_in};
use crate::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};

/// Where services find programs unless their spec says otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// `loginuid` of a process that nobody logged in for (`proc_pid_loginuid(5)`).
const NO_LOGIN: u32 = u32::MAX;

fn namespace_leaf(kind: Namespace) -> &'static str {
    match kind {
        Namespace::Pid => "ns/pid",
        Namespace::Mnt => "ns/mnt",
        Namespace::Net => "ns/net",
        Namespace::User => "ns/user",
        Namespace::Uts => "ns/uts",
        Namespace::Ipc => "ns/ipc",
        Namespace::Cgroup => "ns/cgroup",
        Namespace::Time => "ns/time",
    }
}

fn truncated<T>(entry: &Entry) -> Fact<T> {
    Fact::Unknown(Reason::new(Why::Truncated, format!("environ of {}", entry.pid)))
}

impl World for LiveWorld {
    fn boot_id(&self) -> Fact<BootId> {
        self.boot()
    }

    fn pids(&self) -> Fact<Arc<[Pid]>> {
        let listed = self.listed();
        self.lists_all().map(|()| Arc::clone(&listed.pids))
    }

    fn lists_all(&self) -> Fact<()> {
        // Who asked of a few processes by number needs no listing for it.
        if let Some(errno) = self.listed.get().and_then(|listed| listed.failure) {
            return Fact::Unknown(reason(errno, "/proc"));
        }
        if self.hides.as_ref().is_some_and(parse::Hidepid::shortens_listing) {
            return Fact::Unknown(Reason::new(Why::Denied, "processes of other users (hidepid)"));
        }
        Fact::Known(())
    }

    fn owner(&self, pid: Pid) -> Fact<(Uid, Gid)> {
        let entry = self.entry(pid);
        entry.owner.get_or_init(|| self.read_owner(&entry)).clone()
    }

    fn exe_file(&self, pid: Pid) -> Fact<FileFacts> {
        let entry = self.entry(pid);
        let told = entry.exe_file.get_or_init(|| self.read_exe_file(&entry).map(Box::new));
        told.as_ref().map(|file| (**file).clone())
    }

    fn exe_text(&self, pid: Pid) -> Fact<Bytes> {
        let entry = self.entry(pid);
        entry.rest().exe_text.get_or_init(|| self.read_exe_text(&entry)).clone()
    }

    fn image_name(&self, pid: Pid, image: &FileFacts) -> Fact<Bytes> {
        self.image_name_cached(pid, image)
    }

    fn stat(&self, pid: Pid) -> Fact<Arc<Stat>> {
        self.read_stat_cell(&self.entry(pid))
    }

    fn likeness(&self, pid: Pid, arguments: bool) -> Option<Likeness> {
        self.quick_likeness(pid, arguments).or_else(|| Likeness::of(self, pid, arguments))
    }

    fn pulse(&self, pid: Pid) -> Option<Pulse> {
        self.read_pulse(pid)
    }

    fn has_run(&self, pid: Pid) -> Option<u64> {
        self.read_has_run(pid)
    }

    fn comm(&self, pid: Pid) -> Fact<Bytes> {
        let entry = self.entry(pid);
        entry.comm.get_or_init(|| self.read_comm(&entry)).clone()
    }

    fn status(&self, pid: Pid) -> Fact<Arc<Status>> {
        let entry = self.entry(pid);
        let parse = |bytes: &[u8]| parse::parse_status(bytes).map(Arc::new);
        entry.rest().status.get_or_init(|| self.small(&entry, c"status", None, parse)).clone()
    }

    fn arguments(&self, pid: Pid) -> Fact<Arc<Arguments>> {
        let entry = self.entry(pid);
        entry.arguments.get_or_init(|| self.read_arguments(&entry)).clone()
    }

    fn glance_at_arguments(&self, pid: Pid, use_text: &mut dyn FnMut(&[u8])) -> bool {
        let glances = self.glance(pid);
        if glances {
            use_text(&self.glanced.borrow().1);
        }
        glances
    }

    fn keep_arguments(&self, pid: Pid) -> bool {
        self.keep_glanced(pid)
    }

    fn environ(&self, pid: Pid) -> Fact<Arc<[Bytes]>> {
        let entry = self.entry(pid);
        let read = entry.rest().environ.get_or_init(|| self.read_environ(&entry));
        read.clone().and_then(|(block, more)| if more { truncated(&entry) } else { Fact::Known(block) })
    }

    fn variable(&self, pid: Pid, name: &[u8]) -> Fact<Bytes> {
        let entry = self.entry(pid);
        let read = entry.rest().environ.get_or_init(|| self.read_environ(&entry));
        read.as_ref().and_then(|(block, more)| match variable_in(block, name) {
            Some(value) => Fact::Known(value),
            // What isn't in the beginning may be in the rest.
            None if *more => truncated(&entry),
            None => Fact::Absent,
        })
    }

    fn execfn(&self, pid: Pid) -> Fact<Bytes> {
        let entry = self.entry(pid);
        entry.rest().execfn.get_or_init(|| self.read_execfn(&entry)).clone()
    }

    fn cwd(&self, pid: Pid) -> Fact<MagicLink> {
        let entry = self.entry(pid);
        entry.rest().cwd.get_or_init(|| self.read_cwd(&entry)).clone()
    }

    fn root(&self, pid: Pid) -> Fact<RootLink> {
        self.read_root_cell(&self.entry(pid))
    }

    fn namespace(&self, pid: Pid, kind: Namespace) -> Fact<u64> {
        let entry = self.entry(pid);
        let known = entry.rest().namespaces.borrow().get(&kind).cloned();
        known.unwrap_or_else(|| {
            let fact = self.read_inode(&entry, namespace_leaf(kind));
            entry.rest().namespaces.borrow_mut().insert(kind, fact.clone());
            fact
        })
    }

    fn cgroups(&self, pid: Pid) -> Fact<Arc<[CgroupLine]>> {
        let entry = self.entry(pid);
        let read = || self.small(&entry, c"cgroup", None, |text| self.cgroups_in(text));
        entry.rest().cgroups.get_or_init(read).clone()
    }

    fn has_no_units(&self) -> bool {
        self.no_units.get()
    }

    fn limit(&self, pid: Pid, name: &str) -> Fact<LimitPair> {
        let entry = self.entry(pid);
        let limits = entry.rest().limits.get_or_init(|| self.read_limits(&entry));
        limits.as_ref().and_then(|limits| Fact::from_option(limits.get(name).copied()))
    }

    fn login_uid(&self, pid: Pid) -> Fact<Uid> {
        let entry = self.entry(pid);
        let read = || self.small(&entry, c"loginuid", None, parse::parse_number);
        let some = |uid| if uid == NO_LOGIN { Fact::Absent } else { Fact::Known(Uid(uid)) };
        entry.rest().login_uid.get_or_init(|| read().and_then(some)).clone()
    }

    fn oom_score(&self, pid: Pid) -> Fact<i64> {
        let entry = self.entry(pid);
        let read = || self.small(&entry, c"oom_score", None, parse::parse_number);
        entry.rest().oom_score.get_or_init(read).clone()
    }

    fn oom_score_adj(&self, pid: Pid) -> Fact<i64> {
        let entry = self.entry(pid);
        let read = || self.small(&entry, c"oom_score_adj", None, parse::parse_number);
        entry.rest().oom_score_adj.get_or_init(read).clone()
    }

    fn io(&self, pid: Pid) -> Fact<IoCounts> {
        let entry = self.entry(pid);
        entry.rest().io.get_or_init(|| self.small(&entry, c"io", None, parse::parse_io)).clone()
    }

    fn fd_count(&self, pid: Pid) -> Fact<u64> {
        let entry = self.entry(pid);
        entry.rest().fd_count.get_or_init(|| self.read_fd_count(&entry)).clone()
    }

    fn memory_use(&self, pid: Pid) -> Fact<MemoryUse> {
        let entry = self.entry(pid);
        entry.rest().memory_use.get_or_init(|| self.read_memory_use(&entry)).clone()
    }

    fn files(&self, pid: Pid) -> Fact<Arc<[OpenFile]>> {
        let entry = self.entry(pid);
        entry.rest().files.get_or_init(|| self.read_files(&entry)).clone()
    }

    fn sockets(&self, pid: Pid) -> Fact<Arc<[Socket]>> {
        let entry = self.entry(pid);
        entry.rest().sockets.get_or_init(|| self.read_sockets(&entry)).clone()
    }

    fn pace(&self, pid: Pid, counter: Counter) -> Fact<Pace> {
        match &self.samples {
            Some(kept) => samples::pace(self, kept, pid, counter),
            None => Fact::Unknown(samples::one_look(counter.field(), pid)),
        }
    }

    fn changed(&self, pid: Pid, of: Trait) -> Fact<bool> {
        match &self.samples {
            Some(kept) => samples::changed(self, kept, pid, of),
            None => Fact::Unknown(samples::one_look(of.field(), pid)),
        }
    }

    fn memory_total(&self) -> Fact<u64> {
        match super::read_whole(self.proc(), c"meminfo") {
            Ok(bytes) => match parse::parse_memory_total(&bytes) {
                Some(total) => Fact::Known(total),
                None => Fact::Unknown(Reason::new(Why::Malformed, "/proc/meminfo")),
            },
            Err(errno) => Fact::Unknown(reason(errno, "/proc/meminfo")),
        }
    }

    fn security_label(&self, pid: Pid) -> Fact<Bytes> {
        let entry = self.entry(pid);
        entry.rest().security_label.get_or_init(|| self.read_security_label(&entry)).clone()
    }

    fn tasks(&self, pid: Pid) -> Fact<Arc<[Task]>> {
        let entry = self.entry(pid);
        entry.rest().tasks.get_or_init(|| self.read_tasks(&entry)).clone()
    }

    fn managed_as(&self, pid: Pid) -> Fact<Arc<str>> {
        let mut kept = self.managed.iter().filter(|(key, _)| key.pid == pid).peekable();
        // Most processes are nobody's: that takes no read.
        if kept.peek().is_none() {
            return Fact::Absent;
        }
        let name = |key| {
            Fact::from_option(kept.find(|(of, _)| **of == key).map(|(_, name)| Arc::from(name.clone())))
        };
        self.process_key(pid).and_then(name)
    }

    fn file(&self, root: Root, path: &[u8]) -> Fact<FileFacts> {
        self.file_cached(root, path)
    }

    fn head(&self, root: Root, path: &[u8]) -> Fact<Bytes> {
        self.head_cached(root, path)
    }

    fn content(&self, path: &[u8], limit: usize) -> Fact<Bytes> {
        self.content_cached(path, limit)
    }

    fn lock_holder(&self, path: &[u8]) -> Fact<Pid> {
        self.find_lock_holder(path)
    }

    fn binfmt(&self) -> Fact<Arc<[Binfmt]>> {
        self.files.binfmt.get_or_init(|| self.read_binfmt()).clone()
    }

    fn default_path(&self) -> Fact<Bytes> {
        Fact::Known(Arc::from(DEFAULT_PATH.as_bytes()))
    }

    fn user_id(&self, name: &str) -> Fact<Uid> {
        self.find_user_id(name)
    }

    fn user_name(&self, uid: Uid) -> Fact<Arc<str>> {
        self.find_user_name(uid)
    }

    fn group_id(&self, name: &str) -> Fact<Gid> {
        self.find_group_id(name)
    }

    fn group_name(&self, gid: Gid) -> Fact<Arc<str>> {
        self.find_group_name(gid)
    }

    fn groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        self.find_groups_of(uid)
    }

    fn now(&self) -> Fact<WallTime> {
        Fact::Known(self.wall)
    }

    fn uptime(&self) -> Fact<BootTime> {
        Fact::Known(self.uptime)
    }

    fn ticks_per_second(&self) -> u64 {
        self.ticks
    }

    fn files_asked(&self) -> Vec<Bytes> {
        self.names_asked()
    }

    fn take_reads(&self) -> Vec<String> {
        self.account.as_ref().map(RefCell::take).unwrap_or_default()
    }

    fn self_pid(&self) -> Fact<Pid> {
        Fact::Known(self.me)
    }

    fn own_line(&self) -> Rc<OwnLine> {
        Rc::clone(self.own_line.get_or_init(|| Rc::new(OwnLine::of(self))))
    }

    fn own_namespace(&self, kind: Namespace) -> Fact<u64> {
        let read = || {
            let leaf = Leaf::new(format_args!("self/{}", namespace_leaf(kind)));
            match raw::stat_at(self.proc(), leaf.as_c_str()) {
                Ok(stat) => Fact::Known(stat.st_ino),
                Err(Errno::NOENT) => Fact::Absent,
                Err(errno) => Fact::Unknown(reason(errno, namespace_leaf(kind))),
            }
        };
        self.own_namespaces.borrow_mut().entry(kind).or_insert_with(read).clone()
    }
}
