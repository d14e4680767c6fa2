//! What runs otherwise than its document says, or shall run anew: a restart or a reload, so many at a time as may be missing.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::adjust::{self, Live};
use super::asked;
use super::draft::{Doing, Draft, SOON};
use super::launch::{self, FieldChange};
use super::life::{self, Event};
use super::memory::{Adjusted, Instance, Launched, Process, Record};
use super::observation::Seen;
use super::phase;
use super::ready;
use super::status::{ConditionStatus, ConditionType};
use super::stop;
use super::update::{self, Way};
use crate::spec::Service;
use crate::units::BootTime;

/// Wait before what a restart needs is looked up again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Why an instance should be restarted: a person asked or what was seen of it does (`fields` is empty), or its document changed.
struct Outdated {
    index: u32,
    because: String,
    fields: Vec<FieldChange>,
}

/// So many at a time as may be not Ready: a Ready instance is restarted only while fewer others aren't.
pub(super) fn restart_outdated(
    record: &mut Record,
    (spec, present): (&Service, &LazyCell<Launched, impl FnOnce() -> Launched>),
    events: &BTreeMap<u32, Event>,
    seen: Option<&Seen>,
    draft: &mut Draft<'_>,
) {
    let is_looked_up = seen.and_then(|seen| seen.prepared.as_ref()).is_some_and(Result::is_ok);
    record.cannot_start = false;
    if record.instances.values().all(|instance| instance.phase.process().is_none()) {
        // Nothing was launched that could be compared.
        record.compares &= !is_looked_up;
        return;
    }
    let present: &Launched = present;
    update::take_in_files(record, present);
    let outdated: Vec<Outdated> = record
        .instances
        .range(..spec.replicas)
        .filter(|(index, instance)| {
            phase::runs(instance) && !phase::is_unsettled(instance) && !life::is_unknown(events, **index)
        })
        .filter_map(|(index, instance)| {
            let process = instance.phase.process()?;
            let (of, wanted) = ((process, &*instance.adjusted), (spec, present));
            is_outdated(*index, of, wanted, record.restart_before, draft)
                .or_else(|| asked_for(*index, instance))
        })
        .collect();
    if is_looked_up {
        let of_files = |change: &FieldChange| launch::is_of_files(&change.field);
        record.compares = outdated.iter().any(|outdated| outdated.fields.iter().any(of_files));
    }
    for Outdated { index, because, fields } in outdated {
        match if fields.is_empty() { Way::Restart } else { update::way(spec, &fields) } {
            Way::Restart => {}
            Way::Reload => {
                reload(record, (index, because, fields), (spec, present), draft);
                continue;
            }
            Way::Wait => {
                let because = format!("{because}; `update.strategy` is manual, so a person restarts it");
                draft.change_of(index, Doing::Held, because, fields);
                continue;
            }
        }
        let fails = record.instances.get(&index).is_some_and(|one| one.health.lives == Some(false));
        if !fails && has_no_way_back(index, &fields, draft) {
            continue;
        }
        if !fails && cannot_start(index, &fields, seen, draft) {
            record.cannot_start = true;
            continue;
        }
        if !fails && is_looked_up_first(record, index, seen, draft) {
            continue;
        }
        if fields.is_empty()
            && let Some(waits) = draft.stop_waits.clone()
        {
            draft.change(index, Doing::Restart, waits);
            continue;
        }
        if !fields.is_empty() {
            draft.disturbs = true;
            if draft.guarded {
                draft.hold_mass_change(index, "not restarted");
                continue;
            }
        }
        let others = record.instances.range(..spec.replicas);
        let missing =
            others.filter(|(other, instance)| **other != index && !ready::is_ready(instance, spec)).count();
        let may_be = usize::try_from(spec.update.max_unavailable).unwrap_or(usize::MAX);
        // Nothing comes back before what it depends on, which is restarted too: then there is no one after the other.
        let together = fields.is_empty() && draft.start_waits.is_some();
        let by = record.restart_by.as_deref().filter(|_| fields.is_empty()).map(Box::from);
        let Some(instance) = record.instances.get_mut(&index) else { continue };
        let asked = is_before(record.restart_before, instance);
        if missing < may_be || together || !ready::is_ready(instance, spec) {
            stop::begin(instance, spec, because.clone(), false, draft);
            instance.restarted_by = by.filter(|_| asked);
        }
        draft.change_of(index, Doing::Restart, because, fields);
    }
}

/// What runs isn't taken down for a restart while it couldn't be started again: what it depends on isn't there. True if it
/// stays as it is for that.
pub(super) fn has_no_way_back(index: u32, fields: &[FieldChange], draft: &mut Draft<'_>) -> bool {
    let Some(waits) = draft.restart_waits.clone() else { return false };
    let message = format!("not restarted: it {}", waits.message);
    let (doing, kind) = if waits.stuck {
        (Doing::Held, ConditionType::Blocked)
    } else {
        (Doing::Restart, ConditionType::Progressing)
    };
    draft.change_of(index, doing, message.clone(), fields.to_vec());
    draft.find(kind, ConditionStatus::True, "Dependency", &message);
    true
}

