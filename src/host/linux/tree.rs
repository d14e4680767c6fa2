//! What belongs to a process besides itself: its control group, else its descendants and its session. And the end of all
//! of that at once.
//!
//! The number of a session is that of the process that opened it, and stays taken while anything lives in it. So who is in
//! the session of a service is certain while its main process lives (or is a zombie that we haven't collected), and later
//! while one lives that was seen in it then.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::LinuxHost;
use super::observe::{below, keys, living};
use crate::facts::{Fact, ProcessKey};
use crate::host::proc::LiveWorld;
use crate::host::signal::{Target, signal_verified, verify, vital};
use crate::plan::action::Outcome;
use crate::plan::memory::Exit;
use crate::plan::observation::{ProcessQuestion, Questions};
use crate::process::world::World as _;
use crate::spec::{Resources, Service, StopScope};
use crate::units::{Pid, Signal};

/// Rounds in which a tree is held still. Each finds only what was forked before the former round stopped its parent.
const ROUNDS_MAX: usize = 32;
/// So many survivors wake the loop when they exit; more are looked at when the stop's next step is due.
const WATCHED_MAX: usize = 64;

impl LinuxHost {
    /// Who is stopped together with a main process that lives.
    pub(super) fn listed(&self, question: &ProcessQuestion, world: &LiveWorld) -> Vec<ProcessKey> {
        let main = &question.key;
        let mut pids = match question.scope {
            StopScope::Main => return Vec::new(),
            StopScope::Group => with(world, |stat| stat.pgid == main.pid && stat.start >= main.start),
            StopScope::Tree => {
                let mut pids = below(main.pid, world);
                pids.extend(self.members(question));
                pids.extend(with(world, |stat| stat.sid == main.pid && stat.start >= main.start));
                pids
            }
        };
        pids.sort_unstable();
        pids.dedup();
        pids.retain(|pid| *pid != main.pid);
        keys(&pids, world)
    }

    /// What lives on of a process that is gone: those noted before, the members of its group, if it has one, and what else
    /// certainly is of its tree. Their exits wake the loop from now on.
    pub(super) fn survivors(
        &mut self,
        question: &ProcessQuestion,
        of_group: Option<&[Pid]>,
        questions: &Questions,
        world: &LiveWorld,
    ) -> Vec<ProcessKey> {
        let main = &question.key;
        let mut found = living(&question.tree);
        match (question.scope, of_group) {
            (_, Some(members)) if question.starter => found.extend(living(&keys(members, world))),
            (_, None) if question.starter => found.extend(self.orphans_since(main, questions, world)),
            (StopScope::Main, _) => {}
            (StopScope::Tree, Some(members)) => found.extend(living(&keys(members, world))),
            (StopScope::Tree, None) => {
                found.extend(living(self.exits.left(main)));
                let mut pids: Vec<Pid> = found.iter().flat_map(|key| below(key.pid, world)).collect();
                if found.iter().any(|key| vital(key.pid).is_ok_and(|vital| vital.session == main.pid)) {
                    pids.extend(with(world, |stat| stat.sid == main.pid && stat.start >= main.start));
                }
                found.extend(living(&keys(&pids, world)));
            }
            (StopScope::Group, _) => {
                let is_of_group =
                    |key: &ProcessKey| world.stat(key.pid).known().is_some_and(|stat| stat.pgid == main.pid);
                if found.iter().any(is_of_group) {
                    let pids = with(world, |stat| stat.pgid == main.pid && stat.start >= main.start);
                    found.extend(living(&keys(&pids, world)));
                }
            }
        }
        found.retain(|key| key != main && !is_of_another(key, main, questions));
        found.sort();
        found.dedup();
        if !question.starter {
            for key in found.iter().take(WATCHED_MAX) {
                let _ = self.exits.life(key, &self.waker);
            }
        }
        found
    }

    /// A process that the kernel killed for want of memory died by KILL, as many do; its group counts such ends.
    pub(super) fn for_want_of_memory(&self, exit: Exit, question: &ProcessQuestion) -> Exit {
        let killed = exit == Exit::Signal(Signal::KILL);
        match &question.group {
            Some(group) if killed && self.groups.oom_kills(group) > 0 => Exit::OutOfMemory,
            _ => exit,
        }
    }

