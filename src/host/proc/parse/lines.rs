//! Files of one record a line: cgroups, locks, mounts, and the nesting of PID namespaces.

use std::sync::Arc;

use procfs::process::MountInfo;

use super::{lines, number, split_once, words};
use crate::facts::CgroupLine;

/// Reads `/proc/PID/cgroup` (`cgroups(7)`): `hierarchy:controllers:path`. The path may contain colons; the
/// kernel refuses newlines in names.
pub fn parse_cgroups(bytes: &[u8]) -> Option<Arc<[CgroupLine]>> {
    lines(bytes).map(cgroup).collect()
}

fn cgroup(line: &[u8]) -> Option<CgroupLine> {
    let (hierarchy, rest) = split_once(line, b':')?;
    let (controllers, path) = split_once(rest, b':')?;
    let hierarchy: u32 = number(hierarchy)?;
    let controllers = std::str::from_utf8(controllers).ok()?;
    let names = controllers.split(',').filter(|name| !name.is_empty());
    Some(CgroupLine {
        controllers: names.map(|name| name.strip_prefix("name=").unwrap_or(name).to_owned()).collect(),
        v2: hierarchy == 0,
        path: Arc::from(path),
    })
}

/// One held lock of `/proc/locks` (`proc_locks(5)`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockLine {
    /// Who took it; -1 for a lock of an open file description, 0 for a process of another PID namespace.
    pub pid: i32,
    /// Major and minor number of the device.
    pub device: (u32, u32),
    /// Inode number.
    pub ino: u64,
}

/// Reads `/proc/locks`. Waiting requests (`->`) and leases hold nothing and are left out.
pub fn parse_locks(bytes: &[u8]) -> Option<Vec<LockLine>> {
    lines(bytes).filter(|line| is_held(line)).map(lock).collect()
}

fn is_held(line: &[u8]) -> bool {
    matches!(words(line).nth(1), Some(b"POSIX" | b"FLOCK" | b"OFDLCK"))
}

fn lock(line: &[u8]) -> Option<LockLine> {
    let mut words = words(line).skip(2);
    let pid = number(words.nth(2)?)?;
    let mut place = words.next()?.split(|b| *b == b':');
    let mut hex = || u32::from_str_radix(std::str::from_utf8(place.next()?).ok()?, 16).ok();
    let device = (hex()?, hex()?);
    Some(LockLine { pid, device, ino: number(place.next()?)? })
}

/// The inode number that the text of a link of `/proc/PID/ns` says: `pid:[4026531836]`.
pub fn inode_in_link(text: &[u8]) -> Option<u64> {
    let (_, inode) = super::split_once(text, b':')?;
    super::number(inode.strip_prefix(b"[")?.strip_suffix(b"]")?)
}

/// The pids in the `NSpid` line of `/proc/self/status` (`pid_namespaces(7)`): one for each namespace from
/// that of the mount down to the process's own.
pub fn nested_pids(status: &[u8]) -> Option<Vec<i32>> {
    let line = lines(status).find_map(|line| line.strip_prefix(b"NSpid:"))?;
    words(line).map(number).collect()
}

/// Major and minor number of the device of a mount, from `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
pub fn mount_device(mountinfo: &[u8], mount: u64) -> Option<(u32, u32)> {
    let is_it = |line: &&[u8]| words(line).next().and_then(number) == Some(mount);
    let (major, minor) = split_once(words(lines(mountinfo).find(is_it)?).nth(2)?, b':')?;
    Some((number(major)?, number(minor)?))
}

/// What a mount of procfs hides (`proc(5)`, "Mount options").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hidepid {
    /// As the kernel writes it: `noaccess`, `invisible`, `ptraceable`, or a number in older ones.
    pub mode: String,
    /// Members of this group see everything all the same, except with `ptraceable`.
    pub gid: u32,
}

impl Hidepid {
    /// Whether processes are missing from the listing, rather than only unreadable.
    pub fn shortens_listing(&self) -> bool {
        !matches!(self.mode.as_str(), "1" | "noaccess")
    }

    /// Whether members of the group are let through.
    pub fn heeds_group(&self) -> bool {
        !matches!(self.mode.as_str(), "4" | "ptraceable")
    }
}

