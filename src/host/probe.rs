//! Readiness probes that never hold the loop up: begun, left alone, asked for their answer later.

mod tcp;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::epoll;

use self::tcp::Connecting;
use super::failpoint;
use super::name_service::Getent;
use super::signal::{hold, vital};
use super::spawn::{Spawned, reap, send_signal, spawn};
use crate::facts::ProcessKey;
use crate::plan::action::{Launch, OutputTarget};
use crate::plan::exec::Confinement;
use crate::plan::memory::Exit;
use crate::spec::ReadinessCheck;
use crate::units::{BootTime, Pid, Signal, format_duration};

/// What a probe found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Yes or no.
    pub ready: bool,
    /// Why not, for status.
    pub detail: String,
}

impl Answer {
    fn yes() -> Self {
        Self { ready: true, detail: String::new() }
    }

    fn no(detail: impl Into<String>) -> Self {
        Self { ready: false, detail: detail.into() }
    }
}

#[derive(Debug)]
enum Work {
    Tcp(Connecting),
    Command { child: Spawned, exit: Option<Exit> },
}

#[derive(Debug)]
struct Pending {
    work: Work,
    deadline: BootTime,
    timeout: Duration,
}

/// All probes, one a process.
#[derive(Debug)]
pub struct Probes {
    epoll: OwnedFd,
    getent: Getent,
    pending: BTreeMap<ProcessKey, Pending>,
    answers: BTreeMap<ProcessKey, Answer>,
    /// Killed and not collected yet.
    dying: Vec<OwnedFd>,
}

impl Probes {
    /// None yet.
    ///
    /// # Errors
    /// The kernel gives no more descriptors.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            getent: Getent::default(),
            pending: BTreeMap::new(),
            answers: BTreeMap::new(),
            dying: Vec::new(),
        })
    }

    /// Readable when a probe may have an answer.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Begins a probe; the former answer is void. What can't even begin is answered with no.
    pub fn begin(
        &mut self,
        key: &ProcessKey,
        check: &ReadinessCheck,
        timeout: Duration,
        launch: Option<&Launch>,
        now: BootTime,
    ) {
        self.cancel(key);
        self.answers.remove(key);
        if let Err(error) = failpoint::hit("probe") {
            self.answers.insert(key.clone(), Answer::no(super::errno::io_text(&error)));
            return;
        }
        let begun = match check {
            ReadinessCheck::Tcp { host, port } => {
                Connecting::begin(host, *port, &self.getent, self.epoll.as_fd()).map(Work::Tcp)
            }
            ReadinessCheck::Exec { command } => self.begin_command(key, command, launch),
            // Looked at in each observation; there is nothing to wait for.
            ReadinessCheck::AliveFor(_) | ReadinessCheck::Pidfile => return,
        };
        match begun {
            Ok(work) => {
                let pending = Pending { work, deadline: now.after(timeout), timeout };
                self.pending.insert(key.clone(), pending);
            }
            Err(detail) => {
                self.answers.insert(key.clone(), Answer::no(detail));
            }
        }
    }

    fn begin_command(
        &mut self,
        key: &ProcessKey,
        command: &[String],
        launch: Option<&Launch>,
    ) -> Result<Work, String> {
        let launch = launch.ok_or("the probe's user and environment are not known")?;
        let first = command.first().ok_or("the probe's command is empty")?;
        let launch = Launch {
            program: find_program(first, launch.env.get("PATH").map_or("", String::as_str)),
            argv: command.to_vec(),
            // Output is thrown away: it can't fill anything up.
            stdout: OutputTarget::Null,
            stderr: OutputTarget::Null,
            confinement: Confinement { join: Some(key.clone()), ..launch.confinement.clone() },
            ..launch.clone()
        };
        let child = spawn(&launch, None).map_err(|error| error.to_string())?;
        let watched = epoll::add(
            &self.epoll,
            &child.pidfd,
            epoll::EventData::new_u64(0),
            epoll::EventFlags::IN | epoll::EventFlags::ONESHOT,
        );
        if let Err(errno) = watched {
            self.kill(child);
            return Err(super::errno::errno_text(errno.raw_os_error()));
        }
        Ok(Work::Command { child, exit: None })
    }

    /// Takes note of what came, and ends what took too long.
    pub fn poll(&mut self, now: BootTime) {
        self.bury();
        // The events themselves say nothing that the look below doesn't; reading them rearms the level.
        let mut events = Vec::with_capacity(16);
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&zero));
        let keys: Vec<ProcessKey> = self.pending.keys().cloned().collect();
        for key in keys {
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            let answer = pending.look(self.epoll.as_fd()).or_else(|| {
                (now >= pending.deadline)
                    .then(|| Answer::no(format!("no answer within {}", format_duration(pending.timeout))))
            });
            if let Some(answer) = answer {
                self.cancel(&key);
                self.answers.insert(key, answer);
            }
        }
    }

    /// A child that the reaper of orphans collected: it may have been a probe's.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        for pending in self.pending.values_mut() {
            match &mut pending.work {
                Work::Command { child, exit } if child.pid == pid => *exit = Some(status.clone()),
                Work::Tcp(connecting) => connecting.exited(pid, status),
                Work::Command { .. } => {}
            }
        }
    }

    /// Whether a child is a probe's.
    pub fn owns(&self, pid: Pid) -> bool {
        self.pending.values().any(|pending| match &pending.work {
            Work::Command { child, .. } => child.pid == pid,
            Work::Tcp(connecting) => connecting.asking().is_some_and(|asking| asking.pid() == pid),
        })
    }

    /// The answer of the last probe, once there is one.
    pub fn answer(&self, key: &ProcessKey) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// When the first pending probe has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.pending.values().map(|pending| pending.deadline).min()
    }

    /// Forgets the probes of processes that are gone.
    pub fn retain(&mut self, wanted: impl Fn(&ProcessKey) -> bool) {
        let gone: Vec<ProcessKey> = self.pending.keys().filter(|key| !wanted(key)).cloned().collect();
        for key in gone {
            self.cancel(&key);
        }
        self.answers.retain(|key, _| wanted(key));
    }

    fn cancel(&mut self, key: &ProcessKey) {
        if let Some(Pending { work: Work::Command { child, exit: None }, .. }) = self.pending.remove(key) {
            self.kill(child);
        }
    }

    fn kill(&mut self, child: Spawned) {
        kill_tree(&child);
        self.dying.push(child.pidfd);
        self.bury();
    }

    /// Collects what died of it. One that can't die now is asked again, and one that isn't ours any more was collected
    /// with the orphans.
    fn bury(&mut self) {
        self.dying.retain(|pidfd| matches!(reap(pidfd), Ok(None)));
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.retain(|_| false);
    }
}

