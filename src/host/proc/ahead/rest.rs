//! A part of the listing that two helpers may read, one from each end, until they meet: however the processors are shared out
//! among them, neither has something to do when the other one has nothing left.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Part, Window};

/// Processes that are taken at a time.
const STEP: usize = 64;

/// From which end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Ascending.
    First,
    /// Descending.
    Last,
}

/// The places that nobody has begun with.
#[derive(Debug)]
pub(super) struct Rest(Mutex<Range<usize>>);

impl Rest {
    pub(super) fn of(places: Range<usize>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(places)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Reads from one end until nothing is left: what was read, in the order of the listing.
    pub(super) fn window(&self, end: End, read: impl Fn(Range<usize>) -> Part) -> Window {
        let mut window = Window::new();
        while let Some(part) = self.take(end).map(&read) {
            match end {
                End::First => window.push_back(part),
                End::Last => window.push_front(part),
            }
        }
        window
    }

    fn take(&self, end: End) -> Option<Range<usize>> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Range { start, end: behind } = *left;
        let taken = match end {
            End::First => start..(start + STEP).min(behind),
            End::Last => behind.saturating_sub(STEP).max(start)..behind,
        };
        match end {
            End::First => left.start = taken.end,
            End::Last => left.end = taken.start,
        }
        (!taken.is_empty()).then_some(taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::units::Pid;

    fn read(places: Range<usize>) -> Part {
        let mut part = Part::default();
        for place in places {
            let begin = part.text.len();
            part.text.extend_from_slice(place.to_string().as_bytes());
            let pid = Pid(i32::try_from(place).unwrap());
            part.places.push_back((pid, begin..part.text.len()));
        }
        part
    }

    fn shows(window: &Window, places: Range<usize>) {
        let text =
            |part: &Part, place: &Range<usize>| String::from_utf8(part.text[place.clone()].to_vec()).unwrap();
        let found: Vec<String> = window
            .iter()
            .flat_map(|part| {
                part.places.iter().map(|(pid, place)| format!("{} {}", pid.0, text(part, place)))
            })
            .collect();
        assert_eq!(found, places.map(|place| format!("{place} {place}")).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_read_from_both_ends_is_all_of_it_in_order() {
        for (places, steps) in [(0..1000, 3), (100..1001, 0), (5..6, 0), (5..5, 0), (0..1000, 100)] {
            let rest = Rest::of(places.clone());
            let mut taken = places.start;
            for _ in 0..steps {
                taken = rest.take(End::First).map_or(taken, |part| part.end);
            }
            assert_eq!(rest.is_empty(), taken == places.end);
            shows(&rest.window(End::Last, read), taken..places.end);
            assert!(rest.is_empty() && rest.window(End::First, read).is_empty());
        }
        let rest = Rest::of(10..500);
        let last = rest.take(End::Last).unwrap();
        shows(&rest.window(End::First, read), 10..last.start);
        assert_eq!(last, 436..500);
    }
}
