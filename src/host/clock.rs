//! The clocks. Decisions rest on the boot-time clock, which counts suspension and is never set back.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::units::{BootTime, Now, WallTime};

/// A century.
const FAR: Duration = Duration::from_hours(24 * 36_525);

/// The present moment on both clocks.
pub fn now() -> Now {
    Now { boot: BootTime(read(ClockId::Boottime)), wall: WallTime(read(ClockId::Realtime)) }
}

/// The present moment as the kernel stamps files with it: whatever is stamped from now on isn't earlier, as long as the clock isn't set back.
pub fn of_stamps() -> Duration {
    read(ClockId::RealtimeCoarse)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // Before 1970 is 1970: the wall clock is for display only.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The moment from which on something has taken too long.
pub fn deadline(after: Duration) -> Instant {
    // As far away as can be told, if that is farther.
    Instant::now().checked_add(after).unwrap_or_else(|| Instant::now() + FAR)
}

/// How long it is until a deadline; zero when it is over.
pub fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// Does nothing for a moment: for short-lived commands, which have no loop whose wait could end earlier.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// When a process that was forked at `start` began, in nanoseconds since the Unix epoch: by the wall clock of now, which may
/// have been set since.
pub fn began(start: crate::units::StartTicks) -> i128 {
    let Now { boot, wall } = now();
    let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    let second = i128::from(rustix::param::clock_ticks_per_second().max(1));
    nanos(wall.0) - nanos(boot.0) + i128::from(start.0) * 1_000_000_000 / second
}
