//! Into a control group with bounds: the group of the policy, below selfsame's own.

use super::parts::Parts;
use super::proof::prove;
use super::{Done, Occasion, Why};
use crate::facts::ProcessKey;
use crate::host::adjust::has_exited;
use crate::spec::policy::PolicyGroup;

/// A start's group is `NAME-` and a number, which begins with no hyphen: no Service can have one of these.
const PREFIX: &str = "policy--";

/// Moves the process, with all its threads and without its children. What it holds of memory stays charged to where it
/// was, as the kernel has it; what it takes from now on counts here.
pub(super) fn enclose(
    parts: &mut Parts<'_>,
    key: &ProcessKey,
    group: &PolicyGroup,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    let name = format!("{PREFIX}{}", group.name.as_ref().unwrap_or(&occasion.policy.name));
    // Before the proof, so that as little as possible lies between that and the move.
    let ready = parts.groups.ready_for(&name, &group.resources, key.pid).map_err(Why::Refused)?;
    let target = prove(parts.world, key, occasion.policy, occasion.still)?;
    if has_exited(&target) {
        return Err(Why::Gone);
    }
    let moved = ready.take(key.pid);
    if has_exited(&target) {
        return Err(Why::Gone);
    }
    moved.map_err(Why::Refused)?;
    Ok(Done::Done(format!("it is in the control group `{}` now", ready.shown().display())))
}
