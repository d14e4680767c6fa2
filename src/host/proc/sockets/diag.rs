//! `sock_diag(7)`: the kernel tells about all sockets of a network namespace over netlink, some hundred in one answer,
//! without formatting numbers as text. The messages are few and fixed, so they are written and read here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

use super::super::parse::{SocketTable, inet_socket, unix_socket};
use crate::facts::{Protocol, Socket, SocketState};

/// `SOCK_DIAG_BY_FAMILY` of `include/uapi/linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR` and `NLMSG_DONE` of `netlink(7)`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`, and the mark of an answer that changed while it was given.
const REQUEST: u16 = 0x301;
const INTERRUPTED: u16 = 0x10;
/// Every state but 6 and 12 (`TCP_TIME_WAIT`, `TCP_NEW_SYN_RECV`): those have no descriptor, and may be very many.
const STATES: u32 = !(1 << 6 | 1 << 12);
/// `UDIAG_SHOW_NAME`, and the attribute with the name.
const SHOW_NAME: u32 = 1;
const NAME: u16 = 0;
/// Sizes of `struct nlmsghdr`, `inet_diag_msg` and `unix_diag_msg`.
const HEADER: usize = 16;
const INET: usize = 72;
const UNIX: usize = 16;
/// The kernel gives at most 32 KiB in one answer.
const ROOM: usize = 1 << 16;
/// How often an interrupted dump is asked for again before it is taken as it is.
const TRIES: u32 = 3;
/// The kernel answers at once; this only keeps a thread from waiting for ever for an answer that got lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tables that a namespace has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::host::proc) enum Kind {
    Tcp,
    Tcp6,
    Udp,
    Udp6,
    Unix,
}

impl Kind {
    pub(in crate::host::proc) const ALL: [Self; 5] =
        [Self::Tcp, Self::Tcp6, Self::Udp, Self::Udp6, Self::Unix];

    /// Its name below `/proc/PID/net`.
    pub(in crate::host::proc) fn file(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
            Self::Unix => "unix",
        }
    }

    pub(in crate::host::proc) fn protocol(self) -> Protocol {
        match self {
            Self::Tcp | Self::Tcp6 => Protocol::Tcp,
            Self::Udp | Self::Udp6 => Protocol::Udp,
            Self::Unix => Protocol::Unix,
        }
    }

    fn request(self, sequence: u32) -> Vec<u8> {
        let (family, protocol) = match self {
            Self::Tcp => (AddressFamily::INET, 6),
            Self::Tcp6 => (AddressFamily::INET6, 6),
            Self::Udp => (AddressFamily::INET, 17),
            Self::Udp6 => (AddressFamily::INET6, 17),
            Self::Unix => (AddressFamily::UNIX, 0),
        };
        let mut body = vec![u8::try_from(family.as_raw()).unwrap_or_default(), protocol, 0, 0];
        body.extend(STATES.to_ne_bytes());
        if self == Self::Unix {
            // `unix_diag_req`: any inode, with the name, without a cookie.
            body.extend([0, SHOW_NAME, u32::MAX, u32::MAX].into_iter().flat_map(u32::to_ne_bytes));
        } else {
            // `inet_diag_req_v2`: any address.
            body.extend([0; 48]);
        }
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let mut message = length.to_ne_bytes().to_vec();
        message.extend([BY_FAMILY, REQUEST].into_iter().flat_map(u16::to_ne_bytes));
        message.extend([sequence, 0].into_iter().flat_map(u32::to_ne_bytes));
        message.extend(body);
        message
    }
}

/// All sockets of one kind in the network namespace of this thread.
pub(super) fn dump(kind: Kind) -> Result<SocketTable, Errno> {
    let (family, flags) = (AddressFamily::NETLINK, SocketFlags::CLOEXEC);
    let protocol = Some(netlink::SOCK_DIAG);
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, protocol)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let mut room = vec![0; ROOM];
    let mut sequence = 0;
    loop {
        sequence += 1;
        rustix::net::send(&socket, &kind.request(sequence), SendFlags::empty())?;
        let mut dump = Dump { kind, sequence, table: SocketTable::new(), interrupted: false };
        loop {
            let (_, length) = match rustix::net::recv(&socket, room.as_mut_slice(), RecvFlags::TRUNC) {
                Err(Errno::INTR) => continue,
                other => other?,
            };
            if dump.take(room.get(..length).ok_or(Errno::MSGSIZE)?)? {
                break;
            }
        }
        if !dump.interrupted || sequence >= TRIES {
            return Ok(dump.table);
        }
    }
}

