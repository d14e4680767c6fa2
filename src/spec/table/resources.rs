//! The rows of what a service may use of the machine.

use super::document::row;
use super::{Class, Kind, Table};
use Class::Live;

/// `resources`
pub const RESOURCES: Table = Table {
    name: "resources",
    fields: &[
        row("memory", Kind::Object(&RESOURCES_MEMORY), "not bounded", Live, "{max: 512MiB}", "memory"),
        row("cpu", Kind::Object(&RESOURCES_CPU), "not bounded", Live, "{max: 1.5}", "processor time"),
        row(
            "pids",
            Kind::Object(&RESOURCES_PIDS),
            "not bounded",
            Live,
            "{max: 256}",
            "processes and threads",
        ),
        row("io", Kind::Object(&RESOURCES_IO), "as all others", Live, "{weight: 50}", "the disks' time"),
    ],
    later: &[],
    foreign: &[("tasks", "pids"), ("cpus", "cpu"), ("blkio", "io")],
};

/// `resources.memory`
pub const RESOURCES_MEMORY: Table = Table {
    name: "memory",
    fields: &[
        row(
            "max",
            Kind::LimitValue,
            "unlimited",
            Live,
            "512MiB",
            "what can't be exceeded: the kernel ends a process instead (OOMKilled)",
        ),
        row("high", Kind::LimitValue, "unlimited", Live, "400MiB", "above it is slowed down and reclaimed"),
    ],
    later: &[],
    foreign: &[("limit", "max"), ("soft", "high")],
};

/// `resources.cpu`
pub const RESOURCES_CPU: Table = Table {
    name: "cpu",
    fields: &[
        row("max", Kind::Processors, "unlimited", Live, "1.5", "processor time, as a number of processors"),
        row(
            "weight",
            Kind::Integer(1, 10_000),
            "100",
            Live,
            "200",
            "share of the processors when there isn't enough time for all",
        ),
    ],
    later: &[],
    foreign: &[("limit", "max"), ("quota", "max"), ("shares", "weight")],
};

/// `resources.pids`
pub const RESOURCES_PIDS: Table = Table {
    name: "pids",
    fields: &[row("max", Kind::Integer(1, 4_194_304), "unlimited", Live, "256", "how many at most")],
    later: &[],
    foreign: &[("limit", "max")],
};

/// `resources.io`
pub const RESOURCES_IO: Table = Table {
    name: "io",
    fields: &[row(
        "weight",
        Kind::Integer(1, 10_000),
        "100",
        Live,
        "50",
        "share of the disks when there isn't enough time for all",
    )],
    later: &[],
    foreign: &[],
};
