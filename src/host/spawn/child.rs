//! What the child does between clone and execve, in the parent's memory and on a stack of its own.
//!
//! Nothing here allocates, locks, panics or calls the C library. Everything it reads was prepared by the parent,
//! which sleeps (`CLONE_VFORK`) until the child executes or exits; everything it says goes into [`Report`].
//!
//! ```text
//! descriptors of its own -> key into the slot -> groups, session -> privileges needed: oom, limits, priorities -> umask, descriptors
//!                   -> groups, gid, uid -> directory -> signals -> execve
//! ```

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::Step;
use super::birth::{self, Before};
use super::confine::{self, RawConfinement};
use super::given::{FIRST_SOCKET, complete_listen_pid};
use super::raw::call;
use super::table;

/// A limit as prlimit64(2) wants it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RawLimit {
    pub(super) resource: u32,
    pub(super) pair: [u64; 2],
}

/// What the child tells the parent.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The step it is at, a [`Step`] as a number.
    pub(super) step: AtomicU32,
    /// Why that step failed; 0: it didn't.
    pub(super) errno: AtomicI32,
    /// Which of several paths or limits that step is about.
    pub(super) item: AtomicU32,
    /// Its own start time in clock ticks.
    pub(super) start: AtomicU64,
}

/// Ids to take on.
#[derive(Debug)]
pub(super) struct RawIds<'a> {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: &'a [u32],
}

/// Everything that the child needs, ready for the kernel.
#[derive(Debug)]
pub(super) struct Orders<'a> {
    /// What it needs of the engine's descriptors is below this.
    pub(super) end: usize,
    /// Before it is made.
    pub(super) before: Before,
    /// Where its key goes; -1: nowhere.
    pub(super) slot: c_int,
    /// `cgroup.procs` of groups to enter.
    pub(super) joins: &'a [c_int],
    /// Die with the parent.
    pub(super) tied: bool,
    pub(super) oom_score_adj: Option<&'a [u8]>,
    pub(super) limits: &'a [RawLimit],
    pub(super) nice: Option<i32>,
    /// Policy and real-time priority.
    pub(super) policy: Option<(i32, i32)>,
    pub(super) ioprio: Option<u32>,
    pub(super) affinity: Option<&'a [u64]>,
    pub(super) umask: u32,
    /// Standard input, output, errors: all above 2.
    pub(super) descriptors: [c_int; 3],
    pub(super) ids: Option<RawIds<'a>>,
    /// Listening sockets: above all places that they go to.
    pub(super) sockets: &'a [c_int],
    /// The variable that the child's number is written into.
    pub(super) listen_pid: Option<&'a [AtomicU8]>,
    pub(super) confinement: RawConfinement<'a>,
    pub(super) directory: &'a CStr,
    pub(super) program: &'a CStr,
    /// Ends in a null pointer.
    pub(super) argv: &'a [*const c_char],
    /// Ends in a null pointer.
    pub(super) envp: &'a [*const c_char],
    /// Those that aren't at their default.
    pub(super) signals: &'a [u8],
    pub(super) report: &'a Report,
    /// What a test wants to happen.
    #[cfg(feature = "failpoints")]
    pub(super) failing: Option<(Step, Option<i64>)>,
}

/// Above this a descriptor is not marked one by one on kernels without `CLOSE_RANGE_CLOEXEC` (before 5.11).
const DESCRIPTORS_MAX: usize = 4096;
/// Attempts at a program that somebody has open for writing, and the wait between them.
const BUSY_ATTEMPTS: usize = 5;
const BUSY_WAIT_NS: i64 = 10_000_000;

/// The child's main function, for clone(2).
pub(super) extern "C" fn run(orders: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a pointer to `Orders` that outlives the child's use of this memory, since the parent's
    // thread sleeps until execve or exit; if the parent is killed, the memory still lives as long as the child.
    let orders: &Orders<'_> = unsafe { &*orders.cast::<Orders<'_>>() };
    // SAFETY: `Orders` holds valid pointers for the kernel only.
    if let Err(errno) = unsafe { carry_out(orders) } {
        orders.report.errno.store(errno, Ordering::SeqCst);
    }
    // SAFETY: no pointers.
    let _ = unsafe { call(libc::SYS_exit_group, [127, 0, 0, 0, 0]) };
    127
}

