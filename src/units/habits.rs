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
    let (letter, is_binary) = letter_of_size(&unit)?;
    if is_binary {
        return Some(format!("`{number}{letter}iB`"));
    }
    Some(format!("`{number}{letter}iB` (binary) or `{number}{letter}B` (decimal)"))
}

/// `K`, `M`, `G` or `T` of a unit of sizes, and whether it can only be a power of two.
fn letter_of_size(unit: &str) -> Option<(char, bool)> {
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    let names = |letter: &str, decimal: &str, binary: &str| match singular.strip_prefix(letter)? {
        "" | "b" | "ib" => Some(false),
        rest if rest == decimal || rest.strip_suffix("byte") == Some(decimal) => Some(false),
        rest => (rest.strip_suffix("byte") == Some(binary)).then_some(true),
    };
    [("k", "ilo", "ibi"), ("m", "ega", "ebi"), ("g", "iga", "ibi"), ("t", "era", "ebi")]
        .into_iter()
        .chain([("m", "eg", "ebi"), ("g", "ig", "ibi")])
        .find_map(|(letter, decimal, binary)| Some((letter, names(letter, decimal, binary)?)))
        .and_then(|(letter, is_binary)| Some((letter.chars().next()?.to_ascii_uppercase(), is_binary)))
}

/// The time that several numbers with their units make, in ours: `1h30m` for `1 hour 30 minutes`. None where a part of it isn't one.
pub(super) fn meant_time(text: &str) -> Option<String> {
    let mut time = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, tail) = split_at_first(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, tail) = split_at_first(tail.trim_start(), |c| !c.is_alphabetic());
        let part = meant(number, unit).filter(|part| !is_of_sizes(part) && !part.contains('%'))?;
        time.push_str(part.trim_matches('`'));
        rest = tail.trim_start().trim_start_matches(',').trim_start();
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    Some(time).filter(|time| !time.is_empty())
}

fn split_at_first(text: &str, is_next: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_next).unwrap_or(text.len()))
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
            ("5", "megabytes", Some("`5MiB` (binary) or `5MB` (decimal)")),
            ("5", "gigs", Some("`5GiB` (binary) or `5GB` (decimal)")),
            ("5", "mebibytes", Some("`5MiB`")),
            ("5", "megalith", None),
            ("5", "mo", None),
            ("", "min", None),
        ] {
            assert_eq!(meant(number, unit).as_deref(), ours, "{number}{unit}");
        }
    }
}
