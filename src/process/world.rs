//! What an evaluation may ask of a host. `/proc`, a snapshot file and the simulation answer the same questions.

use std::rc::Rc;
use std::sync::Arc;

use super::likeness::{Likeness, Pulse};
use super::tree::OwnLine;
use super::{container, samples};
use crate::facts::{
    Arguments, Binfmt, CgroupLine, Counter, Fact, FileFacts, IoCounts, LimitPair, MagicLink, MemoryUse,
    OpenFile, Pace, RootLink, Socket, Stat, Status, Task, Trait,
};
use crate::units::{BootId, BootTime, Gid, Pid, Uid, WallTime};

/// Bytes of the other side.
pub type Bytes = Arc<[u8]>;

/// In whose root directory a path is resolved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Root {
    /// The engine's.
    Engine,
    /// That of a process: links can't lead out of it.
    Of(Pid),
}

/// Kinds of namespaces, by the names under `/proc/PID/ns`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Namespace {
    /// pid
    Pid,
    /// mnt
    Mnt,
    /// net
    Net,
    /// user
    User,
    /// uts
    Uts,
    /// ipc
    Ipc,
    /// cgroup
    Cgroup,
    /// time
    Time,
}

/// The value of a variable in entries of an environment, `NAME=value` each.
pub fn variable_in(entries: &[Bytes], name: &[u8]) -> Option<Bytes> {
    entries.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"=")).map(Arc::from)
}

