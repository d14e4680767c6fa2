//! Other limits and another scheduling for a process that runs, and for what descends from it.
//!
//! The process is held by a pidfd and proven to be the one on record. Some values belong to threads (nice, policy, CPUs,
//! I/O priority), so every thread gets them. A descendant gets a value if it still has the one that the process had: one
//! that chose its own keeps it.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::errno::errno_text;
use super::probe::descendants;
use super::signal::{Target, hold, verify};
use super::spawn::live::{self, Value};
use crate::facts::{Fact, ProcessKey};
use crate::plan::action::Outcome;
use crate::plan::adjust::Adjustment;
use crate::units::{Capability, Pid};

/// Threads that begin meanwhile are listed again, so often at the most.
const ROUNDS: usize = 4;

/// Why a value can't be given.
struct Failure {
    errno: i32,
    /// A process that is started anew could have it.
    anew: bool,
}

/// Gives the process of `key` other values.
pub(super) fn adjust(key: &ProcessKey, adjustments: &[Adjustment]) -> Outcome {
    let target = match verify(key, || Fact::Known(true)) {
        Ok(target) => target,
        Err(outcome) => return outcome,
    };
    let tree = descendants(key.pid);
    for adjustment in adjustments {
        if let Err(failure) = give(key.pid, &tree, adjustment) {
            if has_exited(&target) {
                return Outcome::Gone;
            }
            let (name, text) = (live::name(adjustment), errno_text(failure.errno));
            let error = format!("`{name}` of process {} can't be changed: {text}", key.pid);
            return if failure.anew { Outcome::NotLive { error } } else { Outcome::Refused { error } };
        }
    }
    if has_exited(&target) { Outcome::Gone } else { Outcome::Done }
}

/// Gives one process another value, with all its threads and without what descends from it. What it had before.
///
/// # Errors
/// The kernel's errno. `ESRCH`: it exited meanwhile.
pub(super) fn give_alone(target: &Target, adjustment: &Adjustment) -> Result<Value, i32> {
    let pid = target.key().pid;
    let wanted = Value::wanted(adjustment).ok_or(libc::EINVAL)?;
    let before = Value::of(adjustment, pid.0)?;
    if has_exited(target) {
        return Err(libc::ESRCH);
    }
    let given = give_one(pid, adjustment, &wanted);
    if has_exited(target) { Err(libc::ESRCH) } else { given.map(|()| before) }
}

/// Whether a process that is held has ended.
pub(super) fn has_exited(target: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(target, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

fn give(main: Pid, tree: &[ProcessKey], adjustment: &Adjustment) -> Result<(), Failure> {
    let wanted = Value::wanted(adjustment).or_else(|| Value::inherited(adjustment).ok());
    let before = Value::of(adjustment, main.0).ok();
    let wanted = wanted.ok_or(Failure { errno: libc::EINVAL, anew: false })?;
    give_one(main, adjustment, &wanted)
        .map_err(|errno| Failure { errno, anew: errno != libc::ESRCH && could_anew(&wanted, adjustment) })?;
    for other in tree {
        // Held, so that its number is its own at this moment.
        let Ok(_held) = hold(other) else { continue };
        if Value::of(adjustment, other.pid.0).ok() == before {
            // It may be another user's by now, or gone: what it has it keeps.
            let _ = give_one(other.pid, adjustment, &wanted);
        }
    }
    Ok(())
}

fn give_one(pid: Pid, adjustment: &Adjustment, wanted: &Value) -> Result<(), i32> {
    if !live::is_of_threads(adjustment) {
        return wanted.give(pid.0);
    }
    let mut done = BTreeSet::new();
    for _ in 0..ROUNDS {
        let new: Vec<i32> = threads(pid).into_iter().filter(|thread| !done.contains(thread)).collect();
        if new.is_empty() {
            break;
        }
        for thread in new {
            match wanted.give(thread) {
                // A thread that ended.
                Err(libc::ESRCH) if thread != pid.0 => {}
                answer => answer?,
            }
            done.insert(thread);
        }
    }
    Ok(())
}

fn threads(pid: Pid) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return vec![pid.0] };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a child of the engine could be given it. If not, a restart would only end what runs.
fn could_anew(wanted: &Value, adjustment: &Adjustment) -> bool {
    let privileged = super::abilities::has(Capability::SYS_RESOURCE);
    match (wanted, Value::inherited(adjustment)) {
        (Value::Limit(_, wanted), Ok(Value::Limit(_, has))) => !privileged && wanted[1] <= has[1],
        (Value::Nice(wanted), Ok(Value::Nice(has))) => wanted >= &has,
        (Value::OomScoreAdj(wanted), Ok(Value::OomScoreAdj(has))) => !privileged && wanted >= &has,
        (wanted, Ok(has)) => *wanted == has,
        (_, Err(_)) => false,
    }
}
