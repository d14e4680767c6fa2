//! One child at a time, each begun for something, and asked later what came of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

use super::child::{Child, Ended, Order};
use crate::host::probe::kill_tree;
use crate::host::spawn::reap;
use crate::plan::memory::Exit;
use crate::units::{BootTime, Pid};

/// What runs, and what for.
#[derive(Debug)]
pub(super) struct Runner<T> {
    epoll: OwnedFd,
    running: Option<(T, Child)>,
    /// Killed and not collected yet.
    dying: Vec<OwnedFd>,
}

impl<T> Runner<T> {
    /// Nothing runs.
    ///
    /// # Errors
    /// What the kernel answered.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, running: None, dying: Vec::new() })
    }

    /// Readable when something may have come of it.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a child; only if none runs.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn begin(&mut self, what: T, order: Order, now: BootTime) -> Result<(), String> {
        let child = Child::begin(order, self.epoll.as_fd(), now)?;
        self.running = Some((what, child));
        Ok(())
    }

    /// What the child was begun for and how it ended, once it has ended or took too long.
    pub(super) fn poll(&mut self, now: BootTime) -> Option<(T, Ended)> {
        self.dying.retain(|pidfd| matches!(reap(pidfd), Ok(None)));
        let (_, child) = self.running.as_mut()?;
        // Nothing that the look below doesn't say; reading the events rearms the level.
        let mut events = Vec::with_capacity(8);
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&zero));
        let ended = child.look(now)?;
        self.stop().map(|what| (what, ended))
    }

    /// A child that the reaper of orphans collected.
    pub(super) fn exited(&mut self, pid: Pid, status: &Exit) {
        if let Some((_, child)) = self.running.as_mut().filter(|(_, child)| child.pid() == pid) {
            child.exited(status);
        }
    }

    /// When the child that runs has to be ended.
    pub(super) fn deadline(&self) -> Option<BootTime> {
        self.running.as_ref().map(|(_, child)| child.deadline())
    }

    /// Gives up the child that runs, and says what it was for.
    pub(super) fn stop(&mut self) -> Option<T> {
        let (what, child) = self.running.take()?;
        let is_over = child.is_over();
        let child = child.into_spawned();
        if !is_over {
            kill_tree(&child);
            self.dying.push(child.pidfd);
        }
        Some(what)
    }
}

impl<T> Drop for Runner<T> {
    fn drop(&mut self) {
        self.stop();
    }
}
