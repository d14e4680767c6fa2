//! Newtypes for everything that has a unit or is an identity, and the one way each is written.
//!
//! Floor 0: no input or output, no clock.

mod capability;
mod counted;
mod cron;
mod duration;
mod habits;
mod signal;
mod size;
mod zone;

pub use capability::Capability;
pub use counted::{counted, some_of};
pub use cron::{Cron, CronError};
pub use duration::{format_duration, parse_duration};
pub use habits::meant;
pub use signal::Signal;
pub use size::{format_size, parse_size};
pub use zone::{Shown, Zone};

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A process id in the engine's own PID namespace. Never an identity by itself: see
/// [`crate::facts::ProcessKey`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pid(pub i32);

/// A user id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub u32);

/// A group id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gid(pub u32);

/// When a process was forked, in clock ticks since boot (`proc_pid_stat(5)` field 22); exec leaves it as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StartTicks(pub u64);

/// The inode of a process's pidfds (`pidfs`, Linux 6.9): in one boot no second process gets it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PidfdInode(pub u64);

/// `/proc/sys/kernel/random/boot_id`: names one boot of one kernel, and in a time namespace with another clock how it is shifted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub Arc<str>);

/// Most are copies of one: whoever compares keys of processes need not read them.
impl Ord for BootId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for BootId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A moment on the boot-time clock (`CLOCK_BOOTTIME`): time since boot, counting suspension, never set back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootTime(pub Duration);

/// A moment on the wall clock, as time since the Unix epoch. For display and for cron: no other decision rests on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub Duration);

/// The present moment, on both clocks, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// For deadlines and ages.
    pub boot: BootTime,
    /// For display and for cron.
    pub wall: WallTime,
}

impl WallTime {
    /// Reads RFC 3339: `2030-01-31T08:00:00Z`. Nothing for another form, or a moment before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        let seconds = u64::try_from(moment.as_second()).ok()?;
        let nanos = u32::try_from(moment.subsec_nanosecond()).ok()?;
        Some(Self(Duration::new(seconds, nanos)))
    }

    /// Writes RFC 3339 in UTC with milliseconds, always as long: `2030-01-31T08:00:00.000Z`. The end of 9999 for what comes later.
    pub fn rfc3339(self) -> String {
        const LAST: i64 = 253_402_300_799_999;
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(LAST).min(LAST);
        let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// The same for people, without milliseconds, of a moment to come: the first second in which it is over.
    pub fn to_the_second(self) -> String {
        let whole = self.0.as_secs().saturating_add(u64::from(self.0.subsec_nanos() > 0));
        Self(Duration::from_secs(whole)).rfc3339().replace(".000Z", "Z")
    }
}

impl BootTime {
    /// The moment `by` later; the end of time if that can't be expressed.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl WallTime {
    /// The moment `by` later; the end of time if that can't be expressed.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

macro_rules! shown_as_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
shown_as_number!(Pid, Uid, Gid, StartTicks, BootId);
