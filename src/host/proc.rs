//! The live host: `/proc` read lazily and raw, each fact at most once in a look.
//!
//! ```text
//!  pids --getdents--> 412   --stat 412/exe-------------------> first cheap fact, one system call
//!                      |     second fact: open 412 (O_PATH), read the first again, compare
//!                      +---> stat, status, exe, cwd ... through that descriptor: ESRCH after exit
//!                      +---> cmdline, environ, mem, smaps_rollup: the same on a helper thread, with a deadline
//!                      +---> fd/*: socket numbers, joined with one sock_diag dump per network namespace
//! ```
//!
//! # Theory of operation
//!
//! A pid is used again, so two facts read by pid may be of two processes. The first fact of a process is read by
//! pid all the same, since for most processes it is the only one: it decides that they are none of ours. As soon
//! as a second one is wanted, a descriptor of `/proc/PID` is opened, and the first fact is read again through
//! it: if both agree, everything told so far is true of the process behind the descriptor. Through a descriptor a
//! process that exited answers `ESRCH`, never the facts of a successor. Descriptors are kept up to
//! a bound; beyond it the oldest is given up, and its process is recognised by the inode of its directory.
//!
//! A [`LiveWorld`] is one look. Drop it, or ask it for the next one with [`LiveWorld::again`]. It decides nothing
//! and writes nothing.

mod ahead;
mod allowance;
mod answers;
mod both_ends;
mod children;
mod descriptors;
mod entry;
mod files;
mod foreseen;
mod glance;
mod hold;
mod likeness;
mod listed;
mod memory;
mod names;
pub mod parse;
mod raw;
mod read;
mod readers;
mod sockets;
#[cfg(test)]
mod tests;
mod units;
mod unmounted;

pub use answers::DEFAULT_PATH;
pub use glance::{Glance, Image};
pub use parse::Hidepid;
pub use read::ImageNames;
pub use readers::{MOST_STUCK, Readers};

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Resource;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::name_service::KeptTexts;
use crate::facts::{CgroupLine, Fact, ProcessKey, Reason, Why};
use crate::plan::Recorded;
use crate::process::samples::Samples;
use crate::process::tree::OwnLine;
#[cfg(doc)]
use crate::process::world::World;
use crate::process::world::{Bytes, Namespace};
use crate::units::{BootId, BootTime, Pid, StartTicks, WallTime};
use entry::Entry;
use listed::{Listed, Listing};
use raw::{Form, Leaf};

/// `PROC_SUPER_MAGIC` of `statfs(2)`.
const PROC_MAGIC: i64 = 0x9fa0;
/// `CAP_SYS_PTRACE` of `capabilities(7)`: lifts every restriction on reading processes.
const CAP_SYS_PTRACE: u64 = 1 << 19;
/// How long reads that can block may take for one process.
const MEMORY_DEADLINE: Duration = Duration::from_millis(50);
/// How long a whole look may wait for them.
const LOOK_BUDGET: Duration = Duration::from_secs(1);
/// The same for whoever looks once and has the time: where a machine has much to do, the helper that reads waits longer for a
/// processor than any read takes.
const PATIENT_DEADLINE: Duration = Duration::from_secs(1);
const PATIENT_BUDGET: Duration = Duration::from_secs(5);
/// For a listing that a helper makes. Nothing in it can block, so it only waits for a processor.
const LISTING_DEADLINE: Duration = Duration::from_secs(5);
/// Most descriptors of processes kept at a time; fewer where `RLIMIT_NOFILE` is low.
const MOST_KEPT: u64 = 1024;
/// More than any file of `/proc` that has one record.
const RECORD_LIMIT: usize = 1 << 20;

/// For single reads, and those that read ahead.
type Helpers = (Arc<Readers>, [Arc<Readers>; ahead::HELPERS]);

