//! Fields of cost class 6: the sum over a memory map, and what stands behind the descriptors.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Field, Reader, class, row};
use crate::facts::{Fact, Protocol, Socket, SocketState};
use crate::lang::schema::Privilege::Read;
use crate::lang::schema::Trust::Kernel;
use crate::lang::shared::Shared;
use crate::lang::value::{Type, Value};
use crate::process::objects::{self, FILE, File, PROCESS, PROTOCOL, SOCKET, SOCKET_STATE};
use crate::process::read::{int, optional, path, size};

pub(super) static TABLE: &[Field] = {
    use Reader::Process;
    let heavy = class(6, Read, Kernel);
    &[
        row(
            PROCESS,
            "pss",
            Type::Size,
            heavy,
            [
                "proportional memory, bytes: of a shared page only its share",
                "/proc/PID/smaps_rollup",
                "pss > 1GiB",
            ],
            Process(|v, p| v.world.memory_use(p).map(|memory| size(memory.pss))),
        ),
        row(
            PROCESS,
            "uss",
            Type::Size,
            heavy,
            [
                "memory that nobody else shares, bytes: what its end would free",
                "/proc/PID/smaps_rollup",
                "uss > 512MiB",
            ],
            Process(|v, p| v.world.memory_use(p).map(|memory| size(memory.uss))),
        ),
        row(
            PROCESS,
            "files",
            Type::List(Shared::Program(&Type::Named(FILE))),
            heavy,
            [
                "files behind its descriptors, by ascending descriptor; what has no path (pipes, sockets) is left out",
                "/proc/PID/fd",
                "any(files, f => f.deleted && f.path under \"/var/log\")",
            ],
            Process(|v, p| {
                v.world.files(p).map(|all| Value::list(all.iter().map(|f| File::Open(f.clone()).into())))
            }),
        ),
        row(
            PROCESS,
            "sockets",
            Type::List(Shared::Program(&Type::Named(SOCKET))),
            heavy,
            [
                "TCP, UDP and Unix sockets behind its descriptors that are bound or connected, each once",
                "/proc/PID/fd, sock_diag(7)",
                "any(sockets, s => s.peer_port == 5432 && s.state == established)",
            ],
            Process(|v, p| v.world.sockets(p).map(|all| sockets(&all))),
        ),
        row(
            PROCESS,
            "listens",
            Type::List(Shared::Program(&Type::Named(SOCKET))),
            heavy,
            [
                "sockets that wait for whoever comes: listening ones, and bound UDP sockets without a peer",
                "/proc/PID/fd, sock_diag(7)",
                "any(listens, s => s.port == 80)",
            ],
            Process(|v, p| v.world.listens(p).map(|all| sockets(&all))),
        ),
    ]
};

/// Of a socket. Whoever has it has all of it.
const fn of(
    name: &'static str,
    ty: Type,
    summary: &'static str,
    example: &'static str,
    read: fn(&Socket) -> Fact<Value>,
) -> Field {
    row(SOCKET, name, ty, class(0, Read, Kernel), [summary, "sock_diag(7)", example], Reader::Socket(read))
}

/// Fields of a socket. What a socket doesn't have is absent: a Unix socket has no port.
pub(super) static OF_SOCKETS: &[Field] = &[
    of(
        "proto",
        Type::Enum(PROTOCOL),
        "what it speaks; the address tells IPv4 from IPv6",
        "any(listens, s => s.proto == udp && s.port == 53)",
        |s| optional(s.protocol.map(Protocol::word), |word| Value::Enum(PROTOCOL, word)),
    ),
    of(
        "state",
        Type::Enum(SOCKET_STATE),
        "what it is doing",
        "count(sockets, s => s.state == close_wait) > 100",
        |s| optional(s.state.map(SocketState::word), |word| Value::Enum(SOCKET_STATE, word)),
    ),
    of(
        "ip",
        Type::Ip,
        "its own address; `0.0.0.0` or `::` is every address",
        "any(listens, s => s.ip == 127.0.0.1)",
        |s| address(s.ip),
    ),
    of("port", Type::Int, "its own port", "any(listens, s => s.port == 443)", |s| port(s.port)),
    of(
        "peer_ip",
        Type::Ip,
        "address of the other side; absent where there is none",
        "any(sockets, s => s.peer_ip in 10.0.0.0/8)",
        |s| address(s.peer_ip),
    ),
    of(
        "peer_port",
        Type::Int,
        "port of the other side; absent where there is none",
        "any(sockets, s => s.peer_port == 5432)",
        |s| port(s.peer_port),
    ),
    of(
        "path",
        Type::Path,
        "path that a Unix socket is bound to; `@` begins the name of an abstract one",
        "any(listens, s => s.path == \"/run/docker.sock\")",
        |s| optional(s.path.as_ref(), path),
    ),
];

fn sockets(all: &Arc<[Socket]>) -> Value {
    Value::list(all.iter().map(|socket| objects::Socket(socket.clone()).into()))
}

fn address(ip: Option<IpAddr>) -> Fact<Value> {
    optional(ip, Value::Ip)
}

fn port(port: Option<u16>) -> Fact<Value> {
    optional(port, int)
}