unsafe fn carry_out(orders: &Orders<'_>) -> Result<(), i32> {
    let at = |step: Step| {
        orders.report.step.store(step as u32, Ordering::SeqCst);
        #[cfg(feature = "failpoints")]
        fail_at(orders, step);
    };
    // SAFETY: every pointer below comes from a reference in `Orders` or on this stack, with its length.
    unsafe {
        at(Step::Table);
        table::own(orders.end)?;
        at(Step::Key);
        write_key(orders)?;
        at(Step::Group);
        for join in orders.joins {
            call(libc::SYS_write, [join.unsigned_abs() as usize, c"0".as_ptr().addr(), 1, 0, 0])?;
        }
        at(Step::Session);
        call(libc::SYS_setsid, [0; 5])?;
        at(Step::OomScore);
        if let Some(text) = orders.oom_score_adj {
            write_file(c"/proc/self/oom_score_adj", text)?;
        }
        at(Step::Limits);
        for (item, limit) in orders.limits.iter().enumerate() {
            orders.report.item.store(u32::try_from(item).unwrap_or(u32::MAX), Ordering::SeqCst);
            let pair = (&raw const limit.pair).addr();
            call(libc::SYS_prlimit64, [0, limit.resource as usize, pair, 0, 0])?;
        }
        at(Step::Scheduling);
        schedule(orders)?;
        call(libc::SYS_umask, [orders.umask as usize, 0, 0, 0, 0])?;
        at(Step::Descriptors);
        place_descriptors(orders)?;
        confine::see_less(&orders.confinement, orders.report)?;
        at(Step::Bounding);
        confine::bound(&orders.confinement)?;
        at(Step::Ids);
        if let Some(ids) = &orders.ids {
            call(libc::SYS_setgroups, [ids.groups.len(), ids.groups.as_ptr().addr(), 0, 0, 0])?;
            let (gid, uid) = (ids.gid as usize, ids.uid as usize);
            call(libc::SYS_setresgid, [gid, gid, gid, 0, 0])?;
            call(libc::SYS_setresuid, [uid, uid, uid, 0, 0])?;
        }
        at(Step::Ambient);
        confine::take_ambient(orders.confinement.ambient)?;
        if orders.tied {
            // After the ids: a change of ids clears it.
            let kill = libc::SIGKILL.unsigned_abs() as usize;
            call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.unsigned_abs() as usize, kill, 0, 0, 0])?;
        }
        at(Step::Directory);
        call(libc::SYS_chdir, [orders.directory.as_ptr().addr(), 0, 0, 0, 0])?;
        at(Step::Signals);
        reset_signals(orders.signals)?;
        at(Step::NoNewPrivileges);
        if orders.confinement.no_new_privileges {
            confine::forbid_new_privileges()?;
        }
        at(Step::Exec);
        Err(execute(orders))
    }
}

/// Kills the engine, or waits.
#[cfg(feature = "failpoints")]
fn fail_at(orders: &Orders<'_>, step: Step) {
    let Some((_, wait)) = orders.failing.filter(|(at, _)| *at == step) else { return };
    let pause = [wait.unwrap_or(0) / 1_000_000_000, wait.unwrap_or(0) % 1_000_000_000];
    let kill = libc::SIGKILL.unsigned_abs() as usize;
    // SAFETY: no pointers but to a timespec on this stack. The parent sleeps in clone, so the number is its own.
    unsafe {
        if wait.is_some() {
            let _ = call(libc::SYS_nanosleep, [pause.as_ptr().addr(), 0, 0, 0, 0]);
        } else if let Ok(parent) = call(libc::SYS_getppid, [0; 5]) {
            let _ = call(libc::SYS_kill, [parent, kill, 0, 0, 0]);
        }
    }
}

