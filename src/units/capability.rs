//! Capabilities by name (`capabilities(7)`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A capability of Linux by its number, the bit in the masks of `/proc/PID/status`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Capability(u8);

impl Capability {
    /// All names, in the order of their numbers (`include/uapi/linux/capability.h`).
    pub const NAMES: [&'static str; 41] = [
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETPCAP",
        "CAP_LINUX_IMMUTABLE",
        "CAP_NET_BIND_SERVICE",
        "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN",
        "CAP_NET_RAW",
        "CAP_IPC_LOCK",
        "CAP_IPC_OWNER",
        "CAP_SYS_MODULE",
        "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT",
        "CAP_SYS_PTRACE",
        "CAP_SYS_PACCT",
        "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT",
        "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE",
        "CAP_SYS_TIME",
        "CAP_SYS_TTY_CONFIG",
        "CAP_MKNOD",
        "CAP_LEASE",
        "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL",
        "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE",
        "CAP_MAC_ADMIN",
        "CAP_SYSLOG",
        "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND",
        "CAP_AUDIT_READ",
        "CAP_PERFMON",
        "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ];

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
        let position = Self::NAMES.iter().position(|name| name.strip_prefix("CAP_") == Some(bare));
        let found = position.and_then(|at| u8::try_from(at).ok());
        found.map(Self).ok_or_else(|| format!("there is no capability `{text}`"))
    }

    /// The names of a mask (`/proc/PID/status`); bits that a newer kernel may have are left out.
    pub fn names_in(mask: u64) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| mask >> bit & 1 == 1).map(|(_, name)| name)
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
        match Self::NAMES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
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
