//! The `spec` of a document of kind Engine.

use std::net::SocketAddr;
use std::path::{Component, Path};
use std::sync::Arc;

use super::{EngineDocument, FileLimits, GitSource, HostIdentity, Prune, Settings};
use crate::diagnostic::Diagnostic;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{codes, service, table};
use crate::units::parse_size;
use crate::yaml::Scalar;

/// Reads the `spec` of the document with this name.
pub(in crate::spec) fn read(value: &Value<'_>, name: &Scalar, d: &mut Decoder<'_>) -> Option<EngineDocument> {
    let object = Object::open(value, &table::ENGINE, d)?;
    let mut settings = Settings::default();
    object.set("specs", &mut settings.specs, d, |value, d| value.list(d, Value::source_path));
    object.set("recursive", &mut settings.recursive, d, Value::bool);
    object.set("trustOwners", &mut settings.trust_owners, d, |value, d| value.list(d, Value::account));
    object.set("settle", &mut settings.settle, d, Value::positive_duration);
    object.set("settleMax", &mut settings.settle_max, d, Value::positive_duration);
    object.set("resync", &mut settings.resync, d, Value::positive_duration);
    object.set("prune", &mut settings.prune, d, prune);
    object.set("limits", &mut settings.limits, d, limits);
    object
        .set_some("maxParallelStarts", &mut settings.max_parallel_starts, d, |v, d| v.integer(1, 100_000, d));
    object.set("host", &mut settings.host, d, host);
    object.set_some("stopOnExit", &mut settings.stop_on_exit, d, Value::bool);
    object.set_some("metrics", &mut settings.metrics, d, address);
    object.set_some("git", &mut settings.git, d, git);
    if settings.settle > settings.settle_max {
        let message = format!("`{0}.settle` is longer than `{0}.settleMax`", value.path());
        let at = object.key("settle").or_else(|| object.key("settleMax")).unwrap_or(value.key);
        d.say(Diagnostic::error(codes::CONFLICT, message).at(at, "").help("make `settleMax` the longer one"));
    }
    Some(EngineDocument { source: Arc::clone(&d.source), name_at: name.span, settings })
}

fn prune(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Prune> {
    let object = Object::open(value, &table::PRUNE, d)?;
    let mut prune = Prune::default();
    object.set("delay", &mut prune.delay, d, Value::duration);
    object.set("maxFraction", &mut prune.max_fraction, d, Value::fraction);
    object.set("allowEmpty", &mut prune.allow_empty, d, Value::bool);
    Some(prune)
}

fn limits(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<FileLimits> {
    let object = Object::open(value, &table::ENGINE_LIMITS, d)?;
    let mut limits = FileLimits::default();
    object.set("files", &mut limits.files, d, |value, d| value.integer(1, 1_000_000, d));
    object.set("bytes", &mut limits.bytes, d, bytes);
    object.set("fileBytes", &mut limits.file_bytes, d, bytes);
    Some(limits)
}

/// A size above zero, and not without end: a limit that is none would be found out by a memory that isn't there.
fn bytes(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<u64> {
    let scalar = value.scalar("a size", d)?;
    match parse_size(&scalar.text) {
        Ok(0) => {
            let message = format!("`{}` is a size above 0", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `64MiB`"));
            None
        }
        Ok(size) => Some(size),
        Err(message) => {
            d.say(value.wrong(codes::INVALID_VALUE, message));
            None
        }
    }
}

fn address(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<SocketAddr> {
    let scalar = value.scalar("an address with a port", d)?;
    let address = scalar.text.parse().ok();
    if address.is_none() {
        let message = format!("`{}` is an address with a port, not `{}`", value.path(), scalar.text);
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `127.0.0.1:9464`"));
    }
    address
}

fn host(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<HostIdentity> {
    let object = Object::open(value, &table::HOST, d)?;
    let mut host = HostIdentity::default();
    object.set_some("name", &mut host.name, d, Value::nonempty);
    object.set("labels", &mut host.labels, d, |value, d| service::texts(value, true, d));
    Some(host)
}

/// A directory of a tree: what leads out of it isn't the repository's to say.
fn inner_path(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let text = value.nonempty(d)?;
    let path = Path::new(&text);
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        let message = format!("`{}` is a directory inside the tree, not `{text}`", value.path());
        d.say(
            value
                .wrong(codes::INVALID_VALUE, message)
                .help("write it from the root of the tree: `hosts/web`"),
        );
        return None;
    }
    Some(text)
}

fn git(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<GitSource> {
    let object = Object::open(value, &table::GIT, d)?;
    let mut git = GitSource::new(String::new());
    object.set("url", &mut git.url, d, Value::nonempty);
    object.set_some("branch", &mut git.branch, d, Value::nonempty);
    object.set_some("path", &mut git.path, d, inner_path);
    object.set("interval", &mut git.interval, d, Value::positive_duration);
    object.set("requireSigned", &mut git.require_signed, d, Value::bool);
    object.set_some("allowedSigners", &mut git.allowed_signers, d, Value::source_path);
    object.set("allowRewind", &mut git.allow_rewind, d, Value::bool);
    if git.require_signed && !object.has("allowedSigners") {
        let message = format!("`{0}.requireSigned` needs `{0}.allowedSigners`", value.path());
        let at = object.key("requireSigned").unwrap_or(value.key);
        let diagnostic = Diagnostic::error(codes::CONFLICT, message).at(at, "");
        d.say(diagnostic.help("add `allowedSigners: /etc/selfsame/allowed_signers`"));
    }
    Some(git)
}
