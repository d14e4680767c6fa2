//! Capabilities by name (`capabilities(7)`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A capability of Linux by its number, the bit in the masks of `/proc/PID/status`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Capability(u8);

/// In the order of their numbers (`include/uapi/linux/capability.h`).
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

impl Capability {
    /// Changes of ids.
    pub const SETUID: Self = Self(7);
    /// Changes of group ids.
    pub const SETGID: Self = Self(6);
    /// Signals to processes of others.
    pub const KILL: Self = Self(5);
    /// Looks at processes of others.
    pub const SYS_PTRACE: Self = Self(19);
    /// Priorities above the present ones.
    pub const SYS_NICE: Self = Self(23);
    /// Taking capabilities out of the bounding set.
    pub const SETPCAP: Self = Self(8);
    /// `chroot(2)`.
    pub const SYS_CHROOT: Self = Self(18);
    /// Mounts, and much else.
    pub const SYS_ADMIN: Self = Self(21);
    /// Hard limits above the present ones.
    pub const SYS_RESOURCE: Self = Self(24);

    /// Reads a name, with or without `CAP_`, in capital or small letters.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let found = NAMES.iter().position(|name| *name == bare).and_then(|at| u8::try_from(at).ok());
        found.map(Self).ok_or_else(|| format!("there is no capability `{text}`"))
    }

    /// All names as documents have them, in the order of their numbers.
    pub fn names() -> impl Iterator<Item = String> + Clone {
        NAMES.iter().map(|name| format!("CAP_{name}"))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its bit in a mask.
    pub fn bit(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0)) {
            Some(name) => write!(f, "CAP_{name}"),
            None => write!(f, "CAP_{}", self.0),
        }
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Capability {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, number) in
            [("CAP_CHOWN", 0), ("net_bind_service", 10), ("cap_sys_admin", 21), ("CHECKPOINT_RESTORE", 40)]
        {
            let read = Capability::parse(text).unwrap();
            assert_eq!((read.number(), read.bit()), (number, 1 << number), "{text}");
            assert_eq!(Capability::parse(&read.to_string()), Ok(read));
        }
        assert!(Capability::parse("CAP_NOTHING").is_err());
        assert!(Capability::parse("").is_err());
    }

    #[test]
    fn the_constants_are_what_they_are_called() {
        for (capability, name) in [
            (Capability::SETUID, "CAP_SETUID"),
            (Capability::SETPCAP, "CAP_SETPCAP"),
            (Capability::SYS_CHROOT, "CAP_SYS_CHROOT"),
            (Capability::SYS_ADMIN, "CAP_SYS_ADMIN"),
            (Capability::SYS_RESOURCE, "CAP_SYS_RESOURCE"),
        ] {
            assert_eq!(capability.to_string(), name);
        }
    }
}
