//! How to look: always, and this time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::super::{Limits, Trust};
use crate::units::BootTime;

/// How to look, always.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manner {
    /// Whose files count.
    pub trust: Trust,
    /// Enter sub-directories.
    pub recursive: bool,
    /// A change that nobody heard of must stand for so long.
    pub settle: Duration,
    /// The whole place waits no longer than that for one file.
    pub settle_max: Duration,
    /// How much to take.
    pub limits: Limits,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            trust: Trust::own(),
            recursive: false,
            settle: Duration::from_millis(100),
            settle_max: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

/// How to look this time.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// The present moment.
    pub now: BootTime,
    /// Whatever changed was heard of, and nothing was heard for the settle time (or somebody asks for the state at this
    /// very moment): what is there is finished.
    pub quiet: bool,
    /// Read all files, whatever their stamps say.
    pub contents: bool,
    /// Since when changes wait.
    pub waiting_since: Option<BootTime>,
    /// Files that are being written.
    pub writing: &'a BTreeSet<PathBuf>,
    /// Nothing changed since the last look but these files, as was heard; by their paths without links. `None`: whatever may have.
    pub named: Option<&'a BTreeSet<PathBuf>>,
}

static NOTHING: BTreeSet<PathBuf> = BTreeSet::new();

impl Attention<'_> {
    /// The state at this moment, as it is.
    pub fn at(now: BootTime) -> Self {
        Self { now, quiet: true, contents: false, waiting_since: None, writing: &NOTHING, named: None }
    }
}