/// Writes `PID STARTTICKS` and a newline into the slot, before anything that could be noticed by others.
unsafe fn write_key(orders: &Orders<'_>) -> Result<(), i32> {
    let start = birth::start(orders.before, read_start)?;
    orders.report.start.store(start, Ordering::SeqCst);
    // SAFETY: no pointers.
    let pid = unsafe { call(libc::SYS_getpid, [0; 5])? };
    if let Some(text) = orders.listen_pid {
        complete_listen_pid(text, pid as u64);
    }
    let Ok(slot) = usize::try_from(orders.slot) else { return Ok(()) };
    let mut line = [b'\n'; 48];
    let mut length = 0;
    push_number(&mut line, &mut length, pid as u64);
    push(&mut line, &mut length, b' ');
    push_number(&mut line, &mut length, start);
    push(&mut line, &mut length, b'\n');
    // SAFETY: at most the length of the line is written out.
    let written = unsafe { call(libc::SYS_write, [slot, line.as_ptr().addr(), length, 0, 0])? };
    if written == length { Ok(()) } else { Err(libc::ENOSPC) }
}

/// Its own start time in clock ticks, as the kernel shows it.
fn read_start() -> Result<u64, i32> {
    let mut buffer = [0u8; 1024];
    // SAFETY: the buffer is on this stack and its length is passed.
    let read = unsafe {
        let stat = open(c"/proc/self/stat", libc::O_RDONLY)?;
        let length = call(libc::SYS_read, [stat, buffer.as_mut_ptr().addr(), buffer.len(), 0, 0]);
        call(libc::SYS_close, [stat, 0, 0, 0, 0])?;
        length?
    };
    super::start_of_stat(buffer.get(..read).ok_or(libc::EIO)?).ok_or(libc::EIO)
}

fn push(line: &mut [u8; 48], length: &mut usize, byte: u8) {
    if let Some(place) = line.get_mut(*length) {
        *place = byte;
        *length += 1;
    }
}

fn push_number(line: &mut [u8; 48], length: &mut usize, number: u64) {
    let mut scale = 1u64;
    while let Some(next) = scale.checked_mul(10).filter(|next| *next <= number) {
        scale = next;
    }
    while scale > 0 {
        let digit = u8::try_from((number / scale) % 10).unwrap_or(0);
        push(line, length, b'0'.saturating_add(digit));
        scale /= 10;
    }
}

unsafe fn open(path: &CStr, flags: c_int) -> Result<usize, i32> {
    let flags = (flags | libc::O_CLOEXEC).unsigned_abs() as usize;
    let here = (libc::AT_FDCWD as isize).cast_unsigned();
    // SAFETY: the path ends in NUL.
    unsafe { call(libc::SYS_openat, [here, path.as_ptr().addr(), flags, 0, 0]) }
}

unsafe fn write_file(path: &CStr, text: &[u8]) -> Result<(), i32> {
    // SAFETY: the text's length is passed.
    unsafe {
        let file = open(path, libc::O_WRONLY)?;
        let answer = call(libc::SYS_write, [file, text.as_ptr().addr(), text.len(), 0, 0]);
        call(libc::SYS_close, [file, 0, 0, 0, 0])?;
        answer.map(|_| ())
    }
}

unsafe fn schedule(orders: &Orders<'_>) -> Result<(), i32> {
    // SAFETY: the parameters are on this stack or in `Orders`.
    unsafe {
        if let Some((policy, priority)) = orders.policy {
            let parameter = (&raw const priority).addr();
            call(libc::SYS_sched_setscheduler, [0, policy.unsigned_abs() as usize, parameter, 0, 0])?;
        }
        if let Some(nice) = orders.nice {
            call(libc::SYS_setpriority, [0, 0, (nice as isize).cast_unsigned(), 0, 0])?;
        }
        if let Some(ioprio) = orders.ioprio {
            // 1 is IOPRIO_WHO_PROCESS.
            call(libc::SYS_ioprio_set, [1, 0, ioprio as usize, 0, 0])?;
        }
        if let Some(mask) = orders.affinity {
            call(libc::SYS_sched_setaffinity, [0, size_of_val(mask), mask.as_ptr().addr(), 0, 0])?;
        }
    }
    Ok(())
}

