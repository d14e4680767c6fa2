//! A host in memory for tests, of this floor and of those that look by it: tables in, answers out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::format_collect,
    reason = "tests"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::samples::{self, Samples};
use super::world::{Bytes, Namespace, Root, World};
use crate::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, FileKind, IoCounts, LimitPair, MagicLink,
    MemoryUse, OpenFile, Pace, ProcessState, RootLink, Socket, Stat, Status, Task, Trait, Why,
};
use crate::process::tree::OwnLine;
use crate::units::{BootId, BootTime, Gid, Pid, StartTicks, Uid, WallTime};

/// Wall time of the look: 1 000 000 s after the epoch, 100 000 s after boot, 100 ticks a second.
pub(crate) const NOW: u64 = 1_000_000;
pub(crate) const UPTIME: u64 = 100_000;

/// One process. Absent facts are those that nobody set.
#[derive(Clone)]
pub(crate) struct Proc {
    pub(crate) owner: Fact<(Uid, Gid)>,
    pub(crate) exe: Fact<FileFacts>,
    pub(crate) exe_text: Fact<Bytes>,
    pub(crate) stat: Fact<Stat>,
    pub(crate) status: Fact<Status>,
    pub(crate) arguments: Fact<Arguments>,
    pub(crate) environ: Fact<Vec<Bytes>>,
    pub(crate) execfn: Fact<Bytes>,
    pub(crate) cwd: Fact<MagicLink>,
    pub(crate) root: Fact<RootLink>,
    pub(crate) ns: BTreeMap<u8, Fact<u64>>,
    pub(crate) cgroups: Fact<Vec<CgroupLine>>,
    pub(crate) limits: BTreeMap<String, LimitPair>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) managed: Fact<Arc<str>>,
    pub(crate) memory: Fact<MemoryUse>,
    pub(crate) open: Fact<Vec<OpenFile>>,
    pub(crate) sockets: Fact<Vec<Socket>>,
}

/// A file or a link of the host.
#[derive(Clone)]
pub(crate) enum Node {
    File(FileFacts, Fact<Bytes>),
    Link(String),
    Unreadable(Why),
}

/// The host.
pub(crate) struct TestWorld {
    pub(crate) procs: BTreeMap<i32, Proc>,
    pub(crate) files: BTreeMap<String, Node>,
    pub(crate) inner: BTreeMap<i32, BTreeMap<String, Node>>,
    pub(crate) binfmt: Fact<Vec<Binfmt>>,
    pub(crate) users: BTreeMap<&'static str, u32>,
    pub(crate) groups: BTreeMap<&'static str, u32>,
    pub(crate) locks: BTreeMap<String, i32>,
    pub(crate) me: i32,
    pub(crate) uptime: BootTime,
    pub(crate) io: Fact<IoCounts>,
    /// Where looks are compared.
    pub(crate) samples: Option<RefCell<Samples>>,
    pub(crate) execfn_reads: Cell<u32>,
    pub(crate) text_reads: Cell<u32>,
    /// Questions about processes and files.
    pub(crate) reads: Cell<usize>,
    next_inode: u64,
}

pub(crate) fn bytes(text: impl AsRef<[u8]>) -> Bytes {
    Arc::from(text.as_ref())
}

pub(crate) fn words(list: &[&str]) -> Arguments {
    Arguments { words: list.iter().map(bytes).collect(), padded: false, truncated: false }
}

pub(crate) fn regular(real: &str, ino: u64) -> FileFacts {
    FileFacts {
        real: bytes(real),
        dev: 1,
        ino,
        kind: FileKind::Regular,
        mode: 0o755,
        uid: Uid(0),
        gid: Gid(0),
        size: 100,
        mtime: 500_000_000_000_000,
        ctime: 0,
        nlink: 1,
        multicall: false,
    }
}

pub(crate) fn stat(ppid: i32, start: u64) -> Stat {
    Stat {
        comm: bytes("x"),
        state: ProcessState::Sleeping,
        ppid: Pid(ppid),
        pgid: Pid(1),
        sid: Pid(1),
        tty: 0,
        tpgid: -1,
        flags: 0,
        faults: [0; 2],
        cpu_ticks: [0; 4],
        priority: 20,
        nice: 0,
        threads: 1,
        start: StartTicks(start),
        vsize: 0,
        rss: 0,
        rt_priority: 0,
        policy: 0,
        arg_range: (0, 0),
    }
}

