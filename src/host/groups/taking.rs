//! Taking a process that runs into a group, whoever started it.
//!
//! Where it is, others may have bounded it. It is taken only out of groups that the engine is in itself, or that bound
//! nothing: selfsame is no way out of somebody's bounds.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::put;
use super::places::Places;
use super::{Groups, at, bounds, io_text};
use crate::spec::Resources;
use crate::units::Pid;

/// Files that bound a group, in both versions, and the words that say that they don't.
const BOUNDS: [(&str, &[&str]); 14] = [
    ("memory.max", &["max"]),
    ("memory.high", &["max"]),
    ("memory.swap.max", &["max"]),
    ("pids.max", &["max"]),
    ("cpu.max", &["max"]),
    ("io.max", &[]),
    ("cpuset.cpus", &[]),
    ("memory.limit_in_bytes", &[]),
    ("memory.memsw.limit_in_bytes", &[]),
    ("cpu.cfs_quota_us", &["-1"]),
    ("blkio.throttle.read_bps_device", &[]),
    ("blkio.throttle.write_bps_device", &[]),
    ("blkio.throttle.read_iops_device", &[]),
    ("blkio.throttle.write_iops_device", &[]),
];
/// Version 1 writes no bound of memory as the largest multiple of a page below 2^63.
const V1_UNBOUNDED: u64 = 1 << 62;

/// Groups that are there and bounded, for a process that is to enter them.
#[derive(Debug)]
pub struct Ready {
    dirs: Vec<PathBuf>,
}

impl Ready {
    /// Writes the process into each of them. By number: the caller holds it.
    ///
    /// # Errors
    /// A sentence: it is in none, or not in all of them.
    pub fn take(&self, pid: Pid) -> Result<(), String> {
        for dir in &self.dirs {
            let file = dir.join("cgroup.procs");
            put(&file, &pid.to_string()).map_err(|error| at(&file, &error))?;
        }
        Ok(())
    }

    /// One of them, for people.
    pub fn shown(&self) -> &Path {
        self.dirs.first().map_or(Path::new(""), PathBuf::as_path)
    }
}

