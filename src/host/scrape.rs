//! Metrics over HTTP: one small answer a connection, and nothing that could hold the loop up.
//!
//! ```text
//! listener --\
//! clients  ---+--> one epoll --> the loop's epoll --> serve(): what is ready, without waiting
//! ```
//!
//! It knows `GET /metrics` (and `/`, which names it). A client has `PATIENCE` to ask and to read, and there are
//! `CLIENTS_MAX` at the most: others wait in the kernel's queue.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;

use crate::units::BootTime;

/// So long a client may take, from the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
const CLIENTS_MAX: usize = 16;
const QUESTION_BYTES_MAX: usize = 8 << 10;
/// When no connection can be taken for want of descriptors, it is tried again after so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Tokens of clients begin after it.
const LISTENER: u64 = 0;

/// The server.
#[derive(Debug)]
pub struct Scrapes {
    epoll: OwnedFd,
    listener: TcpListener,
    door: Door,
    clients: Vec<Client>,
    next: u64,
}

/// Whether connections are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Door {
    Open,
    /// Until a client leaves.
    Full,
    /// Until then.
    Shut(BootTime),
}

#[derive(Debug)]
struct Client {
    token: u64,
    stream: TcpStream,
    deadline: BootTime,
    asked: Vec<u8>,
    answer: Option<(Vec<u8>, usize)>,
}

/// What a client is at after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// It has to wait for the other side.
    Waits,
    /// It is done, or hopeless.
    Ends,
}

impl Scrapes {
    /// Listens.
    ///
    /// # Errors
    /// The address can't be had.
    pub fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(LISTENER);
        epoll::add(&epoll, &listener, data, epoll::EventFlags::IN)?;
        Ok(Self { epoll, listener, door: Door::Open, clients: Vec::new(), next: LISTENER + 1 })
    }

    /// Where it listens, with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Readable when there is something to serve.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// When to serve even if nothing comes: a client's patience ends then.
    pub fn deadline(&self) -> Option<BootTime> {
        let clients = self.clients.iter().map(|client| client.deadline);
        let door = match self.door {
            Door::Open | Door::Full => None,
            Door::Shut(until) => Some(until),
        };
        clients.chain(door).min()
    }

    /// Serves whoever is ready. `page` is made for each complete question.
    pub fn serve(&mut self, now: BootTime, page: &mut dyn FnMut() -> String) {
        self.accept(now);
        // Closing takes a client out of the epoll as well.
        let epoll = &self.epoll;
        self.clients.retain_mut(|client| client.deadline > now && client.go_on(epoll, page) == Step::Waits);
        let opens = match self.door {
            Door::Open => false,
            Door::Full => self.clients.len() < CLIENTS_MAX,
            Door::Shut(until) => until <= now,
        };
        if opens {
            self.set_door(Door::Open);
            self.accept(now);
        }
    }

    fn accept(&mut self, now: BootTime) {
        while self.door == Door::Open {
            if self.clients.len() >= CLIENTS_MAX {
                return self.set_door(Door::Full);
            }
            match self.listener.accept() {
                Ok((stream, _)) => self.take(stream, now),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // It went again before it was taken.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) => {}
                // The listener stays readable: with an open door the loop would never sleep.
                Err(_) => return self.set_door(Door::Shut(now.after(PAUSE))),
            }
        }
    }

    fn set_door(&mut self, door: Door) {
        self.door = door;
        let flags = match door {
            Door::Open => epoll::EventFlags::IN,
            Door::Full | Door::Shut(_) => epoll::EventFlags::empty(),
        };
        let _ = epoll::modify(&self.epoll, &self.listener, epoll::EventData::new_u64(LISTENER), flags);
    }

    fn take(&mut self, stream: TcpStream, now: BootTime) {
        let token = self.next;
        let data = epoll::EventData::new_u64(token);
        let begun = stream
            .set_nonblocking(true)
            .and_then(|()| Ok(epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?));
        if begun.is_ok() {
            self.next += 1;
            let deadline = now.after(PATIENCE);
            self.clients.push(Client { token, stream, deadline, asked: Vec::new(), answer: None });
        }
    }
}

impl Client {
    fn go_on(&mut self, epoll: &OwnedFd, page: &mut dyn FnMut() -> String) -> Step {
        if self.answer.is_none() {
            match self.read() {
                Ok(true) => {
                    self.answer = Some((answer(&self.asked, page), 0));
                    // From now on it waits for room, not for more to read.
                    let data = epoll::EventData::new_u64(self.token);
                    let _ = epoll::modify(epoll, &self.stream, data, epoll::EventFlags::OUT);
                }
                Ok(false) => return Step::Waits,
                Err(_) => return Step::Ends,
            }
        }
        self.write()
    }

    /// Whether the question is complete.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 1024];
        loop {
            if self.asked.windows(4).any(|four| four == b"\r\n\r\n") {
                return Ok(true);
            }
            if self.asked.len() > QUESTION_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.asked.extend(bytes.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self) -> Step {
        let Some((bytes, sent)) = &mut self.answer else { return Step::Waits };
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Step::Ends,
                Ok(count) => *sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Step::Waits,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::Ends,
            }
        }
        Step::Ends
    }
}

/// The answer to a question, from its first line.
fn answer(asked: &[u8], page: &mut dyn FnMut() -> String) -> Vec<u8> {
    let line = asked.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (verb, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let (status, kind, body) = match (verb, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", page()),
        (b"GET" | b"HEAD", b"/") => ("200 OK", "text/plain", "/metrics\n".to_owned()),
        (b"GET" | b"HEAD", _) => ("404 Not Found", "text/plain", "there is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "only GET and HEAD\n".to_owned()),
    };
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if verb != b"HEAD" {
        text.push_str(&body);
    }
    text.into_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
