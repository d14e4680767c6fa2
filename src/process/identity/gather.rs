//! The search itself, in the order of what it costs.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Candidate, Look, Query, Ternary};
use crate::facts::{Fact, Reason, Why};
use crate::process::arguments::{self, ArgumentMatch};
use crate::process::chain::Surroundings;
use crate::process::pidfile::{self, Trust};
use crate::process::runs::{Run, Target, could_be, runs, title_names};
use crate::process::tree::OwnLine;
use crate::process::world::{Namespace, World};
use crate::process::{paths, supervisor, tree};
use crate::units::{Pid, StartTicks, Uid};

/// A process of the set X, before families are told apart.
struct Member {
    uid: Uid,
    run: Run,
    arguments: ArgumentMatch,
}

/// What is known of a process after all questions.
enum Place {
    In(Member),
    Out,
    Unknown(Vec<Reason>),
}

pub(super) struct Search<'q> {
    query: &'q Query<'q>,
    world: &'q dyn World,
    /// Looked up when the first process is.
    targets: OnceCell<Vec<Target>>,
    /// Looked up when the first process has to be compared with them.
    own: OnceCell<Rc<OwnLine>>,
    notes: Vec<String>,
}

impl<'q> Search<'q> {
    pub(super) fn new(query: &'q Query<'q>, world: &'q dyn World) -> Self {
        Self { query, world, targets: OnceCell::new(), own: OnceCell::new(), notes: Vec::new() }
    }

    fn own(&self) -> &OwnLine {
        self.own.get_or_init(|| self.world.own_line())
    }

    fn targets(&self) -> &[Target] {
        self.targets.get_or_init(|| {
            let query = self.query;
            let around = Surroundings {
                working_directory: Some(query.working_directory.clone()).filter(|path| !path.is_empty()),
                path: Some(query.path.clone()).filter(|path| !path.is_empty()),
            };
            let paths = std::iter::once(&query.startas).chain(&query.becomes);
            paths.map(|path| Target::new(self.world, path, &around)).collect()
        })
    }

    pub(super) fn look(mut self, pids: &[Pid]) -> Look {
        let anchor = self.anchor();
        let (mut members, mut unknown) = (BTreeMap::new(), Vec::new());
        for pid in pids {
            match self.place(*pid, anchor == Some(*pid)) {
                Place::In(member) => {
                    members.insert(*pid, member);
                }
                Place::Out => {}
                Place::Unknown(reasons) => unknown.push((*pid, reasons)),
            }
        }
        let mut considered: BTreeSet<Pid> = members.keys().copied().collect();
        let anchor = anchor.filter(|pid| self.is_anchored(*pid, &members));
        if !self.query.privileged {
            self.notes.push(format!("only processes of uid {} are looked at", self.query.engine_uid));
        }
        let candidates = self.candidates(&members, anchor, &mut unknown);
        let listed = self.world.lists_all();
        if let Fact::Unknown(reason) = &listed {
            // Before all that is only so besides.
            self.notes.insert(0, reason.to_string());
        }
        // Nobody was passed over as one of them where nobody was compared with them.
        let own_known = self.own.get().is_none_or(|own| own.known);
        let complete = own_known && matches!(listed, Fact::Known(()));
        considered.extend(unknown.iter().map(|(pid, _)| *pid));
        unknown.retain(|(pid, _)| !self.is_of_a_family(*pid, &members));
        let by_condition = self.query.replace.is_some();
        Look { candidates, unknown, by_condition, complete, considered, notes: self.notes }
    }

    /// The process that the believed pid file names.
    fn anchor(&mut self) -> Option<Pid> {
        let path = self.query.pidfile.as_ref()?;
        let pid = match pidfile::number(self.world, path) {
            Fact::Known(pid) => pid,
            Fact::Absent => return None,
            Fact::Unknown(reason) => {
                self.notes.push(format!("pid file `{}` can't be read: {reason}", paths::show(path)));
                return None;
            }
        };
        match pidfile::trust(self.world, path, pid) {
            Fact::Known(Trust::Believed) => Some(pid),
            Fact::Known(Trust::Refused(why)) => {
                self.notes.push(why);
                None
            }
            Fact::Unknown(reason) if reason.why != Why::Vanished => {
                self.notes.push(format!("pid file `{}` can't be judged: {reason}", paths::show(path)));
                None
            }
            Fact::Known(Trust::Other) | Fact::Absent | Fact::Unknown(_) => None,
        }
    }

    /// The pid file counts only for a process that runs the program, or whose ancestor does.
    fn is_anchored(&self, pid: Pid, members: &BTreeMap<Pid, Member>) -> bool {
        members.get(&pid).is_some_and(|member| {
            member.run.holds == Fact::Known(true)
                || self.ancestors(pid).iter().any(|at| members.contains_key(at))
        })
    }

