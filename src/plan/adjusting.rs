//! What is changed of a process that runs, without a restart: limits, scheduling, and the bounds of its group.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::action::Action;
use super::adjust::{self, Live};
use super::draft::{Doing, Draft};
use super::launch;
use super::life::{self, Event};
use super::memory::{Launched, Record};
use super::phase;
use super::status::{ConditionStatus, ConditionType};
use crate::spec::Service;

/// Changes of limits and scheduling are given to what runs, where that can be done.
pub(super) fn adjust_live(
    record: &Record,
    (spec, present): (&Service, &LazyCell<Launched, impl FnOnce() -> Launched>),
    events: &BTreeMap<u32, Event>,
    draft: &mut Draft<'_>,
) {
    let settled = record.instances.range(..spec.replicas).filter(|(index, instance)| {
        phase::runs(instance) && !phase::is_unsettled(instance) && !life::is_unknown(events, **index)
    });
    for (index, instance) in settled {
        let Some(process) = instance.phase.process() else { continue };
        let Some(was) = &process.launched else { continue };
        let mut given = Vec::new();
        for change in launch::changes(was, present) {
            match adjust::live(&change.field, &change.from, &change.to, &instance.adjusted, spec) {
                Live::Apply(adjustments) => {
                    let because = format!("`{}` changed", change.field);
                    let (key, field, to) = (process.key.clone(), change.field.clone(), change.to.clone());
                    draft.step(*index, Action::Adjust { key, field, to, adjustments }, because);
                    given.push(change);
                }
                Live::Refused => {
                    let error = instance.adjusted.error.as_deref().unwrap_or("it was refused");
                    let message = format!("{} is left as it is: {error}", process.key.pid);
                    let what = (ConditionType::UpToDate, ConditionStatus::False);
                    draft.hold(*index, what, "CannotApply", &message);
                }
                Live::Restart => {}
            }
        }
        if !given.is_empty() {
            let names: Vec<String> = given.iter().map(|change| format!("`{}`", change.field)).collect();
            draft.change_of(*index, Doing::Adjust, format!("{} changed", names.join(" and ")), given);
        }
    }
}

/// So long after the host refused bounds they are tried again.
const CONSTRAIN_AGAIN: Duration = Duration::from_mins(1);

/// Bounds that aren't as the document says are set on the running group.
pub(super) fn constrain(
    record: &Record,
    spec: &Service,
    events: &BTreeMap<u32, Event>,
    draft: &mut Draft<'_>,
) {
    for (index, instance) in record.instances.iter().filter(|(_, instance)| phase::runs(instance)) {
        let Some(process) = instance.phase.process().filter(|_| !life::is_unknown(events, *index)) else {
            continue;
        };
        let pid = process.key.pid;
        let Some(group) = process.group.clone() else {
            if !spec.resources.is_empty() {
                let message =
                    format!("`resources` don't bound {pid}: it is in no control group of selfsame's");
                draft.find(ConditionType::Degraded, ConditionStatus::True, "ResourcesNotApplied", &message);
            }
            continue;
        };
        let refused = match &process.constrained {
            None if spec.resources.is_empty() => continue,
            Some(last) if last.resources == *spec.resources => match &last.error {
                None => continue,
                Some(error) => Some((error, last.at.after(CONSTRAIN_AGAIN))),
            },
            None | Some(_) => None,
        };
        if let Some((error, again)) = refused {
            let message = format!("`resources` don't bound {pid}: {error}");
            draft.find(ConditionType::Degraded, ConditionStatus::True, "ResourcesRefused", &message);
            draft.wake(again);
            if draft.now.boot < again {
                continue;
            }
        }
        let action = Action::Constrain { key: process.key.clone(), group, resources: *spec.resources };
        draft.step(*index, action, "`resources` are not what its document says");
    }
}
