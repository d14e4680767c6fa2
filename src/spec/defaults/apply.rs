//! Putting values under a document.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use super::{DefaultsDocument, DefaultsSet};
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::table::{self, Kind, Table};
use crate::spec::{codes, paths, placeholders};
use crate::yaml::{Node, NodeKind, Scalar};

/// A document with all values under it.
pub(in crate::spec) struct Applied<'n> {
    /// The whole document.
    pub(in crate::spec) node: Cow<'n, Node>,
    /// What was filled in, by its path, with the name of the Defaults.
    pub(in crate::spec) origins: BTreeMap<String, String>,
    /// Where it stands for messages.
    pub(in crate::spec) at: Span,
    /// Where it comes from, for messages.
    pub(in crate::spec) note: String,
    /// Why the document can't be judged.
    pub(in crate::spec) refused: Option<Diagnostic>,
}

/// Fields of which one rules out others, whoever says it: table, what is there, what is then left out.
const RIVALS: &[(&str, &[&str], &[&str])] = &[
    ("schedule", &["every"], &["cron", "timeZone"]),
    ("schedule", &["cron"], &["every"]),
    ("task", &["run"], &["schedule"]),
    ("task", &["schedule"], &["run"]),
    ("reload", &["signal", "command"], &["signal", "command"]),
];

/// What belongs to any form of a check.
const OF_EVERY_CHECK: &[&str] = &["period", "timeout", "failureThreshold"];

/// Puts the values of all Defaults that choose it under a Service or Task.
pub(in crate::spec) fn applied<'n>(node: &'n Node, set: &DefaultsSet) -> Applied<'n> {
    let nothing = Applied {
        node: Cow::Borrowed(node),
        origins: BTreeMap::new(),
        at: Span::default(),
        note: String::new(),
        refused: None,
    };
    let kind = node.get("kind").and_then(Node::scalar).map(|kind| kind.text.as_str());
    let table = match kind {
        Some("Service") => &table::SERVICE,
        Some("Task") => &table::TASK,
        Some(_) | None => return nothing,
    };
    let NodeKind::Mapping(pairs) = &node.kind else { return nothing };
    let Some((key, spec)) = pairs.iter().find(|(key, _)| key.text == "spec") else { return nothing };
    let labels = labels(node);
    let may_choose = |unusable: &&super::Unusable| {
        unusable.selector.as_ref().is_none_or(|selector| selector.matches(&labels))
    };
    let refused = set.unusable.iter().find(may_choose).map(|unusable| {
        let message = format!("Defaults that may choose this document can't be used: {}", unusable.reason);
        Diagnostic::error(codes::DEFAULTS, message).at(key.span, "").help("mend them first")
    });
    let NodeKind::Mapping(own) = &spec.kind else { return Applied { refused, ..nothing } };
    let chosen: Vec<&DefaultsDocument> =
        set.good.iter().filter(|one| one.selector.matches(&labels)).collect();
    if chosen.is_empty() {
        return Applied { refused, ..nothing };
    }
    let mut merge = Merge { at: key.span, origins: BTreeMap::new(), document: None };
    let mut filled = own.clone();
    for document in &chosen {
        merge.document = Some(document);
        if let NodeKind::Mapping(values) = &document.values.kind {
            merge.fill(&mut filled, values, Some(table), "");
        }
    }
    if merge.origins.is_empty() {
        return Applied { refused, ..nothing };
    }
    let spec = Node { kind: NodeKind::Mapping(filled), span: spec.span };
    let with = |(key, node): &(Scalar, Node)| {
        (key.clone(), if key.text == "spec" { spec.clone() } else { node.clone() })
    };
    let whole = Node { kind: NodeKind::Mapping(pairs.iter().map(with).collect()), span: node.span };
    let names: Vec<String> =
        chosen.iter().map(|one| format!("`{}` ({})", one.name, one.source.name)).collect();
    Applied {
        node: Cow::Owned(whole),
        origins: merge.origins,
        at: key.span,
        note: format!("with the values of the Defaults {}", names.join(" and ")),
        refused,
    }
}

/// The labels as far as they can be read.
fn labels(node: &Node) -> BTreeMap<String, String> {
    let labels = node.get("metadata").and_then(|metadata| metadata.get("labels"));
    let Some(NodeKind::Mapping(pairs)) = labels.map(|labels| &labels.kind) else { return BTreeMap::new() };
    pairs
        .iter()
        .filter_map(|(key, value)| Some((key.text.to_string(), value.scalar()?.text.to_string())))
        .collect()
}

