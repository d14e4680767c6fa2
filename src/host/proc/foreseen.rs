//! Second questions that are foreseen: whoever sieved all processes will ask the few that are left for all that tells whose they
//! are, the same of each.
//!
//! Asked one fact after the other that is a dozen system calls by one thread for each of them. Where it is known who comes
//! next, helpers read all of it of the next few while one is looked at.
//!
//! ```text
//!  a helper:  open 412 (O_PATH) --> cmdline, exe, owner, ns/pid, cgroup, stat, all through it --> close
//!  the look:  is what was told of 412 so far found there as well? Then all of that is of the same process
//! ```
//!
//! Arguments cost as much as all that is read of the image, and who was sieved by them was asked for them a moment ago. Where nothing is
//! done about what is found they aren't read again of a process that began before and has as many bytes of them.
//!
//! Groups tell only whose unit it is, and there is nobody's where the host has none ([`units`]).
//!
//! What can't be read that way isn't told: it is asked for again, one by one, by who knows what a failure means.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::LiveWorld;
use super::ahead::{HELPERS, TEXT_MAX};
use super::entry::{Entry, Hold};
use super::raw::{self, Form, Leaf};
use super::readers::Begun;
use super::{RECORD_LIMIT, parse, units};
use crate::facts::{Fact, Stat};
use crate::process::world::{Bytes, Namespace};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// Processes that are read together. Few, so that little time passes until they are asked.
const BATCH: usize = 32;
/// So many may be read and not asked for.
const READY_MAX: usize = 4 * BATCH;

/// What a helper read of one process, through one descriptor.
#[derive(Debug)]
struct Portrait {
    /// The inode number of its directory, new with every process.
    inode: u64,
    owner: (Uid, Gid),
    /// `None`: those that it was told of with.
    arguments: Option<Vec<u8>>,
    exe: rustix::fs::Stat,
    /// Of those of a batch that execute the same file only the first one's: a name of the file is all that most are asked for.
    exe_text: Option<Vec<u8>>,
    namespace: u64,
    /// `None`: nobody's are needed.
    cgroups: Option<Vec<u8>>,
    stat: Stat,
}

/// Arguments that needn't be read again, as long as nobody acts on them.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// Of the text.
    length: u64,
    /// Before they were read.
    seen: StartTicks,
}

impl Told {
    /// `None`: they were not told of, or this would be no proof.
    fn of(entry: &Entry) -> Option<Self> {
        let Some(Fact::Known(arguments)) = entry.arguments.get() else { return None };
        let length: usize = arguments.words.iter().map(|word| word.len() + 1).sum();
        Some(Self { length: u64::try_from(length).ok()?, seen: entry.seen })
    }

    /// It was there already, and its arguments lie in as much room as theirs: an exec is as good as sure to give it another one.
    fn are_of(self, stat: &Stat) -> bool {
        let (begin, end) = stat.arg_range;
        stat.start < self.seen && end.checked_sub(begin) == Some(self.length)
    }
}

/// Where a helper reads, and what.
struct Errand {
    proc: Arc<OwnedFd>,
    page: u64,
    /// Groups are to be read.
    groups: bool,
}

#[derive(Debug)]
struct Batch {
    helper: usize,
    /// The place behind it.
    end: usize,
    begun: Begun<Vec<(Pid, Portrait)>>,
}

/// Who will be asked for more, of one look.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// In the order in which they will be asked.
    order: Vec<(Pid, Option<Told>)>,
    places: BTreeMap<Pid, usize>,
    /// The first place that no batch has covered.
    next: usize,
    /// The first place of which no batch was waited for.
    awaited: usize,
    under_way: VecDeque<Batch>,
    /// In that order as well, so that who is asked next is the first of them.
    ready: VecDeque<(Pid, Portrait)>,
    /// Batches begun so far.
    pub(super) begun: usize,
}

