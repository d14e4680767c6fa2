//! Fields of a process that aren't rows of `/proc/PID/status` (see the neighbour `status`).

use super::{Field, Reader, class, row};
use crate::facts::{Fact, Stat};
use crate::lang::schema::Privilege::{Attach, Read, World};
use crate::lang::schema::Trust::{Kernel, SelfReported};
use crate::lang::value::{Type, Value};
use crate::process::objects::{
    FILE, File, GROUP, LIMIT, Limit, NAMESPACE, NamespaceId, PROCESS, TTY, Tty, USER,
};
use crate::process::read::{
    POLICIES, duration, group, int, optional, path, process, processes, size, string, time, user, word,
};
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::{Bytes, Namespace};
use crate::process::{arguments, exe, paths, pidfile, script, tree};
use crate::units::Pid;

/// `comm` holds so many bytes; longer names are cut (`TASK_COMM_LEN` without its NUL).
const COMM_MAX: usize = 15;

pub(super) fn table() -> Vec<Field> {
    use Reader::{Entry, Process};
    let named = Type::Named;
    let many = |of| Type::List(Box::new(of));
    let stat = class(4, World, Kernel);
    let link = class(2, Read, Kernel);
    let mut table = vec![
        row(
            PROCESS,
            "pid",
            Type::Int,
            class(0, World, Kernel),
            ["number in the engine's namespace", "/proc listing", "pid > 1"],
            Process(|_, p| Fact::Known(int(p.0))),
        ),
        row(
            PROCESS,
            "self",
            Type::Bool,
            class(0, World, Kernel),
            ["the engine itself", "getpid(2)", "!self"],
            Process(|v, p| v.world.self_pid().map(|me| Value::Bool(me == p))),
        ),
        row(
            PROCESS,
            "managed_as",
            Type::String,
            class(0, World, Kernel),
            ["name of the object that the engine keeps it for", "ledger", "!has(managed_as)"],
            Process(|v, p| v.world.managed_as(p).map(|name| Value::string(name.as_bytes()))),
        ),
        row(
            PROCESS,
            "user",
            named(USER),
            class(1, World, Kernel),
            ["effective user", "owner of /proc/PID", "user == \"www-data\""],
            Process(|v, p| v.world.owner(p).map(|(uid, _)| user(uid.0))),
        ),
        row(
            PROCESS,
            "group",
            named(GROUP),
            class(1, World, Kernel),
            ["effective group", "group of /proc/PID", "group == \"www-data\""],
            Process(|v, p| v.world.owner(p).map(|(_, gid)| group(gid.0))),
        ),
        row(
            PROCESS,
            "exe",
            named(FILE),
            link,
            [
                "the file it executes, by identity; absent for kernel threads and zombies",
                "/proc/PID/exe",
                "exe == interpreter(\"/srv/app.py\")",
            ],
            Process(|v, p| v.world.exe_file(p).map(|_| File::Exe(p).into())),
        ),
        row(
            PROCESS,
            "cwd",
            named(FILE),
            link,
            ["working directory", "/proc/PID/cwd", "cwd under \"/srv\""],
            Process(|v, p| {
                v.world.cwd(p).map(|l| File::Link { text: l.text, dev: l.dev, ino: l.ino }.into())
            }),
        ),
        row(
            PROCESS,
            "root",
            named(FILE),
            link,
            ["root directory", "/proc/PID/root", "root == \"/\""],
            Process(|v, p| {
                v.world.root(p).map(|l| File::Link { text: l.text, dev: l.dev, ino: l.ino }.into())
            }),
        ),
        row(
            PROCESS,
            "same_root",
            Type::Bool,
            link,
            ["its root directory is the engine's", "/proc/PID/root", "same_root"],
            Process(|v, p| v.world.root(p).map(|root| Value::Bool(root.same))),
        ),
        row(
            PROCESS,
            "comm",
            Type::String,
            class(3, World, SelfReported),
            ["name of the task, at most 15 bytes", "/proc/PID/comm", "comm == \"nginx\""],
            Process(|v, p| v.world.comm(p).map(string)),
        ),
        row(
            PROCESS,
            "name",
            Type::String,
            class(3, Read, SelfReported),
            [
                "comm, completed where it was cut",
                "/proc/PID/comm, exe, auxv, cmdline",
                "name == \"prometheus-node-exporter\"",
            ],
            Process(name),
        ),
        row(
            PROCESS,
            "argv",
            many(Type::String),
            class(3, World, SelfReported),
            ["arguments; empty ones are kept", "/proc/PID/cmdline", "argv[1] == \"serve\""],
            Process(|v, p| v.world.arguments(p).map(|a| Value::list(a.words.iter().cloned().map(string)))),
        ),
        row(
            PROCESS,
            "cmdline",
            Type::String,
            class(3, World, SelfReported),
            [
                "arguments quoted as a shell would, for display",
                "/proc/PID/cmdline",
                "cmdline contains \"--verbose\"",
            ],
            Process(|v, p| v.world.arguments(p).map(|a| Value::string(quoted(&a.words)))),
        ),
        row(
            PROCESS,
            "argv_rewritten",
            Type::Bool,
            class(4, Read, Kernel),
            ["a title stands where argv was", "/proc/PID/cmdline, /proc/PID/stat 48-49", "!argv_rewritten"],
            Process(|v, p| arguments::rewritten(v.world, p).map(Value::Bool)),
        ),
        row(
            PROCESS,
            "execfn",
            Type::Path,
            class(3, Attach, SelfReported),
            ["the name given to execve", "AT_EXECFN, getauxval(3)", "execfn == \"/srv/app.py\""],
            Process(|v, p| v.world.execfn(p).map(path)),
        ),
        row(
            PROCESS,
            "script",
            named(FILE),
            class(4, Attach, SelfReported),
            ["the script that an interpreter executes", "execfn, cmdline", "script == \"/srv/app.py\""],
            Process(|v, p| script::script(v.world, p).map(|found| File::Found(Box::new(found)).into())),
        ),
        row(
            PROCESS,
            "env",
            Type::Map(Box::new(Type::String)),
            class(3, Read, SelfReported),
            ["initial environment", "/proc/PID/environ", "env[\"APP_ENV\"] == \"prod\""],
            Entry(|v, p, key| environment(v, p, key)),
        ),
        row(
            PROCESS,
            "login_user",
            named(USER),
            class(3, World, Kernel),
            ["who logged in; absent for services", "/proc/PID/loginuid", "!has(login_user)"],
            Process(|v, p| v.world.login_uid(p).map(|uid| user(uid.0))),
        ),
        row(
            PROCESS,
            "state",
            Type::Enum("state"),
            stat,
            ["what it is doing", "proc_pid_stat(5) 3", "state == sleeping"],
            Process(|v, p| get(v, p, |s| Value::Enum("state", s.state.word()))),
        ),
        row(
            PROCESS,
            "alive",
            Type::Bool,
            stat,
            ["not a zombie, or one with another live thread", "proc_pid_stat(5) 3, /proc/PID/task", "alive"],
            Process(|v, p| tree::is_alive(v.world, p).map(Value::Bool)),
        ),
        row(
            PROCESS,
            "leader_exited",
            Type::Bool,
            stat,
            [
                "the first thread ended, others live on",
                "proc_pid_stat(5) 3, /proc/PID/task",
                "!leader_exited",
            ],
            Process(|v, p| tree::leader_exited(v.world, p).map(Value::Bool)),
        ),
        row(
            PROCESS,
            "kernel_thread",
            Type::Bool,
            stat,
            ["a thread of the kernel", "proc_pid_stat(5) 9, PF_KTHREAD", "!kernel_thread"],
            Process(|v, p| tree::is_kernel_thread(v.world, p).map(Value::Bool)),
        ),
        row(
            PROCESS,
            "ppid",
            Type::Int,
            stat,
            ["number of the parent; 0 where there is none", "proc_pid_stat(5) 4", "ppid == 1"],
            Process(|v, p| get(v, p, |s| int(s.ppid.0))),
        ),
        row(
            PROCESS,
            "pgid",
            Type::Int,
            stat,
            ["process group", "proc_pid_stat(5) 5", "pgid == pid"],
            Process(|v, p| get(v, p, |s| int(s.pgid.0))),
        ),
        row(
            PROCESS,
            "sid",
            Type::Int,
            stat,
            ["session", "proc_pid_stat(5) 6", "sid == pid"],
            Process(|v, p| get(v, p, |s| int(s.sid.0))),
        ),
        row(
            PROCESS,
            "tpgid",
            Type::Int,
            stat,
            ["foreground group of its terminal; -1 for none", "proc_pid_stat(5) 8", "tpgid == -1"],
            Process(|v, p| get(v, p, |s| int(s.tpgid))),
        ),
        row(
            PROCESS,
            "tty",
            named(TTY),
            stat,
            ["terminal; absent for services", "proc_pid_stat(5) 7", "tty == \"pts/0\""],
            Process(|v, p| v.world.stat(p).and_then(|s| optional(Tty::from_number(s.tty), Value::from))),
        ),
        row(
            PROCESS,
            "threads",
            Type::Int,
            stat,
            ["number of threads", "proc_pid_stat(5) 20", "threads > 100"],
            Process(|v, p| get(v, p, |s| int(s.threads))),
        ),
        row(
            PROCESS,
            "nice",
            Type::Int,
            stat,
            ["nice level, -20 to 19", "proc_pid_stat(5) 19", "nice < 0"],
            Process(|v, p| get(v, p, |s| int(s.nice))),
        ),
        row(
            PROCESS,
            "priority",
            Type::Int,
            stat,
            ["priority as the kernel shows it", "proc_pid_stat(5) 18", "priority == 20"],
            Process(|v, p| get(v, p, |s| int(s.priority))),
        ),
        row(
            PROCESS,
            "policy",
            Type::Enum("policy"),
            stat,
            ["scheduling policy", "proc_pid_stat(5) 41", "policy == fifo"],
            Process(|v, p| v.world.stat(p).and_then(|s| word("policy", &POLICIES, Some(s.policy)))),
        ),
        row(
            PROCESS,
            "rt_priority",
            Type::Int,
            stat,
            ["real-time priority, 0 to 99", "proc_pid_stat(5) 40", "rt_priority == 0"],
            Process(|v, p| get(v, p, |s| int(s.rt_priority))),
        ),
        row(
            PROCESS,
            "started",
            Type::Time,
            stat,
            [
                "when it was forked, by the wall clock of now",
                "proc_pid_stat(5) 22",
                "started < @2026-01-02T03:04:05Z",
            ],
            Process(|v, p| pidfile::began(v.world, p).map(time)),
        ),
        row(
            PROCESS,
            "start_ticks",
            Type::Int,
            stat,
            ["clock ticks from boot to fork, part of its key", "proc_pid_stat(5) 22", "start_ticks > 0"],
            Process(|v, p| get(v, p, |s| int(s.start.0))),
        ),
        row(
            PROCESS,
            "age",
            Type::Duration,
            stat,
            ["time since fork, by the boot-time clock", "proc_pid_stat(5) 22", "age > 1h"],
            Process(age),
        ),
        row(
            PROCESS,
            "cpu_time",
            Type::Duration,
            stat,
            ["processor time, user and system", "proc_pid_stat(5) 14-15", "cpu_time > 10m"],
            Process(|v, p| ticks(v, p, |[user, system, ..]| user.saturating_add(system))),
        ),
        row(
            PROCESS,
            "cpu_user",
            Type::Duration,
            stat,
            ["processor time in user mode", "proc_pid_stat(5) 14", "cpu_user > 10m"],
            Process(|v, p| ticks(v, p, |[user, ..]| user)),
        ),
        row(
            PROCESS,
            "cpu_sys",
            Type::Duration,
            stat,
            ["processor time in the kernel", "proc_pid_stat(5) 15", "cpu_sys > 10m"],
            Process(|v, p| ticks(v, p, |[_, system, ..]| system)),
        ),
        row(
            PROCESS,
            "children_cpu",
            Type::Duration,
            stat,
            [
                "processor time of children that were waited for",
                "proc_pid_stat(5) 16-17",
                "children_cpu > 10m",
            ],
            Process(|v, p| ticks(v, p, |[_, _, user, system]| user.saturating_add(system))),
        ),
        row(
            PROCESS,
            "vsize",
            Type::Size,
            stat,
            ["address space, bytes", "proc_pid_stat(5) 23", "vsize > 4GiB"],
            Process(|v, p| get(v, p, |s| size(s.vsize))),
        ),
        row(
            PROCESS,
            "rss",
            Type::Size,
            stat,
            ["resident memory, bytes; approximate", "proc_pid_stat(5) 24", "rss > 512MiB"],
            Process(|v, p| get(v, p, |s| size(s.rss))),
        ),
        row(
            PROCESS,
            "cgroup",
            Type::Path,
            stat,
            [
                "control group: version 2, else that of systemd, else the first",
                "/proc/PID/cgroup",
                "cgroup under \"/system.slice\"",
            ],
            Process(cgroup),
        ),
        row(
            PROCESS,
            "cgroup.v2",
            Type::Path,
            stat,
            ["control group of version 2", "/proc/PID/cgroup", "cgroup.v2 under \"/system.slice\""],
            Process(|v, p| cgroup_line(v, p, |line| line.v2)),
        ),
        row(
            PROCESS,
            "cgroup.v1",
            Type::Map(Box::new(Type::Path)),
            stat,
            ["control groups of version 1 by controller", "/proc/PID/cgroup", "has(cgroup.v1[\"memory\"])"],
            Entry(|v, p, key| {
                cgroup_line(v, p, |line| line.controllers.iter().any(|name| name.as_bytes() == key))
            }),
        ),
        row(
            PROCESS,
            "container",
            Type::String,
            stat,
            ["name or id of its container, from the control group", "/proc/PID/cgroup", "!has(container)"],
            Process(container),
        ),
        row(
            PROCESS,
            "oom_score_adj",
            Type::Int,
            class(3, World, Kernel),
            [
                "adjustment for the out-of-memory choice, -1000 to 1000",
                "/proc/PID/oom_score_adj",
                "oom_score_adj < 0",
            ],
            Process(|v, p| v.world.oom_score_adj(p).map(int)),
        ),
        row(
            PROCESS,
            "oom_score",
            Type::Int,
            class(3, World, Kernel),
            [
                "how likely the kernel would choose it when out of memory",
                "/proc/PID/oom_score",
                "oom_score > 500",
            ],
            Process(|v, p| v.world.oom_score(p).map(int)),
        ),
        row(
            PROCESS,
            "io.read_bytes",
            Type::Size,
            class(3, Read, Kernel),
            ["bytes fetched from storage", "proc_pid_io(5)", "io.read_bytes > 1GiB"],
            Process(|v, p| v.world.io(p).map(|io| size(io.read_bytes))),
        ),
        row(
            PROCESS,
            "io.write_bytes",
            Type::Size,
            class(3, Read, Kernel),
            ["bytes sent to storage", "proc_pid_io(5)", "io.write_bytes > 1GiB"],
            Process(|v, p| v.world.io(p).map(|io| size(io.write_bytes))),
        ),
        row(
            PROCESS,
            "limits",
            Type::Map(Box::new(named(LIMIT))),
            stat,
            [
                "resource limits by their names in lower case",
                "/proc/PID/limits, getrlimit(2)",
                "limits[\"nofile\"].soft >= 1024",
            ],
            Entry(|v, p, key| limit(v, p, key)),
        ),
        row(
            PROCESS,
            "fds",
            Type::Int,
            class(4, Read, Kernel),
            ["number of open descriptors", "/proc/PID/fd", "fds > 1000"],
            Process(|v, p| v.world.fd_count(p).map(int)),
        ),
        row(
            PROCESS,
            "security_label",
            Type::String,
            class(3, World, Kernel),
            ["label of the security module", "/proc/PID/attr/current", "!has(security_label)"],
            Process(|v, p| v.world.security_label(p).map(string)),
        ),
        row(
            PROCESS,
            "parent",
            named(PROCESS),
            stat,
            ["the parent; absent for PID 1", "proc_pid_stat(5) 4", "parent.comm == \"runsv\""],
            Process(|v, p| tree::parent(v.world, p).map(process)),
        ),
        row(
            PROCESS,
            "ancestors",
            many(named(PROCESS)),
            stat,
            [
                "parents up to PID 1, nearest first",
                "proc_pid_stat(5) 4",
                "any(ancestors, a => a.comm == \"sshd\")",
            ],
            Process(|v, p| tree::ancestors(v.world, p).map(processes)),
        ),
        row(
            PROCESS,
            "children",
            many(named(PROCESS)),
            stat,
            ["children", "proc_pid_stat(5) 4", "len(children) > 0"],
            Process(|v, p| v.children().map(|map| processes(map.get(&p).into_iter().flatten().copied()))),
        ),
        row(
            PROCESS,
            "descendants",
            many(named(PROCESS)),
            stat,
            [
                "children and their children",
                "proc_pid_stat(5) 4",
                "none(descendants, d => d.state == zombie)",
            ],
            Process(|v, p| v.children().map(|map| processes(tree::descendants(&map, p)))),
        ),
        row(
            PROCESS,
            "session_leader",
            named(PROCESS),
            stat,
            [
                "the process that began its session; absent if it ended",
                "proc_pid_stat(5) 6",
                "session_leader.comm == \"sshd\"",
            ],
            Process(|v, p| v.world.stat(p).and_then(|s| living(v, s.sid))),
        ),
        row(
            PROCESS,
            "group_leader",
            named(PROCESS),
            stat,
            [
                "the process that began its process group; absent if it ended",
                "proc_pid_stat(5) 5",
                "group_leader.pid == pid",
            ],
            Process(|v, p| v.world.stat(p).and_then(|s| living(v, s.pgid))),
        ),
    ];
    table.extend(namespaces());
    table
}

