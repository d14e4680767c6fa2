//! Durations as people write them: `250ms`, `90s`, `1h30m`, `7d`. No months, no bare numbers.

use std::time::Duration;

use super::habits::{is_of_sizes, meant, meant_time};

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// Reads a duration such as `250ms`, `1.5s` or `1h30m`. `us` and `ns` are understood as well.
///
/// # Errors
/// A sentence that says what is wrong and how to mend it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let mut rest = text;
    if rest.is_empty() {
        return Err("a duration is missing, write for example `90s`".into());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(letters);
        total = total.checked_add(part(text, number, unit)?).ok_or_else(|| too_long(text))?;
        rest = next;
    }
    let nanos = u64::try_from(total).map_err(|_| too_long(text))?;
    Ok(Duration::from_nanos(nanos))
}

fn too_long(text: &str) -> String {
    format!("`{text}` is too long a time")
}

/// As people write it elsewhere (`5min`, `5 minutes`, `1h 30m`), where one can tell what is meant, else examples.
fn not_a_duration(text: &str) -> String {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    match meant_time(text).map(|time| format!("`{time}`")).or_else(|| meant(number, unit.trim())) {
        Some(meant) if is_of_sizes(&meant) => format!("`{text}` is not a size, write {meant}"),
        Some(meant) => format!("`{text}` is not a duration, write {meant}"),
        None => format!("`{text}` is not a duration, write for example `250ms`, `90s` or `1h30m`"),
    }
}

fn part(text: &str, number: &str, unit: &str) -> Result<u128, String> {
    let wrong = || not_a_duration(text);
    let scale: u128 = match unit {
        "" if text.len() == number.len() => {
            return Err(format!("`{text}` has no unit, write for example `{number}s`"));
        }
        "ns" => 1,
        "us" | "µs" => 1_000,
        unit => UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| u128::from(*scale))
            .ok_or_else(wrong)?,
    };
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    let mut nanos = whole.checked_mul(scale).ok_or_else(|| too_long(text))?;
    if number.contains('.') {
        if fraction.is_empty() || fraction.len() > 9 {
            return Err(wrong());
        }
        let digits: u128 = fraction.parse().map_err(|_| wrong())?;
        let exponent = u32::try_from(fraction.len()).map_err(|_| wrong())?;
        nanos += digits * scale / 10u128.pow(exponent);
    }
    Ok(nanos)
}

/// Writes a duration in the shortest form that [`parse_duration`] reads back to the millisecond: `1h30m`, `2.5s`.
pub fn format_duration(duration: Duration) -> String {
    let mut nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos == 0 {
        return "0s".into();
    }
    if nanos < 1_000_000 {
        return if nanos.is_multiple_of(1_000) {
            format!("{}us", nanos / 1_000)
        } else {
            format!("{nanos}ns")
        };
    }
    let mut text = String::new();
    let millis = nanos % 1_000_000_000 / 1_000_000;
    let fractional_seconds = millis != 0 && nanos >= 1_000_000_000;
    for (unit, scale) in UNITS {
        let count = nanos / scale;
        if unit == "s" && fractional_seconds {
            let fraction = format!("{millis:03}");
            text.push_str(&format!("{count}.{}s", fraction.trim_end_matches('0')));
            break;
        }
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
        nanos %= scale;
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_back() {
        for (text, millis) in [
            ("250ms", 250),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1.5s", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
            let written = format_duration(Duration::from_millis(millis));
            assert_eq!(parse_duration(&written), Ok(Duration::from_millis(millis)), "{written}");
        }
        assert_eq!(format_duration(Duration::from_secs(90)), "1m30s");
        assert_eq!(format_duration(Duration::from_millis(2_050)), "2.05s");
    }

    #[test]
    fn what_is_not_a_duration_says_so() {
        for text in ["", "5", "5x", "s", "1.s", "1mo", "99999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("5").is_err_and(|m| m.contains("`5s`")));
        assert_eq!(parse_duration("5µs"), Ok(Duration::from_micros(5)));
    }

    #[test]
    fn what_people_write_elsewhere_is_told_in_our_units() {
        for (text, ours) in [
            ("5 minutes", "5m"),
            ("5 m", "5m"),
            ("1 min", "1m"),
            ("30 sec", "30s"),
            ("2 hrs", "2h"),
            ("3 Days", "3d"),
            ("2 weeks", "14d"),
            ("1h 30m", "1h30m"),
            ("1 hour, 30 minutes", "1h30m"),
            ("1 hour and 30 minutes", "1h30m"),
            ("1hour30min", "1h30m"),
            ("1h 30", "250ms"),
            ("5 apples", "250ms"),
            ("5 mo", "250ms"),
            ("5 MB", "5MB"),
            (" 7 ", "7s"),
        ] {
            let message = parse_duration(text).unwrap_err();
            assert!(message.contains(&format!("`{ours}`")), "{text}: {message}");
        }
    }
}
