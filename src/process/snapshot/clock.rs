//! The clocks of a snapshot. `now`, `boot` and the time since boot state two of three quantities, and each
//! process that states two of `startTicks`, `started` and `age` states one as well. What disagrees by more
//! than a second is an error; what is missing follows.

use std::time::Duration;

use super::codes;
use super::model::Host;
use super::read::Reader;
use super::time::format_time;
use crate::diagnostic::Span;
use crate::units::{BootTime, StartTicks, WallTime, format_duration};

/// Times are written in seconds, so that two ways to say the same differ by less than one.
const SLACK: Duration = Duration::from_secs(1);

/// What one process says about its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Claims {
    pub(super) start: Option<StartTicks>,
    pub(super) started: Option<(WallTime, Span)>,
    pub(super) age: Option<(Duration, Span)>,
}

/// A time in ticks, the nearest.
pub(super) fn ticks(time: Duration, per_second: u64) -> u64 {
    let exact = (time.as_nanos().saturating_mul(u128::from(per_second)) + 500_000_000) / 1_000_000_000;
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Ticks as a time.
pub(super) fn duration(ticks: StartTicks, per_second: u64) -> Duration {
    let nanos = u128::from(ticks.0).saturating_mul(1_000_000_000) / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Completes the clocks of the host from what the host and its processes say.
pub(super) fn complete(reader: &mut Reader, host: &mut Host, span: Span, claims: &[Claims]) {
    host_clocks(reader, host, span);
    let start = |claim: &Claims| claim.start.map(|start| duration(start, host.ticks_per_second));
    if host.uptime.is_none() {
        let both = claims.iter().find_map(|claim| Some(start(claim)?.saturating_add(claim.age?.0)));
        // Ages alone: as if the oldest began with the host.
        let oldest = claims.iter().filter_map(|claim| claim.age).map(|(age, _)| age).max();
        host.uptime = both.or(oldest).map(BootTime);
    }
    if host.boot.is_none() {
        let both = claims.iter().find_map(|claim| claim.started?.0.0.checked_sub(start(claim)?));
        let from_now = host.now.zip(host.uptime).and_then(|(now, up)| now.0.checked_sub(up.0));
        let oldest = claims.iter().filter_map(|claim| claim.started).map(|(time, _)| time.0).min();
        host.boot = from_now.or(both).or(oldest).map(WallTime);
    }
    if host.uptime.is_none() {
        host.uptime = host.now.zip(host.boot).and_then(|(now, boot)| now.0.checked_sub(boot.0)).map(BootTime);
    }
    if host.now.is_none() && !host.unread.keys.contains_key("now") {
        host.now = host.boot.zip(host.uptime).map(|(boot, up)| WallTime(boot.0.saturating_add(up.0)));
    }
}

/// More can't be written as a duration (nanoseconds in 64 bits), and no host is up for 584 years.
const UP_MAX: Duration = Duration::from_nanos(u64::MAX);

fn host_clocks(reader: &mut Reader, host: &mut Host, span: Span) {
    let Some((now, boot)) = host.now.zip(host.boot) else { return };
    let Some(uptime) = now.0.checked_sub(boot.0) else {
        reader.error(codes::DISAGREES, span, "`now` is before `boot`", "exchange them, or leave one out");
        return;
    };
    if uptime > UP_MAX {
        reader.error(
            codes::DISAGREES,
            span,
            "`now` is centuries after `boot`",
            "mend the years, or leave one out",
        );
        return;
    }
    match host.uptime {
        Some(stated) if stated.0.abs_diff(uptime) > SLACK => {
            let message =
                format!("`uptime` is not the time from `boot` to `now`, {}", format_duration(uptime));
            reader.error(codes::DISAGREES, span, message, "leave `uptime` out");
        }
        Some(_) => {}
        None => host.uptime = Some(BootTime(uptime)),
    }
}

/// The start of one process, checked against everything it says.
pub(super) fn start(reader: &mut Reader, host: &Host, claims: &Claims) -> Option<StartTicks> {
    let start = claims.start.or_else(|| followed(reader, host, claims))?;
    let began = duration(start, host.ticks_per_second);
    if let (Some((age, span)), Some(up)) = (claims.age, host.uptime) {
        let right = up.0.saturating_sub(began);
        if right.abs_diff(age) > SLACK {
            let message = format!("`age: {}` disagrees with `startTicks: {start}`", format_duration(age));
            let right = format_duration(Duration::from_secs(right.as_secs()));
            reader.error(codes::DISAGREES, span, message, format!("write `age: {right}`, or leave it out"));
        }
    }
    if let (Some((started, span)), Some(boot)) = (claims.started, host.boot) {
        let right = boot.0.saturating_add(began);
        if right.abs_diff(started.0) > SLACK {
            let message =
                format!("`started: {}` disagrees with the start of the process", format_time(started.0));
            let right = format_time(Duration::from_secs(right.as_secs()));
            reader.error(
                codes::DISAGREES,
                span,
                message,
                format!("write `started: {right}`, or leave it out"),
            );
        }
    }
    Some(start)
}

/// The start that follows from `age` or `started`.
fn followed(reader: &mut Reader, host: &Host, claims: &Claims) -> Option<StartTicks> {
    let (since_boot, span, message) = match (claims.age.zip(host.uptime), claims.started.zip(host.boot)) {
        (Some(((age, span), up)), _) => {
            let message = format!("the process is older than its host, {}", format_duration(up.0));
            (up.0.checked_sub(age), span, message)
        }
        (None, Some(((started, span), boot))) => {
            let message = format!("the process began before its host, {}", format_time(boot.0));
            (started.0.checked_sub(boot.0), span, message)
        }
        (None, None) => return None,
    };
    if since_boot.is_none() {
        reader.error(codes::DISAGREES, span, message, "mend this time, or those of the host");
    }
    since_boot.map(|time| StartTicks(ticks(time, host.ticks_per_second)))
}
