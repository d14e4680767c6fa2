//! Settings of our own process that outlast execve and that no safe binding offers.

use std::os::fd::RawFd;

use super::raw::call;

/// `sched_setscheduler(2)`: `SCHED_*` and a real-time priority.
///
/// # Errors
/// The kernel's errno.
pub fn set_policy(policy: i32, priority: i32) -> Result<(), i32> {
    let parameter = (&raw const priority).addr();
    // SAFETY: `struct sched_param` is one int, on this stack.
    unsafe { call(libc::SYS_sched_setscheduler, [0, policy.unsigned_abs() as usize, parameter, 0, 0]) }
        .map(|_| ())
}

/// `ioprio_set(2)`: `IOPRIO_CLASS_*` and a level.
///
/// # Errors
/// The kernel's errno.
pub fn set_io_priority(class: u16, level: u16) -> Result<(), i32> {
    let packed = usize::from(class) << 13 | usize::from(level);
    // SAFETY: no pointers. 1 is IOPRIO_WHO_PROCESS.
    unsafe { call(libc::SYS_ioprio_set, [1, 0, packed, 0, 0]) }.map(|_| ())
}

/// Gives the calling thread a table of descriptors of its own, with nothing in it but `kept`: `close_range(2)`. Where the kernel can't do
/// both at once (before 5.9) nothing happens, and the table stays shared: a copy of all that is open would hold locks and pipes.
pub fn keep_alone(kept: RawFd) {
    let Ok(kept) = usize::try_from(kept) else { return };
    let (last, own) = (u32::MAX as usize, libc::CLOSE_RANGE_UNSHARE as usize);
    // SAFETY: no pointers. What the other threads have open stays so.
    if unsafe { call(libc::SYS_close_range, [kept + 1, last, own, 0, 0]) }.is_ok() && kept > 0 {
        // SAFETY: the same; from here on the table is this thread's.
        let _ = unsafe { call(libc::SYS_close_range, [0, kept - 1, 0, 0, 0]) };
    }
}

/// Marks every descriptor from `first` on to be closed by execve: `close_range(2)`, and where the kernel has no such mark
/// (before 5.11) those that are open one by one.
///
/// # Errors
/// The kernel's errno.
pub fn close_on_exec_from(first: u32) -> Result<(), i32> {
    let mark = libc::CLOSE_RANGE_CLOEXEC as usize;
    // SAFETY: no pointers.
    match unsafe { call(libc::SYS_close_range, [first as usize, u32::MAX as usize, mark, 0, 0]) } {
        // EPERM is what seccomp filters say of a call that they don't know.
        Err(libc::ENOSYS | libc::EINVAL | libc::EPERM) => one_by_one(first),
        answer => answer.map(|_| ()),
    }
}

fn one_by_one(first: u32) -> Result<(), i32> {
    let listed =
        std::fs::read_dir("/proc/self/fd").map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))?;
    let numbers: Vec<u32> =
        listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number >= first) {
        let (set, mark) = (libc::F_SETFD.unsigned_abs() as usize, libc::FD_CLOEXEC.unsigned_abs() as usize);
        // SAFETY: no pointers. One that is closed meanwhile (the listing's own) answers EBADF, which is as good.
        let _ = unsafe { call(libc::SYS_fcntl, [number as usize, set, mark, 0, 0]) };
    }
    Ok(())
}
