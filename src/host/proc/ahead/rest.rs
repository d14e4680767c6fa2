//! A part of the listing that two helpers may read, one from each end, until they meet: however the processors are shared out
//! among them, neither has something to do when the other one has nothing left.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::Window;

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
    pub(super) fn window(&self, end: End, read: impl Fn(Range<usize>) -> Window) -> Window {
        let mut parts: Vec<Window> = std::iter::from_fn(|| self.take(end)).map(read).collect();
        if end == End::Last {
            parts.reverse();
        }
        parts.into_iter().fold(Window::default(), Window::and)
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

impl Window {
    /// This one, and behind it the next.
    fn and(mut self, next: Self) -> Self {
        let begin = self.text.len();
        self.text.extend_from_slice(&next.text);
        let places = next.places.into_iter();
        self.places.extend(places.map(|(pid, place)| (pid, begin + place.start..begin + place.end)));
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::units::Pid;

    fn read(places: Range<usize>) -> Window {
        let mut window = Window::default();
        for place in places {
            let begin = window.text.len();
            window.text.extend_from_slice(place.to_string().as_bytes());
            let pid = Pid(i32::try_from(place).unwrap());
            window.places.push_back((pid, begin..window.text.len()));
        }
        window
    }

    fn shows(window: &Window, places: Range<usize>) {
        let found: Vec<String> = window
            .places
            .iter()
            .map(|(pid, place)| format!("{} {}", pid.0, str::from_utf8(&window.text[place.clone()]).unwrap()))
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
            assert!(rest.is_empty() && rest.window(End::First, read).places.is_empty());
        }
        let rest = Rest::of(10..500);
        let last = rest.take(End::Last).unwrap();
        shows(&rest.window(End::First, read), 10..last.start);
        assert_eq!(last, 436..500);
    }
}
