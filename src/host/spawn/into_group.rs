//! `clone3(2)` into a control group: the child is in it from its first moment, and entering costs nothing. Writing into
//! `cgroup.procs` makes the kernel wait for all processors.

use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

use super::child::Orders;
use super::pidfd::Stack;

/// `struct clone_args` of `include/uapi/linux/sched.h`, up to its third version.
#[repr(C)]
#[derive(Default)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_possible_truncation, reason = "a small number of a 64-bit machine")]
const CLONE3: isize = libc::SYS_clone3 as isize;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// Every signal that is handled has its default in the child; what is ignored stays so.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// Clones into the group that `group` is open on; returns when the child has executed or exited.
///
/// # Errors
/// The kernel's errno; no child ran then.
pub(super) fn clone_into(
    main: extern "C" fn(*mut c_void) -> c_int,
    orders: &Orders<'_>,
    group: c_int,
) -> Result<(i32, OwnedFd), i32> {
    let stack = Stack::take()?;
    let top = stack.top() as u64;
    let mut pidfd: c_int = -1;
    let flags = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::CLONE_FILES).unsigned_abs();
    let arguments = Arguments {
        flags: u64::from(flags) | CLONE_INTO_CGROUP | CLONE_CLEAR_SIGHAND,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        stack: top - Stack::BYTES as u64,
        stack_size: Stack::BYTES as u64,
        cgroup: u64::from(group.unsigned_abs()),
        ..Arguments::default()
    };
    let argument = ptr::from_ref(orders).cast_mut().cast::<c_void>();
    // SAFETY: as for `clone_child`: `main` only reads `orders`, but for its atomics; the stack and the orders outlive the
    // child's stay in this memory, as CLONE_VFORK holds this thread until then. `main` never returns into this function.
    let answer = unsafe { enter(&arguments, main, argument) };
    stack.keep();
    if answer < 0 {
        return Err(i32::try_from(-answer).unwrap_or(libc::EIO));
    }
    let pid = i32::try_from(answer).map_err(|_| libc::EIO)?;
    // SAFETY: the kernel made this descriptor for us (it is close-on-exec), and nobody else knows it.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// In the parent the kernel's answer; the child calls `main` on its own stack and exits.
#[cfg(target_arch = "x86_64")]
unsafe fn enter(
    arguments: &Arguments,
    main: extern "C" fn(*mut c_void) -> c_int,
    argument: *mut c_void,
) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes rax, rcx and r11 in the parent. The child has a stack of its own whose top is aligned to
    // a page, so that the call leaves it aligned as functions expect; it ends in exit and never goes past `2`.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r9",
            "call r8",
            "mov edi, eax",
            "mov eax, 60",
            "syscall",
            "ud2",
            "2:",
            inlateout("rax") CLONE3 => answer,
            in("rdi") ptr::from_ref(arguments),
            in("rsi") size_of::<Arguments>(),
            in("r8") main,
            in("r9") argument,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    answer
}

/// In the parent the kernel's answer; the child calls `main` on its own stack and exits.
#[cfg(target_arch = "aarch64")]
unsafe fn enter(
    arguments: &Arguments,
    main: extern "C" fn(*mut c_void) -> c_int,
    argument: *mut c_void,
) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes x0 only in the parent. The child has an aligned stack of its own; it ends in exit and
    // never goes past `2`.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x10",
            "blr x9",
            "mov x8, #93",
            "svc 0",
            "brk #1",
            "2:",
            inlateout("x0") ptr::from_ref(arguments) => answer,
            in("x1") size_of::<Arguments>(),
            in("x8") libc::SYS_clone3,
            in("x9") main,
            in("x10") argument,
        );
    }
    answer
}