impl Portrait {
    /// An error where something of it can't be read or isn't there. `named`: the files that the text was read of.
    fn of(
        Errand { proc, page, groups }: &Errand,
        (pid, told): (Pid, Option<Told>),
        buffer: &mut Vec<u8>,
        named: &mut Vec<(u64, u64)>,
    ) -> Result<Self, Errno> {
        let held = raw::open_dir(proc.as_fd(), Leaf::of(pid, "").as_c_str())?;
        let dir = held.as_fd();
        let exe = raw::stat_at(dir, c"exe")?;
        let file = (exe.st_dev, exe.st_ino);
        let exe_text =
            if named.contains(&file) && exe.st_nlink > 0 { None } else { Some(raw::link_at(dir, c"exe")?) };
        let own = rustix::fs::fstat(&held)?;
        // Half of what it costs to follow the link.
        let namespace =
            raw::short_link_at(dir, c"ns/pid", parse::inode_in_link).flatten().ok_or(Errno::IO)?;
        let cgroups = if *groups { Some(record(dir, c"cgroup", buffer)?) } else { None };
        // Of a process that exited the directory says that it is root's, and this says that it is gone.
        raw::read_at(dir, c"stat", Form::Record, RECORD_LIMIT, buffer)?;
        let stat = parse::parse_stat(buffer, *page).ok_or(Errno::IO)?;
        let arguments = match told.filter(|told| told.are_of(&stat)) {
            Some(_) => None,
            None => Some(arguments(dir, buffer)?),
        };
        let owner = (Uid(own.st_uid), Gid(own.st_gid));
        named.push(file);
        Ok(Self { inode: own.st_ino, owner, arguments, exe, exe_text, namespace, cgroups, stat })
    }

    /// Whether it shows the process that something was told of by pid.
    fn shows(&self, entry: &Entry) -> bool {
        same(entry.owner.get(), |owner| *owner == self.owner)
            && same(entry.exe_file.get(), |exe| (exe.dev, exe.ino) == (self.exe.st_dev, self.exe.st_ino))
            && same(entry.comm.get(), |comm| *comm == self.stat.comm)
            && same(entry.arguments.get(), |told| {
                self.arguments.as_ref().is_none_or(|text| parse::are_arguments(text, told))
            })
            && entry.told(|rest| &rest.exe_text).is_none_or(|text| self.exe_text.as_deref() == Some(&**text))
            && entry.told(|rest| &rest.stat).is_none_or(|stat| stat.start == self.stat.start)
    }
}

fn record(dir: BorrowedFd<'_>, leaf: &CStr, buffer: &mut Vec<u8>) -> Result<Vec<u8>, Errno> {
    raw::read_at(dir, leaf, Form::Record, RECORD_LIMIT, buffer)?;
    Ok(buffer.clone())
}

