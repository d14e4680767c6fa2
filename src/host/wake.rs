//! Waiting for whatever comes first: an exit, a signal, a hint that documents changed, a probe's answer, a deadline.
//!
//! ```text
//! pidfd of each process on record --\
//! signalfd: TERM INT QUIT HUP CHLD --+--> one epoll --> Wakes
//! the watchers of documents and requests, the table of mounts --+
//! the probes' own epoll            --+
//! the control socket's own epoll   --+
//! the kernel's process events      --+
//! timerfd on the boot-time clock   --+
//! timerfd that the setting of the wall clock ends --/
//! ```
//!
//! Nothing here carries a decision: a wake-up that is lost or doubled does no harm, since every tick looks.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal as Known};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::spawn::let_go_of_program;
use crate::units::{BootTime, Pid, Signal};

/// Why the loop woke up. Several may be true, or none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent hints, each true or not")]
pub struct Wakes {
    /// A process on record, or some child, exited.
    pub exits: bool,
    /// Processes that are held and exited, as far as that is what woke the loop.
    pub exited: Vec<Pid>,
    /// Documents may have changed.
    pub specs: bool,
    /// Something was mounted or unmounted.
    pub mounts: bool,
    /// A probe may have an answer.
    pub probes: bool,
    /// The control socket may have something.
    pub control: bool,
    /// Somebody may be asking for metrics.
    pub scrapes: bool,
    /// The kernel tells of processes.
    pub processes: bool,
    /// What was waited for at the longest has come.
    pub due: bool,
    /// Somebody asks the engine to end: TERM, INT or QUIT.
    pub stop: Option<Signal>,
    /// HUP: look at the documents now.
    pub reload: bool,
    /// The wall clock was set.
    pub clock: bool,
}

impl Wakes {
    /// Something else than an exit, a document or a call woke the loop: an answer, a word of a service, another time.
    pub fn is_more_than_exits(&self) -> bool {
        self.probes || self.clock
    }

    /// Nothing woke the loop but what the kernel tells of processes, or the time at which it is listened to again.
    pub fn is_of_processes_only(&self) -> bool {
        self.processes && !Self { processes: false, ..self.clone() }.is_more_than_control() && !self.control
    }

    /// Nothing woke the loop but that documents may have changed.
    pub fn is_of_documents_only(&self) -> bool {
        !self.is_more_than_asking() && !self.control
    }

    /// Something else may have happened than that documents changed or that somebody asks.
    pub fn is_more_than_asking(&self) -> bool {
        let asking =
            Self { specs: self.specs, mounts: self.mounts, control: self.control, ..Self::default() };
        *self != asking || asking == Self::default()
    }

    /// Something else than the control socket woke the loop.
    pub fn is_more_than_control(&self) -> bool {
        self.exits
            || self.specs
            || self.mounts
            || self.probes
            || self.clock
            || self.reload
            || self.processes
            || self.stop.is_some()
    }
}

const SIGNALS: u64 = 0;
const TIMER: u64 = 1;
const SPECS: u64 = 2;
const PROBES: u64 = 4;
const CLOCK: u64 = 5;
const MOUNTS: u64 = 8;
const CONTROL: u64 = 6;
const SCRAPES: u64 = 7;
const EVENTS_OF_PROCESSES: u64 = 9;
/// Tokens from here on are processes.
const PROCESSES: u64 = 16;
const EVENTS_MAX: usize = 64;
/// The size of `struct signalfd_siginfo` (`include/uapi/linux/signalfd.h`).
const SIGNAL_BYTES: usize = 128;
/// Of the signals that are meant there are five, and each of them is pending once.
const SIGNALS_AT_ONCE: usize = 16;

/// The one place where the engine waits.
#[derive(Debug)]
pub struct Waker {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// Never runs out, and is cancelled when somebody sets the wall clock, which schedules go by.
    clock: Option<OwnedFd>,
    signals: Option<SignalFd>,
    mounts: Option<File>,
    /// A child may have exited since somebody last asked the kernel for those.
    exits: Cell<bool>,
    /// The next wait is for long.
    rests: bool,
}

