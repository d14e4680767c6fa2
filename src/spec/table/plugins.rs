//! The rows of Plugins.

use super::document::{ANNOTATIONS_ROW, LABELS_ROW, REQUIRED, VERSION_ROW, kind_row, metadata_row, row};
use super::{Class, Kind, Table};
use Class::{Live, New};

/// A document of kind Plugin.
pub const PLUGIN_DOCUMENT: Table = Table {
    name: "plugin document",
    fields: &[
        VERSION_ROW,
        kind_row("Plugin"),
        metadata_row(&PLUGIN_METADATA, "{name: php}"),
        row(
            "spec",
            Kind::Object(&PLUGIN),
            REQUIRED,
            Live,
            "{wasm: ./php.wasm, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}",
            "the module, and what it may see",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of a Plugin
pub const PLUGIN_METADATA: Table = Table {
    name: "plugin metadata",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            New,
            "php",
            "what its names begin with: `php.pool`, `php.newer(...)`",
        ),
        LABELS_ROW,
        ANNOTATIONS_ROW,
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of a Plugin.
pub const PLUGIN: Table = Table {
    name: "plugin",
    fields: &[
        row(
            "wasm",
            Kind::Path,
            REQUIRED,
            Live,
            "./php.wasm",
            "the WebAssembly module: absolute, or relative to this file",
        ),
        row(
            "sha256",
            Kind::Text,
            REQUIRED,
            Live,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "SHA-256 of the module in hexadecimal; another module is refused",
        ),
        row(
            "grants",
            Kind::Object(&GRANTS),
            "{}",
            Live,
            "{fields: [argv], files: [/etc/php/*.conf]}",
            "what it may see; what it needs and isn't granted is an error",
        ),
    ],
    later: &[],
    foreign: &[("module", "wasm"), ("path", "wasm"), ("digest", "sha256"), ("grant", "grants")],
};

/// `grants` of a Plugin.
pub const GRANTS: Table = Table {
    name: "grants",
    fields: &[
        row(
            "fields",
            Kind::List(&Kind::Text),
            "[]",
            Live,
            "[argv, cgroup]",
            "built-in fields of the process",
        ),
        row("files", Kind::List(&Kind::Text), "[]", Live, "[/etc/php/*.conf]", "paths and globs of files"),
    ],
    later: &[],
    foreign: &[("field", "fields"), ("file", "files")],
};
