//! Whether a policy means a process: asked once more at the last moment, in a look of its own.

use super::looking::Owners;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::host::conditions::Conditions;
use crate::plugin;
use crate::process::identity::Ternary;
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::World;
use crate::spec::Expression;
use crate::spec::policy::Policy;

/// Whether `match` (or `selector`) and `when` are so of a process in this look.
pub(super) fn still(
    policy: &Policy,
    (world, conditions, owners): (&dyn World, &Conditions, &Owners),
    key: &ProcessKey,
) -> Fact<bool> {
    let plugins = plugin::Look::default();
    let vocabulary = ProcessVocabulary::new(world);
    let holds = |condition: &Expression| {
        conditions.alone(condition, world, &plugins).holds(key.pid, &vocabulary, world, &plugins)
    };
    for condition in [&policy.subject, &policy.when].into_iter().flatten() {
        match holds(condition) {
            Ternary::True => {}
            Ternary::False => return Fact::Known(false),
            Ternary::Unknown(reasons) => {
                let reason = reasons.into_iter().next();
                return Fact::Unknown(reason.unwrap_or(Reason { why: Why::Unresolved, detail: None }));
            }
        }
    }
    Fact::Known(owners.chosen(policy.selector.as_ref(), world, key.pid))
}
