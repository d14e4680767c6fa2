//! The rows that documents of every kind have, and those of the document of a Service.

use super::service::SERVICE;
use super::{Class, Field, Kind, Table, Words};
use Class::{Live, New};

pub(super) const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    class: Class,
    example: &'static str,
    summary: &'static str,
) -> Field {
    Field { name, kind, default, class, example, summary }
}

pub(super) const REQUIRED: &str = "required";

/// The version of the format, as every document says it.
pub(super) const VERSION_ROW: Field =
    row("apiVersion", Kind::Text, REQUIRED, New, crate::spec::API_VERSION, "version of the document format");

/// What a document declares.
pub(super) const fn kind_row(example: &'static str) -> Field {
    row("kind", Kind::Words(&KINDS), REQUIRED, New, example, "what the document declares")
}

/// Its name, and what is said about it.
pub(super) const fn metadata_row(table: &'static Table, example: &'static str) -> Field {
    row("metadata", Kind::Object(table), REQUIRED, Live, example, "name and labels")
}

/// Labels of what nothing selects.
pub(super) const LABELS_ROW: Field =
    row("labels", Kind::Map(&Kind::Text), "{}", Live, "{tier: web}", "for people and other tools");

/// What selfsame doesn't read.
pub(super) const ANNOTATIONS_ROW: Field =
    row("annotations", Kind::Map(&Kind::Text), "{}", Live, "{owner: ann}", "for people and other tools");

/// A document.
pub const DOCUMENT: Table = Table {
    name: "document",
    fields: &[
        VERSION_ROW,
        kind_row("Service"),
        metadata_row(&METADATA, "{name: shop}"),
        row("spec", Kind::Object(&SERVICE), REQUIRED, Live, "{startas: /srv/shop/shop.py}", "what is wanted"),
    ],
    later: &[],
    foreign: &[],
};

/// The kinds.
pub const KINDS: Words =
    Words { now: &["Service", "Matcher", "Plugin", "Task", "Defaults", "Engine", "Policy"], later: &[] };

/// `metadata`
pub const METADATA: Table = Table {
    name: "metadata",
    fields: &[
        row("name", Kind::Text, REQUIRED, New, "shop", "name of the object, unique among Services and Tasks"),
        row("labels", Kind::Map(&Kind::Text), "{}", Live, "{tier: web}", "for selectors"),
        ANNOTATIONS_ROW,
        row(
            "previousName",
            Kind::Text,
            "none",
            Live,
            "old-shop",
            "object whose process this one may take over",
        ),
    ],
    later: &[],
    foreign: &[("label", "labels")],
};
