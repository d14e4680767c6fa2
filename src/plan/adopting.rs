//! `adopt PID --as NAME`: a person names the process that takes a place. What is found by the identity rule may be taken,
//! whatever else matches; what the rule doesn't find is refused, since it could never be signalled.

use super::action::Action;
use super::draft::{Doing, Draft};
use super::memory::{AdoptWish, Instance, Phase, Record};
use super::observation::{Candidate, Look, Seen};
use super::places;
use super::status::{ConditionStatus, ConditionType};
use std::sync::Arc;

/// Decides about what a person asked to be taken over, once there is a look that could find it.
pub(super) fn adopt_asked(record: &mut Record, seen: Option<&Seen>, draft: &mut Draft<'_>) {
    let Some(wish) = record.adopt.clone() else { return };
    let own = |instance: &Instance| instance.phase.process().is_some_and(|process| process.key == wish.key);
    if record.instances.values().any(own) {
        record.adopt = None;
        return;
    }
    let Some(look) = seen.and_then(|seen| seen.look.as_ref()) else {
        draft.wake(draft.now.boot);
        return;
    };
    record.adopt = None;
    match fitting(&wish, look).and_then(|candidate| Ok((candidate, place(record, candidate)?))) {
        Ok((candidate, index)) => {
            let because = format!("{} asked for it", wish.by);
            draft.step(index, Action::Adopt { key: wish.key.clone() }, because.clone());
            draft.change(index, Doing::Adopt, because);
            let phase = places::adopted(candidate.clone(), &Arc::clone(&record.spec), draft);
            let instance = record.instances.get_or_new(index);
            instance.phase = phase;
            instance.last_error = None;
            instance.forget_failures();
        }
        Err(why) => {
            let message = format!("{} is not adopted: {why}", wish.key.pid);
            draft.find(ConditionType::Owned, ConditionStatus::False, "NotAdopted", &message);
        }
    }
}

/// The candidate that is meant, if it may be taken.
fn fitting<'a>(wish: &AdoptWish, look: &'a Look) -> Result<&'a Candidate, String> {
    let pid = wish.key.pid;
    let Some(candidate) = look.candidates.iter().find(|candidate| candidate.key == wish.key) else {
        let undecided = look.unknown.iter().find(|(other, _)| *other == pid);
        return Err(match undecided.and_then(|(_, reasons)| reasons.first()) {
            Some(reason) => format!("cannot tell whether the identity rule finds it ({reason})"),
            None => "the identity rule of the object doesn't find it; `explain` says why".into(),
        });
    };
    if let Some(other) = &candidate.recorded_for {
        return Err(format!("it is on record for `{other}`, which would have to `release` it first"));
    }
    if candidate.weak {
        return Err("nothing that the kernel attests says that it is it".into());
    }
    if wish.force {
        return Ok(candidate);
    }
    if let Some(supervisor) = &candidate.foreign_supervisor {
        return Err(format!(
            "it is kept by {supervisor}, which would bring it back; `--force` takes it anyway"
        ));
    }
    if candidate.foreign_user {
        return Err(format!("it belongs to another user (uid {}); `--force` takes it anyway", candidate.uid));
    }
    Ok(candidate)
}

/// A place without a process, the one that its arguments name if they do.
fn place(record: &Record, candidate: &Candidate) -> Result<u32, String> {
    let vacant = |index: &u32| {
        record.instances.get(index).is_none_or(|instance| {
            matches!(instance.phase, Phase::Vacant | Phase::BackOff { .. } | Phase::Finished)
        })
    };
    let mut places: Vec<u32> = (0..record.spec.replicas).filter(vacant).collect();
    places.sort_by_key(|index| !candidate.indexes.contains(index));
    places.first().copied().ok_or_else(|| {
        "every place of the object has a process already; `release` or `stop` it first".to_owned()
    })
}

/// Nothing is taken over for an object that isn't to run.
pub(super) fn refuse(record: &mut Record, draft: &mut Draft<'_>) {
    if let Some(wish) = record.adopt.take() {
        let message = format!("{} is not adopted: the object isn't to run", wish.key.pid);
        draft.find(ConditionType::Owned, ConditionStatus::False, "NotAdopted", &message);
    }
}
