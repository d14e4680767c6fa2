//! What a service may see and do, and what it is given besides arguments and environment.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Account;
use crate::units::Capability;

/// `security`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Security {
    /// `None`: yes, unless the user is root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_new_privileges: Option<bool>,
    /// What it can ever have; `None`: no bound but the engine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding: Option<BTreeSet<Capability>>,
    /// What it has although its user isn't root, and hands on to what it executes.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ambient: BTreeSet<Capability>,
    /// Seen as read-only, with all that is mounted below. Absolute, inside `chroot`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_only_paths: Vec<PathBuf>,
    /// Not seen. Absolute, inside `chroot`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inaccessible_paths: Vec<PathBuf>,
    /// `/tmp` and `/var/tmp` of its own, empty at each start.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private_tmp: bool,
}

impl Security {
    /// Whether it needs a mount namespace of its own.
    pub fn mounts(&self) -> bool {
        self.private_tmp || !self.read_only_paths.is_empty() || !self.inaccessible_paths.is_empty()
    }

    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One entry of `secrets`: a file that only the engine has to be able to read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Name of the variable; for a file that of `NAME_FILE`.
    pub name: String,
    /// Where the content is read.
    pub file: PathBuf,
    /// How the service gets it.
    #[serde(rename = "as")]
    pub form: SecretForm,
}

/// How a service gets a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretForm {
    /// A copy that only its user can read; the variable `NAME_FILE` has the path.
    #[default]
    File,
    /// The variable `NAME` has the content.
    Env,
}

/// One entry of `sockets`: opened by the engine, passed as descriptor 3 and on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Socket {
    /// For `LISTEN_FDNAMES`.
    pub name: String,
    /// Where it listens.
    pub listen: Listen,
    /// Connections that wait for the service, at most (`listen(2)`).
    pub backlog: u32,
    /// Permission bits of a Unix socket.
    pub mode: u32,
    /// Owner of a Unix socket; `None`: the service's user.
    pub user: Option<Account>,
    /// Group of a Unix socket; `None`: the service's group.
    pub group: Option<Account>,
}

/// Where a socket listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Listen {
    /// `tcp://127.0.0.1:80`
    Tcp(SocketAddr),
    /// `udp://127.0.0.1:53`
    Udp(SocketAddr),
    /// `unix:///run/shop.sock`: a stream socket. Before substitution.
    Unix(String),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unix(path) => write!(f, "unix://{path}"),
        }
    }
}
