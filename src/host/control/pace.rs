//! Bounds in number and in time. All of them in one place.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Rights;
use crate::units::{BootTime, Uid};

/// The longest call of somebody who may do everything, in bytes.
const CALL_MAX: usize = 64 << 10;
/// Of somebody who may only look.
const LOOK_MAX: usize = 4 << 10;
/// Connections of one user.
pub(super) const GUESTS_OF_ONE: usize = 64;
/// Connections of all users who may only look.
pub(super) const STRANGERS_MAX: usize = 256;
/// A call that has begun has come to its end after so long.
pub(super) const CALL_TIME: Duration = Duration::from_secs(10);
/// Somebody reads something of an answer after so long.
pub(super) const STALL: Duration = Duration::from_secs(10);
/// Somebody has read an answer after so long.
pub(super) const READ_TIME: Duration = Duration::from_mins(1);
/// Bytes of answers that wait to be read, of all connections together.
pub(super) const UNREAD_MAX: usize = 64 << 20;
/// A user who may only look makes a call so often at most.
const BETWEEN_CALLS: Duration = Duration::from_millis(5);
/// So many of them may come at once.
const BURST: u32 = 20;

/// The longest call.
pub(super) fn call_max(rights: Rights) -> usize {
    match rights {
        Rights::All => CALL_MAX,
        Rights::Look => LOOK_MAX,
    }
}

/// When users who may only look may make their next call: whoever asks without end is answered at a pace that leaves the
/// loop free.
#[derive(Debug, Default)]
pub(super) struct Pace(BTreeMap<Uid, BootTime>);

impl Pace {
    /// Takes a call of this user into account. `Err`: it has to wait until then.
    pub(super) fn take(&mut self, uid: Uid, rights: Rights, now: BootTime) -> Result<(), BootTime> {
        if rights == Rights::All {
            return Ok(());
        }
        // What is allowed adds up to a burst, and no further.
        let earliest = BootTime(now.0.saturating_sub(BETWEEN_CALLS * BURST));
        let due = self.0.get(&uid).copied().unwrap_or(earliest).max(earliest);
        if due > now {
            return Err(due);
        }
        self.0.insert(uid, due.after(BETWEEN_CALLS));
        Ok(())
    }

    /// Forgets users who have all their allowance again.
    pub(super) fn sweep(&mut self, now: BootTime) {
        let earliest = BootTime(now.0.saturating_sub(BETWEEN_CALLS * BURST));
        self.0.retain(|_, due| *due > earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> BootTime {
        BootTime(Duration::from_hours(1) + Duration::from_millis(millis))
    }

    #[test]
    fn a_stranger_has_a_burst_and_then_a_pace_of_its_own() {
        let mut pace = Pace::default();
        let taken = |pace: &mut Pace, uid, now| pace.take(Uid(uid), Rights::Look, at(now)).is_ok();
        assert_eq!((0..100).filter(|_| taken(&mut pace, 7, 0)).count(), 21);
        assert!(taken(&mut pace, 8, 0), "another user");
        assert_eq!(pace.take(Uid(7), Rights::Look, at(0)), Err(at(5)));
        assert!(taken(&mut pace, 7, 5) && !taken(&mut pace, 7, 5));
        assert_eq!((0..1000).filter(|_| pace.take(Uid(7), Rights::All, at(6)).is_ok()).count(), 1000);
        pace.sweep(at(60_000));
        assert!(pace.0.is_empty());
        assert_eq!((0..100).filter(|_| taken(&mut pace, 7, 60_000)).count(), 21, "no more than a burst");
    }
}
