//! Policy documents: rules over processes that nobody here need have started.
//!
//! ```text
//! document --read--> Policy, tests --lints--> too broad to act? --trial--> what the tests say
//!                                  \--pairs-> two that pull in different directions
//! ```

mod action;
mod broad;
mod pairs;
mod read;
mod trial;
mod units;

use std::sync::Arc;

pub(super) use broad::check as check_breadth;
pub use pairs::{contrary, idle};
pub(super) use read::read;
pub use trial::{PolicyTrial, policy_trials};

use super::matcher::Expected;
use super::policy::Policy;
use crate::diagnostic::{Source, Span};
use crate::process::snapshot::Snapshot;
use crate::units::Pid;

/// A document of kind Policy.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// What it says.
    pub policy: Arc<Policy>,
    /// The file.
    pub source: Arc<Source>,
    /// Where its name stands.
    pub name_at: Span,
    /// Where the document begins.
    pub(super) at: Span,
    /// `spec.tests`
    pub tests: Arc<[PolicyTest]>,
}

impl PolicyDocument {
    /// One whose `spec` is still to be read.
    pub(super) fn new(policy: Policy, source: Arc<Source>, name_at: Span, at: Span) -> Self {
        Self { policy: Arc::new(policy), source, name_at, at, tests: Arc::default() }
    }
}

/// A test of a Policy document.
#[derive(Clone, Debug)]
pub struct PolicyTest {
    /// `name`
    pub name: String,
    /// The host, with these processes only.
    pub snapshot: Snapshot,
    /// The processes, in the order of the document.
    pub pids: Vec<Pid>,
    /// `expect.violated`
    pub violated: Expected,
    /// Where that stands.
    pub at: Span,
    /// `expect.message`, and where it stands.
    pub message: Option<(String, Span)>,
}
