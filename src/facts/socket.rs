//! Sockets as a network namespace shows them, the same for netlink, `/proc/PID/net` and a snapshot.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What a socket speaks. IPv4 and IPv6 are told apart by the address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// `tcp(7)`
    Tcp,
    /// `udp(7)`
    Udp,
    /// `unix(7)`, of every type
    Unix,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Unix];

    /// The word used in expressions and snapshots.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
        }
    }
}

/// States of `include/net/tcp_states.h`, which the kernel uses for UDP and Unix sockets too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SocketState {
    /// 1; of UDP and Unix sockets: connected
    Established,
    /// 2
    SynSent,
    /// 3 and 12
    SynRecv,
    /// 4
    FinWait1,
    /// 5
    FinWait2,
    /// 6
    TimeWait,
    /// 7 (`TCP_CLOSE`): not connected; a UDP socket in it takes from everybody
    Unconnected,
    /// 8
    CloseWait,
    /// 9
    LastAck,
    /// 10
    Listen,
    /// 11
    Closing,
}

impl SocketState {
    /// All of them, in the kernel's order.
    pub const ALL: [Self; 11] = [
        Self::Established,
        Self::SynSent,
        Self::SynRecv,
        Self::FinWait1,
        Self::FinWait2,
        Self::TimeWait,
        Self::Unconnected,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::Closing,
    ];

    /// The state for a number of the kernel.
    pub fn from_number(number: u8) -> Option<Self> {
        if number == 12 {
            return Some(Self::SynRecv);
        }
        Self::ALL.get(usize::from(number.checked_sub(1)?)).copied()
    }

    /// The word used in expressions and snapshots.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::Unconnected => "unconnected",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::Listen => "listen",
            Self::Closing => "closing",
        }
    }
}

/// One socket. What it doesn't have (the port of a Unix socket, the peer of one that listens) is `None`.
///
/// IPv4 addresses that an IPv6 socket shows as `::ffff:a.b.c.d` are IPv4 addresses here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Socket {
    /// What it speaks.
    pub protocol: Option<Protocol>,
    /// What it is doing.
    pub state: Option<SocketState>,
    /// Its own address; `0.0.0.0` or `::` is every address.
    pub ip: Option<IpAddr>,
    /// Its own port.
    pub port: Option<u16>,
    /// The address of the other side.
    pub peer_ip: Option<IpAddr>,
    /// The port of the other side.
    pub peer_port: Option<u16>,
    /// The path that a Unix socket is bound to; of an abstract one the name behind an `@`.
    pub path: Option<Arc<[u8]>>,
}

impl Socket {
    /// Whether it waits for whoever comes: a listening one, or a bound UDP socket without a peer.
    pub fn is_waiting(&self) -> bool {
        let bound = self.protocol == Some(Protocol::Udp) && self.port.is_some_and(|port| port != 0);
        match self.state {
            Some(SocketState::Listen) => true,
            Some(SocketState::Unconnected) => bound,
            _ => false,
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.map_or("socket", Protocol::word))?;
        address(f, self.ip, self.port)?;
        if let Some(path) = &self.path {
            write!(f, " {}", String::from_utf8_lossy(path).escape_debug())?;
        }
        if self.peer_ip.is_some() || self.peer_port.is_some() {
            f.write_str(" ->")?;
            address(f, self.peer_ip, self.peer_port)?;
        }
        self.state.map_or(Ok(()), |state| write!(f, " {}", state.word()))
    }
}

fn address(f: &mut fmt::Formatter<'_>, ip: Option<IpAddr>, port: Option<u16>) -> fmt::Result {
    match (ip, port) {
        (Some(IpAddr::V6(ip)), Some(port)) => write!(f, " [{ip}]:{port}"),
        (Some(ip), Some(port)) => write!(f, " {ip}:{port}"),
        (Some(ip), None) => write!(f, " {ip}"),
        (None, Some(port)) => write!(f, " :{port}"),
        (None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_numbers_states_from_one() {
        assert_eq!(SocketState::from_number(1), Some(SocketState::Established));
        assert_eq!(SocketState::from_number(7), Some(SocketState::Unconnected));
        assert_eq!(SocketState::from_number(10), Some(SocketState::Listen));
        assert_eq!(SocketState::from_number(12), Some(SocketState::SynRecv));
        assert_eq!((SocketState::from_number(0), SocketState::from_number(13)), (None, None));
    }

    #[test]
    fn those_wait_that_listen_or_take_datagrams_of_everybody() {
        let socket = |protocol, state, port| Socket {
            protocol: Some(protocol),
            state: Some(state),
            port,
            ..Socket::default()
        };
        for (protocol, state, port, waits) in [
            (Protocol::Tcp, SocketState::Listen, Some(80), true),
            (Protocol::Tcp, SocketState::Established, Some(80), false),
            (Protocol::Udp, SocketState::Unconnected, Some(53), true),
            (Protocol::Udp, SocketState::Unconnected, None, false),
            (Protocol::Udp, SocketState::Established, Some(53), false),
            (Protocol::Unix, SocketState::Listen, None, true),
            (Protocol::Unix, SocketState::Unconnected, None, false),
        ] {
            assert_eq!(socket(protocol, state, port).is_waiting(), waits, "{protocol:?} {state:?} {port:?}");
        }
    }

    #[test]
    fn people_read_it_on_one_line() {
        let ip = |text: &str| text.parse().ok();
        let tcp = Socket {
            protocol: Some(Protocol::Tcp),
            state: Some(SocketState::Established),
            ip: ip("::1"),
            port: Some(80),
            peer_ip: ip("10.0.0.1"),
            peer_port: Some(4000),
            path: None,
        };
        assert_eq!(tcp.to_string(), "tcp [::1]:80 -> 10.0.0.1:4000 established");
        let unix = Socket {
            protocol: Some(Protocol::Unix),
            path: Some(Arc::from(&b"/run/x"[..])),
            ..Socket::default()
        };
        assert_eq!(unix.to_string(), "unix /run/x");
    }
}
