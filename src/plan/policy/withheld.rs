//! Why something is only said and not done.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fights, PolicyMemory, Subject};
use crate::spec::policy::{ActionLimit, Policy, PolicyAction};
use crate::units::{BootTime, format_duration};

/// What stands against an action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Withheld {
    /// The document says so.
    DryRun,
    /// It is nobody's here, and the document doesn't say that it is meant nevertheless.
    NotOwned,
    /// Nothing is ever done to it.
    Spared {
        /// What it is: the end of "it is".
        what: String,
    },
    /// Only the number of processes is wrong.
    Nobody,
    /// It takes a Service to be restarted.
    NoService,
    /// Somebody undoes it each time.
    Fight {
        /// Who, a sentence.
        text: String,
    },
    /// It has acted as often as it may.
    #[serde(rename_all = "camelCase")]
    Limit {
        /// How often that is.
        limit: ActionLimit,
        /// How long until it may again; `None`: never.
        again: Option<Duration>,
    },
    /// A person has the policy left alone.
    Suspended {
        /// Who.
        by: String,
    },
}

impl Withheld {
    /// One CamelCase word, the same for whatever process and moment.
    pub fn word(&self) -> &'static str {
        match self {
            Self::DryRun => "DryRun",
            Self::NotOwned => "NotOwned",
            Self::Spared { .. } => "Spared",
            Self::Nobody => "Nobody",
            Self::NoService => "NoService",
            Self::Fight { .. } => "Fight",
            Self::Limit { .. } => "Limit",
            Self::Suspended { .. } => "Suspended",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DryRun => f.write_str("`spec.dryRun` is true"),
            Self::NotOwned => {
                f.write_str("it belongs to no Service here, and `spec.dryRun: false` isn't given")
            }
            Self::Spared { what } => write!(f, "it is {what}, which nothing is ever done to"),
            Self::Nobody => f.write_str("there is no process to do it to"),
            Self::NoService => f.write_str("it belongs to no Service here"),
            Self::Fight { text } => f.write_str(text),
            Self::Limit { limit, again } => {
                write!(f, "`spec.limit` allows {} in {}", limit.count, format_duration(limit.per))?;
                match again {
                    Some(again) => write!(f, "; again in {}", format_duration(whole_seconds(*again))),
                    None => Ok(()),
                }
            }
            Self::Suspended { by } => write!(f, "{by} has it left alone"),
        }
    }
}

/// Never shorter than it is.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

/// What stands against an action on a process, but for the limit.
pub(super) fn withheld(
    policy: &Policy,
    action: &PolicyAction,
    subject: Option<&Subject>,
    fights: &Fights,
    now: BootTime,
) -> Option<Withheld> {
    if !action.acts() {
        return None;
    }
    let is_command = matches!(action, PolicyAction::Exec(_));
    if policy.dry_run == Some(true) {
        return Some(Withheld::DryRun);
    }
    let Some(subject) = subject else {
        return (!is_command).then_some(Withheld::Nobody);
    };
    if let Some(spared) = subject.spared.filter(|_| !is_command) {
        return Some(Withheld::Spared { what: spared.to_owned() });
    }
    if matches!(action, PolicyAction::Restart) && subject.owner.is_none() {
        return Some(Withheld::NoService);
    }
    if policy.dry_run.is_none() && subject.owner.is_none() && !is_command {
        return Some(Withheld::NotOwned);
    }
    fights
        .withheld(&policy.name, action, &subject.key, subject.owner.as_ref(), now)
        .map(|text| Withheld::Fight { text })
}

/// It has acted as often as it may.
pub(super) fn over(policy: &Policy, memory: &PolicyMemory, now: BootTime) -> Option<Withheld> {
    let free = memory.spent.free(now, policy.limit)?;
    let again = (policy.limit.count > 0).then(|| free.since(now));
    Some(Withheld::Limit { limit: policy.limit, again })
}
