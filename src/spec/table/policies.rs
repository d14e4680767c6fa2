//! The rows of Policies.

use super::change::SUSPEND;
use super::document::{ANNOTATIONS_ROW, REQUIRED, VERSION_ROW, kind_row, metadata_row, row};
use super::ending::STOP_STEP;
use super::hosts::HOSTS;
use super::matchers::VERDICTS;
use super::resources::{RESOURCES_CPU, RESOURCES_IO, RESOURCES_MEMORY, RESOURCES_PIDS};
use super::tasks::SELECTOR;
use super::{Class, Kind, Table, Words};
use Class::{Live, New};

/// What a Policy does that needs no more words.
pub const ACTIONS: Words = Words { now: &["report", "restart", "stop"], later: &[] };
const SEVERITIES: Words = Words { now: &["info", "warning", "error", "critical"], later: &[] };

/// A document of kind Policy.
pub const POLICY_DOCUMENT: Table = Table {
    name: "policy document",
    fields: &[
        VERSION_ROW,
        kind_row("Policy"),
        metadata_row(&POLICY_METADATA, "{name: one-cron}"),
        row(
            "spec",
            Kind::Object(&POLICY),
            REQUIRED,
            Live,
            "{match: 'name == \"cron\"', count: 1}",
            "which processes, what is not to be of them, and what is done about it",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of a Policy
pub const POLICY_METADATA: Table = Table {
    name: "policy metadata",
    fields: &[
        row("name", Kind::Text, REQUIRED, New, "one-cron", "name of the document, unique among Policies"),
        row("labels", Kind::Map(&Kind::Text), "{}", Live, "{team: ops}", "for people and other tools"),
        ANNOTATIONS_ROW,
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of a Policy.
pub const POLICY: Table = Table {
    name: "policy",
    fields: &[
        row(
            "match",
            Kind::Expression,
            "all processes that `selector` chooses",
            Live,
            "'name == \"cron\"'",
            "the processes that it is about; this or `selector`, or what both choose",
        ),
        row(
            "selector",
            Kind::Object(&SELECTOR),
            "whatever process there is",
            Live,
            "{matchLabels: {tier: web}}",
            "it is about the processes of the Services and Tasks here with these labels",
        ),
        row(
            "when",
            Kind::Expression,
            "that there is such a process",
            Live,
            "'rss > 2GiB'",
            "what must not be so of any of them",
        ),
        row(
            "count",
            Kind::Count,
            "any number",
            Live,
            "1",
            "how many of them (of which `when` is so) there may be: a number, or a range such as `..3` (at most 2), `2..`, `1..=3`",
        ),
        row(
            "for",
            Kind::Lasting,
            "at once",
            Live,
            "30s",
            "how long it has to be so before it counts: a time, or so many of the last looks, `3 of 5`",
        ),
        row(
            "every",
            Kind::Duration,
            "5s",
            Live,
            "30s",
            "time between two looks at what the kernel doesn't tell of; at least 100ms",
        ),
        row(
            "do",
            Kind::OneOrMany(&Kind::WordsOrObject(&ACTIONS, &POLICY_ACTION)),
            "report",
            Live,
            "[{exec: {command: [/usr/local/bin/page]}}, {signal: TERM}]",
            "what is done about it, one action or several in turn; it is reported in any case",
        ),
        row(
            "limit",
            Kind::Object(&POLICY_LIMIT),
            "{count: 1, per: 10m}",
            Live,
            "{count: 3, per: 1h}",
            "how often it acts, all its processes and actions together",
        ),
        row(
            "dryRun",
            Kind::Bool,
            "true for processes that no Service here owns",
            Live,
            "false",
            "only say what would be done",
        ),
        row("severity", Kind::Words(&SEVERITIES), "warning", Live, "critical", "how bad it is"),
        row(
            "message",
            Kind::Message,
            "what was found",
            Live,
            "\"${name} uses ${rss}\"",
            "what people are told, facts of the process in `${...}`",
        ),
        row(
            "hosts",
            Kind::Object(&HOSTS),
            "every host",
            Live,
            "{names: [web-*]}",
            "which hosts it is for; others take no notice of it",
        ),
        row(
            "suspend",
            Kind::Object(&SUSPEND),
            "none",
            Live,
            "{reason: migration}",
            "it looks at nothing and does nothing",
        ),
        row(
            "tests",
            Kind::List(&Kind::Object(&POLICY_TEST)),
            "[]",
            Live,
            "[{name: two, processes: [{comm: cron}, {comm: cron}], expect: {violated: true}}]",
            "what it makes of stated facts, for `check` and `test`",
        ),
    ],
    later: &[],
    foreign: &[
        ("matches", "match"),
        ("condition", "when"),
        ("if", "when"),
        ("action", "do"),
        ("actions", "do"),
        ("then", "do"),
        ("interval", "every"),
        ("duration", "for"),
        ("dry_run", "dryRun"),
        ("priority", "severity"),
        ("output", "message"),
        ("desc", "message"),
        ("test", "tests"),
    ],
};

/// An action of a Policy.
pub const POLICY_ACTION: Table = Table {
    name: "policy action",
    fields: &[
        row(
            "exec",
            Kind::Object(&POLICY_EXEC),
            "none",
            Live,
            "{command: [/usr/local/bin/page, ops]}",
            "runs a command, with the facts in its environment",
        ),
        row(
            "signal",
            Kind::SignalOrObject(&POLICY_SIGNAL),
            "none",
            Live,
            "TERM",
            "sends a signal to the process, or several in turn",
        ),
        row("renice", Kind::Integer(-20, 19), "none", Live, "10", "gives the process this nice value"),
        row(
            "setLimit",
            Kind::Map(&Kind::Limit),
            "none",
            Live,
            "{nofile: {soft: 1024, hard: 4096}}",
            "gives the process these limits, by their setrlimit(2) names in lower case",
        ),
        row(
            "cgroup",
            Kind::Object(&POLICY_GROUP),
            "none",
            Live,
            "{memory: {max: 1GiB}}",
            "moves the process into a control group that selfsame makes",
        ),
    ],
    later: &[],
    foreign: &[
        ("command", "exec"),
        ("run", "exec"),
        ("kill", "signal"),
        ("nice", "renice"),
        ("limits", "setLimit"),
        ("setlimit", "setLimit"),
        ("rlimit", "setLimit"),
        ("move", "cgroup"),
    ],
};

/// `exec` of a Policy
pub const POLICY_EXEC: Table = Table {
    name: "policy exec",
    fields: &[
        row(
            "command",
            Kind::List(&Kind::Text),
            REQUIRED,
            Live,
            "[/usr/local/bin/page, ops]",
            "program, by its absolute path, and arguments",
        ),
        row("timeout", Kind::Duration, "30s", Live, "10s", "how long it may take; then it is ended"),
        row(
            "user",
            Kind::Account,
            "that of the engine",
            Live,
            "nobody",
            "name or number of the user who runs it",
        ),
    ],
    later: &[],
    foreign: &[("cmd", "command"), ("args", "command")],
};

/// `signal` of a Policy
pub const POLICY_SIGNAL: Table = Table {
    name: "policy signal",
    fields: &[row(
        "schedule",
        Kind::List(&Kind::Object(&STOP_STEP)),
        REQUIRED,
        Live,
        "[{signal: TERM, wait: 30s}, {signal: KILL, wait: 5s}]",
        "signals, and how long each waits for the process to end",
    )],
    later: &[],
    foreign: &[("steps", "schedule")],
};

/// `cgroup` of a Policy
pub const POLICY_GROUP: Table = Table {
    name: "policy group",
    fields: &[
        row(
            "name",
            Kind::Text,
            "that of the Policy",
            Live,
            "hogs",
            "its name; Policies that give the same one share the group, and have to give it the same bounds",
        ),
        row(
            "memory",
            Kind::Object(&RESOURCES_MEMORY),
            "unlimited",
            Live,
            "{max: 1GiB}",
            "memory of all in it together",
        ),
        row(
            "cpu",
            Kind::Object(&RESOURCES_CPU),
            "unlimited",
            Live,
            "{max: 50%}",
            "processor time of all in it together",
        ),
        row(
            "pids",
            Kind::Object(&RESOURCES_PIDS),
            "unlimited",
            Live,
            "{max: 100}",
            "processes and threads in it",
        ),
        row(
            "io",
            Kind::Object(&RESOURCES_IO),
            "as all",
            Live,
            "{weight: 10}",
            "the disks' time of all in it together",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `limit` of a Policy
pub const POLICY_LIMIT: Table = Table {
    name: "policy limit",
    fields: &[
        row("count", Kind::Integer(1, 100_000), "1", Live, "3", "so often"),
        row("per", Kind::Duration, "10m", Live, "1h", "in so long"),
    ],
    later: &[],
    foreign: &[("max", "count"), ("times", "count"), ("window", "per"), ("interval", "per")],
};

/// A test of a Policy.
pub const POLICY_TEST: Table = Table {
    name: "policy test",
    fields: &[
        row("name", Kind::Text, REQUIRED, Live, "two", "what it shows"),
        row(
            "process",
            Kind::Facts,
            "none",
            Live,
            "{comm: cron, uid: 0}",
            "the facts of the only process there is, in the form of snapshots",
        ),
        row(
            "processes",
            Kind::List(&Kind::Facts),
            "[]",
            Live,
            "[{comm: cron, uid: 0}, {comm: cron, uid: 0}]",
            "the facts of all processes there are",
        ),
        row(
            "host",
            Kind::Facts,
            "nothing is known",
            Live,
            "{users: {root: 0}}",
            "facts of the host, in the form of snapshots",
        ),
        row(
            "expect",
            Kind::Object(&POLICY_EXPECT),
            REQUIRED,
            Live,
            "{violated: true}",
            "what the Policy has to say about it, `for` left aside",
        ),
    ],
    later: &[],
    foreign: &[("facts", "processes"), ("expected", "expect")],
};

/// `expect` of a test of a Policy
pub const POLICY_EXPECT: Table = Table {
    name: "policy expectation",
    fields: &[
        row(
            "violated",
            Kind::Words(&VERDICTS),
            REQUIRED,
            Live,
            "true",
            "whether it is violated, or nobody can tell",
        ),
        row(
            "message",
            Kind::Text,
            "not looked at",
            Live,
            "cron uses 3GiB",
            "what is said of the first process that violates it",
        ),
    ],
    later: &[],
    foreign: &[],
};
