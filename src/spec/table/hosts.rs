//! The rows of `hosts`.

use super::document::row;
use super::tasks::SELECTOR;
use super::{Class, Kind, Table};
use Class::Live;

/// `hosts`
pub const HOSTS: Table = Table {
    name: "hosts",
    fields: &[
        row(
            "names",
            Kind::List(&Kind::Text),
            "any",
            Live,
            "[web-*, mail]",
            "the host is called like one of these, with or without its domain; `*`, `?`, `[ab]` and `{a,b}` mean what they mean in a shell",
        ),
        row(
            "selector",
            Kind::Object(&SELECTOR),
            "any",
            Live,
            "{matchLabels: {role: web}}",
            "the labels that the host was given (`--host-labels`)",
        ),
        row(
            "when",
            Kind::HostExpression,
            "any",
            Live,
            "'cpus >= 4 && os == \"debian\"'",
            "a condition on `name`, `labels[\"role\"]`, `arch`, `kernel`, `kernel.major`, `cpus`, `memory`, `os` and `os.version` of the host; where it can't be told, the file is refused",
        ),
    ],
    later: &[],
    foreign: &[("name", "names"), ("hostname", "names"), ("labels", "selector"), ("matchLabels", "selector")],
};
