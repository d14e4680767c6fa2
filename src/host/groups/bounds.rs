//! Bounds as the kernel's files take them, in both versions.

use std::io;
use std::path::Path;

use super::files::put;
use crate::host::errno::io_text;
use crate::spec::Resources;

/// What counts and bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Controller {
    /// Memory.
    Memory,
    /// Processor time.
    Cpu,
    /// Numbers of processes.
    Pids,
    /// The disks' time.
    Io,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Cpu, Self::Pids, Self::Io];

    /// Its field below `resources`.
    pub fn field(self) -> &'static str {
        self.v2()
    }

    /// Its name in version 2.
    pub fn v2(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
            Self::Io => "io",
        }
    }

    /// Its name in version 1.
    pub fn v1(self) -> &'static str {
        match self {
            Self::Io => "blkio",
            Self::Memory | Self::Cpu | Self::Pids => self.v2(),
        }
    }
}

/// The controllers that these bounds need.
pub(super) fn wanted(resources: &Resources) -> impl Iterator<Item = Controller> + use<> {
    let Resources { memory_max, memory_high, cpu_max, cpu_weight, pids_max, io_weight } = *resources;
    Controller::ALL.into_iter().filter(move |controller| match controller {
        Controller::Memory => memory_max.is_some() || memory_high.is_some(),
        Controller::Cpu => cpu_max.is_some() || cpu_weight.is_some(),
        Controller::Pids => pids_max.is_some(),
        Controller::Io => io_weight.is_some(),
    })
}

/// The period over which processor time is counted, in microseconds.
const PERIOD: u64 = 100_000;
/// Where a v1 hierarchy keeps the weight of a disk, and the largest that it takes.
const V1_IO: [(&str, u32); 2] = [("blkio.bfq.weight", 1000), ("blkio.weight", 1000)];

/// Whether the files are there that these bounds are written into. `own`: the engine's group in that hierarchy.
pub(super) fn can(
    controller: Controller,
    resources: &Resources,
    v2: bool,
    own: Option<&Path>,
) -> Result<(), String> {
    if v2 {
        return Ok(());
    }
    if controller == Controller::Memory && resources.memory_high.is_some() {
        return Err(
            "`resources.memory.high` can't be had here: control groups of version 1 have nothing like it"
                .into(),
        );
    }
    if let (Controller::Io, Some(weight)) = (controller, resources.io_weight) {
        let there = V1_IO.iter().find(|(file, _)| own.is_some_and(|own| own.join(file).exists()));
        return match there {
            Some((_, most)) if weight > *most => {
                Err(format!("`resources.io.weight` is at most {most} in control groups of version 1"))
            }
            Some(_) => Ok(()),
            None => {
                Err("`resources.io.weight` can't be had here: no scheduler of the disks has weights".into())
            }
        };
    }
    Ok(())
}

/// Writes the bounds of one controller; what isn't given is unbounded, and had as by default.
pub(super) fn set(controller: Controller, dir: &Path, resources: &Resources, v2: bool) -> Result<(), String> {
    let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
    let text = |value: Option<u64>| value.map(|value| value.to_string());
    let quota = resources.cpu_max.map(|thousandths| u64::from(thousandths) * PERIOD / 1000);
    // The name of a file, what is written, and whether it was asked for.
    let rows: Vec<(&str, String, bool)> = match (controller, v2) {
        (Controller::Memory, true) => vec![
            ("memory.high", or(text(resources.memory_high), "max"), resources.memory_high.is_some()),
            ("memory.max", or(text(resources.memory_max), "max"), resources.memory_max.is_some()),
        ],
        (Controller::Memory, false) => vec![(
            "memory.limit_in_bytes",
            or(text(resources.memory_max), "-1"),
            resources.memory_max.is_some(),
        )],
        (Controller::Cpu, true) => vec![
            (
                "cpu.max",
                quota.map_or_else(|| format!("max {PERIOD}"), |quota| format!("{quota} {PERIOD}")),
                quota.is_some(),
            ),
            (
                "cpu.weight",
                or(text(resources.cpu_weight.map(u64::from)), "100"),
                resources.cpu_weight.is_some(),
            ),
        ],
        (Controller::Cpu, false) => vec![
            ("cpu.cfs_period_us", PERIOD.to_string(), quota.is_some()),
            ("cpu.cfs_quota_us", or(text(quota), "-1"), quota.is_some()),
            ("cpu.shares", shares(resources.cpu_weight).to_string(), resources.cpu_weight.is_some()),
        ],
        (Controller::Pids, _) => {
            vec![(
                "pids.max",
                or(text(resources.pids_max.map(u64::from)), "max"),
                resources.pids_max.is_some(),
            )]
        }
        (Controller::Io, true) => {
            let weight = resources.io_weight.unwrap_or(100);
            vec![("io.weight", format!("default {weight}"), resources.io_weight.is_some())]
        }
        (Controller::Io, false) => {
            let file = V1_IO.iter().map(|(file, _)| *file).find(|file| dir.join(file).exists());
            file.map(|file| {
                (file, resources.io_weight.unwrap_or(100).to_string(), resources.io_weight.is_some())
            })
            .into_iter()
            .collect()
        }
    };
    for (file, value, asked) in rows {
        let path = dir.join(file);
        match put(&path, &value) {
            Ok(()) => {}
            // Never bounded, so nothing has to be taken back.
            Err(error) if !asked && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let field = controller.field();
                return Err(format!(
                    "`resources.{field}` can't be set: `{value}` into `{}`: {}",
                    path.display(),
                    io_text(&error)
                ));
            }
        }
    }
    Ok(())
}

