//! Who goes on in place of a process that ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::LinuxHost;
use super::health::Subject;
use crate::facts::ProcessKey;
use crate::host::look::{Sight, pidfile_path, wanted_user};
use crate::host::proc::LiveWorld;
use crate::plan::memory::Heirs;
use crate::plan::observation::{ProcessQuestion, Questions};
use crate::plugin;
use crate::process::identity::Candidate;
use crate::process::pidfile;
use crate::process::world::World;
use crate::spec::Service;
use crate::units::Pid;

/// A fork that hasn't left its session by then is no daemon that goes to the background.
const DETACHES: Duration = Duration::from_secs(1);
/// Nobody asks about who ended so long ago.
const FORGOTTEN: Duration = Duration::from_mins(5);

impl LinuxHost {
    /// A process that took the place of one that is gone: inside what was its tree as far as it can have handed over, or in its
    /// pidfile.
    pub(super) fn successor(
        &self,
        (question, heirs): (&ProcessQuestion, Heirs),
        of_group: Vec<Pid>,
        spec: &Service,
        questions: &Questions,
        world: &LiveWorld,
    ) -> Option<ProcessKey> {
        let places = self.looker.places();
        let named = (0..spec.replicas)
            .filter_map(|index| pidfile::number(world, &pidfile_path(spec, index, &places)?).known());
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
        let mut found = self.looker.ask(spec, user, recorded, &places, sight);
        let of_the_tree =
            |candidate: &Candidate| left.contains(&candidate.pid) && candidate.start >= question.key.start;
        for candidate in &mut found.candidates {
            // Who comes from what was started may have become another user.
            candidate.foreign_user &= !of_the_tree(candidate);
        }
        let fits =
            |candidate: &&Candidate| !candidate.self_reported && (candidate.anchor || of_the_tree(candidate));
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
        let gone = question.key.pid;
        left.retain(|pid| match (heirs, world.stat(*pid).known()) {
            (Heirs::Anybody, _) => true,
            (Heirs::Nobody, _) | (_, None) => false,
            // What is started is made the leader of a session, which its children are born into.
            (Heirs::Detached, Some(stat)) => !stat.is_mere_fork() || stat.sid != gone,
            (Heirs::Executed, Some(stat)) => !stat.is_mere_fork(),
        });
        left
    }

    /// Who would follow one that exited with 0, had it left its session: a daemon that goes to the background ends before its
    /// fork does that.
    pub(super) fn may_yet_follow(&mut self, subject: Subject<'_>, questions: &Questions) -> Option<Pid> {
        let Subject { question, spec, world, .. } = subject;
        if question.starter || question.followed || spec.task.is_some() {
            return None;
        }
        let of_group = question.group.as_deref().and_then(|group| self.groups.members(group));
        let asked = (question, Heirs::Anybody);
        let heir = self.successor(asked, of_group.unwrap_or_default(), spec, questions, world)?;
        let now = Instant::now();
        self.undecided.retain(|_, since| now.duration_since(*since) < FORGOTTEN);
        let since = *self.undecided.entry(question.key.clone()).or_insert(now);
        (now.duration_since(since) < DETACHES).then_some(heir.pid)
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
