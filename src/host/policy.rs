//! What Policies do to processes. Decided elsewhere: here is what is done, and under which proofs.
//!
//! ```text
//!  step --> withheld? owned? --> pidfd, key, protected? --> the policy's question again, in a look of its own --> the act
//!                                                                          |
//!   signals that wait between them: a course, written down, gone on with by deadlines and the same proofs each time
//! ```
//!
//! Nothing that a step withholds is done, nothing is done to a process of which something isn't known, and what is done to
//! one is done to no other: not to its children, and not to who gets its number.

mod course;
mod enclose;
mod give;
mod hook;
mod parts;
mod proof;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(super) use course::Acting;
pub use hook::VARIABLES;
pub(super) use parts::Parts;

use super::clock;
use super::proc::LiveWorld;
use crate::facts::{Fact, ProcessKey, Reason};
use crate::plan::policy::PolicyStep;
use crate::spec::ServiceName;
use crate::spec::policy::{Policy, PolicyAction};

/// Whether a policy still means a process: whatever brought it into the look, and `when`. Asked at the last moment, once the
/// process is held, in the look that is given. The same for every policy, so that it can be asked again for one whose
/// signals wait.
pub type Still<'a> = dyn Fn(&Policy, &LiveWorld, &ProcessKey) -> Fact<bool> + 'a;

/// What is to be known about a step besides the step.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// Whose step it is.
    pub policy: &'a Policy,
    /// The policy's message, with the facts in it.
    pub message: &'a str,
    /// Does it still mean the process?
    pub still: &'a Still<'a>,
}

/// What came of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// There was nothing to do but to say it.
    Said,
    /// It is done: what, as the end of a sentence about the process.
    Done(String),
    /// It has begun: what. How it ends is told by the next turns of the loop.
    Begun(String),
}

/// Why nothing was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The process is gone.
    Gone,
    /// The policy doesn't mean it any more.
    NoLonger,
    /// It can't be told whether the policy still means it.
    Unknown(Reason),
    /// It belongs to a Service here, which is stopped and restarted in its own way: by what people ask for.
    OfService(ServiceName),
    /// It may not be, or can't be: a sentence.
    Refused(String),
}

/// How something ended that had begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Whose it was.
    pub policy: ServiceName,
    /// The process; none of a command that too few processes were the reason for.
    pub process: Option<ProcessKey>,
    /// What had begun.
    pub action: PolicyAction,
    /// How it ended, or why it wasn't gone on with: the end of a sentence.
    pub outcome: Result<String, Why>,
}

/// Does what a step says, without waiting. Without the parts, the look holds no state.
///
/// # Errors
/// Nothing was done, and why.
pub(super) fn carry_out(
    parts: Option<Parts<'_>>,
    step: &PolicyStep,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    if let Some(reason) = &step.withheld {
        return Err(Why::Refused(reason.to_string()));
    }
    let Some(mut parts) = parts else {
        return Err(Why::Refused("this look doesn't hold the state".into()));
    };
    let key = match (&step.action, &step.process) {
        (PolicyAction::Report, _) => return Ok(Done::Said),
        (PolicyAction::Exec(command), _) => return hook::begin(&mut parts, command, step, occasion),
        (_, Some(key)) => key,
        (_, None) => return Err(Why::Refused("there is no process to do it to".into())),
    };
    match (&step.action, &step.owner) {
        (PolicyAction::Restart, None) => Err(Why::Refused("it belongs to no Service here".into())),
        (PolicyAction::Restart | PolicyAction::Stop, Some(owner)) => Err(Why::OfService(owner.clone())),
        (PolicyAction::Stop | PolicyAction::Signal(_), _) => course::begin(&mut parts, step, key, occasion),
        (PolicyAction::Renice(nice), _) => give::nice(&parts, key, *nice, occasion),
        (PolicyAction::SetLimit(limits), _) => give::limits(&parts, key, limits, occasion),
        (PolicyAction::Move(_), Some(owner)) => {
            Err(Why::Refused(format!("it belongs to `{owner}`, whose bounds are its own `spec.resources`")))
        }
        (PolicyAction::Move(group), None) => enclose::enclose(&mut parts, key, group, occasion),
        (PolicyAction::Report | PolicyAction::Exec(_), _) => Ok(Done::Said),
    }
}

/// Goes on with what has begun, as far as its time has come, and says what ended.
pub(super) fn go_on(
    mut parts: Parts<'_>,
    in_force: &BTreeMap<ServiceName, Arc<Policy>>,
    still: &Still<'_>,
) -> Vec<Ended> {
    let mut ended = hook::ended(&mut parts);
    ended.extend(course::go_on(&mut parts, in_force, still, clock::now().boot));
    ended
}

impl fmt::Debug for Occasion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Occasion").field("policy", &self.policy.name).finish_non_exhaustive()
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said => f.write_str("it was reported"),
            Self::Done(what) | Self::Begun(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is gone"),
            Self::NoLonger => f.write_str("the policy no longer means it"),
            Self::Unknown(reason) => {
                write!(f, "it can't be told whether the policy still means it: {reason}")
            }
            Self::OfService(name) => write!(f, "it belongs to `{name}`, which is stopped in its own way"),
            Self::Refused(text) => f.write_str(text),
        }
    }
}
