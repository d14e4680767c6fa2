//! Second questions that are foreseen: whoever sieved all processes by their arguments will ask the few that are left for more.
//!
//! Before a second fact is told of a process, the first is read again through its descriptor ([`super::hold`]). For arguments
//! that takes a helper ([`super::readers`]), and handing over one process at a time costs more than all the rest of the
//! look at it. Where it is known who comes next, helpers read the next few while one is looked at.
//!
//! ```text
//!  open 412 (O_PATH) --> a helper reads 412/cmdline by pid --> is the process behind the descriptor still there?
//! ```
//!
//! If it is, the pid meant this process from the first step to the last, so that what the helper read is its own.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LiveWorld;
use super::ahead::{HELPERS, Window, read};
use super::entry::Entry;
use super::parse;
use super::raw::{self, Leaf};
use super::readers::Begun;
use crate::facts::Fact;
use crate::units::Pid;

/// Processes that are read again together. Few, so that little time passes until they are asked for more.
const BATCH: usize = 32;
/// So many may be read and not asked for: their descriptors are open.
const READY_MAX: usize = 4 * BATCH;

/// A process, and the arguments that were read by its pid afterwards.
#[derive(Debug)]
struct Held {
    dir: Arc<OwnedFd>,
    text: Vec<u8>,
}

#[derive(Debug)]
struct Batch {
    helper: usize,
    dirs: Vec<(Pid, Arc<OwnedFd>)>,
    begun: Begun<Window>,
}

/// Who will be asked for more, of one look.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// In the order in which they will be asked.
    order: Vec<Pid>,
    places: BTreeMap<Pid, usize>,
    /// The first place that no batch has covered.
    next: usize,
    under_way: VecDeque<Batch>,
    ready: BTreeMap<Pid, Held>,
    /// Batches begun so far.
    pub(super) begun: usize,
}

impl LiveWorld {
    /// Says who will be asked for more than arguments, in this order. What is asked otherwise is answered as well, only slower.
    pub(in crate::host) fn foresee(&self, order: Vec<Pid>) {
        let mut places = BTreeMap::new();
        for (at, pid) in order.iter().enumerate() {
            places.entry(*pid).or_insert(at);
        }
        self.forget_foreseen();
        self.foreseen.replace(Foreseen { order, places, ..Foreseen::default() });
    }

    /// The descriptor of a process of which nothing but its arguments was told, if it has them still and it was foreseen that it
    /// would be asked for more. `None`: it has to be made sure of on its own.
    pub(super) fn foreseen(&self, entry: &Entry) -> Option<Arc<OwnedFd>> {
        let told = match entry.arguments.get() {
            Some(Fact::Known(told)) if entry.has_told_arguments_alone() => told,
            _ => return None,
        };
        let held = self.read_again(entry.pid)?;
        self.note_read("cmdline");
        let same = parse::are_arguments(&held.text, told) && raw::stat_at(held.dir.as_fd(), c"stat").is_ok();
        same.then_some(held.dir)
    }

    fn read_again(&self, pid: Pid) -> Option<Held> {
        let mut foreseen = self.foreseen.borrow_mut();
        let place = *foreseen.places.get(&pid)?;
        if place > foreseen.next + READY_MAX {
            // Those before it weren't asked.
            foreseen.next = place;
        }
        while !foreseen.ready.contains_key(&pid) {
            if foreseen.under_way.is_empty() && (place < foreseen.next || !self.begin_batch(&mut foreseen)) {
                return None;
            }
            self.end_batch(&mut foreseen)?;
        }
        foreseen.ready.remove(&pid)
    }

    /// Has the next batch read. False at the end of the order, or if no helper can be had.
    fn begin_batch(&self, foreseen: &mut Foreseen) -> bool {
        let from = foreseen.next;
        let batch = foreseen.order.get(from..).unwrap_or_default().iter().take(BATCH);
        let open = |pid: &Pid| {
            let dir = raw::open_dir(self.proc(), Leaf::of(*pid, "").as_c_str()).ok()?;
            Some((*pid, Arc::new(dir)))
        };
        let dirs: Vec<(Pid, Arc<OwnedFd>)> = batch.filter_map(open).collect();
        let pids: Vec<Pid> = dirs.iter().map(|(pid, _)| *pid).collect();
        foreseen.next = (from + BATCH).min(foreseen.order.len());
        if from >= foreseen.next {
            return false;
        }
        let (proc, left_out) = (Arc::clone(&self.proc), Arc::clone(&self.ahead.borrow().left_out));
        let helper = foreseen.begun % HELPERS;
        let begun = self
            .ahead_readers
            .get(helper)
            .and_then(|readers| readers.begin(move || read(&pids, &left_out, &proc)));
        foreseen.begun += 1;
        foreseen.under_way.extend(begun.map(|begun| Batch { helper, dirs, begun }));
        true
    }

    /// Waits for the oldest batch, while the next ones are read. `None`: it is late, since a process in it is stuck.
    fn end_batch(&self, foreseen: &mut Foreseen) -> Option<()> {
        let deadline = self.memory_deadline.min(self.budget_left().ok()?);
        let batch = foreseen.under_way.pop_front()?;
        while foreseen.under_way.len() + 1 < HELPERS && self.begin_batch(foreseen) {}
        let since = Instant::now();
        let window = self.ahead_readers.get(batch.helper)?.finish(&batch.begun, deadline);
        self.spend(since.elapsed());
        if foreseen.ready.len() > READY_MAX {
            foreseen.ready.clear();
        }
        let window = window?;
        let texts = window.places.iter().map(|(pid, place)| (pid, window.text.get(place.clone())));
        for ((pid, dir), (read, text)) in batch.dirs.into_iter().zip(texts) {
            if let Some(text) = text.filter(|text| pid == *read && !text.is_empty()) {
                foreseen.ready.insert(pid, Held { dir, text: text.to_vec() });
            }
        }
        Some(())
    }

    /// Gives up what is under way. A helper that is stuck in it is left behind.
    fn forget_foreseen(&self) {
        for batch in self.foreseen.take().under_way {
            let _ = self
                .ahead_readers
                .get(batch.helper)
                .and_then(|readers| readers.finish(&batch.begun, Duration::ZERO));
        }
    }
}
