//! `do`: one action or several.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::parts::{self, change};
use crate::spec::policy::{PolicyAction, PolicyGroup};
use crate::spec::{ServiceName, StopCommand, codes, table};
use crate::units::Signal;
use crate::yaml::NodeKind;

/// A command that names no time of its own may take so long.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Actions of one Policy.
const ACTIONS_MAX: usize = 16;

/// `do`
pub(super) fn actions(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<PolicyAction>> {
    if !matches!(value.node.kind, NodeKind::Sequence(_)) {
        return one(value, d).map(|action| vec![action]);
    }
    let actions = value.list(d, one)?;
    if actions.is_empty() || actions.len() > ACTIONS_MAX {
        let message = format!("`{}` has 1 to {ACTIONS_MAX} actions, not {}", value.path(), actions.len());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write `do: report` to have it only said"));
        return None;
    }
    Some(actions)
}

fn one(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyAction> {
    if value.node.scalar().is_some() {
        return word(value, d);
    }
    if !matches!(value.node.kind, NodeKind::Mapping(_)) {
        value.wrong_type("an action: a word or a mapping", d);
        return None;
    }
    let object = Object::open(value, &table::POLICY_ACTION, d)?;
    let given: Vec<&str> =
        table::POLICY_ACTION.fields.iter().map(|field| field.name).filter(|name| object.has(name)).collect();
    match given.as_slice() {
        [name] => of_name(&object, name, d),
        // What stands there was said to be unknown.
        [] if matches!(&value.node.kind, NodeKind::Mapping(pairs) if !pairs.is_empty()) => None,
        [] => {
            let message = format!("`{}` says nothing", value.path());
            d.say(value.wrong(codes::MISSING_FIELD, message).help("write for example `{signal: TERM}`"));
            None
        }
        [first, second, ..] => {
            let message = format!("`{0}.{first}` and `{0}.{second}` are two actions", value.path());
            let (a, b) = (object.key(first).unwrap_or_default(), object.key(second).unwrap_or_default());
            let help = "make `do` a list, in the order in which they are to be done";
            d.say(Diagnostic::error(codes::CONFLICT, message).at(b, "").at(a, "").help(help));
            None
        }
    }
}

fn word(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyAction> {
    let text = &value.scalar("an action", d)?.text;
    if table::ACTIONS.now.contains(&text.as_str()) {
        return plain(value, d);
    }
    let field = table::POLICY_ACTION.fields.iter().find(|field| field.name.eq_ignore_ascii_case(text));
    let signal = Signal::parse(text).is_ok().then(|| format!("{{signal: {text}}}"));
    let example = signal.or_else(|| field.map(|field| format!("{{{}: {}}}", field.name, field.example)));
    if let Some(example) = example {
        let message = format!("`{}: {text}` needs more words", value.path());
        d.say(value.wrong(codes::UNKNOWN_WORD, message).help(format!("write for example `{example}`")));
        return None;
    }
    if let Some(near) = did_you_mean(text, table::POLICY_ACTION.fields.iter().map(|field| field.name))
        && did_you_mean(text, table::ACTIONS.now.iter().copied()).is_none()
    {
        let message = format!("`{}` can't be `{text}`", value.path());
        d.say(value.wrong(codes::UNKNOWN_WORD, message).help(format!("did you mean `{near}`?")));
        return None;
    }
    plain(value, d)
}

fn plain(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyAction> {
    let words = [("report", Word::Report), ("restart", Word::Restart), ("stop", Word::Stop)];
    Some(match value.word(&table::ACTIONS, &words, d)? {
        Word::Report => PolicyAction::Report,
        Word::Restart => PolicyAction::Restart,
        Word::Stop => PolicyAction::Stop,
    })
}

#[derive(Clone, Copy)]
enum Word {
    Report,
    Restart,
    Stop,
}

fn of_name(object: &Object<'_>, name: &str, d: &mut Decoder<'_>) -> Option<PolicyAction> {
    let value = object.get(name, d)?;
    match name {
        "exec" => exec(&value, d).map(PolicyAction::Exec),
        "signal" => signal(&value, d).map(PolicyAction::Signal),
        "renice" => value.integer(-20, 19, d).map(PolicyAction::Renice),
        "setLimit" => set_limit(&value, d),
        "cgroup" => group(&value, d).map(PolicyAction::Move),
        _ => None,
    }
}

fn exec(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<StopCommand> {
    let object = Object::open(value, &table::POLICY_EXEC, d)?;
    let (mut command, mut timeout, mut user) = (None, COMMAND_TIMEOUT, None);
    object.set_some("command", &mut command, d, change::command);
    object.set("timeout", &mut timeout, d, Value::positive_duration);
    object.set_some("user", &mut user, d, Value::account);
    Some(StopCommand { command: command?, timeout, user })
}

fn signal(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<(Signal, Duration)>> {
    if !matches!(value.node.kind, NodeKind::Mapping(_)) {
        return value.signal(d).map(|signal| vec![(signal, Duration::ZERO)]);
    }
    let object = Object::open(value, &table::POLICY_SIGNAL, d)?;
    let schedule = object.get("schedule", d)?;
    let steps = schedule.list(d, parts::stop_step)?;
    if steps.is_empty() {
        let message = format!("`{}` is empty, so nothing would be sent", schedule.path());
        d.say(
            schedule
                .wrong(codes::INVALID_VALUE, message)
                .help("write for example `[{signal: TERM, wait: 30s}]`"),
        );
        return None;
    }
    Some(steps.into_iter().map(|step| (step.signal, step.wait)).collect())
}

fn set_limit(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyAction> {
    let limits = parts::limits(value, d)?;
    if limits.is_empty() {
        if matches!(&value.node.kind, NodeKind::Mapping(pairs) if pairs.is_empty()) {
            let message = format!("`{}` names no limit", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `{nofile: 1024}`"));
        }
        return None;
    }
    let limits = limits.into_iter().map(|(name, limit)| (name, (limit.soft, limit.hard)));
    Some(PolicyAction::SetLimit(limits.collect()))
}

fn group(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<PolicyGroup> {
    let object = Object::open(value, &table::POLICY_GROUP, d)?;
    let mut name = None;
    object.set_some("name", &mut name, d, |value, d| {
        let text = value.nonempty(d)?;
        ServiceName::new(&text)
            .map_err(|why| d.say(value.wrong(codes::NAME, format!("`{text}` can't be a name: {why}"))))
            .ok()
    });
    let resources = parts::resources_in(&object.by(&table::RESOURCES), d);
    Some(PolicyGroup { name, resources })
}
