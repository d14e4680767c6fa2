//! Turning a launch into what the kernel takes: strings, arrays, numbers. All allocation happens here, before clone.

use std::ffi::{CString, c_char};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::child::RawLimit;
use super::given::{FIRST_SOCKET, Given, environment};
use super::output::{null, open_output};
use super::{SpawnError, Step};
use crate::host::own_limits;
use crate::plan::action::{Launch, OutputTarget};
use crate::plan::output::Stream;
use crate::spec::{CpuPolicy, IoClass, Limit};
use crate::units::Uid;

/// Its name in documents.
const DESCRIPTORS: &str = "nofile";

/// Where output goes instead of where the launch says.
#[derive(Debug)]
pub(super) enum Heard {
    /// Standard output.
    Output(File),
    /// Standard output and standard error.
    Both(File),
}

/// Owns what the child's orders point to.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) program: CString,
    pub(super) directory: CString,
    argv: Vec<CString>,
    envp: Vec<CString>,
    pub(super) limits: Vec<RawLimit>,
    pub(super) groups: Vec<u32>,
    pub(super) oom_score_adj: Option<String>,
    pub(super) affinity: Option<Vec<u64>>,
    pub(super) policy: Option<(i32, i32)>,
    pub(super) ioprio: Option<u32>,
    pub(super) descriptors: [OwnedFd; 3],
    pub(super) given: Given,
}

impl Prepared {
    /// `heard` is where output goes instead of where the launch says.
    ///
    /// # Errors
    /// An argument that can't be passed, an output that can't be opened, an unknown limit.
    pub(super) fn new(
        launch: &Launch,
        heard: Option<Heard>,
        sockets: &[BorrowedFd<'_>],
    ) -> Result<Self, SpawnError> {
        let text = |bytes: &[u8]| {
            CString::new(bytes).map_err(|_| SpawnError::at(Step::Arguments, libc::EINVAL, launch))
        };
        let own = Uid(crate::host::own_uid());
        let output_owner = launch.output_owner.unwrap_or_else(|| launch.uid_or(own)).0;
        let stdin = null(File::options().read(true))?;
        // Selfsame's own two may be two.
        let (heard, both) = match heard {
            Some(Heard::Output(file)) => (Some(file), false),
            Some(Heard::Both(file)) => (Some(file), true),
            None => (None, false),
        };
        let together = both
            || heard.is_none() && launch.stderr == launch.stdout && launch.stdout != OutputTarget::Inherit;
        let stdout = heard.map_or_else(|| open_output(&launch.stdout, Stream::Out, output_owner), Ok)?;
        let stderr = if together {
            stdout.try_clone().map_err(|error| SpawnError::at(Step::Descriptors, raw(&error), launch))?
        } else {
            open_output(&launch.stderr, Stream::Err, output_owner)?
        };
        let above = |file: File| above_places(file, sockets.len(), launch);
        Ok(Self {
            program: text(launch.program.as_os_str().as_bytes())?,
            directory: text(launch.working_directory.as_os_str().as_bytes())?,
            argv: launch.argv.iter().map(|word| text(word.as_bytes())).collect::<Result<_, _>>()?,
            envp: environment(launch, sockets.len())
                .iter()
                .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_slice()].concat()))
                .collect::<Result<_, _>>()?,
            limits: limits(launch)?,
            groups: launch
                .ids
                .as_ref()
                .map(|ids| ids.groups.iter().map(|group| group.0).collect())
                .unwrap_or_default(),
            oom_score_adj: launch
                .scheduling
                .oom_score_adj
                .or_else(own_limits::oom_score_adj_of_services)
                .map(|value| value.to_string()),
            affinity: launch.scheduling.cpu_affinity.as_deref().map(cpu_mask),
            policy: launch.scheduling.policy.map(|policy| raw_policy(policy, launch.scheduling.rt_priority)),
            ioprio: raw_io(launch.scheduling.io_class, launch.scheduling.io_priority),
            descriptors: [above(stdin)?, above(stdout)?, above(stderr)?],
            given: Given::new(launch, sockets)?,
        })
    }

    /// argv and envp as null-terminated arrays, valid as long as `self`.
    pub(super) fn arrays(&self) -> (Vec<*const c_char>, Vec<*const c_char>) {
        let array = |words: &[CString], more: Option<*const c_char>| {
            words.iter().map(|word| word.as_ptr()).chain(more).chain([ptr::null()]).collect::<Vec<_>>()
        };
        (array(&self.argv, None), array(&self.envp, self.given.listen_pid()))
    }
}

