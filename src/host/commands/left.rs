//! What commands had forked when their engine was killed: ended by the next one, before it begins them again.
//!
//! Two things have to be so together, and neither alone is enough. It is in the session of the command's first process, by the
//! number that is on record: who has left that session is meant to stay (a daemon that a hook restarts). And it has the
//! command's mark in its environment: the number of a session may have been given out again. Whose environment can't be
//! read is left alone.

use std::collections::BTreeSet;

use crate::facts::{Fact, ProcessKey};
use crate::host::probe::{has_entry, processes};
use crate::host::signal::{boot_id, verify, vital};
use crate::plan::action::Outcome;
use crate::plan::memory::Memory;
use crate::units::{Pid, Signal};

/// In the environment of a command, with its nonce.
pub(super) const MARK: &str = "SELFSAME_COMMAND";
/// Who forks while it is being ended is found in the next round.
const ROUNDS: usize = 16;

/// Ends what is left of the commands that were under way by these records, which nobody else holds, and says so, a sentence
/// for each.
pub fn end(memory: &Memory) -> Vec<String> {
    let instances = memory.services.iter().flat_map(|(name, record)| {
        record.instances.values().filter_map(move |instance| Some((name, instance.errand.as_ref()?)))
    });
    let mut said = Vec::new();
    for (name, errand) in instances {
        let (Some(nonce), Some(first)) = (&errand.nonce, &errand.process) else { continue };
        let ended: Vec<String> = end_session(first, nonce).iter().map(|pid| pid.0.to_string()).collect();
        if !ended.is_empty() {
            said.push(format!(
                "`{}` of {name} outlived the selfsame that ran it; what was left of it was killed (pid {})",
                errand.purpose.word(),
                ended.join(", ")
            ));
        }
    }
    said
}

fn end_session(first: &ProcessKey, nonce: &str) -> BTreeSet<Pid> {
    let mut ended = BTreeSet::new();
    if !boot_id().is_ok_and(|boot| boot == first.boot) {
        return ended;
    }
    let mark = format!("{MARK}={nonce}");
    let is_left =
        |pid: Pid| vital(pid).is_ok_and(|vital| vital.session == first.pid) && has_entry(pid, &mark);
    for _ in 0..ROUNDS {
        let in_session = processes().into_iter().filter(|(_, vital)| vital.session == first.pid);
        let keys =
            in_session.map(|(pid, vital)| ProcessKey { boot: first.boot.clone(), pid, start: vital.start });
        let targets: Vec<_> =
            keys.filter_map(|key| verify(&key, || Fact::Known(is_left(key.pid))).ok()).collect();
        let killed = targets.iter().filter(|target| target.send(Signal::KILL) == Outcome::Done);
        let before = ended.len();
        ended.extend(killed.map(|target| target.key().pid));
        if ended.len() == before {
            break;
        }
    }
    ended
}
