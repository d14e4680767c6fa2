//! A program that runs for a round: begun, left alone, asked later. Its time and what it may write have limits.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use rustix::io::Errno;

use crate::host::errno::errno_text;
use crate::host::spawn::{Spawned, reap, spawn_heard, spawn_heard_both};
use crate::plan::action::Launch;
use crate::plan::memory::Exit;
use crate::units::{BootTime, Pid, format_duration, format_size};

/// So much of its last line is shown.
const SHOWN_MAX: usize = 300;

/// What is to run.
#[derive(Debug)]
pub(super) struct Order {
    /// Program, arguments, environment.
    pub(super) launch: Launch,
    /// It may take so long.
    pub(super) timeout: Duration,
    /// It may write so much.
    pub(super) most: usize,
    /// What it complains of is not to be mixed with its answer.
    pub(super) answer_only: bool,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its exit code; `None`: it was killed, or nobody knows.
    pub(super) code: Option<i32>,
    /// What it wrote.
    pub(super) output: Vec<u8>,
    /// What is wrong, as a sentence without a subject.
    words: String,
}

impl Ended {
    /// What it wrote, if all went well.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn good(&self) -> Result<&[u8], String> {
        if self.code == Some(0) { Ok(&self.output) } else { Err(self.words()) }
    }

    /// What is wrong, with the reason that it gave.
    pub(super) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.output);
        // git says first what it gives up for, and hints after it; what it says of the other end was said by that before.
        let is_reason = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
        let reason = text.lines().find(is_reason).filter(|line| !line.contains("Could not read from remote"));
        let last = reason.or_else(|| text.lines().find(|line| !line.trim().is_empty()));
        let last: String = last
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SHOWN_MAX)
            .collect();
        if last.trim().is_empty() { self.words.clone() } else { format!("{}: {}", self.words, last.trim()) }
    }
}

/// One that runs.
#[derive(Debug)]
pub(super) struct Child {
    spawned: Spawned,
    pipe: OwnedFd,
    output: Vec<u8>,
    most: usize,
    exit: Option<Exit>,
    deadline: BootTime,
    timeout: Duration,
}

impl Child {
    /// Begins it.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn begin(order: Order, epoll: BorrowedFd<'_>, now: BootTime) -> Result<Self, String> {
        let Order { launch, timeout, most, answer_only } = order;
        let spawned = if answer_only { spawn_heard(&launch) } else { spawn_heard_both(&launch) };
        let (spawned, pipe) = spawned.map_err(|error| error.to_string())?;
        let one = Self {
            spawned,
            pipe,
            output: Vec::new(),
            most,
            exit: None,
            deadline: now.after(timeout),
            timeout,
        };
        let watch = |fd: BorrowedFd<'_>, flags| epoll::add(epoll, fd, epoll::EventData::new_u64(0), flags);
        let watched = watch(one.spawned.pidfd.as_fd(), epoll::EventFlags::IN | epoll::EventFlags::ONESHOT)
            .and_then(|()| watch(one.pipe.as_fd(), epoll::EventFlags::IN | epoll::EventFlags::ET));
        match watched {
            Ok(()) => Ok(one),
            Err(errno) => {
                crate::host::probe::kill_tree(&one.spawned);
                let _ = reap(&one.spawned.pidfd);
                Err(errno_text(errno.raw_os_error()))
            }
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.spawned.pid
    }

    pub(super) fn deadline(&self) -> BootTime {
        self.deadline
    }

    /// Its first process has ended and was collected.
    pub(super) fn is_over(&self) -> bool {
        self.exit.is_some()
    }

    pub(super) fn exited(&mut self, exit: &Exit) {
        self.exit = Some(exit.clone());
    }

    pub(super) fn into_spawned(self) -> Spawned {
        self.spawned
    }

    /// How it ended, if it has to be called so by now; whoever asks then gives it up.
    pub(super) fn look(&mut self, now: BootTime) -> Option<Ended> {
        if self.exit.is_none() {
            self.exit = reap(&self.spawned.pidfd).unwrap_or(Some(Exit::Unknown));
        }
        self.hear();
        if self.output.len() > self.most {
            let words = format!("it wrote more than {}", format_size(self.most as u64));
            return Some(Ended { code: None, output: Vec::new(), words });
        }
        let (code, words) = match &self.exit {
            Some(Exit::Code(code)) => (Some(*code), format!("it exited with {code}")),
            Some(Exit::Signal(signal)) => (None, format!("it died by signal {signal}")),
            Some(Exit::Unknown | Exit::Unwatched | Exit::Stopped | Exit::OutOfMemory) => {
                (None, "its end is not known".into())
            }
            None if now >= self.deadline => {
                (None, format!("it was killed, since it took longer than {}", format_duration(self.timeout)))
            }
            None => return None,
        };
        Some(Ended { code, output: std::mem::take(&mut self.output), words })
    }

    fn hear(&mut self) {
        let mut buffer = [0u8; 16 << 10];
        while self.output.len() <= self.most {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(read) => self.output.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}