impl TestWorld {
    /// Pid 1 (init) and pid 50 (the engine, its child); python, perl, bash, env, busybox and some links.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            procs: BTreeMap::new(),
            files: BTreeMap::new(),
            inner: BTreeMap::new(),
            binfmt: Fact::Absent,
            users: BTreeMap::from([("root", 0), ("www-data", 33), ("ann", 1000)]),
            groups: BTreeMap::from([("root", 0), ("www-data", 33), ("adm", 4)]),
            locks: BTreeMap::new(),
            me: 50,
            uptime: BootTime(Duration::from_secs(UPTIME)),
            io: Fact::Known(IoCounts { read_bytes: 1, write_bytes: 2, ..IoCounts::default() }),
            samples: None,
            execfn_reads: Cell::new(0),
            text_reads: Cell::new(0),
            reads: Cell::new(0),
            next_inode: 100,
        };
        for path in [
            "/usr/bin/python3.11",
            "/usr/bin/python3.12",
            "/usr/bin/perl",
            "/usr/bin/dash",
            "/usr/bin/bash",
            "/usr/bin/env",
            "/usr/bin/node",
            "/usr/bin/busybox",
            "/usr/sbin/init",
            "/usr/bin/selfsame",
            "/usr/sbin/nginx",
            "/usr/bin/redis-check-rdb",
        ] {
            world.elf(path);
        }
        for (path, target) in [
            ("/bin", "/usr/bin"),
            ("/usr/bin/python3", "python3.11"),
            ("/usr/bin/sh", "dash"),
            ("/usr/bin/httpd", "busybox"),
            ("/usr/bin/redis-server", "redis-check-rdb"),
            ("/usr/bin/redis-sentinel", "redis-check-rdb"),
        ] {
            world.link(path, target);
        }
        if let Some(Node::File(facts, _)) = world.files.get_mut("/usr/bin/busybox") {
            facts.multicall = true;
        }
        world.script("/srv/a.py", "#!/usr/bin/python3\n");
        world.script("/srv/e.py", "#!/usr/bin/env python3\n");
        world.script("/srv/t.pl", "#!/usr/bin/perl -w -T\n");
        world.script("/srv/s.sh", "#!/bin/sh\n");
        world.start(1, 0, "/usr/sbin/init", &["/sbin/init"]);
        world.start(50, 1, "/usr/bin/selfsame", &["selfsame", "watch"]);
        world
    }

    pub(crate) fn add(&mut self, path: &str, head: Fact<Bytes>) -> &mut FileFacts {
        self.next_inode += 1;
        let node = Node::File(regular(path, self.next_inode), head);
        self.files.insert(path.into(), node);
        match self.files.get_mut(path) {
            Some(Node::File(facts, _)) => facts,
            _ => unreachable!(),
        }
    }

    pub(crate) fn elf(&mut self, path: &str) -> &mut FileFacts {
        self.add(path, Fact::Known(bytes(b"\x7fELF\x02")))
    }

    pub(crate) fn script(&mut self, path: &str, head: &str) -> &mut FileFacts {
        self.add(path, Fact::Known(bytes(head)))
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.files.insert(path.into(), Node::Link(target.into()));
    }

    pub(crate) fn facts(&self, path: &str) -> FileFacts {
        self.file(Root::Engine, path.as_bytes()).known().unwrap()
    }

    /// A process that runs an existing file, of root, execfn the file or the script.
    pub(crate) fn start(&mut self, pid: i32, ppid: i32, exe: &str, argv: &[&str]) -> &mut Proc {
        let facts = self.facts(exe);
        let text = facts.real.clone();
        let start = 10_000 + u64::from(pid.unsigned_abs());
        self.procs.insert(
            pid,
            Proc {
                owner: Fact::Known((Uid(0), Gid(0))),
                exe: Fact::Known(FileFacts { real: bytes(""), ..facts }),
                exe_text: Fact::Known(text),
                stat: Fact::Known(stat(ppid, start)),
                status: Fact::Known(Status::default()),
                arguments: Fact::Known(words(argv)),
                environ: Fact::Known(vec![]),
                execfn: Fact::Known(bytes(exe)),
                cwd: Fact::Known(MagicLink { text: bytes("/"), dev: 1, ino: 2 }),
                root: Fact::Known(RootLink { text: bytes("/"), dev: 1, ino: 2, same: true }),
                ns: BTreeMap::new(),
                cgroups: Fact::Known(vec![]),
                limits: BTreeMap::new(),
                tasks: vec![],
                managed: Fact::Absent,
                memory: Fact::Absent,
                open: Fact::Known(vec![]),
                sockets: Fact::Known(vec![]),
            },
        );
        self.procs.get_mut(&pid).unwrap()
    }

    /// A process started by `execve(script)`.
    pub(crate) fn start_script(
        &mut self,
        pid: i32,
        ppid: i32,
        exe: &str,
        argv: &[&str],
        execfn: &str,
    ) -> &mut Proc {
        let proc = self.start(pid, ppid, exe, argv);
        proc.execfn = Fact::Known(bytes(execfn));
        proc
    }

    pub(crate) fn pid_list(&self) -> Vec<Pid> {
        self.procs.keys().copied().map(Pid).collect()
    }

    fn get<T>(&self, pid: Pid, read: impl FnOnce(&Proc) -> Fact<T>) -> Fact<T> {
        self.reads.set(self.reads.get() + 1);
        self.procs.get(&pid.0).map_or(Fact::unknown(Why::Vanished), read)
    }

    fn nodes(&self, root: Root) -> &BTreeMap<String, Node> {
        match root {
            Root::Engine => &self.files,
            Root::Of(pid) => self.inner.get(&pid.0).unwrap_or(&self.files),
        }
    }

    fn walk(&self, root: Root, path: &[u8]) -> Fact<(FileFacts, Fact<Bytes>)> {
        self.reads.set(self.reads.get() + 1);
        let nodes = self.nodes(root);
        let mut path = String::from_utf8_lossy(&super::paths::tidy(path)).into_owned();
        for _ in 0..40 {
            if let Some(next) = step(nodes, &path) {
                path = next;
                continue;
            }
            return match nodes.get(&path) {
                Some(Node::File(facts, head)) => {
                    Fact::Known((FileFacts { real: bytes(&path), ..facts.clone() }, head.clone()))
                }
                Some(Node::Unreadable(why)) => Fact::unknown(*why),
                Some(Node::Link(_)) => Fact::unknown(Why::Unresolved),
                None => directory(nodes, &path),
            };
        }
        Fact::unknown(Why::Unresolved)
    }
}