/// Version 1 counts 1024 where version 2 counts 100.
fn shares(weight: Option<u32>) -> u64 {
    (u64::from(weight.unwrap_or(100)) * 1024 / 100).clamp(2, 262_144)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [&str; 9] = [
        "memory.high",
        "memory.max",
        "memory.limit_in_bytes",
        "cpu.max",
        "cpu.weight",
        "cpu.cfs_period_us",
        "cpu.cfs_quota_us",
        "cpu.shares",
        "pids.max",
    ];

    fn written(controller: Controller, resources: &Resources, v2: bool) -> String {
        let dir = tempfile::tempdir().unwrap();
        for file in FILES.iter().chain(&["io.weight"]) {
            fs::write(dir.path().join(file), "").unwrap();
        }
        set(controller, dir.path(), resources, v2).unwrap();
        let mut files: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| format!("{name}={text}"))
            .collect();
        files.sort();
        files.join(", ")
    }

    #[test]
    fn bounds_are_written_as_each_version_wants_them() {
        let all = Resources {
            memory_max: Some(1 << 20),
            memory_high: Some(1 << 19),
            cpu_max: Some(1500),
            cpu_weight: Some(200),
            pids_max: Some(64),
            io_weight: Some(50),
        };
        let none = Resources::default();
        let rows = [
            (Controller::Memory, all, true, "memory.high=524288, memory.max=1048576"),
            (Controller::Memory, all, false, "memory.limit_in_bytes=1048576"),
            (Controller::Memory, none, true, "memory.high=max, memory.max=max"),
            (Controller::Cpu, all, true, "cpu.max=150000 100000, cpu.weight=200"),
            (
                Controller::Cpu,
                all,
                false,
                "cpu.cfs_period_us=100000, cpu.cfs_quota_us=150000, cpu.shares=2048",
            ),
            (Controller::Cpu, none, false, "cpu.cfs_period_us=100000, cpu.cfs_quota_us=-1, cpu.shares=1024"),
            (Controller::Pids, all, true, "pids.max=64"),
            (Controller::Pids, none, false, "pids.max=max"),
            (Controller::Io, all, true, "io.weight=default 50"),
        ];
        for (controller, resources, v2, expected) in rows {
            assert_eq!(written(controller, &resources, v2), expected, "{controller:?} {v2}");
        }
    }

    #[test]
    fn what_version_1_has_not_is_refused_and_not_ignored() {
        let high = Resources { memory_high: Some(1), ..Resources::default() };
        assert!(can(Controller::Memory, &high, true, None).is_ok());
        assert!(can(Controller::Memory, &high, false, None).unwrap_err().contains("memory.high"));
        let dir = tempfile::tempdir().unwrap();
        let weight = |io_weight| Resources { io_weight: Some(io_weight), ..Resources::default() };
        assert!(can(Controller::Io, &weight(50), false, Some(dir.path())).is_err());
        fs::write(dir.path().join("blkio.bfq.weight"), "100").unwrap();
        assert!(can(Controller::Io, &weight(50), false, Some(dir.path())).is_ok());
        assert!(can(Controller::Io, &weight(5000), false, Some(dir.path())).is_err());
    }
}
