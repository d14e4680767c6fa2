//! What is kept of processes from look to look, so that rates and changes can be told.
//!
//! ```text
//!  look    a            b      c        d
//!          |------------|------|--------|-----> time        kept: `base` and `next`, two looks
//!  at c:   base         next   now   too near to `next`: told since `base`
//!  at d:                base          next = now
//! ```
//!
//! Nothing is kept of a process before somebody asks, and conditions ask for cheap facts first: so samples are kept of the
//! processes that the rest of a condition selects. The first answer about a process is unknown ([`Why::Sampling`]); so is
//! one too soon after it. A look gives one answer, however often it is asked.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::world::World;
use crate::facts::{Counter, Fact, Pace, Reason, Trait, Why};
use crate::units::{BootTime, Pid, StartTicks};

/// The shortest time that a rate is told over, unless somebody says otherwise: processor time is counted in hundredths of a
/// second, so that shorter ones are rough.
pub const WINDOW: Duration = Duration::from_secs(1);
/// What was last asked for so long ago is no beginning of a window.
pub const AGE_MAX: Duration = Duration::from_hours(1);
/// Most processes of which something is kept.
pub const PROCESSES_MAX: usize = 8192;

/// What is asked about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum What {
    Counter(Counter),
    Trait(Trait),
}

/// A moment and what was seen then.
type Seen = (BootTime, u128);

/// The two looks that are kept of one thing.
#[derive(Clone, Copy, Debug)]
struct Kept {
    base: Seen,
    next: Seen,
}

/// What is kept of one process.
#[derive(Clone, Debug)]
struct Process {
    asked: BootTime,
    of: Vec<(What, Kept)>,
}

/// The samples of all processes that somebody asked about. Number and start time tell processes apart; samples don't outlive
/// the boot.
#[derive(Clone, Debug)]
pub struct Samples {
    window: Duration,
    processes: BTreeMap<(Pid, StartTicks), Process>,
}

impl Default for Samples {
    fn default() -> Self {
        Self::over(WINDOW)
    }
}

impl Samples {
    /// None yet; rates are told over `window` at least.
    pub fn over(window: Duration) -> Self {
        Self { window, processes: BTreeMap::new() }
    }

    /// Of how many processes something is kept.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Takes what is seen now and gives what was seen at the beginning of the window. `None` if there is none yet.
    fn earlier(&mut self, process: (Pid, StartTicks), what: What, now: Seen) -> Result<Option<Seen>, Reason> {
        let window = self.window;
        if !self.processes.contains_key(&process) {
            self.make_room(now.0)?;
        }
        let kept = self.processes.entry(process).or_insert_with(|| Process { asked: now.0, of: Vec::new() });
        kept.asked = now.0;
        let Some((_, kept)) = kept.of.iter_mut().find(|(known, _)| *known == what) else {
            kept.of.push((what, Kept { base: now, next: now }));
            return Ok(None);
        };
        if now.0.since(kept.base.0) > AGE_MAX && now.0.since(kept.next.0) > AGE_MAX {
            *kept = Kept { base: now, next: now };
            return Ok(None);
        }
        if now.0.since(kept.next.0) >= window {
            *kept = Kept { base: kept.next, next: now };
        }
        Ok((now.0.since(kept.base.0) >= window).then_some(kept.base))
    }

    /// What wasn't asked for in this look goes where there is no room for another process.
    fn make_room(&mut self, now: BootTime) -> Result<(), Reason> {
        if self.processes.len() < PROCESSES_MAX {
            return Ok(());
        }
        self.processes.retain(|_, process| process.asked == now);
        if self.processes.len() < PROCESSES_MAX {
            return Ok(());
        }
        let detail = format!("rates of more than {PROCESSES_MAX} processes; join it with a condition");
        Err(Reason::new(Why::Budget, detail))
    }
}

