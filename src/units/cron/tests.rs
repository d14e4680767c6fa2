#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

use std::time::Duration;

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    Zone::new(name).unwrap()
}

/// A moment by its time in UTC.
fn utc(text: &str) -> WallTime {
    let time: DateTime = text.parse().unwrap();
    let Shown::Once(moment) = Zone::utc().shown(time).unwrap() else {
        unreachable!("UTC has no gaps: {text}")
    };
    moment
}

fn show(moment: WallTime, zone: &Zone) -> String {
    zone.civil(moment).unwrap().strftime("%m-%d %H:%M").to_string()
}

/// The next moments, as the clocks of the zone show them.
fn next(cron: &str, name: &str, from: &str, count: usize) -> Vec<String> {
    let (cron, zone) = (Cron::parse(cron).unwrap(), zone(name));
    let mut at = utc(from);
    (0..count)
        .map(|_| {
            at = cron.next_after(at, &zone).unwrap();
            show(at, &zone)
        })
        .collect()
}

#[test]
fn moments_follow_the_five_fields() {
    let rows: [(&str, &str, &[&str]); 14] = [
        ("30 3 * * *", "2026-11-26T04:00", &["11-27 03:30", "11-28 03:30"]),
        ("0 0 1 1 *", "2026-11-26T04:00", &["01-01 00:00"]),
        ("@monthly", "2026-11-26T04:00", &["12-01 00:00", "01-01 00:00"]),
        ("@hourly", "2026-11-26T04:00", &["11-26 05:00", "11-26 06:00"]),
        ("*/20 * * * *", "2026-11-26T04:00:01", &["11-26 04:20", "11-26 04:40", "11-26 05:00"]),
        ("5/20 4 * * *", "2026-11-26T04:00", &["11-26 04:05", "11-26 04:25", "11-26 04:45"]),
        ("0 9-17/4 * * mon-fri", "2026-11-27T10:00", &["11-27 13:00", "11-27 17:00", "11-30 09:00"]),
        ("0 0 * * 7", "2026-11-26T04:00", &["11-29 00:00"]),
        ("0 0 * * SUN", "2026-11-26T04:00", &["11-29 00:00"]),
        // One of the two days is enough, unless one of them begins with `*`.
        ("0 0 1 * fri", "2026-11-26T04:00", &["11-27 00:00", "12-01 00:00", "12-04 00:00"]),
        ("0 0 */2 * fri", "2026-11-26T04:00", &["11-27 00:00", "12-11 00:00"]),
        ("0 0 29 2 *", "2026-11-26T04:00", &["02-29 00:00"]),
        ("0 0 31 * *", "2026-11-01T00:00", &["12-31 00:00", "01-31 00:00", "03-31 00:00"]),
        ("0 0 29 2 */7", "2026-11-26T04:00", &["02-29 00:00"]),
    ];
    for (cron, from, expected) in rows {
        assert_eq!(next(cron, "UTC", from, expected.len()), *expected, "{cron}");
    }
}

/// Berlin puts its clocks forward at 01:00 UTC on 29 March 2026, from 02:00 to 03:00, and back at 01:00 UTC on 25
/// October, from 03:00 to 02:00. Lord Howe does it by half an hour; Azores over midnight.
#[test]
fn a_change_of_the_clock_leaves_out_and_repeats_what_it_should() {
    let rows: [(&str, &str, &str, &[&str]); 8] = [
        // A time of day that doesn't exist comes so much later, once.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", &["03-29 03:30", "03-30 02:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", &["03-29 03:00", "03-29 03:30", "03-30 02:00"]),
        // Real time has no hour there.
        ("30 * * * *", "Europe/Berlin", "2026-03-29T00:00", &["03-29 01:30", "03-29 03:30", "03-29 04:30"]),
        // A time of day that comes twice counts once.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", &["10-25 02:30", "10-26 02:30"]),
        // Real time has the hour twice.
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:00",
            &["10-25 01:30", "10-25 02:30", "10-25 02:30", "10-25 03:30"],
        ),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", &["10-04 02:45", "10-05 02:15"]),
        // Over the end of a day, what is put off doesn't come before its time.
        ("30 0 * * *", "Atlantic/Azores", "2026-03-28T12:00", &["03-29 01:30", "03-30 00:30"]),
        ("@daily", "Atlantic/Azores", "2026-03-28T12:00", &["03-29 01:00", "03-30 00:00"]),
    ];
    for (cron, zone, from, expected) in rows {
        assert_eq!(next(cron, zone, from, expected.len()), *expected, "{cron} in {zone}");
    }
}