/// One answer as it comes in.
struct Dump {
    kind: Kind,
    sequence: u32,
    table: SocketTable,
    interrupted: bool,
}

impl Dump {
    /// Takes the messages of one datagram. Whether they were the last.
    fn take(&mut self, datagram: &[u8]) -> Result<bool, Errno> {
        let mut rest = datagram;
        while !rest.is_empty() {
            let length = usize::try_from(word(rest, 0).ok_or(Errno::BADMSG)?).unwrap_or(usize::MAX);
            let message =
                rest.get(..length).filter(|message| message.len() >= HEADER).ok_or(Errno::BADMSG)?;
            // Messages begin at multiples of four; the last one need not be filled up.
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            if word(message, 8) != Some(self.sequence) {
                continue;
            }
            let (kind, flags) = (half(message, 4), half(message, 6).unwrap_or(0));
            self.interrupted |= flags & INTERRUPTED != 0;
            let body = message.get(HEADER..).unwrap_or_default();
            match kind {
                Some(DONE) => return failure(body).map_or(Ok(true), Err),
                Some(ERROR) => return Err(failure(body).unwrap_or(Errno::BADMSG)),
                Some(BY_FAMILY) => self.table.extend(socket(self.kind, body).ok_or(Errno::BADMSG)?),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// The error at the beginning of an error or of the end of a dump: negative, 0 for none.
fn failure(body: &[u8]) -> Option<Errno> {
    let code = word(body, 0)?.cast_signed();
    (code < 0).then(|| Errno::from_raw_os_error(code.saturating_neg()))
}

/// One socket; the outer `None` is a message that is too short, the inner one a socket without a descriptor.
#[allow(clippy::option_option, reason = "too short and left out are two things")]
fn socket(kind: Kind, body: &[u8]) -> Option<Option<(u64, Socket)>> {
    let state = body.get(if kind == Kind::Unix { 2 } else { 1 }).copied().and_then(SocketState::from_number);
    let (inode, socket) = if kind == Kind::Unix {
        (word(body, 4)?, unix_socket(state, &name(body.get(UNIX..)?)))
    } else {
        let inode = word(body.get(..INET)?, 68)?;
        let local = (address(kind, body, 8)?, port(body, 4)?);
        let peer = (address(kind, body, 24)?, port(body, 6)?);
        (inode, inet_socket(kind.protocol(), state, local, peer))
    };
    Some((inode != 0).then_some((u64::from(inode), socket)))
}

/// The name in the attributes of a Unix socket, in the form of `/proc/net/unix`: `@` for every NUL of an abstract one,
/// which begins with one; the NUL behind a path is none of it.
fn name(attributes: &[u8]) -> Vec<u8> {
    let mut rest = attributes;
    while let (Some(length), Some(kind)) = (half(rest, 0), half(rest, 2)) {
        let length = usize::from(length);
        if kind == NAME {
            let name = rest.get(4..length).unwrap_or_default();
            let path = if name.first() == Some(&0) { name } else { name.strip_suffix(b"\0").unwrap_or(name) };
            return path.iter().map(|byte| if *byte == 0 { b'@' } else { *byte }).collect();
        }
        if length < 4 {
            break;
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Vec::new()
}

fn address(kind: Kind, body: &[u8], at: usize) -> Option<IpAddr> {
    let bytes = body.get(at..)?;
    Some(match kind {
        Kind::Tcp6 | Kind::Udp6 => IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?)),
        Kind::Tcp | Kind::Udp | Kind::Unix => IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?)),
    })
}

fn port(body: &[u8], at: usize) -> Option<u16> {
    body.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut message = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        message.extend([kind, flags].into_iter().flat_map(u16::to_ne_bytes));
        message.extend([sequence, 0].into_iter().flat_map(u32::to_ne_bytes));
        message.extend(body);
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    fn inet(state: u8, local: (&str, u16), peer: (&str, u16), inode: u32) -> Vec<u8> {
        let mut body = vec![0, state, 0, 0];
        body.extend([local.1, peer.1].into_iter().flat_map(u16::to_be_bytes));
        for (address, _) in [local, peer] {
            let mut bytes = match address.parse::<IpAddr>().unwrap() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            bytes.resize(16, 0);
            body.extend(bytes);
        }
        body.resize(68, 0);
        body.extend(inode.to_ne_bytes());
        body
    }

    fn unix(state: u8, inode: u32, name: &[u8]) -> Vec<u8> {
        let mut body = vec![1, 1, state, 0];
        body.extend(inode.to_ne_bytes());
        body.resize(UNIX, 0);
        // Another attribute before the name, as the kernel may put one.
        body.extend([8_u16, 2].into_iter().flat_map(u16::to_ne_bytes));
        body.extend([1, 2, 3, 4]);
        body.extend([u16::try_from(4 + name.len()).unwrap(), NAME].into_iter().flat_map(u16::to_ne_bytes));
        body.extend(name);
        body
    }

    fn take(kind: Kind, datagram: &[u8]) -> (Result<bool, Errno>, Vec<String>) {
        let mut dump = Dump { kind, sequence: 7, table: SocketTable::new(), interrupted: false };
        let taken = dump.take(datagram);
        (taken, dump.table.iter().map(|(inode, socket)| format!("{inode} {socket}")).collect())
    }

    #[test]
    fn answers_are_read_up_to_their_end() {
        let mut datagram = message(BY_FAMILY, 2, 7, &inet(10, ("::", 80), ("::", 0), 11));
        let mapped = inet(1, ("::ffff:127.0.0.1", 80), ("::ffff:10.0.0.2", 50000), 12);
        datagram.extend(message(BY_FAMILY, 2, 7, &mapped));
        datagram.extend(message(BY_FAMILY, 2, 6, &inet(1, ("::1", 1), ("::1", 2), 13)));
        datagram.extend(message(BY_FAMILY, 2, 7, &inet(6, ("::1", 1), ("::1", 2), 0)));
        let (more, sockets) = take(Kind::Tcp6, &datagram);
        assert_eq!(more, Ok(false));
        assert_eq!(sockets, ["11 tcp [::]:80 listen", "12 tcp 127.0.0.1:80 -> 10.0.0.2:50000 established"]);
        assert_eq!(take(Kind::Tcp, &message(DONE, 2, 7, &[0; 4])).0, Ok(true));
        let refused = take(Kind::Tcp, &message(ERROR, 0, 7, &(-2_i32).to_ne_bytes())).0;
        assert_eq!(refused, Err(Errno::NOENT));
        assert_eq!(take(Kind::Tcp, &message(BY_FAMILY, 2, 7, &[0; 20])).0, Err(Errno::BADMSG));
    }

    #[test]
    fn names_of_unix_sockets_are_shown_as_in_proc() {
        for (name, shown) in [
            (&b"/run/x\0"[..], "9 unix /run/x listen"),
            (b"\0abstract\0x", "9 unix @abstract@x listen"),
            (b"", "9 unix listen"),
        ] {
            assert_eq!(take(Kind::Unix, &message(BY_FAMILY, 2, 7, &unix(10, 9, name))).1, [shown]);
        }
    }

    #[test]
    fn an_answer_that_changed_while_it_was_given_is_noticed() {
        let mut dump = Dump { kind: Kind::Tcp, sequence: 7, table: SocketTable::new(), interrupted: false };
        assert_eq!(dump.take(&message(DONE, INTERRUPTED, 7, &[0; 4])), Ok(true));
        assert!(dump.interrupted);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0_u32..200) {
            let mut datagram = length.to_ne_bytes().to_vec();
            datagram.extend(bytes);
            for kind in Kind::ALL {
                let _ = (take(kind, &datagram), socket(kind, &datagram), name(&datagram));
            }
        }
    }
}
