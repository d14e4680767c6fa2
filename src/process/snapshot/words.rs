//! Words of snapshots for what the kernel numbers: capabilities, terminals, scheduling, limits, namespaces.

use crate::process::world::Namespace;
use crate::units::{Capability, Signal};

/// Names of `setrlimit(2)` in lower case.
pub(super) const LIMITS: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Scheduling policies, `sched(7)`.
pub(super) const POLICIES: [(&str, u32); 6] =
    [("other", 0), ("fifo", 1), ("rr", 2), ("batch", 3), ("idle", 5), ("deadline", 6)];

/// `Seccomp` of `/proc/PID/status`.
pub(super) const SECCOMP: [(&str, u32); 3] = [("off", 0), ("strict", 1), ("filter", 2)];

/// Kinds of namespaces with their key, the same below `ns` everywhere, and the inode that stands for the
/// engine's where a snapshot doesn't state it: that of the first namespace of a kernel.
pub(super) const NAMESPACES: [(&str, Namespace, u64); 8] = [
    ("pid", Namespace::Pid, 4_026_531_836),
    ("mnt", Namespace::Mnt, 4_026_531_841),
    ("net", Namespace::Net, 4_026_531_840),
    ("user", Namespace::User, 4_026_531_837),
    ("uts", Namespace::Uts, 4_026_531_838),
    ("ipc", Namespace::Ipc, 4_026_531_839),
    ("cgroup", Namespace::Cgroup, 4_026_531_835),
    ("time", Namespace::Time, 4_026_531_834),
];

/// The names of a set, or `None` if a bit has no name or there are too many to read.
pub(super) fn capabilities_of(set: u64) -> Option<Vec<&'static str>> {
    let few = set.count_ones() <= 8 && set < 1 << Capability::NAMES.len();
    few.then(|| Capability::names_in(set).collect())
}

/// The bit of a signal by name, signal n at bit n-1.
pub(super) fn signal_bit(name: &str) -> Option<u64> {
    let signal = Signal::parse(name).ok()?;
    1u64.checked_shl(u32::try_from(signal.number() - 1).ok()?)
}

/// The names of the signals of a set, or `None` if they are too many to read.
pub(super) fn signals_of(set: u64) -> Option<Vec<String>> {
    (set.count_ones() <= 16).then(|| {
        (1..=64)
            .filter(|number| set >> (number - 1) & 1 == 1)
            .filter_map(Signal::from_number)
            .map(|signal| signal.to_string())
            .collect()
    })
}

/// The kernel's packing of a terminal's device number: major in bits 8 to 19, minor in the others.
fn pack(major: u32, minor: u32) -> Option<u32> {
    (major < 1 << 12 && minor < 1 << 20).then_some(minor & 0xff | major << 8 | (minor & !0xff) << 12)
}

/// Reads `pts/0`, `tty1`, `ttyS0`, `console` or `MAJOR:MINOR`.
pub(super) fn parse_tty(text: &str) -> Option<u32> {
    if let Some((major, minor)) = text.split_once(':') {
        return pack(major.parse().ok()?, minor.parse().ok()?);
    }
    let name = text.strip_prefix("/dev/").unwrap_or(text);
    if name == "console" {
        return pack(5, 1);
    }
    if let Some(number) = name.strip_prefix("pts/") {
        return pack(136, number.parse().ok()?);
    }
    if let Some(number) = name.strip_prefix("ttyS") {
        return pack(4, number.parse::<u32>().ok().filter(|n| *n < 192)? + 64);
    }
    let number: u32 = name.strip_prefix("tty")?.parse().ok()?;
    (number < 64).then(|| pack(4, number)).flatten()
}

/// Writes what [`parse_tty`] reads.
pub(super) fn format_tty(tty: u32) -> String {
    let major = tty >> 8 & 0xfff;
    let minor = tty & 0xff | tty >> 12 & 0xfff00;
    match (major, minor) {
        (136, number) => format!("pts/{number}"),
        (5, 1) => "console".into(),
        (4, number) if number < 64 => format!("tty{number}"),
        (4, number) if number < 256 => format!("ttyS{}", number - 64),
        (major, minor) => format!("{major}:{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_read_and_written() {
        for (text, packed) in [
            ("pts/0", 0x8800),
            ("pts/300", 0x0010_882c),
            ("tty1", 0x401),
            ("ttyS0", 0x440),
            ("console", 0x501),
            ("204:64", 0xcc40),
        ] {
            assert_eq!(parse_tty(text), Some(packed), "{text}");
            assert_eq!(format_tty(packed), text);
        }
        for wrong in ["", "pts", "pts/x", "tty64", "ttyS192", "5000:1", "null"] {
            assert_eq!(parse_tty(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sets_are_written_as_names() {
        assert_eq!(capabilities_of(1 << 12), Some(vec!["CAP_NET_ADMIN"]));
        assert_eq!(capabilities_of(u64::MAX), None);
        assert_eq!(signal_bit("HUP"), Some(1));
        assert_eq!(signals_of(1 | 1 << 63).map(|names| names.len()), Some(2));
    }
}
