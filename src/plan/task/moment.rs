//! Which moment of a schedule has come. The clock on the wall decides for cron and for nothing else.
//!
//! A moment that is dealt with never comes again, and a later one stands for all that were missed before it. So a clock that is
//! put forward, a machine that slept, and an engine that was not there all look the same: one moment, found late.
//!
//! A clock that is put back runs through moments that are dealt with; it is waited for. Where it stays far behind (three
//! hours, for ten minutes) it was wrong before, and counts from where it is now. Until then, it may not be set yet: a
//! machine without a battery begins in 1970.

use std::time::Duration;

use crate::plan::backoff;
use crate::plan::draft::Draft;
use crate::plan::memory::{LeftOut, Moment, NextMoment, TaskMemory};
use crate::spec::{Missed, Rhythm, Schedule, ServiceName};
use crate::units::{BootTime, Cron, WallTime, Zone};

/// Later than that, a moment was missed.
const ON_TIME: Duration = Duration::from_secs(60);
/// A clock that is farther behind what is dealt with was wrong then, or is wrong now.
const FAR_BEHIND: Duration = Duration::from_hours(3);
/// So long it may take until the clock is set.
const UNTIL_SET: Duration = Duration::from_mins(10);

/// By how much this Task's moments are put off: always the same part of `jitter`.
pub(super) fn offset(schedule: &Schedule, name: &ServiceName) -> Duration {
    let part = backoff::hash(name.as_str(), 0) % 1000;
    let nanos = schedule.jitter.as_nanos().saturating_mul(u128::from(part)) / 1000;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The moment that is due now, which is dealt with from then on.
pub(super) fn due(schedule: &Schedule, memory: &mut TaskMemory, draft: &mut Draft<'_>) -> Option<Moment> {
    let offset = offset(schedule, draft.name);
    let (moment, late) = match &schedule.rhythm {
        Rhythm::Cron { cron, time_zone } => cron_due((cron, time_zone), offset, memory, draft)?,
        Rhythm::Every(every) => interval_due(*every, offset, memory, draft)?,
    };
    if late > ON_TIME && schedule.missed == Missed::Skip {
        let because = "it was missed, and `missed` is skip".to_owned();
        memory.past.left_out = Some(LeftOut { at: draft.now.wall, because });
        return None;
    }
    Some(moment)
}

fn cron_due(
    (cron, zone): (&Cron, &Zone),
    offset: Duration,
    memory: &mut TaskMemory,
    draft: &mut Draft<'_>,
) -> Option<(Moment, Duration)> {
    let now = draft.now.wall;
    // What was due before it was known isn't missed.
    let handled = *memory.past.handled.get_or_insert(now);
    if handled > now.after(FAR_BEHIND) {
        let end = memory.behind.get_or_insert(draft.now.boot).after(UNTIL_SET);
        if draft.now.boot < end {
            draft.wake(end);
            return None;
        }
        memory.past.handled = Some(now);
        memory.next = None;
    }
    memory.behind = None;
    let handled = memory.past.handled.unwrap_or(now);
    let known = memory.next.and_then(|next| match next.moment {
        Moment::Wall(moment) if moment > handled => Some(moment),
        Moment::Wall(_) | Moment::Boot(_) => None,
    });
    let next = match known {
        Some(next) => next,
        None => note_next(memory, cron.next_after(handled, zone)?, offset),
    };
    if next.after(offset) > now {
        draft.wake(draft.now.boot.after(next.after(offset).since(now)));
        return None;
    }
    let reached = WallTime(now.0.saturating_sub(offset));
    let moment = cron.last_until(handled, reached, zone).unwrap_or(next);
    memory.past.handled = Some(moment);
    if let Some(next) = cron.next_after(moment, zone) {
        note_next(memory, next, offset);
        draft.wake(draft.now.boot.after(next.after(offset).since(now)));
    }
    Some((Moment::Wall(moment), now.since(moment.after(offset))))
}

fn note_next(memory: &mut TaskMemory, next: WallTime, offset: Duration) -> WallTime {
    memory.next = Some(NextMoment { moment: Moment::Wall(next), shown: next.after(offset) });
    next
}

fn interval_due(
    every: Duration,
    offset: Duration,
    memory: &mut TaskMemory,
    draft: &mut Draft<'_>,
) -> Option<(Moment, Duration)> {
    let now = draft.now.boot;
    let known = memory.next.and_then(|next| match next.moment {
        Moment::Boot(moment) => Some(moment),
        Moment::Wall(_) => None,
    });
    let mut note = |memory: &mut TaskMemory, next: BootTime| {
        let at = next.after(offset);
        draft.wake(at);
        let shown = draft.now.wall.after(at.since(now));
        memory.next = Some(NextMoment { moment: Moment::Boot(next), shown });
    };
    let next = match known {
        Some(next) => next,
        None => {
            let next = memory.interval.map_or(now, |last| last.after(every));
            note(memory, next);
            next
        }
    };
    if next.after(offset) > now {
        draft.wake(next.after(offset));
        return None;
    }
    let over = now.since(next.after(offset)).as_nanos().checked_div(every.as_nanos()).unwrap_or(0);
    let over = every.as_nanos().saturating_mul(over);
    let moment = next.after(Duration::from_nanos(u64::try_from(over).unwrap_or(u64::MAX)));
    memory.interval = Some(moment);
    note(memory, moment.after(every));
    Some((Moment::Boot(moment), now.since(moment.after(offset))))
}
