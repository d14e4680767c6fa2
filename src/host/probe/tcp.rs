//! A connection that is tried without waiting for it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, getsockname, socket_with, sockopt};

use super::Answer;
use crate::host::errno::errno_text;
use crate::host::name_service::{Answer as Told, Asking, Database, Getent, addresses, socket_address};
use crate::plan::memory::Exit;
use crate::units::Pid;

/// The addresses that are still to be tried, and the one that is being tried.
#[derive(Debug)]
pub(super) struct Connecting {
    /// The question what the addresses are.
    resolving: Option<Asking>,
    port: u16,
    left: Vec<SocketAddr>,
    under_way: Option<(SocketAddr, OwnedFd)>,
    connected: Option<OwnedFd>,
    last: String,
}

impl Connecting {
    /// Numbers and `localhost` are tried at once; any other name is asked for first.
    pub(super) fn begin(
        host: &str,
        port: u16,
        getent: &Getent,
        epoll: BorrowedFd<'_>,
    ) -> Result<Self, String> {
        let known = match host {
            "localhost" => vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()],
            _ => socket_address(host, port).into_iter().collect(),
        };
        let mut connecting = Self {
            resolving: None,
            port,
            // The last one is tried first.
            left: known,
            under_way: None,
            connected: None,
            last: format!("`{host}` has no address"),
        };
        if connecting.left.is_empty() {
            let asking = getent.begin(Database::Ahosts, host)?;
            let [end, words] = asking.descriptors();
            // It says no more once it has ended, but may well say more than once before.
            watch(epoll, end, epoll::EventFlags::IN | epoll::EventFlags::ONESHOT)
                .and_then(|()| watch(epoll, words, epoll::EventFlags::IN | epoll::EventFlags::ET))
                .map_err(|errno| errno_text(errno.raw_os_error()))?;
            connecting.resolving = Some(asking);
        } else {
            connecting.next(epoll);
        }
        Ok(connecting)
    }

    /// The connection, after the answer was yes.
    pub(super) fn take_connected(&mut self) -> Option<OwnedFd> {
        self.connected.take()
    }

    /// The child that asks for the addresses, while it does.
    pub(super) fn asking(&self) -> Option<&Asking> {
        self.resolving.as_ref()
    }

    /// The reaper of orphans collected a child, which may be the one that asks.
    pub(super) fn exited(&mut self, pid: Pid, exit: &Exit) {
        if let Some(asking) = self.resolving.as_mut().filter(|asking| asking.pid() == pid) {
            asking.exited(exit);
        }
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
        if let Some(asking) = &mut self.resolving {
            match asking.look()? {
                Ok(Told::Found(text)) => {
                    self.left = addresses(&text, self.port);
                    self.left.reverse();
                }
                Ok(Told::NoEntry | Told::Late) => {}
                Err(text) => self.last = text,
            }
            self.resolving = None;
            self.next(epoll);
        }
        while let Some((address, socket)) = &self.under_way {
            match outcome(socket)? {
                Ok(()) => {
                    self.connected = self.under_way.take().map(|(_, socket)| socket);
                    return Some(Answer::yes());
                }
                Err(errno) => self.last = format!("{address}: {}", errno_text(errno.raw_os_error())),
            }
            self.next(epoll);
        }
        Some(Answer::no(self.last.clone()))
    }
}

fn watch(epoll: BorrowedFd<'_>, fd: BorrowedFd<'_>, flags: epoll::EventFlags) -> rustix::io::Result<()> {
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
    watch(epoll, socket.as_fd(), epoll::EventFlags::OUT | epoll::EventFlags::ONESHOT)?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::testing;

    fn fake(script: &str) -> (tempfile::TempDir, Getent) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("getent");
        testing::program(&path, &format!("#!/bin/sh\n{script}\n"));
        (directory, Getent::at(path))
    }

    /// The answer, looked for whenever the descriptor says that something happened.
    fn answer(script: &str, port: u16) -> Answer {
        let (_directory, getent) = fake(script);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let mut connecting = Connecting::begin("web.example", port, &getent, epoll.as_fd()).unwrap();
        let begun = Instant::now();
        loop {
            if let Some(answer) = connecting.look(epoll.as_fd()) {
                return answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "an answer");
            let mut events = Vec::with_capacity(4);
            let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
            let _ = epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&limit));
            assert!(!events.is_empty(), "it is woken");
        }
    }

    #[test]
    fn the_addresses_of_a_name_are_tried_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Nobody listens at the first one.
        let script = "[ \"$*\" = 'ahosts web.example' ] || exit 9\n\
            echo '127.0.0.9 STREAM web.example'; echo '127.0.0.9 DGRAM'; echo '127.0.0.1 STREAM'";
        assert_eq!(answer(script, port), Answer::yes());
        // A port that is taken, and nobody listens at: a closed listener is free for others, or still held by a child before its exec.
        let taken = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        rustix::net::bind(&taken, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let port = SocketAddr::try_from(rustix::net::getsockname(&taken).unwrap()).unwrap().port();
        let detail = format!("127.0.0.1:{port}: connection refused (ECONNREFUSED)");
        assert_eq!(answer(script, port), Answer::no(detail));
    }

    #[test]
    fn a_name_without_an_address_is_not_ready() {
        for (script, detail) in [
            ("exit 2", "`web.example` has no address"),
            ("echo nonsense", "`web.example` has no address"),
            ("exit 1", "`getent` exited with 1"),
        ] {
            assert_eq!(answer(script, 1), Answer::no(detail), "{script}");
        }
    }

    #[test]
    fn a_child_that_the_reaper_of_orphans_collected_has_its_status_from_there() {
        let (_directory, getent) = fake("exit 2");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let mut connecting = Connecting::begin("web.example", 1, &getent, epoll.as_fd()).unwrap();
        let pid = connecting.asking().unwrap().pid();
        let begun = Instant::now();
        // As the reaper does it, but for this child only.
        while fs::exists(format!("/proc/{pid}")).unwrap() {
            crate::host::spawn::reap_pid(pid);
            assert!(begun.elapsed() < Duration::from_secs(60), "it ends");
        }
        connecting.exited(Pid(1), &Exit::Code(1));
        connecting.exited(pid, &Exit::Code(2));
        assert_eq!(connecting.look(epoll.as_fd()), Some(Answer::no("`web.example` has no address")));
    }
}
