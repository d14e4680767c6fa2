//! What a tick has to look at, for the decision that may come. Pure, and frugal: a look at all processes is
//! asked for only where something may be started, or when everything is to be seen anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aim::{Aim, Scope, about, aim, settle};
use super::asking::{Manner, manner, next_probe};
use super::depend::{Web, restart_is_due};
use super::memory::{Instance, Memory, Phase, Record};
use super::observation::{ProcessQuestion, Questions, ServiceQuestions};
use super::recorded::Recorded;
use super::status::PhaseWord;
use super::{backoff, errand, health, outdated, phase, ready, recognized, stop, task};
use crate::spec::{Readiness, Service, SpecSet};
use crate::units::{BootTime, Now};

/// How much to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuestionHints {
    /// Everything: at the first tick, at each resync, and after events may have been lost. Only then are
    /// duplicates found, and changed contents of environment files.
    pub full: bool,
}

/// The questions of one tick.
pub fn questions(desired: &SpecSet, memory: &Memory, now: Now, hints: QuestionHints) -> Questions {
    questions_of(None, desired, memory, now, hints)
}

/// The questions of one tick about some objects; what is on record for the others is told all the same.
pub fn questions_of(
    scope: Scope<'_>,
    desired: &SpecSet,
    memory: &Memory,
    now: Now,
    hints: QuestionHints,
) -> Questions {
    let settled = settle(desired, memory, scope, now.wall);
    let web = Web::of(desired, &settled, now);
    let mut questions =
        Questions { full: hints.full, recorded: Recorded::of(&settled.services), ..Questions::default() };
    let mut unasked = 0;
    for (name, record) in about(scope, &settled) {
        let aim = aim(name, record, desired, now);
        if aim != Aim::Leave {
            let mut asked = of_service(record, &aim, now.boot, (hints, web.start(name).is_some()));
            if hints.full && aim == Aim::Run {
                ask_identity(&mut asked, record, now.boot, &mut unasked);
            }
            questions.services.insert(name.clone(), asked);
        }
    }
    questions
}

fn of_service(
    record: &Record,
    aim: &Aim,
    now: BootTime,
    (hints, waits): (QuestionHints, bool),
) -> ServiceQuestions {
    let spec = &record.spec;
    // What waits for others isn't started: it is looked for now and then only.
    let wanted = |index: u32| *aim == Aim::Run && index < spec.replicas && (hints.full || !waits);
    let due = match &*spec.task {
        Some(_) => *aim == Aim::Run && (hints.full || !waits) && task::is_due(record, now),
        None => (0..spec.replicas).any(|index| {
            wanted(index) && record.instances.get(&index).is_none_or(|instance| phase::is_due(instance, now))
        }),
    };
    let starters = record.instances.values().any(is_starter);
    let probes = record.instances.values().any(|instance| may_run_command(instance, spec, now));
    let launched = record.instances.values().filter_map(|instance| instance.phase.process());
    let compares = (hints.full || record.compares)
        && launched
            .into_iter()
            .any(|process| process.launched.is_some() || !spec.update.watch_files.is_empty());
    let restarts = spec.task.is_none()
        && (restart_is_due(record) || record.instances.values().any(outdated::is_asked_for));
    // A command that was lost with its engine is begun again in the tick that learns of it.
    let commands = record
        .instances
        .values()
        .any(|instance| errand::wants_to_begin(instance) || errand::nonce(instance).is_some());
    ServiceQuestions {
        spec: Arc::clone(spec),
        processes: record
            .instances
            .iter()
            .filter_map(|(index, instance)| Some((*index, of_process(*index, instance, record, now, hints)?)))
            .collect(),
        look: due
            || starters
            || record.adopt.is_some()
            || *aim == Aim::Observe
            || (hints.full && *aim == Aim::Run && spec.task.is_none())
            || looks_for_strays(record, aim, hints),
        if_gone: *aim == Aim::Run
            && spec.task.is_none()
            && !waits
            && record.instances.range(..spec.replicas).any(|(_, i)| backoff::may_start_at_once(i, spec, now)),
        intents: intents(record),
        prepare: due
            || commands
            || (*aim == Aim::Run
                && (probes || compares || restarts || (hints.full && task::compares(record)))),
        conditions: due && !spec.conditions.is_empty(),
        commands: record
            .instances
            .iter()
            .filter_map(|(index, instance)| Some((*index, errand::nonce(instance)?.clone())))
            .collect(),
    }
}