/// The `hidepid=` option of the mount with this device number, from `/proc/self/mountinfo`. `None` where it
/// isn't mentioned or is `0`/`off`.
pub fn hidepid(mountinfo: &[u8], device: (u32, u32)) -> Option<Hidepid> {
    let wanted = format!("{}:{}", device.0, device.1);
    let mounts =
        lines(mountinfo).filter_map(|line| MountInfo::from_line(std::str::from_utf8(line).ok()?).ok());
    let options = mounts.into_iter().find(|mount| mount.majmin == wanted)?.super_options;
    let mode = options.get("hidepid")?.clone()?;
    let gid = options.get("gid").and_then(|gid| number(gid.as_deref()?.as_bytes())).unwrap_or(0);
    (mode != "0" && mode != "off").then_some(Hidepid { mode, gid })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cgroups_of_both_versions_are_told_apart() {
        let read =
            parse_cgroups(b"4:cpu,cpuacct:/a:b\n1:name=systemd:/init\n0::/web.slice (deleted)\n").unwrap();
        let shown: Vec<_> =
            read.iter().map(|l| (l.controllers.join("+"), l.v2, String::from_utf8_lossy(&l.path))).collect();
        assert_eq!(shown.first().unwrap(), &("cpu+cpuacct".into(), false, "/a:b".into()));
        assert_eq!(shown.get(1).unwrap(), &("systemd".into(), false, "/init".into()));
        assert_eq!(shown.get(2).unwrap(), &(String::new(), true, "/web.slice (deleted)".into()));
        assert_eq!(parse_cgroups(b""), Some(Arc::from([])));
        assert_eq!(parse_cgroups(b"x:y\n"), None);
    }

    #[test]
    fn only_held_locks_count() {
        let text = "1: FLOCK  ADVISORY  WRITE 412 08:02:131 0 EOF\n\
            1: -> FLOCK  ADVISORY  WRITE 500 08:02:131 0 EOF\n\
            2: LEASE  ACTIVE    READ 7 08:02:132 0 EOF\n\
            3: OFDLCK ADVISORY  READ -1 fe:10:133 0 EOF\n\
            4: POSIX  ADVISORY  WRITE 9 00:1b:134 1073741824 1073742335\n";
        let locks = parse_locks(text.as_bytes()).unwrap();
        let line = |pid, device, ino| LockLine { pid, device, ino };
        assert_eq!(locks, [line(412, (8, 2), 131), line(-1, (0xfe, 0x10), 133), line(9, (0, 0x1b), 134)]);
        assert_eq!(parse_locks(b"1: FLOCK ADVISORY\n"), None);
    }

    #[test]
    fn a_link_of_a_namespace_says_its_inode() {
        assert_eq!(inode_in_link(b"pid:[4026531836]"), Some(4_026_531_836));
        for other in ["", "pid:", "pid:4026531836", "pid:[]", "/proc/1/ns/pid"] {
            assert_eq!(inode_in_link(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn namespaces_are_counted_from_the_mount() {
        assert_eq!(nested_pids(b"Name:\tx\nNSpid:\t5000\t1\n"), Some(vec![5000, 1]));
        assert_eq!(nested_pids(b"Name:\tx\n"), None);
    }

    #[test]
    fn hidepid_is_found_on_the_right_mount() {
        let text = b"22 1 0:21 / /proc rw,relatime shared:5 - proc proc rw,gid=4,hidepid=invisible\n\
            23 1 0:22 / /x rw - proc proc rw\n24 1 0:23 / /y rw - proc proc rw,hidepid=0\n";
        let found = hidepid(text, (0, 21)).unwrap();
        assert_eq!(found, Hidepid { mode: "invisible".into(), gid: 4 });
        assert!(found.shortens_listing() && found.heeds_group());
        assert_eq!(hidepid(text, (0, 22)), None);
        assert_eq!(hidepid(text, (0, 23)), None);
        assert_eq!(hidepid(text, (9, 9)), None);
    }

    #[test]
    fn the_device_of_a_mount_is_found_by_its_number() {
        let text = b"22 1 0:21 / /proc rw - proc proc rw\n29 1 254:3 / / rw shared:1 - ext4 /dev/vda rw\n";
        assert_eq!(mount_device(text, 29), Some((254, 3)));
        assert_eq!(mount_device(text, 2), None);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in "[0-9:,/a-zA-Z=> \\n-]{0,80}") {
            let bytes = bytes.as_bytes();
            let _ = (parse_cgroups(bytes), parse_locks(bytes), nested_pids(bytes), hidepid(bytes, (0, 1)), mount_device(bytes, 1));
        }
    }
}