impl Waker {
    /// A loop's waker. With `signals`, TERM, INT, QUIT, HUP and CHLD are blocked in the calling thread and in those it
    /// starts from now on, and become wake-ups; without, they keep their meaning (for tests and one-shot verbs).
    ///
    /// # Errors
    /// The kernel gives no more descriptors.
    pub fn new(signals: bool) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let signals = if signals { Some(take_signals()?) } else { None };
        let add = |fd: BorrowedFd<'_>, token| {
            epoll::add(&epoll, fd, epoll::EventData::new_u64(token), epoll::EventFlags::IN)
        };
        add(timer.as_fd(), TIMER)?;
        if let Some(signals) = &signals {
            add(signals.as_fd(), SIGNALS)?;
        }
        // A kernel that refuses it leaves the periodic look to find it out.
        let clock = clock_watch().ok();
        if let Some(clock) = &clock {
            add(clock.as_fd(), CLOCK)?;
        }
        // What ended before is told of by no signal: a new image of the engine has the children of the last one.
        Ok(Self { epoll, timer, clock, signals, mounts: None, exits: Cell::new(true), rests: false })
    }

    /// Also waits for a watcher of documents. Whoever owns it reads it empty after each wake-up.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_specs(&self, watcher: impl AsFd) -> io::Result<()> {
        self.watch(watcher, SPECS, epoll::EventFlags::IN)
    }

    /// Also wakes when something is mounted or unmounted: inotify says nothing of it.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_mounts(&mut self) -> io::Result<()> {
        let mounts = File::open("/proc/self/mountinfo")?;
        // It reads as ready always; a change is an exceptional condition, which one look at it ends.
        self.watch(&mounts, MOUNTS, epoll::EventFlags::PRI)?;
        self.mounts = Some(mounts);
        Ok(())
    }

    fn watch(&self, fd: impl AsFd, token: u64, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, epoll::EventData::new_u64(token), flags)?)
    }

    /// Also waits for the probes' epoll.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_probes(&self, probes: impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(PROBES);
        Ok(epoll::add(&self.epoll, probes, data, epoll::EventFlags::IN)?)
    }

    /// Also waits for the control socket's epoll.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_control(&self, control: impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(CONTROL);
        Ok(epoll::add(&self.epoll, control, data, epoll::EventFlags::IN)?)
    }

    /// Also waits for the epoll of those who ask for metrics.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_scrapes(&self, scrapes: impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(SCRAPES);
        Ok(epoll::add(&self.epoll, scrapes, data, epoll::EventFlags::IN)?)
    }

    /// Also waits for what the kernel tells of processes, or not for now: then it is kept for later.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_processes(&self, events: impl AsFd, now: bool) -> io::Result<()> {
        let flags = if now { epoll::EventFlags::IN } else { epoll::EventFlags::empty() };
        let data = epoll::EventData::new_u64(EVENTS_OF_PROCESSES);
        match epoll::modify(&self.epoll, &events, data, flags) {
            Err(rustix::io::Errno::NOENT) => Ok(epoll::add(&self.epoll, events, data, flags)?),
            answer => Ok(answer?),
        }
    }

    /// Wakes once when the process exits. The descriptor's owner closes it when it is no longer wanted.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn watch_exit(&self, pid: Pid, pidfd: impl AsFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(PROCESSES + u64::from(pid.0.unsigned_abs()));
        // Once: a pidfd stays readable after the exit, and would wake the loop for ever.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ONESHOT;
        match epoll::add(&self.epoll, pidfd, data, flags) {
            Err(rustix::io::Errno::EXIST) => Ok(()),
            answer => Ok(answer?),
        }
    }

    /// Whether a child may have exited since this was last asked. The kernel makes the signal of an exit in the same moment in which
    /// the child can be waited for, and to ask it for those goes through all children.
    pub fn take_exits(&self) -> bool {
        let Some(signals) = &self.signals else { return true };
        let mut unread = [PollFd::new(signals, PollFlags::IN)];
        let is_unread = poll(&mut unread, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0);
        self.exits.replace(false) || is_unread
    }

    /// A child is known to have exited since [`Self::take_exits`] was last asked; without asking the kernel.
    pub fn has_exits(&self) -> bool {
        self.exits.get()
    }

    /// The next wait is for long, as far as is known: nothing of the program is needed meanwhile.
    pub fn rest(&mut self) {
        self.rests = true;
    }

    /// Waits until something happens or `until` comes; for ever without it.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn wait(&mut self, until: Option<BootTime>) -> io::Result<Wakes> {
        self.set_timer(until)?;
        let mut events = Vec::with_capacity(EVENTS_MAX);
        if std::mem::take(&mut self.rests) {
            let_go_of_program();
        }
        loop {
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => {}
                answer => {
                    answer?;
                    break;
                }
            }
        }
        let mut wakes = Wakes::default();
        for event in &events {
            match event.data.u64() {
                SIGNALS => self.read_signals(&mut wakes),
                TIMER => {}
                SPECS => wakes.specs = true,
                MOUNTS => wakes.mounts = true,
                PROBES => wakes.probes = true,
                CONTROL => wakes.control = true,
                CLOCK => {
                    self.arm_clock();
                    wakes.clock = true;
                }
                SCRAPES => wakes.scrapes = true,
                EVENTS_OF_PROCESSES => wakes.processes = true,
                token => {
                    wakes.exits = true;
                    wakes.exited.extend(i32::try_from(token - PROCESSES).ok().map(Pid));
                }
            }
        }
        if wakes.exits {
            self.exits.set(true);
        }
        Ok(wakes)
    }

    /// An absolute time on the clock that counts suspension: after a resume a missed deadline comes at once.
    fn set_timer(&self, until: Option<BootTime>) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // All zero switches a timer off, so a deadline in the past is a nanosecond.
        let value = until.map_or(zero, |until| {
            let time = until.0.max(Duration::from_nanos(1));
            Timespec {
                tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(time.subsec_nanos()),
            }
        });
        let spec = Itimerspec { it_interval: zero, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &spec)?;
        Ok(())
    }

    /// Until the clock is set the next time.
    fn arm_clock(&self) {
        if let Some(clock) = &self.clock {
            let _ = rustix::io::read(clock, &mut [0u8; 8]);
            let _ = arm(clock);
        }
    }

    fn read_signals(&self, wakes: &mut Wakes) {
        let Some(signals) = &self.signals else { return };
        let mut room = [0; SIGNAL_BYTES * SIGNALS_AT_ONCE];
        // What there is no room for, or comes later, wakes the loop again.
        let read = rustix::io::read(signals, &mut room).unwrap_or(0);
        let (told, _) = room.as_chunks::<SIGNAL_BYTES>();
        for [a, b, c, d, ..] in told.iter().take(read / SIGNAL_BYTES) {
            // `ssi_signo` of `struct signalfd_siginfo`.
            let number = i32::from_ne_bytes([*a, *b, *c, *d]);
            match number {
                libc::SIGCHLD => wakes.exits = true,
                libc::SIGHUP => wakes.reload = true,
                _ if NOT_MEANT.iter().any(|signal| *signal as i32 == number) => {}
                _ => wakes.stop = Signal::from_number(number),
            }
        }
    }
}

