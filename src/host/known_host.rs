//! What is known of this host, for documents that say which hosts they are for.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{host_name, read_text};
use crate::spec::KnownHost;

/// This host as far as it is known without labels: its name, and what conditions on hosts can ask. A few small files.
pub fn known_host() -> KnownHost {
    let reads = [
        ("kernel", read("/proc/sys/kernel/osrelease").map(|text| Some(text.trim().to_owned()))),
        ("cpus", read("/sys/devices/system/cpu/online").map(|text| processors(&text).map(|n| n.to_string()))),
        ("memory", read("/proc/meminfo").map(|text| memory(&text).map(|bytes| bytes.to_string()))),
    ];
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    facts.insert("arch".into(), std::env::consts::ARCH.into());
    // What can't be read, or isn't understood, is not known, and then nothing follows from its absence.
    let mut is_known = true;
    for (name, read) in reads {
        match read {
            Ok(Some(value)) => {
                facts.insert(name.into(), value);
            }
            Ok(None) | Err(_) => is_known = false,
        }
    }
    match read("/etc/os-release").or_else(|_| read("/usr/lib/os-release")) {
        Ok(text) => facts.extend(distribution(&text)),
        // Without such a file there is no distribution.
        Err(error) => is_known &= error.kind() == io::ErrorKind::NotFound,
    }
    KnownHost { name: host_name(), labels: BTreeMap::new(), facts, is_known }
}

fn read(path: &str) -> io::Result<String> {
    read_text(Path::new(path))
}

/// `0-3,6`: five.
fn processors(online: &str) -> Option<u64> {
    let counts = online.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    });
    counts.sum()
}

/// Bytes of main memory: the line `MemTotal:  16384000 kB`.
fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The distribution and its version, as os-release(5) has them. Of a key that stands twice the last one counts.
fn distribution(text: &str) -> impl Iterator<Item = (String, String)> {
    let value = |key: &str| {
        let line = text.lines().rev().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    let found = [("os", value("ID")), ("os.version", value("VERSION_ID"))];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_and_the_distribution_say_is_understood() {
        let rows = [
            ("0\n", Some(1)),
            ("0-3,6\n", Some(5)),
            ("0-1,4-5", Some(4)),
            ("", None),
            ("3-1", None),
            ("a", None),
        ];
        for (text, wanted) in rows {
            assert_eq!(processors(text), wanted, "{text:?}");
        }
        assert_eq!(memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(memory("MemFree: 1 kB\n"), None);
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\nID_LIKE=x\n";
        let wanted = [("os", "debian"), ("os.version", "12")];
        assert!(distribution(text).eq(wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))));
        assert_eq!(distribution("NAME=x\nID=\n").count(), 0);
    }

    #[test]
    fn of_this_host_the_facts_are_known() {
        let host = known_host();
        assert!(host.facts["cpus"].parse::<u64>().unwrap() >= 1, "{host:?}");
        assert!(host.facts["memory"].parse::<u64>().unwrap() > 1 << 20, "{host:?}");
        assert!(!host.facts["kernel"].is_empty());
    }
}
