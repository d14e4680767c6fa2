//! The system calls around pidfds and exits that no safe binding offers completely: clone on a stack of its own,
//! real-time signals, exit statuses with real-time signals, and what the kernel says of processes that aren't ours.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use super::child::Orders;
use crate::plan::memory::Exit;
use crate::units::{Pid, Signal};

/// The child's stack: its frames hold a kilobyte or two. In pages of any size that Linux has.
const STACK_BYTES: usize = 256 * 1024;
/// Below the stack, never accessible: running over is a fault and not a corruption.
const GUARD_BYTES: usize = 64 * 1024;

pub(super) struct Stack(*mut c_void);

thread_local! {
    static KEPT: Cell<Option<Stack>> = const { Cell::new(None) };
}

impl Stack {
    pub(super) const BYTES: usize = STACK_BYTES;

    /// The one that this thread used before, or a new one.
    pub(super) fn take() -> Result<Self, i32> {
        KEPT.take().map_or_else(Self::new, Ok)
    }

    /// For the next child of this thread. The last one has left it: it executed or exited.
    pub(super) fn keep(self) {
        KEPT.set(Some(self));
    }

    fn new() -> Result<Self, i32> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let length = GUARD_BYTES + STACK_BYTES;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let stack = Self(base);
        // SAFETY: within the mapping that was just made.
        let opened = unsafe {
            libc::mprotect(base.byte_add(GUARD_BYTES), STACK_BYTES, libc::PROT_READ | libc::PROT_WRITE)
        };
        if opened == 0 { Ok(stack) } else { Err(last_errno()) }
    }

    pub(super) fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping; stacks grow down. The end is a page boundary, so aligned.
        unsafe { self.0.byte_add(GUARD_BYTES + STACK_BYTES) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`. The child has left it: clone returned, so it executed or exited.
        unsafe { libc::munmap(self.0, GUARD_BYTES + STACK_BYTES) };
    }
}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Clones; returns when the child has executed or exited.
pub(super) fn clone_child(
    main: extern "C" fn(*mut c_void) -> c_int,
    orders: &Orders<'_>,
) -> Result<(i32, OwnedFd), i32> {
    let stack = Stack::take()?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::CLONE_FILES | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    let argument = ptr::from_ref(orders).cast_mut().cast::<c_void>();
    // SAFETY: `main` only reads `orders`, but for its atomics; the stack and the orders outlive the child's stay in
    // this memory, as CLONE_VFORK holds this thread until then. The C library's wrapper does nothing in the child
    // but call `main`.
    let pid = unsafe { libc::clone(main, stack.top(), flags, argument, &raw mut pidfd) };
    if pid < 0 {
        return Err(last_errno());
    }
    stack.keep();
    // SAFETY: the kernel made this descriptor for us (it is close-on-exec), and nobody else knows it.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// Sends any signal, real-time ones included, to the process that the pidfd is bound to.
///
/// # Errors
/// ESRCH: it is gone. EPERM: not allowed.
pub fn send_signal(pidfd: impl AsFd, signal: Signal) -> io::Result<()> {
    send_number(pidfd, signal.number())
}

/// The same with a number that nobody has checked; 0 only asks whether it could be sent.
///
/// # Errors
/// ESRCH: it is gone. EPERM: not allowed. EINVAL: no such signal.
pub fn send_number(pidfd: impl AsFd, number: i32) -> io::Result<()> {
    let none = ptr::null_mut::<libc::siginfo_t>();
    // SAFETY: no siginfo is passed.
    let answer = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_fd().as_raw_fd(), number, none, 0 as libc::c_uint)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes sure that exits of children are kept for us: a parent that ignored SIGCHLD hands that down through execve, and
/// then the kernel throws every status away.
pub fn keep_exits_of_children() {
    // SAFETY: the default disposition, which runs no code.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Waits for a child that is exiting already, and collects its status.
pub(super) fn reap_now(pidfd: &OwnedFd) {
    let _ = wait_id(libc::P_PIDFD, pidfd.as_raw_fd().unsigned_abs(), libc::WEXITED);
}

/// Collects the status of our own child, if it has exited.
///
/// # Errors
/// ECHILD: it isn't our child, or was waited for already.
pub fn reap(pidfd: impl AsFd) -> io::Result<Option<Exit>> {
    let id = pidfd.as_fd().as_raw_fd().unsigned_abs();
    Ok(wait_id(libc::P_PIDFD, id, libc::WEXITED | libc::WNOHANG)?.map(|(_, exit)| exit))
}

/// How a child ended, without collecting it; `None`: it lives.
///
/// # Errors
/// ECHILD: it isn't our child, or was waited for already.
pub fn peek(pidfd: impl AsFd) -> io::Result<Option<Exit>> {
    let id = pidfd.as_fd().as_raw_fd().unsigned_abs();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    Ok(wait_id(libc::P_PIDFD, id, options)?.map(|(_, exit)| exit))
}

/// Some child that has exited (orphans that came to us among them), without collecting it: its number can't be
/// used again before [`reap_pid`] does.
pub fn peek_any_exited() -> Option<(Pid, Exit)> {
    wait_id(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT).ok().flatten()
}

/// Collects a child that [`peek_any_exited`] named.
pub fn reap_pid(pid: Pid) {
    let _ = wait_id(libc::P_PID, pid.0.unsigned_abs(), libc::WEXITED | libc::WNOHANG);
}

fn wait_id(kind: libc::idtype_t, id: libc::id_t, options: c_int) -> io::Result<Option<(Pid, Exit)>> {
    loop {
        // SAFETY: all-zero is a valid siginfo_t, and waitid fills it in.
        let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
        // SAFETY: `info` is valid for writing.
        if unsafe { libc::waitid(kind, id, &raw mut info, options) } == 0 {
            // SAFETY: after waitid these fields are those of SIGCHLD, or zero.
            let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
            if pid == 0 {
                return Ok(None);
            }
            let exit = match info.si_code {
                libc::CLD_EXITED => Exit::Code(status),
                _ => Signal::from_number(status).map_or(Exit::Unknown, Exit::Signal),
            };
            return Ok(Some((Pid(pid), exit)));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// `struct pidfd_info` in its first form (`include/uapi/linux/pidfd.h`).
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// `_IOWR(0xFF, 11, struct pidfd_info)`
const PIDFD_GET_INFO: u64 = 0xC040_FF0B;
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// How a process ended that isn't our child, if the kernel tells (Linux 6.15, after its parent waited for it).
pub fn exit_of(pidfd: impl AsFd) -> Option<Exit> {
    let mut info = Info { mask: PIDFD_INFO_EXIT, ..Info::default() };
    #[allow(clippy::useless_conversion, reason = "the type of a request differs between C libraries")]
    // SAFETY: the request carries the size of `Info`, and the kernel writes no more than that.
    let answer =
        unsafe { libc::ioctl(pidfd.as_fd().as_raw_fd(), PIDFD_GET_INFO as libc::Ioctl, &raw mut info) };
    (answer == 0 && info.mask & PIDFD_INFO_EXIT != 0).then(|| exit_of_status(info.exit_code))
}

/// From the form of wait(2): the code in the second byte, or the signal in the low seven bits.
pub fn exit_of_status(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code((status >> 8) & 0xff),
        signal => Signal::from_number(signal).map_or(Exit::Unknown, Exit::Signal),
    }
}
