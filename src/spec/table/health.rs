//! The rows of what health means: `readiness`, `liveness`, `triggers`, `conditions`.

use super::document::{REQUIRED, row};
use super::{Class, Field, Kind, Table, Words};
use Class::Live;

const ALIVE_FOR: Field = row("aliveFor", Kind::Duration, "1s", Live, "3s", "it has lived for so long");
const NOTIFY: Field =
    row("notify", Kind::Bool, "false", Live, "true", "it says `READY=1` itself, by sd_notify(3)");
const WATCHDOG: Field =
    row("notify", Kind::Bool, "false", Live, "true", "it says `WATCHDOG=1` within each period");
const PIDFILE: Field = row("pidfile", Kind::Bool, "false", Live, "true", "the pidfile names it");
const TCP_FORM: Field =
    row("tcp", Kind::Object(&TCP), "none", Live, "{port: 8080}", "something accepts a connection there");
const HTTP_FORM: Field = row(
    "http",
    Kind::Object(&HTTP),
    "none",
    Live,
    "{port: 8080, path: /health}",
    "a request is answered with a good status",
);
const UNIX_FORM: Field = row(
    "unix",
    Kind::Object(&UNIX),
    "none",
    Live,
    "{path: /run/shop.sock}",
    "something accepts a connection at this socket",
);
const EXEC_FORM: Field = row(
    "exec",
    Kind::Object(&EXEC),
    "none",
    Live,
    "{command: [/usr/bin/shopctl, ping]}",
    "a command exits with 0; killed with all that it started at `timeout`",
);
const LOG_LINE_FORM: Field = row(
    "logLine",
    Kind::Object(&LOG_LINE),
    "none",
    Live,
    "{regex: listening on}",
    "a line of its output since it was started matches",
);
const LOG_BEAT: Field = row(
    "logLine",
    Kind::Object(&LOG_LINE),
    "none",
    Live,
    "{regex: heartbeat}",
    "a line of its output matches within each period",
);
const WHEN: Field = row(
    "when",
    Kind::Expression,
    "none",
    Live,
    "'any(listens, s => s.port == 8080)'",
    "the condition holds for its process; what can't be told is neither yes nor no",
);
const TIMEOUT: Field = row("timeout", Kind::Duration, "1s", Live, "5s", "how long one probe may take");

/// `readiness`
pub const READINESS: Table = Table {
    name: "readiness",
    fields: &[
        ALIVE_FOR,
        NOTIFY,
        PIDFILE,
        TCP_FORM,
        HTTP_FORM,
        UNIX_FORM,
        EXEC_FORM,
        LOG_LINE_FORM,
        WHEN,
        row("period", Kind::Duration, "1s", Live, "2s", "time between two probes"),
        TIMEOUT,
        row(
            "failureThreshold",
            Kind::Integer(1, 1000),
            "3",
            Live,
            "3",
            "so many failures in a row make a Ready process not Ready",
        ),
    ],
    later: &[],
    foreign: FOREIGN,
};

/// `liveness`
pub const LIVENESS: Table = Table {
    name: "liveness",
    fields: &[
        WATCHDOG,
        PIDFILE,
        TCP_FORM,
        HTTP_FORM,
        UNIX_FORM,
        EXEC_FORM,
        LOG_BEAT,
        WHEN,
        row("period", Kind::Duration, "10s", Live, "30s", "time between two probes"),
        TIMEOUT,
        row(
            "failureThreshold",
            Kind::Integer(1, 1000),
            "3",
            Live,
            "3",
            "after so many failures in a row it is restarted",
        ),
    ],
    later: &[],
    foreign: FOREIGN,
};

const FOREIGN: &[(&str, &str)] = &[
    ("periodSeconds", "period"),
    ("timeoutSeconds", "timeout"),
    ("tcpSocket", "tcp"),
    ("httpGet", "http"),
    ("interval", "period"),
    ("watchdog", "notify"),
];

