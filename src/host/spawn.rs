//! Starting a process, so that there is no moment in which it runs and nobody knows.
//!
//! The child is made with `clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD)`: no page tables are copied, so the cost does
//! not grow with the engine, and the pidfd can't be of another process. Linux 5.4 or later is needed (a pidfd that
//! can be waited on); there is no fallback. While the child prepares itself, the calling thread sleeps: a working
//! directory on a dead network mount would hold the engine up, as it would the service.
//!
//! ```text
//! engine:  lock held | slot created, empty | clone ......................... sleeps ....... | record has the key, slot removed
//! child:                                     key into the slot | set up | execve: the lock's descriptor closes
//! ```
//!
//! # Why an empty slot proves that nothing runs
//!
//! The state lock is an flock(2) on an open file description, which every copy of the descriptor keeps. The child has the
//! engine's table of descriptors, and then a copy of it with the lock in it (see `table`), so it holds the lock as well, until
//! execve closes the descriptor (`O_CLOEXEC`) or the child exits. Whoever takes the lock therefore knows that each child of the
//! former engine has either executed, and then wrote its key before that, or is gone. So a slot that is found empty
//! *under the lock* belongs to a child that never was or that died without executing. This holds whoever is killed
//! when, and needs nobody to be alive to clean up.
//!
//! A second process that shares the engine's memory under the service's ids is no way in: the change of ids marks
//! the shared memory as not dumpable, so that the service's user can't attach to it.
//!
//! This module and its parts hold the only `unsafe` code there is, but for the attribute in `main.rs` that gives `main` its name.

#[expect(unsafe_code, reason = "a system call that the child makes by hand")]
mod birth;
#[expect(unsafe_code, reason = "the child runs in shared memory; system calls are made by hand")]
mod child;
#[expect(unsafe_code, reason = "the child runs in shared memory; system calls are made by hand")]
mod confine;
#[expect(unsafe_code, reason = "fork; what follows it is ordinary code of a process with one thread")]
mod detach;
mod given;
#[allow(unsafe_code, reason = "calls of the C library")]
mod heap;
#[expect(unsafe_code, reason = "what was handed down is read before a start changes it")]
mod inherited;
#[expect(unsafe_code, reason = "clone3 has no binding")]
mod into_group;
#[expect(unsafe_code, reason = "system calls that no safe binding offers")]
pub mod live;
mod orders;
mod output;
#[allow(unsafe_code, reason = "memory is told to the kernel by its address")]
mod pages;
#[expect(unsafe_code, reason = "system calls that no safe binding offers")]
mod pidfd;
#[expect(unsafe_code, reason = "system calls are made by hand")]
mod raw;
#[expect(unsafe_code, reason = "system calls that no safe binding offers")]
mod setting;
#[expect(unsafe_code, reason = "system calls are made by hand, of all signals")]
mod signals;
#[expect(unsafe_code, reason = "system calls that no safe binding offers")]
mod table;

pub use detach::{Detached, NotDetached, detach};
pub use given::FIRST_SOCKET;
pub use heap::{MANY_AT_FIRST, close_up, give_back, side_by_side, take_large_pages, to_stay};
pub use inherited::{environment, hand_down_signals, take_descriptor, was_closed};
pub use pages::let_go_of_program;
pub use pidfd::{
    exit_of, exit_of_status, keep_exits_of_children, peek, peek_any_exited, reap, reap_pid, send_number,
    send_signal,
};
pub use setting::{close_on_exec_from, keep_alone, set_io_priority, set_policy};
pub use table::{held_until_exec, out_of_the_way};

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use self::birth::Before;
use self::child::{Orders, RawIds, Report};
use self::orders::{Heard, Prepared};
use super::errno::errno_text;
use super::groups::Entry;
use crate::facts::{ShebangError, parse_shebang};
use crate::plan::action::Launch;
use crate::spec::Limit;
use crate::units::{Pid, StartTicks};

/// A process that was started and executes its program.
#[derive(Debug)]
pub struct Spawned {
    /// Its number.
    pub pid: Pid,
    /// Bound to it.
    pub pidfd: OwnedFd,
    /// When it was forked, in clock ticks since boot, as the child itself wrote it down.
    pub start: StartTicks,
}

/// Why nothing runs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SpawnError {
    /// What was being done: `execute`, `change to the working directory`.
    pub step: &'static str,
    /// The kernel's answer; 0 where a rule of ours refused.
    pub errno: i32,
    message: String,
}

impl SpawnError {
    /// No process could be made, since there are as many as may be: not even the first step of a child was made.
    pub fn is_for_want_of_processes(&self) -> bool {
        self.step == Step::Clone.words() && self.errno == libc::EAGAIN
    }

