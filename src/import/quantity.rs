//! Numbers, times and sizes as the formats write them.

use std::time::Duration;

/// As `strtol` with base 0: `022`, `18`, `0x12`.
pub(super) fn c_number(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => u32::from_str_radix(octal, 8).ok(),
        None => text.parse().ok(),
    }
}

/// An octal number, with or without a leading zero.
pub(super) fn octal(text: &str) -> Option<u32> {
    let text = text.trim();
    let good = !text.is_empty() && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    good.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mask| *mask <= 0o777)
}

/// A time of systemd: `90`, `1min 30s`, `500ms`. `None` inside: `infinity`.
#[expect(clippy::option_option, reason = "not understood, without a limit, or so long")]
pub(super) fn time_span(text: &str) -> Option<Option<Duration>> {
    let text = text.trim();
    if text == "infinity" {
        return Some(None);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok()?;
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let seconds = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "us" | "usec" | "µs" => 1e-6,
            "ms" | "msec" => 1e-3,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail.trim_start();
    }
    Some(Some(total))
}

/// A size with the letters K, M, G, T of 1024. `None` inside: `infinity`.
#[expect(clippy::option_option, reason = "not understood, without a limit, or so much")]
pub(super) fn size(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if matches!(text, "infinity" | "unlimited") {
        return Some(None);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: u64 = number.parse().ok()?;
    let shift = match unit.trim().trim_end_matches(['B', 'b']).trim_end_matches('i') {
        "" => 0,
        "K" | "k" => 10,
        "M" | "m" => 20,
        "G" | "g" => 30,
        "T" | "t" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn masks_and_numbers() {
        assert_eq!(c_number("022"), Some(0o22));
        assert_eq!(c_number("18"), Some(18));
        assert_eq!(c_number("0x12"), Some(18));
        assert_eq!(c_number("0"), Some(0));
        assert_eq!(c_number("x"), None);
        assert_eq!(octal("0027"), Some(0o27));
        assert_eq!(octal("27"), Some(0o27));
        assert_eq!(octal("8"), None);
    }

    #[test]
    fn times_and_sizes() {
        for (text, ms) in
            [("90", 90_000), ("1min 30s", 90_000), ("500ms", 500), ("2h", 7_200_000), ("1.5s", 1_500)]
        {
            assert_eq!(time_span(text), Some(Some(Duration::from_millis(ms))), "{text}");
        }
        assert_eq!(time_span("infinity"), Some(None));
        for wrong in ["", "soon", "5 parsecs", "-1"] {
            assert_eq!(time_span(wrong), None, "{wrong}");
        }
        assert_eq!(size("64K"), Some(Some(65_536)));
        assert_eq!(size("8M"), Some(Some(8 << 20)));
        assert_eq!(size("infinity"), Some(None));
        assert_eq!(size("1X"), None);
    }
}
