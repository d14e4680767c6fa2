//! Durations as people write them: `250ms`, `90s`, `1h30m`, `7d`. No months, no bare numbers.

use std::time::Duration;

use super::habits::{is_of_sizes, meant};

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
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a duration is missing, write for example `90s`".into());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
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

fn part(text: &str, number: &str, unit: &str) -> Result<u128, String> {
    let wrong = || match meant(number, unit).filter(|_| text.len() == number.len() + unit.len()) {
        Some(meant) if is_of_sizes(&meant) => format!("`{text}` is not a size, write {meant}"),
        Some(meant) => format!("`{text}` is not a duration, write {meant}"),
        None => format!("`{text}` is not a duration, write for example `250ms`, `90s` or `1h30m`"),
    };
    let scale: u128 = match unit {
        "" if !number.is_empty() => {
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
    }
}