fn directory(nodes: &BTreeMap<String, Node>, path: &str) -> Fact<(FileFacts, Fact<Bytes>)> {
    let prefix = format!("{}/", path.trim_end_matches('/'));
    if nodes.keys().any(|p| p.starts_with(&prefix)) {
        let ino = path.bytes().fold(7_000, |sum, b| sum * 31 + u64::from(b));
        let facts = FileFacts { kind: FileKind::Directory, ..regular(path, ino) };
        return Fact::Known((facts, Fact::Absent));
    }
    Fact::Absent
}

/// Replaces the first link on the way, and `..`.
fn step(nodes: &BTreeMap<String, Node>, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let mut done = String::new();
    for (at, part) in parts.iter().enumerate() {
        let rest: String = parts[at + 1..].iter().map(|p| format!("/{p}")).collect();
        if *part == ".." {
            let up = done.rsplit_once('/').map_or("", |(up, _)| up);
            return Some(format!("{up}{rest}"));
        }
        let before = done.clone();
        done = format!("{done}/{part}");
        if let Some(Node::Link(target)) = nodes.get(&done) {
            let whole = if target.starts_with('/') {
                format!("{target}{rest}")
            } else {
                format!("{before}/{target}{rest}")
            };
            return Some(whole);
        }
    }
    None
}

