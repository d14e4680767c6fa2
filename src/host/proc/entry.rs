//! What one look has learnt about one process, and how it holds on to it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::allowance::{Behind, Taken};
use crate::facts::{
    Arguments, CgroupLine, Fact, FileFacts, IoCounts, LimitPair, MagicLink, MemoryUse, OpenFile,
    ProcessState, Reason, RootLink, Socket, Stat, Status, Task, Why,
};
use crate::process::world::{Bytes, Namespace};
use crate::units::{Gid, Pid, StartTicks, Uid};

/// A place for a fact that is read when first asked for.
pub(super) type Cell<T> = OnceCell<Fact<T>>;

/// How a process is held on to.
///
/// ```text
///  Fresh --first cheap fact--> Glimpsed --second fact--> Kept --too many descriptors--> Released
///    \________________________any other fact____________/  ^________next fact___________/
///  from each: the process is found to have exited, or to be another one --> Lost
/// ```
#[derive(Debug)]
pub(super) enum Hold {
    /// Nothing was asked yet.
    Fresh,
    /// One fact was read by pid. Before a second one is told the first is read again through a descriptor.
    Glimpsed,
    /// A descriptor of `/proc/PID`: it answers for this process or not at all.
    Kept(Arc<OwnedFd>),
    /// The descriptor was given up. The inode number of `/proc/PID` is new with every process.
    Released(u64),
    /// Nothing more can be learnt.
    Lost(Reason),
}

/// The facts of one process. The cheapest stand at hand; the others get room when one of them is asked, since a look makes one of these
/// for every process and asks most of them for their owner alone.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) pid: Pid,
    /// When the pid was seen, in clock ticks since boot: a process that started later is another one.
    pub(super) seen: StartTicks,
    pub(super) hold: RefCell<Hold>,
    pub(super) owner: Cell<(Uid, Gid)>,
    pub(super) exe_file: Cell<Box<FileFacts>>,
    pub(super) comm: Cell<Bytes>,
    pub(super) arguments: Cell<Arc<Arguments>>,
    rest: OnceCell<Box<Rest>>,
}

/// Facts that most processes are never asked for.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) exe_text: Cell<Bytes>,
    pub(super) stat: Cell<Arc<Stat>>,
    pub(super) status: Cell<Arc<Status>>,
    /// The entries, and whether there are more than these.
    pub(super) environ: Cell<(Arc<[Bytes]>, bool)>,
    pub(super) execfn: Cell<Bytes>,
    pub(super) cwd: Cell<MagicLink>,
    pub(super) root: Cell<RootLink>,
    pub(super) namespaces: RefCell<BTreeMap<Namespace, Fact<u64>>>,
    pub(super) cgroups: Cell<Arc<[CgroupLine]>>,
    pub(super) limits: Cell<BTreeMap<&'static str, LimitPair>>,
    pub(super) login_uid: Cell<Uid>,
    pub(super) oom_score: Cell<i64>,
    pub(super) oom_score_adj: Cell<i64>,
    pub(super) io: Cell<IoCounts>,
    pub(super) fd_count: Cell<u64>,
    pub(super) security_label: Cell<Bytes>,
    pub(super) tasks: Cell<Arc<[Task]>>,
    pub(super) memory_use: Cell<MemoryUse>,
    pub(super) files: Cell<Arc<[OpenFile]>>,
    pub(super) sockets: Cell<Arc<[Socket]>>,
    taken: Taken,
}

impl Rest {
    /// How long reads of this process that can wait for the same thing have taken.
    pub(super) fn taken(&self, behind: Behind) -> &std::cell::Cell<Duration> {
        self.taken.by(behind)
    }
}

impl Entry {
    pub(super) fn new(pid: Pid, seen: StartTicks) -> Self {
        Self {
            pid,
            seen,
            hold: RefCell::new(Hold::Fresh),
            owner: OnceCell::new(),
            exe_file: OnceCell::new(),
            comm: OnceCell::new(),
            arguments: OnceCell::new(),
            rest: OnceCell::new(),
        }
    }

    /// Nothing was told of it but its owner.
    pub(super) fn is_bare(&self) -> bool {
        self.exe_file.get().is_none()
            && self.comm.get().is_none()
            && self.arguments.get().is_none()
            && self.rest.get().is_none()
    }

    pub(super) fn rest(&self) -> &Rest {
        self.rest.get_or_init(Box::default)
    }

    /// The value of a fact that was told already; doesn't ask.
    pub(super) fn told<'a, T>(&'a self, cell: impl FnOnce(&'a Rest) -> &'a Cell<T>) -> Option<&'a T> {
        match cell(self.rest.get()?).get()? {
            Fact::Known(value) => Some(value),
            Fact::Absent | Fact::Unknown(_) => None,
        }
    }

    /// Whether this look has told something that only a process with memory of its own has.
    pub(super) fn was_alive(&self) -> bool {
        let state = self.told(|rest| &rest.stat).map(|stat| stat.state);
        matches!(self.exe_file.get(), Some(Fact::Known(_)))
            || self.told(|rest| &rest.exe_text).is_some()
            || state.is_some_and(|state| !matches!(state, ProcessState::Zombie | ProcessState::Dead))
    }

    /// Notes that the process has exited.
    pub(super) fn vanished(&self) -> Reason {
        let gone = Reason::new(Why::Vanished, format!("process {}", self.pid));
        self.lose(&gone);
        gone
    }

    pub(super) fn lose(&self, reason: &Reason) {
        self.hold.replace(Hold::Lost(reason.clone()));
    }
}
