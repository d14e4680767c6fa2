//! A small host for expressions: that of the snapshot tests, with a few facts replaced or withheld.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use selfsame::diagnostic::Source;
use selfsame::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, IoCounts, LimitPair, MagicLink, MemoryUse,
    OpenFile, Pace, RootLink, Socket, Stat, Status, Task, Trait, Why,
};
use selfsame::lang::value::Value;
use selfsame::lang::{Explanation, Matcher, Predicate, Verdict, Vocabularies};
use selfsame::process::plain::Scan;
use selfsame::process::snapshot::Snapshot;
use selfsame::process::tree::OwnLine;
use selfsame::process::world::{Bytes, Namespace, Root, World};
use selfsame::process::{ProcessVocabulary, candidate, paths};
use selfsame::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};

/// What the snapshot tests share: a script, a kernel thread, a container, a zombie, a process that is gone.
pub(crate) const HOST: &str = include_str!("../../tests/snapshots/host.yaml");
/// The script in it, run by python.
pub(crate) const SCRIPT: &[u8] = b"/srv/app/a.py";
/// Its process.
pub(crate) const PID: Pid = Pid(600);

pub(crate) fn host() -> &'static Snapshot {
    static HOST_OF_ALL: OnceLock<Snapshot> = OnceLock::new();
    HOST_OF_ALL.get_or_init(|| Snapshot::parse(&Source::new("host.yaml", HOST)).unwrap())
}

/// A world behind a curtain.
pub(crate) struct Staged<'w> {
    pub(crate) world: &'w dyn World,
    /// One bit a method, by its place below modulo 64: the answer is unknown.
    pub(crate) hidden: u64,
    /// Instead of those of [`PID`].
    pub(crate) arguments: Option<Arguments>,
    /// The length of argv that the kernel remembers of [`PID`].
    pub(crate) arg_range: Option<(u64, u64)>,
    /// What [`SCRIPT`] begins with.
    pub(crate) head: Option<Bytes>,
    pub(crate) binfmt: Option<Binfmt>,
}

impl<'w> Staged<'w> {
    pub(crate) fn new(world: &'w dyn World) -> Self {
        Self { world, hidden: 0, arguments: None, arg_range: None, head: None, binfmt: None }
    }

    fn shown<T>(&self, place: u32, answer: Fact<T>) -> Fact<T> {
        if self.hidden >> (place % 64) & 1 == 1 { Fact::unknown(Why::Denied) } else { answer }
    }
}

/// Places of the facts that single promises withhold.
pub(crate) const EXECFN: u64 = 1 << 9;

macro_rules! curtain {
    ($($place:literal $name:ident($($argument:ident: $of:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $of),*) -> Fact<$answer> {
            self.shown($place, self.world.$name($($argument),*))
        }
    )*};
}

impl World for Staged<'_> {
    curtain! {
        0 boot_id() -> BootId;
        1 pids() -> Arc<[Pid]>;
        2 owner(pid: Pid) -> (Uid, Gid);
        3 exe_file(pid: Pid) -> FileFacts;
        4 exe_text(pid: Pid) -> Bytes;
        6 comm(pid: Pid) -> Bytes;
        7 status(pid: Pid) -> Arc<Status>;
        8 environ(pid: Pid) -> Arc<[Bytes]>;
        9 execfn(pid: Pid) -> Bytes;
        10 cwd(pid: Pid) -> MagicLink;
        11 root(pid: Pid) -> RootLink;
        12 namespace(pid: Pid, kind: Namespace) -> u64;
        13 cgroups(pid: Pid) -> Arc<[CgroupLine]>;
        14 limit(pid: Pid, name: &str) -> LimitPair;
        15 login_uid(pid: Pid) -> Uid;
        16 oom_score(pid: Pid) -> i64;
        17 oom_score_adj(pid: Pid) -> i64;
        18 io(pid: Pid) -> IoCounts;
        19 fd_count(pid: Pid) -> u64;
        20 security_label(pid: Pid) -> Bytes;
        21 tasks(pid: Pid) -> Arc<[Task]>;
        22 managed_as(pid: Pid) -> Arc<str>;
        23 file(root: Root, path: &[u8]) -> FileFacts;
        25 content(path: &[u8], limit: usize) -> Bytes;
        26 lock_holder(path: &[u8]) -> Pid;
        28 default_path() -> Bytes;
        29 user_id(name: &str) -> Uid;
        30 user_name(uid: Uid) -> Arc<str>;
        31 group_id(name: &str) -> Gid;
        32 group_name(gid: Gid) -> Arc<str>;
        33 groups_of(uid: Uid) -> Arc<[Gid]>;
        34 now() -> WallTime;
        35 uptime() -> BootTime;
        36 self_pid() -> Pid;
        37 own_namespace(kind: Namespace) -> u64;
        39 memory_use(pid: Pid) -> MemoryUse;
        40 files(pid: Pid) -> Arc<[OpenFile]>;
        41 sockets(pid: Pid) -> Arc<[Socket]>;
        42 pace(pid: Pid, counter: Counter) -> Pace;
        43 changed(pid: Pid, of: Trait) -> bool;
        44 memory_total() -> u64;
    }

    fn own_line(&self) -> Rc<OwnLine> {
        Rc::new(OwnLine::of(self))
    }

    fn stat(&self, pid: Pid) -> Fact<Arc<Stat>> {
        let stat = self.world.stat(pid).map(|stat| match self.arg_range {
            Some(arg_range) if pid == PID => Arc::new(Stat { arg_range, ..Stat::clone(&stat) }),
            _ => stat,
        });
        self.shown(5, stat)
    }

    fn arguments(&self, pid: Pid) -> Fact<Arc<Arguments>> {
        let own = self.arguments.clone().filter(|_| pid == PID).map(|own| Fact::Known(Arc::new(own)));
        self.shown(38, own.unwrap_or_else(|| self.world.arguments(pid)))
    }

    fn head(&self, root: Root, path: &[u8]) -> Fact<Bytes> {
        let own = self.head.clone().filter(|_| path == SCRIPT).map(Fact::Known);
        self.shown(24, own.unwrap_or_else(|| self.world.head(root, path)))
    }

    fn binfmt(&self) -> Fact<Arc<[Binfmt]>> {
        let own = self.binfmt.clone().map(|own| Fact::Known(Arc::from([own])));
        self.shown(27, own.unwrap_or_else(|| self.world.binfmt()))
    }

    fn gap(&self, pid: Pid, field: &str) -> Option<Fact<()>> {
        self.world.gap(pid, field)
    }

    fn ticks_per_second(&self) -> u64 {
        self.world.ticks_per_second()
    }
}

