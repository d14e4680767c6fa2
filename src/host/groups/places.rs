//! Where control groups are mounted, and where in them this process is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::bounds::{self, Controller};
use super::files::{is_writable, says_word};
use crate::spec::Resources;
use crate::units::Pid;

/// The engine's own groups, as directories.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// In the hierarchy of version 2.
    pub tree: Option<PathBuf>,
    /// In hierarchies of version 1, by controller.
    pub controllers: BTreeMap<String, PathBuf>,
}

impl Places {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::parse(&mounts, &own)
    }

    /// The groups of another process, as far as they can be seen from here.
    ///
    /// # Errors
    /// What the kernel answered.
    pub(super) fn of(pid: Pid) -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
        Ok(Self::parse(&mounts, &groups))
    }

    /// From the texts of `/proc/PID/mountinfo` and `/proc/PID/cgroup`.
    fn parse(mounts: &str, own: &str) -> Self {
        let mut places = Self::default();
        for mount in mounts.lines().filter_map(Mount::parse) {
            for line in own.lines() {
                let mut parts = line.splitn(3, ':');
                let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                    continue;
                };
                let Some(dir) = mount.directory(path) else { continue };
                match mount.kind {
                    "cgroup2" if names.is_empty() => places.tree = places.tree.or(Some(dir)),
                    "cgroup" if !names.is_empty() => {
                        for name in names.split(',').filter(|name| mount.has(name)) {
                            places.controllers.entry(name.to_owned()).or_insert_with(|| dir.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
        // An engine that stepped down (see `step_down`) still makes its groups where it came from.
        if let Some(above) = places.tree.as_deref().and_then(before_stepping_down) {
            places.tree = Some(above);
        }
        places
    }

    /// Whether bounds of this controller can be set below the engine's own group: true in version 2, false in version 1.
    ///
    /// # Errors
    /// The end of a sentence.
    pub fn has(&self, controller: Controller) -> Result<bool, String> {
        let offered = |own: &PathBuf| says_word(&own.join("cgroup.controllers"), controller.v2());
        if let Some(own) = self.tree.as_ref().filter(|own| offered(own)) {
            return if is_writable(&own.join("cgroup.subtree_control")) {
                Ok(true)
            } else {
                Err(format!("the control group `{}` can't be written", own.display()))
            };
        }
        match self.controllers.get(controller.v1()) {
            Some(own) if is_writable(&own.join("cgroup.procs")) => Ok(false),
            Some(own) => Err(format!("the control group `{}` can't be written", own.display())),
            None if self.tree.is_none() && self.controllers.is_empty() => {
                Err("no control groups are mounted".into())
            }
            None => Err(format!("the controller `{}` isn't offered to selfsame", controller.v2())),
        }
    }

    /// Whether these bounds can be had.
    ///
    /// # Errors
    /// A sentence that names the first that can't.
    pub fn can(&self, resources: &Resources) -> Result<(), String> {
        for controller in bounds::wanted(resources) {
            let v2 = self.has(controller).map_err(|reason| {
                format!("`resources.{}` can't be had here: {reason}", controller.field())
            })?;
            let own = self.controllers.get(controller.v1()).map(PathBuf::as_path);
            bounds::can(controller, resources, v2, own)?;
        }
        Ok(())
    }

    /// Mounts the hierarchy of version 2 where there is none.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn mount(&self, at: &Path) -> io::Result<()> {
        if fs::read_to_string("/proc/filesystems").is_ok_and(|text| !text.contains("cgroup2")) {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        fs::create_dir_all(at)?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(Some("cgroup2"), at, Some("cgroup2"), flags, None::<&str>).map_err(io::Error::from)
    }
}

fn before_stepping_down(own: &Path) -> Option<PathBuf> {
    let ours = own.file_name()? == super::base::ENGINE;
    let base = own.parent()?;
    let named = base.file_name()?.to_str()?.starts_with("selfsame-");
    if ours && named { base.parent().map(Path::to_path_buf) } else { None }
}

/// A line of `mountinfo`.
#[derive(Debug)]
struct Mount<'a> {
    root: String,
    point: String,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, point) = (plain(fields.next()?), plain(fields.next()?));
        let mut fields = right.split(' ');
        let (kind, options) = (fields.next()?, fields.nth(1)?);
        kind.starts_with("cgroup").then_some(Self { root, point, kind, options })
    }

    fn has(&self, controller: &str) -> bool {
        self.options.split(',').any(|option| option == controller)
    }

    /// The directory of a group, if this mount shows it.
    fn directory(&self, group: &str) -> Option<PathBuf> {
        let inside = Path::new(group).strip_prefix(&self.root).ok()?;
        if group.contains("/..") {
            return None;
        }
        Some(Path::new(&self.point).join(inside))
    }
}

/// Spaces and the like are written as `\040`.
fn plain(text: &str) -> String {
    let mut result = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| *first == b'\\');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        result.push(code.unwrap_or(*first));
        rest = if code.is_some() { behind.get(3..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(mounts: &str, own: &str) -> String {
        let places = Places::parse(mounts, own);
        let tree = places.tree.map(|dir| format!("tree={}", dir.display()));
        let others = places.controllers.iter().map(|(name, dir)| format!("{name}={}", dir.display()));
        tree.into_iter().chain(others).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn own_groups_are_found_in_every_kind_of_mount() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let hybrid = "31 23 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                      32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      33 23 0:29 / /sys/fs/cgroup/systemd rw - cgroup none rw,name=systemd\n";
        let of_docker = "40 1 0:30 /docker/1 /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n";
        let spaced = "30 23 0:26 / /sys/c\\040g rw - cgroup2 cgroup2 rw\n";
        let rows = [
            (unified, "0::/\n", "tree=/sys/fs/cgroup/"),
            (unified, "0::/a.slice/b.service\n", "tree=/sys/fs/cgroup/a.slice/b.service"),
            (unified, "0::/../other\n", ""),
            (
                hybrid,
                "9:name=systemd:/x\n2:cpu,cpuacct:/grp\n0::/\n",
                "tree=/sys/fs/cgroup/unified/ cpu=/sys/fs/cgroup/cpu,cpuacct/grp \
                 cpuacct=/sys/fs/cgroup/cpu,cpuacct/grp name=systemd=/sys/fs/cgroup/systemd/x",
            ),
            (of_docker, "8:pids:/docker/1\n", "pids=/sys/fs/cgroup/pids/"),
            (of_docker, "8:pids:/elsewhere\n", ""),
            (spaced, "0::/x\n", "tree=/sys/c g/x"),
            (unified, "0::/svc/selfsame-01ab/engine\n", "tree=/sys/fs/cgroup/svc"),
            ("", "0::/\n", ""),
        ];
        for (mounts, own, expected) in rows {
            assert_eq!(dirs(mounts, own), expected, "{mounts}{own}");
        }
    }
}
