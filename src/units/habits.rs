//! Units as people write them elsewhere, and how they are written here.

/// Durations and plain sizes: one way to write each.
const PLAIN: [(&str, &str); 26] = [
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("s", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("m", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("h", "h"),
    ("day", "d"),
    ("days", "d"),
    ("d", "d"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("ms", "ms"),
    ("b", "B"),
    ("byte", "B"),
    ("bytes", "B"),
    ("percent", "%"),
    ("%", "%"),
];

/// Ours, where they only stand apart from their number.
const OWN: [&str; 8] = ["KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB"];

/// What a number with a unit of another spelling is to be written as: `` `5m` `` for `5min`, both meanings where there are two.
pub fn meant(number: &str, unit: &str) -> Option<String> {
    if number.is_empty() {
        return None;
    }
    if OWN.contains(&unit) {
        return Some(format!("`{number}{unit}`"));
    }
    let unit = unit.to_ascii_lowercase();
    if let Some((_, ours)) = PLAIN.iter().find(|(name, _)| *name == unit) {
        return Some(format!("`{number}{ours}`"));
    }
    if let "w" | "week" | "weeks" = unit.as_str() {
        let weeks: u32 = number.parse().ok()?;
        return Some(format!("`{}d`", weeks.checked_mul(7)?));
    }
    let letter = ["k", "m", "g", "t"]
        .into_iter()
        .find(|letter| unit.strip_prefix(letter).is_some_and(|rest| matches!(rest, "" | "b" | "ib")))?;
    let letter = letter.to_ascii_uppercase();
    Some(format!("`{number}{letter}iB` (binary) or `{number}{letter}B` (decimal)"))
}

/// Whether such a unit is one of sizes.
pub(super) fn is_of_sizes(meant: &str) -> bool {
    meant.contains("B`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_others_have_one_of_ours() {
        for (number, unit, ours) in [
            ("5", "min", Some("`5m`")),
            ("1", "H", Some("`1h`")),
            ("2", "w", Some("`14d`")),
            ("100", "mb", Some("`100MiB` (binary) or `100MB` (decimal)")),
            ("1", "g", Some("`1GiB` (binary) or `1GB` (decimal)")),
            ("7", "bytes", Some("`7B`")),
            ("100", "MiB", Some("`100MiB`")),
            ("5", "mo", None),
            ("", "min", None),
        ] {
            assert_eq!(meant(number, unit).as_deref(), ours, "{number}{unit}");
        }
    }
}
