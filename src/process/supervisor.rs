//! Whether something else would bring a process back: a systemd unit, or a supervisor among its ancestors.

use std::collections::BTreeSet;

use super::world::{Bytes, World};
use super::{paths, tree};
use crate::facts::{CgroupLine, Fact};
use crate::units::Pid;

/// Programs that start what died again, by the 15 bytes of comm.
const SUPERVISORS: &[&str] = &[
    "runsv",
    "s6-supervise",
    "supervise",
    "supervisord",
    "circusd",
    "supervise-daemo",
    "conmon",
    "dinit",
    "perpd",
    "shepherd",
    "monit",
    "god",
    "bluepill",
    "procd",
];
/// Shims of container engines have suffixes.
const SHIMS: &[&str] = &["containerd-shim", "docker-containe", "crio-conmon"];

/// Who else looks after the process. Absent: nobody that is known. `ours`: the engine's own ancestors.
pub fn foreign(world: &dyn World, pid: Pid, ours: &BTreeSet<Pid>) -> Fact<String> {
    match unit(world, pid) {
        Fact::Known(unit) => return Fact::Known(format!("systemd unit `{unit}`")),
        Fact::Unknown(reason) => return Fact::Unknown(reason),
        Fact::Absent => {}
    }
    let ancestors = match tree::lineage(world, pid) {
        Fact::Known(ancestors) => ancestors,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    let cut = ancestors.cut(pid);
    for ancestor in ancestors.nearest.into_iter().filter(|pid| pid.0 > 1 && !ours.contains(pid)) {
        if let Some(name) = supervisor_name(world, ancestor) {
            return Fact::Known(format!("`{name}` ({ancestor})"));
        }
    }
    cut.map_or(Fact::Absent, Fact::Unknown)
}

fn supervisor_name(world: &dyn World, pid: Pid) -> Option<String> {
    let is = |name: &[u8]| {
        let cut = name.get(..15).unwrap_or(name);
        SUPERVISORS.iter().any(|known| known.as_bytes() == cut)
            || SHIMS.iter().any(|known| cut.starts_with(known.as_bytes()))
    };
    let comm = world.stat(pid).known().map(|stat| stat.comm.clone())?;
    if is(&comm) {
        return Some(paths::show(&comm));
    }
    // supervisord and circusd are scripts: started through `env` their comm is the interpreter's.
    let path = super::exe::path(world, pid).known()?;
    if !super::script::is_interpreter(paths::family(&path)) {
        return None;
    }
    let script = super::script::script(world, pid).known()?;
    let name = paths::base_name(&script.real);
    is(name).then(|| paths::show(name))
}

/// The innermost systemd service of the process, if it isn't the engine's own.
fn unit(world: &dyn World, pid: Pid) -> Fact<String> {
    if world.has_no_units() {
        return Fact::Absent;
    }
    let lines = match world.cgroups(pid) {
        Fact::Known(lines) => lines,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    let Some(path) = systemd_path(&lines) else { return Fact::Absent };
    let Some(unit) = innermost_unit(&path) else { return Fact::Absent };
    if !unit.ends_with(b".service") {
        return Fact::Absent;
    }
    let own = world.self_pid().and_then(|own| world.cgroups(own)).known();
    let own = own.and_then(|lines| systemd_path(&lines));
    let ours = own.as_deref().and_then(innermost_unit).is_some_and(|own| own == unit);
    if ours { Fact::Absent } else { Fact::Known(paths::show(unit)) }
}

/// Version 2 where it is used, else the hierarchy that systemd names itself.
fn systemd_path(lines: &[CgroupLine]) -> Option<Bytes> {
    let named = lines.iter().find(|line| line.controllers.iter().any(|name| name == "systemd"));
    let unified = lines.iter().find(|line| line.v2);
    let of = |line: Option<&CgroupLine>| line.map(|line| line.path.clone());
    match of(unified) {
        Some(path) if innermost_unit(&path).is_some() => Some(path),
        other => of(named).or(other),
    }
}

fn innermost_unit(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|b| *b == b'/').find(|part| part.ends_with(b".service") || part.ends_with(b".scope"))
}
