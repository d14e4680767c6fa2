//! The envelope of a document: `apiVersion`, `kind`, `metadata`, `spec`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::yaml::{Node, NodeKind, Scalar};

use super::decode::{Decoder, Object, Value};
use super::defaults::{self, DefaultsDocument};
use super::engine::{self, EngineDocument};
use super::matcher::{self, MatcherDocument};
use super::plugin::{self, PluginDocument};
use super::policies::{self, PolicyDocument};
use super::policy::Policy;
use super::table::Table;
use super::{API_VERSION, Service, ServiceName, codes, service, table};

/// A document of kind Service, as far as it could be read.
pub(super) struct Document {
    /// Where its name stands.
    pub(super) name_at: Span,
    /// Where it begins.
    pub(super) at: Span,
    /// Not to be used if there are errors. Large: it stays where it was made.
    pub(super) service: Arc<Service>,
}

/// Whether a document is of this kind, or says so.
fn is_of(kind: &str, node: &Node) -> bool {
    node.get("kind").and_then(Node::scalar).is_some_and(|scalar| scalar.text == kind)
}

/// The documents in a `kind: List`, as tools put several into one; another document is itself.
pub(super) fn items(node: Node) -> Vec<Node> {
    match node.get("items").map(|items| &items.kind) {
        Some(NodeKind::Sequence(items)) if is_of("List", &node) => items.clone(),
        Some(_) | None => vec![node],
    }
}

/// Whether a document is of kind Matcher.
pub(super) fn is_matcher(node: &Node) -> bool {
    is_of("Matcher", node)
}

/// Whether a document is of kind Defaults.
pub(super) fn is_defaults(node: &Node) -> bool {
    is_of("Defaults", node)
}

/// Reads a document of kind Defaults. Nothing for one whose version, name, selector or `spec` can't be used.
pub(super) fn read_defaults(node: &Node, d: &mut Decoder<'_>) -> Option<DefaultsDocument> {
    let Envelope { object, name, foreign, .. } =
        envelope(node, (&table::DEFAULTS_DOCUMENT, &table::DEFAULTS_METADATA), d)?;
    let spec = object.get("spec", d);
    let document = defaults::read(&spec?, name?, d)?;
    (!foreign).then_some(document)
}

/// Whether a document is of kind Engine.
pub(super) fn is_engine(node: &Node) -> bool {
    is_of("Engine", node)
}

/// Reads a document of kind Engine. Nothing for one whose version, name or `spec` can't be used.
pub(super) fn read_engine(node: &Node, d: &mut Decoder<'_>) -> Option<EngineDocument> {
    let Envelope { object, name, foreign, .. } =
        envelope(node, (&table::ENGINE_DOCUMENT, &table::ENGINE_METADATA), d)?;
    let spec = object.get("spec", d);
    let document = engine::read(&spec?, name?, d)?;
    (!foreign).then_some(document)
}

/// Whether a document is of kind Plugin.
pub(super) fn is_plugin(node: &Node) -> bool {
    is_of("Plugin", node)
}

/// Whether a document is of kind Policy.
pub(super) fn is_policy(node: &Node) -> bool {
    is_of("Policy", node)
}

/// Reads a document of kind Policy. Nothing for one whose version or name can't be used.
pub(super) fn read_policy(node: &Node, d: &mut Decoder<'_>) -> Option<PolicyDocument> {
    let tables = (&table::POLICY_DOCUMENT, &table::POLICY_METADATA);
    let Envelope { object, name, labels, annotations, foreign } = envelope(node, tables, d)?;
    let spec = object.get("spec", d);
    let name_at = name.map_or(Span::default(), |name| name.span);
    let named = name.and_then(|name| {
        let no_name = |why| no_name(&name.text, why, "one-cron");
        ServiceName::new(&name.text).map_err(|why| d.say(no_name(why).at(name.span, ""))).ok()
    });
    // What is wrong with the rest is said of a nameless one as well.
    let name = named.clone().or_else(|| ServiceName::new("nameless").ok())?;
    let policy = Policy { labels, annotations, ..Policy::new(name) };
    let mut document = PolicyDocument::new(policy, Arc::clone(&d.source), name_at, first_key(node));
    if let Some(spec) = spec {
        policies::read(&spec, &mut document, d);
    }
    (named.is_some() && !foreign).then_some(document)
}