impl Groups {
    /// Makes groups of this name with these bounds, which hold for all in them from now on, for the process to enter.
    ///
    /// # Errors
    /// A sentence: there can be none, or the process can't leave those that it is in.
    pub fn ready_for(&mut self, name: &str, resources: &Resources, pid: Pid) -> Result<Ready, String> {
        self.can(resources)?;
        let own = self.places().clone();
        let wanted: Vec<_> = bounds::wanted(resources).collect();
        let theirs = Places::of(pid)
            .map_err(|error| format!("its control groups can't be read: {}", io_text(&error)))?;
        let of_tree = wanted.is_empty() || wanted.iter().any(|controller| self.is_tree(*controller));
        if of_tree {
            let into = self.present.tree.as_ref().map(|base| base.join(name));
            may_leave("", theirs.tree.as_deref(), own.tree.as_deref(), into.as_deref())?;
        }
        for controller in wanted.iter().filter(|controller| !self.is_tree(**controller)) {
            let hierarchy = controller.v1();
            let into = self.present.controllers.get(hierarchy).map(|base| base.join(name));
            let of = |places: &Places| places.controllers.get(hierarchy).cloned();
            may_leave(hierarchy, of(&theirs).as_deref(), of(&own).as_deref(), into.as_deref())?;
        }
        self.note_base()?;
        let mut dirs = Vec::new();
        if of_tree {
            self.make_tree(name)
                .map_err(|error| format!("its control group can't be made: {}", io_text(&error)))?;
            dirs.extend(self.tree(name));
        }
        for controller in wanted {
            let dir = self.group_of(controller, name)?;
            bounds::set(controller, &dir, resources, self.is_tree(controller))?;
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        if dirs.is_empty() { Err("no control groups can be made here".into()) } else { Ok(Ready { dirs }) }
    }
}

/// Whether a process may be taken from a group into `into`, which lies below `own`.
fn may_leave(
    hierarchy: &str,
    from: Option<&Path>,
    own: Option<&Path>,
    into: Option<&Path>,
) -> Result<(), String> {
    let what = if hierarchy.is_empty() { String::new() } else { format!(" of `{hierarchy}`") };
    let Some(own) = own else { return Err(format!("selfsame has no control group{what} here")) };
    let Some(from) = from else {
        return Err(format!("its control group{what} lies where selfsame can't see it"));
    };
    if into.is_some_and(|into| from == into) {
        return Ok(());
    }
    // What selfsame is below of bounds its groups as well.
    let left = from.ancestors().take_while(|dir| !own.starts_with(dir));
    for dir in left {
        if let Some((file, value)) = bound(dir) {
            return Err(format!(
                "it would leave the bounds of the control group `{}`, whose `{file}` is {value}",
                dir.display()
            ));
        }
    }
    Ok(())
}

/// A bound of a group, if it has one.
fn bound(dir: &Path) -> Option<(&'static str, String)> {
    BOUNDS.iter().find_map(|(file, none)| {
        let text = fs::read_to_string(dir.join(file)).ok()?;
        let value = text.lines().next()?.trim();
        let first = value.split(' ').next().unwrap_or_default();
        let unbounded = first.is_empty()
            || none.contains(&first)
            || (file.ends_with("limit_in_bytes")
                && first.parse().is_ok_and(|bytes: u64| bytes >= V1_UNBOUNDED));
        (!unbounded).then(|| (*file, value.to_owned()))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_taken_only_out_of_what_bounds_nothing_or_bounds_selfsame_too() {
        let dir = tempfile::tempdir().unwrap();
        let make = |path: &str, files: &[(&str, &str)]| {
            let group = dir.path().join(path);
            fs::create_dir_all(&group).unwrap();
            for (file, text) in files {
                fs::write(group.join(file), text).unwrap();
            }
            group
        };
        let free =
            [("memory.max", "max\n"), ("cpu.max", "max 100000\n"), ("pids.max", "max\n"), ("io.max", "")];
        make("top", &[("memory.max", "1000000\n")]);
        let own = make("top/engine", &free);
        let into = make("top/engine/policy--x", &[("pids.max", "9\n")]);
        let rows = [
            (into.clone(), None),
            (make("top/engine/policy--y", &[("pids.max", "9\n")]), Some("`pids.max` is 9")),
            (make("top/free", &free), None),
            (make("top", &[]), None),
            (make("top/engine/web-1", &[("memory.max", "5\n")]), Some("`memory.max` is 5")),
            (make("top/slice", &[("pids.max", "512\n")]), Some("`pids.max` is 512")),
            (make("top/slice/leaf", &free), Some("`pids.max` is 512")),
            (make("top/quota", &[("cpu.max", "50000 100000\n")]), Some("`cpu.max` is 50000 100000")),
            (make("top/v1", &[("memory.limit_in_bytes", "9223372036854771712\n")]), None),
            (make("top/v1-bound", &[("memory.limit_in_bytes", "1048576\n")]), Some("is 1048576")),
            (make("top/v1-cpu", &[("cpu.cfs_quota_us", "-1\n")]), None),
            (make("top/disks", &[("io.max", "8:0 rbps=1\n")]), Some("`io.max` is 8:0")),
        ];
        for (from, expected) in rows {
            let answer = may_leave("", Some(&from), Some(&own), Some(&into));
            match expected {
                None => assert_eq!(answer, Ok(()), "{}", from.display()),
                Some(words) => assert!(answer.as_ref().is_err_and(|text| text.contains(words)), "{answer:?}"),
            }
        }
        assert!(may_leave("pids", None, Some(&own), None).unwrap_err().contains("can't see"));
        assert!(may_leave("pids", Some(&own), None, None).unwrap_err().contains("of `pids`"));
    }
}
