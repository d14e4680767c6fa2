//! Durations, counted by size.

use std::time::Duration;

/// Upper bounds of the buckets, in microseconds: from a wake-up without work to a look at a slow network file system.
const BOUNDS_US: [u32; 10] = [100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];

/// A histogram of durations.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Histogram {
    buckets: [u64; BOUNDS_US.len()],
    count: u64,
    sum: Duration,
}

impl Histogram {
    /// Counts a duration.
    pub(super) fn add(&mut self, took: Duration) {
        let fitting = BOUNDS_US.iter().position(|bound| took <= Duration::from_micros(u64::from(*bound)));
        if let Some(bucket) = fitting.and_then(|at| self.buckets.get_mut(at)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// Upper bounds in seconds, each with the number of durations up to it.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        BOUNDS_US.iter().zip(self.buckets).map(move |(bound, count)| {
            sum += count;
            (f64::from(*bound) / 1e6, sum)
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, in seconds.
    pub(super) fn sum(&self) -> f64 {
        self.sum.as_secs_f64()
    }
}