/// `tcp`
pub const TCP: Table = Table {
    name: "tcp",
    fields: &[
        row("port", Kind::Integer(1, 65_535), REQUIRED, Live, "8080", "port"),
        row("host", Kind::Text, "127.0.0.1", Live, "127.0.0.1", "name or address"),
    ],
    later: &[],
    foreign: &[("address", "host")],
};

/// `http`
pub const HTTP: Table = Table {
    name: "http",
    fields: &[
        row("url", Kind::Text, "none", Live, "http://127.0.0.1:8080/health", "host, port and path in one"),
        row("port", Kind::Integer(1, 65_535), "that of the url", Live, "8080", "port"),
        row("host", Kind::Text, "127.0.0.1", Live, "127.0.0.1", "name or address"),
        row("path", Kind::Text, "/", Live, "/health", "path and query"),
        row(
            "status",
            Kind::List(&Kind::Text),
            "[200-399]",
            Live,
            "[200-299, 404]",
            "status codes that are good, and ranges of them",
        ),
        row(
            "headers",
            Kind::Map(&Kind::Text),
            "{}",
            Live,
            "{Host: shop.example}",
            "further headers of the request",
        ),
    ],
    later: &[],
    foreign: &[("address", "host"), ("httpHeaders", "headers")],
};

/// `unix`
pub const UNIX: Table = Table {
    name: "unix",
    fields: &[row("path", Kind::Path, REQUIRED, Live, "/run/shop.sock", "absolute, or below `${runDir}`")],
    later: &[],
    foreign: &[("socket", "path")],
};

/// `logLine`
pub const LOG_LINE: Table = Table {
    name: "logLine",
    fields: &[row(
        "regex",
        Kind::Text,
        REQUIRED,
        Live,
        "listening on",
        "a regular expression, searched for in each line of standard output and standard error",
    )],
    later: &[],
    foreign: &[("pattern", "regex"), ("match", "regex")],
};

/// `exec`
pub const EXEC: Table = Table {
    name: "exec",
    fields: &[
        row(
            "command",
            Kind::List(&Kind::Text),
            REQUIRED,
            Live,
            "[/usr/bin/shopctl, ping]",
            "program and arguments",
        ),
        row("timeout", Kind::Duration, "that beside `exec`", Live, "5s", "how long it may take"),
        row(
            "user",
            Kind::Account,
            "that of the service",
            Live,
            "root",
            "name or number of the user who runs it",
        ),
    ],
    later: &[],
    foreign: &[("args", "command")],
};

const ACTIONS: Words = Words { now: &["restart", "reload"], later: &[] };

/// An entry of `triggers`.
pub const TRIGGER: Table = Table {
    name: "trigger",
    fields: &[
        row(
            "when",
            Kind::Expression,
            REQUIRED,
            Live,
            "'rss > 1GiB'",
            "a condition over the instance's process",
        ),
        row(
            "for",
            Kind::Duration,
            "1m",
            Live,
            "5m",
            "it has to hold for so long without a break, and to be false for so long before it counts anew",
        ),
        row("do", Kind::Words(&ACTIONS), REQUIRED, Live, "restart", "what follows"),
    ],
    later: &[],
    foreign: &[("action", "do"), ("if", "when")],
};

/// An entry of `conditions`.
pub const CONDITION: Table = Table {
    name: "condition",
    fields: &[
        row("pathExists", Kind::Path, "none", Live, "/srv/shop", "something is there"),
        row(
            "fileNotEmpty",
            Kind::Path,
            "none",
            Live,
            "/etc/shop/key",
            "a regular file is there and has content",
        ),
        row(
            "host",
            Kind::Text,
            "none",
            Live,
            "web-*",
            "the name of this host, with or without its domain; `*` and `?` as in file names",
        ),
        row(
            "when",
            Kind::Expression,
            "none",
            Live,
            "'name == \"mysqld\"'",
            "some process of this host satisfies the condition",
        ),
    ],
    later: &[],
    foreign: &[("ConditionPathExists", "pathExists"), ("hostname", "host")],
};

/// Words of `binaryChange`.
pub(super) const BINARY_CHANGES: Words =
    Words { now: &["ignore", "report", "restart", "reload"], later: &[] };