unsafe fn place_descriptors(orders: &Orders<'_>) -> Result<(), i32> {
    for (place, descriptor) in orders.descriptors.iter().enumerate() {
        // SAFETY: no pointers. The parent saw to it that no descriptor is one of the places.
        unsafe { call(libc::SYS_dup3, [descriptor.unsigned_abs() as usize, place, 0, 0, 0])? };
    }
    for (place, descriptor) in (FIRST_SOCKET..).zip(orders.sockets) {
        // SAFETY: no pointers. All that lay in these places is placed already, and the slot is written.
        unsafe { call(libc::SYS_dup3, [descriptor.unsigned_abs() as usize, place, 0, 0, 0])? };
    }
    let first = FIRST_SOCKET.saturating_add(orders.sockets.len());
    let flag = libc::CLOSE_RANGE_CLOEXEC as usize;
    // SAFETY: no pointers.
    match unsafe { call(libc::SYS_close_range, [first, u32::MAX as usize, flag, 0, 0]) } {
        Ok(_) => Ok(()),
        // EPERM is what seccomp filters say of a call that they don't know.
        Err(libc::ENOSYS | libc::EINVAL | libc::EPERM) => {
            for descriptor in first..DESCRIPTORS_MAX {
                let set = libc::F_SETFD.unsigned_abs() as usize;
                let flag = libc::FD_CLOEXEC.unsigned_abs() as usize;
                // SAFETY: no pointers. A descriptor that isn't open answers EBADF, which is what we want.
                let _ = unsafe { call(libc::SYS_fcntl, [descriptor, set, flag, 0, 0]) };
            }
            Ok(())
        }
        Err(errno) => Err(errno),
    }
}

/// Everything to its default, nothing blocked: an ignored signal would stay ignored after execve.
unsafe fn reset_signals(signals: &[u8]) -> Result<(), i32> {
    // `struct sigaction` of the kernel, at most 32 bytes on both architectures; all zero is SIG_DFL.
    let default = [0u64; 4];
    let nothing = 0u64;
    // SAFETY: both are on this stack and of the sizes that rt_sigaction(2) and rt_sigprocmask(2) read.
    unsafe {
        for signal in signals {
            call(libc::SYS_rt_sigaction, [usize::from(*signal), default.as_ptr().addr(), 0, 8, 0])?;
        }
        let how = libc::SIG_SETMASK.unsigned_abs() as usize;
        call(libc::SYS_rt_sigprocmask, [how, (&raw const nothing).addr(), 0, 8, 0])?;
    }
    Ok(())
}

/// Returns only with an error.
unsafe fn execute(orders: &Orders<'_>) -> i32 {
    let pause = [0i64, BUSY_WAIT_NS];
    let mut last = libc::ETXTBSY;
    for _ in 0..BUSY_ATTEMPTS {
        let (program, argv, envp) =
            (orders.program.as_ptr().addr(), orders.argv.as_ptr().addr(), orders.envp.as_ptr().addr());
        // SAFETY: NUL-terminated strings in null-terminated arrays.
        match unsafe { call(libc::SYS_execve, [program, argv, envp, 0, 0]) } {
            Ok(_) => return libc::EIO,
            Err(errno) => last = errno,
        }
        if last != libc::ETXTBSY {
            return last;
        }
        // SAFETY: a timespec on this stack. Somebody writes the program: a compiler, an upgrade. It will end soon.
        let _ = unsafe { call(libc::SYS_nanosleep, [pause.as_ptr().addr(), 0, 0, 0, 0]) };
    }
    last
}
