//! The decision in words: phases and conditions, each with its reason and a sentence.

use std::collections::BTreeMap;

use super::aim::Aim;
use super::asked;
use super::draft::{Doing, Draft, Finding};
use super::life::Event;
use super::memory::{Instance, Phase, Process, Record};
use super::observation::{ProcessSeen, Seen};
use super::status::{
    Condition, ConditionStatus, ConditionType, InstanceStatus, NEXT_START, PhaseWord, ServiceStatus,
};
use super::{ready, task};
use crate::spec::{ServiceName, SpecSet};
use crate::units::format_duration;

/// What the last look found of an object's document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Document<'a> {
    /// It is good.
    Seen {
        /// What else is remarkable.
        remark: Option<&'a str>,
    },
    /// It is rejected, with the first error.
    Rejected(&'a str),
    /// It wasn't there, and nothing follows from that, with the reason.
    Unseen(&'a str),
}

impl<'a> Document<'a> {
    /// What was found of the document of this object.
    pub(super) fn of(name: &ServiceName, desired: &'a SpecSet) -> Self {
        match (desired.rejected.get(name), desired.unseen.get(name)) {
            (Some(error), _) => Self::Rejected(error),
            (None, Some(reason)) => Self::Unseen(reason),
            (None, None) => Self::Seen { remark: desired.remarks.get(name).map(String::as_str) },
        }
    }
}

/// Nothing is done about it, whatever it is like.
fn is_left_alone(aim: &Aim) -> bool {
    match aim {
        Aim::Observe | Aim::Suspend { .. } | Aim::Leave | Aim::Released { .. } => true,
        Aim::Run | Aim::Stop { .. } | Aim::Remove(_) => false,
    }
}

/// The status of one object, and the times of its conditions' last changes into the record.
pub(super) fn status(
    record: &mut Record,
    aim: &Aim,
    (seen, events): (Option<&Seen>, &BTreeMap<u32, Event>),
    document: Document<'_>,
    draft: &Draft<'_>,
) -> ServiceStatus {
    let instances: Vec<InstanceStatus> = record
        .instances
        .iter()
        .map(|(index, instance)| of_instance(*index, instance, record, aim, (seen, events), draft))
        .collect();
    let phase = instances.iter().map(|instance| instance.phase).max();
    let phase = phase.unwrap_or_else(|| without_instances(record, aim, draft));
    let mut findings = draft.findings.clone();
    findings.extend(general(record, aim, document, phase, draft));
    findings.extend(seen.and_then(|seen| of_output(seen, draft.name)));
    // Of what these documents don't speak for nothing is noted: what was last found of it still counts.
    let left = *aim == Aim::Leave;
    let conditions: Vec<Condition> =
        in_order(findings).map(|finding| timed(record, finding, left, draft)).collect();
    if record.conditions.len() > conditions.len() && !left {
        // What nothing is said of any more begins anew when something is.
        let said: Vec<ConditionType> = conditions.iter().map(|condition| condition.kind).collect();
        record.conditions.retain(|kind| said.contains(&kind));
    }
    ServiceStatus {
        name: draft.name.clone(),
        generation: record.generation,
        observed_generation: if *aim == Aim::Leave { 0 } else { record.generation },
        source: record.spec.origin.clone(),
        phase: if is_left_alone(aim) { PhaseWord::Held } else { phase },
        instances,
        next_attempt_ms: next_attempt(record, draft),
        conditions,
        task: task::status(record).map(Box::new),
    }
}

fn without_instances(record: &Record, aim: &Aim, draft: &Draft<'_>) -> PhaseWord {
    match aim {
        Aim::Run if record.spec.task.is_some() => task::idle_word(record),
        Aim::Run if draft.changes.values().any(|change| change.doing == Doing::Held) => PhaseWord::Held,
        Aim::Run => PhaseWord::Pending,
        Aim::Stop { .. } if cannot_tell(draft) => PhaseWord::Unknown,
        Aim::Stop { .. } if has_strays(draft) => PhaseWord::Held,
        Aim::Stop { .. } | Aim::Remove(_) => PhaseWord::Stopped,
        Aim::Observe | Aim::Suspend { .. } | Aim::Leave | Aim::Released { .. } => PhaseWord::Held,
    }
}

fn of_instance(
    index: u32,
    instance: &Instance,
    record: &Record,
    aim: &Aim,
    (seen, events): (Option<&Seen>, &BTreeMap<u32, Event>),
    draft: &Draft<'_>,
) -> InstanceStatus {
    let process: Option<&Process> = instance.phase.process();
    let exe = match seen.and_then(|seen| seen.processes.get(&index)) {
        Some(ProcessSeen::Alive(alive)) => alive.exe.clone(),
        Some(ProcessSeen::Gone { .. } | ProcessSeen::Unknown(_)) | None => None,
    };
    let unknown = matches!(events.get(&index), Some(Event::Unknown(_)));
    InstanceStatus {
        index,
        phase: if unknown { PhaseWord::Unknown } else { word(index, instance, record, aim, draft) },
        pid: process.map(|process| process.key.pid),
        start_ticks: process.map(|process| process.key.start),
        adopted: process.is_some_and(|process| process.adopted),
        exe,
        since: process.map(|process| process.at),
        restarts: instance.restarts,
        last_exit: instance.last_exit.clone(),
        says: if process.is_some() { instance.health.said.status.clone() } else { String::new() },
    }
}

fn word(index: u32, instance: &Instance, record: &Record, aim: &Aim, draft: &Draft<'_>) -> PhaseWord {
    let held = draft.changes.get(&index).is_some_and(|change| change.doing == Doing::Held);
    match &instance.phase {
        Phase::Finished => PhaseWord::Stopped,
        Phase::Vacant if *aim == Aim::Run && instance.run.is_none() && record.spec.task.is_some() => {
            task::idle_word(record)
        }
        Phase::Vacant => match (aim, held) {
            (Aim::Run, true) if cannot_tell(draft) => PhaseWord::Unknown,
            (Aim::Run, true) => PhaseWord::Held,
            (Aim::Run, false) => PhaseWord::Pending,
            (Aim::Stop { .. } | Aim::Remove(_), _) if instance.errand.is_some() => PhaseWord::Stopping,
            (Aim::Stop { .. }, _) if cannot_tell(draft) => PhaseWord::Unknown,
            (Aim::Stop { .. }, _) if has_strays(draft) => PhaseWord::Held,
            (
                Aim::Stop { .. }
                | Aim::Remove(_)
                | Aim::Released { .. }
                | Aim::Observe
                | Aim::Suspend { .. }
                | Aim::Leave,
                _,
            ) => PhaseWord::Stopped,
        },
        Phase::BackOff { .. } if held && cannot_tell(draft) => PhaseWord::Unknown,
        Phase::Intended { .. } => PhaseWord::Pending,
        Phase::BackOff { until } if held && draft.now.boot >= *until => PhaseWord::Held,
        Phase::BackOff { .. } => PhaseWord::BackOff,
        Phase::Running { .. } if ready::is_ready(instance, &record.spec) => PhaseWord::Running,
        Phase::Starting { starter: true, .. } if held => PhaseWord::Held,
        Phase::Starting { .. } | Phase::Running { .. } => PhaseWord::Starting,
        Phase::Stopping { .. } => PhaseWord::Stopping,
    }
}

fn cannot_tell(draft: &Draft<'_>) -> bool {
    draft.findings.iter().any(|f| f.kind == ConditionType::Unique && f.status == ConditionStatus::Unknown)
}

/// Something of what is to be stopped runs, and isn't on record.
fn has_strays(draft: &Draft<'_>) -> bool {
    draft.findings.iter().any(|finding| finding.reason == "RunsAnyway")
}

/// What is said of every object.
fn general(
    record: &Record,
    aim: &Aim,
    document: Document<'_>,
    phase: PhaseWord,
    draft: &Draft<'_>,
) -> Vec<Finding> {
    let name = draft.name;
    let mut findings = Vec::new();
    let mut add = |kind, status, reason, message| {
        findings.push(Finding { kind, status, reason, message });
    };
    match (document, aim) {
        (Document::Rejected(error), _) => add(
            ConditionType::Accepted,
            ConditionStatus::False,
            "Rejected",
            format!("{name}: its newest document is rejected, the last good one stays in force: {error}"),
        ),
        (Document::Unseen(reason), _) => add(
            ConditionType::Accepted,
            ConditionStatus::Unknown,
            "NotSeen",
            format!("{name}: what was last accepted stays in force: {reason}"),
        ),
        (Document::Seen { .. }, Aim::Leave) => add(
            ConditionType::Accepted,
            ConditionStatus::Unknown,
            "NoDocument",
            format!("{name}: left alone: no document that can be read speaks for it"),
        ),
        (Document::Seen { .. }, Aim::Remove(_)) => add(
            ConditionType::Accepted,
            ConditionStatus::False,
            "Removed",
            format!("{name}: its document is gone"),
        ),
        (
            Document::Seen { remark },
            Aim::Run | Aim::Stop { .. } | Aim::Released { .. } | Aim::Observe | Aim::Suspend { .. },
        ) => add(
            ConditionType::Accepted,
            ConditionStatus::True,
            "Valid",
            match remark {
                Some(remark) => format!("{name}: its document is in force; {remark}"),
                None => format!("{name}: its document is in force"),
            },
        ),
    }
    if *aim == Aim::Run {
        let (status, reason, message) = readiness(record, draft);
        add(ConditionType::Ready, status, reason, message);
        if let Some((status, reason, message)) = health(record, name) {
            add(ConditionType::Healthy, status, reason, message);
        }
    }
    if let Aim::Stop { because, .. } = aim {
        add(
            ConditionType::Ready,
            ConditionStatus::False,
            "Stopped",
            if record.instances.values().any(|instance| instance.phase.process().is_some())
                || cannot_tell(draft)
                || has_strays(draft)
            {
                format!("{name}: to be stopped: {because}")
            } else {
                format!("{name}: not running: {because}")
            },
        );
    }
    let busy = record.instances.values().find(|instance| asked::is_busy(instance));
    if let Some(instance) = busy {
        let because = instance.asked.first().map_or("its `reload.command` runs", |asked| &asked.because);
        add(ConditionType::Progressing, ConditionStatus::True, "Asked", format!("{name}: {because}"));
    } else if matches!(phase, PhaseWord::Starting | PhaseWord::Stopping | PhaseWord::Pending) {
        let because = draft.changes.values().find(|change| change.doing != Doing::Nothing);
        let because = because.map_or("something is under way", |change| change.because.as_str());
        add(ConditionType::Progressing, ConditionStatus::True, "UnderWay", format!("{name}: {because}"));
    }
    for (index, instance) in &record.instances {
        if let Phase::BackOff { until } = &instance.phase {
            let tenths = until.since(draft.now.boot).as_millis().div_ceil(100);
            let tenths = u64::try_from(tenths).unwrap_or(u64::MAX);
            let wait = format_duration(std::time::Duration::from_millis(tenths.saturating_mul(100)));
            let called = name.instance(*index, record.spec.replicas);
            add(
                ConditionType::BackOff,
                ConditionStatus::True,
                "Failing",
                format!("{called}: {NEXT_START}{wait}, {}", super::backoff::after_what(instance)),
            );
        }
    }
    findings
}

/// Several troubles are one condition, with the reason of the first.
fn of_output(seen: &Seen, name: &ServiceName) -> Option<Finding> {
    let first = seen.output.first()?;
    let messages: Vec<&str> = seen.output.iter().map(|trouble| trouble.message.as_str()).collect();
    Some(Finding {
        kind: ConditionType::Degraded,
        status: ConditionStatus::True,
        reason: first.reason,
        message: format!("{name}: {}", messages.join("; ")),
    })
}

fn readiness(record: &Record, draft: &Draft<'_>) -> (ConditionStatus, &'static str, String) {
    let name = draft.name;
    if record.spec.task.is_some() {
        return task::ready(name, record);
    }
    let wanted = record.spec.replicas;
    let of_wanted = || record.instances.range(..wanted).map(|(_, instance)| instance);
    let ready = of_wanted().filter(|instance| ready::is_ready(instance, &record.spec)).count();
    if usize::try_from(wanted).is_ok_and(|wanted| wanted == ready) {
        return (ConditionStatus::True, "Ready", format!("{name}: {ready} of {wanted} Ready"));
    }
    let finished = of_wanted().find(|instance| instance.phase == Phase::Finished);
    if let Some(exit) = finished.and_then(|instance| instance.last_exit.as_ref()) {
        let message = format!(
            "{name}: not started again: {} and the restart policy says to leave it so",
            super::life::exit_words(exit)
        );
        return (ConditionStatus::False, "Finished", message);
    }
    let why = of_wanted().filter(|instance| !ready::is_ready(instance, &record.spec)).find_map(why_not);
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    (ConditionStatus::False, "NotReady", format!("{name}: {ready} of {wanted} Ready{why}"))
}

/// What an instance that runs lacks to be Ready, if that is known.
fn why_not(instance: &Instance) -> Option<String> {
    instance.phase.process()?;
    if let Phase::Stopping { because, .. } = &instance.phase {
        return Some(format!("it is being stopped: {because}"));
    }
    if instance.health.said.stopping {
        return Some("it says that it stops".into());
    }
    Some(String::clone(&instance.health.detail)).filter(|detail| !detail.is_empty())
}

/// What is known of its liveness, where that is asked.
fn health(record: &Record, name: &ServiceName) -> Option<(ConditionStatus, &'static str, String)> {
    let rule = record.spec.liveness.as_ref()?;
    let asked = || record.instances.values().filter(|i| matches!(i.phase, Phase::Running { .. }));
    if let Some(ill) = asked().find(|instance| instance.health.lives == Some(false)) {
        let (failures, most) = (ill.health.failures, rule.failure_threshold);
        let message = format!("{name}: liveness failed {failures} of {most} times: {}", *ill.health.ailment);
        return Some((ConditionStatus::False, "Failing", message));
    }
    if let Some(unsure) = asked().find(|i| i.health.lives.is_none() && !i.health.ailment.is_empty()) {
        let message = format!("{name}: cannot tell whether it makes progress ({})", *unsure.health.ailment);
        return Some((ConditionStatus::Unknown, "CannotTell", message));
    }
    let lives = asked().next().is_some() && asked().all(|instance| instance.health.lives == Some(true));
    lives.then(|| (ConditionStatus::True, "Live", format!("{name}: its liveness is confirmed")))
}

/// One of a kind, the first one said; in the order of the kinds.
fn in_order(mut findings: Vec<Finding>) -> impl Iterator<Item = Finding> {
    let all = ConditionType::ALL;
    findings.sort_by_key(|finding| all.iter().position(|kind| *kind == finding.kind).unwrap_or(all.len()));
    findings.dedup_by_key(|finding| finding.kind);
    findings.into_iter()
}

fn timed(record: &mut Record, finding: Finding, left: bool, draft: &Draft<'_>) -> Condition {
    let (kind, status, now) = (finding.kind, finding.status, draft.now.wall);
    let since = if left {
        record.conditions.since(kind).unwrap_or(now)
    } else {
        record.conditions.note(kind, status, now)
    };
    Condition {
        kind: finding.kind,
        status: finding.status,
        reason: finding.reason.into(),
        message: finding.message,
        last_transition_time: since,
    }
}

fn next_attempt(record: &Record, draft: &Draft<'_>) -> Option<u64> {
    let waits = record.instances.values().filter_map(|instance| match &instance.phase {
        Phase::BackOff { until } => Some(until.since(draft.now.boot)),
        Phase::Vacant
        | Phase::Finished
        | Phase::Intended { .. }
        | Phase::Starting { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => None,
    });
    waits.min().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
