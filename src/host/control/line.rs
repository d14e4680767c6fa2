//! The verbs' end: asks, and waits for the answer, with a time limit.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::protocol::{Answer, Ask, Call, Reply, VERSION};
use super::{Lines, Peer, Refusal, Rights, door};
use crate::host::errno::io_text;
use crate::host::state_dir::Dirs;
use crate::host::{clock, own_uid};
use crate::units::Uid;

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 256 << 20;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LineError {
    /// Nobody listens.
    #[error("no watch listens")]
    Nobody,
    /// The other end is gone; whether it did what was asked isn't known.
    #[error("the watch ended")]
    Ended,
    /// It took longer than it may.
    #[error("the watch doesn't answer")]
    Late,
    /// It refuses.
    #[error("{}", .0.sentences().join("; "))]
    Refused(Refusal),
    /// Something else.
    #[error("the watch can't be asked: {0}")]
    Failed(String),
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::Nobody,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Ended,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Failed(io_text(&error)),
        }
    }
}

/// A connection to a running watch.
#[derive(Debug)]
pub struct Line {
    socket: OwnedFd,
    lines: Lines,
    last: u64,
}

impl Line {
    /// Connects, within this time.
    ///
    /// # Errors
    /// Nobody listens, or somebody does who is neither root nor the caller.
    pub fn connect(dirs: &Dirs, within: Duration) -> Result<Self, LineError> {
        // Where too many wait to be let in, connecting waits as well.
        let socket = door::enter(&dirs.control(), within.max(Duration::from_millis(1)))?;
        let server = Peer::of(&socket)?;
        if server.rights(Uid(own_uid())) != Rights::All {
            let text = format!("`{}` belongs to another user (uid {})", dirs.control().display(), server.uid);
            return Err(LineError::Failed(text));
        }
        Ok(Self { socket, lines: Lines::default(), last: 0 })
    }

    /// Asks for something that only looks.
    ///
    /// # Errors
    /// There is no answer in time, or it is a refusal.
    pub fn ask(&mut self, ask: Ask, within: Duration) -> Result<Reply, LineError> {
        self.ask_as(String::new(), ask, within)
    }

    /// Asks in somebody's name.
    ///
    /// # Errors
    /// There is no answer in time, or it is a refusal.
    pub fn ask_as(&mut self, by: String, ask: Ask, within: Duration) -> Result<Reply, LineError> {
        self.call(by, ask, within)?;
        self.next(within)
    }

    /// Makes a call; [`Line::next`] gives the answer.
    ///
    /// # Errors
    /// It can't be sent in time.
    pub fn call(&mut self, by: String, ask: Ask, within: Duration) -> Result<(), LineError> {
        self.last += 1;
        let call = Call { version: VERSION, id: self.last, by, ask };
        let mut line = serde_json::to_vec(&call).map_err(|error| LineError::Failed(error.to_string()))?;
        line.push(b'\n');
        set_socket_timeout(&self.socket, Timeout::Send, Some(within.max(Duration::from_millis(1))))
            .map_err(io::Error::from)?;
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            let again = || send(&self.socket, rest, SendFlags::NOSIGNAL);
            let sent = rustix::io::retry_on_intr(again).map_err(io::Error::from)?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// The next answer to the last call: the first, and of whoever follows each that comes. Where there was none in time, it may
    /// be asked for again.
    ///
    /// # Errors
    /// There is none in time, or it is a refusal.
    pub fn next(&mut self, within: Duration) -> Result<Reply, LineError> {
        let until = clock::deadline(within);
        loop {
            let answer = self.answer(until)?;
            match answer.reply {
                Reply::Refused(refusal) => return Err(LineError::Refused(refusal)),
                reply if answer.id == self.last => return Ok(reply),
                // What was on its way when another call was made.
                _ => {}
            }
        }
    }

    fn answer(&mut self, until: Instant) -> Result<Answer, LineError> {
        let mut piece = vec![0u8; 64 << 10];
        loop {
            let line = self.lines.next(ANSWER_MAX);
            let line = line.map_err(|_| LineError::Failed("the answer is too long".into()))?;
            if let Some(line) = line {
                let no_answer = |error| LineError::Failed(format!("the answer can't be read: {error}"));
                return serde_json::from_slice(&line).map_err(no_answer);
            }
            self.await_bytes(until)?;
            match recv(&self.socket, piece.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(LineError::Ended),
                Ok((_, length)) => self.lines.push(piece.get(..length).unwrap_or_default()),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
    }

    fn await_bytes(&self, until: Instant) -> Result<(), LineError> {
        let left = rustix::time::Timespec::try_from(clock::left(until)).ok();
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut fds, left.as_ref()) {
            Ok(0) => Err(LineError::Late),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno).into()),
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