macro_rules! namespace_rows {
    ($($name:literal, $own:literal, $kind:ident;)*) => {
        vec![$(
            row(PROCESS, concat!("ns.", $name), Type::Named(NAMESPACE), class(2, Read, Kernel),
                [concat!($name, " namespace"), concat!("/proc/PID/ns/", $name), concat!("ns.", $name, " == self.ns.", $name)],
                Reader::Process(|v, p| v.world.namespace(p, Namespace::$kind).map(|id| NamespaceId(Namespace::$kind, id).into()))),
            row(PROCESS, $own, Type::Named(NAMESPACE), class(0, World, Kernel),
                [concat!($name, " namespace of the engine"), concat!("/proc/self/ns/", $name), concat!("ns.", $name, " != self.ns.", $name)],
                Reader::Process(|v, _| v.world.own_namespace(Namespace::$kind).map(|id| NamespaceId(Namespace::$kind, id).into()))),
        )*]
    };
}

fn namespaces() -> Vec<Field> {
    namespace_rows! {
        "pid", "self.ns.pid", Pid;
        "mnt", "self.ns.mnt", Mnt;
        "net", "self.ns.net", Net;
        "user", "self.ns.user", User;
        "uts", "self.ns.uts", Uts;
        "ipc", "self.ns.ipc", Ipc;
        "cgroup", "self.ns.cgroup", Cgroup;
        "time", "self.ns.time", Time;
    }
}