/// Nor while it is known that its start would fail: a program that isn't there, a user whom nobody knows.
fn cannot_start(index: u32, fields: &[FieldChange], seen: Option<&Seen>, draft: &mut Draft<'_>) -> bool {
    let Some(Err(error)) = seen.and_then(|seen| seen.prepared.as_ref()) else { return false };
    let message = format!("not restarted: it couldn't be started again: {error}");
    draft.change_of(index, Doing::Held, message.clone(), fields.to_vec());
    draft.find(ConditionType::Blocked, ConditionStatus::True, "CannotStart", &message);
    draft.wake(draft.now.boot.after(LOOK_AGAIN));
    true
}

/// What was seen of it in this tick (a trigger, a new program) asks for a restart: the next tick asks whether it could be started.
fn is_looked_up_first(record: &Record, index: u32, seen: Option<&Seen>, draft: &mut Draft<'_>) -> bool {
    let asks = record.instances.get(&index).is_some_and(is_asked_for);
    if !asks || seen.is_some_and(|seen| seen.prepared.is_some()) {
        return false;
    }
    draft.change(index, Doing::Nothing, "what its start needs has to be looked up before it is restarted");
    draft.wake(draft.now.boot.after(SOON));
    true
}

/// A change that a reload suffices for.
fn reload(
    record: &mut Record,
    (index, because, fields): (u32, String, Vec<FieldChange>),
    (spec, present): (&Service, &Launched),
    draft: &mut Draft<'_>,
) {
    let Some(instance) = record.instances.get_mut(&index) else { return };
    if asked::reload(instance, spec, &because) {
        if let Some(process) = instance.phase.process_mut() {
            update::took_effect(process, &fields, present);
        }
        draft.change_of(index, Doing::Reload, because, fields);
    }
}

/// Whether what is seen of it asks for a restart that has still to begin, and that waits until it could be started again.
pub(super) fn is_asked_for(instance: &Instance) -> bool {
    instance.health.restart.is_some() && phase::runs(instance) && instance.health.lives != Some(false)
}

/// What was seen of it asks for a restart (a trigger, a new program).
fn asked_for(index: u32, instance: &Instance) -> Option<Outdated> {
    let because = instance.health.restart.clone()?;
    Some(Outdated { index, because, fields: Vec::new() })
}

/// It runs since before the restart that a person asked for.
fn is_before(restart: Option<BootTime>, instance: &Instance) -> bool {
    let since = instance.phase.process().map(|process| process.since);
    restart.zip(since).is_some_and(|(moment, since)| since < moment)
}

fn is_outdated(
    index: u32,
    (process, adjusted): (&Process, &Adjusted),
    (spec, present): (&Service, &Launched),
    restart_before: Option<BootTime>,
    draft: &mut Draft<'_>,
) -> Option<Outdated> {
    if restart_before.is_some_and(|moment| process.since < moment) {
        return Some(Outdated { index, because: "a restart was asked for".into(), fields: Vec::new() });
    }
    let was = update::as_it_is(process);
    let mut fields = was.map(|was| launch::changes(&was, present)).unwrap_or_default();
    fields.retain(|change| match adjust::live(&change.field, &change.from, &change.to, adjusted, spec) {
        Live::Apply(_) | Live::Refused => false,
        Live::Restart => true,
    });
    if !fields.is_empty() {
        let words: Vec<String> =
            fields.iter().map(|f| format!("{}{}", launch::change_words(f), origin(&f.field, spec))).collect();
        let because = words.join(", ");
        if update::way(spec, &fields) != Way::Reload {
            let message = format!("{} has to be restarted: {because}", process.key.pid);
            draft.find(ConditionType::UpToDate, ConditionStatus::False, "NeedsRestart", &message);
        }
        return Some(Outdated { index, because, fields });
    }
    adopted_differs(process, (spec, present), draft);
    None
}

/// Where the value of a field comes from, if the document doesn't say it itself.
fn origin(field: &str, spec: &Service) -> String {
    let inner =
        |path: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match spec.defaults.iter().find(|(path, _)| inner(path)) {
        Some((_, name)) => format!(" (from the Defaults `{name}`)"),
        None => String::new(),
    }
}

/// An adopted process is left as it is; where it is known to be otherwise, that is said.
fn adopted_differs(process: &Process, (spec, present): (&Service, &Launched), draft: &mut Draft<'_>) {
    let Some(rule) = process.adopted_by.as_ref().filter(|_| process.launched.is_none()) else {
        return;
    };
    let pid = process.key.pid;
    let message = if process.arguments_differ {
        format!("{pid} was adopted with other arguments than `args`, and is left as it is")
    } else if let Some(field) = changed_since(rule, spec, present) {
        format!("{pid} was adopted before `{field}` changed, and is left as it is")
    } else {
        return;
    };
    draft.find(ConditionType::UpToDate, ConditionStatus::False, "Adopted", &message);
}

/// The first field that is another one than in an earlier document. Mostly it is that very document.
fn changed_since(earlier: &Service, spec: &Service, present: &Launched) -> Option<String> {
    if std::ptr::eq(earlier, spec) {
        return None;
    }
    let fields = launch::changes(&launch::launched(earlier, None), present);
    fields.into_iter().next().map(|change| change.field)
}
