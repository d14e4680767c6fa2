//! Who is at the other end, as the kernel says.

use std::io;
use std::os::fd::AsFd;

use serde::{Deserialize, Serialize};

use crate::units::{Pid, Uid};

/// What somebody may ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rights {
    /// To be told the status.
    Look,
    /// Everything.
    All,
}

/// Whoever connected, at the moment of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its effective user.
    pub uid: Uid,
    /// Its process; 0 where that isn't in our PID namespace. For messages only.
    pub pid: Pid,
}

impl Peer {
    /// Of a connected socket.
    ///
    /// # Errors
    /// What the kernel answered.
    pub(super) fn of(socket: impl AsFd) -> io::Result<Self> {
        let credentials = nix::sys::socket::getsockopt(&socket, nix::sys::socket::sockopt::PeerCredentials)?;
        Ok(Self { uid: Uid(credentials.uid()), pid: Pid(credentials.pid()) })
    }

    /// Root and the engine's own user may do with its services what they want anyway. Whether others may look at all, the
    /// mode of the socket says: without the right to write to it nobody connects.
    pub fn rights(self, own: Uid) -> Rights {
        if self.uid == own || self.uid == Uid(0) { Rights::All } else { Rights::Look }
    }
}