/// What variables stand for.
fn bindings() -> BTreeMap<String, Value> {
    let path = |text: &str| Value::Path(paths::shared(text));
    let words = Value::List(vec![Value::String(paths::shared("--port=80"))].into());
    [
        ("startas", path("/srv/app/a.py")),
        ("args", words.clone()),
        ("pidfile", path("/run/app.pid")),
        ("spec.name", Value::String(paths::shared("app"))),
        ("spec.startas", path("/srv/app/a.py")),
        ("spec.args", words),
        ("spec.workingDirectory", path("/srv")),
        ("spec.replicas", Value::Int(2)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The verdict about every process of a world, after what must hold of each: the explanation says the same, a second
/// look says the same, and nothing turned out to be of another type than the one that was checked.
pub(crate) fn verdicts(predicate: &Predicate, world: &dyn World, pids: &[Pid]) -> Vec<Verdict> {
    let vocabulary = ProcessVocabulary::new(world);
    let facts = Vocabularies(vec![&vocabulary]);
    let matcher = predicate.bind(&bindings(), &facts).matcher;
    let verdicts: Vec<Verdict> = pids.iter().map(|pid| verdict(&matcher, *pid, &facts)).collect();
    assert_short(&matcher, &vocabulary, pids, &verdicts);
    verdicts
}

/// The short way says the same, or asks for the long one; and what it leaves out is false.
fn assert_short(matcher: &Matcher, vocabulary: &ProcessVocabulary<'_>, pids: &[Pid], verdicts: &[Verdict]) {
    let mut told = Vec::new();
    Scan::new(vocabulary, [(matcher, vocabulary)]).each(pids, |pid, _, answer| told.push((pid, answer)));
    for (pid, verdict) in pids.iter().zip(verdicts) {
        match told.iter().find(|(of, _)| of == pid) {
            Some((_, Some(holds))) => {
                assert_eq!(*holds, *verdict == Verdict::Match, "the short way about {pid}");
            }
            Some((_, None)) => {}
            None => assert_eq!(*verdict, Verdict::NoMatch, "the short way left out {pid}"),
        }
    }
}

fn verdict(matcher: &Matcher, pid: Pid, facts: &Vocabularies<'_>) -> Verdict {
    let verdict = matcher.eval(&candidate(pid), facts);
    assert_eq!(matcher.eval(&candidate(pid), facts), verdict, "asked twice");
    let explanation = matcher.explain(&candidate(pid), facts);
    assert_eq!(explanation.verdict(), verdict, "explained");
    assert_eq!(explanation.smallest_failing().is_empty(), verdict == Verdict::Match);
    assert_typed(&explanation);
    verdict
}

/// A value of another type than declared is reported as malformed. So is what leaves 64 bits, which may happen.
fn assert_typed(explanation: &Explanation) {
    if let Verdict::Unknown(missing) = explanation.verdict() {
        for missing in missing.iter().filter(|missing| missing.reason.why == Why::Malformed) {
            let detail = missing.reason.detail.as_deref().unwrap_or_default();
            assert_eq!(detail, "outside of 64 bits", "a checked expression fails by a type: {missing}");
        }
    }
    let _ = explanation.value();
    explanation.children.iter().for_each(assert_typed);
}
