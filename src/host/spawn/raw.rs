//! System calls without the C library: nothing here touches `errno`, thread-local storage or a lock, which a
//! child that shares its parent's memory must not do.

use std::arch::asm;

/// One system call; unused arguments are 0.
///
/// # Errors
/// The kernel's errno.
///
/// # Safety
/// As the system call demands: pointers among the arguments must be valid for what it reads and writes.
pub(super) unsafe fn call(number: libc::c_long, arguments: [usize; 5]) -> Result<usize, i32> {
    // SAFETY: passed on to the caller; the register constraints are those of syscall(2).
    let answer = unsafe { enter(number, arguments) };
    match i32::try_from(answer) {
        Ok(errno @ -4095..=-1) => Err(-errno),
        _ => Ok(answer.cast_unsigned()),
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn enter(number: libc::c_long, [first, second, third, fourth, fifth]: [usize; 5]) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes rax, rcx and r11 only; the caller answers for the pointers.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") first, in("rsi") second, in("rdx") third, in("r10") fourth, in("r8") fifth, in("r9") 0usize,
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    answer
}

#[cfg(target_arch = "aarch64")]
unsafe fn enter(number: libc::c_long, [first, second, third, fourth, fifth]: [usize; 5]) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes x0 only; the caller answers for the pointers.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") first => answer,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth, in("x5") 0usize,
            options(nostack)
        );
    }
    answer
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("raw system calls are written for x86_64 and aarch64 only");
