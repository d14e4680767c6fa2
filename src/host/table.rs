//! What has happened to processes since somebody last looked.
//!
//! ```text
//!  kernel --events--> ears --pid by pid--> changes, numbered --since a mark--> the processes to look at again
//!                      \--overrun, or no ears--------------------------------> all of them
//! ```
//!
//! Events say only whom to look at. What they are about is read afresh, and a process that is gone by then has no facts. Now
//! and then everybody looks at everything all the same, so that an event that never came is made up for.

mod changes;

use std::time::Duration;

pub use changes::{Changed, Changes, Mark};

use super::process_events::ProcessEvents;
use super::wake::Waker;
use crate::units::{BootTime, Pid};

/// So many times what is told is taken at the most, before others have their turn.
const TAKEN_MAX: usize = 64;
/// After a wake-up nobody is woken by processes again for so long, or for as long as what followed took if that is longer: a
/// storm of them takes half of the time at most, and what comes meanwhile is dealt with at once.
const REST: Duration = Duration::from_millis(1);

/// Who listens to what processes do, and what was heard.
#[derive(Debug, Default)]
pub struct ProcessTable {
    ears: Ears,
    changes: Changes,
    /// Processes wake the loop.
    waking: bool,
    /// When the last wake-up by processes was.
    woken: Option<BootTime>,
    /// Until then they wake nobody.
    resting: Option<BootTime>,
    told: u64,
    overruns: u64,
}

#[derive(Debug, Default)]
enum Ears {
    /// Nobody wanted to hear anything.
    #[default]
    Unasked,
    Listening(Box<ProcessEvents>),
    /// Why nothing is heard, and whether that may be otherwise later.
    Deaf(String, bool),
}

impl ProcessTable {
    /// Listens from now on, if that can be had; what was before isn't known. `waking`: what is told ends the waiting.
    pub fn listen(&mut self, waker: &Waker, waking: bool) {
        if matches!(self.ears, Ears::Unasked | Ears::Deaf(_, true)) {
            self.changes.lose();
            (self.waking, self.resting) = (false, None);
            self.ears = match ProcessEvents::open() {
                Ok(events) => Ears::Listening(Box::new(events)),
                Err(why) => Ears::Deaf(why, false),
            };
        }
        if waking != self.waking {
            self.waking = waking;
            self.attend(waker, waking);
        }
    }

    /// Whether the kernel tells.
    pub fn is_told(&self) -> bool {
        matches!(self.ears, Ears::Listening(_))
    }

    /// Why it doesn't tell.
    pub fn deaf(&self) -> Option<&str> {
        match &self.ears {
            Ears::Deaf(why, _) => Some(why),
            Ears::Unasked | Ears::Listening(_) => None,
        }
    }

    /// How many things were told, and how often some of them were lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.told, self.overruns)
    }

    /// Takes in what was told. Never waits.
    pub fn hear(&mut self) {
        let Ears::Listening(events) = &mut self.ears else { return };
        for _ in 0..TAKEN_MAX {
            let told = match events.take() {
                Ok(told) => told,
                Err(error) => {
                    self.changes.lose();
                    self.ears = Ears::Deaf(super::errno::io_text(&error), true);
                    return;
                }
            };
            if told.overrun {
                self.overruns += 1;
                self.changes.lose();
            }
            self.told += u64::try_from(told.events.len()).unwrap_or(u64::MAX);
            told.events.iter().for_each(|event| self.changes.note(event.pid()));
            if !told.more {
                return;
            }
        }
    }

    /// Now; what happens from here on is after it.
    pub fn mark(&self) -> Mark {
        self.changes.mark()
    }

    /// Whom something happened to since. Anybody, where nobody tells.
    pub fn since(&self, mark: Option<Mark>) -> Changed {
        match mark {
            Some(mark) if self.is_told() => self.changes.since(mark),
            Some(_) | None => Changed::Anything,
        }
    }

    /// The same in order of time without those that were found to be gone since ([`Self::note_nobodys`]). `None`: anybody.
    pub fn of_somebody_since(&self, mark: Mark) -> Option<impl Iterator<Item = Pid>> {
        self.is_told().then(|| self.changes.of_somebody_since(mark)).flatten()
    }

    /// These numbers were found to be nobody's after all that was heard until now.
    pub fn note_nobodys(&mut self, pids: impl Iterator<Item = Pid>) {
        self.changes.note_nobodys(pids);
    }

    /// Before the loop waits: until when at the longest, because of processes.
    pub fn before_waiting(&mut self, waker: &Waker, now: BootTime) -> Option<BootTime> {
        if let Some(woken) = self.woken.take().filter(|_| self.waking) {
            self.resting = Some(now.after(now.since(woken).max(REST)));
            self.attend(waker, false);
        }
        if self.resting.is_some_and(|until| until <= now) {
            self.resting = None;
            self.attend(waker, self.waking);
        }
        self.resting
    }

    /// Processes woke the loop.
    pub fn woke(&mut self, now: BootTime) {
        self.woken = Some(now);
        self.hear();
    }

    fn attend(&mut self, waker: &Waker, now: bool) {
        let Ears::Listening(events) = &self.ears else { return };
        if let Err(error) = waker.watch_processes(events.as_ref(), now) {
            self.ears = Ears::Deaf(super::errno::io_text(&error), true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::host::clock;

    #[test]
    fn a_process_that_comes_and_goes_wakes_whoever_waits() {
        let (mut waker, mut table) = (Waker::new(false).unwrap(), ProcessTable::default());
        assert_eq!(table.since(Some(table.mark())), Changed::Anything, "nobody listens");
        table.listen(&waker, true);
        if let Some(why) = table.deaf() {
            eprintln!("SKIPPED: {why}");
            return;
        }
        let mark = table.mark();
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        child.wait().unwrap();
        let end = clock::now().boot.after(Duration::from_mins(1));
        while !matches!(table.since(Some(mark)), Changed::These(pids) if pids.contains(&pid)) {
            let now = clock::now().boot;
            assert!(now < end, "it was never told");
            let resting = table.before_waiting(&waker, now);
            if waker.wait(resting.or(Some(end))).unwrap().processes {
                assert!(resting.is_none_or(|until| until <= clock::now().boot), "it rests after a wake-up");
                table.woke(clock::now().boot);
            }
        }
        assert!(table.counts().0 >= 3, "fork, exec, exit");
        // What nobody is to be woken for is heard all the same.
        table.listen(&waker, false);
        let mark = table.mark();
        std::process::Command::new("/bin/true").status().unwrap();
        table.hear();
        assert!(!table.since(Some(mark)).is_empty());
    }
}
