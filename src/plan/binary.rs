//! `binaryChange`: the program on disk is no longer the one that runs.

use std::path::Path;
use std::time::Duration;

use super::draft::Draft;
use super::memory::{Instance, Phase};
use super::observation::Alive;
use super::status::{ConditionStatus, ConditionType};
use crate::facts::Fact;
use crate::spec::{BinaryChange, Service};

/// Another program has to stand there for so long before it is acted on: it may still be written.
pub(super) const SETTLED: Duration = Duration::from_secs(3);

/// Looks at what a tick has seen of the program of an instance.
pub(super) fn watch(instance: &mut Instance, alive: &Alive, spec: &Service, draft: &mut Draft<'_>) {
    let (Phase::Running { process, .. } | Phase::Starting { process, starter: false, .. }) = &instance.phase
    else {
        return;
    };
    if spec.binary_change == BinaryChange::Ignore {
        return;
    }
    let (pid, now) = (process.key.pid, draft.now.boot);
    let health = &mut instance.health;
    if let Fact::Known(image) = alive.health.image {
        let first = *health.image.get_or_insert(image);
        let other = first != image || is_replaced(alive, spec);
        health.replaced = match health.replaced.take() {
            Some(replaced) if other && replaced.0 == image => Some(replaced),
            Some(_) | None => other.then(|| Box::new((image, now))),
        };
    }
    let Some((image, since)) = health.replaced.as_deref().copied() else {
        if alive.exe_deleted {
            let message = format!("{pid} runs a file that isn't on disk any more");
            draft.find(ConditionType::UpToDate, ConditionStatus::False, "BinaryDeleted", &message);
        }
        return;
    };
    let message = format!("{pid} runs what was replaced on disk since");
    draft.find(ConditionType::UpToDate, ConditionStatus::False, "BinaryReplaced", &message);
    if now < since.after(SETTLED) {
        draft.wake(since.after(SETTLED));
        return;
    }
    let because = "its program was replaced on disk";
    match spec.binary_change {
        BinaryChange::Ignore | BinaryChange::Report => {}
        BinaryChange::Restart => instance.ask_restart(because),
        BinaryChange::Reload if health.reloaded_for.as_deref() == Some(&image) => {}
        BinaryChange::Reload => {
            health.reloaded_for = Some(Box::new(image));
            instance.ask_reload(because);
        }
    }
}

/// What it executes is gone, and something stands for it. A program that executes a copy of itself which it deletes (out of memory,
/// an archive that unpacks itself) runs what was never installed.
fn is_replaced(alive: &Alive, spec: &Service) -> bool {
    let executed = alive.exe.as_deref().map(Path::new).and_then(Path::file_name);
    let is_called_alike = executed.is_some_and(|name| spec.startas.file_name() == Some(name));
    alive.exe_deleted && (alive.exe_replaced || is_called_alike)
}
