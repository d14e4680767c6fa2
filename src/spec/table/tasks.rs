//! The rows of Tasks and Defaults. What a Task shares with a Service is taken from the rows of a Service, so that a new
//! field is one of both unless it is named here.

#![expect(
    clippy::indexing_slicing,
    reason = "constant evaluation has no iterators, and no panics at run time"
)]

use super::document::{
    ANNOTATIONS_ROW, LABELS_ROW, METADATA, REQUIRED, VERSION_ROW, kind_row, metadata_row, row,
};
use super::service::SERVICE;
use super::{Class, Field, Kind, Table, Words};
use Class::{Live, New, NextRun};

/// What only makes sense for something that keeps running, or isn't done for a Task.
const NOT_OF_TASKS: &[&str] = &[
    "type",
    "pidfile",
    "writePidfile",
    "replicas",
    "readiness",
    "liveness",
    "startTimeout",
    "restart",
    "update",
    "reload",
    "triggers",
    "binaryChange",
    "duplicates",
    "sockets",
    "hooks",
];

const RUNS: Words = Words { now: &["once", "onChange"], later: &[] };
const CONCURRENCY: Words = Words { now: &["forbid", "replace", "allow"], later: &[] };
const ON_UNKNOWN: Words = Words { now: &["hold", "goOn"], later: &[] };
const MISSED: Words = Words { now: &["runOnce", "skip"], later: &[] };

/// What a Task has beyond what it shares with a Service.
const OWN: &[Field] = &[
    row(
        "run",
        Kind::Words(&RUNS),
        "once, without a schedule",
        Live,
        "onChange",
        "when it runs, without a schedule",
    ),
    row(
        "schedule",
        Kind::Object(&SCHEDULE),
        "none",
        Live,
        "{cron: \"30 3 * * *\", timeZone: Europe/Berlin}",
        "it runs again and again: by cron, or at an interval",
    ),
    row("timeout", Kind::Duration, "none", Live, "1h", "a run that takes longer is stopped and has failed"),
    row(
        "retry",
        Kind::Object(&RETRY),
        "{limit: 0}",
        Live,
        "{limit: 3}",
        "what is done about a run that failed",
    ),
    row(
        "concurrency",
        Kind::Words(&CONCURRENCY),
        "forbid",
        Live,
        "replace",
        "what is done when a run is due and another one is under way",
    ),
    row(
        "successCodes",
        Kind::List(&Kind::Integer(0, 255)),
        "[]",
        Live,
        "[3]",
        "exit codes that count as success besides 0",
    ),
    row(
        "onUnknown",
        Kind::Words(&ON_UNKNOWN),
        "hold",
        Live,
        "goOn",
        "what follows when nobody knows how a run ended; that run is never tried again",
    ),
];

/// `schedule`
pub const SCHEDULE: Table = Table {
    name: "schedule",
    fields: &[
        row(
            "cron",
            Kind::Text,
            "none",
            Live,
            "\"30 3 * * *\"",
            "minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly",
        ),
        row("timeZone", Kind::Text, "UTC", Live, "Europe/Berlin", "whose clock `cron` goes by"),
        row("every", Kind::Duration, "none", Live, "15m", "from one run to the next, beginning at once"),
        row(
            "jitter",
            Kind::Duration,
            "none",
            Live,
            "5m",
            "moments are put off by a part of it, always the same one",
        ),
        row(
            "missed",
            Kind::Words(&MISSED),
            "runOnce",
            Live,
            "skip",
            "what is done about moments that are found over by more than a minute",
        ),
    ],
    later: &[],
    foreign: &[
        ("timezone", "timeZone"),
        ("tz", "timeZone"),
        ("interval", "every"),
        ("randomizedDelay", "jitter"),
    ],
};

/// `retry`
pub const RETRY: Table = Table {
    name: "retry",
    fields: &[
        row("limit", Kind::Integer(0, 1000), "0", Live, "3", "so often a run that failed is tried again"),
        row("backoff", Kind::Duration, "1s", Live, "10s", "the first wait, doubled with each failure"),
        row("maxBackoff", Kind::Duration, "5m", Live, "1m", "the longest wait"),
        row("jitter", Kind::Fraction, "0.1", Live, "0.2", "fraction of the wait that chance adds or takes"),
    ],
    later: &[],
    foreign: &[("count", "limit"), ("retries", "limit"), ("max", "limit"), ("delay", "backoff")],
};

const SHARED: usize = count_shared();

/// `spec` of a Task.
pub const TASK: Table = Table {
    name: "task",
    fields: &TASK_FIELDS,
    later: &[("hooks", "`startas` can be a script that does more")],
    foreign: &[
        ("command", "startas"),
        ("cmd", "startas"),
        ("exec", "startas"),
        ("cron", "schedule"),
        ("every", "schedule"),
        ("environment", "env"),
        ("cwd", "workingDirectory"),
        ("concurrencyPolicy", "concurrency"),
        ("activeDeadlineSeconds", "timeout"),
        ("backoffLimit", "retry"),
        ("restart", "retry"),
    ],
};

const TASK_FIELDS: [Field; SHARED + OWN.len()] = task_fields();

/// `values` of Defaults: every field of both, none of them required.
pub const VALUES: Table =
    Table { name: "values", fields: &VALUES_FIELDS, later: SERVICE.later, foreign: SERVICE.foreign };

