//! Values of processes that run: limits, priorities, CPUs. By number: the caller holds the process.

use super::orders::{cpu_mask, raw_io, raw_limit, raw_policy};
use super::raw::call;
use crate::host::own_limits;
use crate::plan::adjust::Adjustment;

/// `IOPRIO_WHO_PROCESS`, which is one thread.
const ONE_THREAD: usize = 1;
/// Bytes of the largest mask of processors that Linux can be built for (8192).
const MASK_WORDS: usize = 128;

/// A value, ready for the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Number of the resource; soft and hard.
    Limit(u32, [u64; 2]),
    /// -20 to 19.
    Nice(i32),
    /// Class in bits 13 to 15, level below.
    Io(u32),
    /// `SCHED_*` and real-time priority.
    Policy(i32, i32),
    /// A bit a processor, without trailing zeros.
    Affinity(Vec<u64>),
    /// -1000 to 1000.
    OomScoreAdj(i32),
}

/// The name that a document has for it.
pub fn name(adjustment: &Adjustment) -> String {
    match adjustment {
        Adjustment::Limit(name, _) => format!("limits.{name}"),
        Adjustment::Nice(_) => "scheduling.nice".into(),
        Adjustment::Io(..) => "scheduling.ioClass".into(),
        Adjustment::Policy(..) => "scheduling.policy".into(),
        Adjustment::Affinity(_) => "scheduling.cpuAffinity".into(),
        Adjustment::OomScoreAdj(_) => "scheduling.oomScoreAdj".into(),
    }
}

/// Whether each thread has its own.
pub fn is_of_threads(adjustment: &Adjustment) -> bool {
    match adjustment {
        Adjustment::Limit(..) | Adjustment::OomScoreAdj(_) => false,
        Adjustment::Nice(_) | Adjustment::Io(..) | Adjustment::Policy(..) | Adjustment::Affinity(_) => true,
    }
}

/// How far this process, and what it starts, may raise a limit; `None`: no such limit. `u64::MAX` is unlimited.
pub fn hard_limit(name: &str) -> Option<u64> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    match Value::of(&Adjustment::Limit(name.to_owned(), None), own) {
        Ok(Value::Limit(_, [_, hard])) => Some(hard),
        Ok(_) | Err(_) => None,
    }
}

fn pid_of(number: i32) -> Result<rustix::process::Pid, i32> {
    rustix::process::Pid::from_raw(number).ok_or(libc::ESRCH)
}

fn answer<T>(result: rustix::io::Result<T>) -> Result<T, i32> {
    result.map_err(rustix::io::Errno::raw_os_error)
}

impl Value {
    /// What is wanted; `None`: what is inherited.
    pub fn wanted(adjustment: &Adjustment) -> Option<Self> {
        Some(match adjustment {
            Adjustment::Limit(name, limit) => {
                let raw = raw_limit(name, (*limit)?)?;
                Self::Limit(raw.resource, raw.pair)
            }
            Adjustment::Nice(nice) => Self::Nice((*nice)?),
            Adjustment::Io(class, level) => Self::Io(raw_io(*class, *level)?),
            Adjustment::Policy(policy, priority) => {
                let (policy, priority) = raw_policy((*policy)?, *priority);
                Self::Policy(policy, priority)
            }
            Adjustment::Affinity(cpus) => Self::Affinity(tidy(cpu_mask(cpus.as_deref()?))),
            Adjustment::OomScoreAdj(adj) => Self::OomScoreAdj((*adj)?),
        })
    }

    /// What whoever is started inherits.
    ///
    /// # Errors
    /// The kernel's errno.
    pub fn inherited(adjustment: &Adjustment) -> Result<Self, i32> {
        let own = Self::of(adjustment, rustix::process::getpid().as_raw_nonzero().get())?;
        Ok(match own {
            Self::Limit(libc::RLIMIT_NOFILE, pair) => {
                Self::Limit(libc::RLIMIT_NOFILE, own_limits::descriptors_of_services().unwrap_or(pair))
            }
            Self::OomScoreAdj(adj) => {
                Self::OomScoreAdj(own_limits::oom_score_adj_of_services().unwrap_or(adj))
            }
            own => own,
        })
    }

