//! The pidfile of a process, looked for where pidfiles are.

use crate::facts::Fact;
use crate::import::files::{FileLook, Files, join};
use crate::import::found::{Found, Weight};
use crate::process::pidfile::{Trust, number, trust};
use crate::process::tree;
use crate::process::world::World;
use crate::spec::ServiceType;
use crate::units::Pid;

/// Names that are looked at.
const LOOKS_MAX: usize = 2_000;

/// Finds the file that names the process.
pub(super) fn carry(pid: Pid, world: &dyn World, found: &mut Found, files: &dyn Files) {
    let place = found.place.clone();
    for path in candidates(files) {
        if number(world, path.as_bytes()) != Fact::Known(pid) {
            continue;
        }
        match trust(world, path.as_bytes(), pid) {
            Fact::Known(Trust::Believed) => {
                if found.service.pidfile.is_none() {
                    found.service.pidfile = Some(crate::import::command::template(&path));
                    forking(pid, world, found);
                }
            }
            Fact::Known(Trust::Refused(why)) => found.lost(&place, format!("pidfile {path}"), why),
            Fact::Known(Trust::Other) | Fact::Absent | Fact::Unknown(_) => {}
        }
    }
}

/// `*.pid`, `*_pid` and `pid` in `/run` and its directories.
fn candidates(files: &dyn Files) -> Vec<String> {
    let is_pidfile = |name: &str| name.ends_with("pid");
    let mut paths = Vec::new();
    let mut directories = vec!["/run".to_owned(), "/var/run".to_owned()];
    if files.look("/var/run") == FileLook::Directory && files.list("/var/run") == files.list("/run") {
        // Nearly always a link to the other.
        directories.truncate(1);
    }
    for directory in directories {
        for name in files.list(&directory) {
            let path = join(&directory, &name);
            if is_pidfile(&name) {
                paths.push(path);
            } else if files.look(&path) == FileLook::Directory {
                let inner = files.list(&path).into_iter().filter(|name| is_pidfile(name));
                paths.extend(inner.map(|name| join(&path, &name)));
            }
            if paths.len() >= LOOKS_MAX {
                return paths;
            }
        }
    }
    paths
}

/// Who writes a pidfile and belongs to init has forked away from whoever started it.
fn forking(pid: Pid, world: &dyn World, found: &mut Found) {
    if tree::parent(world, pid) == Fact::Known(Pid(1)) {
        let place = found.place.clone();
        found.service.service_type = ServiceType::Forking;
        found.note(
            &place,
            Weight::Unclear,
            "type",
            "it seems to have forked away by itself; if it stays in front when it is started, write `type: simple`",
        );
    }
}