/// One look at this host through `/proc`.
pub struct LiveWorld {
    proc: Arc<OwnedFd>,
    readers: Arc<Readers>,
    away: Rc<allowance::Away>,
    /// Those that read ahead: what is begun there must not hold up a single read.
    ahead_readers: [Arc<Readers>; ahead::HELPERS],
    ahead: RefCell<ahead::Ahead>,
    foreseen: RefCell<foreseen::Foreseen>,
    /// For who looks once, and is waited for.
    first_facts: Option<both_ends::FirstFacts>,
    me: Pid,
    /// Read when it is first asked for, by any of the looks.
    boot: Rc<OnceCell<Fact<BootId>>>,
    /// What the mount hides from us.
    hides: Option<Hidepid>,
    managed: Recorded,
    uptime: BootTime,
    wall: WallTime,
    page: u64,
    ticks: u64,
    listed: OnceCell<Listed>,
    /// The listing, being made by a helper.
    listing: RefCell<Option<readers::Begun<Listing>>>,
    /// Processes that were asked for and are not in the listing, or were asked for before it was made.
    others: RefCell<BTreeMap<Pid, Rc<Entry>>>,
    /// Whose descriptors are kept, the oldest first.
    kept: RefCell<VecDeque<Pid>>,
    most_kept: usize,
    memory_deadline: Duration,
    budget: Duration,
    /// How long this look has waited for reads that can block.
    waited: Cell<Duration>,
    /// How many first facts were read by pid, and after how many of them a second was wanted.
    glimpsed: Cell<(u32, u32)>,
    scratch: RefCell<Vec<u8>>,
    /// The arguments that were at hand last, of whom nothing was told by it.
    glanced: RefCell<(Option<Pid>, Vec<u8>)>,
    /// What is kept from look to look for rates, where somebody wants them.
    samples: Option<Rc<RefCell<Samples>>>,
    /// Nothing is done about what it finds.
    only_shown: bool,
    /// Whether it is certain that nobody is of a systemd service, where that was found out.
    no_units: Cell<bool>,
    /// What was read of processes, where somebody keeps an account of it.
    account: Option<RefCell<Vec<String>>>,
    nothing: Bytes,
    files: files::Cache,
    sockets: sockets::Cache,
    names: names::Cache,
    kept_texts: Rc<KeptTexts>,
    no_binfmt: Rc<unmounted::Unmounted>,
    children: OnceCell<BTreeSet<Pid>>,
    own_line: OnceCell<Rc<OwnLine>>,
    /// Every object that is looked for asks.
    own_namespaces: RefCell<BTreeMap<Namespace, Fact<u64>>>,
    /// The name of a task that was read last.
    last_name: RefCell<Bytes>,
    /// The text that was read last, and what it means: neighbours are often in one group.
    cgroups: RefCell<(Vec<u8>, Arc<[CgroupLine]>)>,
    /// Names of files that processes execute, for people.
    exe_names: RefCell<ImageNames>,
    /// A name of each file that was asked for one, whoever executes it.
    image_names: RefCell<BTreeMap<(u64, u64), Bytes>>,
    /// What processes on record execute, of those of whom it was read before this look.
    images: BTreeMap<Pid, Bytes>,
}

/// An entry of either kind.
enum EntryRef<'a> {
    Listed(&'a Entry),
    Other(Rc<Entry>),
}

impl Deref for EntryRef<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        match self {
            Self::Listed(entry) => entry,
            Self::Other(entry) => entry,
        }
    }
}

impl fmt::Debug for LiveWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveWorld").field("me", &self.me).field("hides", &self.hides).finish_non_exhaustive()
    }
}

