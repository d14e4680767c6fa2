//! The mappings inside a Service: readiness, restart, stop, limits, scheduling, output.

pub(super) mod change;
mod exec;
pub(super) mod health;
pub(super) mod hosts;
mod output;

pub(super) use exec::{check_together as check_exec, secret, security, socket};
pub(super) use output::output;

mod resources;

pub(super) use resources::{resources, resources_in};

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::units::parse_size;
use crate::yaml::NodeKind;

use super::decode::{Decoder, Object, Value};
use super::table::{self, LIMIT_NAMES};
use super::{
    CpuPolicy, EnvFrom, IoClass, Limit, Restart, RestartPolicy, Scheduling, Stop, StopScope, StopStep, codes,
};

/// `restart`
pub(super) fn restart(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Restart> {
    let words = [
        ("always", RestartPolicy::Always),
        ("on-failure", RestartPolicy::OnFailure),
        ("never", RestartPolicy::Never),
    ];
    if let Some(scalar) = value.node.scalar() {
        let near = did_you_mean(&scalar.text, words.map(|(word, _)| word)).unwrap_or("on-failure");
        let message = format!("`{}` is a mapping, here stands a single value", value.path());
        d.say(value.wrong(codes::WRONG_TYPE, message).help(format!("write `restart: {{policy: {near}}}`")));
        return None;
    }
    let object = Object::open(value, &table::RESTART, d)?;
    let mut restart = Restart::default();
    object.set_word("policy", &mut restart.policy, &words, d);
    object.set("successCodes", &mut restart.success_codes, d, |v, d| v.list(d, |v, d| v.integer(0, 255, d)));
    object.set("backoff", &mut restart.backoff, d, Value::positive_duration);
    object.set("maxBackoff", &mut restart.max_backoff, d, Value::positive_duration);
    object.set("jitter", &mut restart.jitter, d, Value::fraction);
    object.set("resetAfter", &mut restart.reset_after, d, Value::positive_duration);
    if restart.max_backoff < restart.backoff {
        let message = format!("`{0}.maxBackoff` is shorter than `{0}.backoff`", value.path());
        let place = object.key("maxBackoff").or(object.key("backoff")).unwrap_or(value.key);
        d.say(
            Diagnostic::error(codes::CONFLICT, message)
                .at(place, "")
                .help("make the longest wait at least as long as the first"),
        );
    }
    Some(restart)
}

/// `stop`
pub(super) fn stop(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Stop> {
    let object = Object::open(value, &table::STOP, d)?;
    let mut stop = Stop::default();
    object.set("schedule", &mut stop.schedule, d, |value, d| {
        let steps = value.list(d, stop_step)?;
        if steps.is_empty() {
            let message = format!("`{}` is empty, so nothing would be stopped", value.path());
            d.say(
                value
                    .wrong(codes::INVALID_VALUE, message)
                    .help(format!("write for example `schedule: {}`", value.example)),
            );
        }
        Some(steps)
    });
    let mut scope = None;
    object.set_some_word(
        "scope",
        &mut scope,
        &[("main", StopScope::Main), ("group", StopScope::Group), ("tree", StopScope::Tree)],
        d,
    );
    stop.scope = scope;
    stop.command = change::stop_command(&object, d);
    Some(stop)
}

/// One step of a schedule of signals.
pub(super) fn stop_step(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<StopStep> {
    let object = Object::open(value, &table::STOP_STEP, d)?;
    let (mut signal, mut wait) = (None, None);
    object.set_some("signal", &mut signal, d, Value::signal);
    object.set_some("wait", &mut wait, d, Value::duration);
    Some(StopStep { signal: signal?, wait: wait? })
}

/// `envFrom`
pub(super) fn env_from(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<EnvFrom> {
    let object = Object::open(value, &table::ENV_FROM, d)?;
    let (mut file, mut optional, mut prefix) = (None, false, String::new());
    object.set_some("file", &mut file, d, Value::source_path);
    object.set("optional", &mut optional, d, Value::bool);
    object.set("prefix", &mut prefix, d, Value::text);
    Some(EnvFrom { file: file?, optional, prefix })
}

/// `limits`
pub(super) fn limits(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<BTreeMap<String, Limit>> {
    let mut limits = BTreeMap::new();
    for (key, value) in value.entries(d)? {
        let name = key.text.strip_prefix("RLIMIT_").unwrap_or(&key.text).to_ascii_lowercase();
        match LIMIT_NAMES.iter().find(|(known, _)| *known == key.text) {
            Some((name, bytes)) => {
                if let Some(limit) = limit(&value, *bytes, d) {
                    limits.insert((*name).to_owned(), limit);
                }
            }
            None if key.text.starts_with("x-") => {}
            None => {
                let names = LIMIT_NAMES.iter().map(|(name, _)| *name);
                let diagnostic =
                    Diagnostic::error(codes::UNKNOWN_FIELD, format!("unknown limit `{}`", key.text))
                        .at(key.span, "no such limit");
                d.say(match did_you_mean(&name, names) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic
                        .help("limits have their setrlimit(2) names in lower case: `nofile`, `nproc`"),
                });
            }
        }
    }
    Some(limits)
}

fn limit(value: &Value<'_>, bytes: bool, d: &mut Decoder<'_>) -> Option<Limit> {
    if !matches!(value.node.kind, NodeKind::Mapping(_)) {
        let both = amount(value, bytes, d)?.number();
        return Some(Limit { soft: both, hard: both });
    }
    let object = Object::open(value, &table::LIMIT, d)?;
    let (mut soft, mut hard) = (None, None);
    object.set_some("soft", &mut soft, d, |value, d| amount(value, bytes, d));
    object.set_some("hard", &mut hard, d, |value, d| amount(value, bytes, d));
    if soft.is_none() && hard.is_none() {
        if !object.has("soft") && !object.has("hard") {
            d.say(
                value
                    .wrong(codes::MISSING_FIELD, format!("`{}` has neither `soft` nor `hard`", value.path())),
            );
        }
        return None;
    }
    let (soft, hard) = (soft.or(hard)?.number(), hard.or(soft)?.number());
    if soft.unwrap_or(u64::MAX) > hard.unwrap_or(u64::MAX) {
        let message = format!("`{}`: the soft limit is above the hard limit", value.path());
        d.say(value.wrong(codes::CONFLICT, message).help("lower `soft` or raise `hard`"));
    }
    Some(Limit { soft, hard })
}

/// One value of a limit.
#[derive(Clone, Copy)]
enum Amount {
    Unlimited,
    Of(u64),
}

impl Amount {
    /// `None` is unlimited.
    fn number(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Of(number) => Some(number),
        }
    }
}

fn amount(value: &Value<'_>, bytes: bool, d: &mut Decoder<'_>) -> Option<Amount> {
    let scalar = value.scalar("a limit", d)?;
    let text = scalar.text.as_str();
    if text == "unlimited" || text == "infinity" {
        return Some(Amount::Unlimited);
    }
    let number =
        text.parse::<u64>().ok().filter(|n| *n < u64::MAX && text.bytes().all(|b| b.is_ascii_digit()));
    let read = match (bytes, number) {
        (true, Some(0)) | (false, Some(_)) => number.ok_or_else(String::new),
        (true, _) => parse_size(text),
        (false, None) => Err(format!("`{}` is a number or `unlimited`, not `{text}`", value.path())),
    };
    match read {
        Ok(number) => Some(Amount::Of(number)),
        Err(message) => {
            d.say(value.wrong(codes::INVALID_VALUE, message));
            None
        }
    }
}

/// `scheduling`
pub(super) fn scheduling(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Scheduling> {
    let object = Object::open(value, &table::SCHEDULING, d)?;
    let mut found = Scheduling::default();
    object.set_some("nice", &mut found.nice, d, |v, d| v.integer(-20, 19, d));
    let classes =
        [("real-time", IoClass::RealTime), ("best-effort", IoClass::BestEffort), ("idle", IoClass::Idle)];
    object.set_some_word("ioClass", &mut found.io_class, &classes, d);
    object.set_some("ioPriority", &mut found.io_priority, d, |v, d| v.integer(0, 7, d));
    let policies = [
        ("other", CpuPolicy::Other),
        ("batch", CpuPolicy::Batch),
        ("idle", CpuPolicy::Idle),
        ("fifo", CpuPolicy::Fifo),
        ("rr", CpuPolicy::Rr),
    ];
    object.set_some_word("policy", &mut found.policy, &policies, d);
    object.set_some("rtPriority", &mut found.rt_priority, d, |v, d| v.integer(1, 99, d));
    object.set_some("cpuAffinity", &mut found.cpu_affinity, d, cpus);
    object.set_some("oomScoreAdj", &mut found.oom_score_adj, d, |v, d| v.integer(-1000, 1000, d));
    check_scheduling(value, &object, &found, d);
    Some(found)
}

fn check_scheduling(value: &Value<'_>, object: &Object<'_>, found: &Scheduling, d: &mut Decoder<'_>) {
    let mut conflict = |name: &str, needs: &str, help: &str| {
        let message = format!("`{}.{name}` needs {needs}", value.path());
        let place = object.key(name).unwrap_or(value.node.span);
        d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help(help));
    };
    // A word that was wrong is said already.
    let known = |name: &str, found: bool| found || !object.has(name);
    let leveled = matches!(found.io_class, Some(IoClass::RealTime | IoClass::BestEffort));
    if object.has("ioPriority") && !leveled && known("ioClass", found.io_class.is_some()) {
        conflict("ioPriority", "an `ioClass` that has priorities", "add `ioClass: best-effort`");
    }
    let real_time = matches!(found.policy, Some(CpuPolicy::Fifo | CpuPolicy::Rr));
    if real_time && !object.has("rtPriority") {
        conflict("policy", "a priority if it is `fifo` or `rr`", "add `rtPriority: 1`");
    }
    if object.has("rtPriority") && !real_time && known("policy", found.policy.is_some()) {
        conflict("rtPriority", "the policy `fifo` or `rr`", "add `policy: rr`");
    }
}

fn cpus(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<u32>> {
    let ranges = value.list(d, |value, d| {
        let scalar = value.scalar("a CPU number or a range", d)?;
        let (first, last) = scalar.text.split_once('-').unwrap_or((&scalar.text, &scalar.text));
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|cpu| *cpu < 8192);
        let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
        if range.is_none() {
            let message = format!("`{}` is a CPU number or a range, not `{}`", value.path(), scalar.text);
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `[0, 2-3]`"));
        }
        range
    })?;
    let set: std::collections::BTreeSet<u32> =
        ranges.into_iter().flat_map(|(first, last)| first..=last).collect();
    if set.is_empty() {
        d.say(
            value
                .wrong(codes::INVALID_VALUE, format!("`{}` is empty", value.path()))
                .help("leave it out to allow all"),
        );
        return None;
    }
    Some(set.into_iter().collect())
}
