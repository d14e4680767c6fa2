//! The rows of the end of a process: restart and stop.

use super::document::{REQUIRED, row};
use super::{Class, Kind, Table, Words};
use Class::Live;

const RESTART_POLICIES: Words = Words { now: &["always", "on-failure", "never"], later: &[] };

/// `restart`
pub const RESTART: Table = Table {
    name: "restart",
    fields: &[
        row("policy", Kind::Words(&RESTART_POLICIES), "always", Live, "on-failure", "after which exits"),
        row(
            "successCodes",
            Kind::List(&Kind::Integer(0, 255)),
            "[]",
            Live,
            "[3]",
            "exit codes that count as success besides 0",
        ),
        row("backoff", Kind::Duration, "1s", Live, "2s", "the first wait, doubled with each failure"),
        row("maxBackoff", Kind::Duration, "5m", Live, "1m", "the longest wait"),
        row("jitter", Kind::Fraction, "0.1", Live, "0.2", "fraction of the wait that chance adds or takes"),
        row(
            "resetAfter",
            Kind::Duration,
            "10m",
            Live,
            "5m",
            "after so long in good health the next wait is the first one again",
        ),
    ],
    later: &[],
    foreign: &[("delay", "backoff"), ("maxDelay", "maxBackoff")],
};

const SCOPES: Words = Words { now: &["main", "group", "tree"], later: &[] };

/// `stop`
pub const STOP: Table = Table {
    name: "stop",
    fields: &[
        row(
            "schedule",
            Kind::List(&Kind::Object(&STOP_STEP)),
            "TERM, 30s, KILL, 5s",
            Live,
            "[{signal: TERM, wait: 30s}, {signal: KILL, wait: 5s}]",
            "signals in order, each with the time to wait for the exit",
        ),
        row(
            "scope",
            Kind::Words(&SCOPES),
            "tree; main for adopted processes",
            Live,
            "main",
            "who gets the signals: main, group (its process group, at once), or tree (main first, then what is left of all it brought forth)",
        ),
        row(
            "command",
            Kind::List(&Kind::Text),
            "none",
            Live,
            "[/usr/sbin/nginx, -s, quit]",
            "asks it to end, before the first signal",
        ),
        row(
            "commandTimeout",
            Kind::Duration,
            "30s",
            Live,
            "10s",
            "how long the command and the exit that it asks for may take; then the schedule begins",
        ),
        row(
            "commandUser",
            Kind::Account,
            "that of the service",
            Live,
            "root",
            "name or number of the user who runs the command",
        ),
    ],
    later: &[],
    foreign: &[("signal", "schedule"), ("timeout", "schedule"), ("gracePeriod", "schedule")],
};

/// A step of `stop.schedule`.
pub const STOP_STEP: Table = Table {
    name: "step",
    fields: &[
        row("signal", Kind::Signal, REQUIRED, Live, "TERM", "what is sent"),
        row("wait", Kind::Duration, REQUIRED, Live, "30s", "how long to wait for the exit"),
    ],
    later: &[],
    foreign: &[("timeout", "wait")],
};
