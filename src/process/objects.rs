//! The values of the vocabulary's own types: `process`, `file`, `user`, `group`, `tty`, `namespace`, `limit`,
//! `socket`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::paths;
use super::world::{Bytes, Namespace};
use crate::facts::{self, FileFacts, LimitPair, OpenFile};
use crate::lang::value::{Object, TypeName, Value};
use crate::units::{Gid, Pid, Uid};

/// Type of the candidate and of its relatives.
pub const PROCESS: TypeName = "process";
/// Type of files: identity, not text.
pub const FILE: TypeName = "file";
/// Type of users.
pub const USER: TypeName = "user";
/// Type of groups.
pub const GROUP: TypeName = "group";
/// Type of terminals.
pub const TTY: TypeName = "tty";
/// Type of namespaces.
pub const NAMESPACE: TypeName = "namespace";
/// Type of one resource limit.
pub const LIMIT: TypeName = "limit";

/// Type of sockets.
pub const SOCKET: TypeName = "socket";
/// Enumeration of what sockets speak.
pub const PROTOCOL: TypeName = "protocol";
/// Enumeration of what sockets are doing.
pub const SOCKET_STATE: TypeName = "socket_state";

/// The value of a process: the candidate of an evaluation.
pub fn candidate(pid: Pid) -> Value {
    Value::Object(Arc::new(Process(pid)))
}

/// A process of the look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process(pub Pid);

/// A file, by how it was come upon: its facts are read when they are asked for.
#[derive(Clone, Debug)]
pub enum File {
    /// The image of a process.
    Exe(Pid),
    /// One that was looked up.
    Found(Box<FileFacts>),
    /// Behind a descriptor of a process.
    Open(OpenFile),
    /// Behind a magic link: working or root directory.
    Link {
        /// Text of the link.
        text: Bytes,
        /// Device number.
        dev: u64,
        /// Inode number.
        ino: u64,
    },
}

/// A user by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User(pub Uid);

/// A group by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group(pub Gid);

/// A terminal by name: `pts/0`, `tty1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tty(pub String);

/// A namespace by kind and inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamespaceId(pub Namespace, pub u64);

/// A resource limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit(pub LimitPair);

/// A socket of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Socket(pub facts::Socket);

macro_rules! objects {
    ($($type:ident is $name:ident),*) => {$(
        impl Object for $type {
            fn type_name(&self) -> TypeName {
                $name
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }

        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Object(Arc::new(value))
            }
        }
    )*};
}
objects!(Process is PROCESS, File is FILE, User is USER, Group is GROUP, Tty is TTY, NamespaceId is NAMESPACE, Limit is LIMIT, Socket is SOCKET);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exe(pid) => write!(f, "exe of {pid}"),
            Self::Found(facts) => f.write_str(&paths::show(&facts.real)),
            Self::Open(open) => f.write_str(&paths::show(&open.text)),
            Self::Link { text, .. } => f.write_str(&paths::show(text)),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Tty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.1)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: Option<u64>| value.map_or_else(|| "unlimited".to_string(), |v| v.to_string());
        write!(f, "{}:{}", side(self.0.soft), side(self.0.hard))
    }
}

impl Tty {
    /// The terminal of `proc_pid_stat(5)` field 7; `None` for 0.
    pub fn from_number(number: u32) -> Option<Self> {
        if number == 0 {
            return None;
        }
        let major = number >> 8 & 0xfff;
        let minor = number & 0xff | number >> 12 & 0xf_ff00;
        Some(Self(match major {
            136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
            4 if minor < 64 => format!("tty{minor}"),
            4 => format!("ttyS{}", minor - 64),
            5 if minor == 0 => "tty".into(),
            5 if minor == 1 => "console".into(),
            204 if minor >= 64 => format!("ttyAMA{}", minor - 64),
            188 => format!("ttyUSB{minor}"),
            229 => format!("hvc{minor}"),
            _ => format!("{major}:{minor}"),
        }))
    }

    /// The terminal that a person calls so, with or without `/dev/`.
    pub fn from_name(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        Self(name.strip_prefix("/dev/").unwrap_or(&name).to_string())
    }
}
