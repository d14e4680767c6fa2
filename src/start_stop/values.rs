//! The values of options, read in the oracle's order, whether the command uses them or not.

use super::fault::Fault;
use super::numbers;
use super::options::Options;
use super::schedule::{self, Schedule};

/// `IOPRIO_CLASS_*` of `ioprio_set(2)`.
const IO_CLASSES: [(&str, u16); 3] = [("real-time", 1), ("best-effort", 2), ("idle", 3)];
const IO_LEVEL_MAX: i32 = 7;
/// Of a class without a level.
const IO_LEVEL: i32 = 4;
/// Seconds that a readiness notification is waited for.
const NOTIFY_TIMEOUT: i32 = 60;

/// A policy of the processor's scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// As it is written.
    pub name: &'static str,
    /// `SCHED_*`
    pub number: i32,
    /// Real-time priority.
    pub priority: i32,
}

/// A class and level of the scheduler of input and output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoPriority {
    /// As it is written.
    pub name: &'static str,
    /// `IOPRIO_CLASS_*`
    pub class: u16,
    /// 0 is the most important.
    pub level: u16,
}

/// What is read from the values of options, in the oracle's order.
pub(super) struct Values {
    pub(super) pid: Option<i32>,
    pub(super) ppid: Option<i32>,
    pub(super) signal: i32,
    pub(super) schedule: Option<Schedule>,
    pub(super) policy: Option<Policy>,
    pub(super) io: Option<IoPriority>,
    pub(super) umask: Option<i32>,
    pub(super) timeout: i32,
}

fn usage<T>(text: &str) -> Result<T, Fault> {
    Err(Fault::Usage(text.into()))
}

fn trouble<T>(text: &str) -> Result<T, Fault> {
    Err(Fault::Trouble(text.into()))
}

impl Values {
    pub(super) fn read(options: &Options<'_>) -> Result<Self, Fault> {
        let needs_pid = |what: &str| Fault::Usage(format!("{what} value must be a number greater than 0"));
        let pid = |text: Option<&[u8]>, what: &str| {
            text.map(|text| numbers::pid(text).ok_or_else(|| needs_pid(what))).transpose()
        };
        let (own, parent) = (pid(options.pid, "pid")?, pid(options.ppid, "ppid")?);
        let signal = match options.signal.map(schedule::signal) {
            None => libc::SIGTERM,
            Some(Some(number)) => number,
            Some(None) => {
                return usage("signal value must be numeric or name of signal (KILL, INT, ...)");
            }
        };
        let schedule = options.retry.map(|text| Schedule::parse(text, signal)).transpose()?;
        let policy = options.procsched.map(policy).transpose()?;
        let io = options.iosched.map(io_priority).transpose()?;
        let umask = match options.umask.map(|text| numbers::unsigned(text, 0)) {
            Some(None) => return usage("umask value must be a positive number"),
            Some(mask) => mask,
            None => None,
        };
        if options.output.is_some_and(|path| path.first() != Some(&b'/')) {
            return usage("--output file needs to be an absolute filename");
        }
        let timeout = match options.notify_timeout.map(|text| numbers::unsigned(text, 10)) {
            Some(None) => return usage("invalid notify timeout value"),
            Some(Some(seconds)) => seconds,
            None => NOTIFY_TIMEOUT,
        };
        Ok(Self { pid: own, ppid: parent, signal, schedule, policy, io, umask, timeout })
    }
}

/// `NAME[:NUMBER]`. Whatever stands behind the first colon is the number, also if that is nothing.
fn pair(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| *byte == b':');
    (parts.next().unwrap_or_default(), parts.next())
}

fn policy(text: &[u8]) -> Result<Policy, Fault> {
    let (name, priority) = pair(text);
    let priority = match priority.map(|text| numbers::unsigned(text, 10)) {
        Some(None) => return trouble("invalid process scheduler priority"),
        Some(Some(priority)) => priority,
        None => 0,
    };
    let (name, number) = match name {
        b"other" => return Ok(Policy { name: "other", number: libc::SCHED_OTHER, priority: 0 }),
        b"fifo" => ("fifo", libc::SCHED_FIFO),
        b"rr" => ("rr", libc::SCHED_RR),
        _ => return usage("invalid process scheduler policy"),
    };
    // The range of Linux for both, sched_get_priority_min(2).
    match priority {
        ..1 => usage("process scheduler priority less than min"),
        1..=99 => Ok(Policy { name, number, priority }),
        100.. => usage("process scheduler priority greater than max"),
    }
}

fn io_priority(text: &[u8]) -> Result<IoPriority, Fault> {
    let (name, level) = pair(text);
    let level = match level.map(|text| numbers::unsigned(text, 10)) {
        Some(None) => return trouble("invalid IO scheduler priority"),
        Some(Some(level)) => level,
        None => IO_LEVEL,
    };
    let Some((name, class)) = IO_CLASSES.iter().find(|(known, _)| known.as_bytes() == name) else {
        return usage("invalid IO scheduler policy");
    };
    let level = if *name == "idle" { IO_LEVEL_MAX } else { level };
    match u16::try_from(level) {
        Ok(level) if i32::from(level) <= IO_LEVEL_MAX => Ok(IoPriority { name, class: *class, level }),
        Ok(_) | Err(_) => usage("IO scheduler priority greater than max"),
    }
}
