//! The clocks. Decisions rest on the boot-time clock, which counts suspension and is never set back.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::units::{BootTime, Now, WallTime};

/// The present moment on both clocks.
pub fn now() -> Now {
    Now { boot: BootTime(read(ClockId::Boottime)), wall: WallTime(read(ClockId::Realtime)) }
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // Before 1970 is 1970: the wall clock is for display only.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