/// One look at a host. Every answer is given for the same moment as far as the kernel allows: a fact is
/// read when first asked for, and the same answer is given until the look ends. A process that exits while it
/// is looked at answers [`crate::facts::Why::Vanished`] from then on, and never becomes another process.
///
/// The rows of `language.md`'s cost classes are methods of their own, so that nothing is read that was not asked for.
pub trait World {
    /// Names this boot.
    fn boot_id(&self) -> Fact<BootId>;
    /// Every process, ascending. Unknown if the listing was not complete.
    fn pids(&self) -> Fact<Arc<[Pid]>>;
    /// Whether a listing would be complete; unknown as [`World::pids`] would be, without one being made for it.
    fn lists_all(&self) -> Fact<()> {
        self.pids().map(|_| ())
    }
    /// Effective ids, from the owner of `/proc/PID`.
    fn owner(&self, pid: Pid) -> Fact<(Uid, Gid)>;
    /// stat through `/proc/PID/exe`; `real` is empty here. Absent for kernel threads and zombies.
    fn exe_file(&self, pid: Pid) -> Fact<FileFacts>;
    /// The raw text of `/proc/PID/exe`.
    fn exe_text(&self, pid: Pid) -> Fact<Bytes>;
    /// A name of the file that it executes, which has one: that text, of this process or of another one that executes the same file.
    fn image_name(&self, pid: Pid, _image: &FileFacts) -> Fact<Bytes> {
        self.exe_text(pid)
    }
    /// `/proc/PID/stat`.
    fn stat(&self, pid: Pid) -> Fact<Arc<Stat>>;
    /// Whether one field of a record that [`World::stat`], [`World::status`], [`World::owner`], [`World::io`] or
    /// [`World::memory_use`] answers is missing, although the record is there. `field` is the name in expressions: `rss`, `caps.eff`.
    ///
    /// `None`: as the record says, which is always so where records are read as a whole. A snapshot states
    /// fields one by one, and answers absent or unknown for one that it doesn't state.
    fn gap(&self, pid: Pid, field: &str) -> Option<Fact<()>> {
        let _ = (pid, field);
        None
    }
    /// What the process is known again by in another look; `arguments`: by these as well. `None`: it is gone. A host may answer
    /// without keeping what it read as facts of this look.
    fn likeness(&self, pid: Pid, arguments: bool) -> Option<Likeness> {
        Likeness::of(self, pid, arguments)
    }
    /// The same, cheaper and of less. `None`: it can't be had of this process, or of this host: its likeness is to be asked for.
    fn pulse(&self, pid: Pid) -> Option<Pulse> {
        let _ = pid;
        None
    }
    /// A digest of how long the first thread of the process has run, in nanoseconds, and how often it was given a processor: where it
    /// is as before, the thread has done nothing since. `None`: this host doesn't say.
    fn has_run(&self, pid: Pid) -> Option<u64> {
        let _ = pid;
        None
    }
    /// `/proc/PID/comm`, without the newline.
    fn comm(&self, pid: Pid) -> Fact<Bytes>;
    /// `/proc/PID/status`.
    fn status(&self, pid: Pid) -> Fact<Arc<Status>>;
    /// `/proc/PID/cmdline`. Absent for kernel threads and zombies.
    fn arguments(&self, pid: Pid) -> Fact<Arc<Arguments>>;
    /// Gives all of `/proc/PID/cmdline` to `use_text`, where it is at hand: for who sieves many processes, and asks those that
    /// are left for everything, this included. Nothing counts as told by it.
    /// False: the arguments have to be asked for.
    fn glance_at_arguments(&self, _: Pid, _: &mut dyn FnMut(&[u8])) -> bool {
        false
    }
    /// One that was glanced at last is left: where nothing but words comes of the look, what it showed counts as told. False: it doesn't,
    /// and whatever was found out by it has to be found out again.
    fn keep_arguments(&self, _: Pid) -> bool {
        true
    }
    /// `/proc/PID/environ`, split on NUL.
    fn environ(&self, pid: Pid) -> Fact<Arc<[Bytes]>>;
    /// The value of one variable of `environ`, of two the first; absent if it isn't set. Known also where only the
    /// beginning of the environment is, if it stands there.
    fn variable(&self, pid: Pid, name: &[u8]) -> Fact<Bytes> {
        self.environ(pid).and_then(|block| Fact::from_option(variable_in(&block, name)))
    }
    /// The name given to execve: auxv `AT_EXECFN`, read from memory (`getauxval(3)`).
    fn execfn(&self, pid: Pid) -> Fact<Bytes>;
    /// `/proc/PID/cwd`.
    fn cwd(&self, pid: Pid) -> Fact<MagicLink>;
    /// `/proc/PID/root`.
    fn root(&self, pid: Pid) -> Fact<RootLink>;
    /// Inode of `/proc/PID/ns/KIND`.
    fn namespace(&self, pid: Pid, kind: Namespace) -> Fact<u64>;
    /// `/proc/PID/cgroup`.
    fn cgroups(&self, pid: Pid) -> Fact<Arc<[CgroupLine]>>;
    /// One row of `/proc/PID/limits` by its `setrlimit(2)` name in lower case: `nofile`, `core`.
    fn limit(&self, pid: Pid, name: &str) -> Fact<LimitPair>;
    /// `/proc/PID/loginuid`; absent if unset.
    fn login_uid(&self, pid: Pid) -> Fact<Uid>;
    /// `/proc/PID/oom_score`.
    fn oom_score(&self, pid: Pid) -> Fact<i64>;
    /// `/proc/PID/oom_score_adj`.
    fn oom_score_adj(&self, pid: Pid) -> Fact<i64>;
    /// `/proc/PID/io`.
    fn io(&self, pid: Pid) -> Fact<IoCounts>;
    /// Number of open descriptors.
    fn fd_count(&self, pid: Pid) -> Fact<u64>;
    /// `/proc/PID/smaps_rollup`. Absent for kernel threads and zombies.
    fn memory_use(&self, pid: Pid) -> Fact<MemoryUse>;
    /// What the descriptors lead to that have a path, by ascending descriptor. Absent for kernel threads and zombies.
    fn files(&self, pid: Pid) -> Fact<Arc<[OpenFile]>>;
    /// The bound or connected TCP, UDP and Unix sockets among the descriptors, each once. Absent as for files.
    fn sockets(&self, pid: Pid) -> Fact<Arc<[Socket]>>;
    /// Those of [`World::sockets`] that wait for whoever comes.
    fn listens(&self, pid: Pid) -> Fact<Arc<[Socket]>> {
        self.sockets(pid).map(|all| all.iter().filter(|socket| socket.is_waiting()).cloned().collect())
    }
    /// It is certain that no process is of a systemd service, whatever its groups are.
    fn has_no_units(&self) -> bool {
        false
    }
    /// Name or id of the container, by [`container::of_cgroups`] unless it is stated; absent if it is in none.
    fn container(&self, pid: Pid) -> Fact<Bytes> {
        self.cgroups(pid).and_then(|lines| Fact::from_option(container::of_cgroups(&lines).map(Arc::from)))
    }
    /// How fast a counter grew since an earlier look. Unknown ([`crate::facts::Why::Sampling`]) where there was none,
    /// which is always so where nothing is kept from look to look.
    fn pace(&self, pid: Pid, counter: Counter) -> Fact<Pace> {
        Fact::Unknown(samples::one_look(counter.field(), pid))
    }
    /// Whether this is another than in an earlier look. Unknown as [`World::pace`] is.
    fn changed(&self, pid: Pid, of: Trait) -> Fact<bool> {
        Fact::Unknown(samples::one_look(of.field(), pid))
    }
    /// `/proc/PID/attr/current`; absent without a security module.
    fn security_label(&self, pid: Pid) -> Fact<Bytes>;
    /// The threads, the leader among them.
    fn tasks(&self, pid: Pid) -> Fact<Arc<[Task]>>;
    /// The name of the object that the engine keeps this process for.
    fn managed_as(&self, pid: Pid) -> Fact<Arc<str>>;

