//! Where expressions stand in a document: the table of fields says it.

use crate::diagnostic::Span;
use crate::spec::API_VERSION;
use crate::spec::table::{self, Kind, Table};
use crate::yaml::{Node, NodeKind, Scalar};

/// An expression in a document.
#[derive(Clone, Debug)]
pub(super) struct Site<'n> {
    /// `spec.match`
    pub(super) path: String,
    /// Its text.
    pub(super) scalar: &'n Scalar,
    /// What surrounds it.
    pub(super) place: Place,
}

/// What may be written there depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The value of a key that stands there, in lines.
    Value(Span),
    /// An item behind a dash.
    Item,
    /// A value or item inside `{}` or `[]`.
    Flow,
    /// A key itself; whether inside `{}`.
    Key {
        /// Inside braces.
        flow: bool,
    },
}

/// All expressions of a document; none if it isn't ours.
pub(super) fn sites<'n>(text: &str, document: &'n Node) -> Vec<Site<'n>> {
    let mut walk = Walk { text, found: Vec::new() };
    let version = document.get("apiVersion").and_then(Node::scalar);
    let kind = document.get("kind").and_then(Node::scalar);
    if version.is_some_and(|version| version.text == API_VERSION)
        && let Some(table) = kind.and_then(|kind| table::document_of(&kind.text))
    {
        walk.object(document, table, "", false);
    }
    walk.found
}

struct Walk<'a, 'n> {
    text: &'a str,
    found: Vec<Site<'n>>,
}

impl<'n> Walk<'_, 'n> {
    fn is_flow(&self, node: &Node) -> bool {
        self.text.get(node.span.start..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }

    fn object(&mut self, node: &'n Node, table: &Table, path: &str, flow: bool) {
        let NodeKind::Mapping(pairs) = &node.kind else { return };
        let flow = flow || self.is_flow(node);
        for (key, value) in pairs {
            if let Some(field) = table.field(&key.text) {
                let path = join(path, field.name);
                self.value(value, &field.kind, &path, in_mapping(flow, key));
            }
        }
    }

    fn value(&mut self, node: &'n Node, kind: &Kind, path: &str, place: Place) {
        let flow = place == Place::Flow || self.is_flow(node);
        match kind {
            Kind::Expression => {
                if let Some(scalar) = node.scalar() {
                    self.found.push(Site { path: path.to_owned(), scalar, place });
                }
            }
            Kind::ExpressionOrObject(table) => match node.scalar() {
                Some(scalar) => self.found.push(Site { path: path.to_owned(), scalar, place }),
                None => self.object(node, table, path, flow),
            },
            Kind::Object(table) | Kind::WordsOrObject(_, table) | Kind::SignalOrObject(table) => {
                self.object(node, table, path, flow);
            }
            Kind::OneOrMany(item) if !matches!(node.kind, NodeKind::Sequence(_)) => {
                self.value(node, item, path, place);
            }
            Kind::List(item) | Kind::OneOrMany(item) => {
                let NodeKind::Sequence(items) = &node.kind else { return };
                let place = if flow { Place::Flow } else { Place::Item };
                for (at, value) in items.iter().enumerate() {
                    self.value(value, item, &format!("{path}[{at}]"), place);
                }
            }
            Kind::Map(item) => {
                let NodeKind::Mapping(pairs) = &node.kind else { return };
                for (key, value) in pairs {
                    let inner = join(path, &key.text);
                    if **item == Kind::Words(&table::VERDICTS) {
                        self.found.push(Site {
                            path: path.to_owned(),
                            scalar: key,
                            place: Place::Key { flow },
                        });
                    }
                    self.value(value, item, &inner, in_mapping(flow, key));
                }
            }
            // Its names are others than those of processes.
            Kind::HostExpression
            | Kind::Text
            | Kind::Path
            | Kind::Duration
            | Kind::Bool
            | Kind::Fraction
            | Kind::Integer(..)
            | Kind::Mode
            | Kind::Signal
            | Kind::Account
            | Kind::Limit
            | Kind::LimitValue
            | Kind::Size
            | Kind::Address
            | Kind::Cpus
            | Kind::Count
            | Kind::Lasting
            | Kind::Message
            | Kind::Processors
            | Kind::Type
            | Kind::Facts
            | Kind::Words(_) => {}
        }
    }
}

fn in_mapping(flow: bool, key: &Scalar) -> Place {
    if flow { Place::Flow } else { Place::Value(key.span) }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