    fn at(step: Step, errno: i32, launch: &Launch) -> Self {
        Self::at_item(step, 0, errno, launch)
    }

    fn said(step: Step, message: String) -> Self {
        Self { step: step.words(), errno: 0, message }
    }

    /// `item` is the number of the path that it was at, for steps that have several.
    fn at_item(step: Step, item: u32, errno: i32, launch: &Launch) -> Self {
        let confinement = &launch.confinement;
        let path = |paths: &[PathBuf]| {
            let path = paths.get(usize::try_from(item).unwrap_or(usize::MAX));
            path.map(|path| path.display().to_string()).unwrap_or_default()
        };
        let subject = match step {
            Step::Root => {
                let root = confinement.chroot.as_deref().unwrap_or_else(|| Path::new("/"));
                format!("change the root directory to `{}`", root.display())
            }
            Step::ReadOnly => format!("make `{}` read-only", path(&confinement.read_only)),
            Step::Inaccessible => format!("hide `{}`", path(&confinement.inaccessible)),
            Step::Exec => format!("execute `{}`", launch.program.display()),
            Step::Directory => {
                format!("change to the working directory `{}`", launch.working_directory.display())
            }
            Step::Limits => limit_of(launch, item).map_or_else(
                || "set the limits of descriptors that selfsame was given".to_owned(),
                |(name, limit)| format!("set `limits.{name}` to {}", limit_words(limit)),
            ),
            _ => step.words().to_owned(),
        };
        let hint = match step {
            Step::Exec if confinement.chroot.is_none() => exec_hint(&launch.program, errno),
            Step::Limits if errno == libc::EPERM => limit_hint(launch, item),
            Step::ReadOnly if errno == libc::ENOSYS => ", which needs Linux 5.12".into(),
            Step::Inaccessible if errno == libc::ENOSYS => ", which needs Linux 5.2".into(),
            _ => String::new(),
        };
        Self {
            step: step.words(),
            errno,
            message: format!("could not {subject}: {}{hint}", errno_text(errno)),
        }
    }

    fn output(path: &Path, text: &str) -> Self {
        let step = "open an output";
        Self { step, errno: 0, message: format!("output `{}` can't be used: {text}", path.display()) }
    }
}

/// The limit of the document with this number: they are set in the order of their names, and ours after them.
fn limit_of(launch: &Launch, item: u32) -> Option<(&String, &Limit)> {
    launch.limits.iter().nth(usize::try_from(item).unwrap_or(usize::MAX))
}

/// `4096`, `1024 (hard: unlimited)`
fn limit_words(limit: &Limit) -> String {
    let word = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    match (word(limit.soft), word(limit.hard)) {
        (soft, hard) if soft == hard => soft,
        (soft, hard) => format!("{soft} (hard: {hard})"),
    }
}

/// Why a limit was refused, and what can be done.
fn limit_hint(launch: &Launch, item: u32) -> String {
    let Some((name, limit)) = limit_of(launch, item) else { return String::new() };
    match live::hard_limit(name) {
        Some(hard) if limit.hard.unwrap_or(u64::MAX) > hard => format!(
            ", selfsame's own hard limit is {hard}: ask for no more, or give selfsame a higher one or CAP_SYS_RESOURCE"
        ),
        // Root as well.
        Some(_) if name == "nofile" => ", no process may have more than `/proc/sys/fs/nr_open` says".into(),
        Some(_) | None => String::new(),
    }
}

/// What stands behind an error of execve that names the program and means its interpreter.
fn exec_hint(program: &Path, errno: i32) -> String {
    let Ok(head) = super::walk::head_of(program) else { return String::new() };
    match (parse_shebang(&head), errno) {
        (Ok(line), libc::ENOENT | libc::EACCES | libc::ELOOP | libc::ENOTDIR) => {
            format!(", its first line names `{}`", String::from_utf8_lossy(&line.interpreter))
        }
        (Err(ShebangError::None), libc::ENOEXEC) => ", it is a text without a `#!` line, or damaged".into(),
        (Err(_), libc::ENOEXEC) => ", its `#!` line names no interpreter".into(),
        _ => String::new(),
    }
}

/// The child's steps, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
enum Step {
    Clone,
    Arguments,
    Table,
    Key,
    Group,
    Session,
    OomScore,
    Limits,
    Scheduling,
    Descriptors,
    Namespace,
    Root,
    ReadOnly,
    PrivateTmp,
    Inaccessible,
    Bounding,
    Ids,
    Ambient,
    Directory,
    Signals,
    NoNewPrivileges,
    Exec,
}

