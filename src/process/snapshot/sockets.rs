//! Sockets of a process: `[{proto: tcp, ip: "::", port: 80, state: listen}]`.

use std::net::IpAddr;
use std::sync::Arc;

use super::emit;
use super::process::Draft;
use super::read::Reader;
use crate::facts::{Fact, Protocol, Socket, SocketState};
use crate::yaml::Node;

const KEYS: [&str; 7] = ["proto", "ip", "port", "state", "peerIp", "peerPort", "path"];
const HELP: &str = "write for example `[{proto: tcp, ip: \"::\", port: 80, state: listen}]`";

type Sockets = Fact<Arc<[Socket]>>;

/// The keys `sockets` and `listens`. Each follows from the other where only one is stated.
pub(super) fn sockets(draft: &mut Draft<'_, '_>) -> (Sockets, Sockets) {
    let all = draft.field("sockets", |r, n| Some(list(r, n, false)));
    let waiting = draft.field("listens", |r, n| Some(list(r, n, true)));
    let of = |all: &Arc<[Socket]>| all.iter().filter(|socket| socket.is_waiting()).cloned().collect();
    let unread = &draft.unread;
    let listens = match (&waiting, unread.missing("listens"), &all) {
        (Some(waiting), ..) => Fact::Known(Arc::clone(waiting)),
        (None, unknown @ Fact::Unknown(_), _) => unknown,
        (None, _, Some(all)) => Fact::Known(of(all)),
        (None, ..) => unread.first_of(&["listens", "sockets"]),
    };
    let sockets = match (all, unread.missing("sockets"), waiting) {
        (Some(all), ..) => Fact::Known(all),
        (None, unknown @ Fact::Unknown(_), _) => unknown,
        (None, _, waiting) => Fact::from_option(waiting),
    };
    (sockets, listens)
}

fn list(reader: &mut Reader, node: &Node, waiting: bool) -> Arc<[Socket]> {
    let items = reader.items(node, HELP);
    items.iter().filter_map(|item| socket(reader, item, waiting)).collect()
}

/// One socket. Of one below `listens` the state need not be said.
fn socket(reader: &mut Reader, node: &Node, waiting: bool) -> Option<Socket> {
    let fields = reader.fields(node, "a socket", &KEYS)?;
    let mut socket = Socket::default();
    if let Some(node) = fields.get("proto") {
        let words = Protocol::ALL.map(|protocol| (protocol.word(), protocol));
        socket.protocol = Some(reader.word(node, "a protocol of sockets", &words)?);
    }
    socket.state = match (fields.get("state"), socket.protocol) {
        (Some(node), _) => {
            let words = SocketState::ALL.map(|state| (state.word(), state));
            Some(reader.word(node, "a state of a socket", &words)?)
        }
        (None, Some(Protocol::Udp)) if waiting => Some(SocketState::Unconnected),
        (None, _) => waiting.then_some(SocketState::Listen),
    };
    let mut address = |ip: &str, port: &str| {
        let ip = fields.get(ip).and_then(|node| ip_of(reader, node));
        let port = fields.get(port).and_then(|node| reader.number(node));
        (ip, port)
    };
    (socket.ip, socket.port) = address("ip", "port");
    (socket.peer_ip, socket.peer_port) = address("peerIp", "peerPort");
    socket.path = fields.get("path").and_then(|node| reader.bytes(node));
    Some(socket)
}

/// IPv4 in the clothes of IPv6 is IPv4, as on a host.
fn ip_of(reader: &mut Reader, node: &Node) -> Option<IpAddr> {
    let parse = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    reader.parsed(node, "an address", "write for example `10.0.0.1` or `\"::\"`", parse)
}

/// Sockets as a snapshot states them.
pub(super) fn written(sockets: &[Socket]) -> String {
    emit::list(sockets.iter().map(|socket| {
        let mut keys: Vec<(&str, String)> = Vec::new();
        keys.extend(socket.protocol.map(|protocol| ("proto", protocol.word().to_owned())));
        keys.extend(socket.ip.map(|ip| ("ip", emit::text(&ip.to_string()))));
        keys.extend(socket.port.map(|port| ("port", port.to_string())));
        keys.extend(socket.state.map(|state| ("state", state.word().to_owned())));
        keys.extend(socket.peer_ip.map(|ip| ("peerIp", emit::text(&ip.to_string()))));
        keys.extend(socket.peer_port.map(|port| ("peerPort", port.to_string())));
        keys.extend(socket.path.as_ref().map(|path| ("path", emit::bytes(path))));
        let keys: Vec<(String, String)> =
            keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        emit::mapping(&keys)
    }))
}