    /// What a process or thread has.
    ///
    /// # Errors
    /// The kernel's errno.
    pub fn of(adjustment: &Adjustment, number: i32) -> Result<Self, i32> {
        let place = number.unsigned_abs() as usize;
        match adjustment {
            Adjustment::Limit(name, _) => {
                let unlimited = crate::spec::Limit { soft: None, hard: None };
                let resource = raw_limit(name, unlimited).ok_or(libc::EINVAL)?.resource;
                let mut pair = [0u64; 2];
                let into = (&raw mut pair).addr();
                // SAFETY: `struct rlimit64` is two 64-bit numbers, on this stack.
                unsafe { call(libc::SYS_prlimit64, [place, resource as usize, 0, into, 0]) }?;
                Ok(Self::Limit(resource, pair))
            }
            Adjustment::Nice(_) => {
                answer(rustix::process::getpriority_process(Some(pid_of(number)?))).map(Self::Nice)
            }
            Adjustment::Io(..) => {
                // SAFETY: no pointers.
                let packed = unsafe { call(libc::SYS_ioprio_get, [ONE_THREAD, place, 0, 0, 0]) }?;
                Ok(Self::Io(u32::try_from(packed).unwrap_or(0)))
            }
            Adjustment::Policy(..) => {
                let mut priority = 0i32;
                let into = (&raw mut priority).addr();
                // SAFETY: `struct sched_param` is one int, on this stack.
                unsafe { call(libc::SYS_sched_getparam, [place, into, 0, 0, 0]) }?;
                // SAFETY: no pointers.
                let policy = unsafe { call(libc::SYS_sched_getscheduler, [place, 0, 0, 0, 0]) }?;
                Ok(Self::Policy(i32::try_from(policy).unwrap_or(0), priority))
            }
            Adjustment::Affinity(_) => {
                let mut mask = vec![0u64; MASK_WORDS];
                let into = mask.as_mut_ptr().addr();
                // SAFETY: the mask's length in bytes is passed.
                unsafe { call(libc::SYS_sched_getaffinity, [place, MASK_WORDS * 8, into, 0, 0]) }?;
                Ok(Self::Affinity(tidy(mask)))
            }
            Adjustment::OomScoreAdj(_) => {
                let text = std::fs::read_to_string(format!("/proc/{number}/oom_score_adj"));
                let text = text.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))?;
                text.trim().parse().map(Self::OomScoreAdj).map_err(|_| libc::EIO)
            }
        }
    }

    /// Gives it to a process or thread.
    ///
    /// # Errors
    /// The kernel's errno.
    pub fn give(&self, number: i32) -> Result<(), i32> {
        let place = number.unsigned_abs() as usize;
        let done = match self {
            Self::Limit(resource, pair) => {
                let from = pair.as_ptr().addr();
                // SAFETY: `struct rlimit64` is two 64-bit numbers.
                unsafe { call(libc::SYS_prlimit64, [place, *resource as usize, from, 0, 0]) }
            }
            Self::Nice(nice) => {
                return answer(rustix::process::setpriority_process(Some(pid_of(number)?), *nice));
            }
            // SAFETY: no pointers.
            Self::Io(packed) => unsafe {
                call(libc::SYS_ioprio_set, [ONE_THREAD, place, *packed as usize, 0, 0])
            },
            Self::Policy(policy, priority) => {
                let from = std::ptr::from_ref(priority).addr();
                // SAFETY: `struct sched_param` is one int.
                unsafe {
                    call(libc::SYS_sched_setscheduler, [place, policy.unsigned_abs() as usize, from, 0, 0])
                }
            }
            // SAFETY: the mask's length in bytes is passed.
            Self::Affinity(mask) => unsafe {
                let from = mask.as_ptr().addr();
                call(libc::SYS_sched_setaffinity, [place, size_of_val(mask.as_slice()), from, 0, 0])
            },
            Self::OomScoreAdj(adj) => {
                let path = format!("/proc/{number}/oom_score_adj");
                let written = std::fs::write(path, adj.to_string());
                return written.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO));
            }
        };
        done.map(|_| ())
    }
}

fn tidy(mut mask: Vec<u64>) -> Vec<u64> {
    while mask.last() == Some(&0) {
        mask.pop();
    }
    mask
}
