//! What the loop tells whoever prints it, counts it or writes it down.

use std::collections::BTreeSet;
use std::time::Duration;

use super::accept::PruneHeld;
use super::carried::Sum;
use super::sources::SourcesLook;
use super::statuses::Statuses;
use super::tick::Tick;
use crate::diagnostic::Diagnostic;
use crate::plan::wanted::Request;
use crate::spec::{Revision, ServiceName};
use crate::units::WallTime;

/// What the loop tells.
#[derive(Debug)]
pub enum Event<'a> {
    /// The sources were looked at and are not as they were.
    Sources(&'a SourcesLook),
    /// Removal of objects is held back.
    PruneHeld(&'a PruneHeld),
    /// A tick was carried out.
    Tick(&'a Tick),
    /// What policies led to.
    Policies(&'a [crate::plan::event::Event]),
    /// The status after all that is to be done at once was done.
    Status {
        /// Of everything, by name.
        all: &'a Statuses,
        /// What isn't as it was told before.
        changed: &'a BTreeSet<ServiceName>,
        /// How many instances all have.
        sum: Sum,
    },
    /// The documents were looked at, whether or not they are as they were.
    Looked {
        /// How long it took.
        took: Duration,
        /// When every place was there and could be listed; `None`: it wasn't so.
        complete: Option<WallTime>,
    },
    /// The loop has done all that was to be done at once after a wake-up.
    Turned {
        /// How long it took.
        took: Duration,
    },
    /// A person asked for something.
    Request(&'a Request),
    /// A place is at another revision.
    Revision {
        /// The place.
        place: &'a str,
        /// The revision.
        revision: &'a Revision,
    },
    /// The settings were changed, and can't be used as they are.
    Settings(&'a [Diagnostic]),
    /// Something is not as it should be with the engine itself.
    Trouble(&'a str),
}
