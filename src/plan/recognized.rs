//! Whether what was started is what the identity rule of its document describes.
//!
//! A process on record is known by its key, whatever it executes. Only when the record is lost, or another engine looks,
//! does the rule have to find it again: a wrapper that ended in another program is started a second time then. So the rule
//! is asked once of each process, and what it doesn't find is said while there is time to mend it. Nothing is done for that.

use std::time::Duration;

use super::draft::Draft;
use super::memory::{Instance, Phase, Record};
use super::observation::{Alive, ProcessSeen, Seen};
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::Service;
use crate::units::BootTime;

/// So long it has to be Ready before it is asked: a wrapper has executed what it wraps by then.
const SETTLED: Duration = Duration::from_secs(1);

/// So many that weren't asked about are asked about in one complete look, so that none becomes long for it.
pub(super) const AT_ONCE: usize = 32;

/// Whether to ask: in a complete look, until the rule finds it.
pub(super) fn asks(instance: &Instance, spec: &Service, now: BootTime) -> bool {
    let Phase::Running { ready_since, .. } = &instance.phase else { return false };
    spec.task.is_none() && instance.health.recognized != Some(true) && now >= ready_since.after(SETTLED)
}

/// Notes the answer. Nothing is said of a program that is gone from the disk, or was replaced: `binaryChange` is about that.
pub(super) fn note(instance: &mut Instance, alive: &Alive) {
    if let Fact::Known(recognized) = alive.health.recognized
        && (recognized || !alive.exe_deleted)
    {
        instance.health.recognized = Some(recognized);
    }
}

/// Says of which process the rule doesn't find it.
pub(super) fn tell(record: &Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let unfound = |(index, instance): (&u32, &Instance)| {
        let process = instance.phase.process()?;
        (instance.health.recognized == Some(false)).then_some((*index, process.key.pid))
    };
    let mut all = record.instances.range(..record.spec.replicas).filter_map(unfound);
    let Some((index, pid)) = all.next() else { return };
    let runs = match seen.and_then(|seen| seen.processes.get(&index)) {
        Some(ProcessSeen::Alive(Alive { exe: Some(exe), .. })) => format!("{pid} runs `{exe}`"),
        _ => format!("{pid} runs"),
    };
    let message = format!(
        "{runs}, and the identity rule of its document doesn't find it: without its record another one would be started; say with \
         `becomes` or `matchOnly` what it runs as (`selfsame explain {}` shows what the rule asks)",
        draft.name
    );
    draft.find(ConditionType::UpToDate, ConditionStatus::False, "NotRecognized", &message);
}
