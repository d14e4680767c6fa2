//! Telling whoever runs selfsame how it is: the protocol of `sd_notify(3)`, spoken to the socket that it names.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Who wants to know; nobody, if nobody said so.
#[derive(Debug, Default)]
pub struct Superior {
    ear: Option<(UnixDatagram, SocketAddr)>,
}

impl Superior {
    /// Takes the value of `NOTIFY_SOCKET`: a path, or `@` and a name in the abstract namespace.
    ///
    /// # Errors
    /// The value is no address, or the kernel gives no socket.
    pub fn new(address: Option<OsString>) -> io::Result<Self> {
        let Some(address) = address.filter(|address| !address.is_empty()) else { return Ok(Self::default()) };
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            path => SocketAddr::from_pathname(OsString::from_vec(path.to_vec()))?,
        };
        let socket = UnixDatagram::unbound()?;
        // One that doesn't read must not hold up what is kept here.
        socket.set_nonblocking(true)?;
        Ok(Self { ear: Some((socket, address)) })
    }

    /// Says `READY=1` or the like, lines of `NAME=value`. What isn't heard is lost: it is news, not an order.
    pub fn tell(&self, lines: &str) {
        if let Some((socket, address)) = &self.ear {
            let _ = socket.send_to_addr(lines.as_bytes(), address);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_or_a_name() {
        let name = format!("selfsame-superior-{}", std::process::id());
        let ear = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Superior::new(Some(format!("@{name}").into())).unwrap().tell("READY=1");
        let mut heard = [0; 64];
        let length = ear.recv(&mut heard).unwrap();
        assert_eq!(heard.get(..length), Some(&b"READY=1"[..]));
        for nobody in [None, Some(OsString::new()), Some("/nowhere/at/all".into())] {
            Superior::new(nobody).unwrap().tell("READY=1");
        }
        assert!(Superior::new(Some("x".repeat(200).into())).is_err());
    }
}
