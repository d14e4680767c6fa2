//! What processes do, as the kernel tells it: the process connector (`include/uapi/linux/cn_proc.h`,
//! `drivers/connector/cn_proc.c`), a netlink group that every fork, exec, exit and change of identity is told to.
//!
//! To be had by root in the initial user and PID namespaces only. Elsewhere the kernel takes the wish and says nothing, so
//! that listening begins with its answer. What the socket has no room for is lost, which the kernel tells by `ENOBUFS`:
//! then nothing is known but that everything has to be looked at.

mod read;

pub use read::{ProcessEvent, events_of};

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use super::errno::errno_text;
use read::{GROUP, HEADERS, is_answer, wish};

/// Room for about 20 000 events: what a storm of forks tells in the time that a tick takes.
const ROOM: usize = 16 << 20;
/// The kernel answers a wish before `send` returns; this is for a machine that is very busy.
const PATIENCE: Duration = Duration::from_millis(200);
/// The inode of the initial PID namespace (`PROC_PID_INIT_INO`, `include/linux/proc_ns.h`).
const INITIAL: u64 = 0xEFFF_FFFC;
/// Events that are taken at a time, so that a storm of them can't keep the loop.
pub const TAKEN_MAX: usize = 4096;

/// A listener. Its descriptor is readable when something was told.
#[derive(Debug)]
pub struct ProcessEvents {
    socket: OwnedFd,
    /// Where a message is received.
    room: Vec<u8>,
}

/// What was told since the last time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// In the order of the kernel, which is the order of time for each process.
    pub events: Vec<ProcessEvent>,
    /// Some were lost: only a complete look helps.
    pub overrun: bool,
    /// There may be more by now.
    pub more: bool,
}

impl ProcessEvents {
    /// Begins to listen.
    ///
    /// # Errors
    /// Why it can't be had here: no permission, not the initial namespaces, or a kernel without it.
    pub fn open() -> Result<Self, String> {
        let refused = |errno: Errno| match errno {
            Errno::PERM | Errno::ACCESS => "only root may listen to the kernel's process events".to_owned(),
            Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => {
                "this kernel tells no process events (CONFIG_PROC_EVENTS)".to_owned()
            }
            other => errno_text(other.raw_os_error()),
        };
        let elsewhere = "the kernel tells process events in its initial namespaces only, not in a container";
        // It would pass the wish over in silence.
        if rustix::fs::stat("/proc/self/ns/pid").is_ok_and(|namespace| namespace.st_ino != INITIAL) {
            return Err(elsewhere.into());
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::CONNECTOR);
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, protocol)
            .map_err(refused)?;
        // Without the right to force it, the system's limit holds.
        if sockopt::set_socket_recv_buffer_size_force(&socket, ROOM).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&socket, ROOM);
        }
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUP)).map_err(refused)?;
        let mut events = Self { socket, room: vec![0; 4096] };
        let mark = any_number();
        rustix::net::send(&events.socket, &wish(true, mark), SendFlags::empty()).map_err(refused)?;
        match events.answered(mark) {
            Ok(true) => Ok(events),
            Ok(false) => Err(elsewhere.into()),
            Err(errno) => Err(refused(errno)),
        }
    }

    /// Whether the kernel says that it will tell.
    fn answered(&mut self, mark: u32) -> Result<bool, Errno> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.receive() {
                Ok(Some(length)) => {
                    let told = self.room.get(..length).unwrap_or_default();
                    if is_answer(told, mark) {
                        return Ok(true);
                    }
                    continue;
                }
                // Somebody else is listening already, and there is a storm.
                Ok(None) | Err(Errno::NOBUFS) => continue,
                Err(Errno::AGAIN) => {}
                Err(errno) => return Err(errno),
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
            poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&timeout))?;
        }
    }

    /// One message; `None` if it isn't the kernel's.
    fn receive(&mut self) -> Result<Option<usize>, Errno> {
        loop {
            match rustix::net::recvfrom(&self.socket, self.room.as_mut_slice(), RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok((length, _, sender)) => {
                    let sender = sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok());
                    let is_kernel = sender.is_some_and(|sender| sender.pid() == 0);
                    return Ok(is_kernel.then_some(length));
                }
            }
        }
    }

    /// Takes what was told. Never waits.
    ///
    /// # Errors
    /// The socket is of no use any more: listen anew, and look at everything.
    pub fn take(&mut self) -> io::Result<Told> {
        let mut told = Told::default();
        while told.events.len() < TAKEN_MAX {
            match self.receive() {
                Ok(Some(length)) => {
                    let message = self.room.get(..length).unwrap_or_default();
                    told.events.extend(events_of(message));
                }
                Ok(None) => {}
                Err(Errno::NOBUFS) => told.overrun = true,
                Err(Errno::AGAIN) => return Ok(told),
                Err(errno) => return Err(errno.into()),
            }
        }
        told.more = true;
        Ok(told)
    }
}

impl AsFd for ProcessEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for ProcessEvents {
    /// The kernel makes an event for each process as long as somebody is said to listen, and counts those who said so.
    fn drop(&mut self) {
        let _ = rustix::net::send(&self.socket, &wish(false, any_number()), SendFlags::empty());
    }
}

/// Another one than anybody else's.
fn any_number() -> u32 {
    let number = RandomState::new().build_hasher().finish();
    u32::try_from(number >> 32).unwrap_or_default()
}

const _: () = assert!(HEADERS < 4096, "a message fits the room");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::units::Pid;

    /// All that is told until `wanted` is, or a minute has passed.
    fn until(events: &mut ProcessEvents, wanted: impl Fn(&[ProcessEvent]) -> bool) -> Vec<ProcessEvent> {
        let (mut all, end) = (Vec::new(), Instant::now() + Duration::from_mins(1));
        while !wanted(&all) && Instant::now() < end {
            let timeout = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            poll(&mut [PollFd::new(&events.socket, PollFlags::IN)], Some(&timeout)).unwrap();
            all.extend(events.take().unwrap().events);
        }
        all
    }

    #[test]
    fn a_process_is_told_from_its_fork_to_its_exit() {
        let mut events = match ProcessEvents::open() {
            Ok(events) => events,
            Err(why) => {
                // In a container or as an ordinary user; elsewhere it must be had.
                let initial =
                    std::fs::read_link("/proc/self/ns/pid").unwrap().to_str() == Some("pid:[4026531836]");
                assert!(!(initial && rustix::process::geteuid().is_root()), "{why}");
                eprintln!("SKIPPED: {why}");
                return;
            }
        };
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        child.wait().unwrap();
        let is_of_child = |event: &&ProcessEvent| event.pid() == pid;
        let all = until(&mut events, |all| {
            all.iter().filter(is_of_child).any(|event| matches!(event, ProcessEvent::Exit { .. }))
        });
        let kinds: Vec<&str> = all.iter().filter(is_of_child).map(ProcessEvent::kind).collect();
        let of = |kind: &str| kinds.iter().position(|found| *found == kind);
        assert!(of("fork") < of("exec") && of("exec") < of("exit") && of("fork").is_some(), "{kinds:?}");
    }
}
