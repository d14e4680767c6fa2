//! Sending a signal to a process that is proven to be the one that was meant.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{PidfdFlags, pidfd_open};

pub use super::boot::boot_id;
use super::errno::io_text;
use super::failpoint::{self, Break};
use super::spawn::send_number;
use crate::facts::{Fact, ProcessKey, Stat};
use crate::plan::action::Outcome;
use crate::units::{BootId, Pid, Signal, StartTicks};

/// Of `/proc/PID/stat`: 52 numbers and a name.
const STAT_BYTES_MAX: usize = 4096;

/// No chain of parents is longer than this on a machine that works.
const ANCESTORS_MAX: usize = 1024;

/// What is needed of `/proc/PID/stat`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vital {
    /// Field 3.
    pub state: u8,
    /// Field 4.
    pub parent: Pid,
    /// Field 6.
    pub session: Pid,
    /// Field 9.
    pub flags: u32,
    /// Field 22, in clock ticks since boot.
    pub start: StartTicks,
    /// Field 52: the exit status of a zombie in the form of wait(2); 0 where it isn't readable.
    pub exit: i32,
}

impl Vital {
    /// Exited and not waited for, or on its way there.
    pub fn is_over(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(text.get(end.checked_add(2)?..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
        Some(Self {
            state: *field(3)?.as_bytes().first()?,
            parent: Pid(field(4)?.parse().ok()?),
            session: Pid(field(6)?.parse().ok()?),
            flags: field(9)?.parse().ok()?,
            start: StartTicks(field(22)?.parse().ok()?),
            exit: field(52).and_then(|text| text.parse().ok()).unwrap_or(0),
        })
    }
}

/// Reads `/proc/PID/stat`.
///
/// # Errors
/// `ENOENT` or `ESRCH`: there is no such process.
pub fn vital(pid: Pid) -> io::Result<Vital> {
    let file = File::open(format!("/proc/{pid}/stat"))?;
    // One record, and larger than any: one read has all of it. Whoever holds thousands pays for each call.
    let mut text = [0; STAT_BYTES_MAX];
    let length = loop {
        match rustix::io::read(&file, &mut text) {
            Err(rustix::io::Errno::INTR) => {}
            read => break read?,
        }
    };
    let text = text.get(..length).unwrap_or_default();
    Vital::parse(text).ok_or_else(|| io::Error::from_raw_os_error(libc::EIO))
}

/// A process that is held by a pidfd: its number can't come to mean another one unnoticed.
#[derive(Debug)]
pub struct Held {
    /// Bound to it.
    pub pidfd: OwnedFd,
    /// As it was when the pidfd was proven to be of this process.
    pub vital: Vital,
}

/// Why a process isn't held.
#[derive(Debug)]
pub enum NotHeld {
    /// It is gone, or a zombie. The pidfd, if there still was one to have, for its exit status.
    Gone(Option<OwnedFd>, Option<Vital>),
    /// It can't be told.
    Failed(io::Error),
}

/// Opens a pidfd and proves that it is bound to the process of this key: the start time is read after the pidfd was
/// opened, and the pidfd still answers after that, so that both speak of the same process.
///
/// # Errors
/// Gone, or not to be told.
pub fn hold(key: &ProcessKey) -> Result<Held, NotHeld> {
    hold_in(&boot_id().map_err(NotHeld::Failed)?, key)
}

/// The same for who holds many, and knows which boot this is.
///
/// # Errors
/// As [`hold`].
pub fn hold_in(boot: &BootId, key: &ProcessKey) -> Result<Held, NotHeld> {
    let gone = |error: &io::Error| matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT));
    if key.boot != *boot {
        return Err(NotHeld::Gone(None, None));
    }
    let Some(pid) = rustix::process::Pid::from_raw(key.pid.0) else { return Err(NotHeld::Gone(None, None)) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from) {
        Ok(pidfd) => pidfd,
        // EINVAL: the number is now that of a thread.
        Err(error) if gone(&error) || error.raw_os_error() == Some(libc::EINVAL) => {
            return Err(NotHeld::Gone(None, None));
        }
        Err(error) => return Err(NotHeld::Failed(error)),
    };
    match vital(key.pid) {
        Ok(vital) if vital.start != key.start => Err(NotHeld::Gone(None, None)),
        Ok(vital) if vital.is_over() && !has_live_threads(key.pid) => {
            Err(NotHeld::Gone(Some(pidfd), Some(vital)))
        }
        Ok(vital) => Ok(Held { pidfd, vital }),
        Err(error) if gone(&error) => Err(NotHeld::Gone(Some(pidfd), None)),
        Err(error) => Err(NotHeld::Failed(error)),
    }
}

/// A leader that exited while other threads go on shows as a zombie and is none.
fn has_live_threads(pid: Pid) -> bool {
    fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let other = name.to_str().and_then(|name| name.parse::<i32>().ok()).filter(|tid| *tid != pid.0);
            other.is_some_and(|tid| {
                fs::read(format!("/proc/{pid}/task/{tid}/stat"))
                    .ok()
                    .and_then(|text| Vital::parse(&text))
                    .is_some_and(|vital| !vital.is_over())
            })
        })
    })
}

/// A process that may be signalled: held, proven to be the one that was meant, and checked under that.
#[derive(Debug)]
pub struct Target {
    key: ProcessKey,
    pidfd: OwnedFd,
}

