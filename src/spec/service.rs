//! A Service from its `spec`.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::yaml::NodeKind;

use super::decode::{Decoder, Object, Value};
use super::expression::{Purpose, expression};
use super::{
    AdoptPolicy, BinaryChange, DesiredState, DuplicatePolicy, Output, Readiness, ReadinessCheck,
    RemovePolicy, RestartPolicy, Rotation, Service, ServiceType, codes, parts, paths, placeholders, table,
    task,
};

/// Fills a Service that has its name and labels. What is wrong is said and left at its default.
pub(super) fn read(value: &Value<'_>, is_task: bool, service: &mut Service, d: &mut Decoder<'_>) {
    let table = if is_task { &table::TASK } else { &table::SERVICE };
    let Some(own) = Object::open(value, table, d) else { return };
    // What a Task doesn't have was said; what it shares is read as that of a Service.
    let object = own.by(&table::SERVICE);
    fields(&object, service, d);
    if is_task {
        task::read(&own, service, d);
    }
    // Last, since expressions can use the other fields.
    health(&object, service, d);
    check_together(&object, service, d);
    parts::change::check(&object, service, d);
    let (mut narrow, mut replace) = (None, None);
    object.set_some("match", &mut narrow, d, |value, d| expression(value, Purpose::OfOwn, service, d));
    object
        .set_some("matchOnly", &mut replace, d, |value, d| expression(value, Purpose::Replaces, service, d));
    service.narrow = narrow;
    service.match_only = replace.into();
}

/// Tries values on their own: what is wrong with each is said, what they mean to each other shows where they are used, and
/// so do expressions and what has them.
pub(super) fn read_values(value: &Value<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    let Some(own) = Object::open(value, &table::VALUES, d) else { return };
    fields(&own.by(&table::SERVICE), service, d);
    task::read(&own, service, d);
}

/// Every field for itself.
fn fields(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    let states = [
        ("running", DesiredState::Running),
        ("stopped", DesiredState::Stopped),
        ("observed", DesiredState::Observed),
    ];
    object.set_word("state", &mut service.state, &states, d);
    execution(object, service, d);
    account(object, service, d);
    environment(object, service, d);
    object.set_rare("limits", &mut service.limits, d, parts::limits);
    object.set_rare("resources", &mut service.resources, d, parts::resources);
    object.set_rare("scheduling", &mut service.scheduling, d, parts::scheduling);
    outputs(object, service, d);
    if let Some(value) = object.get("replicas", d) {
        replicas(&value, service, d);
    }
    object.set("startTimeout", &mut service.start_timeout, d, Value::positive_duration);
    object.set_rare("restart", &mut service.restart, d, parts::restart);
    object.set_rare("stop", &mut service.stop, d, parts::stop);
    ownership(object, service, d);
    parts::change::read(object, service, d);
    object.set_rare("hosts", &mut service.hosts, d, |value, d| parts::hosts::hosts(value, d).map(Some));
}

fn health(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    if service.service_type == ServiceType::Notify {
        service.readiness.check = ReadinessCheck::Notify;
    }
    let (mut readiness, mut liveness) = (Readiness::clone(&service.readiness), None);
    object.set("readiness", &mut readiness, d, |value, d| parts::health::readiness(value, service, d));
    object.set_some("liveness", &mut liveness, d, |value, d| parts::health::liveness(value, service, d));
    let (mut triggers, mut conditions) = (Vec::new(), Vec::new());
    object.set("triggers", &mut triggers, d, |value, d| parts::health::triggers(value, service, d));
    object.set("conditions", &mut conditions, d, |value, d| parts::health::conditions(value, service, d));
    (service.readiness, service.liveness) = (readiness.into(), liveness.into());
    (service.triggers, service.conditions) = (triggers.into(), conditions.into());
    let changes = [
        ("ignore", BinaryChange::Ignore),
        ("report", BinaryChange::Report),
        ("restart", BinaryChange::Restart),
        ("reload", BinaryChange::Reload),
    ];
    object.set_word("binaryChange", &mut service.binary_change, &changes, d);
}

fn execution(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    object.set("startas", &mut service.startas, d, |value, d| {
        paths::warn_of_arguments(value, d);
        value.source_path(d)
    });
    object.set("args", &mut service.args, d, |value, d| value.list(d, Value::template));
    object.set_some("becomes", &mut service.becomes, d, Value::source_path);
    let types =
        [("simple", ServiceType::Simple), ("forking", ServiceType::Forking), ("notify", ServiceType::Notify)];
    object.set_word("type", &mut service.service_type, &types, d);
    object.set_some("pidfile", &mut service.pidfile, d, |v, d| v.runtime_path(&["runDir", "logDir"], d));
    object.set("writePidfile", &mut service.write_pidfile, d, Value::bool);
}

