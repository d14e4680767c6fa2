//! Processes that were started for an object with other arguments than another object of the same program has: they are known
//! to be none of that one's, whatever they have made of their arguments since.
//!
//! A title over argv hides which arguments a process has, but not from whoever started it. And where a thousand objects have one
//! program (workers, instances by port), nobody needs to ask a thousand processes a thousand times.

use std::collections::{BTreeMap, HashMap};

use crate::facts::ProcessKey;
use crate::plan::{Executed, Recorded};
use crate::spec::Service;
use crate::units::Pid;

/// The processes that were started as one program and live.
#[derive(Debug, Default)]
pub(super) struct OfProgram {
    /// Those that were started with arguments that somebody looks for, by the marks of these.
    by_arguments: HashMap<u64, Vec<Pid>>,
    /// All of them, ascending.
    all: Vec<Pid>,
}

impl OfProgram {
    /// Those that were started with one of these arguments, by their marks.
    pub(super) fn with<'k>(&'k self, own: &'k [u64]) -> impl Iterator<Item = Pid> {
        own.iter().filter_map(|arguments| self.by_arguments.get(arguments)).flatten().copied()
    }

    /// Started at all.
    pub(super) fn contains(&self, pid: Pid) -> bool {
        self.all.binary_search(&pid).is_ok()
    }
}

/// The processes that were started as the programs of some objects.
#[derive(Debug, Default)]
pub(super) struct KnownOthers<'r>(BTreeMap<&'r str, OfProgram>);

impl<'r> KnownOthers<'r> {
    /// Those of these programs. `lives` says whether the very process is still there.
    pub(super) fn of(
        wanted: &'r Executed<'_>,
        recorded: &'r Recorded,
        dirs: (&'r str, &'r str),
        lives: impl Fn(&ProcessKey) -> bool,
    ) -> Self {
        let mut known: BTreeMap<&str, OfProgram> = BTreeMap::new();
        for started in recorded.started(wanted, dirs).filter(|started| lives(started.key)) {
            let of_program = known.entry(started.program).or_default();
            of_program.all.push(started.key.pid);
            if let Some(arguments) = started.arguments {
                of_program.by_arguments.entry(arguments).or_default().push(started.key.pid);
            }
        }
        for of_program in known.values_mut() {
            of_program.all.sort_unstable();
        }
        Self(known)
    }

    /// Everybody of whom something is known, ascending.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = self.0.values().flat_map(|program| &program.all).copied().collect();
        pids.sort_unstable();
        pids
    }

    /// Something is known of processes that weren't started as the program of this object.
    pub(super) fn has_others_than(&self, spec: &Service) -> bool {
        self.0.len() > usize::from(self.for_object(spec).is_some())
    }

    /// Of this object, what is known of the processes of its program.
    pub(super) fn for_object(&self, spec: &Service) -> Option<&OfProgram> {
        self.0.get(program(spec)?)
    }
}

/// The program of an object, where what was executed tells whose a process is: only where arguments count, and where the program's
/// name means for the object what it means for everybody.
pub(super) fn program(spec: &Service) -> Option<&str> {
    let counts = spec.match_only.is_none() && spec.becomes.is_none() && spec.chroot.is_none();
    spec.startas.to_str().filter(|_| counts && spec.startas.is_absolute())
}
