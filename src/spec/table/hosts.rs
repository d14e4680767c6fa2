//! The rows of `hosts`.

use super::rows::row;
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
    ],
    later: &[],
    foreign: &[("name", "names"), ("hostname", "names"), ("labels", "selector"), ("matchLabels", "selector")],
};