fn account(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    object.set_some("user", &mut service.user, d, Value::account);
    object.set_some("group", &mut service.group, d, Value::account);
    object.set_rare("supplementaryGroups", &mut service.supplementary_groups, d, |v, d| {
        v.list(d, Value::account)
    });
    object.set("umask", &mut service.umask, d, Value::mode);
    object.set("workingDirectory", &mut service.working_directory, d, Value::absolute_path);
    object.set_some("chroot", &mut service.chroot, d, Value::absolute_path);
    object.set_rare("security", &mut service.security, d, parts::security);
}

fn environment(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    object.set("env", &mut service.env, d, |value, d| {
        let mut env = BTreeMap::new();
        for (key, value) in value.entries(d)? {
            if key.text.is_empty() || key.text.contains(['=', '\0']) {
                let message = format!("`{}` can't be the name of an environment variable", key.text);
                d.say(Diagnostic::error(codes::NAME, message).at(key.span, "").help("write `NAME: value`"));
            }
            if let Some(text) = value.template(d) {
                env.insert(key.text.to_string(), text);
            }
        }
        Some(env)
    });
    object.set_rare("secrets", &mut service.secrets, d, |value, d| value.list(d, parts::secret));
    object.set_rare("sockets", &mut service.sockets, d, |value, d| value.list(d, parts::socket));
    object.set_rare("envFrom", &mut service.env_from, d, |value, d| value.list(d, parts::env_from));
}

fn outputs(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    let null = || (Output::Null, Rotation::default());
    let (mut out, mut err) = Default::default();
    object.set_nullable("stdout", &mut out, null(), d, parts::output);
    object.set_nullable("stderr", &mut err, null(), d, parts::output);
    if out.0 == err.0 && matches!(out.0, Output::File(_)) && out.1 != err.1 {
        let message = "`spec.stdout` and `spec.stderr` are one file and keep different amounts of it";
        d.say(
            Diagnostic::error(codes::CONFLICT, message)
                .at(object.key("stderr").unwrap_or_default(), "")
                .at(object.key("stdout").unwrap_or_default(), "")
                .help("write the same `maxSize`, `keep` and `compress` at both"),
        );
    }
    (service.stdout, service.stdout_rotation) = (out.0, out.1.into());
    (service.stderr, service.stderr_rotation) = (err.0, err.1.into());
}

fn replicas(value: &Value<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    if value.node.scalar().is_some_and(|scalar| scalar.text == "0") {
        let message = "`spec.replicas` is at least 1";
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write `state: stopped` to have none running"));
    } else if let Some(count) = value.integer(1, 1000, d) {
        service.replicas = count;
    }
}

fn ownership(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    let adopt = [
        ("ifMatches", AdoptPolicy::IfMatches),
        ("never", AdoptPolicy::Never),
        ("require", AdoptPolicy::Require),
    ];
    object.set_word("adopt", &mut service.adopt, &adopt, d);
    let duplicates = [
        ("report", DuplicatePolicy::Report),
        ("stopExtra", DuplicatePolicy::StopExtra),
        ("refuse", DuplicatePolicy::Refuse),
    ];
    object.set_word("duplicates", &mut service.duplicates, &duplicates, d);
    let on_remove = [("stop", RemovePolicy::Stop), ("release", RemovePolicy::Release)];
    object.set_some_word("onRemove", &mut service.on_remove, &on_remove, d);
    object.set("trustExecutable", &mut service.trust_executable, d, Value::bool);
}

/// What fields mean to each other.
fn check_together(object: &Object<'_>, service: &Service, d: &mut Decoder<'_>) {
    let place = |name: &str| object.key(name).unwrap_or_default();
    check_health(object, service, d);
    if let ReadinessCheck::AliveFor(time) = service.readiness.check
        && time > service.start_timeout
    {
        let key = if object.has("startTimeout") { place("startTimeout") } else { place("readiness") };
        d.say(
            Diagnostic::error(codes::CONFLICT, "`spec.startTimeout` ends before `spec.readiness.aliveFor`")
                .at(key, "")
                .help("make `startTimeout` longer"),
        );
    }
    parts::check_exec(object, service, d);
    if service.replicas > 1 {
        check_shared(object, service, d);
    }
}