/// A timer on the wall clock that wakes only when that clock is set.
fn clock_watch() -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let clock = timerfd_create(TimerfdClockId::Realtime, flags)?;
    arm(&clock)?;
    Ok(clock)
}

fn arm(clock: &OwnedFd) -> io::Result<()> {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    // As far away as the kernel's nanoseconds reach, less a century.
    let never = Timespec { tv_sec: i64::MAX / 1_000_000_000 - 3_155_760_000, tv_nsec: 0 };
    let spec = Itimerspec { it_interval: zero, it_value: never };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(clock, flags, &spec)?;
    Ok(())
}

/// Meant for another program, as what a log rotation sends by habit, or said by the answer to a call as well: a file that would be
/// larger than `RLIMIT_FSIZE` (EFBIG). They would end the engine.
const NOT_MEANT: [Known; 4] = [Known::SIGUSR1, Known::SIGUSR2, Known::SIGALRM, Known::SIGXFSZ];

fn take_signals() -> io::Result<SignalFd> {
    let mut set = SigSet::empty();
    let meant = [Known::SIGTERM, Known::SIGINT, Known::SIGQUIT, Known::SIGHUP, Known::SIGCHLD];
    for signal in meant.into_iter().chain(NOT_MEANT) {
        set.add(signal);
    }
    set.thread_block()?;
    Ok(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_or_a_call_is_no_more_than_asking() {
        let asking = Wakes { specs: true, mounts: true, control: true, ..Wakes::default() };
        assert!(!asking.is_more_than_asking() && !asking.is_of_documents_only());
        assert!(Wakes { control: false, ..asking.clone() }.is_of_documents_only());
        assert!(Wakes::default().is_more_than_asking(), "nobody knows why it woke");
        for more in [
            Wakes { exits: true, ..asking.clone() },
            Wakes { due: true, ..asking.clone() },
            Wakes { probes: true, ..asking.clone() },
            Wakes { reload: true, ..asking.clone() },
            Wakes { exited: vec![Pid(7)], ..asking },
        ] {
            assert!(more.is_more_than_asking(), "{more:?}");
            assert!(!more.is_of_documents_only() && !Wakes { control: false, ..more }.is_of_documents_only());
        }
    }
}
