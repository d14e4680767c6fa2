//! The rows of Matchers.

use super::document::{ANNOTATIONS_ROW, LABELS_ROW, REQUIRED, VERSION_ROW, kind_row, metadata_row, row};
use super::{Class, Kind, Table, Words};
use Class::{Live, New};

/// A document of kind Matcher.
pub const MATCHER_DOCUMENT: Table = Table {
    name: "matcher document",
    fields: &[
        VERSION_ROW,
        kind_row("Matcher"),
        metadata_row(&MATCHER_METADATA, "{name: web}"),
        row(
            "spec",
            Kind::Object(&MATCHER),
            REQUIRED,
            Live,
            "{define: {php_worker: 'comm starts_with \"php-fpm\"'}}",
            "named conditions and lists, and their tests",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of a Matcher
pub const MATCHER_METADATA: Table = Table {
    name: "matcher metadata",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            New,
            "web",
            "what its names begin with: `web.instance`, `@web.admins`",
        ),
        LABELS_ROW,
        ANNOTATIONS_ROW,
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of a Matcher.
pub const MATCHER: Table = Table {
    name: "matcher",
    fields: &[
        row(
            "lists",
            Kind::Map(&Kind::Object(&NAMED_LIST)),
            "{}",
            Live,
            "{admins: {type: user, items: [root]}}",
            "named lists, used as `user in @web.admins`",
        ),
        row(
            "define",
            Kind::Map(&Kind::ExpressionOrObject(&DEFINITION)),
            "{}",
            Live,
            "{php_worker: 'comm starts_with \"php-fpm\"'}",
            "named conditions, used as `web.php_worker` or `web.instance(startas, 80)`",
        ),
        row(
            "tests",
            Kind::List(&Kind::Object(&MATCHER_TEST)),
            "[]",
            Live,
            "[{name: root, expect: {'user == 0': true}, process: {uid: 0}}]",
            "what expressions are of stated facts, for `check` and `test`",
        ),
    ],
    later: &[],
    foreign: &[("list", "lists"), ("defines", "define"), ("matchers", "define"), ("test", "tests")],
};

/// A named list.
pub const NAMED_LIST: Table = Table {
    name: "named list",
    fields: &[
        row("type", Kind::Type, "string", Live, "string", "type of the elements"),
        row("items", Kind::List(&Kind::Text), REQUIRED, Live, "[root]", "the elements"),
    ],
    later: &[],
    foreign: &[("of", "type"), ("values", "items"), ("elements", "items")],
};

/// A definition with parameters.
pub const DEFINITION: Table = Table {
    name: "definition",
    fields: &[
        row(
            "params",
            Kind::Map(&Kind::Type),
            "{}",
            Live,
            "{port: int}",
            "parameters with their types, in the order of positional arguments",
        ),
        row("expr", Kind::Expression, REQUIRED, Live, "'user == \"www-data\"'", "the condition"),
    ],
    later: &[],
    foreign: &[("parameters", "params"), ("args", "params"), ("expression", "expr"), ("match", "expr")],
};

/// What a test expects.
pub const VERDICTS: Words = Words { now: &["true", "false", "unknown"], later: &[] };

/// A test of a Matcher document.
pub const MATCHER_TEST: Table = Table {
    name: "matcher test",
    fields: &[
        row("name", Kind::Text, REQUIRED, Live, "root is an admin", "what it shows"),
        row(
            "expect",
            Kind::Map(&Kind::Words(&VERDICTS)),
            REQUIRED,
            Live,
            "{'user == 0': true}",
            "expressions, and whether they are true, false or unknown",
        ),
        row(
            "process",
            Kind::Facts,
            REQUIRED,
            Live,
            "{uid: 0}",
            "the process, in the form of a snapshot; what isn't stated is absent",
        ),
        row("host", Kind::Facts, "{}", Live, "{users: {root: 0}}", "the host, in the form of a snapshot"),
    ],
    later: &[],
    foreign: &[("expected", "expect"), ("proc", "process")],
};