impl Pending {
    fn look(&mut self, epoll: BorrowedFd<'_>) -> Option<Answer> {
        match &mut self.work {
            Work::Tcp(connecting) => connecting.look(epoll),
            Work::Command { child, exit } => {
                if exit.is_none() {
                    *exit = reap(&child.pidfd).unwrap_or(Some(Exit::Unknown));
                }
                exit.as_ref().map(|exit| match exit {
                    Exit::Code(0) => Answer::yes(),
                    Exit::Code(code) => Answer::no(format!("the command exited with {code}")),
                    Exit::Signal(signal) => Answer::no(format!("the command died by {signal}")),
                    Exit::Unknown | Exit::Stopped | Exit::OutOfMemory => {
                        Answer::no("the end of the command is not known")
                    }
                })
            }
        }
    }
}

/// Kills a child that isn't collected yet, its process group, and whatever of its tree left the group.
pub(super) fn kill_tree(child: &Spawned) {
    let tree = descendants(child.pid);
    // Our child, not collected: the number is its own, and that of its group.
    if let Some(pid) = rustix::process::Pid::from_raw(child.pid.0) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    let _ = send_signal(&child.pidfd, Signal::KILL);
    for key in tree {
        if let Ok(held) = hold(&key) {
            let _ = send_signal(&held.pidfd, Signal::KILL);
        }
    }
}

/// The processes below `top`, as they are now.
pub fn descendants(top: Pid) -> Vec<ProcessKey> {
    let (Ok(boot), Ok(entries)) = (super::signal::boot_id(), std::fs::read_dir("/proc")) else {
        return Vec::new();
    };
    let rows: Vec<(Pid, super::signal::Vital)> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid))
        .filter_map(|pid| Some((pid, vital(pid).ok()?)))
        .collect();
    let mut below: BTreeSet<Pid> = BTreeSet::from([top]);
    loop {
        let more: Vec<Pid> = rows
            .iter()
            .filter(|(pid, vital)| below.contains(&vital.parent) && !below.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        below.extend(more);
    }
    rows.into_iter()
        .filter(|(pid, _)| *pid != top && below.contains(pid))
        .map(|(pid, vital)| ProcessKey { boot: boot.clone(), pid, start: vital.start })
        .collect()
}

/// As a shell would: a name without a slash is looked for in `PATH`.
pub(super) fn find_program(name: &str, path: &str) -> PathBuf {
    if name.contains('/') {
        return PathBuf::from(name);
    }
    path.split(':')
        .filter(|dir| dir.starts_with('/'))
        .map(|dir| Path::new(dir).join(name))
        .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
        .unwrap_or_else(|| PathBuf::from(name))
}
