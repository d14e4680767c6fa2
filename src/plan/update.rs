//! What a change leads to: a restart, a reload, nothing until a person says so; and back to the last good document.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::aim::meaning;
use super::draft::Draft;
use super::launch::{self, FieldChange};
use super::memory::{Launched, Phase, Process, Record, RolledBack};
use super::ready;
use super::status::{ConditionStatus, ConditionType};
use crate::spec::{OnUpdateFailure, Service, UpdateStrategy};

/// What is done about a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Restart,
    Reload,
    Wait,
}

/// The way that the document says for these fields.
pub(super) fn way(spec: &Service, fields: &[FieldChange]) -> Way {
    let only_files = fields.iter().all(|change| launch::is_watched_file(&change.field));
    match spec.update.strategy {
        UpdateStrategy::Restart => Way::Restart,
        UpdateStrategy::Reload => Way::Reload,
        UpdateStrategy::Manual => Way::Wait,
        UpdateStrategy::Auto if only_files && spec.reload.is_some() => Way::Reload,
        UpdateStrategy::Auto => Way::Restart,
    }
}

/// The fields that a process has by now: those of its launch, and over them what took effect by a reload.
pub(super) fn as_it_is(process: &Process) -> Option<Cow<'_, Launched>> {
    match (&process.launched, &process.reloaded) {
        (None, None) => None,
        (Some(launched), None) => Some(Cow::Borrowed(launched)),
        (launched, Some(reloaded)) => Some(Cow::Owned(
            launched.as_ref().map_or_else(|| Launched::clone(reloaded), |launched| launched.with(reloaded)),
        )),
    }
}

/// A file that is watched only since the launch (or whose process was adopted) counts from its present content on.
pub(super) fn take_in_files(record: &mut Record, present: &Launched) {
    let files = present.iter().filter(|(field, _)| launch::is_watched_file(field));
    for (field, digest) in files {
        for instance in record.instances.values_mut() {
            let Some(process) = instance.phase.process_mut() else { continue };
            if as_it_is(process).is_none_or(|known| known.get(field).is_none()) {
                process.reloaded.get_or_insert_default().insert(field, digest);
            }
        }
    }
}

/// Notes that these fields took effect by a reload.
pub(super) fn took_effect(process: &mut Process, fields: &[FieldChange], present: &Launched) {
    let reloaded = process.reloaded.get_or_insert_default();
    for change in fields {
        if let Some(value) = present.get(&change.field) {
            reloaded.insert(&change.field, value);
        }
    }
}

/// Puts the last good document in force again where the newest one failed before it ever was Ready. True if it did.
pub(super) fn roll_back(record: &mut Record, draft: &mut Draft<'_>) -> bool {
    if record.spec.update.on_failure != OnUpdateFailure::Rollback || record.rolled_back.is_some() {
        return false;
    }
    let Some(good) = record.good.clone().filter(|good| meaning(good) != meaning(&record.spec)) else {
        return false;
    };
    let failed = record.instances.range(..record.spec.replicas).find(|(_, instance)| instance.failures > 0);
    let Some((_, instance)) = failed else { return false };
    let because = match (&instance.last_error, &instance.last_exit) {
        (Some(error), _) => error.clone(),
        (None, Some(exit)) => super::life::exit_words(exit),
        (None, None) => "it failed".into(),
    };
    let refused = Arc::clone(&record.spec);
    record.rolled_back = Some(Box::new(RolledBack { refused, generation: record.generation, because }));
    record.spec = good;
    record.forgive();
    draft.wake(draft.now.boot.after(Duration::from_millis(1)));
    true
}

/// Keeps the document that all replicas are Ready with, and says what was rolled back.
pub(super) fn keep_good(record: &mut Record, draft: &mut Draft<'_>) {
    if let Some(rolled_back) = &record.rolled_back {
        let message = format!(
            "generation {} was rolled back, since it didn't become Ready: {}",
            rolled_back.generation, rolled_back.because
        );
        draft.find(ConditionType::UpToDate, ConditionStatus::False, "RolledBack", &message);
        return;
    }
    let spec = Arc::clone(&record.spec);
    if spec.update.on_failure != OnUpdateFailure::Rollback {
        record.good = None;
        return;
    }
    let present = launch::launched(&spec, None);
    let is_good = |index: u32| {
        let Some(instance) = record.instances.get(&index) else { return false };
        let Phase::Running { process, .. } = &instance.phase else { return false };
        let same = process.launched.as_ref().is_none_or(|was| launch::changes(was, &present).is_empty());
        same && ready::is_ready(instance, &spec)
    };
    let all_good = (0..spec.replicas).all(is_good);
    if all_good && record.good.as_ref().is_none_or(|good| meaning(good) != meaning(&spec)) {
        record.good = Some(spec);
    }
}
