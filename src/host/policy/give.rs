//! Another nice value, other limits: of one process with all its threads, and of nothing that descends from it.
//!
//! The kernel takes these by number. The process is held meanwhile, and found alive before and after: its number can't
//! have come to mean another one in between.

use std::collections::BTreeMap;

use super::parts::Parts;
use super::proof::prove;
use super::{Done, Occasion, Why};
use crate::facts::ProcessKey;
use crate::host::adjust::give_alone;
use crate::host::errno::errno_text;
use crate::host::signal::Target;
use crate::host::spawn::live::Value;
use crate::plan::adjust::Adjustment;
use crate::spec::Limit;

/// -20 to 19.
pub(super) fn nice(
    parts: &Parts<'_>,
    key: &ProcessKey,
    nice: i32,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    let target = prove(parts.world, key, occasion.policy, occasion.still)?;
    let before = give(&target, "its nice value", &Adjustment::Nice(Some(nice)))?;
    Ok(Done::Done(format!("its nice value is {nice} now and was {}", words(&before))))
}

/// Soft and hard, by name; `None` is unlimited.
pub(super) fn limits(
    parts: &Parts<'_>,
    key: &ProcessKey,
    limits: &BTreeMap<String, (Option<u64>, Option<u64>)>,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    let target = prove(parts.world, key, occasion.policy, occasion.still)?;
    let mut said = Vec::new();
    for (name, (soft, hard)) in limits {
        let adjustment = Adjustment::Limit(name.clone(), Some(Limit { soft: *soft, hard: *hard }));
        let before = give(&target, &format!("its limit `{name}`"), &adjustment).map_err(|why| match why {
            Why::Refused(text) if !said.is_empty() => {
                Why::Refused(format!("{}, but {text}", said.join(", ")))
            }
            why => why,
        })?;
        let now = Value::wanted(&adjustment).map_or_else(String::new, |value| words(&value));
        said.push(format!("its limit `{name}` is {now} now and was {}", words(&before)));
    }
    Ok(Done::Done(said.join(", ")))
}

fn give(target: &Target, what: &str, adjustment: &Adjustment) -> Result<Value, Why> {
    give_alone(target, adjustment).map_err(|errno| match errno {
        libc::ESRCH => Why::Gone,
        errno => Why::Refused(format!("{what} can't be changed: {}", errno_text(errno))),
    })
}

/// `10`, `1024:4096`.
fn words(value: &Value) -> String {
    let one = |part: u64| if part == u64::MAX { "unlimited".to_owned() } else { part.to_string() };
    match value {
        Value::Limit(_, [soft, hard]) => format!("{}:{}", one(*soft), one(*hard)),
        Value::Nice(nice) => nice.to_string(),
        Value::Io(_) | Value::Policy(..) | Value::Affinity(_) | Value::OomScoreAdj(_) => format!("{value:?}"),
    }
}
