//! Who did something, and which field or condition of the document decided it.

use super::Who;
use crate::plan::Change;
use crate::plan::action::{Action, Step};
use crate::plan::memory::{Due, Exit, Instance, Phase, Record};
use crate::spec::{DesiredState, RemovePolicy, RestartPolicy, Rhythm, Service, TaskRun, UpdateStrategy};
use crate::units::format_duration;

/// Of a step.
pub(super) fn of_step(step: &Step, record: &Record) -> (Who, Option<String>) {
    let instance = record.instances.get(&step.index);
    match &step.action {
        Action::Start { .. } => of_start(record, instance),
        Action::Adopt { .. } => match &record.adopt {
            Some(wish) => (Who::person(wish.by.clone()), None),
            None => (Who::Engine, Some(identity(&record.spec))),
        },
        Action::Release { .. } => match record.wish.as_ref().filter(|wish| wish.released) {
            Some(wish) => (Who::person(wish.by.clone()), None),
            None => (Who::Engine, Some(on_remove(record))),
        },
        Action::Signal { .. } | Action::KillTree { .. } => match step_of_stop(instance) {
            Some(rule) => (Who::Engine, Some(rule)),
            None => asked(&step.because).map_or((Who::Engine, Some("reload".into())), |who| (who, None)),
        },
        Action::Constrain { .. } => (Who::Engine, Some("resources".into())),
        Action::Adjust { field, .. } => (Who::Engine, Some(field.clone())),
        Action::Run { .. } => {
            let errand = instance.and_then(|instance| instance.errand.as_ref());
            (Who::Engine, errand.map(|errand| errand.purpose.word().to_owned()))
        }
        Action::Probe { .. } => (Who::Engine, None),
    }
}

/// `ann asked for it`, and until when
fn asked(because: &str) -> Option<Who> {
    because.split_once(" asked for it").map(|(who, _)| Who::person(who))
}

fn of_start(record: &Record, instance: Option<&Instance>) -> (Who, Option<String>) {
    if let Some(run) = instance.and_then(|instance| instance.run.as_ref()) {
        return (who_of_run(&run.due), of_run(record, &run.due));
    }
    if let Some(wish) = record.wish.as_ref().filter(|wish| wish.running) {
        return (Who::person(wish.by.clone()), None);
    }
    if let Some(by) = instance.and_then(|instance| instance.restarted_by.as_deref()) {
        return (Who::person(by), None);
    }
    // What was stopped by us is wanted again: the policy is about ends that nobody asked for.
    let ended = instance.and_then(|instance| instance.last_exit.as_ref());
    if ended.is_some_and(|exit| *exit != Exit::Stopped) {
        let policy = match record.spec.restart.policy {
            RestartPolicy::Always => "always",
            RestartPolicy::OnFailure => "on-failure",
            RestartPolicy::Never => "never",
        };
        return (Who::Engine, Some(format!("restart.policy: {policy}")));
    }
    (Who::Engine, Some("state: running".into()))
}

/// Whom a run is for.
pub(super) fn who_of_run(due: &Due) -> Who {
    match due {
        Due::Schedule(_) => Who::Schedule,
        Due::Asked(by) => Who::person(by.clone()),
        Due::Once | Due::Change | Due::Found => Who::Engine,
    }
}

/// What a run is for.
pub(super) fn of_run(record: &Record, due: &Due) -> Option<String> {
    let run = record.spec.task.as_ref().map(|plan| &plan.run)?;
    match (due, run) {
        (Due::Asked(_), _) => None,
        (Due::Schedule(_), TaskRun::Schedule(schedule)) => Some(match &schedule.rhythm {
            Rhythm::Cron { cron, .. } => format!("schedule: {cron}"),
            Rhythm::Every(every) => format!("schedule: every {}", format_duration(*every)),
        }),
        (Due::Schedule(_), TaskRun::Once | TaskRun::OnChange) => Some("schedule".into()),
        (Due::Once, _) => Some("run: once".into()),
        (Due::Change, _) => Some("run: onChange".into()),
        (Due::Found, _) => Some(identity(&record.spec)),
    }
}

/// How its processes are told from others.
fn identity(spec: &Service) -> String {
    match (&*spec.match_only, &spec.narrow) {
        (Some(only), _) => format!("matchOnly: {}", only.text),
        (None, Some(narrow)) => format!("match: {}", narrow.text),
        (None, None) => "runs(startas)".into(),
    }
}

/// What its document said for the case that it goes.
pub(super) fn on_remove(record: &Record) -> String {
    match record.spec.on_remove {
        Some(RemovePolicy::Stop) => "onRemove: stop".into(),
        Some(RemovePolicy::Release) => "onRemove: release".into(),
        None => "onRemove".into(),
    }
}

/// The step of the schedule that is under way.
fn step_of_stop(instance: Option<&Instance>) -> Option<String> {
    let Phase::Stopping { stop, step, .. } = &instance?.phase else { return None };
    let current = stop.schedule.get(*step)?;
    Some(format!("stop.schedule[{step}]: {}, {}", current.signal, format_duration(current.wait)))
}

/// Why an instance is stopped.
pub(super) fn of_stop(
    record: &Record,
    index: u32,
    instance: &Instance,
    change: Option<&Change>,
) -> (Who, Option<String>) {
    let spec = &record.spec;
    let rule = |text: String| (Who::Engine, Some(text));
    let Phase::Stopping { because, process, exited, .. } = &instance.phase else {
        return (Who::Engine, None);
    };
    if exited.is_some() {
        return rule("stop.scope".into());
    }
    if record.terminating {
        return rule(on_remove(record));
    }
    if let Some(who) = asked(because) {
        return (who, None);
    }
    if record.restart_before.is_some_and(|moment| process.since < moment) {
        return (record.restart_by.clone().map_or(Who::Engine, Who::person), None);
    }
    if spec.state == DesiredState::Stopped && record.wish.is_none() && spec.task.is_none() {
        return rule("state: stopped".into());
    }
    if index >= spec.replicas && spec.task.is_none() {
        return rule(format!("replicas: {}", spec.replicas));
    }
    if change.is_some_and(|change| !change.fields.is_empty()) {
        let strategy = match spec.update.strategy {
            UpdateStrategy::Auto => "auto",
            UpdateStrategy::Restart => "restart",
            UpdateStrategy::Reload => "reload",
            UpdateStrategy::Manual => "manual",
        };
        return rule(format!("update.strategy: {strategy}"));
    }
    let trigger = spec.triggers.iter().find(|trigger| because.contains(&trigger.when.text));
    if let Some(trigger) = trigger {
        return rule(format!("triggers: {}", trigger.when.text));
    }
    if let Some(plan) = spec.task.as_ref().filter(|_| because.contains("`timeout`")) {
        let timeout = plan.timeout.map(format_duration).unwrap_or_default();
        return rule(format!("timeout: {timeout}"));
    }
    if because.contains("`startTimeout`") {
        return rule(format!("startTimeout: {}", format_duration(spec.start_timeout)));
    }
    if because.contains("replaced on disk") {
        return rule("binaryChange: restart".into());
    }
    match &instance.health.restart {
        Some(_) if spec.liveness.is_some() => rule("liveness".into()),
        Some(_) | None => (Who::Engine, None),
    }
}
