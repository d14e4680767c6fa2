//! Arguments read ahead: an expression that asks one process after the other for its arguments will ask the next ones.
//!
//! Reading the arguments of a process may never end ([`super::readers`]), so a helper does it, and handing over costs more
//! than the read. Like the kernel's own read-ahead of files, a run of questions in the order of the listing opens a window,
//! which grows while the run goes on: two helpers read the next windows while one is looked at. A question out of
//! order closes them, so that nothing is read for an expression that asks few.
//!
//! Whoever knows before it looks that everybody will be asked has two large windows read meanwhile ([`Ahead::begin_all`]), the
//! second from its end, so that the helper that is through with the first can go on in front of it ([`rest`]).
//!
//! A window that is late holds a process that is stuck. Its processes are then asked one by one, so that only that one
//! is late. The windows of later looks leave it out.

mod rest;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::raw::{self, Form, Leaf};
use super::readers::{Begun, Readers};
use crate::units::Pid;
use rest::{End, Rest};

/// So many questions in a row open a window.
const RUN: u32 = 3;
/// Processes in the largest window.
const WINDOW_MAX: usize = 256;
/// The same for those that are begun before anybody asks: nobody looks at the first texts meanwhile.
const EARLY_MAX: usize = 4096;
/// Helpers that read ahead, each with one window.
pub(super) const HELPERS: usize = 2;
/// Room for the arguments of one process: most have less, and what nobody writes to is no memory yet.
const TEXT_ROOM: usize = 256;
/// Longer arguments are read on their own, up to their own limit.
pub(super) const TEXT_MAX: usize = 64 << 10;

/// What a window gave, in the order of the listing: to put it together would be to write all of it twice.
type Window = VecDeque<Part>;

/// What was read in one go: the texts one behind the other, and where each stands.
#[derive(Debug, Default)]
struct Part {
    text: Vec<u8>,
    places: VecDeque<(Pid, Range<usize>)>,
}

/// The state of reading ahead, of one look.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Place in the listing that was asked for last.
    last: Option<usize>,
    run: u32,
    /// Size of the next window.
    size: usize,
    ready: Window,
    /// In the order of the listing, with the helper that each was given to.
    under_way: VecDeque<(usize, Begun<Window>)>,
    /// What a helper reads from its end.
    rest: Option<Arc<Rest>>,
    /// Windows begun so far.
    begun: usize,
    /// The listing up to here is asked one by one: a process in it is stuck.
    careful: usize,
    /// The first place that no window has covered.
    next: usize,
    /// Processes that keep a helper waiting since an earlier look: no window includes them.
    pub(super) left_out: Arc<BTreeSet<Pid>>,
    /// How long windows were waited for, until somebody takes it.
    pub(super) waited: Duration,
}

impl Ahead {
    /// Gives `use_text` the arguments of the process in this place of the listing, if they were read ahead. `None`: they have
    /// to be read on their own, for whatever reason.
    pub(super) fn take<T>(
        &mut self,
        at: usize,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &[Arc<Readers>; HELPERS],
        deadline: Duration,
        use_text: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        if self.last == Some(at) {
            // It wasn't there a moment ago.
            return None;
        }
        let follows = self.last.map_or(at == 0, |last| at == last + 1);
        self.last = Some(at);
        self.run = match at {
            // Who asks the first of the listing asks them all.
            0 => RUN,
            _ if follows => self.run + 1,
            _ => 0,
        };
        if !follows {
            self.close(readers);
        }
        if self.run < RUN || at < self.careful {
            return None;
        }
        let pid = *pids.get(at)?;
        if self.ready.iter().all(|part| part.places.is_empty()) {
            self.turn(at, pids, proc, readers, deadline);
        }
        while let Some(part) = self.ready.front_mut() {
            match part.places.pop_front() {
                Some((found, place)) if found == pid => {
                    return part.text.get(place).filter(|text| !text.is_empty()).map(use_text);
                }
                Some(_) => {}
                None => drop(self.ready.pop_front()),
            }
        }
        None
    }

    /// The next window takes the place of the one that is used up, and the one after it is begun.
    fn turn(
        &mut self,
        at: usize,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &[Arc<Readers>; HELPERS],
        deadline: Duration,
    ) {
        if self.under_way.is_empty() {
            self.next = at;
            self.begin(pids, proc, readers);
        }
        let since = Instant::now();
        let oldest = self.under_way.pop_front();
        let window = oldest.and_then(|(helper, begun)| readers.get(helper)?.finish(&begun, deadline));
        self.waited += since.elapsed();
        match window {
            Some(window) => {
                self.ready = window;
                if let Some(rest) = self.rest.take().filter(|rest| !rest.is_empty()) {
                    self.begin_rest(&rest, End::First, pids, proc, readers);
                }
                while self.under_way.len() < HELPERS && self.begin(pids, proc, readers) {}
            }
            None => {
                self.careful = self.next;
                self.close(readers);
            }
        }
    }

