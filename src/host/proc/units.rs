//! Whether any control group of this host is one of a systemd service. Where none is, nobody's groups need be read to tell that systemd
//! doesn't look after him: the kernel takes 17 µs to say them where there are ten hierarchies, under a lock that two readers wait for.
//!
//! ```text
//!  own namespace of groups is the first one? --> the hierarchies that tell units (version 2, `name=systemd`)
//!     --> each mounted from its root, where we see it? --> no directory `*.service` in it
//! ```
//!
//! A group without groups below it (its directory has two links, one of its own and one of its parent) isn't opened: its list would be
//! that of the forty files that every group has.
//!
//! What can't be told for certain counts as "there may be some", and then groups are read process by process.

use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{parse, raw, read_whole};
use crate::facts::CgroupLine;

/// `PROC_CGROUP_INIT_INO` of the kernel: in another namespace groups of others aren't seen.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFB;
/// Inode number of the root of a hierarchy.
const ROOT: u64 = 1;
/// Where there are fewer, they are looked at for whoever asks.
const FEW: u32 = 256;
/// To look at so many costs less than to read the groups of one process.
const FOR_EACH: u32 = 4;
/// Links of a directory that has none below it.
const OF_A_LEAF: u64 = 2;

/// Whether it is certain that there is none. `processes`: so many would have to be read; where there are too many groups for that, it isn't
/// told.
pub(super) fn are_none(proc: BorrowedFd<'_>, processes: usize) -> bool {
    let worth_it = u32::try_from(processes).unwrap_or(u32::MAX).saturating_mul(FOR_EACH).max(FEW);
    has_any(proc, worth_it) == Some(false)
}

/// `None`: it can't be told.
fn has_any(proc: BorrowedFd<'_>, most: u32) -> Option<bool> {
    let namespace = parse::inode_in_link(&raw::link_at(proc, c"self/ns/cgroup").ok()?)?;
    if namespace != FIRST_NAMESPACE {
        return None;
    }
    let hierarchies = parse::parse_cgroups(&read_whole(proc, c"self/cgroup").ok()?)?;
    let mounts = String::from_utf8(read_whole(proc, c"self/mountinfo").ok()?).ok()?;
    let mut left = most;
    for hierarchy in hierarchies.iter().filter(|line| line.v2 || is_of_systemd(line)) {
        let root = mounts.lines().find_map(|line| root_in(line, hierarchy.v2))?;
        if has_service_below(&root, &mut left)? {
            return Some(true);
        }
    }
    Some(false)
}

fn is_of_systemd(line: &CgroupLine) -> bool {
    line.controllers.iter().any(|name| name == "systemd")
}

/// The root of the hierarchy, if this line of `mountinfo` says where it is and nothing else is mounted there.
fn root_in(line: &str, v2: bool) -> Option<PathBuf> {
    let (left, right) = line.split_once(" - ")?;
    let mut right = right.split(' ');
    let (kind, options) = (right.next()?, right.nth(1)?);
    let is_it = if v2 {
        kind == "cgroup2"
    } else {
        kind == "cgroup" && options.split(',').any(|option| option == "name=systemd")
    };
    let mut left = left.split(' ').skip(2);
    let (device, root, point) = (left.next()?, left.next()?, left.next()?);
    if !is_it || root != "/" {
        return None;
    }
    let shown = fs::metadata(point).ok()?;
    let (major, minor) = (rustix::fs::major(shown.dev()), rustix::fs::minor(shown.dev()));
    (shown.ino() == ROOT && device == format!("{major}:{minor}")).then(|| PathBuf::from(point))
}

/// Whether a group below this one has such a name. `None`: there are too many, or they can't be listed.
fn has_service_below(group: &Path, left: &mut u32) -> Option<bool> {
    for entry in fs::read_dir(group).ok()? {
        let entry = entry.ok()?;
        if !entry.file_type().ok()?.is_dir() {
            continue;
        }
        *left = left.checked_sub(1)?;
        if entry.file_name().as_bytes().ends_with(b".service") {
            return Some(true);
        }
        let is_leaf = entry.metadata().ok()?.nlink() == OF_A_LEAF;
        if !is_leaf && has_service_below(&entry.path(), left)? {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_wherever_it_is_and_too_many_groups_are_not_told_of() {
        let root = tempfile::tempdir().unwrap();
        let told = |most: u32| has_service_below(root.path(), &mut { most });
        assert_eq!(told(0), Some(false));
        fs::create_dir_all(root.path().join("a.slice/b.scope")).unwrap();
        fs::write(root.path().join("a.slice/x.service"), "").unwrap();
        assert_eq!((told(2), told(1)), (Some(false), None));
        fs::create_dir(root.path().join("a.slice/b.scope/web.service")).unwrap();
        assert_eq!((told(3), told(2)), (Some(true), None));
        assert_eq!(has_service_below(&root.path().join("gone"), &mut { FEW }), None);
    }

    #[test]
    fn only_a_whole_hierarchy_that_is_seen_where_it_is_mounted_tells() {
        let here = tempfile::tempdir().unwrap();
        let point = here.path().to_str().unwrap();
        let dev = fs::metadata(point).unwrap().dev();
        let device = format!("{}:{}", rustix::fs::major(dev), rustix::fs::minor(dev));
        let line = |root: &str, right: &str| format!("40 31 {device} {root} {point} rw shared:9 - {right}");
        // It is no root of a hierarchy, whatever the line says.
        assert_eq!(root_in(&line("/", "cgroup2 cgroup2 rw"), true), None);
        for (line, v2) in mounted() {
            assert!(root_in(&line, v2).is_some() && root_in(&line, !v2).is_none(), "{line}");
            let part = line.replacen(" / ", " /part ", 1);
            assert_eq!(root_in(&part, v2), None);
            let other = line.replacen(':', ":9", 1);
            assert_eq!(root_in(&other, v2), None);
        }
        assert_eq!(root_in("40 31", true), None);
    }

    /// What the kernel says of groups (`kernfs_refresh_inode`), asked of those that this host has.
    #[test]
    fn the_links_of_a_group_tell_whether_there_are_groups_below_it() {
        for (line, v2) in mounted() {
            let mut groups = vec![root_in(&line, v2).unwrap()];
            while let Some(group) = groups.pop() {
                let below = fs::read_dir(&group).into_iter().flatten().flatten();
                let below: Vec<PathBuf> =
                    below.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).collect();
                // Others may be made and removed meanwhile.
                let links = fs::metadata(&group).map(|found| found.nlink());
                let is_leaf = links.is_ok_and(|links| links == OF_A_LEAF);
                assert!(!is_leaf || below.iter().all(|path| !path.exists()), "{}", group.display());
                groups.extend(below);
            }
        }
    }

    /// Hierarchies of this host that are mounted from their roots, as it has any.
    fn mounted() -> Vec<(String, bool)> {
        let own = fs::read_link("/proc/self/ns/cgroup").unwrap();
        if parse::inode_in_link(own.as_os_str().as_bytes()) != Some(FIRST_NAMESPACE) {
            return Vec::new();
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let lines = mounts.lines().filter(|line| line.split(' ').nth(3) == Some("/"));
        let of = |line: &str| {
            let version_2 = line.contains(" - cgroup2 ");
            (version_2 || (line.contains(" - cgroup ") && line.ends_with(",name=systemd")))
                .then(|| (line.to_owned(), version_2))
        };
        lines.filter_map(of).collect()
    }
}
