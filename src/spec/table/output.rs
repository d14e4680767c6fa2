//! The rows of where the output goes.

use super::document::row;
use super::{Class, Kind, Table, Words};
use Class::{Live, Restart};

/// Words for `stdout` and `stderr`.
pub const OUTPUTS: Words = Words { now: &["null", "inherit", "syslog"], later: &[] };

/// `stdout` and `stderr`
pub const OUTPUT: Table = Table {
    name: "output",
    fields: &[
        row(
            "file",
            Kind::Path,
            "a file in the log directory",
            Restart,
            "/var/log/shop.log",
            "opened for appending",
        ),
        row(
            "maxSize",
            Kind::LimitValue,
            "16MiB",
            Live,
            "64MiB",
            "its head is moved to a piece beside it when it has so much, or `unlimited`",
        ),
        row("keep", Kind::Integer(1, 1000), "5", Live, "10", "so many pieces are kept"),
        row("compress", Kind::Bool, "false", Live, "true", "pieces are compressed (gzip)"),
    ],
    later: &[],
    foreign: &[
        ("path", "file"),
        ("size", "maxSize"),
        ("maxBytes", "maxSize"),
        ("rotate", "keep"),
        ("backups", "keep"),
    ],
};
