//! The start of what is due: its turn, its hooks, and the intent that stands on record before the process.

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::backoff;
use super::draft::{Doing, Draft, SOON};
use super::errand;
use super::launch;
use super::life;
use super::memory::{Instance, Phase, Purpose, Record};
use super::observation::{Prepared, Unprepared};
use super::slots;
use super::status::{ConditionStatus, ConditionType};
use crate::spec::{Service, ServiceType};

/// A name service that was late in one look may be late in the next.
const ASK_AGAIN: Duration = Duration::from_secs(5);

pub(super) fn start_all(
    record: &mut Record,
    spec: &Service,
    due: &[u32],
    prepared: Option<&Result<Arc<Prepared>, Unprepared>>,
    draft: &mut Draft<'_>,
) {
    for index in due {
        let instance = record.instances.get_or_new(*index);
        match prepared {
            Some(Ok(prepared)) => start(instance, *index, spec, prepared, draft),
            Some(Err(Unprepared::NotAsked(why))) => hold(*index, why, draft),
            Some(Err(Unprepared::Refused(error))) => {
                let of = (draft.name, *index);
                backoff::after_failure(instance, &spec.restart, of, error.clone(), draft.now.boot);
                draft.change(*index, Doing::Fail, error.clone());
                draft.wake(draft.now.boot);
            }
            None => {
                draft.change(*index, Doing::Nothing, "what its start needs has to be looked up first");
                draft.wake(draft.now.boot.after(SOON));
            }
        }
    }
}

/// Nothing is known, so that nothing is started, and nothing failed. Whoever was asked about instead keeps everybody waiting, so that it isn't
/// asked again at once.
pub(super) fn hold(index: u32, why: &str, draft: &mut Draft<'_>) {
    let message = format!("not started: cannot tell what its start needs ({why})");
    draft.hold(index, (ConditionType::Blocked, ConditionStatus::Unknown), "CannotTell", &message);
    draft.wake(draft.now.boot.after(ASK_AGAIN));
}

fn start(instance: &mut Instance, index: u32, spec: &Service, prepared: &Prepared, draft: &mut Draft<'_>) {
    if slots::counts(spec) && !instance.primed {
        if draft.slots == 0 {
            draft.change(index, Doing::Wait, "waits for its turn: as many are being started as may be");
            return;
        }
        draft.slots -= 1;
    }
    if !instance.primed && !spec.hooks.pre_start.is_empty() {
        instance.phase = Phase::Vacant;
        errand::begin(instance, spec, Purpose::PreStart, draft.now.boot);
        draft.change(index, Doing::Start, "its `hooks.preStart` run first");
        draft.wake(draft.now.boot.after(SOON));
        return;
    }
    let asked = instance.health.restart.take();
    instance.begin_health();
    let because = match (&instance.run, &instance.last_exit, &instance.last_error) {
        _ if asked.is_some() => asked.unwrap_or_default(),
        (Some(run), _, _) => super::task::because(run, spec),
        (None, _, Some(error)) => format!("the last start failed: {error}"),
        (None, Some(exit), None) => life::exit_words(exit),
        (None, None, None) => "nothing that matches runs".into(),
    };
    let mut launch = launch::resolve(spec, index, prepared);
    instance.attempts = instance.attempts.saturating_add(1);
    let nonce = format!("{:x}-{index}-{}", draft.now.boot.0.as_nanos(), instance.attempts);
    launch.group = Some(format!("{}-{nonce}", draft.name));
    instance.phase = Phase::Intended {
        nonce: nonce.clone(),
        group: launch.group.clone(),
        launched: launch.launched.clone(),
        since: draft.now.boot,
        starter: spec.service_type == ServiceType::Forking,
    };
    draft.step(index, Action::Start { nonce, launch: Box::new(launch) }, because.clone());
    draft.change(index, Doing::Start, because);
}