impl Step {
    const ALL: [Self; 22] = [
        Self::Clone,
        Self::Arguments,
        Self::Table,
        Self::Key,
        Self::Group,
        Self::Session,
        Self::OomScore,
        Self::Limits,
        Self::Scheduling,
        Self::Descriptors,
        Self::Namespace,
        Self::Root,
        Self::ReadOnly,
        Self::PrivateTmp,
        Self::Inaccessible,
        Self::Bounding,
        Self::Ids,
        Self::Ambient,
        Self::Directory,
        Self::Signals,
        Self::NoNewPrivileges,
        Self::Exec,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Clone => "create a process",
            Self::Arguments => "pass the arguments and environment",
            Self::Table => "have descriptors of its own",
            Self::Key => "write down the new process",
            Self::Group => "enter its control group",
            Self::Session => "open a session",
            Self::OomScore => "set `oomScoreAdj`",
            Self::Limits => "set `limits`",
            Self::Scheduling => "set `scheduling`",
            Self::Descriptors => "place the standard descriptors",
            Self::Namespace => "make a mount namespace",
            Self::Root => "change the root directory",
            Self::ReadOnly => "make a path read-only",
            Self::PrivateTmp => "give it a `/tmp` of its own",
            Self::Inaccessible => "hide a path",
            Self::Bounding => "limit the capabilities",
            Self::Ambient => "give it capabilities",
            Self::NoNewPrivileges => "forbid new privileges",
            Self::Ids => "change to the user and groups",
            Self::Directory => "change to the working directory",
            Self::Signals => "reset the signals",
            Self::Exec => "execute",
        }
    }

    fn from_number(number: u32) -> Self {
        Self::ALL.into_iter().find(|step| *step as u32 == number).unwrap_or(Self::Clone)
    }
}

/// Starts what `launch` says. The child writes `PID STARTTICKS` and a newline into `slot` before anything else;
/// without a slot it is tied to the engine instead and gets SIGKILL when the calling thread ends (probes).
///
/// # Errors
/// Nothing runs: which step failed, and the kernel's answer.
pub fn spawn(launch: &Launch, slot: Option<BorrowedFd<'_>>) -> Result<Spawned, SpawnError> {
    spawn_with(launch, slot, &[])
}

/// The same with listening sockets as descriptors 3 and on: those of the launch, in their order.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_with(
    launch: &Launch,
    slot: Option<BorrowedFd<'_>>,
    sockets: &[BorrowedFd<'_>],
) -> Result<Spawned, SpawnError> {
    spawn_in(launch, slot, sockets, &Entry::default())
}

/// The same, in control groups of its own from its first moment.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_in(
    launch: &Launch,
    slot: Option<BorrowedFd<'_>>,
    sockets: &[BorrowedFd<'_>],
    entry: &Entry,
) -> Result<Spawned, SpawnError> {
    start(launch, &Prepared::new(launch, None, sockets)?, slot, entry)
}

/// Starts what `launch` says, tied to the calling thread, with its output into a pipe instead. Reading from the end that
/// is returned doesn't wait.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_heard(launch: &Launch) -> Result<(Spawned, OwnedFd), SpawnError> {
    heard(launch, |pipe| Heard::Output(pipe.into()))
}

/// The same with both outputs in the pipe.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_heard_both(launch: &Launch) -> Result<(Spawned, OwnedFd), SpawnError> {
    heard(launch, |pipe| Heard::Both(pipe.into()))
}

fn heard(launch: &Launch, whole: fn(OwnedFd) -> Heard) -> Result<(Spawned, OwnedFd), SpawnError> {
    let no_pipe = |errno: Errno| SpawnError::at(Step::Descriptors, errno.raw_os_error(), launch);
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(no_pipe)?;
    rustix::fs::fcntl_setfl(&ours, OFlags::NONBLOCK).map_err(no_pipe)?;
    let spawned = start(launch, &Prepared::new(launch, Some(whole(theirs)), &[])?, None, &Entry::default())?;
    Ok((spawned, ours))
}

