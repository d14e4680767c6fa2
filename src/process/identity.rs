//! Which process is the service, where no record says so: the believed pid file, then a scan.
//!
//! ```text
//!  every pid --never a service----> dropped          (engine, kernel threads, zombies)
//!            --another user's-----> dropped, or reported as foreign
//!            --runs(startas)?-----> --narrow?--> same PID namespace? --> the set X
//!  X --without an ancestor in X--> candidates, each with what is known of its arguments
//! ```
//!
//! A pure look: it decides nothing. Whoever plans picks from [`Look::adoptable`], or holds on unknowns.

mod gather;

use std::collections::BTreeSet;

use super::arguments::ArgumentMatch;
use super::world::{Bytes, World};
use crate::facts::Reason;
use crate::units::{Pid, StartTicks, Uid};

/// True, false, or why it can't be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ternary {
    /// It holds.
    True,
    /// It doesn't.
    False,
    /// It can't be told.
    Unknown(Vec<Reason>),
}

/// A condition that the caller evaluates for a process.
pub type Condition<'a> = &'a dyn Fn(Pid) -> Ternary;

/// What is looked for.
#[derive(Clone)]
pub struct Query<'a> {
    /// Name of the service, for notes.
    pub name: &'a str,
    /// The program or script that would be started.
    pub startas: Bytes,
    /// Its arguments.
    pub args: Vec<Bytes>,
    /// What it turns into by execve, where the spec says so.
    pub becomes: Option<Bytes>,
    /// The user that the spec wants it to run as.
    pub user: Option<Uid>,
    /// Effective user of the engine.
    pub engine_uid: Uid,
    /// The engine may look at processes of other users (`CAP_SYS_PTRACE`).
    pub privileged: bool,
    /// The spec's pid file.
    pub pidfile: Option<Bytes>,
    /// Relative names are taken from here.
    pub working_directory: Bytes,
    /// `PATH` of the spec's environment, for `env` lines; empty: the default for services.
    pub path: Bytes,
    /// The spec's `match`: an extra condition.
    pub narrow: Option<Condition<'a>>,
    /// The spec's `matchOnly`: in place of `runs(startas)` in the scan.
    pub replace: Option<Condition<'a>>,
    /// The written condition names a user, so that processes of others than the engine's are candidates.
    pub names_user: bool,
    /// Processes on record. They and their descendants are never candidates.
    pub recorded: BTreeSet<Pid>,
    /// How many instances are wanted.
    pub replicas: u32,
    /// Also processes in nested PID namespaces (containers).
    pub scope_all: bool,
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let startas = super::paths::show(&self.startas);
        f.debug_struct("Query").field("name", &self.name).field("startas", &startas).finish_non_exhaustive()
    }
}

/// One process that may be the service: the topmost of a family.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each of which is reported")]
pub struct Candidate {
    /// Its number.
    pub pid: Pid,
    /// Its start, which makes the number an identity.
    pub start: StartTicks,
    /// Its effective user.
    pub uid: Uid,
    /// How its arguments compare with the spec's.
    pub arguments: ArgumentMatch,
    /// The believed pid file names it.
    pub anchor: bool,
    /// It runs as another user than the engine's, and neither pid file nor condition speaks for it.
    pub foreign_user: bool,
    /// What else would bring it back.
    pub foreign_supervisor: Option<String>,
    /// It is an ancestor of the engine, or the first process: never to be signalled from here.
    pub above: bool,
    /// Matching processes below it: its workers.
    pub descendants: Vec<Pid>,
    /// It runs an old version of the file.
    pub stale: bool,
    /// Only its own word (execfn) says that it runs the file: never alone the ground for a signal.
    pub self_reported: bool,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Look {
    /// By anchor, then age, then number.
    pub candidates: Vec<Candidate>,
    /// Processes that may be the service, and why that can't be told. While there are any, nothing is started.
    pub unknown: Vec<(Pid, Vec<Reason>)>,
    /// `matchOnly` chose them: their arguments don't count.
    pub by_condition: bool,
    /// Every process was listed and looked at.
    pub complete: bool,
    /// Everybody whose place the rule doesn't rule out, candidates or not: who isn't among them is none of it as long as nothing
    /// happens to him.
    pub considered: BTreeSet<Pid>,
    /// What was remarkable: refused pid files, whose processes weren't looked at.
    pub notes: Vec<String>,
}

impl Look {
    /// Those that may be adopted: the anchored one; else those with equal arguments; else those whose arguments
    /// are overwritten; never those with others. With `matchOnly`, all. More than the wanted replicas is ambiguous, which the caller says.
    pub fn adoptable(&self) -> Vec<&Candidate> {
        let own = || self.candidates.iter().filter(|candidate| !candidate.foreign_user);
        if let Some(anchor) = own().find(|candidate| candidate.anchor) {
            return vec![anchor];
        }
        if self.by_condition {
            return own().collect();
        }
        for wanted in [ArgumentMatch::Equal, ArgumentMatch::Overwritten] {
            let found: Vec<&Candidate> = own().filter(|candidate| candidate.arguments == wanted).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// Looks for the service among `pids`.
pub fn look(query: &Query<'_>, world: &dyn World, pids: &[Pid]) -> Look {
    gather::Search::new(query, world).look(pids)
}

/// The same for whoever has nobody to look at and no pid file that would name somebody, which is so where all is on record: nothing
/// of the service is asked for then.
pub fn look_at_nobody(world: &dyn World, (engine_uid, privileged): (Uid, bool), by_condition: bool) -> Look {
    let (nothing, nobody) = (Bytes::from([]), |_: Pid| Ternary::False);
    let query = Query {
        name: "",
        startas: nothing.clone(),
        args: Vec::new(),
        becomes: None,
        user: None,
        engine_uid,
        privileged,
        pidfile: None,
        working_directory: nothing.clone(),
        path: nothing,
        narrow: None,
        replace: by_condition.then_some(&nobody),
        names_user: false,
        recorded: BTreeSet::new(),
        replicas: 1,
        scope_all: false,
    };
    look(&query, world, &[])
}

#[cfg(test)]
mod tests;
