//! Numbers and what starts with a digit: integers, sizes, durations, percentages, addresses, times.

#![allow(
    clippy::unnecessary_box_returns,
    reason = "all results here hold the diagnostic boxed, being small without it"
)]

use std::net::IpAddr;

use crate::diagnostic::{Code, Diagnostic};
use crate::lang::ast::Literal;
use crate::lang::codes;
use crate::units::{parse_duration, parse_size};

/// A mistake that has no place yet.
pub(super) fn wrong(code: Code, message: impl Into<String>, help: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message).help(help))
}

/// Reads an integer, size, duration or percentage.
pub(super) fn number(text: &str) -> Result<Literal, Box<Diagnostic>> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if let Some(percent) = digits.strip_suffix('%') {
        return ratio(text, percent, negative);
    }
    let based = digits.get(..2).is_some_and(|start| matches!(start, "0x" | "0o" | "0b"));
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if based || plain {
        return integer(text, digits, negative);
    }
    if negative {
        return Err(wrong(
            codes::NUMBER,
            format!("`{text}` is below zero"),
            format!("a size or duration is not negative, subtract: `x - {digits}`"),
        ));
    }
    quantity(text)
}

fn integer(text: &str, digits: &str, negative: bool) -> Result<Literal, Box<Diagnostic>> {
    let clean = digits.replace('_', "");
    let (radix, body) = match clean.get(..2) {
        Some("0x") => (16, clean.get(2..).unwrap_or_default()),
        Some("0o") => (8, clean.get(2..).unwrap_or_default()),
        Some("0b") => (2, clean.get(2..).unwrap_or_default()),
        _ => (10, clean.as_str()),
    };
    let octal_habit = radix == 10 && body.len() > 1 && body.starts_with('0');
    if octal_habit && body.bytes().all(|b| (b'0'..b'8').contains(&b)) {
        let octal = body.trim_start_matches('0');
        return Err(wrong(
            codes::NUMBER,
            format!("`{text}` starts with a zero"),
            format!("write `0o{octal}` for octal, `{octal}` for decimal"),
        ));
    }
    let value = i128::from_str_radix(body, radix)
        .map_err(|_| wrong(codes::NUMBER, format!("`{text}` is not a number"), "write for example `80`"))?;
    let value = if negative { -value } else { value };
    i64::try_from(value).map(|value| Literal::Int(value, text.to_owned())).map_err(|_| {
        wrong(
            codes::OVERFLOW,
            format!("`{text}` does not fit into 64 bits"),
            format!("write at most `{}`", i64::MAX),
        )
    })
}

fn ratio(text: &str, percent: &str, negative: bool) -> Result<Literal, Box<Diagnostic>> {
    let bad = || wrong(codes::NUMBER, format!("`{text}` is not a percentage"), "write for example `80%`");
    let clean = percent.replace('_', "");
    let (whole, fraction) = clean.split_once('.').unwrap_or((&clean, ""));
    if fraction.len() > 4 {
        return Err(wrong(
            codes::NUMBER,
            format!("`{text}` has more than four decimals"),
            "write for example `0.5%`",
        ));
    }
    let whole: i64 = whole.parse().map_err(|_| bad())?;
    let decimals: i64 = format!("{fraction:0<4}").parse().map_err(|_| bad())?;
    let millionths = whole.checked_mul(10_000).and_then(|value| value.checked_add(decimals));
    let value = millionths.ok_or_else(bad)?;
    Ok(Literal::Ratio(if negative { -value } else { value }, text.to_owned()))
}

fn quantity(text: &str) -> Result<Literal, Box<Diagnostic>> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.'));
    let sizes = ["B", "k", "K", "M", "G", "T"];
    if sizes.iter().any(|letter| unit.starts_with(letter)) {
        let bytes = parse_size(text).map_err(|message| split(codes::NUMBER, &message))?;
        return fits(bytes, text).map(|bytes| Literal::Size(bytes, text.to_owned()));
    }
    if unit.is_empty() {
        return Err(wrong(
            codes::NUMBER,
            format!("`{text}` has a fraction but no unit"),
            format!("write for example `{text}s`, `{text}GiB` or `{text}%`"),
        ));
    }
    let time = parse_duration(text).map_err(|message| split(codes::NUMBER, &message))?;
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    fits(nanos, text).map(|nanos| Literal::Duration(nanos, text.to_owned()))
}

fn fits(value: u64, text: &str) -> Result<i64, Box<Diagnostic>> {
    i64::try_from(value).map_err(|_| {
        wrong(codes::OVERFLOW, format!("`{text}` does not fit into 64 bits"), "write a smaller value")
    })
}

/// The sentences of `units` say the mend after a comma; here it goes into the help.
fn split(code: Code, sentence: &str) -> Box<Diagnostic> {
    match sentence.split_once(", write ") {
        Some((message, mend)) => wrong(code, message, format!("write {mend}")),
        None => wrong(code, sentence, "write a smaller value"),
    }
}

/// Reads an address or a network.
pub(super) fn address(text: &str) -> Result<Literal, Box<Diagnostic>> {
    let bad = |help: &str| wrong(codes::ADDRESS_OR_TIME, format!("`{text}` is not an address"), help);
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| bad("write for example `10.0.0.0/8` or `::1`"))?;
    let Some(length) = length else { return Ok(Literal::Ip(address)) };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match length.parse::<u8>() {
        Ok(length) if length <= most => Ok(Literal::Cidr(address, length)),
        _ => Err(bad(&format!("the prefix length is at most {most}"))),
    }
}

/// Reads `@2026-01-02T03:04:05Z`: RFC 3339, with seconds, a fraction if need be, and a zone.
pub(super) fn time(text: &str) -> Result<Literal, Box<Diagnostic>> {
    let nanos = text.strip_prefix('@').and_then(moment).ok_or_else(|| {
        wrong(
            codes::ADDRESS_OR_TIME,
            format!("`{text}` is not a time"),
            "write it with seconds and zone, for example `@2026-01-02T03:04:05Z`",
        )
    })?;
    Ok(Literal::Time(nanos, text.to_owned()))
}

fn moment(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once('T')?;
    let mut date = date.split('-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if date.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > month_length(year, month) {
        return None;
    }
    let zone_at = clock.find(['Z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone_at)?;
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = seconds.split(':').map(digits);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || fraction.len() > 9 {
        return None;
    }
    let fraction = digits(&format!("{fraction:0<9}"))?;
    let total = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(zone)?;
    total.checked_mul(1_000_000_000)?.checked_add(fraction)
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, years starting in March so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_zone_and_fraction() {
        for (text, nanos) in [
            ("@1970-01-01T00:00:00Z", Some(0)),
            ("@2026-01-02T03:04:05Z", Some(1_767_323_045_000_000_000)),
            ("@2026-01-02T04:04:05+01:00", Some(1_767_323_045_000_000_000)),
            ("@2024-02-29T00:00:00.5Z", Some(1_709_164_800_500_000_000)),
            ("@2023-02-29T00:00:00Z", None),
            ("@2026-01-02", None),
            ("@2026-01-02T03:04Z", None),
            ("@9999-01-01T00:00:00Z", None),
        ] {
            let read = time(text).ok().and_then(|literal| match literal {
                Literal::Time(nanos, _) => Some(nanos),
                _ => None,
            });
            assert_eq!(read, nanos, "{text}");
        }
    }
}
