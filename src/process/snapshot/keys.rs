//! The keys of a process: which fact each belongs to.
//!
//! `/proc/PID/stat` and `status` are read as a whole, but a snapshot states their fields one by one.
//! [`gap`] tells a field that the record has only as a placeholder.

use super::model::Process;
use super::read::camel_case;
use crate::facts::Fact;

/// Keys that state a field of `/proc/PID/stat`.
pub(super) const STAT: [&str; 24] = [
    "state",
    "ppid",
    "pgid",
    "sid",
    "tty",
    "tpgid",
    "threads",
    "nice",
    "priority",
    "policy",
    "rtPriority",
    "startTicks",
    "started",
    "age",
    "cpuTime",
    "cpuUser",
    "cpuSys",
    "childrenCpu",
    "cpuTicks",
    "faults",
    "vsize",
    "rss",
    "kernelThread",
    "flags",
];

/// Keys that state a field of `/proc/PID/status`.
pub(super) const STATUS: [&str; 20] = [
    "ruser",
    "suser",
    "fsuser",
    "rgroup",
    "sgroup",
    "fsgroup",
    "groups",
    "umask",
    "noNewPrivs",
    "seccomp",
    "tracerPid",
    "caps",
    "signals",
    "switches",
    "rssPeak",
    "swap",
    "locked",
    "data",
    "euser",
    "egroup",
];

/// All other keys.
pub(super) const OTHER: [&str; 42] = [
    "pid",
    "user",
    "uid",
    "group",
    "gid",
    "comm",
    "exe",
    "argv",
    "argvHex",
    "argvRewritten",
    "argRange",
    "execfn",
    "cwd",
    "root",
    "env",
    "environ",
    "environHex",
    "ns",
    "cgroup",
    "limits",
    "loginUser",
    "oomScore",
    "oomScoreAdj",
    "io",
    "fds",
    "securityLabel",
    "tasks",
    "managedAs",
    "unreadable",
    "commHex",
    "execfnHex",
    "listens",
    "sockets",
    "files",
    "pss",
    "uss",
    "container",
    "cwdHex",
    "securityLabelHex",
    "cpu",
    "rates",
    "changed",
];

/// Keys that people expect and that follow from others.
pub(super) const FOLLOWING: [(&str, &str); 16] = [
    ("name", "`comm`, `exe`, `execfn` and `argv`"),
    ("cmdline", "`argv`"),
    ("alive", "`state` and `tasks`"),
    ("leaderExited", "`state` and `tasks`"),
    ("script", "`execfn` and `argv`"),
    ("sameRoot", "`root`"),
    ("self", "`host.self`"),
    ("parent", "`ppid`"),
    ("ancestors", "`ppid`"),
    ("children", "`ppid`"),
    ("descendants", "`ppid`"),
    ("sessionLeader", "`sid`"),
    ("groupLeader", "`pgid`"),
    ("rssShare", "`rss` and `host.memory`"),
    ("fdsShare", "`fds` and `limits`"),
    ("startas", "the spec; use `--set startas=PATH`"),
];

/// What may stand below `unreadable`, beside all keys of a process: facts below a key, and the two records.
pub(super) const UNREADABLE: [&str; 31] = [
    "stat",
    "status",
    "environment",
    "exe.path",
    "exe.id",
    "ns.pid",
    "ns.mnt",
    "ns.net",
    "ns.user",
    "ns.uts",
    "ns.ipc",
    "ns.cgroup",
    "ns.time",
    "caps.eff",
    "caps.perm",
    "caps.inh",
    "caps.bnd",
    "caps.amb",
    "signals.caught",
    "signals.ignored",
    "signals.blocked",
    "io.readBytes",
    "io.writeBytes",
    "io.readChars",
    "io.writeChars",
    "io.readCalls",
    "io.writeCalls",
    "faults.minor",
    "faults.major",
    "switches.voluntary",
    "switches.involuntary",
];

/// Every key of a process.
pub(super) fn all() -> Vec<&'static str> {
    STAT.into_iter().chain(STATUS).chain(OTHER).collect()
}

/// The key below which a field of a record is stated, with the record.
fn record_key(field: &str) -> Option<(String, &'static str)> {
    let key = match camel_case(field).as_str() {
        "alive" | "leaderExited" => "state".to_owned(),
        "uid" => "user".to_owned(),
        "gid" => "group".to_owned(),
        "parent" => "ppid".to_owned(),
        "sessionLeader" => "sid".to_owned(),
        "groupLeader" => "pgid".to_owned(),
        other => other.to_owned(),
    };
    let first = key.split('.').next().unwrap_or_default();
    if STAT.contains(&first) {
        return Some((key, "stat"));
    }
    if STATUS.contains(&first) {
        return Some((key, "status"));
    }
    match first {
        "user" | "group" | "io" | "pss" | "uss" => Some((key, "")),
        // stat has the name as well.
        "comm" => Some((key, "stat")),
        _ => None,
    }
}

/// The answer for one field of a record that the record itself can't tell to be missing.
pub(super) fn gap(process: &Process, field: &str) -> Option<Fact<()>> {
    let (key, record) = record_key(field)?;
    let outer = key.split('.').next().unwrap_or_default();
    let there = match (outer, record) {
        (_, "stat") => matches!(process.stat, Fact::Known(_)),
        (_, "status") => matches!(process.status, Fact::Known(_)),
        ("io", _) => matches!(process.io, Fact::Known(_)),
        ("pss" | "uss", _) => matches!(process.memory_use, Fact::Known(_)),
        _ => matches!(process.owner, Fact::Known(_)),
    };
    // A record that isn't there says so itself.
    if !there || process.stated.contains(key.as_str()) {
        return None;
    }
    let basis = if matches!(outer, "started" | "age") { "startTicks" } else { outer };
    Some(process.unread.first_of(&[key.as_str(), outer, basis, record]))
}

/// A key that follows from others, and those.
pub(super) fn following(key: &str) -> Option<&'static str> {
    let camel = camel_case(key);
    FOLLOWING.iter().find(|(name, _)| *name == camel).map(|(_, from)| *from)
}
