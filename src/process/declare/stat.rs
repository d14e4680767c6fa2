//! Fields that stand in `/proc/PID/stat`, and processes related by its numbers.

use super::{Field, PID_MAX, Reader, class, row};
use crate::facts::{Fact, Stat};
use crate::lang::schema::Privilege::World;
use crate::lang::schema::Trust::Kernel;
use crate::lang::shared::Shared;
use crate::lang::value::{Type, Value};
use crate::process::objects::{PROCESS, TTY, Tty};
use crate::process::read::{POLICIES, duration, int, optional, process, processes, size, time, word};
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::{pidfile, tree};
use crate::units::Pid;

pub(super) static TABLE: &[Field] = {
    use Reader::Process;
    let stat = class(4, World, Kernel);
    &[
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
        )
        .within(0, PID_MAX),
        row(
            PROCESS,
            "pgid",
            Type::Int,
            stat,
            ["process group", "proc_pid_stat(5) 5", "pgid == pid"],
            Process(|v, p| get(v, p, |s| int(s.pgid.0))),
        )
        .within(0, PID_MAX),
        row(
            PROCESS,
            "sid",
            Type::Int,
            stat,
            ["session", "proc_pid_stat(5) 6", "sid == pid"],
            Process(|v, p| get(v, p, |s| int(s.sid.0))),
        )
        .within(0, PID_MAX),
        row(
            PROCESS,
            "tpgid",
            Type::Int,
            stat,
            ["foreground group of its terminal; -1 for none", "proc_pid_stat(5) 8", "tpgid == -1"],
            Process(|v, p| get(v, p, |s| int(s.tpgid))),
        )
        .within(-1, PID_MAX),
        row(
            PROCESS,
            "tty",
            Type::Named(TTY),
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
        )
        // A task without threads is being reaped: it has vanished.
        .within(1, i64::MAX),
        row(
            PROCESS,
            "nice",
            Type::Int,
            stat,
            ["nice level, -20 to 19", "proc_pid_stat(5) 19", "nice < 0"],
            Process(|v, p| get(v, p, |s| int(s.nice))),
        )
        .within(-20, 19),
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
        )
        .within(0, 99),
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
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "age",
            Type::Duration,
            stat,
            ["time since fork, by the boot-time clock", "proc_pid_stat(5) 22", "age > 1h"],
            Process(age),
        )
        // The difference of two clocks: of a process that began while the look was taken it is negative.
        .unbounded(),
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
            "faults.minor",
            Type::Int,
            stat,
            ["page faults that needed no storage", "proc_pid_stat(5) 10", "faults.minor > 1000000"],
            Process(|v, p| get(v, p, |s| int(s.faults[0]))),
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "faults.major",
            Type::Int,
            stat,
            ["page faults that waited for storage", "proc_pid_stat(5) 12", "faults.major > 1000"],
            Process(|v, p| get(v, p, |s| int(s.faults[1]))),
        )
        .within(0, i64::MAX),
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
            "rss_share",
            Type::Ratio,
            stat,
            [
                "resident memory as a part of the host's",
                "proc_pid_stat(5) 24, proc_meminfo(5)",
                "rss_share > 10%",
            ],
            Process(rss_share),
        ),
    ]
};

/// Processes that are found by the numbers of parent, session and group.
pub(super) static RELATIVES: &[Field] = {
    use Reader::Process;
    const ONE: Type = Type::Named(PROCESS);
    const MANY: Type = Type::List(Shared::Program(&ONE));
    let stat = class(4, World, Kernel);
    &[
        row(
            PROCESS,
            "parent",
            ONE,
            stat,
            ["the parent; absent for PID 1", "proc_pid_stat(5) 4", "parent.comm == \"runsv\""],
            Process(|v, p| tree::parent(v.world, p).map(process)),
        ),
        row(
            PROCESS,
            "ancestors",
            MANY,
            stat,
            [
                "parents up to PID 1, nearest first; not known if there are more than 64",
                "proc_pid_stat(5) 4",
                "any(ancestors, a => a.comm == \"sshd\")",
            ],
            Process(|v, p| tree::all_ancestors(v.world, p).map(processes)),
        ),
        row(
            PROCESS,
            "children",
            MANY,
            stat,
            ["children", "proc_pid_stat(5) 4", "len(children) > 0"],
            Process(|v, p| v.children().map(|map| processes(map.get(&p).into_iter().flatten().copied()))),
        ),
        row(
            PROCESS,
            "descendants",
            MANY,
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
            ONE,
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
            ONE,
            stat,
            [
                "the process that began its process group; absent if it ended",
                "proc_pid_stat(5) 5",
                "group_leader.pid == pid",
            ],
            Process(|v, p| v.world.stat(p).and_then(|s| living(v, s.pgid))),
        ),
    ]
};

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

/// A part of a whole. Absent of nothing.
pub(super) fn share(part: u64, whole: u64) -> Fact<Value> {
    let millionths = (u128::from(part) * 1_000_000).checked_div(u128::from(whole));
    optional(millionths, |share| Value::Ratio(i64::try_from(share).unwrap_or(i64::MAX)))
}

fn rss_share(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    if let Some(gap @ (Fact::Absent | Fact::Unknown(_))) = v.world.gap(pid, "rss") {
        return gap.map(|()| Value::Ratio(0));
    }
    v.world.stat(pid).and_then(|stat| v.world.memory_total().and_then(|total| share(stat.rss, total)))
}

fn living(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    v.world.pids().and_then(|pids| optional(pids.contains(&pid).then_some(pid), process))
}
