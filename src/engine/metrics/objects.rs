//! What the status says, as metrics.

use super::page::Page;
use super::{OBJECTS_MAX, families as family, seconds};
use crate::plan::memory::TaskResult;
use crate::plan::status::{ConditionStatus, ConditionType, PhaseWord, ServiceStatus};

const PHASES: [PhaseWord; 8] = [
    PhaseWord::Running,
    PhaseWord::Stopped,
    PhaseWord::Pending,
    PhaseWord::Starting,
    PhaseWord::Stopping,
    PhaseWord::BackOff,
    PhaseWord::Held,
    PhaseWord::Unknown,
];

/// Writes what there is to say of objects.
pub(super) fn write(page: &mut Page, status: &[ServiceStatus], held: usize) {
    page.begin(&family::OBJECTS);
    for phase in PHASES {
        let count = status.iter().filter(|service| service.phase == phase).count();
        page.sample(&[("phase", phase_label(phase))], count);
    }
    page.single(&family::OBJECTS_LEFT_OUT, status.len().saturating_sub(OBJECTS_MAX));
    page.single(&family::PRUNE_HELD, held);
    let told = status.get(..OBJECTS_MAX).unwrap_or(status);
    states(page, told);
    numbers(page, told);
    tasks(page, told);
}

fn states(page: &mut Page, status: &[ServiceStatus]) {
    page.begin(&family::PHASE);
    for service in status {
        page.sample(&[("object", service.name.as_str()), ("phase", phase_label(service.phase))], 1u8);
    }
    page.begin(&family::CONDITION);
    for service in status {
        for condition in &service.conditions {
            let labels = [
                ("object", service.name.as_str()),
                ("type", type_label(condition.kind)),
                ("status", status_label(condition.status)),
            ];
            page.sample(&labels, 1u8);
        }
    }
}

fn numbers(page: &mut Page, status: &[ServiceStatus]) {
    for (family, number) in [
        (&family::INSTANCES, (|service| service.instances.len() as u64) as fn(&ServiceStatus) -> u64),
        (&family::READY_INSTANCES, |service| ready(service) as u64),
        (&family::GENERATION, |service| service.generation),
    ] {
        page.begin(family);
        for service in status {
            page.sample(&[("object", service.name.as_str())], number(service));
        }
    }
    page.begin(&family::LAST_START);
    for service in status {
        if let Some(since) = service.instances.iter().filter_map(|instance| instance.since).max() {
            page.sample(&[("object", service.name.as_str())], seconds(since));
        }
    }
    page.begin(&family::RESTARTS);
    for service in status {
        let restarts: u64 = service.instances.iter().map(|instance| instance.restarts).sum();
        page.sample(&[("object", service.name.as_str())], restarts);
    }
}

fn ready(service: &ServiceStatus) -> usize {
    service.instances.iter().filter(|instance| instance.phase == PhaseWord::Running).count()
}

fn tasks(page: &mut Page, status: &[ServiceStatus]) {
    let tasks = || status.iter().filter_map(|service| Some((service.name.as_str(), service.task.as_ref()?)));
    page.begin(&family::TASK_ENDED);
    for (name, last) in tasks().filter_map(|(name, task)| Some((name, task.last.as_ref()?))) {
        page.sample(&[("object", name)], seconds(last.ended));
    }
    page.begin(&family::TASK_SUCCEEDED);
    for (name, last) in tasks().filter_map(|(name, task)| Some((name, task.last.as_ref()?))) {
        page.sample(&[("object", name)], u8::from(last.result == TaskResult::Succeeded));
    }
    page.begin(&family::TASK_NEXT);
    for (name, next) in tasks().filter_map(|(name, task)| Some((name, task.next?))) {
        page.sample(&[("object", name)], seconds(next));
    }
}

/// In lower case, as label values usually are.
fn phase_label(phase: PhaseWord) -> &'static str {
    match phase {
        PhaseWord::Running => "running",
        PhaseWord::Stopped => "stopped",
        PhaseWord::Pending => "pending",
        PhaseWord::Starting => "starting",
        PhaseWord::Stopping => "stopping",
        PhaseWord::BackOff => "backoff",
        PhaseWord::Held => "held",
        PhaseWord::Unknown => "unknown",
    }
}

/// As the status has it, since people look for that.
fn type_label(kind: ConditionType) -> &'static str {
    match kind {
        ConditionType::Accepted => "Accepted",
        ConditionType::Ready => "Ready",
        ConditionType::Healthy => "Healthy",
        ConditionType::Progressing => "Progressing",
        ConditionType::UpToDate => "UpToDate",
        ConditionType::Owned => "Owned",
        ConditionType::Unique => "Unique",
        ConditionType::Blocked => "Blocked",
        ConditionType::BackOff => "BackOff",
        ConditionType::Suspended => "Suspended",
        ConditionType::Degraded => "Degraded",
    }
}

fn status_label(status: ConditionStatus) -> &'static str {
    match status {
        ConditionStatus::True => "true",
        ConditionStatus::False => "false",
        ConditionStatus::Unknown => "unknown",
    }
}
