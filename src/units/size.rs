//! Sizes in bytes: `512B`, `64KiB` (binary) and `10MB` (decimal) are kept apart; a bare `K` or `M` is refused.

use super::habits::{is_of_sizes, meant};

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads a size such as `512B`, `64KiB`, `1.5GiB` or `10MB` into bytes.
///
/// # Errors
/// A sentence that says what is wrong and how to mend it.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let number = number.replace('_', "");
    let wrong = || format!("`{text}` is not a size, write for example `512B`, `64KiB` or `10MB`");
    if number.is_empty() {
        return Err(wrong());
    }
    let scale = scale_of(text, &number, unit.trim())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let bytes = whole.checked_mul(scale).ok_or_else(|| format!("`{text}` is too large a size"))?;
    if !number.contains('.') {
        return Ok(bytes);
    }
    let exponent = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    if exponent == 0 || exponent > 9 {
        return Err(wrong());
    }
    let part: u64 = fraction.parse().map_err(|_| wrong())?;
    let extra = u128::from(part) * u128::from(scale) / 10u128.pow(exponent);
    u64::try_from(extra)
        .ok()
        .and_then(|extra| bytes.checked_add(extra))
        .ok_or_else(|| format!("`{text}` is too large a size"))
}

fn scale_of(text: &str, number: &str, unit: &str) -> Result<u64, String> {
    if unit == "KB" {
        return Ok(1_000);
    }
    if let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*scale);
    }
    let letter = unit.chars().next().map(|c| c.to_ascii_uppercase());
    match (letter, unit.len()) {
        (None, _) => Err(format!("`{text}` has no unit, write for example `{number}MiB` or `{number}B`")),
        (Some(letter @ ('K' | 'M' | 'G' | 'T')), 1) => Err(format!(
            "`{text}` can mean two sizes, write `{number}{letter}iB` (binary) or `{number}{letter}B` (decimal)"
        )),
        _ => Err(match meant(number, unit).filter(|meant| is_of_sizes(meant)) {
            Some(meant) => format!("`{text}` is not a size, write {meant}"),
            None => format!("`{text}` is not a size, write for example `512B`, `64KiB` or `10MB`"),
        }),
    }
}

/// Writes a size in bytes with the largest binary unit that divides it, else with one decimal below the next unit.
pub fn format_size(bytes: u64) -> String {
    let binary = UNITS.iter().take(4).chain(UNITS.last());
    for (unit, scale) in binary.clone() {
        if bytes >= *scale && bytes.is_multiple_of(*scale) {
            return format!("{}{unit}", bytes / scale);
        }
        if bytes >= *scale {
            let tenths = u128::from(bytes) * 10 / u128::from(*scale);
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("512B", 512), ("64KiB", 65_536), ("1.5GiB", 1_610_612_736), ("10MB", 10_000_000), ("0B", 0)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "5", "5K", "5M", "5x", "MiB", "1.MiB", "99999999TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert!(parse_size("5M").is_err_and(|m| m.contains("5MiB")));
    }

    #[test]
    fn sizes_are_written() {
        assert_eq!(format_size(65_536), "64KiB");
        assert_eq!(format_size(1_610_612_736), "1.5GiB");
        assert_eq!(format_size(0), "0B");
        assert_eq!(format_size(700), "700B");
    }
}
