//! A snapshot answers what a host is asked.

use std::rc::Rc;
use std::sync::Arc;

use super::Snapshot;
use super::files::{FileTable, shown};
use super::keys;
use super::model::Process;
use super::words::NAMESPACES;
use crate::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, FileId, IoCounts, LimitPair, MagicLink,
    MemoryUse, OpenFile, Pace, Reason, RootLink, Socket, Stat, Status, Task, Trait, Why,
};
use crate::process::tree::OwnLine;
use crate::process::world::{Bytes, Namespace, Root, World};
use crate::process::{container, samples};
use crate::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};

impl Snapshot {
    fn of<T>(&self, pid: Pid, fact: impl FnOnce(&Process) -> Fact<T>) -> Fact<T> {
        match self.processes.get(&pid) {
            Some(process) => fact(process),
            None => Fact::Unknown(Reason::new(Why::Vanished, format!("process {pid}"))),
        }
    }

    /// The files of a root; `None` for a root of which none is stated.
    fn table(&self, root: Root) -> Fact<Option<&FileTable>> {
        match root {
            Root::Engine => Fact::Known(Some(&self.host.files)),
            Root::Of(pid) => self.root(pid).map(|link| {
                let id = FileId { dev: link.dev, ino: link.ino };
                if link.same { Some(&self.host.files) } else { self.host.roots.get(&id) }
            }),
        }
    }

    /// A fact of the host that is stated or not.
    fn stated<T>(&self, key: &str, value: Option<T>) -> Fact<T> {
        value.map_or_else(|| self.host.unread.missing(key), Fact::Known)
    }
}

fn kind_key(kind: Namespace) -> (&'static str, u64) {
    let row = NAMESPACES.iter().find(|(_, known, _)| *known == kind);
    row.map_or(("pid", 0), |(key, _, initial)| (*key, *initial))
}

/// A snapshot is one look: what it doesn't state of two is not known.
fn one_look<T>(process: &Process, key: &str, field: &str, pid: Pid) -> Fact<T> {
    match process.unread.missing(key) {
        Fact::Unknown(reason) => Fact::Unknown(reason),
        Fact::Known(()) | Fact::Absent => Fact::Unknown(samples::one_look(field, pid)),
    }
}

impl World for Snapshot {
    fn boot_id(&self) -> Fact<BootId> {
        // A host has a boot, even if nobody says which; keys of processes need one.
        match self.stated("bootId", self.host.boot_id.clone()) {
            Fact::Absent => Fact::Known(BootId("snapshot".into())),
            stated => stated,
        }
    }

    fn pids(&self) -> Fact<Arc<[Pid]>> {
        match self.host.unread.keys.get("processes") {
            Some(why) => Fact::Unknown(Reason::new(*why, "processes of the host")),
            None => Fact::Known(self.processes.keys().copied().collect()),
        }
    }

    fn owner(&self, pid: Pid) -> Fact<(Uid, Gid)> {
        self.of(pid, |process| process.owner.clone())
    }

    fn exe_file(&self, pid: Pid) -> Fact<FileFacts> {
        self.of(pid, |process| process.exe_file.clone())
    }

    fn exe_text(&self, pid: Pid) -> Fact<Bytes> {
        self.of(pid, |process| process.exe_text.clone())
    }

    fn stat(&self, pid: Pid) -> Fact<Arc<Stat>> {
        self.of(pid, |process| process.stat.clone())
    }

    fn gap(&self, pid: Pid, field: &str) -> Option<Fact<()>> {
        self.processes.get(&pid).and_then(|process| keys::gap(process, field))
    }

    fn comm(&self, pid: Pid) -> Fact<Bytes> {
        self.of(pid, |process| process.comm.clone())
    }

    fn status(&self, pid: Pid) -> Fact<Arc<Status>> {
        self.of(pid, |process| process.status.clone())
    }

    fn arguments(&self, pid: Pid) -> Fact<Arc<Arguments>> {
        self.of(pid, |process| process.arguments.clone())
    }

    fn environ(&self, pid: Pid) -> Fact<Arc<[Bytes]>> {
        self.of(pid, |process| process.environ.clone())
    }

    fn execfn(&self, pid: Pid) -> Fact<Bytes> {
        self.of(pid, |process| process.execfn.clone())
    }

    fn cwd(&self, pid: Pid) -> Fact<MagicLink> {
        self.of(pid, |process| process.cwd.clone())
    }

    fn root(&self, pid: Pid) -> Fact<RootLink> {
        self.of(pid, |process| process.root.clone())
    }

    fn namespace(&self, pid: Pid, kind: Namespace) -> Fact<u64> {
        let (key, _) = kind_key(kind);
        self.of(pid, |process| process.namespaces.get(key).cloned().unwrap_or(Fact::Absent))
    }

    fn cgroups(&self, pid: Pid) -> Fact<Arc<[CgroupLine]>> {
        self.of(pid, |process| process.cgroups.clone())
    }

    fn limit(&self, pid: Pid, name: &str) -> Fact<LimitPair> {
        self.of(pid, |process| match process.limits.get(name) {
            Some(pair) => Fact::Known(*pair),
            None => process.unread.missing("limits"),
        })
    }

    fn login_uid(&self, pid: Pid) -> Fact<Uid> {
        self.of(pid, |process| process.login_uid.clone())
    }

    fn oom_score(&self, pid: Pid) -> Fact<i64> {
        self.of(pid, |process| process.oom_score.clone())
    }

    fn oom_score_adj(&self, pid: Pid) -> Fact<i64> {
        self.of(pid, |process| process.oom_score_adj.clone())
    }

