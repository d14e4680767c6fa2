//! Waiting for whatever comes next, and what became meanwhile of what was begun.

use std::io;

use super::LinuxHost;
use crate::host::control::Control;
use crate::host::git::{Git, WorkTrees};
use crate::host::scrape::Scrapes;
use crate::host::wake::{Waker, Wakes};
use crate::host::{clock, failpoint};
use crate::units::BootTime;

impl LinuxHost {
    /// What the loop waits with, for whoever adds to it.
    pub fn waker(&mut self) -> &mut Waker {
        &mut self.waker
    }

    /// Also wakes for what happens on the control socket.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_control(&self, control: &Control) -> io::Result<()> {
        self.waker.watch_control(control.descriptor())
    }

    /// When probes, commands, what policies have begun and children of git have to be looked at, whatever happens.
    pub fn deadline(&self) -> Option<BootTime> {
        let git = self.git.as_ref().and_then(Git::deadline);
        let git = git.into_iter().chain(self.work_trees.as_ref().and_then(WorkTrees::deadline));
        let commands = self.commands.deadline().into_iter().chain(self.acting.deadline());
        self.probes.deadline().into_iter().chain(commands).chain(git).min()
    }

    /// Also wakes when somebody asks for metrics.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_scrapes(&self, scrapes: &Scrapes) -> io::Result<()> {
        self.waker.watch_scrapes(scrapes.descriptor())
    }

    /// Waits for whatever comes first, at most until `until`.
    ///
    /// # Errors
    /// The kernel refuses to wait.
    pub fn wait(&mut self, until: Option<BootTime>) -> io::Result<Wakes> {
        // Who waits looks anew.
        self.begun = None;
        self.exits.collect();
        let until = if self.collects_others() { Some(clock::now().boot) } else { until };
        let resting = self.table.before_waiting(&self.waker, clock::now().boot);
        let deadline = until.into_iter().chain(self.deadline()).min();
        self.let_go();
        self.groups.sweep();
        let _ = failpoint::hit("wait");
        let mut wakes = self.waker.wait(deadline.into_iter().chain(resting).min())?;
        if wakes.processes {
            // What lives for a moment only is looked at in this turn.
            self.table.woke(clock::now().boot);
        }
        self.exits.note(&wakes.exited);
        // Answers and words aren't told apart by whose they are.
        self.anything |= wakes.is_more_than_exits() || self.awaits_answers();
        // Read before the probes are: what becomes of them by then is due.
        let now = clock::now().boot;
        wakes.due = deadline.is_some_and(|deadline| deadline <= now);
        // Whether any of a thousand children has exited is a question to the kernel about all of them; the next look asks it anyway. Where
        // it is known who has, what has to be started in its place doesn't wait for that question.
        if wakes.is_more_than_asking() {
            if self.subreaper && self.exits.ask_told(&wakes.exited) {
                self.take_answers(now);
            } else {
                self.take_exits(now, false);
            }
        }
        self.collected = wakes.is_more_than_asking();
        Ok(wakes)
    }

    /// Exits of other children than those that were known to have exited, as far as no look has asked for them since. True: there were
    /// some.
    fn collects_others(&mut self) -> bool {
        if !self.waker.has_exits() {
            return false;
        }
        self.anything |= self.awaits_answers();
        self.take_exits(clock::now().boot, false)
    }

    fn awaits_answers(&self) -> bool {
        self.probes.deadline().is_some() || self.commands.deadline().is_some()
    }

    /// Exits of children, and what became of probes and commands. `all`: also of those that nothing was heard of. True: some had exited.
    pub(super) fn take_exits(&mut self, now: BootTime, all: bool) -> bool {
        let may_have_exited = self.waker.take_exits();
        let mut any = false;
        if self.subreaper && (all || may_have_exited) {
            let others = self.exits.reap_all();
            any = !others.is_empty() || self.exits.has_woken();
            for (pid, exit) in others {
                self.probes.exited(pid, &exit);
                self.commands.exited(pid, &exit);
                if let Some(git) = &mut self.git {
                    git.exited(pid, &exit);
                }
                if let Some(trees) = &mut self.work_trees {
                    trees.exited(pid, &exit);
                }
            }
        }
        self.take_answers(now);
        any
    }

    fn take_answers(&mut self, now: BootTime) {
        self.probes.poll(now);
        self.commands.poll(now);
        if let Some(git) = &mut self.git {
            git.poll(now);
        }
        if let Some(trees) = &mut self.work_trees {
            trees.poll(now);
        }
    }

    /// Exits of processes on record were collected after the last tick asked whose: only this image knows of them.
    pub fn has_unseen_exits(&self) -> bool {
        self.exits.has_woken()
    }
}
