//! Who goes on in place of a process that ended.

use std::collections::BTreeSet;

use super::LinuxHost;
use crate::facts::ProcessKey;
use crate::host::look::{Sight, pidfile_path, wanted_user};
use crate::host::proc::LiveWorld;
use crate::plan::memory::{Exit, Heirs};
use crate::plan::observation::{ProcessQuestion, Questions};
use crate::plugin;
use crate::process::pidfile;
use crate::process::world::World;
use crate::spec::Service;
use crate::units::Pid;

impl LinuxHost {
    /// A process that took the place of one that is gone: inside what was its tree as far as it can have handed over, or in its
    /// pidfile.
    pub(super) fn successor(
        &self,
        (question, exit): (&ProcessQuestion, &Exit),
        of_group: Vec<Pid>,
        spec: &Service,
        questions: &Questions,
        world: &LiveWorld,
    ) -> Option<ProcessKey> {
        let places = self.looker.places();
        let named = (0..spec.replicas)
            .filter_map(|index| pidfile::number(world, &pidfile_path(spec, index, &places)?).known());
        let heirs = if question.starter { Heirs::Anybody } else { exit.heirs(spec.task.is_some()) };
        let left = self.heirs(heirs, question, of_group, world);
        let of_others = |pid: Pid| pid != question.key.pid && questions.recorded.has_pid(pid);
        let pids: BTreeSet<Pid> = named.chain(left.iter().copied()).filter(|pid| !of_others(*pid)).collect();
        if pids.is_empty() {
            return None;
        }
        let pids: Vec<Pid> = pids.into_iter().collect();
        let recorded: BTreeSet<Pid> =
            questions.recorded.keys().filter(|key| **key != question.key).map(|key| key.pid).collect();
        let user = wanted_user(spec, world).ok()?;
        let plugins = plugin::Look::default();
        let sight = Sight { world, plugins: &plugins, pids: &pids };
        let found = self.looker.ask(spec, user, recorded, &places, sight);
        let fits = |candidate: &&crate::process::identity::Candidate| {
            let of_the_tree = left.contains(&candidate.pid) && candidate.start >= question.key.start;
            !candidate.self_reported && (candidate.anchor || of_the_tree)
        };
        let mut fitting = found.adoptable().into_iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => {
                Some(ProcessKey { boot: self.looker.boot.clone(), pid: only.pid, start: only.start })
            }
            // Several: which of them can't be told here; a look decides, or says that it is ambiguous.
            _ => None,
        }
    }

    fn heirs(
        &self,
        heirs: Heirs,
        question: &ProcessQuestion,
        of_group: Vec<Pid>,
        world: &LiveWorld,
    ) -> Vec<Pid> {
        if heirs == Heirs::Nobody {
            return Vec::new();
        }
        let mut left = self.left_behind(question, of_group, world);
        if heirs == Heirs::Executed {
            left.retain(|pid| world.stat(*pid).known().is_some_and(|stat| !stat.is_mere_fork()));
        }
        left
    }

    /// Processes that may have been below one that is gone: its group tells; orphans come to a subreaper; else what stayed
    /// in its session shows.
    fn left_behind(&self, question: &ProcessQuestion, of_group: Vec<Pid>, world: &LiveWorld) -> Vec<Pid> {
        let gone = question.key.pid;
        let mut left = of_group;
        if self.subreaper {
            left.extend(world.own_children().iter().copied().filter(|pid| !self.is_helper(*pid)));
        } else if left.is_empty() {
            let pids = world.pids().known().unwrap_or_else(|| world.visible_pids());
            let in_session = |pid: &Pid| world.stat(*pid).known().is_some_and(|stat| stat.sid == gone);
            left.extend(pids.iter().copied().filter(in_session));
        }
        left
    }
}