/// Whether the identity rule finds what runs, of so many that weren't asked about yet, and of those that it didn't find.
fn ask_identity(asked: &mut ServiceQuestions, record: &Record, now: BootTime, unasked: &mut usize) {
    for (index, question) in &mut asked.processes {
        let Some(instance) =
            record.instances.get(index).filter(|one| recognized::asks(one, &record.spec, now))
        else {
            continue;
        };
        *unasked += usize::from(instance.health.recognized.is_none());
        question.health.recognized = instance.health.recognized.is_some() || *unasked <= recognized::AT_ONCE;
    }
}

/// That nothing runs of what is to be stopped can be said only after a look: at each complete one, and where it couldn't be told before.
fn looks_for_strays(record: &Record, aim: &Aim, hints: QuestionHints) -> bool {
    let in_doubt = matches!(record.shown, Some(PhaseWord::Unknown | PhaseWord::Held));
    matches!(aim, Aim::Stop { .. }) && record.spec.task.is_none() && (hints.full || in_doubt)
}

fn intents(record: &Record) -> BTreeMap<u32, String> {
    let nonce = |instance: &Instance| match &instance.phase {
        Phase::Intended { nonce, .. } => Some(nonce.clone()),
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => None,
    };
    record.instances.iter().filter_map(|(index, instance)| Some((*index, nonce(instance)?))).collect()
}

fn is_starter(instance: &Instance) -> bool {
    matches!(instance.phase, Phase::Starting { starter: true, .. })
}

/// Whether a command of readiness or liveness may have to be begun in this tick.
fn may_run_command(instance: &Instance, spec: &Service, now: BootTime) -> bool {
    let is_due = |rule: &Readiness, probed: Option<BootTime>, begun: Option<BootTime>| {
        manner(&rule.check) == Manner::Command
            && probed.is_none_or(|probed| now >= next_probe(probed, begun, rule, true))
    };
    match &instance.phase {
        Phase::Starting { starter: false, probed, since, .. } => {
            is_due(&spec.readiness, *probed, Some(*since))
        }
        Phase::Running { probed, .. } => {
            let lives = spec.liveness.as_ref().is_some_and(|rule| is_due(rule, instance.health.probed, None));
            lives || is_due(&spec.readiness, *probed, None)
        }
        Phase::Starting { starter: true, .. }
        | Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Stopping { .. } => false,
    }
}

fn of_process(
    index: u32,
    instance: &Instance,
    record: &Record,
    now: BootTime,
    hints: QuestionHints,
) -> Option<ProcessQuestion> {
    let process = instance.phase.process()?;
    let scope = match &instance.phase {
        Phase::Stopping { stop, .. } => stop::scope(process, stop),
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. } => stop::scope(process, &record.spec.stop),
    };
    let (tree, list_tree) = match &instance.phase {
        Phase::Stopping { tree, noted, .. } => (tree.clone(), stop::lists(scope, *noted)),
        Phase::Starting { left, .. } => (left.clone(), false),
        Phase::Vacant
        | Phase::BackOff { .. }
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Running { .. } => (Vec::new(), false),
    };
    let stopping = matches!(instance.phase, Phase::Stopping { .. });
    let is_ready = matches!(instance.phase, Phase::Running { .. });
    let asks = if is_ready { ready::stays_asked(&record.spec) } else { ready::asks(&record.spec) };
    let asks = asks && !stopping && index < record.spec.replicas;
    Some(ProcessQuestion {
        key: process.key.clone(),
        inode: process.inode,
        adopted_by: process.adopted_by.clone(),
        starter: is_starter(instance),
        followed: process.followed,
        readiness: asks.then(|| record.spec.readiness.check.clone()),
        tree,
        list_tree,
        health: health::questions(instance, index, record, now, hints),
        scope,
        group: process.group.clone(),
    })
}