fn get(v: &ProcessVocabulary<'_>, pid: Pid, value: impl FnOnce(&Stat) -> Value) -> Fact<Value> {
    v.world.stat(pid).map(|stat| value(&stat))
}

fn ticks(v: &ProcessVocabulary<'_>, pid: Pid, pick: impl FnOnce([u64; 4]) -> u64) -> Fact<Value> {
    v.world.stat(pid).map(|stat| duration(pidfile::since_boot(v.world, pick(stat.cpu_ticks))))
}

fn age(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    v.world.stat(pid).and_then(|stat| {
        let began = pidfile::since_boot(v.world, stat.start.0);
        v.world.uptime().map(|now| duration(i128::try_from(now.0.as_nanos()).unwrap_or(i128::MAX) - began))
    })
}

/// comm where it is shorter than its 15 bytes; else the first longer name that begins with it.
fn name(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    let comm = match v.world.comm(pid) {
        Fact::Known(comm) => comm,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if comm.len() < COMM_MAX {
        return Fact::Known(string(comm));
    }
    let argv0 = || v.world.arguments(pid).and_then(|a| Fact::from_option(a.words.first().cloned()));
    let sources: [&dyn Fn() -> Fact<Bytes>; 3] =
        [&|| exe::path(v.world, pid).map(paths::shared), &|| v.world.execfn(pid), &argv0];
    let longer = sources.iter().find_map(|source| {
        let whole = source().known()?;
        let base = paths::base_name(&whole);
        base.starts_with(&comm).then(|| Value::string(base))
    });
    Fact::Known(longer.unwrap_or_else(|| string(comm)))
}

pub(super) fn environment(v: &ProcessVocabulary<'_>, pid: Pid, key: &[u8]) -> Fact<Value> {
    v.world.environ(pid).and_then(|block| {
        let value = block.iter().find_map(|entry| entry.strip_prefix(key)?.strip_prefix(b"="));
        optional(value, Value::string)
    })
}

fn limit(v: &ProcessVocabulary<'_>, pid: Pid, key: &[u8]) -> Fact<Value> {
    let key = String::from_utf8_lossy(key);
    v.world.limit(pid, &key).map(|pair| Limit(pair).into())
}

fn living(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    v.world.pids().and_then(|pids| optional(pids.contains(&pid).then_some(pid), process))
}

fn cgroup_line(
    v: &ProcessVocabulary<'_>,
    pid: Pid,
    wanted: impl Fn(&crate::facts::CgroupLine) -> bool,
) -> Fact<Value> {
    v.world
        .cgroups(pid)
        .and_then(|lines| optional(lines.iter().find(|line| wanted(line)), |line| path(&line.path)))
}

/// A host with version 1 keeps a version 2 group that nothing is in: the one with a path says more.
fn cgroup_path(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Bytes> {
    v.world.cgroups(pid).and_then(|lines| {
        let unified = lines.iter().find(|line| line.v2);
        let systemd = lines.iter().find(|line| line.controllers.iter().any(|name| name == "systemd"));
        let best = unified.filter(|line| line.path.len() > 1).or(systemd).or(unified).or(lines.first());
        Fact::from_option(best.map(|line| line.path.clone()))
    })
}

fn cgroup(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    cgroup_path(v, pid).map(path)
}

/// Engines name the control group after the container: 64 hexadecimal digits, or a name after a known word.
fn container(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    cgroup_path(v, pid).and_then(|path| {
        let parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
        optional(parts.iter().rev().find_map(|part| container_name(part)), Value::string)
    })
}

fn container_name(part: &[u8]) -> Option<&[u8]> {
    let stem = part.strip_suffix(b".scope").unwrap_or(part);
    let id = stem.rsplit(|b| *b == b'-' || *b == b':').next().unwrap_or(stem);
    if id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit) {
        return Some(id);
    }
    stem.strip_prefix(b"lxc.payload.").or_else(|| stem.strip_prefix(b"machine-"))
}

/// As a shell would need it: words with anything unusual in single quotes.
fn quoted(words: &[Bytes]) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(b);
    let mut line = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            line.push(b' ');
        }
        if !word.is_empty() && word.iter().all(plain) {
            line.extend_from_slice(word);
            continue;
        }
        line.push(b'\'');
        for byte in word.iter() {
            match byte {
                b'\'' => line.extend_from_slice(b"'\\''"),
                other => line.push(*other),
            }
        }
        line.push(b'\'');
    }
    line
}
