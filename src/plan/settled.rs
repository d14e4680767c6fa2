//! How far an object is on its way to what is wanted.

use super::memory::Due;
use super::status::{Condition, ConditionStatus, ConditionType, PhaseWord, ServiceStatus, TaskStatus};

/// The reason of what can't be told for a moment: the host has the answer within a second.
pub(super) const SOON_KNOWN: &str = "SoonKnown";

/// How far an object is, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Settled {
    /// As wanted.
    Ready,
    /// Nothing is done about it, on purpose or for want of knowledge.
    Held,
    /// It isn't as wanted, and waits before it is tried again.
    Failed,
    /// It needs more time.
    NotYet,
}

/// Whether it is as wanted, has failed, or needs more time.
pub fn settled(service: &ServiceStatus) -> Settled {
    if is_observed(service) {
        return Settled::Ready;
    }
    if let Some(task) = &service.task {
        return settled_task(service, task);
    }
    match service.phase {
        PhaseWord::Stopped => Settled::Ready,
        PhaseWord::Running if is_blocked(service) => Settled::Held,
        PhaseWord::Running if is(service, ConditionType::Progressing) => Settled::NotYet,
        PhaseWord::Running if has_failed_reload(service) || was_rolled_back(service) => Settled::Failed,
        PhaseWord::Running => Settled::Ready,
        PhaseWord::BackOff => Settled::Failed,
        PhaseWord::Unknown if service.conditions.iter().any(|c| c.reason == SOON_KNOWN) => Settled::NotYet,
        PhaseWord::Held | PhaseWord::Unknown => Settled::Held,
        PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping => Settled::NotYet,
    }
}

/// A Task that isn't scheduled is waited for; of a scheduled one, only what somebody asked for.
fn settled_task(service: &ServiceStatus, task: &TaskStatus) -> Settled {
    let failed = service.conditions.iter().any(|condition| {
        condition.kind == ConditionType::Ready
            && condition.status == ConditionStatus::False
            && matches!(&*condition.reason, "Failed" | "RunStopped")
    });
    match service.phase {
        PhaseWord::Held | PhaseWord::Unknown => Settled::Held,
        PhaseWord::Stopped if failed => Settled::Failed,
        PhaseWord::Stopped => Settled::Ready,
        PhaseWord::Starting | PhaseWord::Running if matches!(task.under_way, Some(Due::Schedule(_))) => {
            Settled::Ready
        }
        PhaseWord::Pending
        | PhaseWord::Starting
        | PhaseWord::Running
        | PhaseWord::Stopping
        | PhaseWord::BackOff => Settled::NotYet,
    }
}

/// That nothing is done about it is what its document says.
fn is_observed(service: &ServiceStatus) -> bool {
    service.conditions.iter().any(|c| c.kind == ConditionType::Progressing && c.reason == "Observed")
}

/// It runs, but what its document says now is held back.
fn is_blocked(service: &ServiceStatus) -> bool {
    is(service, ConditionType::Blocked)
}

fn is(service: &ServiceStatus, kind: ConditionType) -> bool {
    service.conditions.iter().any(|c| c.kind == kind && c.status == ConditionStatus::True)
}

/// It runs by the document of before.
fn was_rolled_back(service: &ServiceStatus) -> bool {
    service.conditions.iter().any(|c| c.kind == ConditionType::UpToDate && c.reason == "RolledBack")
}

/// It runs with the configuration of before.
fn has_failed_reload(service: &ServiceStatus) -> bool {
    let failed = |c: &Condition| c.kind == ConditionType::Degraded && c.reason == "ReloadFailed";
    service.conditions.iter().any(failed)
}