impl LiveWorld {
    /// Opens `/proc` for a look.
    ///
    /// # Errors
    /// If `/proc` can't be opened, is no procfs, or shows another PID namespace than our own: pids read there
    /// would mean other processes to `kill`.
    pub fn new() -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = rustix::fs::openat(rustix::fs::CWD, c"/proc", flags, Mode::empty())?;
        make_room(&proc);
        let fs = rustix::fs::fstatfs(&proc)?;
        if fs.f_type != PROC_MAGIC {
            return Err(io::Error::other("`/proc` is not a procfs"));
        }
        let me = Pid(rustix::process::getpid().as_raw_nonzero().get());
        let status = read_whole(proc.as_fd(), c"self/status")
            .map_err(|errno| if errno == Errno::NOENT { foreign() } else { errno.into() })?;
        if parse::nested_pids(&status).is_some_and(|pids| pids != [me.0]) {
            return Err(foreign());
        }
        let hides = hiding(proc.as_fd(), &status)?;
        let ahead = std::array::from_fn(|_| Arc::new(Readers::below(&proc)));
        Ok(Self::open(Arc::new(proc), (Arc::default(), ahead), me, Rc::default(), hides))
    }

    fn open(
        proc: Arc<OwnedFd>,
        (readers, ahead_readers): Helpers,
        me: Pid,
        boot: Rc<OnceCell<Fact<BootId>>>,
        hides: Option<Hidepid>,
    ) -> Self {
        let soft = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self {
            proc,
            readers,
            away: Rc::default(),
            ahead_readers,
            ahead: RefCell::default(),
            foreseen: RefCell::default(),
            first_facts: None,
            me,
            boot,
            hides,
            managed: Recorded::default(),
            uptime: BootTime(since_zero(clock_gettime(ClockId::Boottime))),
            wall: WallTime(since_zero(clock_gettime(ClockId::Realtime))),
            page: u64::try_from(rustix::param::page_size()).unwrap_or(4096),
            ticks: rustix::param::clock_ticks_per_second(),
            listed: OnceCell::new(),
            listing: RefCell::default(),
            others: RefCell::default(),
            kept: RefCell::default(),
            most_kept: usize::try_from((soft / 4).clamp(4, MOST_KEPT)).unwrap_or(4),
            memory_deadline: MEMORY_DEADLINE,
            budget: LOOK_BUDGET,
            waited: Cell::default(),
            glimpsed: Cell::default(),
            scratch: RefCell::default(),
            glanced: RefCell::default(),
            samples: None,
            only_shown: false,
            no_units: Cell::default(),
            account: None,
            nothing: Arc::from([]),
            files: files::Cache::default(),
            sockets: sockets::Cache::default(),
            names: names::Cache::default(),
            kept_texts: Rc::default(),
            no_binfmt: Rc::default(),
            children: OnceCell::new(),
            own_line: OnceCell::new(),
            own_namespaces: RefCell::default(),
            last_name: RefCell::default(),
            cgroups: RefCell::default(),
            exe_names: RefCell::default(),
            image_names: RefCell::default(),
            images: BTreeMap::new(),
        }
    }

    /// The next look: nothing of this one is remembered but the descriptor of `/proc`, the helper threads and what keeps
    /// some of them, and samples ([`LiveWorld::with_samples`]).
    #[must_use]
    pub fn again(&self) -> Self {
        let mut next = Self::open(
            Arc::clone(&self.proc),
            (Arc::clone(&self.readers), self.ahead_readers.clone()),
            self.me,
            Rc::clone(&self.boot),
            self.hides.clone(),
        );
        next.away = Rc::clone(&self.away);
        next.kept_texts = Rc::clone(&self.kept_texts);
        next.no_binfmt = Rc::clone(&self.no_binfmt);
        next.samples.clone_from(&self.samples);
        next.ahead.get_mut().left_out = Arc::new(self.away.pids());
        next.with_memory_deadline(self.memory_deadline).with_budget(self.budget)
    }

    /// How long reads that can block (arguments, environment, name given to execve, memory in use, open files) may
    /// take for one process; 50 ms unless said otherwise. It holds for the next looks too.
    #[must_use]
    pub fn with_memory_deadline(mut self, deadline: Duration) -> Self {
        self.memory_deadline = deadline;
        self
    }

    /// How long a look may wait for such reads altogether; 1 s unless said otherwise. What is asked for later is
    /// unknown ([`Why::Budget`]). It holds for the next looks too.
    #[must_use]
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// For a call that looks once and whose answer somebody waits for: one process may take a second, and a look five.
    #[must_use]
    pub fn with_patience(self) -> Self {
        self.with_memory_deadline(PATIENT_DEADLINE).with_budget(PATIENT_BUDGET)
    }

    /// Has a helper read owners or executables as well, once all processes are asked for theirs: the answer is there sooner, for as much
    /// of the processors. The next looks have none.
    #[must_use]
    pub fn with_help(mut self) -> Self {
        self.first_facts = Some(both_ends::FirstFacts::default());
        self
    }

    /// Keeps what rates are told by: `cpu`, `rate(...)` and `changed(...)` are unknown without. The next looks go on with it.
    #[must_use]
    pub fn with_samples(mut self, samples: Rc<RefCell<Samples>>) -> Self {
        self.samples = Some(samples);
        self
    }

    /// Keeps an account of what is read of processes, for [`World::take_reads`]. The next looks keep none.
    #[must_use]
    pub fn with_account(mut self) -> Self {
        self.account = Some(RefCell::default());
        self
    }

    /// Enters a read: a file of the process, or the empty name for its directory.
    fn note_read(&self, leaf: &str) {
        if let Some(account) = &self.account {
            let name = if leaf.is_empty() { "." } else { leaf };
            account.borrow_mut().push(name.to_owned());
        }
    }

    /// Whether nothing is done about what is found. Then who is left of many isn't read again to make sure that it didn't execute another
    /// program in the moment between, as long as it has arguments of the same length and was there before, nor for its groups where there is no
    /// systemd service at all. The next looks do.
    #[must_use]
    pub(in crate::host) fn with_facts_only_shown(self, only_shown: bool) -> Self {
        Self { only_shown, ..self }
    }

    /// What these execute was read a moment ago.
    #[must_use]
    pub(in crate::host) fn with_images(self, images: Vec<(Pid, Bytes)>) -> Self {
        Self { images: images.into_iter().collect(), ..self }
    }

    /// Says which processes the engine keeps, and for which object each.
    #[must_use]
    pub fn with_managed(mut self, managed: Recorded) -> Self {
        self.managed = managed;
        self
    }

    /// What the mount of `/proc` hides from us, if it hides anything.
    pub fn hidepid(&self) -> Option<&Hidepid> {
        self.hides.as_ref()
    }

    /// The processes that the listing showed, complete or not: where `hidepid` shortens it, those that we may see.
    pub fn visible_pids(&self) -> Arc<[Pid]> {
        Arc::clone(&self.listed().pids)
    }

    /// The identity of a process, in the same look. Absent if it never existed in this look.
    pub fn process_key(&self, pid: Pid) -> Fact<ProcessKey> {
        let start = self.read_stat_cell(&self.entry(pid)).map(|stat| stat.start);
        self.boot().and_then(|boot| start.map(|start| ProcessKey { boot, pid, start }))
    }

    fn boot(&self) -> Fact<BootId> {
        self.boot.get_or_init(|| boot_id(self.proc())).clone()
    }

    fn proc(&self) -> BorrowedFd<'_> {
        self.proc.as_fd()
    }

    fn listed(&self) -> &Listed {
        self.listed.get_or_init(|| {
            let begun = self.listing.take();
            let [helper, _] = &self.ahead_readers;
            // On a busy machine the helper may be without a processor for longer than the listing takes.
            let made = begun.and_then(|begun| helper.finish_begun(&begun, LISTING_DEADLINE));
            let made = made.unwrap_or_else(|| Listing::of(self.proc(), self.ticks));
            Listed::from(made)
        })
    }

    /// Has a helper list the processes, for who has something else to do before it looks.
    #[must_use]
    pub fn begin_listing(self) -> Self {
        let (proc, ticks) = (Arc::clone(&self.proc), self.ticks);
        let [helper, _] = &self.ahead_readers;
        let begun = helper.begin(move || Listing::of(proc.as_fd(), ticks));
        self.listing.replace(begun);
        self
    }

    /// Takes it from somebody who knows: these are all there are, ascending.
    #[must_use]
    pub(in crate::host) fn with_listing(self, pids: Vec<Pid>) -> Self {
        let listed = Listed::from(Listing::told(pids, self.ticks));
        Self { listed: OnceCell::from(listed), ..self }
    }

    /// Has helpers read the arguments of everybody, for who knows that it will ask for them and has something else to do before. False:
    /// a helper still makes the listing, and who has something else to do doesn't wait for it.
    #[must_use]
    pub fn begin_arguments(&self) -> bool {
        if self.listing.borrow().as_ref().is_some_and(|begun| !begun.is_done()) {
            return false;
        }
        let pids = &self.listed().pids;
        self.ahead.borrow_mut().begin_all(pids, &self.proc, &self.ahead_readers);
        true
    }

    fn entry(&self, pid: Pid) -> EntryRef<'_> {
        let known = self.others.borrow().get(&pid).cloned();
        match (known, self.listed.get().and_then(|listed| listed.entry(pid))) {
            (Some(entry), _) => EntryRef::Other(entry),
            (None, Some(entry)) => EntryRef::Listed(entry),
            (None, None) => {
                let entry = Rc::new(Entry::new(pid, self.ticks_now()));
                self.others.borrow_mut().insert(pid, Rc::clone(&entry));
                EntryRef::Other(entry)
            }
        }
    }

    /// The present moment in the unit of start times.
    fn ticks_now(&self) -> StartTicks {
        ticks_now(self.ticks)
    }
}

