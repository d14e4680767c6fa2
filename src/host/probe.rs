//! Probes that never hold the loop up: begun, left alone, asked for their answer later.

mod command;
mod http;
mod tcp;
mod unix;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;

use self::command::Running;
pub use self::command::descendants;
pub(super) use self::command::{find_program, has_entry, kill_tree, processes};
use self::tcp::Connecting;
use super::failpoint;
use super::name_service::Getent;
use super::spawn::reap;
use crate::facts::ProcessKey;
use crate::plan::action::{Launch, Purpose};
use crate::plan::memory::Exit;
use crate::spec::ReadinessCheck;
use crate::units::{BootTime, Pid, format_duration};

/// Whose probe, and what for.
pub type About = (ProcessKey, Purpose);

/// What a probe found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Yes or no.
    pub ready: bool,
    /// Why not, for status.
    pub detail: String,
}

impl Answer {
    /// It is ready.
    fn yes() -> Self {
        Self { ready: true, detail: String::new() }
    }

    /// It isn't.
    pub fn no(detail: impl Into<String>) -> Self {
        Self { ready: false, detail: detail.into() }
    }
}

#[derive(Debug)]
enum Work {
    Tcp(Box<Connecting>),
    Http(Box<http::Asking>),
    Command(Box<Running>),
}

#[derive(Debug)]
struct Pending {
    work: Work,
    deadline: BootTime,
    timeout: Duration,
}

/// All probes, one a process and purpose.
#[derive(Debug)]
pub struct Probes {
    epoll: OwnedFd,
    getent: Getent,
    pending: BTreeMap<About, Pending>,
    answers: BTreeMap<About, Answer>,
    /// Killed and not collected yet.
    dying: Vec<OwnedFd>,
    begun: u64,
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
            begun: 0,
        })
    }

    /// Readable when a probe may have an answer.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Begins a probe; the former answer is void. What can't even begin is answered with no.
    pub fn begin(
        &mut self,
        about: &About,
        check: &ReadinessCheck,
        timeout: Duration,
        launch: Option<&Launch>,
        now: BootTime,
    ) {
        self.cancel(about);
        self.answers.remove(about);
        if let Err(error) = failpoint::hit("probe") {
            self.answers.insert(about.clone(), Answer::no(super::errno::io_text(&error)));
            return;
        }
        let epoll = self.epoll.as_fd();
        let begun = match check {
            ReadinessCheck::Tcp { host, port } => {
                Connecting::begin(host, *port, &self.getent, epoll).map(|it| Work::Tcp(Box::new(it)))
            }
            ReadinessCheck::Http(check) => {
                http::Asking::begin(check, &self.getent, epoll).map(|it| Work::Http(Box::new(it)))
            }
            ReadinessCheck::Unix { path } => {
                self.answers.insert(about.clone(), unix::ask(path));
                return;
            }
            ReadinessCheck::Exec { command, user: _ } => {
                self.begun = self.begun.wrapping_add(1);
                let nonce = format!("{}-{:x}-{}", about.0.pid, now.0.as_nanos(), self.begun);
                Running::begin(&about.0, command, launch, &nonce, epoll).map(|it| Work::Command(Box::new(it)))
            }
            // Looked at in each observation; there is nothing to wait for.
            ReadinessCheck::AliveFor(_)
            | ReadinessCheck::Pidfile
            | ReadinessCheck::Notify
            | ReadinessCheck::LogLine { .. }
            | ReadinessCheck::When(_) => return,
        };
        match begun {
            Ok(work) => {
                let pending = Pending { work, deadline: now.after(timeout), timeout };
                self.pending.insert(about.clone(), pending);
            }
            Err(detail) => {
                self.answers.insert(about.clone(), Answer::no(detail));
            }
        }
    }

    /// Takes note of what came, and ends what took too long.
    pub fn poll(&mut self, now: BootTime) {
        self.bury();
        if self.pending.is_empty() {
            return;
        }
        // The events themselves say nothing that the look below doesn't; reading them rearms the level.
        let mut events = Vec::with_capacity(16);
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&zero));
        let all: Vec<About> = self.pending.keys().cloned().collect();
        for about in all {
            let Some(pending) = self.pending.get_mut(&about) else { continue };
            let answer = pending.look(self.epoll.as_fd()).or_else(|| {
                (now >= pending.deadline)
                    .then(|| Answer::no(format!("no answer within {}", format_duration(pending.timeout))))
            });
            if let Some(answer) = answer {
                self.cancel(&about);
                self.answers.insert(about, answer);
            }
        }
    }

    /// A child that the reaper of orphans collected: it may have been a probe's.
    pub fn exited(&mut self, pid: Pid, status: &Exit) {
        for pending in self.pending.values_mut() {
            match &mut pending.work {
                Work::Command(running) if running.pid() == pid => running.exited(status),
                Work::Tcp(connecting) => connecting.exited(pid, status),
                Work::Http(asking) => asking.connecting.exited(pid, status),
                Work::Command(_) => {}
            }
        }
    }

    /// Whether a child is a probe's.
    pub fn owns(&self, pid: Pid) -> bool {
        let asks = |connecting: &Connecting| connecting.asking().is_some_and(|asking| asking.pid() == pid);
        self.pending.values().any(|pending| match &pending.work {
            Work::Command(running) => running.pid() == pid,
            Work::Tcp(connecting) => asks(connecting),
            Work::Http(asking) => asks(&asking.connecting),
        })
    }

    /// The answer of the last probe, once there is one.
    pub fn answer(&self, about: &About) -> Option<&Answer> {
        self.answers.get(about)
    }

    /// Somebody knows better.
    pub fn correct(&mut self, about: &About, answer: Answer) {
        self.answers.insert(about.clone(), answer);
    }

    /// When the first pending probe has to be ended.
    pub fn deadline(&self) -> Option<BootTime> {
        self.pending.values().map(|pending| pending.deadline).min()
    }

    /// Forgets the probes of processes that are gone.
    pub fn retain(&mut self, wanted: impl Fn(&ProcessKey) -> bool) {
        let gone: Vec<About> = self.pending.keys().filter(|about| !wanted(&about.0)).cloned().collect();
        for about in gone {
            self.cancel(&about);
        }
        self.answers.retain(|about, _| wanted(&about.0));
    }

    fn cancel(&mut self, about: &About) {
        if let Some(Pending { work: Work::Command(running), .. }) = self.pending.remove(about) {
            if running.is_over() {
                return;
            }
            self.dying.push(running.kill());
            self.bury();
        }
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
            Work::Http(asking) => asking.look(epoll),
            Work::Command(running) => running.look(),
        }
    }
}