    fn io(&self, pid: Pid) -> Fact<IoCounts> {
        self.of(pid, |process| process.io.clone())
    }

    fn fd_count(&self, pid: Pid) -> Fact<u64> {
        self.of(pid, |process| process.fd_count.clone())
    }

    fn memory_use(&self, pid: Pid) -> Fact<MemoryUse> {
        self.of(pid, |process| process.memory_use.clone())
    }

    fn files(&self, pid: Pid) -> Fact<Arc<[OpenFile]>> {
        self.of(pid, |process| process.files.clone())
    }

    fn sockets(&self, pid: Pid) -> Fact<Arc<[Socket]>> {
        self.of(pid, |process| process.sockets.clone())
    }

    fn listens(&self, pid: Pid) -> Fact<Arc<[Socket]>> {
        self.of(pid, |process| process.listens.clone())
    }

    fn container(&self, pid: Pid) -> Fact<Bytes> {
        self.of(pid, |process| match (&process.container, &process.cgroups) {
            (Some(stated), _) => stated.clone(),
            (None, Fact::Known(lines)) => Fact::from_option(container::of_cgroups(lines).map(Arc::from)),
            (None, Fact::Absent) => Fact::Absent,
            (None, Fact::Unknown(reason)) => Fact::Unknown(reason.clone()),
        })
    }

    fn pace(&self, pid: Pid, counter: Counter) -> Fact<Pace> {
        self.of(pid, |process| match process.rates.get(&counter) {
            Some(rate) => Fact::Known(Pace::of_second(*rate)),
            None => one_look(process, "rates", counter.field(), pid),
        })
    }

    fn changed(&self, pid: Pid, of: Trait) -> Fact<bool> {
        self.of(pid, |process| match process.changed.get(&of) {
            Some(changed) => Fact::Known(*changed),
            None => one_look(process, "changed", of.field(), pid),
        })
    }

    fn memory_total(&self) -> Fact<u64> {
        self.stated("memory", self.host.memory)
    }

    fn security_label(&self, pid: Pid) -> Fact<Bytes> {
        self.of(pid, |process| process.security_label.clone())
    }

    fn tasks(&self, pid: Pid) -> Fact<Arc<[Task]>> {
        self.of(pid, |process| process.tasks.clone())
    }

    fn managed_as(&self, pid: Pid) -> Fact<Arc<str>> {
        self.of(pid, |process| process.managed_as.clone())
    }

    fn file(&self, root: Root, path: &[u8]) -> Fact<FileFacts> {
        self.table(root).and_then(|table| table.map_or(Fact::Absent, |table| table.file(path)))
    }

    fn head(&self, root: Root, path: &[u8]) -> Fact<Bytes> {
        self.table(root).and_then(|table| table.map_or(Fact::Absent, |table| table.head(path)))
    }

    fn content(&self, path: &[u8], limit: usize) -> Fact<Bytes> {
        let size = self.host.files.file(path).known().map(|file| file.size);
        self.host.files.head(path).and_then(|head| match head.get(..limit) {
            Some(beginning) => Fact::Known(Bytes::from(beginning)),
            // What lies behind the stated beginning isn't known.
            None if size.is_some_and(|size| u64::try_from(head.len()).is_ok_and(|stated| stated < size)) => {
                Fact::Unknown(Reason::new(Why::Truncated, shown(path)))
            }
            None => Fact::Known(head),
        })
    }

    fn lock_holder(&self, path: &[u8]) -> Fact<Pid> {
        self.host.files.lock_holder(path, self.host.unread.missing("locks"))
    }

    fn binfmt(&self) -> Fact<Arc<[Binfmt]>> {
        self.stated("binfmt", self.host.binfmt.clone())
    }

    fn default_path(&self) -> Fact<Bytes> {
        self.stated("env", self.host.path.clone())
    }

    fn user_id(&self, name: &str) -> Fact<Uid> {
        self.stated("users", self.host.users.iter().find(|user| &*user.name == name).map(|user| user.uid))
    }

    fn user_name(&self, uid: Uid) -> Fact<Arc<str>> {
        self.stated(
            "users",
            self.host.users.iter().find(|user| user.uid == uid).map(|user| Arc::clone(&user.name)),
        )
    }

    fn group_id(&self, name: &str) -> Fact<Gid> {
        self.stated(
            "groups",
            self.host.groups.iter().find(|(known, _)| &**known == name).map(|(_, gid)| *gid),
        )
    }

    fn group_name(&self, gid: Gid) -> Fact<Arc<str>> {
        let found = self.host.groups.iter().find(|(_, known)| *known == gid);
        self.stated("groups", found.map(|(name, _)| Arc::clone(name)))
    }

    fn groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        let user = self.host.users.iter().find(|user| user.uid == uid);
        self.stated("users", user.and_then(|user| user.groups.clone()))
    }

    fn now(&self) -> Fact<WallTime> {
        self.stated("now", self.host.now)
    }

    fn uptime(&self) -> Fact<BootTime> {
        self.stated("uptime", self.host.uptime)
    }

    fn ticks_per_second(&self) -> u64 {
        self.host.ticks_per_second
    }

    fn self_pid(&self) -> Fact<Pid> {
        self.stated("self", self.host.engine)
    }

    fn own_line(&self) -> Rc<OwnLine> {
        Rc::new(OwnLine::of(self))
    }

    fn own_namespace(&self, kind: Namespace) -> Fact<u64> {
        let (key, initial) = kind_key(kind);
        match self.stated("ns", self.host.namespaces.get(key).copied()) {
            Fact::Absent => Fact::Known(initial),
            stated => stated,
        }
    }
}
