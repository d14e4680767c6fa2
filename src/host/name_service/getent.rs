//! One question to `getent(1)`: a child with an empty environment, which is killed if it takes too long.
//!
//! Its status is collected through its pidfd. The reaper of orphans runs on the main thread only, and does so while no
//! question is waited for ([`Asking::wait`]), or hands over what it collected ([`Asking::exited`]).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::host::spawn::{Spawned, keep_exits_of_children, reap, send_signal, spawn_heard};
use crate::plan::action::{Launch, OutputTarget};
use crate::plan::memory::Exit;
use crate::units::{Pid, Signal};

/// Where it is looked for, in this order, whatever `PATH` says.
const PLACES: [&str; 2] = ["/usr/bin/getent", "/bin/getent"];
/// The longest answer: a group of a hundred thousand members.
const ANSWER_MAX: usize = 1 << 20;
/// What a killed child is given to be gone.
const FAREWELL: Duration = Duration::from_millis(100);

/// What is asked about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Database {
    /// Users.
    Passwd,
    /// Groups.
    Group,
    /// The groups of a user.
    Initgroups,
    /// The addresses of a host.
    Ahosts,
}

impl Database {
    fn word(self) -> &'static str {
        match self {
            Self::Passwd => "passwd",
            Self::Group => "group",
            Self::Initgroups => "initgroups",
            Self::Ahosts => "ahosts",
        }
    }
}

/// What `getent` said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// What it wrote.
    Found(String),
    /// There is no such entry, or a source did not answer: it makes no difference between them.
    NoEntry,
    /// Nothing in time.
    Late,
}

/// Its answer, or why there is none, as a sentence.
pub type Reply = Result<Answer, String>;

/// The program.
#[derive(Clone, Debug)]
pub struct Getent {
    places: Vec<PathBuf>,
}

impl Default for Getent {
    fn default() -> Self {
        Self { places: PLACES.map(PathBuf::from).to_vec() }
    }
}

impl Getent {
    /// Another program in its place.
    #[cfg(test)]
    pub(in crate::host) fn at(path: impl Into<PathBuf>) -> Self {
        Self { places: vec![path.into()] }
    }

    /// Asks; the answer is looked for later.
    ///
    /// # Errors
    /// A sentence: it can't be asked at all.
    pub fn begin(&self, database: Database, key: &str) -> Result<Asking, String> {
        let mut argv = vec!["getent".to_owned(), database.word().to_owned()];
        if key.starts_with('-') {
            // Not always: the one of musl takes it for a name.
            argv.push("--".to_owned());
        }
        argv.push(key.to_owned());
        let mut last = String::new();
        keep_exits_of_children();
        for program in &self.places {
            match spawn_heard(&launch(program.clone(), argv.clone())) {
                Ok((child, pipe)) => {
                    return Ok(Asking { child, pipe, output: Vec::new(), ended: false, exit: None });
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    }
}

fn launch(program: PathBuf, argv: Vec<String>) -> Launch {
    Launch {
        argv,
        umask: 0o077,
        // What it writes is read instead.
        stdout: OutputTarget::Null,
        stderr: OutputTarget::Null,
        ..Launch::bare(program)
    }
}

/// A question under way. Dropped, its child is killed.
#[derive(Debug)]
pub struct Asking {
    child: Spawned,
    pipe: OwnedFd,
    output: Vec<u8>,
    /// Nothing more will be written.
    ended: bool,
    exit: Option<Exit>,
}

impl Asking {
    /// The child.
    pub fn pid(&self) -> Pid {
        self.child.pid
    }

    /// Each becomes readable when there may be an answer: that it ended, and what it writes.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.child.pidfd.as_fd(), self.pipe.as_fd()]
    }

    /// The reaper of orphans collected it.
    pub fn exited(&mut self, exit: &Exit) {
        self.exit = Some(exit.clone());
    }

    /// The answer, if it is there.
    pub fn look(&mut self) -> Option<Reply> {
        // In this order: what was written before the end is there after it.
        if self.exit.is_none() {
            self.exit = reap(&self.child.pidfd).unwrap_or(Some(Exit::Unknown));
        }
        self.listen();
        if self.output.len() > ANSWER_MAX {
            return Some(Err(format!("`getent` answers with more than {ANSWER_MAX} bytes")));
        }
        let exit = self.exit.as_ref()?;
        Some(match exit {
            Exit::Code(0) => Ok(Answer::Found(String::from_utf8_lossy(&self.output).into_owned())),
            Exit::Code(2) => Ok(Answer::NoEntry),
            Exit::Code(code) => Err(format!("`getent` exited with {code}")),
            Exit::Signal(signal) => Err(format!("`getent` died by {signal}")),
            Exit::Unknown | Exit::Unwatched | Exit::Stopped | Exit::OutOfMemory => {
                Err("the end of `getent` is not known".to_owned())
            }
        })
    }

    fn listen(&mut self) {
        let mut buffer = [0u8; 4096];
        while !self.ended && self.output.len() <= ANSWER_MAX {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) => self.ended = true,
                Ok(count) => self.output.extend(buffer.iter().take(count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.ended = true,
            }
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// A sentence: why there is none.
    pub fn wait(mut self, deadline: Duration) -> Reply {
        let begun = Instant::now();
        loop {
            if let Some(reply) = self.look() {
                return reply;
            }
            let Some(left) = deadline.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(Answer::Late);
            };
            // The end of what it writes would be readable for ever.
            let wanted = if self.ended { 1 } else { 2 };
            wait_for(self.descriptors().get(..wanted).unwrap_or_default(), left);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.exit.is_some() || !matches!(reap(&self.child.pidfd), Ok(None)) {
            return;
        }
        // Our child, not collected: the number is its own, and that of the session which it leads.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.pid.0) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = send_signal(&self.child.pidfd, Signal::KILL);
        wait_for(&[self.child.pidfd.as_fd()], FAREWELL);
        // One that the kernel holds is left to the reaper of orphans, or to init.
        let _ = reap(&self.child.pidfd);
    }
}

/// Until one is readable, or that long. Called again where it ends too early.
fn wait_for(descriptors: &[BorrowedFd<'_>], limit: Duration) {
    let mut fds: Vec<PollFd<'_>> = descriptors.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    let _ = poll(&mut fds, Some(&limit));
}