/// What readiness and liveness need of the other fields.
fn check_health(object: &Object<'_>, service: &Service, d: &mut Decoder<'_>) {
    let checks = [("readiness", Some(&*service.readiness)), ("liveness", service.liveness.as_ref())];
    for (name, rule) in checks {
        let Some(rule) = rule else { continue };
        let mut conflict = |message: String, help: &str| {
            let place = object.key(name).unwrap_or_default();
            d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help(help));
        };
        let in_file = |output: &Output| match output {
            Output::Log | Output::File(_) | Output::Syslog => true,
            Output::Null | Output::Inherit => false,
        };
        match rule.check {
            ReadinessCheck::Pidfile if !object.has("pidfile") => {
                let message = format!("`spec.{name}.pidfile` needs a `spec.pidfile`");
                conflict(message, "add `pidfile: ${runDir}/${name}.pid`");
            }
            ReadinessCheck::LogLine { .. } if !in_file(&service.stdout) && !in_file(&service.stderr) => {
                let message = format!("`spec.{name}.logLine` needs an output that goes to a file");
                conflict(message, "leave out `stdout`, `stderr` or both");
            }
            _ => {}
        }
    }
    if service.liveness.is_some() && service.restart.policy == RestartPolicy::Never {
        let message = "a `spec.liveness` that fails leads to a restart, and `spec.restart.policy` is `never`";
        d.say(
            Diagnostic::error(codes::CONFLICT, message)
                .at(object.key("liveness").unwrap_or_default(), "")
                .help("leave `liveness` out, or write `policy: on-failure`"),
        );
    }
}

/// Files that every replica writes need a name of their own.
fn check_shared(object: &Object<'_>, service: &Service, d: &mut Decoder<'_>) {
    let file = |output: &Output| match output {
        Output::File(path) => Some(path.to_string_lossy().into_owned()),
        Output::Log | Output::Null | Output::Inherit | Output::Syslog => None,
    };
    let files = [
        ("pidfile", service.pidfile.clone()),
        ("stdout", file(&service.stdout)),
        ("stderr", file(&service.stderr)),
    ];
    for (name, path) in files {
        let Some(path) = path.filter(|path| !placeholders::mentions(path, "index")) else { continue };
        let count = service.replicas;
        let message = format!("{count} replicas would share the file `{path}` of `spec.{name}`");
        d.say(
            Diagnostic::error(codes::SHARED_FILE, message)
                .at(object.key(name).unwrap_or_default(), "")
                .help(format!("put `${{index}}` into it, for example `{}`", with_index(&path))),
        );
    }
}

/// The path with the index before its extension.
fn with_index(path: &str) -> String {
    let slash = path.rfind('/').map_or(0, |found| found + 1);
    match path.rfind('.').filter(|dot| *dot > slash) {
        Some(dot) => format!("{}-${{index}}{}", path.get(..dot).unwrap_or(""), path.get(dot..).unwrap_or("")),
        None => format!("{path}-${{index}}"),
    }
}

/// `metadata.labels` or `metadata.annotations`.
pub(super) fn texts(
    value: &Value<'_>,
    selectable: bool,
    d: &mut Decoder<'_>,
) -> Option<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (key, value) in value.entries(d)? {
        if selectable && !is_label(&key.text, true) {
            let message = format!("`{}` can't be the name of a label", key.text);
            d.say(
                Diagnostic::error(codes::NAME, message)
                    .at(key.span, "")
                    .help("letters, digits, `-`, `_`, `.` and `/`"),
            );
        }
        let Some(text) = value.text(d) else { continue };
        if selectable && !is_label(&text, false) {
            let message = format!("`{text}` can't be the value of a label");
            d.say(
                value
                    .wrong(codes::INVALID_VALUE, message)
                    .help("letters, digits, `-`, `_` and `.`, at most 63; other texts go into `annotations`"),
            );
        }
        texts.insert(key.text.to_string(), text);
    }
    Some(texts)
}

/// What a selector such as `tier=web,zone!=b` can name without quotes.
fn is_label(text: &str, key: bool) -> bool {
    let most = if key { 317 } else { 63 };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b) || (key && b == b'/');
    text.len() <= most && text.bytes().all(fits) && (!key || !text.is_empty())
}

impl Object<'_> {
    /// Puts a word of the field's table into `target`.
    pub(super) fn set_word<T: Copy>(
        &self,
        name: &str,
        target: &mut T,
        values: &[(&str, T)],
        d: &mut Decoder<'_>,
    ) {
        if let Some(words) = self.words(name) {
            self.set(name, target, d, |value, d| value.word(words, values, d));
        }
    }

    /// The same for a target without default.
    pub(super) fn set_some_word<T: Copy>(
        &self,
        name: &str,
        target: &mut Option<T>,
        values: &[(&str, T)],
        d: &mut Decoder<'_>,
    ) {
        if let Some(words) = self.words(name) {
            self.set_some(name, target, d, |value, d| value.word(words, values, d));
        }
    }

    /// The same for a field in which a written `null` means something.
    pub(super) fn set_nullable<T>(
        &self,
        name: &str,
        target: &mut T,
        null: T,
        d: &mut Decoder<'_>,
        read: impl FnOnce(&Value<'_>, &mut Decoder<'_>) -> Option<T>,
    ) {
        match self.node(name) {
            Some(node) if node.kind == NodeKind::Null && node.span.end > node.span.start => *target = null,
            _ => self.set(name, target, d, |value, d| read(value, d)),
        }
    }
}
