//! `/proc/PID/net/{tcp,tcp6,udp,udp6,unix}`: what netlink says too, as text.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::{lines, number, split_once, words};
use crate::facts::{Protocol, Socket, SocketState};

/// Sockets of a network namespace by inode number, which is what `/proc/PID/fd` names them by.
pub type SocketTable = BTreeMap<u64, Socket>;

/// `__SO_ACCEPTCON` of `include/uapi/linux/net.h`: a Unix socket that listens.
const LISTENS: u32 = 1 << 16;
/// `SS_CONNECTED` of `include/uapi/linux/net.h`.
const CONNECTED: u8 = 3;

/// Reads `/proc/PID/net/tcp`, `tcp6`, `udp` or `udp6` (`proc_pid_net(5)`). Sockets that no descriptor leads to
/// (inode 0) are left out.
pub fn parse_net_inet(bytes: &[u8], protocol: Protocol) -> Option<SocketTable> {
    let rows = lines(bytes).skip(1).map(|line| inet(line, protocol));
    rows.filter(|row| row.as_ref().is_none_or(|(inode, _)| *inode != 0)).collect()
}

fn inet(line: &[u8], protocol: Protocol) -> Option<(u64, Socket)> {
    let mut words = words(line).skip(1);
    let (ip, port) = endpoint(words.next()?)?;
    let (peer_ip, peer_port) = endpoint(words.next()?)?;
    let state = SocketState::from_number(u8::try_from(hex(words.next()?)?).ok()?);
    let inode = number(words.nth(5)?)?;
    Some((inode, inet_socket(protocol, state, (ip, port), (peer_ip, peer_port))))
}

/// `0100007F:1F90`: the address in words of the host's byte order, the port as a number.
fn endpoint(word: &[u8]) -> Option<(IpAddr, u16)> {
    let (address, port) = split_once(word, b':')?;
    let mut quads = address.chunks(8).map(|quad| hex(quad).map(u32::to_ne_bytes));
    let mut quad = || quads.next()?;
    let first = quad()?;
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(first)),
        32 => {
            let mut octets = [0; 16];
            for (to, from) in octets.chunks_mut(4).zip([first, quad()?, quad()?, quad()?]) {
                to.copy_from_slice(&from);
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some((ip, u16::try_from(hex(port)?).ok()?))
}

fn hex(word: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

/// Reads `/proc/PID/net/unix` (`unix(7)`). The name of an abstract socket begins with `@` here, as in the file.
pub fn parse_net_unix(bytes: &[u8]) -> Option<SocketTable> {
    bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()).map(unix).collect()
}

fn unix(line: &[u8]) -> Option<(u64, Socket)> {
    let mut rest = line;
    let mut word = || {
        let begin = rest.iter().position(|byte| *byte != b' ')?;
        let text = rest.get(begin..)?;
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        rest = text.get(end..)?;
        text.get(..end)
    };
    let flags = hex({
        let _address_count_and_protocol = (word()?, word()?, word()?);
        word()?
    })?;
    let _kind = word()?;
    let state = u8::try_from(hex(word()?)?).ok()?;
    let inode = number(word()?)?;
    let state = match state {
        _ if flags & LISTENS != 0 => SocketState::Listen,
        CONNECTED => SocketState::Established,
        _ => SocketState::Unconnected,
    };
    Some((inode, unix_socket(Some(state), rest.strip_prefix(b" ").unwrap_or_default())))
}

/// A TCP or UDP socket; an unspecified peer is none.
pub(in crate::host::proc) fn inet_socket(
    protocol: Protocol,
    state: Option<SocketState>,
    (ip, port): (IpAddr, u16),
    (peer_ip, peer_port): (IpAddr, u16),
) -> Socket {
    let peer = peer_port != 0 || !peer_ip.is_unspecified();
    Socket {
        protocol: Some(protocol),
        state,
        ip: Some(ip.to_canonical()),
        port: Some(port),
        peer_ip: peer.then(|| peer_ip.to_canonical()),
        peer_port: peer.then_some(peer_port),
        path: None,
    }
}

/// A Unix socket by the name that it is bound to; an empty one is none.
pub(in crate::host::proc) fn unix_socket(state: Option<SocketState>, name: &[u8]) -> Socket {
    let path = (!name.is_empty()).then(|| Arc::from(name));
    Socket { protocol: Some(Protocol::Unix), state, path, ..Socket::default() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(table: &SocketTable) -> Vec<String> {
        table.iter().map(|(inode, socket)| format!("{inode} {socket}")).collect()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_words_of_the_hosts_byte_order() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \u{20}  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n\
            \u{20}  1: 0100007F:1F90 0200000A:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1\n\
            \u{20}  2: 0100007F:1F90 0200000A:C351 06 00000000:00000000 03:00000175 00000000     0        0 0 3 0\n";
        let table = parse_net_inet(tcp.as_bytes(), Protocol::Tcp).unwrap();
        assert_eq!(
            shown(&table),
            ["4711 tcp 127.0.0.1:8080 listen", "4712 tcp 127.0.0.1:8080 -> 10.0.0.2:50000 established"]
        );
        let udp6 = "  sl  local_address                         remote_address                        st\n\
            \u{20} 7: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   0  0 81 2 0 0\n\
            \u{20} 8: 0000000000000000FFFF00000100007F:0035 0000000000000000FFFF00000200007F:0001 01 00000000:00000000 00:00000000 00000000   0  0 82 2 0 0\n\
            \u{20} 9: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   0  0 83 2 0 0\n";
        let table = parse_net_inet(udp6.as_bytes(), Protocol::Udp).unwrap();
        assert_eq!(
            shown(&table),
            [
                "81 udp [::]:53 unconnected",
                "82 udp 127.0.0.1:53 -> 127.0.0.2:1 established",
                "83 udp [2001:db8::1]:53 unconnected"
            ]
        );
        assert_eq!(parse_net_inet(b"", Protocol::Tcp), Some(SocketTable::new()));
        assert_eq!(parse_net_inet(b"head\n 0: 0100007F 0:0 0A\n", Protocol::Tcp), None);
    }

    #[test]
    fn unix_sockets_have_names_with_blanks() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 57619 /run/a b\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 57620\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 57621 @abstract@\n";
        let table = parse_net_unix(text.as_bytes()).unwrap();
        assert_eq!(
            shown(&table),
            ["57619 unix /run/a b listen", "57620 unix established", "57621 unix @abstract@ unconnected"]
        );
        assert_eq!(parse_net_unix(b"head\nx\n"), None);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in "head\\n[ 0-9A-F:@/\\n]{0,120}") {
            let bytes = bytes.as_bytes();
            let _ = (parse_net_inet(bytes, Protocol::Tcp), parse_net_unix(bytes));
        }
    }
}
