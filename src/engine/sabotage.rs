//! A look in which what can't be told counts as "no": the mistake that P3 forbids, for tests that show who notices.
//! Test builds only.

use crate::plan::memory::Exit;
use crate::plan::observation::{IntentSeen, Observation, ProcessSeen};

/// Makes "no" of every "unknown".
pub(super) fn unknown_is_no(mut observed: Observation) -> Observation {
    for seen in observed.services.values_mut() {
        if let Some(look) = &mut seen.look {
            look.complete = true;
            look.unknown.clear();
        }
        for process in seen.processes.values_mut() {
            if matches!(process, ProcessSeen::Unknown(_)) {
                *process = ProcessSeen::Gone { exit: Exit::Unknown, successor: None, survivors: Vec::new() };
            }
        }
        for intent in seen.intents.values_mut() {
            if matches!(intent, IntentSeen::Unknown(_)) {
                *intent = IntentSeen::NothingRan;
            }
        }
    }
    observed
}
