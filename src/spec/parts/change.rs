//! `dependsOn`, `update`, `reload`, `hooks`, `suspend`: what a Service says about changes.

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{
    BinaryChange, Dependency, DependencyCondition, Hook, Hooks, OnHookFailure, OnUpdateFailure, Reload,
    Service, ServiceName, StopCommand, Suspend, TriggerAction, Update, UpdateStrategy, codes, table,
};
use crate::units::WallTime;

/// A command that names no time of its own may take so long.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads these fields.
pub(in crate::spec) fn read(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    object.set_rare("dependsOn", &mut service.depends_on, d, |value, d| value.list(d, dependency));
    object.set_rare("update", &mut service.update, d, update);
    object.set_rare("reload", &mut service.reload, d, |value, d| reload(value, d).map(Some));
    object.set_rare("hooks", &mut service.hooks, d, hooks);
    object.set_rare("suspend", &mut service.suspend, d, |value, d| suspend(value, d).map(Some));
}

/// What these fields mean to each other.
pub(in crate::spec) fn check(object: &Object<'_>, service: &Service, d: &mut Decoder<'_>) {
    if object.has("reload") {
        return;
    }
    let asks = [
        ("update", "update.strategy", service.update.strategy == UpdateStrategy::Reload),
        ("binaryChange", "binaryChange", service.binary_change == BinaryChange::Reload),
        ("triggers", "triggers[].do", service.triggers.iter().any(|one| one.action == TriggerAction::Reload)),
    ];
    for (field, path, _) in asks.into_iter().filter(|(.., asks)| *asks) {
        d.say(
            Diagnostic::error(codes::CONFLICT, format!("`spec.{path}: reload` needs a `spec.reload`"))
                .at(object.key(field).unwrap_or_default(), "")
                .help("add for example `reload: {signal: HUP}`"),
        );
    }
}

