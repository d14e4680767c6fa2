//! Small conversions from raw facts to values of the language.

use super::objects::{Group, PROCESS, Process, User};
use super::world::Bytes;
use crate::facts::{Fact, Reason, Why};
use crate::lang::value::Value;
use crate::units::{Capability, Gid, Pid, Uid};

/// Names of the signals that have one; real-time signals have numbers only and are left out.
pub(super) const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Names of scheduling policies by number (`sched(7)`).
pub(super) const POLICIES: [&str; 8] = ["other", "fifo", "rr", "batch", "iso", "idle", "deadline", "ext"];
/// Names of seccomp modes by number (`proc_pid_status(5)`).
pub(super) const SECCOMP: [&str; 3] = ["off", "strict", "filter"];

pub(super) fn int(value: impl TryInto<i64>) -> Value {
    Value::Int(value.try_into().unwrap_or(i64::MAX))
}

pub(super) fn size(value: u64) -> Value {
    Value::Size(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn ratio(millionths: u64) -> Value {
    Value::Ratio(i64::try_from(millionths).unwrap_or(i64::MAX))
}

pub(super) fn string(bytes: Bytes) -> Value {
    Value::String(bytes)
}

pub(super) fn path(bytes: impl AsRef<[u8]>) -> Value {
    Value::path(bytes)
}

pub(super) fn time(nanos: i128) -> Value {
    Value::Time(clamp(nanos))
}

pub(super) fn duration(nanos: i128) -> Value {
    Value::Duration(clamp(nanos))
}

fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub(super) fn user(uid: u32) -> Value {
    User(Uid(uid)).into()
}

pub(super) fn group(gid: u32) -> Value {
    Group(Gid(gid)).into()
}

pub(super) fn process(pid: Pid) -> Value {
    Process(pid).into()
}

pub(super) fn processes(pids: impl IntoIterator<Item = Pid>) -> Value {
    Value::list(pids.into_iter().map(process))
}

pub(super) fn optional<T>(value: Option<T>, wrap: impl FnOnce(T) -> Value) -> Fact<Value> {
    Fact::from_option(value.map(wrap))
}

/// A word of an enumeration by its number; absent for numbers that a newer kernel may have.
pub(super) fn word(of: &'static str, names: &[&'static str], number: Option<u32>) -> Fact<Value> {
    let name = number.and_then(|at| names.get(usize::try_from(at).ok()?));
    Fact::from_option(name.map(|name| Value::Enum(of, name)))
}

pub(super) fn capabilities(bits: u64) -> Value {
    Value::list(Capability::names_in(bits).map(|name| Value::Enum("capability", name)))
}

pub(super) fn signals(bits: u64) -> Value {
    let set = SIGNALS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    Value::list(set.map(|(_, name)| Value::Enum("signal", name)))
}

/// An answer that a question of this kind can't have: the expression was not checked against the schema.
pub(super) fn misfit<T>(what: &str) -> Fact<T> {
    Fact::Unknown(Reason::new(Why::Malformed, format!("{what} does not belong to a `{PROCESS}`")))
}
