//! Commands that documents ask for (hooks, reloads, `stop.command`): begun, left alone, asked about later.
//!
//! They are tied to the engine: one that outlives it would run beside the one that the next engine begins in its place. What
//! the kernel doesn't tie, since only a first process can be, the next engine ends before it begins anything (`left`).

pub mod left;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;

use super::errno::errno_text;
use super::executable;
use super::probe::{find_program, kill_tree};
use super::spawn::{Spawned, reap, spawn};
use crate::plan::action::Launch;
use crate::plan::memory::Exit;
use crate::plan::observation::CommandSeen;
use crate::units::{BootTime, Pid, StartTicks, format_duration};

/// All commands that run, and how those ended that somebody still asks about.
#[derive(Debug)]
pub struct Commands {
    epoll: OwnedFd,
    running: BTreeMap<String, Running>,
    ended: BTreeMap<String, CommandSeen>,
    /// Killed and not collected yet.
    dying: Vec<OwnedFd>,
}

#[derive(Debug)]
struct Running {
    child: Spawned,
    exit: Option<Exit>,
    deadline: BootTime,
    timeout: Duration,
}

impl Commands {
    /// None yet.
    ///
    /// # Errors
    /// The kernel gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            running: BTreeMap::new(),
            ended: BTreeMap::new(),
            dying: Vec::new(),
        })
    }

    /// Readable when a command may have ended.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Begins one, and says what its first process is. What can't even begin has failed.
    pub fn begin(
        &mut self,
        nonce: &str,
        launch: &Launch,
        timeout: Duration,
        now: BootTime,
    ) -> Option<(Pid, StartTicks)> {
        match self.spawn(launch, nonce) {
            Ok(child) => {
                let first = (child.pid, child.start);
                let running = Running { child, exit: None, deadline: now.after(timeout), timeout };
                self.running.insert(nonce.to_owned(), running);
                Some(first)
            }
            Err(error) => {
                self.fail(nonce, error);
                None
            }
        }
    }

    /// One that wasn't begun, for want of what it needs.
    pub fn fail(&mut self, nonce: &str, error: String) {
        self.ended.insert(nonce.to_owned(), CommandSeen::Failed(error));
    }

    fn spawn(&mut self, launch: &Launch, nonce: &str) -> Result<Spawned, String> {
        let first = launch.argv.first().ok_or("the command is empty")?;
        let program = find_program(first, launch.env.get("PATH").map_or("", String::as_str));
        executable::check_command(&program, launch)?;
        let mut launch = Launch { program, ..launch.clone() };
        launch.env.insert(left::MARK.into(), nonce.to_owned());
        let child = spawn(&launch, None).map_err(|error| error.to_string())?;
        let watched = epoll::add(
            &self.epoll,
            &child.pidfd,
            epoll::EventData::new_u64(0),
            epoll::EventFlags::IN | epoll::EventFlags::ONESHOT,
        );
        if let Err(errno) = watched {
            self.kill(child);
            return Err(errno_text(errno.raw_os_error()));
        }
        Ok(child)
    }

    /// Takes note of what ended, and ends what took too long.
    pub fn poll(&mut self, now: BootTime) {
        self.bury();
        if self.running.is_empty() {
            return;
        }
        // Nothing that the look below doesn't say; reading the events rearms the level.
        let mut events = Vec::with_capacity(16);
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&zero));
        let nonces: Vec<String> = self.running.keys().cloned().collect();
        for nonce in nonces {
            let Some(running) = self.running.get_mut(&nonce) else { continue };
            if running.exit.is_none() {
                running.exit = reap(&running.child.pidfd).unwrap_or(Some(Exit::Unknown));
            }
            let late = || {
                let text =
                    format!("it was killed, since it took longer than {}", format_duration(running.timeout));
                (now >= running.deadline).then_some(CommandSeen::Failed(text))
            };
            if let Some(seen) = running.exit.as_ref().map(ended).or_else(late) {
                self.cancel(&nonce);
                self.ended.insert(nonce, seen);
            }
        }
    }

    /// A child that the reaper of orphans collected: it may have been a command.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        for running in self.running.values_mut().filter(|running| running.child.pid == pid) {
            running.exit = Some(status.clone());
        }
    }

    /// Whether a child is a command.
    pub fn owns(&self, pid: Pid) -> bool {
        self.running.values().any(|running| running.child.pid == pid)
    }

    /// How a command is.
    pub fn seen(&self, nonce: &str) -> CommandSeen {
        if self.running.contains_key(nonce) {
            return CommandSeen::Running;
        }
        self.ended.get(nonce).cloned().unwrap_or(CommandSeen::Lost)
    }

    /// When the first command has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.running.values().map(|running| running.deadline).min()
    }

    /// Ends the commands that nobody has on record any more.
    pub fn retain(&mut self, wanted: &BTreeSet<&str>) {
        let gone: Vec<String> =
            self.running.keys().filter(|nonce| !wanted.contains(nonce.as_str())).cloned().collect();
        for nonce in gone {
            self.cancel(&nonce);
        }
        self.ended.retain(|nonce, _| wanted.contains(nonce.as_str()));
    }

    fn cancel(&mut self, nonce: &str) {
        if let Some(Running { child, exit: None, .. }) = self.running.remove(nonce) {
            self.kill(child);
        }
    }

    fn kill(&mut self, child: Spawned) {
        kill_tree(&child);
        self.dying.push(child.pidfd);
        self.bury();
    }

    /// Collects what died of it; what isn't ours any more was collected with the orphans.
    fn bury(&mut self) {
        self.dying.retain(|pidfd| matches!(reap(pidfd), Ok(None)));
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.retain(&BTreeSet::new());
    }
}

fn ended(exit: &Exit) -> CommandSeen {
    match exit {
        Exit::Code(0) => CommandSeen::Succeeded,
        Exit::Code(code) => CommandSeen::Failed(format!("it exited with code {code}")),
        Exit::Signal(signal) => CommandSeen::Failed(format!("it died by signal {signal}")),
        Exit::OutOfMemory => CommandSeen::Failed("it was killed for want of memory".into()),
        Exit::Unknown | Exit::Unwatched | Exit::Stopped => CommandSeen::Failed("its end is not known".into()),
    }
}