/// All of them. One that has none has exited, or is asked in another way.
fn arguments(dir: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<Vec<u8>, Errno> {
    let more = raw::read_at(dir, c"cmdline", Form::Record, TEXT_MAX, buffer)?;
    if more || buffer.is_empty() { Err(Errno::NODATA) } else { Ok(buffer.clone()) }
}

/// Of whom a descriptor is kept, the rest is read through that.
fn can_be_met(entry: &Entry) -> bool {
    matches!(*entry.hold.borrow(), Hold::Fresh | Hold::Glimpsed)
}

/// What isn't known is no contradiction.
fn same<T>(told: Option<&Fact<T>>, is: impl FnOnce(&T) -> bool) -> bool {
    match told {
        Some(Fact::Known(told)) => is(told),
        Some(Fact::Absent | Fact::Unknown(_)) | None => true,
    }
}

impl LiveWorld {
    /// Says who will be asked for more than was told of them so far, in this order. What is asked otherwise is answered as
    /// well, only slower.
    pub(in crate::host) fn foresee(&self, order: impl Iterator<Item = Pid>) {
        self.forget_foreseen();
        let mut foreseen = Foreseen::default();
        for pid in order {
            let entry = self.entry(pid);
            if can_be_met(&entry) {
                foreseen.places.entry(pid).or_insert_with(|| {
                    foreseen.order.push((pid, Told::of(&entry).filter(|_| self.only_shown)));
                    foreseen.order.len() - 1
                });
            }
        }
        self.no_units.set(self.only_shown && units::are_none(self.proc(), foreseen.order.len()));
        self.foreseen.replace(foreseen);
    }

    /// One of those that were foreseen is asked next: what was read of it is known from now on, if it is still the process
    /// that something was told of.
    pub(in crate::host) fn meet(&self, pid: Pid) {
        let entry = self.entry(pid);
        if !can_be_met(&entry) {
            return;
        }
        if let Some(portrait) = self.portrait(pid).filter(|portrait| portrait.shows(&entry)) {
            self.learn(&entry, portrait);
        }
    }

    fn learn(&self, entry: &Entry, portrait: Portrait) {
        if matches!(entry.hold.replace(Hold::Released(portrait.inode)), Hold::Glimpsed) {
            let (first, second) = self.glimpsed.get();
            self.glimpsed.set((first, second + 1));
        }
        for leaf in ["exe", "", "ns/pid", "stat"] {
            self.note_read(leaf);
        }
        let exe =
            || Fact::Known(raw::file_facts(&portrait.exe, Arc::clone(&self.nothing), false)).map(Box::new);
        entry.owner.get_or_init(|| Fact::Known(portrait.owner));
        entry.exe_file.get_or_init(exe);
        if let Some(text) = &portrait.arguments {
            self.note_read("cmdline");
            entry.arguments.get_or_init(|| Fact::Known(Arc::new(parse::parse_arguments(text, false))));
        }
        let rest = entry.rest();
        rest.namespaces.borrow_mut().insert(Namespace::Pid, Fact::Known(portrait.namespace));
        if let Some(text) = &portrait.cgroups {
            self.note_read("cgroup");
            if let Some(lines) = self.cgroups_in(text) {
                rest.cgroups.get_or_init(|| Fact::Known(lines));
            }
        }
        if let Some(text) = portrait.exe_text {
            let text: Bytes = text.into();
            self.note_image_name(&portrait.exe, &text);
            rest.exe_text.get_or_init(|| Fact::Known(text));
        }
        rest.stat.get_or_init(|| Fact::Known(Arc::new(portrait.stat)));
    }

    fn portrait(&self, pid: Pid) -> Option<Portrait> {
        let mut foreseen = self.foreseen.borrow_mut();
        let place = *foreseen.places.get(&pid)?;
        if place > foreseen.next + READY_MAX {
            // Those before it weren't asked.
            foreseen.next = place;
        }
        while place >= foreseen.awaited {
            if foreseen.under_way.is_empty() && !self.begin_batch(&mut foreseen) {
                return None;
            }
            self.end_batch(&mut foreseen)?;
        }
        // Not there: it couldn't be read.
        let at = foreseen.ready.iter().position(|(of, _)| *of == pid)?;
        foreseen.ready.remove(at).map(|(_, portrait)| portrait)
    }

    /// Has the next batch read. False at the end of the order, or if no helper can be had.
    fn begin_batch(&self, foreseen: &mut Foreseen) -> bool {
        let from = foreseen.next;
        let left_out = Arc::clone(&self.ahead.borrow().left_out);
        let batch = foreseen.order.get(from..).unwrap_or_default().iter().take(BATCH);
        let pids: Vec<_> = batch.filter(|(pid, _)| !left_out.contains(pid)).copied().collect();
        foreseen.next = (from + BATCH).min(foreseen.order.len());
        if from >= foreseen.next {
            return false;
        }
        let groups = !self.no_units.get();
        let errand = Errand { proc: Arc::clone(&self.proc), page: self.page, groups };
        let read = move || {
            let (mut buffer, mut named) = (Vec::new(), Vec::new());
            let mut each = |one: (Pid, Option<Told>)| {
                Some((one.0, Portrait::of(&errand, one, &mut buffer, &mut named).ok()?))
            };
            let mut portraits = Vec::with_capacity(pids.len());
            portraits.extend(pids.into_iter().filter_map(&mut each));
            portraits
        };
        let (helper, end) = (foreseen.begun % HELPERS, foreseen.next);
        let begun = self.ahead_readers.get(helper).and_then(|readers| readers.begin(read));
        foreseen.begun += 1;
        let begins = begun.is_some();
        foreseen.under_way.extend(begun.map(|begun| Batch { helper, end, begun }));
        begins
    }

    /// Waits for the oldest batch, while the next ones are read. `None`: it is late, since a process in it is stuck.
    fn end_batch(&self, foreseen: &mut Foreseen) -> Option<()> {
        let deadline = self.memory_deadline.min(self.budget_left().ok()?);
        let batch = foreseen.under_way.pop_front()?;
        foreseen.awaited = batch.end;
        while foreseen.under_way.len() + 1 < HELPERS && self.begin_batch(foreseen) {}
        let since = Instant::now();
        let portraits = self.ahead_readers.get(batch.helper)?.finish(&batch.begun, deadline);
        self.spend(since.elapsed());
        if foreseen.ready.len() > READY_MAX {
            foreseen.ready.clear();
        }
        foreseen.ready.extend(portraits?);
        while foreseen.under_way.len() < HELPERS && self.begin_batch(foreseen) {}
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