fn start(
    launch: &Launch,
    prepared: &Prepared,
    slot: Option<BorrowedFd<'_>>,
    entry: &Entry,
) -> Result<Spawned, SpawnError> {
    let (argv, envp) = prepared.arrays();
    let into = entry.tree.as_ref().map(AsRawFd::as_raw_fd);
    let joins: Vec<i32> = entry.joins.iter().map(AsRawFd::as_raw_fd).collect();
    let sockets: Vec<i32> = prepared.given.sockets.iter().map(AsRawFd::as_raw_fd).collect();
    let report = Report::default();
    let slot = slot.map_or(-1, |slot| slot.as_raw_fd());
    let descriptors = prepared.descriptors.each_ref().map(AsRawFd::as_raw_fd);
    let confinement = prepared.given.confinement(&launch.confinement);
    let needed = [slot, confinement.join].into_iter().chain(descriptors);
    let end = table::end_of(needed.chain(joins.iter().copied()).chain(sockets.iter().copied()));
    let orders = Orders {
        end,
        before: Before::now(),
        slot,
        joins: &joins,
        tied: slot < 0,
        oom_score_adj: prepared.oom_score_adj.as_deref().map(str::as_bytes),
        limits: &prepared.limits,
        nice: launch.scheduling.nice,
        policy: prepared.policy,
        ioprio: prepared.ioprio,
        affinity: prepared.affinity.as_deref(),
        umask: launch.umask & 0o777,
        descriptors,
        ids: launch.ids.as_ref().map(|ids| RawIds {
            uid: ids.uid.0,
            gid: ids.gid.0,
            groups: &prepared.groups,
        }),
        sockets: &sockets,
        listen_pid: prepared.given.listen_pid.as_deref(),
        confinement,
        directory: &prepared.directory,
        program: &prepared.program,
        argv: &argv,
        envp: &envp,
        // Of the others clone3 takes care.
        signals: if into.is_some() { signals::ignored() } else { &signals::ALL },
        report: &report,
        #[cfg(feature = "failpoints")]
        failing: failing(),
    };
    let mut cloned = clone_with_signals_held(&orders, into);
    if let Some(procs) = entry.tree_procs.as_ref().filter(|_| may_enter_by_itself(&cloned, &report)) {
        if let Ok((_, pidfd)) = &cloned {
            pidfd::reap_now(pidfd);
        }
        cloned = super::groups::opened(procs).map_err(|error| orders::raw(&error)).and_then(|procs| {
            let all: Vec<i32> = std::iter::once(procs.as_raw_fd()).chain(joins.iter().copied()).collect();
            let (end, signals) = (end.max(table::end_of(all.iter().copied())), &signals::ALL);
            clone_with_signals_held(&Orders { joins: &all, end, signals, ..orders }, None)
        });
    }
    let (pid, pidfd) = cloned.map_err(|errno| SpawnError::at(Step::Clone, errno, launch))?;
    let step = Step::from_number(report.step.load(Ordering::SeqCst));
    let errno = report.errno.load(Ordering::SeqCst);
    if errno != 0 || step != Step::Exec {
        pidfd::reap_now(&pidfd);
        // Without an errno a signal ended it on its way: nothing runs either.
        let errno = if errno == 0 { libc::EINTR } else { errno };
        let item = report.item.load(Ordering::SeqCst);
        return Err(SpawnError::at_item(step, item, errno, launch));
    }
    Ok(Spawned { pid: Pid(pid), pidfd, start: StartTicks(report.start.load(Ordering::SeqCst)) })
}

/// What a test wants to happen in the child: at which step, and how long it waits; without a time the engine is killed.
#[cfg(feature = "failpoints")]
fn failing() -> Option<(Step, Option<i64>)> {
    let (point, wait) = super::failpoint::child_plan()?;
    let step = match point {
        "child.key" => Step::Key,
        "child.session" => Step::Session,
        _ => Step::Exec,
    };
    Some((step, wait))
}

/// Whether nothing came of a child that was to be in its group from the beginning, and one may that enters it.
fn may_enter_by_itself(cloned: &Result<(i32, OwnedFd), i32>, report: &Report) -> bool {
    match cloned {
        // Kernels before 5.7, and filters of system calls that don't know clone3.
        Err(errno) => matches!(*errno, libc::ENOSYS | libc::EINVAL | libc::EPERM | libc::E2BIG),
        // It ended before its first step, and was never there for others. Where `cgroup.kill` was ever written to in our own group, Linux 6.18 compares the
        // count of that with the one of the group that is entered (`cgroup_css_set_fork`), and kills whoever is made there.
        Ok(_) => {
            let step = Step::from_number(report.step.load(Ordering::SeqCst));
            step == Step::Clone && report.errno.load(Ordering::SeqCst) == 0
        }
    }
}

/// Every signal is blocked around clone, so that no handler of the engine ever runs in the child.
fn clone_with_signals_held(orders: &Orders<'_>, group: Option<i32>) -> Result<(i32, OwnedFd), i32> {
    let mut before = SigSet::empty();
    nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))
        .map_err(|errno| errno as i32)?;
    let answer = match group {
        Some(group) => into_group::clone_into(child::run, orders, group),
        None => pidfd::clone_child(child::run, orders),
    };
    let restored = nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    let child = answer?;
    restored.map_err(|errno| errno as i32)?;
    Ok(child)
}

/// Field 22 of `/proc/PID/stat`, counted from the last `)` since the name before it may contain anything.
fn start_of_stat(text: &[u8]) -> Option<u64> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = text.get(end.checked_add(2)?..)?;
    let field = rest.split(|byte| *byte == b' ').nth(19)?;
    field.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