    /// On record for the object itself, or below that or below one that was found: a worker at most, whatever it executes.
    fn is_of_a_family(&self, pid: Pid, members: &BTreeMap<Pid, Member>) -> bool {
        let recorded = |at: &Pid| self.query.recorded.contains(at);
        recorded(&pid) || self.ancestors(pid).iter().any(|at| recorded(at) || members.contains_key(at))
    }

    fn ancestors(&self, pid: Pid) -> Vec<Pid> {
        tree::ancestors(self.world, pid).known().unwrap_or_default()
    }

    fn place(&self, pid: Pid, anchor: bool) -> Place {
        if pid.0 < 1 || self.world.self_pid() == Fact::Known(pid) {
            return Place::Out;
        }
        let uid = match self.world.owner(pid) {
            Fact::Known((uid, _)) => uid,
            Fact::Absent => return Place::Out,
            Fact::Unknown(reason) => return gone_or_unknown(vec![reason]),
        };
        let other = uid != self.query.engine_uid;
        if self.query.user.is_some_and(|user| user != uid) || (other && !self.query.privileged) {
            return Place::Out;
        }
        match self.matches(pid, uid, anchor) {
            // Whoever starts us names in his arguments what he starts: conditions on them would find him. Asked last: it takes the facts
            // of each of our ancestors, and most processes are none of it anyway.
            Place::In(_) | Place::Unknown(_)
                if self.is_above(pid) && self.run(pid).0.holds != Fact::Known(true) =>
            {
                Place::Out
            }
            place => place,
        }
    }

    /// An ancestor of the engine, or the first process.
    fn is_above(&self, pid: Pid) -> bool {
        pid == Pid(1) || self.own().pids.contains(&pid)
    }

    fn matches(&self, pid: Pid, uid: Uid, anchor: bool) -> Place {
        let mut reasons = Vec::new();
        let (mut run, target) = self.run(pid);
        // Its interpreter is the right one, the title and the pid file name it: what spamd is after a HUP.
        if anchor && run.titled && self.has_title(pid) {
            run = run.told_by_pidfile();
        }
        let replaced = self.query.replace.map(|condition| condition(pid));
        let holds = match (&run.holds, replaced) {
            // The pid file anchors what runs the program, whatever replaces the scan.
            (Fact::Known(true), condition) if anchor || condition.is_none() => true,
            (_, Some(Ternary::True)) => true,
            (_, Some(Ternary::Unknown(why))) => {
                reasons.extend(why);
                true
            }
            // Every process whose exe is denied would hold everything up, if its name counted for nothing.
            (Fact::Unknown(_), None) if !self.could_be(pid) => false,
            (Fact::Unknown(reason), None) => {
                reasons.push(reason.clone());
                true
            }
            (_, None) => anchor && self.has_running_ancestor(pid),
            (_, Some(Ternary::False)) => false,
        };
        if !holds || !self.is_candidate_at_all(pid, &mut reasons) {
            return Place::Out;
        }
        match self.query.narrow.map(|condition| condition(pid)) {
            Some(Ternary::False) => return Place::Out,
            Some(Ternary::Unknown(why)) => reasons.extend(why),
            Some(Ternary::True) | None => {}
        }
        let arguments = match arguments::compare(self.world, pid, self.after(&run, target), &self.query.args)
        {
            Fact::Known(arguments) => arguments,
            Fact::Absent => ArgumentMatch::Overwritten,
            Fact::Unknown(reason) => {
                reasons.push(reason);
                ArgumentMatch::Overwritten
            }
        };
        if let Some(place) = self.outside(pid, &mut reasons) {
            return place;
        }
        if reasons.is_empty() {
            return Place::In(Member { uid, run, arguments });
        }
        // Other arguments make it another instance in any case: not knowing the rest holds nothing up.
        if arguments == ArgumentMatch::Different && self.query.replace.is_none() && !anchor {
            return Place::Out;
        }
        gone_or_unknown(reasons)
    }

    fn run(&self, pid: Pid) -> (Run, usize) {
        let mut best: Option<(Run, usize)> = None;
        for (at, target) in self.targets().iter().enumerate() {
            let run = runs(self.world, pid, target);
            match run.holds {
                Fact::Known(true) => return (run, at),
                Fact::Unknown(_) => best = Some((run, at)),
                Fact::Known(false) | Fact::Absent => {
                    best.get_or_insert((run, at));
                }
            }
        }
        best.unwrap_or((Run::absent(), 0))
    }

    /// Where the arguments of the spec begin in argv. What it became may have been called with more.
    fn after(&self, run: &Run, target: usize) -> Option<usize> {
        let native = self.targets().get(target).is_some_and(|target| !target.chain().script);
        match run.holds {
            Fact::Known(true) if target == 0 => run.after,
            Fact::Unknown(_) if target == 0 && native => Some(1),
            _ => None,
        }
    }

