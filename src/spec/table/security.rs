//! The rows of what a service may do, and of its secrets.

use super::document::{REQUIRED, row};
use super::{Class, Kind, Table, Words};
use Class::Restart;

/// `security`
pub const SECURITY: Table = Table {
    name: "security",
    fields: &[
        row(
            "noNewPrivileges",
            Kind::Bool,
            "true unless the user is root",
            Restart,
            "true",
            "set-user-ID programs and file capabilities give it nothing (PR_SET_NO_NEW_PRIVS)",
        ),
        row(
            "capabilities",
            Kind::Object(&CAPABILITIES),
            "those of the user",
            Restart,
            "{bounding: [CAP_NET_BIND_SERVICE], ambient: [CAP_NET_BIND_SERVICE]}",
            "capabilities(7)",
        ),
        row(
            "readOnlyPaths",
            Kind::List(&Kind::Path),
            "[]",
            Restart,
            "[/etc, /usr]",
            "absolute paths that it sees as read-only, with all that is mounted below",
        ),
        row(
            "inaccessiblePaths",
            Kind::List(&Kind::Path),
            "[]",
            Restart,
            "[/home, /root]",
            "absolute paths of which it sees an empty directory or file instead",
        ),
        row(
            "privateTmp",
            Kind::Bool,
            "false",
            Restart,
            "true",
            "/tmp and /var/tmp of its own (tmpfs), empty at each start",
        ),
    ],
    later: &[],
    foreign: &[
        ("NoNewPrivileges", "noNewPrivileges"),
        ("PrivateTmp", "privateTmp"),
        ("readOnly", "readOnlyPaths"),
        ("inaccessible", "inaccessiblePaths"),
        ("bounding", "capabilities"),
        ("ambient", "capabilities"),
    ],
};

/// `security.capabilities`
pub const CAPABILITIES: Table = Table {
    name: "capabilities",
    fields: &[
        row(
            "bounding",
            Kind::List(&Kind::Text),
            "all",
            Restart,
            "[CAP_NET_BIND_SERVICE]",
            "what it and all that it executes can ever have; [] is nothing",
        ),
        row(
            "ambient",
            Kind::List(&Kind::Text),
            "[]",
            Restart,
            "[CAP_NET_BIND_SERVICE]",
            "what it has although its user isn't root",
        ),
    ],
    later: &[],
    foreign: &[("drop", "bounding"), ("add", "ambient")],
};

/// An entry of `secrets`.
pub const SECRET: Table = Table {
    name: "secret",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            Restart,
            "DB_PASSWORD",
            "name of the variable; for a file the variable is NAME_FILE and has its path",
        ),
        row("file", Kind::Path, REQUIRED, Restart, "/etc/shop/password", "where its content is read"),
        row(
            "as",
            Kind::Words(&SECRET_FORMS),
            "file",
            Restart,
            "env",
            "file (a copy that only the service's user can read), or env",
        ),
    ],
    later: &[],
    foreign: &[("path", "file"), ("form", "as")],
};

const SECRET_FORMS: Words = Words { now: &["file", "env"], later: &[] };