/// The present moment in the unit of start times, of which there are so many in a second.
fn ticks_now(per_second: u64) -> StartTicks {
    let now = since_zero(clock_gettime(ClockId::Boottime));
    let ticks = now.as_nanos() * u128::from(per_second) / 1_000_000_000;
    StartTicks(u64::try_from(ticks).unwrap_or(u64::MAX))
}

/// The identity of a process that runs now, read afresh. Absent if there is none with this pid.
pub fn process_key(pid: Pid) -> Fact<ProcessKey> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = match rustix::fs::openat(rustix::fs::CWD, c"/proc", flags, Mode::empty()) {
        Ok(proc) => proc,
        Err(errno) => return Fact::Unknown(reason(errno, "/proc")),
    };
    let path = Leaf::new(format_args!("{pid}/stat"));
    let stat = match read_whole(proc.as_fd(), path.as_c_str()) {
        Ok(bytes) => parse::parse_stat(&bytes, 1),
        Err(Errno::NOENT | Errno::SRCH) => return Fact::Absent,
        Err(errno) => return Fact::Unknown(reason(errno, &format!("stat of {pid}"))),
    };
    match stat {
        Some(stat) => boot_id(proc.as_fd()).map(|boot| ProcessKey { boot, pid, start: stat.start }),
        None => Fact::Unknown(Reason::new(Why::Malformed, format!("stat of {pid}"))),
    }
}

