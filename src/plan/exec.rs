//! What a process to be may see and do, and what it is given besides arguments and environment: resolved, for a launch.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use crate::facts::ProcessKey;
use crate::spec::{Listen, SecretForm};
use crate::units::{Capability, Gid, Uid};

/// What a process may see and do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Confinement {
    /// Its root directory.
    pub chroot: Option<PathBuf>,
    /// `PR_SET_NO_NEW_PRIVS`
    pub no_new_privileges: bool,
    /// What it can ever have; `None`: as the engine.
    pub bounding: Option<BTreeSet<Capability>>,
    /// What it has although it isn't root.
    pub ambient: BTreeSet<Capability>,
    /// Seen as read-only. Absolute, inside the root directory.
    pub read_only: Vec<PathBuf>,
    /// Not seen. Absolute, inside the root directory.
    pub inaccessible: Vec<PathBuf>,
    /// `/tmp` and `/var/tmp` of its own.
    pub private_tmp: bool,
    /// A process whose mounts are seen instead of new ones: what is asked of a service sees what it sees.
    pub join: Option<ProcessKey>,
    /// An empty file without permissions that lies over files which are not seen. Outside the root directory.
    pub cover: PathBuf,
}

impl Confinement {
    /// Whether it needs a mount namespace of its own.
    pub fn mounts(&self) -> bool {
        self.private_tmp || !self.read_only.is_empty() || !self.inaccessible.is_empty()
    }
}

/// A listening socket to be passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SocketOrder {
    /// For `LISTEN_FDNAMES`.
    pub name: String,
    /// Where it listens, with nothing left to be put in.
    pub listen: Listen,
    /// Connections that wait at most.
    pub backlog: u32,
    /// Permission bits of a Unix socket.
    pub mode: u32,
    /// Owner of a Unix socket.
    pub owner: (Uid, Gid),
}

/// Bytes that nothing prints.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hidden(pub Vec<u8>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A secret to be passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretOrder {
    /// Name of the variable, or of the file.
    pub name: String,
    /// How it is passed.
    pub form: SecretForm,
    /// Absolute path of the copy.
    pub path: PathBuf,
    /// Whose the copy is. `None`: the engine's user's.
    pub owner: Option<(Uid, Gid)>,
    /// What it is.
    pub content: Hidden,
}