pub(super) fn raw(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// A descriptor above all places, so that placing one never overwrites the source of another.
fn above_places(file: File, sockets: usize, launch: &Launch) -> Result<OwnedFd, SpawnError> {
    let above = i32::try_from(FIRST_SOCKET.saturating_add(sockets)).unwrap_or(i32::MAX);
    if file.as_raw_fd() >= above {
        return Ok(file.into());
    }
    rustix::io::fcntl_dupfd_cloexec(file.as_fd(), above)
        .map_err(|error| SpawnError::at(Step::Descriptors, error.raw_os_error(), launch))
}

pub(super) fn cpu_mask(cpus: &[u32]) -> Vec<u64> {
    let words = cpus.iter().max().map_or(1, |cpu| cpu / 64 + 1) as usize;
    let mut mask = vec![0u64; words];
    for cpu in cpus {
        if let Some(word) = mask.get_mut((cpu / 64) as usize) {
            *word |= 1 << (cpu % 64);
        }
    }
    mask
}

pub(super) fn raw_policy(policy: CpuPolicy, priority: Option<u8>) -> (i32, i32) {
    let priority = i32::from(priority.unwrap_or(1));
    match policy {
        CpuPolicy::Other => (libc::SCHED_OTHER, 0),
        CpuPolicy::Batch => (libc::SCHED_BATCH, 0),
        CpuPolicy::Idle => (libc::SCHED_IDLE, 0),
        CpuPolicy::Fifo => (libc::SCHED_FIFO, priority),
        CpuPolicy::Rr => (libc::SCHED_RR, priority),
    }
}

/// `ioprio_set(2)`: the class in bits 13 to 15, the level below. A level without a class is of the normal class.
pub(super) fn raw_io(class: Option<IoClass>, level: Option<u8>) -> Option<u32> {
    let class = match (class, level) {
        (None, None) => return None,
        (Some(IoClass::RealTime), _) => 1,
        (Some(IoClass::BestEffort) | None, _) => 2,
        (Some(IoClass::Idle), _) => return Some(3 << 13),
    };
    Some(class << 13 | u32::from(level.unwrap_or(4)))
}

/// Resources of `setrlimit(2)` by lower-case name. The numbers are those of the kernel on x86-64 and arm64.
const RESOURCES: [(&str, u32); 16] = [
    ("cpu", 0),
    ("fsize", 1),
    ("data", 2),
    ("stack", 3),
    ("core", 4),
    ("rss", 5),
    ("nproc", 6),
    ("nofile", 7),
    ("memlock", 8),
    ("as", 9),
    ("locks", 10),
    ("sigpending", 11),
    ("msgqueue", 12),
    ("nice", 13),
    ("rtprio", 14),
    ("rttime", 15),
];

/// Those of the document, and what isn't to be inherited from us.
fn limits(launch: &Launch) -> Result<Vec<RawLimit>, SpawnError> {
    let raw = |(name, limit): (&String, &Limit)| {
        raw_limit(name, *limit).ok_or_else(|| SpawnError::at(Step::Limits, libc::EINVAL, launch))
    };
    let ours = own_limits::descriptors_of_services().filter(|_| !launch.limits.contains_key(DESCRIPTORS));
    let given = ours.map(|pair| Ok(RawLimit { resource: libc::RLIMIT_NOFILE, pair }));
    launch.limits.iter().map(raw).chain(given).collect()
}

pub(super) fn raw_limit(name: &str, limit: Limit) -> Option<RawLimit> {
    let (_, resource) = RESOURCES.iter().find(|(known, _)| *known == name)?;
    let value = |part: Option<u64>| part.unwrap_or(u64::MAX);
    Some(RawLimit { resource: *resource, pair: [value(limit.soft), value(limit.hard)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_masks_have_a_bit_a_processor() {
        for (cpus, mask) in
            [(vec![0], vec![1]), (vec![1, 3], vec![10]), (vec![64], vec![0, 1]), (vec![], vec![0])]
        {
            assert_eq!(cpu_mask(&cpus), mask, "{cpus:?}");
        }
    }

    #[test]
    fn io_priorities_are_packed() {
        assert_eq!(raw_io(None, None), None);
        assert_eq!(raw_io(None, Some(7)), Some(2 << 13 | 7));
        assert_eq!(raw_io(Some(IoClass::Idle), Some(7)), Some(3 << 13));
        assert_eq!(raw_io(Some(IoClass::RealTime), None), Some(1 << 13 | 4));
    }
}