/// A document of a kind that is no object to be started.
struct Envelope<'n> {
    object: Object<'n>,
    name: Option<&'n Scalar>,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
    /// Its version is one that can't be read.
    foreign: bool,
}

fn envelope<'n>(
    node: &'n Node,
    tables: (&'static Table, &'static Table),
    d: &mut Decoder<'_>,
) -> Option<Envelope<'n>> {
    let value = Value::document(node);
    let object = Object::open(&value, tables.0, d)?;
    let version = object.get("apiVersion", d).map(|value| api_version(&value, d));
    let (mut name, mut labels) = (None, std::collections::BTreeMap::new());
    let mut annotations = std::collections::BTreeMap::new();
    if let Some(value) = object.get("metadata", d)
        && let Some(metadata) = Object::open(&value, tables.1, d)
    {
        metadata.set_some("name", &mut name, d, |value, d| value.scalar("a text", d));
        metadata.set("labels", &mut labels, d, |value, d| service::texts(value, true, d));
        metadata.set("annotations", &mut annotations, d, |value, d| service::texts(value, false, d));
    }
    Some(Envelope { object, name, labels, annotations, foreign: version == Some(None) })
}

/// Reads a document of kind Matcher. Nothing for one whose version or name can't be used.
pub(super) fn read_matcher(node: &Node, d: &mut Decoder<'_>) -> Option<MatcherDocument> {
    let Envelope { object, name, foreign, .. } =
        envelope(node, (&table::MATCHER_DOCUMENT, &table::MATCHER_METADATA), d)?;
    let named = name.inspect(|name| matcher::say_name(name, "a Matcher", d));
    let mut document = MatcherDocument {
        name: named.map_or_else(|| "nameless".to_owned(), |name| name.text.to_string()),
        source: Arc::clone(&d.source),
        name_at: named.map_or(Span::default(), |name| name.span),
        lists: Vec::new(),
        drafts: Vec::new(),
        tests: Vec::new(),
    };
    if let Some(spec) = object.get("spec", d) {
        matcher::read(&spec, &mut document, d);
    }
    (!foreign && named.is_some()).then_some(document)
}

/// Reads a document of kind Plugin and loads its module. Nothing for one whose version, name or `spec` can't be used.
pub(super) fn read_plugin(node: &Node, d: &mut Decoder<'_>) -> Option<PluginDocument> {
    let Envelope { object, name, foreign, .. } =
        envelope(node, (&table::PLUGIN_DOCUMENT, &table::PLUGIN_METADATA), d)?;
    let usable = name.is_some_and(|name| plugin::say_name(name, d));
    let spec = object.get("spec", d);
    let (name, spec) = (name?, spec?);
    plugin::read(&spec, name, usable && !foreign, d)
}

/// Reads a document. Nothing for an empty one, and for one whose name or kind can't be used.
pub(super) fn read(node: &Node, d: &mut Decoder<'_>) -> Option<Document> {
    let value = Value::document(node);
    match &node.kind {
        NodeKind::Null | NodeKind::Refused => return None,
        NodeKind::Mapping(_) => {}
        NodeKind::Scalar(_) | NodeKind::Sequence(_) => {
            let message = format!("a document is a mapping, here stands {}", node.phrase());
            d.say(
                value
                    .wrong(codes::NOT_A_DOCUMENT, message)
                    .help(format!("begin with `apiVersion: {API_VERSION}`")),
            );
            return None;
        }
    }
    let is_task = is_of("Task", node);
    let table = if is_task { &table::TASK_DOCUMENT } else { &table::DOCUMENT };
    let object = Object::open(&value, table, d)?;
    let version = object.get("apiVersion", d).map(|value| api_version(&value, d));
    let kind = object.get("kind", d).map(|value| kind(&value, d));
    if kind == Some(None) || version == Some(None) {
        return None;
    }
    let (mut service, name_at, named) = metadata(&object, d)?;
    if let Some(spec) = object.get("spec", d) {
        service::read(&spec, is_task, Arc::make_mut(&mut service), d);
    }
    named.then_some(Document { name_at, at: first_key(node), service })
}

