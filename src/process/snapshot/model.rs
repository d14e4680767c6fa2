//! What a snapshot holds, in the form in which it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::FileTable;
use crate::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, FileId, IoCounts, LimitPair, MagicLink,
    MemoryUse, OpenFile, Reason, RootLink, Socket, Stat, Status, Task, Trait, Why,
};
use crate::process::world::Bytes;
use crate::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};

/// What the key `unreadable` says: which facts aren't known, and why.
#[derive(Clone, Default, Debug)]
pub(super) struct Unread {
    /// By key, dotted where it nests.
    pub(super) keys: BTreeMap<String, Why>,
    /// `*`: everything that isn't stated.
    pub(super) rest: Option<Why>,
    /// ` of 600`, for reasons.
    pub(super) owner: String,
}

impl Unread {
    /// The answer for a fact that isn't stated.
    pub(super) fn missing<T>(&self, key: &str) -> Fact<T> {
        self.first_of(&[key])
    }

    /// The same for a fact that has several keys: the first that is listed decides.
    pub(super) fn first_of<T>(&self, keys: &[&str]) -> Fact<T> {
        let listed = keys.iter().find_map(|key| self.keys.get(*key).map(|why| (*key, *why)));
        let reason = listed.or(self.rest.zip(keys.first().copied()).map(|(why, key)| (key, why)));
        reason.map_or(Fact::Absent, |(key, why)| {
            Fact::Unknown(Reason::new(why, format!("{key}{}", self.owner)))
        })
    }
}

/// A process, each fact as it is asked.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// Keys that are stated, and keys that follow from a stated one.
    pub(super) stated: BTreeSet<&'static str>,
    pub(super) unread: Unread,
    pub(super) owner: Fact<(Uid, Gid)>,
    pub(super) exe_file: Fact<FileFacts>,
    pub(super) exe_text: Fact<Bytes>,
    pub(super) stat: Fact<Arc<Stat>>,
    pub(super) comm: Fact<Bytes>,
    pub(super) status: Fact<Arc<Status>>,
    pub(super) arguments: Fact<Arc<Arguments>>,
    pub(super) environ: Fact<Arc<[Bytes]>>,
    pub(super) execfn: Fact<Bytes>,
    pub(super) cwd: Fact<MagicLink>,
    pub(super) root: Fact<RootLink>,
    pub(super) namespaces: BTreeMap<&'static str, Fact<u64>>,
    pub(super) cgroups: Fact<Arc<[CgroupLine]>>,
    pub(super) limits: BTreeMap<String, LimitPair>,
    pub(super) login_uid: Fact<Uid>,
    pub(super) oom_score: Fact<i64>,
    pub(super) oom_score_adj: Fact<i64>,
    pub(super) io: Fact<IoCounts>,
    pub(super) fd_count: Fact<u64>,
    /// What is stated, in a second.
    pub(super) rates: BTreeMap<Counter, u64>,
    pub(super) changed: BTreeMap<Trait, bool>,
    pub(super) memory_use: Fact<MemoryUse>,
    pub(super) files: Fact<Arc<[OpenFile]>>,
    pub(super) sockets: Fact<Arc<[Socket]>>,
    pub(super) listens: Fact<Arc<[Socket]>>,
    /// `None` where it follows from the control groups.
    pub(super) container: Option<Fact<Bytes>>,
    pub(super) security_label: Fact<Bytes>,
    pub(super) tasks: Fact<Arc<[Task]>>,
    pub(super) managed_as: Fact<Arc<str>>,
}

/// A user or group of the host.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: Arc<str>,
    pub(super) uid: Uid,
    pub(super) groups: Option<Arc<[Gid]>>,
}

/// Everything that isn't of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) unread: Unread,
    pub(super) files: FileTable,
    /// Files seen in other roots, by the identity of the root directory.
    pub(super) roots: BTreeMap<FileId, FileTable>,
    /// In the order of the document: the first user of a uid gives it its name.
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<(Arc<str>, Gid)>,
    pub(super) path: Option<Bytes>,
    pub(super) boot_id: Option<BootId>,
    pub(super) now: Option<WallTime>,
    pub(super) boot: Option<WallTime>,
    pub(super) uptime: Option<BootTime>,
    pub(super) ticks_per_second: u64,
    /// Bytes.
    pub(super) memory: Option<u64>,
    pub(super) namespaces: BTreeMap<&'static str, u64>,
    pub(super) engine: Option<Pid>,
    pub(super) binfmt: Option<Arc<[Binfmt]>>,
}
