//! Many processes on record, held by two threads for who only looks: the kernel is asked about each by itself, which takes as long as much else.
//!
//! ```text
//! a thread:  begun -- part, part, part ------ part --\
//! the look:  something that needs one processor -- part --> all are held --> whether they live is asked of all of them at once
//! ```
//!
//! That somebody lived when he was held says nothing of a later moment, so that nobody asks before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::Entry;
use crate::facts::ProcessKey;
use crate::host::proc::ImageNames;
use crate::host::signal::hold_in;
use crate::process::world::Bytes;
use crate::units::{BootId, Pid, PidfdInode};

/// For fewer processes a second thread isn't worth its start.
pub(super) const WORTH_A_THREAD: usize = 256;
/// So many are held at a time by whoever has a processor.
const PART: usize = 64;

/// A process that is held, and what it executes, if that could be read.
type One = (ProcessKey, Entry, Option<Bytes>);

/// They, and the thread that holds them.
#[derive(Debug)]
pub(super) struct Many {
    work: Arc<Work>,
    other: Option<JoinHandle<Vec<One>>>,
}

#[derive(Debug)]
struct Work {
    boot: BootId,
    /// Whose children are ours.
    me: Pid,
    keys: Vec<(ProcessKey, Option<PidfdInode>)>,
    next: AtomicUsize,
}

impl Many {
    pub(super) fn new(boot: BootId, me: Pid, keys: Vec<(ProcessKey, Option<PidfdInode>)>) -> Self {
        Self { work: Arc::new(Work { boot, me, keys, next: AtomicUsize::new(0) }), other: None }
    }

    /// A thread holds them from now on. Without one they are held by whoever asks.
    pub(super) fn begun(self) -> Self {
        let work = Arc::clone(&self.work);
        let other = thread::Builder::new().name("lives".into()).spawn(move || work.parts()).ok();
        Self { other, ..self }
    }

    /// Those that could be held, by the thread and by the caller.
    pub(super) fn finish(self) -> impl Iterator<Item = One> {
        let own = self.work.parts();
        // Whom a thread held that failed is nobody's, and asked for by itself.
        own.into_iter().chain(self.other.and_then(|other| other.join().ok()).unwrap_or_default())
    }
}

impl Work {
    fn parts(&self) -> Vec<One> {
        let mut names = ImageNames::default();
        let parts = std::iter::from_fn(|| {
            let at = self.next.fetch_add(PART, Ordering::Relaxed);
            self.keys.get(at..self.keys.len().min(at + PART))
        });
        let held = parts.flatten().filter_map(|(key, inode)| {
            let entry = match Entry::known(&self.boot, key, *inode) {
                Some(entry) => entry,
                None => Entry::held(hold_in(&self.boot, key).ok()?, self.me),
            };
            // That it lived a moment ago is long past when it is asked about.
            Some((key.clone(), Entry { fresh: false, ..entry }, names.of(key.pid)))
        });
        held.collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::super::{Exits, Life};
    use super::*;
    use crate::host::signal::{boot_id, vital};
    use crate::host::wake::Waker;

    #[test]
    fn who_ends_after_he_was_held_is_known_to_have_ended() {
        let (boot, waker) = (boot_id().unwrap(), Waker::new(false).unwrap());
        let begin = || std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut children: Vec<_> = (0..=WORTH_A_THREAD).map(|_| begin()).collect();
        let keys: Vec<ProcessKey> = children
            .iter()
            .map(|child| Pid(i32::try_from(child.id()).unwrap()))
            .map(|pid| ProcessKey { boot: boot.clone(), pid, start: vital(pid).unwrap().start })
            .collect();
        let mut exits = Exits::of_one_look();
        exits.begin_many(keys.iter().cloned().map(|key| (key, None)));
        while exits.begun.borrow().as_ref().unwrap().work.next.load(Ordering::Relaxed) < keys.len() {
            thread::yield_now();
        }
        for child in &mut children[..2] {
            child.kill().unwrap();
        }
        children[0].wait().unwrap();
        let asked: Vec<_> = keys.iter().map(|key| (key, None)).collect();
        exits.hold_many(asked.iter().copied());
        assert_eq!(exits.table.len(), keys.len());
        let said: Vec<Life> = keys.iter().map(|key| exits.life(key, &waker)).collect();
        assert!(matches!(&said[0], Life::Gone(_)), "it was collected");
        while exits.life(&keys[1], &waker) == Life::Alive {
            thread::yield_now();
        }
        assert!(said[2..].iter().all(|life| *life == Life::Alive));
        let living = exits.living(&asked);
        assert!(!living[0] && !living[1] && living[2..WORTH_A_THREAD].iter().all(|lives| *lives));
        for mut child in children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
