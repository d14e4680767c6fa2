//! A Task from its `spec`: what it shares with a Service, and when it runs.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Span};
use crate::units::{Cron, Zone};

use super::decode::{Decoder, Object, Value};
use super::{
    Concurrency, Missed, OnUnknown, ReadinessCheck, Rhythm, Schedule, Service, TaskPlan, TaskRun, codes,
    table,
};

/// Moments don't follow each other closer than this.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Fills in what makes a Service a Task.
pub(super) fn read(object: &Object<'_>, service: &mut Service, d: &mut Decoder<'_>) {
    let mut plan = TaskPlan::default();
    let runs = [("once", TaskRunWord::Once), ("onChange", TaskRunWord::OnChange)];
    let mut run = TaskRunWord::Once;
    object.set_word("run", &mut run, &runs, d);
    if run == TaskRunWord::OnChange {
        plan.run = TaskRun::OnChange;
    }
    if let Some(value) = object.get("schedule", d) {
        if object.has("run") {
            let message = "`spec.run` and `spec.schedule` are both given, one of them says when it runs";
            let at = object.key("run").unwrap_or_default();
            d.say(Diagnostic::error(codes::CONFLICT, message).at(value.key, "").at(at, "").help("keep one"));
        }
        if let Some(schedule) = schedule(&value, d) {
            plan.run = TaskRun::Schedule(schedule);
        }
    }
    object.set_some("timeout", &mut plan.timeout, d, Value::positive_duration);
    let concurrency =
        [("forbid", Concurrency::Forbid), ("replace", Concurrency::Replace), ("allow", Concurrency::Allow)];
    object.set_word("concurrency", &mut plan.concurrency, &concurrency, d);
    object.set_word(
        "onUnknown",
        &mut plan.on_unknown,
        &[("hold", OnUnknown::Hold), ("goOn", OnUnknown::GoOn)],
        d,
    );
    let restart = &mut service.restart;
    object.set("successCodes", &mut restart.success_codes, d, |v, d| v.list(d, |v, d| v.integer(0, 255, d)));
    if let Some(value) = object.get("retry", d)
        && let Some(retry) = Object::open(&value, &table::RETRY, d)
    {
        retry.set("limit", &mut plan.retries, d, |v, d| v.integer(0, 1000, d));
        retry.set("backoff", &mut restart.backoff, d, Value::positive_duration);
        retry.set("maxBackoff", &mut restart.max_backoff, d, Value::positive_duration);
        retry.set("jitter", &mut restart.jitter, d, Value::fraction);
        if restart.max_backoff < restart.backoff {
            let key = retry.key("maxBackoff").or(retry.key("backoff")).unwrap_or_default();
            let message = format!("`{}.maxBackoff` is shorter than `backoff`", value.path());
            d.say(Diagnostic::error(codes::CONFLICT, message).at(key, "").help("make it longer"));
        }
    }
    // It is what it is as soon as it runs.
    service.readiness.check = ReadinessCheck::AliveFor(Duration::ZERO);
    service.task = Some(plan).into();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TaskRunWord {
    Once,
    OnChange,
}

fn schedule(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Schedule> {
    let object = Object::open(value, &table::SCHEDULE, d)?;
    let mut jitter = Duration::ZERO;
    object.set("jitter", &mut jitter, d, Value::duration);
    let mut missed = Missed::default();
    object.set_word("missed", &mut missed, &[("runOnce", Missed::RunOnce), ("skip", Missed::Skip)], d);
    let mut time_zone = Zone::utc();
    object.set("timeZone", &mut time_zone, d, zone);
    let rhythm = match (object.get("cron", d), object.get("every", d)) {
        (Some(cron), Some(every)) => {
            let message = format!(
                "`{}` and `{}` are both given, one of them says when it runs",
                cron.path(),
                every.path()
            );
            d.say(
                Diagnostic::error(codes::CONFLICT, message)
                    .at(every.key, "")
                    .at(cron.key, "")
                    .help("keep one"),
            );
            return None;
        }
        (Some(value), None) => cron(&value, d).map(|cron| Rhythm::Cron { cron, time_zone }),
        (None, Some(value)) => every(&value, jitter, &object, d).map(Rhythm::Every),
        // One without a value was complained about.
        (None, None) if object.has("cron") || object.has("every") => None,
        (None, None) => {
            let message = format!("`{}` says neither `cron` nor `every`", value.path());
            let help = "add `cron: \"30 3 * * *\"` or `every: 15m`";
            d.say(Diagnostic::error(codes::MISSING_FIELD, message).at(value.key, "").help(help));
            None
        }
    };
    Some(Schedule { rhythm: rhythm?, jitter, missed })
}

fn zone(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Zone> {
    let text = value.nonempty(d)?;
    match Zone::new(&text) {
        Ok(zone) => Some(zone),
        Err(near) => {
            let diagnostic = value.wrong(codes::TIME_ZONE, format!("`{text}` is no time zone"));
            d.say(match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("write a name such as `Europe/Berlin`, or `UTC`"),
            });
            None
        }
    }
}

fn cron(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Cron> {
    let scalar = value.scalar("a text", d)?;
    match Cron::parse(&scalar.text) {
        Ok(cron) => Some(cron),
        Err(error) => {
            let at = scalar.source_span(Span::new(error.at.start, error.at.end));
            d.say(Diagnostic::error(codes::CRON, error.message).at(at, "").help(error.help));
            None
        }
    }
}

fn every(value: &Value<'_>, jitter: Duration, object: &Object<'_>, d: &mut Decoder<'_>) -> Option<Duration> {
    let every = value.positive_duration(d)?;
    if every < LEAST_INTERVAL {
        let message = format!("`{}` is at least 1s", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("a Service can do something all the time"));
    }
    if jitter >= every {
        let key = object.key("jitter").unwrap_or_default();
        let message = format!("`jitter` is not shorter than `{}`", value.path());
        d.say(Diagnostic::error(codes::CONFLICT, message).at(key, "").help("make it shorter"));
    }
    if object.has("timeZone") {
        let key = object.key("timeZone").unwrap_or_default();
        let message = "an interval has no time zone";
        d.say(Diagnostic::error(codes::CONFLICT, message).at(key, "").help("leave it out"));
    }
    Some(every)
}
