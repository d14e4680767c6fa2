//! Processes that were started for an object with other arguments than another object of the same program has: they are known
//! to be none of that one's, whatever they have made of their arguments since.
//!
//! A title over argv hides which arguments a process has, but not from whoever started it. And where a thousand objects have one
//! program (workers, instances by port), nobody needs to ask a thousand processes a thousand times.

use std::collections::{BTreeMap, BTreeSet};

use super::path_bytes;
use crate::facts::ProcessKey;
use crate::plan::Recorded;
use crate::process::world::Bytes;
use crate::spec::Service;
use crate::units::Pid;

/// The processes that were started as one program and live.
#[derive(Debug, Default)]
pub(super) struct OfProgram {
    by_arguments: BTreeMap<Vec<Bytes>, Vec<Pid>>,
    all: BTreeSet<Pid>,
}

impl OfProgram {
    /// Those that were started with one of these lists of arguments.
    pub(super) fn with<'k>(&'k self, own: &'k [Vec<Bytes>]) -> impl Iterator<Item = Pid> {
        own.iter().filter_map(|arguments| self.by_arguments.get(arguments)).flatten().copied()
    }

    /// Started at all.
    pub(super) fn contains(&self, pid: Pid) -> bool {
        self.all.contains(&pid)
    }
}

/// The processes that were started as the programs of some objects.
#[derive(Debug, Default)]
pub(super) struct KnownOthers(BTreeMap<Bytes, OfProgram>);

impl KnownOthers {
    /// Those that can be of one of these objects. `lives` says whether the very process is still there.
    pub(super) fn of<'s>(
        looking: impl Iterator<Item = &'s Service>,
        recorded: &Recorded,
        dirs: (&str, &str),
        lives: impl Fn(&ProcessKey) -> bool,
    ) -> Self {
        let programs: BTreeSet<&str> =
            looking.filter(|spec| counts_for(spec)).filter_map(|spec| spec.startas.to_str()).collect();
        let mut known: BTreeMap<Bytes, OfProgram> = BTreeMap::new();
        for started in recorded.started(&programs, dirs).filter(|started| lives(started.key)) {
            let arguments = started.arguments.iter().map(|text| text.as_bytes().into()).collect();
            let of_program = known.entry(started.program.as_bytes().into()).or_default();
            of_program.by_arguments.entry(arguments).or_default().push(started.key.pid);
            of_program.all.insert(started.key.pid);
        }
        Self(known)
    }

    /// Everybody of whom something is known.
    pub(super) fn pids(&self) -> BTreeSet<Pid> {
        self.0.values().flat_map(|program| &program.all).copied().collect()
    }

    /// Something is known of processes that weren't started as the program of this object.
    pub(super) fn has_others_than(&self, spec: &Service) -> bool {
        self.0.len() > usize::from(self.for_object(spec).is_some())
    }

    /// Of this object, what is known of the processes of its program.
    pub(super) fn for_object(&self, spec: &Service) -> Option<&OfProgram> {
        self.0.get(&path_bytes(&spec.startas)).filter(|_| counts_for(spec))
    }
}

/// What was executed tells whose it is only where arguments count, and where the program's name means for the object what it
/// means for everybody.
fn counts_for(spec: &Service) -> bool {
    spec.match_only.is_none() && spec.becomes.is_none() && spec.chroot.is_none() && spec.startas.is_absolute()
}
