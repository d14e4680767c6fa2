//! When a child began, told by the clock instead of by `/proc`.
//!
//! A child has to write down when it began before anything else. To read that in `/proc/self/stat` has the kernel make a directory for it there,
//! which takes longer than all the other steps until it executes. The kernel notes the moment in `clone`, on the clock that counts suspension,
//! and shows it in whole ticks (`start_boottime` in `kernel/fork.c` and `fs/proc/array.c`). So it lies between what the parent saw on
//! that clock before and what the child sees after it; where both are in one tick, that is the number that would be read.
//!
//! A kernel may show other numbers all the same (time namespaces before Linux 5.11, kernels that are none). So the first ones are
//! read, and the clock counts only after it has agreed.

use std::sync::atomic::{AtomicU8, Ordering};

use super::raw::call;

/// Nothing is said so near to the edge of a tick: clocks of two processors may differ by less.
const MARGIN: u64 = 20_000;
const SECOND: u64 = 1_000_000_000;

/// What is known of the clock: nothing, that it agreed, that it didn't.
const UNTRIED: u8 = 0;
const AGREES: u8 = 1;
const DIFFERS: u8 = 2;
static CLOCK: AtomicU8 = AtomicU8::new(UNTRIED);

/// The moment before a child is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Nanoseconds. `None`: the kernel doesn't say.
    at: Option<u64>,
    /// How long a tick is; `None`: no whole number of nanoseconds.
    tick: Option<u64>,
}

impl Before {
    pub(super) fn now() -> Self {
        let ticks = rustix::param::clock_ticks_per_second();
        Self { at: clock(), tick: SECOND.checked_div(ticks).filter(|tick| tick * ticks == SECOND) }
    }
}

/// In the child: when it began, in ticks. `read` asks the kernel for it.
///
/// # Errors
/// Those of `read`.
pub(super) fn start(before: Before, read: impl FnOnce() -> Result<u64, i32>) -> Result<u64, i32> {
    let by_clock = between(before, clock());
    match (by_clock, CLOCK.load(Ordering::SeqCst)) {
        (Some(start), AGREES) => Ok(start),
        (Some(start), UNTRIED) => {
            let told = read()?;
            CLOCK.store(if start == told { AGREES } else { DIFFERS }, Ordering::SeqCst);
            Ok(told)
        }
        (Some(_) | None, _) => read(),
    }
}

/// The tick that both moments are in.
fn between(before: Before, after: Option<u64>) -> Option<u64> {
    let Before { at, tick } = before;
    let tick_of = |moment: u64| moment.checked_div(tick?);
    let first = tick_of(at?.checked_sub(MARGIN)?)?;
    (tick_of(after?.checked_add(MARGIN)?)? == first).then_some(first)
}

/// `CLOCK_BOOTTIME` by the system call: the C library's own way isn't the child's to go.
fn clock() -> Option<u64> {
    let mut time = [0i64; 2];
    let id = libc::CLOCK_BOOTTIME.unsigned_abs() as usize;
    // SAFETY: a timespec of two words on this stack.
    unsafe { call(libc::SYS_clock_gettime, [id, time.as_mut_ptr().addr(), 0, 0, 0]) }.ok()?;
    let [seconds, nanos] = time.map(u64::try_from);
    seconds.ok()?.checked_mul(SECOND)?.checked_add(nanos.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_told_only_within_one_tick() {
        let tick = Some(10_000_000);
        let before = |at| Before { at: Some(at), tick };
        for (before, after, told) in [
            (before(50_020_000), Some(50_100_000), Some(5)),
            (before(50_020_000), Some(59_979_999), Some(5)),
            (before(50_019_999), Some(50_100_000), None),
            (before(50_020_000), Some(59_980_000), None),
            (before(50_020_000), Some(70_000_000), None),
            (before(50_020_000), None, None),
            (before(10), Some(100), None),
            (Before { at: None, tick }, Some(50_100_000), None),
            (Before { at: Some(50_020_000), tick: None }, Some(50_100_000), None),
        ] {
            assert_eq!(between(before, after), told, "{before:?} {after:?}");
        }
    }
}