    fn could_be(&self, pid: Pid) -> bool {
        self.targets().iter().any(|target| could_be(self.world, pid, target))
    }

    fn has_title(&self, pid: Pid) -> bool {
        self.targets().iter().any(|target| title_names(self.world, pid, target))
    }

    fn has_running_ancestor(&self, pid: Pid) -> bool {
        self.ancestors(pid)
            .into_iter()
            .any(|at| at.0 > 1 && !self.own().pids.contains(&at) && self.run(at).0.holds == Fact::Known(true))
    }

    /// Neither a kernel thread nor a zombie.
    fn is_candidate_at_all(&self, pid: Pid, reasons: &mut Vec<Reason>) -> bool {
        match (tree::is_kernel_thread(self.world, pid), tree::is_alive(self.world, pid)) {
            (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => {
                reasons.push(reason);
                true
            }
            (kernel, alive) => kernel != Fact::Known(true) && alive != Fact::Known(false),
        }
    }

    /// Whether it lives in a nested PID namespace. Asked last: it costs a link, and rarely decides.
    fn outside(&self, pid: Pid, reasons: &mut Vec<Reason>) -> Option<Place> {
        if self.query.scope_all {
            return None;
        }
        match (self.world.namespace(pid, Namespace::Pid), self.world.own_namespace(Namespace::Pid)) {
            (Fact::Known(theirs), Fact::Known(ours)) => (theirs != ours).then_some(Place::Out),
            (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => {
                reasons.push(reason);
                None
            }
            (Fact::Absent, _) | (_, Fact::Absent) => None,
        }
    }

    fn candidates(
        &mut self,
        members: &BTreeMap<Pid, Member>,
        anchor: Option<Pid>,
        unknown: &mut Vec<(Pid, Vec<Reason>)>,
    ) -> Vec<Candidate> {
        let above: BTreeMap<Pid, Vec<Pid>> = members.keys().map(|pid| (*pid, self.ancestors(*pid))).collect();
        let mut below: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        for (pid, list) in &above {
            for at in list.iter().filter(|at| members.contains_key(at)) {
                below.entry(*at).or_default().push(*pid);
            }
        }
        let of_anchor =
            |pid: &Pid| anchor.and_then(|anchor| above.get(&anchor)).is_some_and(|list| list.contains(pid));
        let mut found = Vec::new();
        for (pid, member) in members {
            let Some(list) = above.get(pid) else { continue };
            let recorded =
                self.query.recorded.contains(pid) || list.iter().any(|at| self.query.recorded.contains(at));
            let is_below = list.iter().any(|at| members.contains_key(at));
            // The pid file says which one of its family is the service.
            let yields =
                anchor.is_some_and(|anchor| anchor != *pid && list.contains(&anchor)) || of_anchor(pid);
            if recorded || yields || (is_below && anchor != Some(*pid)) {
                continue;
            }
            let descendants = below.remove(pid).unwrap_or_default();
            let alone = descendants.is_empty();
            match self.candidate(*pid, member, anchor == Some(*pid), descendants) {
                Ok(candidate) => found.push(candidate),
                // What was below it may live on, and is passed over here since it was: the next look tells.
                Err(reason) if reason.why == Why::Vanished && alone => {}
                Err(reason) => unknown.push((*pid, vec![reason])),
            }
        }
        found.sort_by_key(|candidate| (!candidate.anchor, candidate.start, candidate.pid));
        found
    }

    fn candidate(
        &self,
        pid: Pid,
        member: &Member,
        anchor: bool,
        descendants: Vec<Pid>,
    ) -> Result<Candidate, Reason> {
        let start = match self.world.stat(pid) {
            Fact::Known(stat) => stat.start,
            // Only where somebody wrote the facts by hand and left this one out.
            Fact::Absent => StartTicks(0),
            Fact::Unknown(reason) => return Err(reason),
        };
        let foreign_supervisor = match supervisor::foreign(self.world, pid, &self.own().pids) {
            Fact::Known(name) => Some(name),
            Fact::Absent => None,
            Fact::Unknown(reason) => return Err(reason),
        };
        let spoken_for = anchor || self.query.user.is_some() || self.query.names_user;
        Ok(Candidate {
            pid,
            start,
            uid: member.uid,
            arguments: member.arguments,
            anchor,
            foreign_user: member.uid != self.query.engine_uid && !spoken_for,
            foreign_supervisor,
            above: self.is_above(pid),
            descendants,
            stale: member.run.stale,
            self_reported: member.run.self_reported,
        })
    }
}

/// A process that ended while it was looked at is none of it.
fn gone_or_unknown(reasons: Vec<Reason>) -> Place {
    if reasons.iter().any(|reason| reason.why == Why::Vanished) {
        Place::Out
    } else {
        Place::Unknown(reasons)
    }
}
