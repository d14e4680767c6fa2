//! The forms of what one read of a process or a file yields. Units and kernel sources stand on each field.

use std::sync::Arc;

use crate::units::{Gid, Pid, StartTicks, Uid};

/// Bytes of the other side: paths, arguments and names need not be UTF-8.
type Bytes = Arc<[u8]>;

/// State letter of `/proc/PID/stat` (`proc_pid_stat(5)` field 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProcessState {
    /// `R`
    Running,
    /// `S`, interruptible
    Sleeping,
    /// `D`, uninterruptible
    Disk,
    /// `T`, by a signal
    Stopped,
    /// `t`, by a tracer
    Traced,
    /// `Z`, exited and not waited for
    Zombie,
    /// `X`
    Dead,
    /// `I`, an idle kernel thread
    Idle,
}

impl ProcessState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Sleeping,
        Self::Disk,
        Self::Stopped,
        Self::Traced,
        Self::Zombie,
        Self::Dead,
        Self::Idle,
    ];

    /// The state for a letter of the kernel.
    pub fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'R' => Self::Running,
            b'S' => Self::Sleeping,
            b'D' => Self::Disk,
            b'T' => Self::Stopped,
            b't' => Self::Traced,
            b'Z' => Self::Zombie,
            b'X' | b'x' => Self::Dead,
            b'I' => Self::Idle,
            _ => return None,
        })
    }

    /// Exited: not waited for, or about to be gone.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Zombie | Self::Dead)
    }

    /// The word used in expressions and snapshots.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Disk => "disk",
            Self::Stopped => "stopped",
            Self::Traced => "traced",
            Self::Zombie => "zombie",
            Self::Dead => "dead",
            Self::Idle => "idle",
        }
    }
}

/// `/proc/PID/stat` (`proc_pid_stat(5)`), the fields that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Field 2, at most 15 bytes, may contain blanks, `)` and newlines.
    pub comm: Bytes,
    /// Field 3.
    pub state: ProcessState,
    /// Field 4; 0 where there is none.
    pub ppid: Pid,
    /// Field 5.
    pub pgid: Pid,
    /// Field 6.
    pub sid: Pid,
    /// Field 7 as major:minor in the kernel's packing; 0 is no terminal.
    pub tty: u32,
    /// Field 8; -1 is none.
    pub tpgid: i32,
    /// Field 9, `PF_*` of `include/linux/sched.h`.
    pub flags: u32,
    /// Fields 10 and 12: page faults that needed no storage, and those that did.
    pub faults: [u64; 2],
    /// Fields 14 to 17 in clock ticks: user, system, children's user, children's system.
    pub cpu_ticks: [u64; 4],
    /// Field 18.
    pub priority: i64,
    /// Field 19, -20 to 19.
    pub nice: i64,
    /// Field 20.
    pub threads: i64,
    /// Field 22.
    pub start: StartTicks,
    /// Field 23 in bytes.
    pub vsize: u64,
    /// Field 24 converted to bytes. Approximate in recent kernels.
    pub rss: u64,
    /// Field 40.
    pub rt_priority: u32,
    /// Field 41: 0 other, 1 fifo, 2 rr, 3 batch, 5 idle, 6 deadline.
    pub policy: u32,
    /// Fields 48 and 49: addresses between which the arguments were put; equal (0) where not readable.
    pub arg_range: (u64, u64),
}

impl Stat {
    /// `PF_KTHREAD` of `include/linux/sched.h`.
    pub const KERNEL_THREAD: u32 = 0x0020_0000;
    /// `PF_FORKNOEXEC` of `include/linux/sched.h`.
    const FORKED: u32 = 0x40;

    /// A thread of the kernel: it has no executable, no arguments, no environment.
    pub fn is_kernel_thread(&self) -> bool {
        self.flags & Self::KERNEL_THREAD != 0
    }

    /// It was forked and has executed nothing since: program, arguments and name are those of its parent.
    pub fn is_mere_fork(&self) -> bool {
        self.flags & Self::FORKED != 0
    }
}

/// Real, effective, saved and file-system ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// Uids in the order of `/proc/PID/status`: real, effective, saved, file system.
    pub uid: [u32; 4],
    /// Gids in the same order.
    pub gid: [u32; 4],
}

/// `/proc/PID/status` (`proc_pid_status(5)`), the fields that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// `Uid` and `Gid`.
    pub credentials: Credentials,
    /// `Groups`.
    pub groups: Vec<Gid>,
    /// `Umask`; absent for kernel threads.
    pub umask: Option<u32>,
    /// `NoNewPrivs`.
    pub no_new_privs: Option<bool>,
    /// `Seccomp`: 0 off, 1 strict, 2 filter.
    pub seccomp: Option<u32>,
    /// `TracerPid`; 0 is none.
    pub tracer: Option<Pid>,
    /// `CapInh`, `CapPrm`, `CapEff`, `CapBnd`, `CapAmb` as bit sets.
    pub caps: [u64; 5],
    /// `SigBlk`, `SigIgn`, `SigCgt` as bit sets, signal n at bit n-1.
    pub signals: [u64; 3],
    /// `VmHWM` in bytes: peak resident set.
    pub rss_peak: Option<u64>,
    /// `VmSwap` in bytes.
    pub swap: Option<u64>,
    /// `VmLck` in bytes.
    pub locked: Option<u64>,
    /// `VmData` in bytes.
    pub data: Option<u64>,
    /// `voluntary_ctxt_switches` and `nonvoluntary_ctxt_switches`, of the first thread.
    pub switches: [Option<u64>; 2],
}

