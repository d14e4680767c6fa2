//! How long a verb waits for somebody else.

use std::time::{Duration, Instant};

/// Between two looks at the file.
pub const PAUSE: Duration = Duration::from_millis(20);

/// A time limit.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    begin: Instant,
    limit: Duration,
}

impl Patience {
    /// So much, from now on.
    pub fn new(limit: Duration) -> Self {
        Self { begin: Instant::now(), limit }
    }

    /// Whether it has run out.
    pub fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.limit
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.begin.elapsed())
    }

    /// Waits a moment before the next look.
    pub fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
