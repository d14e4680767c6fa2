//! A connection that is tried without waiting for it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, getsockname, socket_with, sockopt};

use super::Answer;
use crate::host::errno::errno_text;

/// What the resolver found, and the descriptor that says so.
type Resolving = (Receiver<io::Result<Vec<SocketAddr>>>, Arc<OwnedFd>);

/// The addresses that are still to be tried, and the one that is being tried.
#[derive(Debug)]
pub(super) struct Connecting {
    resolving: Option<Resolving>,
    left: Vec<SocketAddr>,
    under_way: Option<(SocketAddr, OwnedFd)>,
    last: String,
}

impl Connecting {
    /// Numbers and `localhost` are tried at once; any other name is resolved in a thread, since the resolver blocks.
    pub(super) fn begin(host: &str, port: u16, epoll: BorrowedFd<'_>) -> Result<Self, String> {
        let known = match host {
            "localhost" => vec![IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)],
            _ => host.parse().map(|address| vec![address]).unwrap_or_default(),
        };
        let mut connecting = Self {
            resolving: None,
            // The last one is tried first.
            left: known.into_iter().map(|address| SocketAddr::new(address, port)).collect(),
            under_way: None,
            last: format!("`{host}` has no address"),
        };
        if connecting.left.is_empty() {
            connecting.resolve(host.to_owned(), port, epoll).map_err(|error| error.to_string())?;
        } else {
            connecting.next(epoll);
        }
        Ok(connecting)
    }

    fn resolve(&mut self, host: String, port: u16, epoll: BorrowedFd<'_>) -> io::Result<()> {
        let done = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        watch(epoll, done.as_fd(), epoll::EventFlags::IN)?;
        let (sender, receiver) = channel();
        let poke = Arc::clone(&done);
        std::thread::Builder::new().name("resolver".into()).spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            let _ = sender.send(found);
            let _ = rustix::io::write(&*poke, &1u64.to_ne_bytes());
        })?;
        self.resolving = Some((receiver, done));
        Ok(())
    }

    /// Tries the next address; none left: not ready.
    fn next(&mut self, epoll: BorrowedFd<'_>) {
        while let Some(address) = self.left.pop() {
            match start(address, epoll) {
                Ok(socket) => {
                    self.under_way = Some((address, socket));
                    return;
                }
                Err(errno) => self.last = format!("{address}: {}", errno_text(errno.raw_os_error())),
            }
        }
        self.under_way = None;
    }

    /// The answer, if there is one by now.
    pub(super) fn look(&mut self, epoll: BorrowedFd<'_>) -> Option<Answer> {
        if let Some((receiver, _)) = &self.resolving {
            match receiver.try_recv() {
                Err(TryRecvError::Empty) => return None,
                Ok(Ok(found)) => self.left = found.into_iter().rev().collect(),
                Ok(Err(error)) => self.last = error.to_string(),
                Err(TryRecvError::Disconnected) => {}
            }
            self.resolving = None;
            self.next(epoll);
        }
        while let Some((address, socket)) = &self.under_way {
            match outcome(socket)? {
                Ok(()) => return Some(Answer::yes()),
                Err(errno) => self.last = format!("{address}: {}", errno_text(errno.raw_os_error())),
            }
            self.next(epoll);
        }
        Some(Answer::no(self.last.clone()))
    }
}

fn watch(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>, flags: epoll::EventFlags) -> rustix::io::Result<()> {
    let flags = flags | epoll::EventFlags::ONESHOT;
    epoll::add(epoll, fd, epoll::EventData::new_u64(0), flags)
}

fn start(address: SocketAddr, epoll: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(errno) => return Err(errno),
    }
    watch(epoll, socket.as_fd(), epoll::EventFlags::OUT)?;
    Ok(socket)
}

/// `None`: still under way.
fn outcome(socket: &OwnedFd) -> Option<rustix::io::Result<()>> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    let ready = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap_or(0);
    if ready == 0 {
        return None;
    }
    Some(match sockopt::socket_error(socket) {
        Ok(Ok(())) if talks_to_itself(socket) => Err(Errno::CONNREFUSED),
        Ok(answer) => answer,
        Err(errno) => Err(errno),
    })
}

/// A connection to a free local port can hit its own source port: then nobody listens there.
fn talks_to_itself(socket: &OwnedFd) -> bool {
    match (getsockname(socket), rustix::net::getpeername(socket)) {
        (Ok(own), Ok(peer)) => {
            SocketAddr::try_from(own).ok() == peer.and_then(|p| SocketAddr::try_from(p).ok())
        }
        _ => false,
    }
}