/// What `/proc/PID/cmdline` shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arguments {
    /// Split on NUL; empty arguments are kept, only the final terminator is dropped.
    pub words: Vec<Bytes>,
    /// Ends in more than one NUL, or in none: not the form that execve leaves behind.
    pub padded: bool,
    /// Longer than the read limit; `words` is the beginning.
    pub truncated: bool,
}

/// Device and inode of a file: the same file wherever it is seen from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileKind {
    /// Regular.
    Regular,
    /// Directory.
    Directory,
    /// Everything else: never opened.
    Other,
}

/// What stat says of a file, links followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// The path with every link resolved, in the root that was asked.
    pub real: Bytes,
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Kind.
    pub kind: FileKind,
    /// Permission bits (07777).
    pub mode: u32,
    /// Owner.
    pub uid: Uid,
    /// Group.
    pub gid: Gid,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since the Unix epoch.
    pub mtime: i128,
    /// Change time in nanoseconds since the Unix epoch.
    pub ctime: i128,
    /// Names that lead to it; 0 for a deleted file.
    pub nlink: u64,
    /// One program that acts by the name it is called by (busybox).
    pub multicall: bool,
}

impl FileFacts {
    /// Whether both are the same file.
    pub fn same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// A magic link such as `/proc/PID/exe` or `/proc/PID/cwd`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MagicLink {
    /// The raw text of the link, with its ` (deleted)` if the kernel put one.
    pub text: Bytes,
    /// stat through the link.
    pub dev: u64,
    /// stat through the link.
    pub ino: u64,
}

/// `/proc/PID/root`, compared with the engine's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootLink {
    /// The raw text of the link.
    pub text: Bytes,
    /// stat through the link.
    pub dev: u64,
    /// stat through the link.
    pub ino: u64,
    /// The same directory as the engine's root.
    pub same: bool,
}

/// One line of `/proc/PID/cgroup` (`cgroups(7)`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CgroupLine {
    /// Controllers, or the name after `name=`; empty for v2.
    pub controllers: Vec<String>,
    /// Hierarchy 0 is v2.
    pub v2: bool,
    /// Path in the hierarchy.
    pub path: Bytes,
}

/// One line of `/proc/PID/limits`; `None` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LimitPair {
    /// What applies.
    pub soft: Option<u64>,
    /// How far it may be raised.
    pub hard: Option<u64>,
}

/// `/proc/PID/io` (`proc_pid_io(5)`), bytes and numbers of calls since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IoCounts {
    /// `read_bytes`: fetched from storage.
    pub read_bytes: u64,
    /// `write_bytes`: sent to storage.
    pub write_bytes: u64,
    /// `rchar`: bytes that calls like read(2) gave, from wherever.
    pub read_chars: u64,
    /// `wchar`: bytes that calls like write(2) took, wherever to.
    pub write_chars: u64,
    /// `syscr`: calls like read(2).
    pub read_calls: u64,
    /// `syscw`: calls like write(2).
    pub write_calls: u64,
}

/// `/proc/PID/smaps_rollup` (`proc_pid_smaps(5)`), in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUse {
    /// `Pss`: resident memory, of a shared page only its share.
    pub pss: u64,
    /// `Private_Clean`, `Private_Dirty` and `Private_Hugetlb`: what nobody else shares.
    pub uss: u64,
}

/// A descriptor of a process that leads to a file: one with a path, or that once had one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenFile {
    /// The raw text of the link, with its ` (deleted)` if the kernel put one.
    pub text: Bytes,
    /// stat through the link; `real` is empty.
    pub facts: FileFacts,
}

/// One entry of `/proc/PID/task`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Task {
    /// Thread id.
    pub tid: Pid,
    /// Its own state.
    pub state: ProcessState,
}

/// How an entry of `binfmt_misc` recognises a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BinfmtMatch {
    /// Bytes at an offset, under a mask.
    Magic {
        /// Where the bytes stand.
        offset: usize,
        /// The bytes.
        magic: Vec<u8>,
        /// As long as `magic`; all ones where none was given.
        mask: Vec<u8>,
    },
    /// The name ends in a dot and this.
    Extension(Vec<u8>),
}

/// An enabled entry of `binfmt_misc` (`Documentation/admin-guide/binfmt-misc.rst`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binfmt {
    /// What it applies to.
    pub matches: BinfmtMatch,
    /// The program that runs such files.
    pub interpreter: Bytes,
    /// Letters P, O, C, F.
    pub flags: String,
}