    fn members(&self, question: &ProcessQuestion) -> Vec<Pid> {
        question.group.as_deref().and_then(|group| self.groups.members(group)).unwrap_or_default()
    }

    /// Ends a process with all that belongs to it.
    pub(super) fn kill_tree(
        &self,
        main: Option<&ProcessKey>,
        adopted_by: Option<&Arc<Service>>,
        tree: &[ProcessKey],
        group: Option<&str>,
    ) -> Outcome {
        let world = self.world.again();
        let places = self.looker.places();
        let rule = |key: &ProcessKey| match adopted_by {
            Some(rule) if main == Some(key) => self.still_satisfies(key, rule, &places, &world),
            _ => Fact::Known(true),
        };
        let Some(group) = group.filter(|group| self.groups.has(group)) else {
            return self.kill_held_still(main.into_iter().chain(tree).cloned().collect(), &rule);
        };
        let each = |pid: Pid| {
            if let Fact::Known(key) = self.world.again().process_key(pid) {
                let _ = signal_verified(&key, Signal::KILL, || Fact::Known(true));
            }
        };
        let killed = self.groups.kill(group, each);
        // Those that left the group, if they could.
        let outcomes =
            main.into_iter().chain(tree).map(|key| signal_verified(key, Signal::KILL, || rule(key)));
        let rest = worst(outcomes);
        match killed {
            Ok(()) if rest == Outcome::Gone => Outcome::Done,
            Ok(()) | Err(_) => rest,
        }
    }

    /// Stops what is known of a tree, then what was forked before that, until nothing new is found; and then ends it all.
    /// If the engine dies in between, the record says that the stop goes on, and so does the next engine.
    fn kill_held_still(&self, first: Vec<ProcessKey>, rule: &dyn Fn(&ProcessKey) -> Fact<bool>) -> Outcome {
        let mut held: BTreeMap<ProcessKey, Target> = BTreeMap::new();
        let mut outcome = Outcome::Gone;
        let mut found = first;
        for _ in 0..ROUNDS_MAX {
            let mut fresh = false;
            for key in found.drain(..).filter(|key| !held.contains_key(key)).collect::<Vec<_>>() {
                match verify(&key, || rule(&key)) {
                    Ok(target) => {
                        let _ = target.send(Signal::STOP);
                        held.insert(key, target);
                        fresh = true;
                    }
                    Err(Outcome::Gone) => {}
                    Err(refused) => outcome = refused,
                }
            }
            if !fresh {
                break;
            }
            let world = self.world.again();
            found = held.keys().flat_map(|key| keys(&below(key.pid, &world), &world)).collect();
        }
        match worst(held.values().map(|target| target.send(Signal::KILL))) {
            Outcome::Gone => outcome,
            sent => sent,
        }
    }

    /// Sets the bounds of a group whose processes run.
    pub(super) fn constrain(&mut self, key: &ProcessKey, group: &str, resources: &Resources) -> Outcome {
        let world = self.world.again();
        if world.process_key(key.pid) != Fact::Known(key.clone()) {
            return Outcome::Gone;
        }
        let mut pids = vec![key.pid];
        pids.extend(below(key.pid, &world));
        match self.groups.constrain(group, resources, &pids) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Refused { error },
        }
    }
}

/// The outcome of many: done if one was, unless one was refused.
fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    outcomes.fold(Outcome::Gone, |all, one| match (&all, one) {
        (Outcome::Gone, one) => one,
        (Outcome::Done, one @ Outcome::Refused { .. }) => one,
        _ => all,
    })
}

/// On record as the process of another instance: it is not signalled with this one.
fn is_of_another(key: &ProcessKey, main: &ProcessKey, questions: &Questions) -> bool {
    key != main && questions.recorded.contains_key(key)
}

fn with(world: &LiveWorld, fits: impl Fn(&crate::facts::Stat) -> bool) -> Vec<Pid> {
    let pids = world.pids().known().unwrap_or_else(|| world.visible_pids());
    pids.iter().copied().filter(|pid| world.stat(*pid).known().is_some_and(|stat| fits(&stat))).collect()
}