#[test]
fn mistakes_are_found_with_their_place() {
    for (text, place, message) in [
        ("30 3 * *", "30 3 * *", "cron has five fields, here stand 4"),
        ("60 * * * *", "60", "`60` is no minute"),
        ("0 24 * * *", "24", "`24` is no hour"),
        ("0 0 0 * *", "0 ", "`0` is no day of the month"),
        ("0 0 * foo *", "foo", "`foo` is no month"),
        ("0 0 * * 1,8", "8", "`8` is no day of the week"),
        ("0 0 * * 5-1", "5-1", "the range `5-1` ends before it begins"),
        ("*/0 * * * *", "*/0", "`0` is no step for the minute"),
        ("1- * * * *", "1-", "`` is no minute"),
        ("+1 * * * *", "+1", "`+1` is no minute"),
        ("0 0 30 2 *", "30 2", "there is no such day in any year"),
        ("0 0 L * *", "L", "`L` is no day of the month"),
        ("@dialy", "@dialy", "there is no time called `@dialy`"),
        ("@reboot", "@reboot", "there is no time called `@reboot`"),
    ] {
        let error = Cron::parse(text).unwrap_err();
        assert_eq!(error.message, message, "{text}");
        assert!(text[error.at.start..].starts_with(place.trim_end()), "{text}: {error:?}");
        assert!(!error.help.is_empty());
    }
    assert_eq!(Cron::parse(" 0  3 * *\t* ").unwrap().as_str(), "0 3 * * *");
}

fn a_cron() -> impl Strategy<Value = String> {
    let field = |numbers: &'static [&'static str]| prop::sample::select(numbers);
    let minute = field(&["*", "0", "30", "*/7", "0-10/5", "59", "1,31"]);
    let hour = field(&["*", "0", "2", "*/5", "1-3", "23", "2,14"]);
    let day = field(&["*", "1", "*/3", "28-31", "15"]);
    let month = field(&["*", "3", "10", "3,4,10", "*/2"]);
    let weekday = field(&["*", "0", "sun", "1-5", "*/2"]);
    (minute, hour, day, month, weekday).prop_map(|(m, h, d, mo, w)| format!("{m} {h} {d} {mo} {w}"))
}

fn a_zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Atlantic/Azores",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "America/Santiago",
        ][..],
    )
}

proptest! {
    #![proptest_config(crate::regressions::cases(300))]

    /// The next moment is after now, none lies between, and the way back finds it again.
    #[test]
    fn next_and_last_agree(cron in a_cron(), zone_name in a_zone(), from in 0u64..2_500_000_000) {
        let (cron, zone) = (Cron::parse(&cron).unwrap(), zone(zone_name));
        let now = WallTime(Duration::from_secs(from));
        let first = cron.next_after(now, &zone).unwrap();
        prop_assert!(first > now);
        let just_before = WallTime(first.0.saturating_sub(Duration::from_secs(1)));
        prop_assert_eq!(cron.next_after(just_before.max(now), &zone), Some(first));
        prop_assert_eq!(cron.last_until(now, first, &zone), Some(first));
        prop_assert_eq!(cron.last_until(now, just_before.max(now), &zone), None);
        let second = cron.next_after(first, &zone).unwrap();
        prop_assert!(second > first);
        prop_assert_eq!(cron.last_until(now, second, &zone), Some(second));
    }

    /// With a `*` in the hour a minute is due exactly when the clocks of the zone show it.
    #[test]
    fn real_time_is_what_the_clock_shows(minute in 0i8..60, zone_name in a_zone(), from in 0u64..2_500_000_000) {
        let (cron, zone) = (Cron::parse(&format!("{minute} * * * *")).unwrap(), zone(zone_name));
        let mut at = WallTime(Duration::from_secs(from / 60 * 60));
        let mut due = at;
        for _ in 0..2_000 {
            at.0 += Duration::from_mins(1);
            let shown = zone.civil(at).unwrap();
            if shown.minute() == minute && shown.second() == 0 {
                due = cron.next_after(due, &zone).unwrap();
                prop_assert_eq!(due, at);
            }
        }
    }
}