/// Holds the process of `key` for a signal, to it and to no other. `check` is asked once the process is held, for what
/// else must be true of it. PID 1, kernel threads, the engine and its ancestors are refused, whatever a record says.
///
/// # Errors
/// [`Outcome::Gone`] or [`Outcome::Refused`].
pub fn verify(key: &ProcessKey, check: impl FnOnce() -> Fact<bool>) -> Result<Target, Outcome> {
    let refused = |text: String| Err(refusal(key, &text));
    if let Some(why) = never(key.pid) {
        return refused(why.into());
    }
    let held = match hold(key) {
        Ok(held) => held,
        Err(NotHeld::Gone(..)) => return Err(Outcome::Gone),
        Err(NotHeld::Failed(error)) => return refused(format!("it can't be verified: {}", io_text(&error))),
    };
    if held.vital.flags & Stat::KERNEL_THREAD != 0 {
        return refused(KERNEL_THREAD.into());
    }
    match check() {
        Fact::Known(true) => Ok(Target { key: key.clone(), pidfd: held.pidfd }),
        Fact::Known(false) => refused("it no longer satisfies the rule it was chosen by".into()),
        Fact::Absent => Err(Outcome::Gone),
        Fact::Unknown(reason) => refused(format!("it can't be verified: {reason}")),
    }
}

fn refusal(key: &ProcessKey, text: &str) -> Outcome {
    Outcome::Refused { error: format!("process {}: {text}", key.pid) }
}

impl Target {
    /// Which process.
    pub fn key(&self) -> &ProcessKey {
        &self.key
    }

    /// Sends it a signal.
    pub fn send(&self, signal: Signal) -> Outcome {
        match self.send_number(signal.number()) {
            Ok(()) => Outcome::Done,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Outcome::Gone,
            Err(error) => refusal(&self.key, &format!("{signal} could not be sent: {}", io_text(&error))),
        }
    }

    /// Sends it a signal by a number that nobody has checked; 0 only asks whether it could be sent. The one place in
    /// selfsame that signals.
    ///
    /// # Errors
    /// `ESRCH`, `EPERM`, `EINVAL`.
    pub fn send_number(&self, number: i32) -> io::Result<()> {
        send_number(&self.pidfd, number)
    }
}

impl AsFd for Target {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Sends `signal` to the process of `key` and to no other: [`verify`], then [`Target::send`].
pub fn signal_verified(key: &ProcessKey, signal: Signal, check: impl FnOnce() -> Fact<bool>) -> Outcome {
    if failpoint::broken(Break::SignalByNumber) {
        return by_number(key, signal);
    }
    if let Err(error) = failpoint::hit("signal.verify") {
        return refusal(key, &io_text(&error));
    }
    match verify(key, check) {
        Ok(target) => {
            let outcome = match failpoint::hit("signal.send") {
                Ok(()) => target.send(signal),
                Err(error) => refusal(key, &io_text(&error)),
            };
            let _ = failpoint::hit("signal.sent");
            outcome
        }
        Err(outcome) => outcome,
    }
}

/// What must never be done, for tests that show who notices: whoever has the number gets the signal.
fn by_number(key: &ProcessKey, signal: Signal) -> Outcome {
    let _ = failpoint::hit("signal.send");
    let known = nix::sys::signal::Signal::try_from(signal.number());
    match known.map(|signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(key.pid.0), signal)) {
        Ok(Ok(())) => Outcome::Done,
        Ok(Err(_)) | Err(_) => Outcome::Gone,
    }
}

/// Why a process is never signalled, whoever asks: `None` if it may be. For saying so beforehand; [`verify`] asks again.
pub fn protected(pid: Pid) -> Option<&'static str> {
    never(pid).or_else(|| {
        let kernel = vital(pid).is_ok_and(|vital| vital.flags & Stat::KERNEL_THREAD != 0);
        kernel.then_some(KERNEL_THREAD)
    })
}

const KERNEL_THREAD: &str = "it is a kernel thread";

/// Why a process is never signalled by its place.
fn never(pid: Pid) -> Option<&'static str> {
    if pid.0 <= 1 {
        return Some("it is the first process of the system");
    }
    let own = Pid(rustix::process::getpid().as_raw_nonzero().get());
    let mut at = own;
    for _ in 0..ANCESTORS_MAX {
        if at == pid {
            return Some(if at == own { "it is selfsame itself" } else { "it is an ancestor of selfsame" });
        }
        match vital(at) {
            Ok(vital) if vital.parent.0 > 1 => at = vital.parent,
            Ok(_) => return None,
            Err(_) => return Some("the ancestors of selfsame can't be read"),
        }
    }
    Some("the ancestors of selfsame can't be read")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn stat_is_parsed_from_the_last_parenthesis() {
        let fields = "S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3";
        for comm in ["sh", "a) S 1", "((", "new\nline"] {
            let text = format!("12 ({comm}) {fields}\n");
            let vital = Vital::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (vital.parent, vital.session, vital.start),
                (Pid(7), Pid(9), StartTicks(4711)),
                "{comm}"
            );
        }
        for torn in ["", "12 (sh", "12 (sh)", "12 (sh) S", "12 (sh) S 7 8 9 0 -1 1 1"] {
            assert_eq!(Vital::parse(torn.as_bytes()), None, "{torn}");
        }
    }
}
