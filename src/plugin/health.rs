//! How a plugin fares. One that fails three times in a row is left alone for a while, twice as long each time.

use std::time::Duration;

use super::failure::Failure;
use super::limits::{BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS, FAILURES_MAX, FUEL_TYPICAL};
use crate::units::BootTime;

/// What happened since the plugin was loaded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Calls.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those since the last one that didn't.
    pub in_a_row: u32,
    /// It isn't called before this moment since boot.
    pub quarantined_until: Option<BootTime>,
    /// What the last failure was, even if it was long ago.
    pub last_failure: Option<String>,
    /// Fuel that all calls used together.
    pub fuel: u64,
    back_off: Duration,
}

impl Health {
    /// About how long all calls took together, by their fuel: there is no clock here.
    pub fn time(&self) -> Duration {
        time_of(self.fuel)
    }

    /// Whether it may be called. `Err` says until when it may not, and why.
    pub(super) fn may_call(&self, now: Duration) -> Result<(), String> {
        let Some(BootTime(until)) = self.quarantined_until else { return Ok(()) };
        // A wait that is longer than any that we set comes of another clock: a snapshot, another boot.
        if now >= until || until.saturating_sub(now) > Duration::from_secs(BACKOFF_MAX_SECONDS) {
            return Ok(());
        }
        let left = until.saturating_sub(now).as_secs() + 1;
        let why = self.last_failure.as_deref().unwrap_or("it failed");
        Err(format!("is left alone for {left}s after {} failures in a row: it {why}", self.in_a_row))
    }

    pub(super) fn used(&mut self, fuel: u64) {
        self.fuel = self.fuel.saturating_add(fuel);
    }

    pub(super) fn succeeded(&mut self) {
        self.calls += 1;
        self.in_a_row = 0;
        self.quarantined_until = None;
        self.back_off = Duration::ZERO;
    }

    pub(super) fn failed(&mut self, why: &Failure, now: Duration) {
        self.calls += 1;
        self.failures += 1;
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.last_failure = Some(why.to_string());
        if self.in_a_row >= FAILURES_MAX {
            let least = Duration::from_secs(BACKOFF_MIN_SECONDS);
            let most = Duration::from_secs(BACKOFF_MAX_SECONDS);
            self.back_off = self.back_off.saturating_mul(2).clamp(least, most);
            self.quarantined_until = Some(BootTime(now.saturating_add(self.back_off)));
        }
    }
}

/// About how long it takes to use so much fuel.
pub(super) fn time_of(fuel: u64) -> Duration {
    Duration::from_nanos(fuel.saturating_mul(1_000) / (FUEL_TYPICAL / 1_000))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_failures_in_a_row_and_each_wait_twice_as_long() {
        let mut health = Health::default();
        for _ in 0..2 {
            health.failed(&Failure::Fuel, at(100));
            health.may_call(at(100)).unwrap();
        }
        health.failed(&Failure::Fuel, at(100));
        assert!(health.may_call(at(100)).unwrap_err().contains("left alone for 2s after 3 failures"));
        health.may_call(at(101)).unwrap();
        // One more try, one more failure.
        health.failed(&Failure::Fuel, at(101));
        assert!(health.may_call(at(102)).is_err());
        health.may_call(at(103)).unwrap();
        for _ in 0..20 {
            health.failed(&Failure::Fuel, at(200));
        }
        assert_eq!(health.quarantined_until, Some(BootTime(at(500))));
        health.succeeded();
        assert_eq!((health.in_a_row, health.quarantined_until), (0, None));
        assert_eq!((health.calls, health.failures), (25, 24));
    }

    #[test]
    fn a_success_between_failures_counts() {
        let mut health = Health::default();
        for _ in 0..10 {
            health.failed(&Failure::Fuel, at(5));
            health.failed(&Failure::Fuel, at(5));
            health.succeeded();
        }
        health.may_call(at(5)).unwrap();
    }

    #[test]
    fn a_wait_of_another_clock_ends() {
        let mut health = Health::default();
        for _ in 0..3 {
            health.failed(&Failure::Fuel, at(1_000_000));
        }
        health.may_call(at(10)).unwrap();
    }

    #[test]
    fn fuel_is_time() {
        assert_eq!(time_of(FUEL_TYPICAL), Duration::from_millis(1));
    }
}
