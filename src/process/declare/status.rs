//! Fields that stand in `/proc/PID/status`.

use super::{Field, Reader, class, row};
use crate::facts::{Fact, Status};
use crate::lang::schema::Privilege::World;
use crate::lang::schema::Trust::Kernel;
use crate::lang::value::{Type, Value};
use crate::process::objects::{GROUP, PROCESS, USER};
use crate::process::read::{SECCOMP, capabilities, group, int, optional, signals, size, user, word};
use crate::process::vocabulary::ProcessVocabulary;
use crate::units::Pid;

pub(super) fn table() -> Vec<Field> {
    use Reader::Process;
    let status = class(4, World, Kernel);
    let source = "proc_pid_status(5)";
    let id = |name, owner, summary, example, read| {
        row(PROCESS, name, Type::Named(owner), status, [summary, source, example], Process(read))
    };
    let caps = |name, summary, example, read| {
        row(
            PROCESS,
            name,
            Type::List(Box::new(Type::Enum("capability"))),
            status,
            [summary, source, example],
            Process(read),
        )
    };
    let signal = |name, summary, example, read| {
        row(
            PROCESS,
            name,
            Type::List(Box::new(Type::Enum("signal"))),
            status,
            [summary, source, example],
            Process(read),
        )
    };
    let memory = |name, summary, example, read| {
        row(PROCESS, name, Type::Size, status, [summary, source, example], Process(read))
    };
    let times = |name, summary, example, read| {
        row(PROCESS, name, Type::Int, status, [summary, source, example], Process(read))
    };
    vec![
        id("ruser", USER, "real user", "ruser == \"root\"", |v, p| get(v, p, |s| user(s.credentials.uid[0]))),
        id("suser", USER, "saved user", "suser == \"root\"", |v, p| {
            get(v, p, |s| user(s.credentials.uid[2]))
        }),
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
        row(
            PROCESS,
            "groups",
            Type::List(Box::new(Type::Named(GROUP))),
            status,
            ["supplementary groups", source, "any(groups, g => g == \"adm\")"],
            Process(|v, p| get(v, p, |s| Value::list(s.groups.iter().map(|gid| group(gid.0))))),
        ),
        row(
            PROCESS,
            "umask",
            Type::Int,
            status,
            ["mask of permission bits for new files", source, "umask == 0o022"],
            Process(|v, p| maybe(v, p, |s| s.umask.map(int))),
        ),
        row(
            PROCESS,
            "no_new_privs",
            Type::Bool,
            status,
            ["execve can give it no further privileges", source, "no_new_privs"],
            Process(|v, p| maybe(v, p, |s| s.no_new_privs.map(Value::Bool))),
        ),
        row(
            PROCESS,
            "seccomp",
            Type::Enum("seccomp"),
            status,
            ["filter of system calls", source, "seccomp == filter"],
            Process(|v, p| v.world.status(p).and_then(|s| word("seccomp", &SECCOMP, s.seccomp))),
        ),
        row(
            PROCESS,
            "tracer_pid",
            Type::Int,
            status,
            ["number of its tracer; absent without one", source, "!has(tracer_pid)"],
            Process(|v, p| {
                maybe(v, p, |s| s.tracer.filter(|tracer| tracer.0 != 0).map(|tracer| int(tracer.0)))
            }),
        ),
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
        memory("swap", "swapped out memory, bytes", "swap > 100MiB", |v, p| {
            maybe(v, p, |s| s.swap.map(size))
        }),
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
    ]
}

fn get(v: &ProcessVocabulary<'_>, pid: Pid, value: impl FnOnce(&Status) -> Value) -> Fact<Value> {
    v.world.status(pid).map(|status| value(&status))
}

fn maybe(v: &ProcessVocabulary<'_>, pid: Pid, value: impl FnOnce(&Status) -> Option<Value>) -> Fact<Value> {
    v.world.status(pid).and_then(|status| optional(value(&status), |value| value))
}
