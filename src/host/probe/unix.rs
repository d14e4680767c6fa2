//! A connection to a Unix socket. The kernel makes it at once or not at all.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::Answer;
use crate::host::errno::errno_text;

/// Whether something accepts a connection at `path`, whatever kind of socket it is.
pub(super) fn ask(path: &str) -> Answer {
    let mut last = Errno::PROTOTYPE;
    for kind in [SocketType::STREAM, SocketType::SEQPACKET, SocketType::DGRAM] {
        match attempt(path, kind) {
            Ok(()) => return Answer::yes(),
            Err(Errno::PROTOTYPE) => {}
            Err(errno) => {
                last = errno;
                break;
            }
        }
    }
    Answer::no(match last {
        Errno::AGAIN => format!("`{path}`: somebody listens there and accepts nobody"),
        errno => format!("`{path}`: {}", errno_text(errno.raw_os_error())),
    })
}

fn attempt(path: &str, kind: SocketType) -> rustix::io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    connect(&socket_with(AddressFamily::UNIX, kind, flags, None)?, &address)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use rustix::net::{Shutdown, shutdown};

    use super::*;

    #[test]
    fn somebody_has_to_listen_whatever_the_kind_of_socket() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let listener = UnixListener::bind(at("stream")).unwrap();
        let _datagrams = UnixDatagram::bind(at("datagrams")).unwrap();
        assert_eq!(ask(&at("stream")), Answer::yes());
        assert_eq!(ask(&at("datagrams")), Answer::yes());
        // Not by closing it: a child that another test forked just now holds the descriptor until its exec.
        shutdown(&listener, Shutdown::Both).unwrap();
        for (name, word) in [("stream", "ECONNREFUSED"), ("absent", "ENOENT")] {
            let answer = ask(&at(name));
            assert!(!answer.ready && answer.detail.contains(word), "{answer:?}");
        }
        assert!(ask(&at(&"long".repeat(40))).detail.contains("ENAMETOOLONG"));
    }
}
