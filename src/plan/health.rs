//! What is asked about the health of a process, beyond whether it lives.

use std::time::Duration;

use super::binary::SETTLED;
use super::memory::{Instance, Phase, Record};
use super::observation::HealthQuestion;
use super::questions::QuestionHints;
use crate::spec::{BinaryChange, ReadinessCheck, Service, ServiceType};
use crate::units::BootTime;

/// What to ask about the process of an instance.
pub(super) fn questions(
    instance: &Instance,
    index: u32,
    record: &Record,
    now: BootTime,
    hints: QuestionHints,
) -> HealthQuestion {
    let spec = &record.spec;
    let runs = matches!(instance.phase, Phase::Starting { starter: false, .. } | Phase::Running { .. });
    if !runs || index >= spec.replicas {
        return HealthQuestion { said: listens(spec), ..HealthQuestion::default() };
    }
    let ready = matches!(instance.phase, Phase::Running { .. });
    let settling = instance.health.replaced.as_ref().is_some_and(|replaced| now >= replaced.1.after(SETTLED));
    HealthQuestion {
        said: listens(spec),
        obstacle: !ready,
        liveness: spec.liveness.as_ref().filter(|_| ready).map(|liveness| liveness.check.clone()),
        // At every complete look, and when it was seen first or seen to change.
        image: spec.binary_change != BinaryChange::Ignore
            && (hints.full || settling || instance.health.image.is_none()),
        // Chosen when all are seen, so that a look stays short.
        recognized: false,
        conditions: spec.triggers.iter().filter(|_| ready).map(|trigger| trigger.when.clone()).collect(),
    }
}

/// How often it is expected to say that it is alive.
pub(super) fn watchdog(spec: &Service) -> Option<Duration> {
    let liveness = spec.liveness.as_ref().filter(|liveness| liveness.check == ReadinessCheck::Notify)?;
    Some(liveness.period)
}

/// Whether its processes can say something of themselves.
pub(super) fn listens(spec: &Service) -> bool {
    let asks = |check: &ReadinessCheck| matches!(check, ReadinessCheck::Notify);
    spec.service_type == ServiceType::Notify
        || asks(&spec.readiness.check)
        || spec.liveness.as_ref().is_some_and(|liveness| asks(&liveness.check))
}