impl World for TestWorld {
    fn boot_id(&self) -> Fact<BootId> {
        Fact::Known(BootId("boot".into()))
    }
    fn pids(&self) -> Fact<Arc<[Pid]>> {
        Fact::Known(self.pid_list().into())
    }
    fn owner(&self, pid: Pid) -> Fact<(Uid, Gid)> {
        self.get(pid, |p| p.owner.clone())
    }
    fn exe_file(&self, pid: Pid) -> Fact<FileFacts> {
        self.get(pid, |p| p.exe.clone())
    }
    fn exe_text(&self, pid: Pid) -> Fact<Bytes> {
        self.text_reads.set(self.text_reads.get() + 1);
        self.get(pid, |p| p.exe_text.clone())
    }
    fn stat(&self, pid: Pid) -> Fact<Arc<Stat>> {
        self.get(pid, |p| p.stat.clone().map(Arc::new))
    }
    fn comm(&self, pid: Pid) -> Fact<Bytes> {
        self.get(pid, |p| p.stat.clone().map(|s| s.comm))
    }
    fn status(&self, pid: Pid) -> Fact<Arc<Status>> {
        self.get(pid, |p| p.status.clone().map(Arc::new))
    }
    fn arguments(&self, pid: Pid) -> Fact<Arc<Arguments>> {
        self.get(pid, |p| p.arguments.clone().map(Arc::new))
    }
    fn environ(&self, pid: Pid) -> Fact<Arc<[Bytes]>> {
        self.get(pid, |p| p.environ.clone().map(Into::into))
    }
    fn execfn(&self, pid: Pid) -> Fact<Bytes> {
        self.execfn_reads.set(self.execfn_reads.get() + 1);
        self.get(pid, |p| p.execfn.clone())
    }
    fn cwd(&self, pid: Pid) -> Fact<MagicLink> {
        self.get(pid, |p| p.cwd.clone())
    }
    fn root(&self, pid: Pid) -> Fact<RootLink> {
        self.get(pid, |p| p.root.clone())
    }
    fn namespace(&self, pid: Pid, kind: Namespace) -> Fact<u64> {
        self.get(pid, |p| p.ns.get(&(kind as u8)).cloned().unwrap_or(Fact::Known(1)))
    }
    fn cgroups(&self, pid: Pid) -> Fact<Arc<[CgroupLine]>> {
        self.get(pid, |p| p.cgroups.clone().map(Into::into))
    }
    fn limit(&self, pid: Pid, name: &str) -> Fact<LimitPair> {
        self.get(pid, |p| Fact::from_option(p.limits.get(name).copied()))
    }
    fn login_uid(&self, pid: Pid) -> Fact<Uid> {
        self.get(pid, |_| Fact::Absent)
    }
    fn oom_score(&self, pid: Pid) -> Fact<i64> {
        self.get(pid, |_| Fact::Known(0))
    }
    fn oom_score_adj(&self, pid: Pid) -> Fact<i64> {
        self.get(pid, |_| Fact::Known(-17))
    }
    fn io(&self, pid: Pid) -> Fact<IoCounts> {
        self.get(pid, |_| self.io.clone())
    }
    fn fd_count(&self, pid: Pid) -> Fact<u64> {
        self.get(pid, |_| Fact::Known(3))
    }
    fn memory_use(&self, pid: Pid) -> Fact<MemoryUse> {
        self.get(pid, |p| p.memory.clone())
    }
    fn files(&self, pid: Pid) -> Fact<Arc<[OpenFile]>> {
        self.get(pid, |p| p.open.clone().map(Into::into))
    }
    fn sockets(&self, pid: Pid) -> Fact<Arc<[Socket]>> {
        self.get(pid, |p| p.sockets.clone().map(Into::into))
    }
    fn security_label(&self, pid: Pid) -> Fact<Bytes> {
        self.get(pid, |_| Fact::Absent)
    }
    fn tasks(&self, pid: Pid) -> Fact<Arc<[Task]>> {
        self.get(pid, |p| Fact::Known(p.tasks.clone().into()))
    }
    fn managed_as(&self, pid: Pid) -> Fact<Arc<str>> {
        self.get(pid, |p| p.managed.clone())
    }
    fn file(&self, root: Root, path: &[u8]) -> Fact<FileFacts> {
        self.walk(root, path).map(|(facts, _)| facts)
    }
    fn head(&self, root: Root, path: &[u8]) -> Fact<Bytes> {
        self.walk(root, path).and_then(|(_, head)| head)
    }
    fn content(&self, path: &[u8], limit: usize) -> Fact<Bytes> {
        let whole = self.head(Root::Engine, path);
        whole.map(|whole| whole.get(..limit).map_or_else(|| whole.clone(), bytes))
    }
    fn lock_holder(&self, path: &[u8]) -> Fact<Pid> {
        Fact::from_option(self.locks.get(&*String::from_utf8_lossy(path)).copied().map(Pid))
    }
    fn binfmt(&self) -> Fact<Arc<[Binfmt]>> {
        self.binfmt.clone().map(Into::into)
    }
    fn default_path(&self) -> Fact<Bytes> {
        Fact::Known(bytes("/usr/bin:/bin"))
    }
    fn user_id(&self, name: &str) -> Fact<Uid> {
        Fact::from_option(self.users.get(name).copied().map(Uid))
    }
    fn user_name(&self, uid: Uid) -> Fact<Arc<str>> {
        Fact::from_option(self.users.iter().find(|(_, id)| **id == uid.0).map(|(name, _)| Arc::from(*name)))
    }
    fn group_id(&self, name: &str) -> Fact<Gid> {
        Fact::from_option(self.groups.get(name).copied().map(Gid))
    }
    fn group_name(&self, gid: Gid) -> Fact<Arc<str>> {
        Fact::from_option(self.groups.iter().find(|(_, id)| **id == gid.0).map(|(name, _)| Arc::from(*name)))
    }
    fn groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>> {
        Fact::Known(if uid.0 == 33 { vec![Gid(33), Gid(4)].into() } else { vec![Gid(uid.0)].into() })
    }
    fn now(&self) -> Fact<WallTime> {
        Fact::Known(WallTime(Duration::from_secs(NOW)))
    }
    fn uptime(&self) -> Fact<BootTime> {
        Fact::Known(self.uptime)
    }
    fn ticks_per_second(&self) -> u64 {
        100
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
        Fact::Known(1 << 20)
    }
    fn self_pid(&self) -> Fact<Pid> {
        Fact::Known(Pid(self.me))
    }

    fn own_line(&self) -> Rc<OwnLine> {
        Rc::new(OwnLine::of(self))
    }
    fn own_namespace(&self, _kind: Namespace) -> Fact<u64> {
        Fact::Known(1)
    }
}