fn dependency(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Dependency> {
    // `dependsOn: [db]`, as others have it.
    if let Some(name) = value.node.scalar().and_then(|scalar| ServiceName::new(&scalar.text).ok()) {
        let message = format!("`{}` is a mapping, here stands a single value", value.path());
        d.say(value.wrong(codes::WRONG_TYPE, message).help(format!("write `{{name: {name}}}`")));
        return None;
    }
    let object = Object::open(value, &table::DEPENDENCY, d)?;
    let (mut name, mut condition) = (None, DependencyCondition::default());
    object.set_some("name", &mut name, d, |value, d| {
        let text = value.nonempty(d)?;
        match ServiceName::new(&text) {
            Ok(name) => Some(name),
            Err(message) => {
                d.say(value.wrong(codes::NAME, format!("`{text}` can't be a name: {message}")));
                None
            }
        }
    });
    let words = [
        ("started", DependencyCondition::Started),
        ("ready", DependencyCondition::Ready),
        ("healthy", DependencyCondition::Healthy),
        ("completed", DependencyCondition::Completed),
    ];
    object.set_word("condition", &mut condition, &words, d);
    Some(Dependency { name: name?, condition })
}

fn update(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Update> {
    let object = Object::open(value, &table::UPDATE, d)?;
    let mut update = Update::default();
    let strategies = [
        ("auto", UpdateStrategy::Auto),
        ("reload", UpdateStrategy::Reload),
        ("restart", UpdateStrategy::Restart),
        ("manual", UpdateStrategy::Manual),
    ];
    object.set_word("strategy", &mut update.strategy, &strategies, d);
    object.set("maxUnavailable", &mut update.max_unavailable, d, |v, d| v.integer(1, 1000, d));
    let failures = [("hold", OnUpdateFailure::Hold), ("rollback", OnUpdateFailure::Rollback)];
    object.set_word("onFailure", &mut update.on_failure, &failures, d);
    object.set("watchFiles", &mut update.watch_files, d, |value, d| value.list(d, Value::source_path));
    Some(update)
}

fn reload(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Reload> {
    let object = Object::open(value, &table::RELOAD, d)?;
    let (mut signal, mut words, mut timeout, mut user) = (None, None, COMMAND_TIMEOUT, None);
    object.set_some("signal", &mut signal, d, Value::signal);
    object.set_some("command", &mut words, d, command);
    object.set("timeout", &mut timeout, d, Value::positive_duration);
    object.set_some("user", &mut user, d, Value::account);
    if object.has("signal") == object.has("command") {
        let message = format!("`{}` has either a `signal` or a `command`", value.path());
        d.say(value.wrong(codes::CONFLICT, message).help("write for example `reload: {signal: HUP}`"));
        return None;
    }
    match (signal, words) {
        (Some(signal), None) => Some(Reload::Signal(signal)),
        (None, Some(command)) => Some(Reload::Command { command, timeout, user }),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// Program and arguments; the program by its absolute path.
pub(in crate::spec) fn command(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<String>> {
    let words = value.list(d, Value::template)?;
    let Some(program) = words.first() else {
        let message = format!("`{}` is empty", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write the program and its arguments"));
        return None;
    };
    if !program.starts_with('/') {
        let message = format!("`{}` begins with an absolute path, not `{program}`", value.path());
        let help = format!("write for example `/usr/bin/{program}`");
        d.say(value.wrong(codes::INVALID_VALUE, message).help(help));
        return None;
    }
    Some(words)
}

fn hooks(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Hooks> {
    let object = Object::open(value, &table::HOOKS, d)?;
    let mut hooks = Hooks::default();
    let rows: [(&str, &mut Vec<Hook>, bool); 4] = [
        ("preStart", &mut hooks.pre_start, true),
        ("postStart", &mut hooks.post_start, true),
        ("preStop", &mut hooks.pre_stop, false),
        ("postStop", &mut hooks.post_stop, false),
    ];
    for (name, target, of_start) in rows {
        object.set(name, target, d, |value, d| value.list(d, |value, d| hook(value, of_start, d)));
    }
    Some(hooks)
}

fn hook(value: &Value<'_>, of_start: bool, d: &mut Decoder<'_>) -> Option<Hook> {
    let object = Object::open(value, &table::HOOK, d)?;
    let default = if of_start { OnHookFailure::Abort } else { OnHookFailure::Continue };
    let (mut words, mut timeout, mut on_failure, mut user) = (None, COMMAND_TIMEOUT, default, None);
    object.set_some("command", &mut words, d, command);
    object.set("timeout", &mut timeout, d, Value::positive_duration);
    let failures = [("abort", OnHookFailure::Abort), ("continue", OnHookFailure::Continue)];
    object.set_word("onFailure", &mut on_failure, &failures, d);
    object.set_some("user", &mut user, d, Value::account);
    if !of_start && on_failure == OnHookFailure::Abort {
        let message = format!("`{}.onFailure` is `continue`, since no hook holds a stop up", value.path());
        let place = object.key("onFailure").unwrap_or(value.key);
        d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help("leave it out"));
    }
    Some(Hook { command: words?, timeout, on_failure, user })
}

/// `stop.command`, its time and who runs it.
pub(in crate::spec) fn stop_command(object: &Object<'_>, d: &mut Decoder<'_>) -> Option<StopCommand> {
    let (mut words, mut timeout, mut user) = (None, COMMAND_TIMEOUT, None);
    object.set_some("command", &mut words, d, command);
    object.set("commandTimeout", &mut timeout, d, Value::positive_duration);
    object.set_some("commandUser", &mut user, d, Value::account);
    let of_command = ["commandTimeout", "commandUser"];
    for field in of_command.into_iter().filter(|field| object.has(field) && !object.has("command")) {
        let message = format!("`spec.stop.{field}` needs a `spec.stop.command`");
        let place = object.key(field).unwrap_or_default();
        d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help("leave it out"));
    }
    Some(StopCommand { command: words?, timeout, user })
}

/// `suspend`
pub(in crate::spec) fn suspend(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Suspend> {
    let object = Object::open(value, &table::SUSPEND, d)?;
    let (mut reason, mut until) = (None, None);
    object.set_some("reason", &mut reason, d, Value::nonempty);
    object.set_some("until", &mut until, d, moment);
    Some(Suspend { reason: reason?, until })
}

fn moment(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<WallTime> {
    let text = value.nonempty(d)?;
    let moment = WallTime::parse(&text);
    if moment.is_none() {
        let message = format!("`{}` is a moment with its time zone, not `{text}`", value.path());
        d.say(
            value.wrong(codes::INVALID_VALUE, message).help("write for example `\"2030-01-31T08:00:00Z\"`"),
        );
    }
    moment
}
