//! What has to be so before anything is done to a process, in this order: it is held by a pidfd, the pidfd is of the key, it
//! is none that nothing is ever done to, and its policy still means it.

use std::cell::RefCell;

use super::{Still, Why};
use crate::facts::{Fact, ProcessKey};
use crate::host::proc::LiveWorld;
use crate::host::signal::{Target, verify};
use crate::plan::action::Outcome;
use crate::spec::policy::Policy;

/// Holds the process, if all of it is so.
///
/// # Errors
/// What isn't so, or isn't known.
pub(super) fn prove(
    world: &LiveWorld,
    key: &ProcessKey,
    policy: &Policy,
    still: &Still<'_>,
) -> Result<Target, Why> {
    let answer = RefCell::new(None);
    let verified = verify(key, || {
        let said = ask(&world.again(), key, policy, still);
        *answer.borrow_mut() = Some(said.clone());
        said
    });
    match (verified, answer.into_inner()) {
        (Ok(target), _) => Ok(target),
        (Err(_), Some(Fact::Known(false))) => Err(Why::NoLonger),
        (Err(_), Some(Fact::Unknown(reason))) => Err(Why::Unknown(reason)),
        (Err(Outcome::Refused { error }), _) => Err(Why::Refused(error)),
        (Err(_), _) => Err(Why::Gone),
    }
}

/// The look is of this very process, or it says nothing of it.
fn ask(world: &LiveWorld, key: &ProcessKey, policy: &Policy, still: &Still<'_>) -> Fact<bool> {
    match world.process_key(key.pid) {
        Fact::Known(now) if now == *key => still(policy, world, key),
        Fact::Known(_) | Fact::Absent => Fact::Absent,
        Fact::Unknown(reason) => Fact::Unknown(reason),
    }
}