fn first_key(node: &Node) -> Span {
    match &node.kind {
        NodeKind::Mapping(pairs) => pairs.first().map_or(node.span, |(key, _)| key.span),
        NodeKind::Scalar(_) | NodeKind::Sequence(_) | NodeKind::Null | NodeKind::Refused => node.span,
    }
}

fn api_version(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<()> {
    let text = &value.scalar("a text", d)?.text;
    if text == API_VERSION {
        return Some(());
    }
    let message = if text.starts_with("selfsame/") {
        format!("the version `{text}` is not known")
    } else {
        format!("`apiVersion: {text}` is not a document of selfsame")
    };
    d.say(value.wrong(codes::API_VERSION, message).help(format!("write `apiVersion: {API_VERSION}`")));
    None
}

fn kind(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<()> {
    let text = value.scalar("a word", d)?.text.as_str();
    if table::KINDS.now.contains(&text) {
        return Some(());
    }
    if table::KINDS.later.contains(&text) {
        let diagnostic = value.wrong(codes::LATER_KIND, format!("the kind `{text}` is not supported yet"));
        d.say(diagnostic.help(
            "remove the document; `Service`, `Task`, `Policy`, `Defaults`, `Matcher`, `Plugin` and `Engine` are supported",
        ));
        return None;
    }
    let diagnostic = value.wrong(codes::UNKNOWN_KIND, format!("unknown kind `{text}`"));
    let near = did_you_mean(text, table::KINDS.now.iter().copied());
    d.say(match near.or_else(|| text.eq_ignore_ascii_case("service").then_some("Service")) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("write `kind: Service`"),
    });
    None
}

/// A Service with name and labels; where its name stands; whether that is usable.
fn metadata(object: &Object<'_>, d: &mut Decoder<'_>) -> Option<(Arc<Service>, Span, bool)> {
    let nameless =
        || ServiceName::new("nameless").ok().map(|name| Arc::new(Service::new(name, PathBuf::new())));
    let Some(value) = object.get("metadata", d) else { return Some((nameless()?, Span::default(), false)) };
    let Some(metadata) = Object::open(&value, &table::METADATA, d) else {
        return Some((nameless()?, value.node.span, false));
    };
    let mut name = None;
    metadata.set_some("name", &mut name, d, |value, d| Some((service_name(value, d)?, value.node.span)));
    let mut made = nameless()?;
    let service = Arc::make_mut(&mut made);
    metadata.set_rare("labels", &mut service.labels, d, |value, d| service::texts(value, true, d));
    metadata.set_rare("annotations", &mut service.annotations, d, |value, d| service::texts(value, false, d));
    metadata.set_some("previousName", &mut service.previous_name, d, service_name);
    let Some((name, at)) = name else { return Some((made, value.node.span, false)) };
    if service.previous_name.as_ref() == Some(&name) {
        let diagnostic = Diagnostic::error(codes::CONFLICT, "`metadata.previousName` is the present name");
        d.say(diagnostic.at(metadata.key("previousName").unwrap_or(at), "").help("leave it out"));
    }
    service.name = name;
    Some((made, at, true))
}

fn service_name(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<ServiceName> {
    let text = &value.scalar("a text", d)?.text;
    match ServiceName::new(text) {
        Ok(name) => Some(name),
        Err(message) => {
            d.say(no_name(text, message, "shop").at(value.node.span, ""));
            None
        }
    }
}

fn no_name(text: &str, why: impl std::fmt::Display, example: &str) -> Diagnostic {
    let said = Diagnostic::error(codes::NAME, format!("`{text}` can't be a name: {why}"));
    match ServiceName::new(&mend(text)) {
        Ok(mended) => said.help(format!("write for example `{mended}`")),
        Err(_) => said.help(format!("write for example `{example}`")),
    }
}

fn mend(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mended: String = text.chars().map(fits).take(63).collect();
    mended.trim_matches('-').to_owned()
}