    /// Begins before the first question: a window for each helper, of its share of the listing.
    pub(super) fn begin_all(
        &mut self,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &[Arc<Readers>; HELPERS],
    ) {
        let share = pids.len().div_ceil(HELPERS).min(EARLY_MAX);
        if !self.under_way.is_empty() || !self.begin_window(share, pids, proc, readers) {
            return;
        }
        let rest = Rest::of(self.next..(self.next + share).min(pids.len()));
        if self.begin_rest(&rest, End::Last, pids, proc, readers) {
            self.next = (self.next + share).min(pids.len());
            self.rest = Some(rest);
        }
    }

    /// Begins the window of what is left from one end on. False if no helper can be had.
    fn begin_rest(
        &mut self,
        rest: &Arc<Rest>,
        end: End,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &[Arc<Readers>; HELPERS],
    ) -> bool {
        let (pids, proc, left_out) = (Arc::clone(pids), Arc::clone(proc), Arc::clone(&self.left_out));
        let rest = Arc::clone(rest);
        let work =
            move || rest.window(end, |part| read(pids.get(part).unwrap_or_default(), &left_out, &proc));
        let helper = self.begun % HELPERS;
        let Some(begun) = readers.get(helper).and_then(|readers| readers.begin(work)) else { return false };
        self.begun += 1;
        match end {
            End::First => self.under_way.push_front((helper, begun)),
            End::Last => self.under_way.push_back((helper, begun)),
        }
        true
    }

    /// Begins the next window. False at the end of the listing, or if no helper can be had.
    fn begin(&mut self, pids: &Arc<[Pid]>, proc: &Arc<OwnedFd>, readers: &[Arc<Readers>; HELPERS]) -> bool {
        self.size = (self.size * 4).clamp(16, WINDOW_MAX);
        self.begin_window(self.size, pids, proc, readers)
    }

    fn begin_window(
        &mut self,
        size: usize,
        pids: &Arc<[Pid]>,
        proc: &Arc<OwnedFd>,
        readers: &[Arc<Readers>; HELPERS],
    ) -> bool {
        let from = self.next;
        let to = (from + size).min(pids.len());
        if from >= to {
            return false;
        }
        let (pids, proc, left_out) = (Arc::clone(pids), Arc::clone(proc), Arc::clone(&self.left_out));
        let work = move || Window::from([read(pids.get(from..to).unwrap_or_default(), &left_out, &proc)]);
        let helper = self.begun % HELPERS;
        let Some(begun) = readers.get(helper).and_then(|readers| readers.begin(work)) else { return false };
        self.next = to;
        self.begun += 1;
        self.under_way.push_back((helper, begun));
        true
    }

    /// Gives up what is under way. A helper that is stuck in it is left behind.
    pub(super) fn close(&mut self, readers: &[Arc<Readers>; HELPERS]) {
        for (helper, begun) in self.under_way.drain(..) {
            let _ = readers.get(helper).and_then(|readers| readers.finish(&begun, Duration::ZERO));
        }
        self.ready = Window::default();
        self.rest = None;
        self.size = 0;
    }
}

/// The arguments of these processes. What can't be read here has none.
fn read(pids: &[Pid], left_out: &BTreeSet<Pid>, proc: &OwnedFd) -> Part {
    // And for some more at the end, where each read wants a page.
    let text = Vec::with_capacity((pids.len() + 16) * TEXT_ROOM);
    let mut part = Part { text, places: VecDeque::with_capacity(pids.len()) };
    for pid in pids {
        let begin = part.text.len();
        if left_out.contains(pid) || append(proc, *pid, &mut part.text).is_err() {
            part.text.truncate(begin);
        }
        part.places.push_back((*pid, begin..part.text.len()));
    }
    part
}

fn append(proc: &OwnedFd, pid: Pid, text: &mut Vec<u8>) -> Result<(), Errno> {
    let path = Leaf::of(pid, "cmdline");
    let file = rustix::fs::openat(proc, path.as_c_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // The kernel copies all there is (`get_mm_cmdline` in fs/proc/base.c): a read that leaves room was the last.
    let more = raw::append_all(file.as_fd(), Form::Record, TEXT_MAX, text)?;
    if more { Err(Errno::FBIG) } else { Ok(()) }
}
