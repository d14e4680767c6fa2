//! Fields that stand in `/proc/PID/status`.

use super::{Class, Field, PID_MAX, Reader, class, row};
use crate::facts::{Fact, Status};
use crate::lang::schema::Privilege::World;
use crate::lang::schema::Trust::Kernel;
use crate::lang::shared::Shared;
use crate::lang::value::{Type, TypeName, Value};
use crate::process::objects::{GROUP, PROCESS, USER};
use crate::process::read::{SECCOMP, capabilities, group, int, optional, signals, size, user, word};
use crate::process::vocabulary::ProcessVocabulary;
use crate::units::Pid;

const STATUS: Class = class(4, World, Kernel);
const SOURCE: &str = "proc_pid_status(5)";

/// How a row is read.
type Read = fn(&ProcessVocabulary<'_>, Pid) -> Fact<Value>;

const fn of(name: &'static str, ty: Type, summary: &'static str, example: &'static str, read: Read) -> Field {
    row(PROCESS, name, ty, STATUS, [summary, SOURCE, example], Reader::Process(read))
}

const fn id(
    name: &'static str,
    ty: TypeName,
    summary: &'static str,
    example: &'static str,
    read: Read,
) -> Field {
    of(name, Type::Named(ty), summary, example, read)
}

const fn caps(name: &'static str, summary: &'static str, example: &'static str, read: Read) -> Field {
    of(name, Type::List(Shared::Program(&Type::Enum("capability"))), summary, example, read)
}

const fn signal(name: &'static str, summary: &'static str, example: &'static str, read: Read) -> Field {
    of(name, Type::List(Shared::Program(&Type::Enum("signal"))), summary, example, read)
}

const fn memory(name: &'static str, summary: &'static str, example: &'static str, read: Read) -> Field {
    of(name, Type::Size, summary, example, read)
}

const fn times(name: &'static str, summary: &'static str, example: &'static str, read: Read) -> Field {
    of(name, Type::Int, summary, example, read).within(0, i64::MAX)
}

pub(super) static TABLE: &[Field] = &[
    id("ruser", USER, "real user", "ruser == \"root\"", |v, p| get(v, p, |s| user(s.credentials.uid[0]))),
    id("suser", USER, "saved user", "suser == \"root\"", |v, p| get(v, p, |s| user(s.credentials.uid[2]))),
    id("fsuser", USER, "user for access to files", "fsuser == \"root\"", |v, p| {
        get(v, p, |s| user(s.credentials.uid[3]))
    }),
    id("rgroup", GROUP, "real group", "rgroup == \"root\"", |v, p| {
        get(v, p, |s| group(s.credentials.gid[0]))
    }),
    id("sgroup", GROUP, "saved group", "sgroup == \"root\"", |v, p| {
        get(v, p, |s| group(s.credentials.gid[2]))
    }),
    id("fsgroup", GROUP, "group for access to files", "fsgroup == \"root\"", |v, p| {
        get(v, p, |s| group(s.credentials.gid[3]))
    }),
    of(
        "groups",
        Type::List(Shared::Program(&Type::Named(GROUP))),
        "supplementary groups",
        "any(groups, g => g == \"adm\")",
        |v, p| get(v, p, |s| Value::list(s.groups.iter().map(|gid| group(gid.0)))),
    ),
    of("umask", Type::Int, "mask of permission bits for new files", "umask == 0o022", |v, p| {
        maybe(v, p, |s| s.umask.map(int))
    })
    .within(0, 0o777),
    of("no_new_privs", Type::Bool, "execve can give it no further privileges", "no_new_privs", |v, p| {
        maybe(v, p, |s| s.no_new_privs.map(Value::Bool))
    }),
    of("seccomp", Type::Enum("seccomp"), "filter of system calls", "seccomp == filter", |v, p| {
        v.world.status(p).and_then(|s| word("seccomp", &SECCOMP, s.seccomp))
    }),
    of("tracer_pid", Type::Int, "number of its tracer; absent without one", "!has(tracer_pid)", |v, p| {
        maybe(v, p, |s| s.tracer.filter(|tracer| tracer.0 != 0).map(|tracer| int(tracer.0)))
    })
    .within(1, PID_MAX),
    caps("caps.inh", "inheritable capabilities", "CAP_KILL in caps.inh", |v, p| {
        get(v, p, |s| capabilities(s.caps[0]))
    }),
    caps("caps.perm", "permitted capabilities", "CAP_KILL in caps.perm", |v, p| {
        get(v, p, |s| capabilities(s.caps[1]))
    }),
    caps("caps.eff", "effective capabilities", "CAP_NET_ADMIN in caps.eff", |v, p| {
        get(v, p, |s| capabilities(s.caps[2]))
    }),
    caps("caps.bnd", "bounding set of capabilities", "CAP_KILL in caps.bnd", |v, p| {
        get(v, p, |s| capabilities(s.caps[3]))
    }),
    caps("caps.amb", "ambient capabilities", "CAP_KILL in caps.amb", |v, p| {
        get(v, p, |s| capabilities(s.caps[4]))
    }),
    signal("signals.blocked", "blocked signals", "TERM in signals.blocked", |v, p| {
        get(v, p, |s| signals(s.signals[0]))
    }),
    signal("signals.ignored", "ignored signals", "HUP in signals.ignored", |v, p| {
        get(v, p, |s| signals(s.signals[1]))
    }),
    signal("signals.caught", "signals with a handler", "TERM in signals.caught", |v, p| {
        get(v, p, |s| signals(s.signals[2]))
    }),
    memory("rss_peak", "highest resident memory, bytes", "rss_peak > 1GiB", |v, p| {
        maybe(v, p, |s| s.rss_peak.map(size))
    }),
    memory("swap", "swapped out memory, bytes", "swap > 100MiB", |v, p| maybe(v, p, |s| s.swap.map(size))),
    memory("locked", "memory locked against swapping, bytes", "locked > 0B", |v, p| {
        maybe(v, p, |s| s.locked.map(size))
    }),
    times(
        "switches.voluntary",
        "times that its first thread gave the processor away",
        "switches.voluntary > 1000",
        |v, p| maybe(v, p, |s| s.switches[0].map(int)),
    ),
    times(
        "switches.involuntary",
        "times that the processor was taken from its first thread",
        "switches.involuntary > 1000",
        |v, p| maybe(v, p, |s| s.switches[1].map(int)),
    ),
    memory("data", "data segments, bytes", "data > 1GiB", |v, p| maybe(v, p, |s| s.data.map(size))),
];

fn get(v: &ProcessVocabulary<'_>, pid: Pid, value: impl FnOnce(&Status) -> Value) -> Fact<Value> {
    v.world.status(pid).map(|status| value(&status))
}

fn maybe(v: &ProcessVocabulary<'_>, pid: Pid, value: impl FnOnce(&Status) -> Option<Value>) -> Fact<Value> {
    v.world.status(pid).and_then(|status| optional(value(&status), |value| value))
}
