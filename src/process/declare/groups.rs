//! Control groups, containers and namespaces.

use super::{Field, Reader, class, row};
use crate::facts::{CgroupLine, Fact};
use crate::lang::schema::Privilege::{Read, World};
use crate::lang::schema::Trust::Kernel;
use crate::lang::shared::Shared;
use crate::lang::value::{Type, Value};
use crate::process::container;
use crate::process::objects::{NAMESPACE, NamespaceId, PROCESS};
use crate::process::read::{optional, path, string};
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::Namespace;
use crate::units::Pid;

pub(super) static TABLE: &[Field] = {
    use Reader::{Entry, Process};
    let stat = class(4, World, Kernel);
    &[
        row(
            PROCESS,
            "cgroup",
            Type::Path,
            stat,
            [
                "control group: version 2, else that of systemd, else the first",
                "/proc/PID/cgroup",
                "cgroup under \"/system.slice\"",
            ],
            Process(cgroup),
        ),
        row(
            PROCESS,
            "cgroup.v2",
            Type::Path,
            stat,
            ["control group of version 2", "/proc/PID/cgroup", "cgroup.v2 under \"/system.slice\""],
            Process(|v, p| cgroup_line(v, p, |line| line.v2)),
        ),
        row(
            PROCESS,
            "cgroup[]",
            Type::Map(Shared::Program(&Type::Path)),
            stat,
            ["control group of version 1 of a controller", "/proc/PID/cgroup", "has(cgroup[\"memory\"])"],
            Entry(|v, p, key| {
                cgroup_line(v, p, |line| line.controllers.iter().any(|name| name.as_bytes() == key))
            }),
        ),
        row(
            PROCESS,
            "container",
            Type::String,
            stat,
            ["name or id of its container, from the control group", "/proc/PID/cgroup", "!has(container)"],
            Process(|v, p| v.world.container(p).map(string)),
        ),
    ]
};

macro_rules! namespace_rows {
    ($($name:literal, $own:literal, $kind:ident;)*) => {
        &[$(
            row(PROCESS, concat!("ns.", $name), Type::Named(NAMESPACE), class(2, Read, Kernel),
                [concat!($name, " namespace"), concat!("/proc/PID/ns/", $name), concat!("ns.", $name, " == self.ns.", $name)],
                Reader::Process(|v, p| v.world.namespace(p, Namespace::$kind).map(|id| NamespaceId(Namespace::$kind, id).into()))),
            row(PROCESS, $own, Type::Named(NAMESPACE), class(0, World, Kernel),
                [concat!($name, " namespace of the engine"), concat!("/proc/self/ns/", $name), concat!("ns.", $name, " != self.ns.", $name)],
                Reader::Process(|v, _| v.world.own_namespace(Namespace::$kind).map(|id| NamespaceId(Namespace::$kind, id).into()))),
        )*]
    };
}

pub(super) static NAMESPACES: &[Field] = namespace_rows! {
        "pid", "self.ns.pid", Pid;
        "mnt", "self.ns.mnt", Mnt;
        "net", "self.ns.net", Net;
        "user", "self.ns.user", User;
        "uts", "self.ns.uts", Uts;
        "ipc", "self.ns.ipc", Ipc;
        "cgroup", "self.ns.cgroup", Cgroup;
        "time", "self.ns.time", Time;
};

fn cgroup_line(v: &ProcessVocabulary<'_>, pid: Pid, wanted: impl Fn(&CgroupLine) -> bool) -> Fact<Value> {
    v.world
        .cgroups(pid)
        .and_then(|lines| optional(lines.iter().find(|line| wanted(line)), |line| path(&line.path)))
}

fn cgroup(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    v.world.cgroups(pid).and_then(|lines| optional(container::path(&lines), path))
}