/// Makes the table of descriptors as large as a look may need it, before helper threads share it: the kernel grows a shared
/// one step by step, and waits at each step until no processor uses the old one (`expand_fdtable`, fs/file.c): 13 ms
/// each, measured. Where the limit is lower it stays as it is.
fn make_room(proc: &OwnedFd) {
    let soft = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let wanted = i32::try_from((soft / 2).min(2 * MOST_KEPT)).unwrap_or(0);
    drop(rustix::io::fcntl_dupfd_cloexec(proc, wanted));
}

fn foreign() -> io::Error {
    io::Error::other("`/proc` is of another PID namespace")
}

fn read_whole(dir: BorrowedFd<'_>, path: &std::ffi::CStr) -> Result<Vec<u8>, Errno> {
    let mut buffer = Vec::new();
    raw::read_at(dir, path, Form::Stream, RECORD_LIMIT, &mut buffer)?;
    Ok(buffer)
}

fn boot_id(proc: BorrowedFd<'_>) -> Fact<BootId> {
    match read_whole(proc, c"sys/kernel/random/boot_id") {
        Ok(bytes) => Fact::Known(super::boot::named(&bytes)),
        Err(errno) => Fact::Unknown(reason(errno, "boot id")),
    }
}

/// What the mount hides, unless a capability or a group of ours (in our `status`) lifts it.
fn hiding(proc: BorrowedFd<'_>, status: &[u8]) -> Result<Option<Hidepid>, Errno> {
    if parse::effective(status).is_some_and(sees_all) {
        // The mounts aren't looked at: their list is a twentieth of a small look.
        return Ok(None);
    }
    let device = rustix::fs::fstat(proc)?.st_dev;
    let mounts = read_whole(proc, c"self/mountinfo")?;
    let hides = parse::hidepid(&mounts, (rustix::fs::major(device), rustix::fs::minor(device)));
    Ok(hides.filter(|hides| is_subject(hides, status)))
}

fn is_subject(hides: &Hidepid, status: &[u8]) -> bool {
    let Some(own) = parse::parse_status(status) else { return true };
    let [_, group, _, _] = own.credentials.gid;
    let member = group == hides.gid || own.groups.iter().any(|gid| gid.0 == hides.gid);
    let [_, _, effective, _, _] = own.caps;
    !(sees_all(effective) || hides.heeds_group() && member)
}

fn sees_all(effective: u64) -> bool {
    effective & CAP_SYS_PTRACE != 0
}

fn since_zero(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Why a read failed, in the words of an evaluation.
fn reason(errno: Errno, what: &str) -> Reason {
    let why = match errno {
        Errno::ACCESS | Errno::PERM => Why::Denied,
        Errno::SRCH => Why::Vanished,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => Why::Budget,
        _ => return Reason::new(Why::Unresolved, format!("{what}: {errno}")),
    };
    Reason::new(why, what)
}