/// How fast a counter of a process grows.
pub fn pace(world: &dyn World, samples: &RefCell<Samples>, pid: Pid, counter: Counter) -> Fact<Pace> {
    let seen = count(world, pid, counter);
    let what = What::Counter(counter);
    since(world, samples, pid, (what, counter.field()), seen, |(then, was), (now, is)| Pace {
        // The kernel's times of one thread may go back by a tick where it rounds them.
        by: u64::try_from(is.saturating_sub(was)).unwrap_or(u64::MAX),
        over: now.since(then),
    })
}

/// Whether something of a process is another than at the beginning of the window.
pub fn changed(world: &dyn World, samples: &RefCell<Samples>, pid: Pid, of: Trait) -> Fact<bool> {
    let seen = match of {
        Trait::Parent => world.stat(pid).map(|stat| u128::from(stat.ppid.0.unsigned_abs())),
        Trait::User => world.owner(pid).map(|(uid, _)| u128::from(uid.0)),
        Trait::Exe => world.exe_file(pid).map(|file| u128::from(file.dev) << 64 | u128::from(file.ino)),
    };
    since(world, samples, pid, (What::Trait(of), of.field()), seen, |(_, was), (_, is)| was != is)
}

fn since<T>(
    world: &dyn World,
    samples: &RefCell<Samples>,
    pid: Pid,
    (what, field): (What, &str),
    seen: Fact<u128>,
    tell: impl FnOnce(Seen, Seen) -> T,
) -> Fact<T> {
    let known = seen.and_then(|seen| {
        let start = world.stat(pid).map(|stat| stat.start);
        start.and_then(|start| world.uptime().map(|now| (start, (now, seen))))
    });
    known.and_then(|(start, now)| match samples.borrow_mut().earlier((pid, start), what, now) {
        Ok(Some(then)) => Fact::Known(tell(then, now)),
        Ok(None) => Fact::Unknown(one_look(field, pid)),
        Err(reason) => Fact::Unknown(reason),
    })
}

/// The reason of a rate where there is one look only.
pub fn one_look(field: &str, pid: Pid) -> Reason {
    Reason::new(Why::Sampling, format!("{field} of {pid} has been seen once only"))
}

/// How far a counter has counted. Absent where the kernel doesn't say.
fn count(world: &dyn World, pid: Pid, counter: Counter) -> Fact<u128> {
    let field = counter.field();
    if let Some(gap @ (Fact::Absent | Fact::Unknown(_))) = world.gap(pid, field) {
        return gap.map(|()| 0);
    }
    let ticks = |ticks: u64| {
        u128::from(ticks).saturating_mul(1_000_000_000) / u128::from(world.ticks_per_second().max(1))
    };
    let stat = || world.stat(pid);
    let io = || world.io(pid);
    match counter {
        Counter::CpuTime => stat().map(|stat| {
            let [user, system, ..] = stat.cpu_ticks;
            ticks(user.saturating_add(system))
        }),
        Counter::CpuUser => stat().map(|stat| ticks(stat.cpu_ticks[0])),
        Counter::CpuSys => stat().map(|stat| ticks(stat.cpu_ticks[1])),
        Counter::MinorFaults => stat().map(|stat| stat.faults[0].into()),
        Counter::MajorFaults => stat().map(|stat| stat.faults[1].into()),
        Counter::VoluntarySwitches => switches(world, pid, 0),
        Counter::InvoluntarySwitches => switches(world, pid, 1),
        Counter::ReadBytes => io().map(|io| io.read_bytes.into()),
        Counter::WriteBytes => io().map(|io| io.write_bytes.into()),
        Counter::ReadChars => io().map(|io| io.read_chars.into()),
        Counter::WriteChars => io().map(|io| io.write_chars.into()),
        Counter::ReadCalls => io().map(|io| io.read_calls.into()),
        Counter::WriteCalls => io().map(|io| io.write_calls.into()),
    }
}

fn switches(world: &dyn World, pid: Pid, which: usize) -> Fact<u128> {
    world
        .status(pid)
        .and_then(|status| Fact::from_option(status.switches.get(which).copied().flatten().map(u128::from)))
}

#[cfg(test)]
mod tests;
