//! How often a policy has acted lately.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::spec::policy::ActionLimit;
use crate::units::BootTime;

/// When it acted, no more than its limit counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(VecDeque<BootTime>);

impl Spent {
    /// It acts now.
    pub fn note(&mut self, now: BootTime, limit: ActionLimit) {
        self.0.push_back(now);
        let most = usize::try_from(limit.count).unwrap_or(usize::MAX).max(1);
        while self.0.len() > most {
            self.0.pop_front();
        }
    }

    /// When it acted last.
    pub fn last(&self) -> Option<BootTime> {
        self.0.back().copied()
    }

    /// When it may act again, if it may not now.
    pub fn free(&self, now: BootTime, limit: ActionLimit) -> Option<BootTime> {
        let count = usize::try_from(limit.count).unwrap_or(usize::MAX);
        let Some(last) = count.checked_sub(1) else { return Some(BootTime(std::time::Duration::MAX)) };
        // The one that has to be old enough for another.
        let first = self.0.iter().rev().nth(last)?;
        let free = first.after(limit.per);
        (free > now).then_some(free)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_in_so_long() {
        let limit = ActionLimit { count: 2, per: Duration::from_mins(1) };
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        let mut spent = Spent::default();
        let mut acted = Vec::new();
        for second in (0..200).step_by(10) {
            if spent.free(at(second), limit).is_none() {
                spent.note(at(second), limit);
                acted.push(second);
            }
        }
        assert_eq!(acted, [0, 10, 60, 70, 120, 130, 180, 190]);
        assert_eq!(spent.free(at(191), limit), Some(at(240)));
    }

    #[test]
    fn none_at_all_is_never() {
        let limit = ActionLimit { count: 0, per: Duration::from_mins(1) };
        assert!(Spent::default().free(BootTime(Duration::from_secs(1)), limit).is_some());
    }
}
