//! The rows of what a process is given before it executes: sockets, environment, limits, scheduling.

use super::document::{REQUIRED, row};
use super::{Class, Kind, Table, Words};
use Class::{Live, Restart};

/// An entry of `sockets`.
pub const SOCKET: Table = Table {
    name: "socket",
    fields: &[
        row("name", Kind::Text, REQUIRED, Restart, "http", "its name in LISTEN_FDNAMES"),
        row(
            "listen",
            Kind::Text,
            REQUIRED,
            Restart,
            "tcp://127.0.0.1:8080",
            "tcp://ADDRESS:PORT, udp://ADDRESS:PORT or unix://PATH",
        ),
        row(
            "backlog",
            Kind::Integer(1, 65_535),
            "4096",
            Restart,
            "128",
            "connections that wait at most; the kernel may allow fewer",
        ),
        row("mode", Kind::Mode, "0660", Restart, "0666", "permission bits of a Unix socket"),
        row("user", Kind::Account, "the service's", Restart, "root", "owner of a Unix socket"),
        row("group", Kind::Account, "the service's", Restart, "www-data", "group of a Unix socket"),
    ],
    later: &[],
    foreign: &[("address", "listen"), ("stream", "listen"), ("permissions", "mode"), ("owner", "user")],
};

/// An entry of `envFrom`.
pub const ENV_FROM: Table = Table {
    name: "envFrom",
    fields: &[
        row("file", Kind::Path, REQUIRED, Restart, "/etc/default/shop", "lines of NAME=value"),
        row("optional", Kind::Bool, "false", Restart, "true", "a missing file is an empty one"),
        row("prefix", Kind::Text, "none", Restart, "SHOP_", "put before each name"),
    ],
    later: &[],
    foreign: &[("path", "file")],
};

/// `limits.NAME` in its long form.
pub const LIMIT: Table = Table {
    name: "limit",
    fields: &[
        row("soft", Kind::LimitValue, "the hard limit", Live, "1024", "what applies"),
        row("hard", Kind::LimitValue, "the soft limit", Live, "4096", "how far the process may raise it"),
    ],
    later: &[],
    foreign: &[],
};

const IO_CLASSES: Words = Words { now: &["real-time", "best-effort", "idle"], later: &[] };
const POLICIES: Words = Words { now: &["other", "batch", "idle", "fifo", "rr"], later: &[] };

/// `scheduling`
pub const SCHEDULING: Table = Table {
    name: "scheduling",
    fields: &[
        row("nice", Kind::Integer(-20, 19), "inherited", Live, "5", "-20 (first) to 19 (last)"),
        row("ioClass", Kind::Words(&IO_CLASSES), "inherited", Live, "idle", "class of ioprio_set(2)"),
        row(
            "ioPriority",
            Kind::Integer(0, 7),
            "4",
            Live,
            "7",
            "0 (first) to 7 (last), with ioClass real-time or best-effort",
        ),
        row("policy", Kind::Words(&POLICIES), "inherited", Live, "batch", "policy of sched(7)"),
        row("rtPriority", Kind::Integer(1, 99), "none", Live, "10", "1 to 99, with policy fifo or rr"),
        row("cpuAffinity", Kind::Cpus, "inherited", Live, "[0, 2-3]", "CPU numbers"),
        row(
            "oomScoreAdj",
            Kind::Integer(-1000, 1000),
            "inherited",
            Live,
            "-500",
            "-1000 (never chosen) to 1000",
        ),
    ],
    later: &[],
    foreign: &[("priority", "nice")],
};

/// Names of limits; the second word says whether sizes such as `64MiB` can be given.
pub const LIMIT_NAMES: &[(&str, bool)] = &[
    ("as", true),
    ("core", true),
    ("cpu", false),
    ("data", true),
    ("fsize", true),
    ("locks", false),
    ("memlock", true),
    ("msgqueue", true),
    ("nice", false),
    ("nofile", false),
    ("nproc", false),
    ("rss", true),
    ("rtprio", false),
    ("rttime", false),
    ("sigpending", false),
    ("stack", true),
];
