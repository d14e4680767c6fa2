//! The rows of what a Service says about changes.

use super::document::{REQUIRED, row};
use super::{Class, Field, Kind, Table, Words};
use Class::Live;

const CONDITIONS: Words = Words { now: &["started", "ready", "healthy", "completed"], later: &[] };
const STRATEGIES: Words = Words { now: &["auto", "reload", "restart", "manual"], later: &[] };
const UPDATE_FAILURES: Words = Words { now: &["hold", "rollback"], later: &[] };
const HOOK_FAILURES: Words = Words { now: &["abort", "continue"], later: &[] };

const fn list(name: &'static str, kind: Kind, example: &'static str, summary: &'static str) -> Field {
    row(name, kind, "[]", Live, example, summary)
}

/// An entry of `dependsOn`.
pub const DEPENDENCY: Table = Table {
    name: "dependency",
    fields: &[
        row("name", Kind::Text, REQUIRED, Live, "db", "a Service or Task that a start waits for"),
        row("condition", Kind::Words(&CONDITIONS), "ready", Live, "started", "what has to be true of it"),
    ],
    later: &[],
    foreign: &[("service", "name"), ("task", "name")],
};

/// `update`
pub const UPDATE: Table = Table {
    name: "update",
    fields: &[
        row(
            "strategy",
            Kind::Words(&STRATEGIES),
            "auto",
            Live,
            "manual",
            "what a change of a restart-class field or of a watched file leads to",
        ),
        row(
            "maxUnavailable",
            Kind::Integer(1, 1000),
            "1",
            Live,
            "2",
            "so many replicas may be not Ready because of a restart at a time",
        ),
        row(
            "onFailure",
            Kind::Words(&UPDATE_FAILURES),
            "hold",
            Live,
            "rollback",
            "what follows when a changed replica doesn't become Ready",
        ),
        list(
            "watchFiles",
            Kind::List(&Kind::Path),
            "[/etc/shop/shop.conf]",
            "files whose content counts like a field",
        ),
    ],
    later: &[],
    foreign: &[("type", "strategy"), ("files", "watchFiles")],
};

/// `reload`
pub const RELOAD: Table = Table {
    name: "reload",
    fields: &[
        row("signal", Kind::Signal, "none", Live, "HUP", "what the main process gets"),
        row(
            "command",
            Kind::List(&Kind::Text),
            "none",
            Live,
            "[/usr/sbin/nginx, -s, reload]",
            "what runs instead",
        ),
        row("timeout", Kind::Duration, "30s", Live, "10s", "how long the command may take"),
        row(
            "user",
            Kind::Account,
            "that of the service",
            Live,
            "root",
            "name or number of the user who runs the command",
        ),
    ],
    later: &[],
    foreign: &[("exec", "command")],
};

/// `hooks`
pub const HOOKS: Table = Table {
    name: "hooks",
    fields: &[
        list(
            "preStart",
            Kind::List(&Kind::Object(&HOOK)),
            "[{command: [/usr/bin/shopctl, migrate]}]",
            "before each start",
        ),
        list(
            "postStart",
            Kind::List(&Kind::Object(&HOOK)),
            "[{command: [/usr/bin/shopctl, announce]}]",
            "when a started process meets its readiness check; it is Ready when they have ended",
        ),
        list(
            "preStop",
            Kind::List(&Kind::Object(&HOOK)),
            "[{command: [/usr/bin/shopctl, leave]}]",
            "before the first signal to a process that was Ready",
        ),
        list(
            "postStop",
            Kind::List(&Kind::Object(&HOOK)),
            "[{command: [/usr/bin/shopctl, tidy]}]",
            "when the process is gone, however it ended",
        ),
    ],
    later: &[],
    foreign: &[("before", "preStart"), ("after", "postStop")],
};

/// An entry of a list of `hooks`.
pub const HOOK: Table = Table {
    name: "hook",
    fields: &[
        row(
            "command",
            Kind::List(&Kind::Text),
            REQUIRED,
            Live,
            "[/usr/bin/shopctl, migrate]",
            "program and arguments",
        ),
        row(
            "timeout",
            Kind::Duration,
            "30s",
            Live,
            "5s",
            "how long it may take; then it is killed with what descends from it",
        ),
        row(
            "onFailure",
            Kind::Words(&HOOK_FAILURES),
            "abort; continue around a stop",
            Live,
            "continue",
            "what follows when it fails",
        ),
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
    foreign: &[("args", "command"), ("exec", "command")],
};

/// `suspend`
pub const SUSPEND: Table = Table {
    name: "suspend",
    fields: &[
        row("reason", Kind::Text, REQUIRED, Live, "moving house", "why, for people"),
        row(
            "until",
            Kind::Text,
            "none",
            Live,
            "\"2030-01-31T08:00:00Z\"",
            "a moment of the wall clock, with its time zone",
        ),
    ],
    later: &[],
    foreign: &[],
};
