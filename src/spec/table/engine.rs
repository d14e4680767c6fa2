//! The rows of documents of kind Engine: how the engine itself works. `class` says when a change counts: at once, or when
//! the engine is started anew. Each row of a single value has a flag of the same name (`prune.delay`: `--prune-delay`).

use super::document::{ANNOTATIONS_ROW, LABELS_ROW, REQUIRED, VERSION_ROW, kind_row, metadata_row, row};
use super::{Class, Kind, Table};
use Class::{Live, Restart};

/// A document of kind Engine.
pub const ENGINE_DOCUMENT: Table = Table {
    name: "engine document",
    fields: &[
        VERSION_ROW,
        kind_row("Engine"),
        metadata_row(&ENGINE_METADATA, "{name: engine}"),
        row("spec", Kind::Object(&ENGINE), REQUIRED, Live, "{resync: 30s}", "the settings"),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of an Engine
pub const ENGINE_METADATA: Table = Table {
    name: "engine metadata",
    fields: &[
        row("name", Kind::Text, REQUIRED, Live, "engine", "name of the document, for people"),
        LABELS_ROW,
        ANNOTATIONS_ROW,
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of an Engine.
pub const ENGINE: Table = Table {
    name: "engine",
    fields: &[
        row(
            "specs",
            Kind::List(&Kind::Path),
            "[/etc/selfsame/specs]",
            Restart,
            "[/etc/selfsame/specs]",
            "files and directories that `watch` keeps where its command line names none",
        ),
        row("recursive", Kind::Bool, "false", Live, "true", "directories are entered, but for hidden ones"),
        row(
            "trustOwners",
            Kind::List(&Kind::Account),
            "[]",
            Live,
            "[deploy]",
            "users who may own spec files, besides root and the engine's own",
        ),
        row(
            "settle",
            Kind::Duration,
            "100ms",
            Live,
            "100ms",
            "quiet time after a change, before it is looked at",
        ),
        row("settleMax", Kind::Duration, "2s", Live, "2s", "longest wait for that quiet time"),
        row(
            "resync",
            Kind::Duration,
            "30s",
            Live,
            "30s",
            "a look at everything so often, even if nothing seems to have changed",
        ),
        row(
            "prune",
            Kind::Object(&PRUNE),
            "{}",
            Live,
            "{delay: 10s}",
            "when objects are removed whose documents are gone",
        ),
        row(
            "limits",
            Kind::Object(&ENGINE_LIMITS),
            "{}",
            Live,
            "{files: 20000}",
            "how much the spec files of all places may be",
        ),
        row(
            "maxParallelStarts",
            Kind::Integer(1, 100_000),
            "4 for each core",
            Live,
            "16",
            "so many services with a readiness check are being started at a time",
        ),
        row(
            "host",
            Kind::Object(&HOST),
            "{}",
            Restart,
            "{name: web1, labels: {tier: web}}",
            "what `hosts` of documents chooses this host by",
        ),
        row(
            "stopOnExit",
            Kind::Bool,
            "false, but true as PID 1",
            Live,
            "true",
            "on TERM, INT or QUIT everything is stopped, in reverse order of dependence",
        ),
        row(
            "metrics",
            Kind::Address,
            "none",
            Restart,
            "127.0.0.1:9464",
            "address and port at which metrics are served",
        ),
        row(
            "git",
            Kind::Object(&GIT),
            "none",
            Restart,
            "{url: 'https://git.example/specs.git'}",
            "a repository whose files are kept as well",
        ),
    ],
    later: &[],
    foreign: &[
        ("directories", "specs"),
        ("paths", "specs"),
        ("interval", "resync"),
        ("trustedOwners", "trustOwners"),
        ("parallelStarts", "maxParallelStarts"),
        ("pruneDelay", "prune"),
        ("labels", "host"),
        ("hostname", "host"),
    ],
};

/// `prune`
pub const PRUNE: Table = Table {
    name: "prune",
    fields: &[
        row(
            "delay",
            Kind::Duration,
            "10s",
            Live,
            "10s",
            "a document is gone when it was missing for so long",
        ),
        row(
            "maxFraction",
            Kind::Fraction,
            "0.5",
            Live,
            "0.5",
            "a larger part of the objects of a place is removed at once only when a person confirms it; three may always be",
        ),
        row(
            "allowEmpty",
            Kind::Bool,
            "false",
            Live,
            "true",
            "a place may become empty; else its last objects are removed only when a person confirms it",
        ),
    ],
    later: &[],
    foreign: &[("maxRatio", "maxFraction"), ("after", "delay")],
};

/// `limits` of an Engine
pub const ENGINE_LIMITS: Table = Table {
    name: "engine limits",
    fields: &[
        row("files", Kind::Integer(1, 1_000_000), "10000", Live, "20000", "number of spec files"),
        row("bytes", Kind::Size, "64MiB", Live, "128MiB", "all spec files together"),
        row("fileBytes", Kind::Size, "1MiB", Live, "2MiB", "one spec file"),
    ],
    later: &[],
    foreign: &[("size", "bytes"), ("fileSize", "fileBytes")],
};

/// `host` of an Engine
pub const HOST: Table = Table {
    name: "host",
    fields: &[
        row("name", Kind::Text, "the kernel's name of the host", Restart, "web1", "name of this host"),
        row("labels", Kind::Map(&Kind::Text), "{}", Restart, "{tier: web}", "labels of this host"),
    ],
    later: &[],
    foreign: &[("hostname", "name")],
};

/// `git` of an Engine
pub const GIT: Table = Table {
    name: "git",
    fields: &[
        row(
            "url",
            Kind::Text,
            REQUIRED,
            Restart,
            "'https://git.example/specs.git'",
            "where it is fetched from",
        ),
        row("branch", Kind::Text, "the repository's HEAD", Restart, "main", "branch that counts"),
        row(
            "path",
            Kind::Text,
            "the whole tree",
            Restart,
            "hosts/web",
            "directory inside the tree that holds the spec files",
        ),
        row("interval", Kind::Duration, "1m", Restart, "1m", "it is fetched so often"),
        row(
            "requireSigned",
            Kind::Bool,
            "false",
            Restart,
            "true",
            "a commit without a good signature isn't taken",
        ),
        row(
            "allowedSigners",
            Kind::Path,
            "none",
            Restart,
            "/etc/selfsame/allowed_signers",
            "whose signatures are good, in the format of ssh-keygen(1)",
        ),
        row(
            "allowRewind",
            Kind::Bool,
            "false",
            Restart,
            "true",
            "a commit that doesn't follow the last one is taken",
        ),
    ],
    later: &[],
    foreign: &[("repository", "url"), ("ref", "branch"), ("directory", "path")],
};