    /// The file that a path leads to, all links followed. An absolute path; absent if it does not exist.
    fn file(&self, root: Root, path: &[u8]) -> Fact<FileFacts>;
    /// Up to the first 256 bytes of a regular file. Absent if it doesn't exist or isn't regular.
    fn head(&self, root: Root, path: &[u8]) -> Fact<Bytes>;
    /// The beginning of a small regular file in the engine's root, up to `limit` bytes: pidfiles.
    fn content(&self, path: &[u8], limit: usize) -> Fact<Bytes>;
    /// The process that holds a lock on the file (`/proc/locks`); absent if none does.
    fn lock_holder(&self, path: &[u8]) -> Fact<Pid>;
    /// Enabled entries of `binfmt_misc`, in the kernel's order; absent if it is not mounted.
    fn binfmt(&self) -> Fact<Arc<[Binfmt]>>;
    /// The environment that services get by default: for the `PATH` of `env`.
    fn default_path(&self) -> Fact<Bytes>;

    /// The uid of a name; absent if there is no such user.
    fn user_id(&self, name: &str) -> Fact<Uid>;
    /// The name of a uid.
    fn user_name(&self, uid: Uid) -> Fact<Arc<str>>;
    /// The gid of a name.
    fn group_id(&self, name: &str) -> Fact<Gid>;
    /// The name of a gid.
    fn group_name(&self, gid: Gid) -> Fact<Arc<str>>;
    /// All groups of a user, the primary one among them.
    fn groups_of(&self, uid: Uid) -> Fact<Arc<[Gid]>>;

    /// The moment of the look on the wall clock.
    fn now(&self) -> Fact<WallTime>;
    /// The moment of the look since boot.
    fn uptime(&self) -> Fact<BootTime>;
    /// Units of [`Stat::start`] and [`Stat::cpu_ticks`] in a second, `sysconf(_SC_CLK_TCK)`.
    fn ticks_per_second(&self) -> u64;
    /// The memory of the host in bytes, `MemTotal` of `proc_meminfo(5)`.
    fn memory_total(&self) -> Fact<u64>;
    /// What was read of processes since the last call, in order: `stat`, `exe`, `ns/pid`, `.` for the directory of the
    /// process itself. For traces; empty unless the world keeps an account.
    fn take_reads(&self) -> Vec<String> {
        Vec::new()
    }
    /// The files in the engine's root that this look was asked about by name so far. Empty where that isn't told.
    fn files_asked(&self) -> Vec<Bytes> {
        Vec::new()
    }
    /// The engine itself.
    fn self_pid(&self) -> Fact<Pid>;
    /// The engine and who is above it: [`OwnLine::of`] this look, which every object asks for.
    fn own_line(&self) -> Rc<OwnLine>;
    /// A namespace of the engine.
    fn own_namespace(&self, kind: Namespace) -> Fact<u64>;
}