const VALUES_FIELDS: [Field; SERVICE.fields.len() + OWN.len()] = values_fields();

/// A document of kind Task.
pub const TASK_DOCUMENT: Table = Table {
    name: "task document",
    fields: &[
        VERSION_ROW,
        kind_row("Task"),
        metadata_row(&METADATA, "{name: backup}"),
        row(
            "spec",
            Kind::Object(&TASK),
            REQUIRED,
            Live,
            "{startas: /srv/shop/backup.sh}",
            "what is to be run",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// A document of kind Defaults.
pub const DEFAULTS_DOCUMENT: Table = Table {
    name: "defaults document",
    fields: &[
        VERSION_ROW,
        kind_row("Defaults"),
        metadata_row(&DEFAULTS_METADATA, "{name: base}"),
        row(
            "spec",
            Kind::Object(&DEFAULTS),
            REQUIRED,
            Live,
            "{selector: {matchLabels: {tier: web}}, values: {user: www-data}}",
            "which values, and for whom",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of Defaults
pub const DEFAULTS_METADATA: Table = Table {
    name: "defaults metadata",
    fields: &[
        row("name", Kind::Text, REQUIRED, New, "base", "name of the document, unique among Defaults"),
        LABELS_ROW,
        ANNOTATIONS_ROW,
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of Defaults.
pub const DEFAULTS: Table = Table {
    name: "defaults",
    fields: &[
        row(
            "selector",
            Kind::Object(&SELECTOR),
            "every Service and Task",
            Live,
            "{matchLabels: {tier: web}}",
            "the labels of those that get the values",
        ),
        row(
            "weight",
            Kind::Integer(-1000, 1000),
            "0",
            Live,
            "10",
            "of two Defaults the heavier one wins, of the same weight the one whose name comes later",
        ),
        row(
            "values",
            Kind::Object(&VALUES),
            REQUIRED,
            Live,
            "{user: www-data, env: {LANG: C.UTF-8}}",
            "fields of a Service or Task; what a document says itself goes before",
        ),
    ],
    later: &[],
    foreign: &[("spec", "values"), ("template", "values"), ("priority", "weight"), ("labels", "selector")],
};

/// `selector`
pub const SELECTOR: Table = Table {
    name: "selector",
    fields: &[
        row(
            "matchLabels",
            Kind::Map(&Kind::Text),
            "{}",
            Live,
            "{tier: web}",
            "labels with their values, all of them",
        ),
        row(
            "matchExpressions",
            Kind::List(&Kind::Object(&REQUIREMENT)),
            "[]",
            Live,
            "[{key: tier, operator: In, values: [web, api]}]",
            "conditions on labels, all of them",
        ),
    ],
    later: &[],
    foreign: &[("labels", "matchLabels"), ("expressions", "matchExpressions")],
};

/// Operators of a selector, as elsewhere.
pub const OPERATORS: Words = Words { now: &["In", "NotIn", "Exists", "DoesNotExist"], later: &[] };

/// An item of `matchExpressions`.
pub const REQUIREMENT: Table = Table {
    name: "requirement",
    fields: &[
        row("key", Kind::Text, REQUIRED, Live, "tier", "name of the label"),
        row("operator", Kind::Words(&OPERATORS), REQUIRED, Live, "In", "what is asked of it"),
        row("values", Kind::List(&Kind::Text), "[]", Live, "[web, api]", "for In and NotIn"),
    ],
    later: &[],
    foreign: &[("label", "key"), ("op", "operator")],
};

/// What follows is evaluated by the compiler: an index out of range is an error there, never a panic.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_shared(field: &Field) -> bool {
    let mut at = 0;
    while at < NOT_OF_TASKS.len() {
        if same(NOT_OF_TASKS[at], field.name) {
            return false;
        }
        at += 1;
    }
    true
}

const fn count_shared() -> usize {
    let (mut at, mut count) = (0, 0);
    while at < SERVICE.fields.len() {
        if is_shared(&SERVICE.fields[at]) {
            count += 1;
        }
        at += 1;
    }
    count
}

/// A change of what a Task is started with counts for its next run.
const fn of_task(field: Field) -> Field {
    match field.class {
        Class::Restart => Field { class: NextRun, ..field },
        Class::Live | Class::New | Class::NextRun => field,
    }
}

const fn task_fields() -> [Field; SHARED + OWN.len()] {
    let mut fields = [OWN[0]; SHARED + OWN.len()];
    let (mut at, mut to) = (0, 0);
    while at < SERVICE.fields.len() {
        if is_shared(&SERVICE.fields[at]) {
            fields[to] = of_task(SERVICE.fields[at]);
            to += 1;
        }
        at += 1;
    }
    let mut own = 0;
    while own < OWN.len() {
        fields[to + own] = OWN[own];
        own += 1;
    }
    fields
}

const fn optional(field: Field) -> Field {
    if same(field.default, REQUIRED) { Field { default: "none", ..field } } else { field }
}

const fn values_fields() -> [Field; SERVICE.fields.len() + OWN.len()] {
    let mut fields = [OWN[0]; SERVICE.fields.len() + OWN.len()];
    let mut at = 0;
    while at < SERVICE.fields.len() {
        fields[at] = optional(SERVICE.fields[at]);
        at += 1;
    }
    let mut own = 0;
    while own < OWN.len() {
        fields[at + own] = OWN[own];
        own += 1;
    }
    fields
}