struct Merge<'a> {
    at: Span,
    origins: BTreeMap<String, String>,
    document: Option<&'a DefaultsDocument>,
}

impl Merge<'_> {
    /// Fills up a mapping. Without a table its names are the author's.
    fn fill(
        &mut self,
        own: &mut Vec<(Scalar, Node)>,
        values: &[(Scalar, Node)],
        table: Option<&'static Table>,
        path: &str,
    ) {
        let taken: Vec<String> = own.iter().map(|(key, _)| key.text.to_string()).collect();
        for (key, value) in values {
            let field = table.and_then(|table| table.field(&key.text));
            let left_out =
                table.is_some_and(|table| field.is_none() || is_ruled_out(table, &key.text, &taken));
            if left_out {
                continue;
            }
            let kind = field.map(|field| field.kind);
            let path = if path.is_empty() { key.text.to_string() } else { format!("{path}.{}", key.text) };
            match own.iter_mut().find(|(known, _)| known.text == key.text) {
                None => {
                    own.push((key.placed(self.at, None), self.place(value, kind)));
                    let name = self.document.map(|document| document.name.clone()).unwrap_or_default();
                    self.origins.insert(path, name);
                }
                Some((_, Node { kind: NodeKind::Mapping(own), .. })) => {
                    let inner = match kind {
                        Some(Kind::Object(table) | Kind::WordsOrObject(_, table)) => Some(Some(table)),
                        Some(Kind::Map(_)) => Some(None),
                        Some(_) | None => None,
                    };
                    if let (Some(table), NodeKind::Mapping(values)) = (inner, &value.kind) {
                        self.fill(own, values, table, &path);
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// A value as it stands in the document that it is put into: paths stay those of its own file.
    fn place(&self, node: &Node, kind: Option<Kind>) -> Node {
        let kind = match (&node.kind, kind) {
            (NodeKind::Scalar(scalar), kind) => {
                NodeKind::Scalar(scalar.placed(self.at, self.rewritten(&scalar.text, kind).map(Into::into)))
            }
            (NodeKind::Sequence(items), Some(Kind::List(item))) => {
                NodeKind::Sequence(items.iter().map(|node| self.place(node, Some(*item))).collect())
            }
            (NodeKind::Sequence(items), _) => {
                NodeKind::Sequence(items.iter().map(|node| self.place(node, None)).collect())
            }
            (NodeKind::Mapping(pairs), kind) => NodeKind::Mapping(
                pairs
                    .iter()
                    .map(|(key, node)| {
                        let of_key = match kind {
                            Some(
                                Kind::Object(table)
                                | Kind::WordsOrObject(_, table)
                                | Kind::ExpressionOrObject(table),
                            ) => table.field(&key.text).map(|field| field.kind),
                            Some(Kind::Map(item)) => Some(*item),
                            Some(_) | None => None,
                        };
                        (key.placed(self.at, None), self.place(node, of_key))
                    })
                    .collect(),
            ),
            (NodeKind::Null, _) => NodeKind::Null,
            (NodeKind::Refused, _) => NodeKind::Refused,
        };
        Node { kind, span: self.at }
    }

    fn rewritten(&self, text: &str, kind: Option<Kind>) -> Option<String> {
        let directory = self.document?.directory.as_deref()?;
        if kind == Some(Kind::Path) && text.contains('/') && !text.starts_with(['/', '$']) {
            return Some(paths::beside(Path::new(directory), text).display().to_string());
        }
        placeholders::mentions(text, "specDir").then(|| {
            placeholders::substitute_some(text, |name| (name == "specDir").then(|| directory.to_owned()))
        })
    }
}

/// The document, or heavier Defaults, say something that this would contradict.
fn is_ruled_out(table: &Table, name: &str, taken: &[String]) -> bool {
    let has = |names: &[&str]| taken.iter().any(|taken| names.contains(&taken.as_str()));
    if matches!(table.name, "readiness" | "liveness") {
        let forms: Vec<&str> = table
            .fields
            .iter()
            .map(|field| field.name)
            .filter(|form| !OF_EVERY_CHECK.contains(form))
            .collect();
        return forms.contains(&name) && has(&forms);
    }
    RIVALS.iter().any(|(of, there, out)| *of == table.name && has(there) && out.contains(&name))
}
