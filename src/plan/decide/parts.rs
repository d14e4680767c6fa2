//! Objects are decided about one after the other, since what one takes another doesn't get: a place for a start, a process. Hardly ever
//! anything is taken, so that where there are many the second half is decided about beside the first, as if nothing had been:
//!
//! ```text
//! first half    ---------->  takes nothing --> the second half couldn't have come out otherwise
//! second half   ---------->  else it is decided about anew, by what is left
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use super::super::action::Step;
use super::super::claims::Claims;
use super::super::depend::Web;
use super::super::draft::{Change, Outlook};
use super::super::memory::Record;
use super::super::observation::Observation;
use super::super::status::ServiceStatus;
use super::decide_some;
use crate::spec::{ServiceName, SpecSet};
use crate::units::BootTime;

/// For fewer objects a thread isn't worth its start.
const WORTH_A_THREAD: usize = 1_024;

/// What all are decided about by.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub(super) desired: &'a SpecSet,
    pub(super) observed: &'a Observation,
    pub(super) web: &'a Web,
    pub(super) guarded: bool,
}

/// What those before leave to those behind them.
#[derive(Clone)]
pub(super) struct Left {
    /// Places for starts.
    pub(super) free: usize,
    /// Whose the processes are.
    pub(super) claimed: Claims,
}

/// What was decided about some objects.
#[derive(Default)]
pub(super) struct Part {
    pub(super) status: Vec<ServiceStatus>,
    pub(super) steps: Vec<Step>,
    pub(super) changes: Vec<Change>,
    pub(super) next: Option<BootTime>,
    pub(super) outlook: BTreeMap<ServiceName, Outlook>,
    /// How many their documents disturb.
    pub(super) disturbed: usize,
    /// Records that are others than before.
    pub(super) changed: Vec<(ServiceName, Arc<Record>)>,
    pub(super) forgotten: Vec<ServiceName>,
}

/// What is decided about all of these, in order.
pub(super) fn decided(
    about: &[(ServiceName, Arc<Record>)],
    grounds: &Grounds<'_>,
    mut left: Left,
    by_two: bool,
) -> Vec<Part> {
    if !by_two || about.len() < WORTH_A_THREAD {
        return vec![decide_some(about, grounds, &mut left)];
    }
    let (first, second) = about.split_at(about.len() / 2);
    let (free, mut as_now) = (left.free, left.clone());
    let (one, other) = thread::scope(|scope| {
        let beside = || decide_some(second, grounds, &mut as_now);
        let other = thread::Builder::new().name("decisions".into()).spawn_scoped(scope, beside);
        (decide_some(first, grounds, &mut left), other.ok().and_then(|other| other.join().ok()))
    });
    let nothing_was_taken = left.free == free && left.claimed.are_as_before();
    let other = other.filter(|_| nothing_was_taken);
    vec![one, other.unwrap_or_else(|| decide_some(second, grounds, &mut left))]
}
