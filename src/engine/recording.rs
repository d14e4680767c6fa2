//! Writes this host down over a while, for trying policies on it later. Decides nothing and changes nothing.
//!
//! ```text
//!        +--> a look at everything, every so often ---------> what changed since --> out
//!        |    what the kernel tells, read at once and soon --/
//!        +--- wait
//! ```
//!
//! Where the kernel tells nothing (no root, a container) what lives from no look to the next is not in the record, which says so.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use crate::facts::Fact;
use crate::host::clock;
use crate::host::proc::LiveWorld;
use crate::host::process_events::{ProcessEvents, Told};
use crate::host::wake::Waker;
use crate::process::snapshot::WriteOptions;
use crate::process::snapshot::record::Recorder;
use crate::process::world::World as _;
use crate::units::{BootTime, Pid};

/// How long a look may wait for reads that can block: nobody waits for a decision.
const BUDGET: Duration = Duration::from_secs(5);
/// So long after something was told of a process it is looked at once more, if it is there still: the first look may have come
/// in the middle of its exec.
const SOON: Duration = Duration::from_millis(20);

/// What to record.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// For so long.
    pub length: Duration,
    /// From look to look.
    pub every: Duration,
    /// Bytes, at most about so many.
    pub bytes: u64,
    /// What is written of it.
    pub write: WriteOptions,
}

/// Why it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The time is over.
    Time,
    /// There is no more room.
    Size,
    /// Somebody wanted it so.
    Signal,
}

impl Ended {
    /// As it stands in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Size => "size",
            Self::Signal => "signal",
        }
    }
}

/// What was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Looks at everything.
    pub looks: u64,
    /// Looks at what the kernel told.
    pub told: u64,
    /// Why the kernel tells nothing here.
    pub deaf: Option<String>,
    /// Bytes written.
    pub bytes: u64,
    /// Why it ended.
    pub ended: Ended,
}

/// Takes a piece of the record.
pub type Out<'a> = &'a mut dyn FnMut(&str) -> io::Result<()>;

/// Records until the time is over, the room is full, or a signal (INT, TERM, QUIT or HUP) comes. `begun` is told what is known
/// when the first look is written.
///
/// # Errors
/// The kernel gives no descriptors, `/proc` can't be used, or what was written is refused.
pub fn record(options: &RecordOptions, out: Out<'_>, begun: &dyn Fn(&Recorded)) -> io::Result<Recorded> {
    let waker = Waker::new(true)?;
    let (events, deaf) = match ProcessEvents::open() {
        Ok(events) => (Some(events), None),
        Err(why) => (None, Some(why)),
    };
    if let Some(events) = &events {
        waker.watch_specs(events)?;
    }
    let world = LiveWorld::new()?.with_budget(BUDGET);
    let recorder = Recorder::new(options.write.clone());
    let done = Recorded { looks: 0, told: 0, deaf, bytes: 0, ended: Ended::Time };
    let fresh = BTreeSet::new();
    let mut recording = Recording { options, waker, events, world, recorder, out, done, fresh, soon: None };
    recording.first()?;
    begun(&recording.done);
    recording.done.ended = recording.go_on()?;
    let last = recording.recorder.end(&recording.world.again(), recording.done.ended.word());
    recording.put(&last)?;
    Ok(recording.done)
}

/// One that goes on.
struct Recording<'a> {
    options: &'a RecordOptions,
    waker: Waker,
    events: Option<ProcessEvents>,
    world: LiveWorld,
    recorder: Recorder,
    out: Out<'a>,
    done: Recorded,
    /// Of whom something was told since they were last looked at once more.
    fresh: BTreeSet<Pid>,
    /// When that is.
    soon: Option<BootTime>,
}

impl Recording<'_> {
    fn first(&mut self) -> io::Result<()> {
        let pids = pids(&self.world);
        let heard = self.events.is_some();
        let text = self.recorder.begin(&self.world, &pids, self.options.every, heard);
        self.done.looks = 1;
        self.put(&text)
    }

    fn go_on(&mut self) -> io::Result<Ended> {
        let begun = clock::now().boot;
        let end = begun.after(self.options.length);
        let mut next = begun.after(self.options.every);
        loop {
            if self.done.bytes >= self.options.bytes {
                return Ok(Ended::Size);
            }
            let until = self.soon.map_or(end.min(next), |soon| soon.min(end).min(next));
            let woken = self.waker.wait(Some(until))?;
            if woken.stop.is_some() || woken.reload {
                return Ok(Ended::Signal);
            }
            let overrun = self.hear()?;
            let now = clock::now().boot;
            if now >= end {
                return Ok(Ended::Time);
            }
            if overrun || now >= next {
                self.look()?;
                next = later(next, self.options.every, now);
            } else if self.soon.is_some_and(|soon| now >= soon) {
                self.once_more()?;
            }
        }
    }

    /// Everything.
    fn look(&mut self) -> io::Result<()> {
        (self.soon, self.fresh) = (None, BTreeSet::new());
        self.world = self.world.again();
        let pids = pids(&self.world);
        let text = self.recorder.look(&self.world, &pids);
        self.done.looks += 1;
        self.put(&text)
    }

    /// What the kernel tells of, now. True if it told more than there was room for.
    fn hear(&mut self) -> io::Result<bool> {
        let Some(events) = &mut self.events else { return Ok(false) };
        let Told { events, overrun, .. } = events.take()?;
        let about: BTreeSet<Pid> =
            events.iter().map(crate::host::process_events::ProcessEvent::pid).collect();
        if about.is_empty() {
            return Ok(overrun);
        }
        let there = self.notice(about)?;
        if !there.is_empty() {
            self.soon.get_or_insert_with(|| clock::now().boot.after(SOON));
            self.fresh.extend(there);
        }
        Ok(overrun)
    }

    /// Those of whom something was told lately.
    fn once_more(&mut self) -> io::Result<()> {
        self.soon = None;
        let fresh = std::mem::take(&mut self.fresh);
        self.notice(fresh)?;
        Ok(())
    }

    /// Looks at these, and gives those that are there.
    fn notice(&mut self, about: BTreeSet<Pid>) -> io::Result<Vec<Pid>> {
        self.world = self.world.again();
        let is_there = |pid: &Pid| matches!(self.world.stat(*pid), Fact::Known(_));
        let (there, gone): (Vec<Pid>, Vec<Pid>) = about.into_iter().partition(is_there);
        if let Some(text) = self.recorder.noticed(&self.world, &there, &gone) {
            self.done.told += 1;
            self.put(&text)?;
        }
        Ok(there)
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.done.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        (self.out)(text)
    }
}

/// All that can be seen.
fn pids(world: &LiveWorld) -> Vec<Pid> {
    match world.pids() {
        Fact::Known(pids) => pids.to_vec(),
        Fact::Absent | Fact::Unknown(_) => world.visible_pids().to_vec(),
    }
}

/// The next look: one that a long look has left no time for is left out.
fn later(due: BootTime, every: Duration, now: BootTime) -> BootTime {
    let next = due.after(every);
    if next > now { next } else { now.after(every) }
}
