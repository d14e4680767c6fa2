//! A daemon of the classic kind: a grandchild that is no session leader, so that it can never come by a terminal.
//!
//! ```text
//! caller:  fork ... waits for the middle one, then for the end of the pipe ........... pid, or step and errno
//! middle:         setsid, fork, exit
//! daemon:                     key into the pipe | its settings | execve closes the pipe
//! ```
//!
//! Unlike a service of the engine the daemon is made by fork: its own setting up is ordinary code, the same that runs when we
//! become the program in place. The caller is a small process with one thread.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, setsid};

use crate::units::{Pid, StartTicks};

/// A daemon that executes its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detached {
    /// Its number.
    pub pid: Pid,
    /// When it was forked.
    pub start: StartTicks,
    /// Its session, whose leader has ended.
    pub session: Pid,
}

/// What the daemon says: who it is, and if it failed, `work`'s number for the step, and the errno.
const KEY_BYTES: usize = 16;
const FAILURE_BYTES: usize = 8;

/// Why no daemon is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotDetached {
    /// Who it would have been, if it came to be.
    pub pid: Option<Pid>,
    /// What `work` said that it was at; `None` before it began.
    pub step: Option<u32>,
    /// The kernel's answer.
    pub errno: i32,
}

/// Forks a daemon that does `work`, which returns only if it failed: a number for the step and an errno. Returns when the
/// daemon has executed its program.
///
/// # Errors
/// No daemon is left.
pub fn detach(work: impl FnOnce(Pid) -> (u32, i32)) -> Result<Detached, NotDetached> {
    let early = |errno: nix::errno::Errno| NotDetached { pid: None, step: None, errno: errno as i32 };
    let (hears, tells) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(early)?;
    let mut before = SigSet::empty();
    let child = SigSet::from(Signal::SIGCHLD);
    // So that a handler of nobody is disturbed, and waiting is not broken off.
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&child), Some(&mut before)).map_err(early)?;
    // SAFETY: this process has one thread on this path, so that the child may go on with ordinary code. It never returns
    // from here: it ends in `middle`.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            drop(hears);
            middle(tells, &before, work)
        }
        Ok(ForkResult::Parent { child }) => {
            drop(tells);
            // ECHILD where SIGCHLD is ignored: the kernel collected it.
            let _ = waitpid(child, None);
            let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
            heard(hears, Pid(child.as_raw()))
        }
        Err(errno) => {
            let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
            Err(early(errno))
        }
    }
}

fn middle(tells: OwnedFd, before: &SigSet, work: impl FnOnce(Pid) -> (u32, i32)) -> ! {
    let mut tells = File::from(tells);
    if let Err(errno) = setsid() {
        tell_early(&mut tells, errno as i32);
        leave();
    }
    // SAFETY: as above.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(before), None);
            let pid = Pid(rustix::process::getpid().as_raw_nonzero().get());
            let start = own_start();
            let _ = tells.write_all(&key_bytes(pid, start));
            let (step, errno) = work(pid);
            let mut failure = [0; FAILURE_BYTES];
            let (left, right) = failure.split_at_mut(4);
            left.copy_from_slice(&step.to_ne_bytes());
            right.copy_from_slice(&errno.to_ne_bytes());
            let _ = tells.write_all(&failure);
        }
        Ok(ForkResult::Parent { .. }) => {}
        Err(errno) => tell_early(&mut tells, errno as i32),
    }
    leave()
}

/// Ends this process without what the caller still has to do: its buffers are the caller's to write out.
fn leave() -> ! {
    // SAFETY: no pointers, and nothing of ours runs after it.
    unsafe { libc::_exit(0) }
}

/// A failure before there was a daemon: the key's place holds the errno and no pid.
fn tell_early(tells: &mut File, errno: i32) {
    let _ = tells.write_all(&key_bytes(Pid(0), StartTicks(u64::from(errno.unsigned_abs()))));
}

fn key_bytes(pid: Pid, start: StartTicks) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    let (left, right) = bytes.split_at_mut(8);
    left.copy_from_slice(&i64::from(pid.0).to_ne_bytes());
    right.copy_from_slice(&start.0.to_ne_bytes());
    bytes
}

fn own_start() -> StartTicks {
    let stat = std::fs::read("/proc/self/stat").unwrap_or_default();
    StartTicks(super::start_of_stat(&stat).unwrap_or(0))
}

/// Reads until the pipe ends: with execve, or with the daemon.
fn heard(hears: OwnedFd, session: Pid) -> Result<Detached, NotDetached> {
    let early = |errno: i32| NotDetached { pid: None, step: None, errno };
    let mut said = Vec::new();
    File::from(hears)
        .read_to_end(&mut said)
        .map_err(|error: io::Error| early(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let word =
        |at: usize| said.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_ne_bytes);
    let half = |at: usize| said.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    let (Some(pid), Some(start)) = (word(0), word(8)) else {
        // The middle one was killed, or the daemon before its first word.
        return Err(early(libc::EINTR));
    };
    if pid == 0 {
        return Err(early(i32::try_from(start).unwrap_or(libc::EIO)));
    }
    let pid = Pid(i32::try_from(pid).unwrap_or(0));
    let failure = half(KEY_BYTES).map(u32::from_ne_bytes).zip(half(KEY_BYTES + 4).map(i32::from_ne_bytes));
    match failure {
        Some((step, errno)) => Err(NotDetached { pid: Some(pid), step: Some(step), errno }),
        None => Ok(Detached { pid, start: StartTicks(start.cast_unsigned()), session }),
    }
}
