//! Values as text for people.

use std::time::Duration;

use super::print::quote;
use super::value::Value;
use crate::units::{format_duration, format_size};

/// A value in the spelling of a literal, as far as there is one.
pub fn show(value: &Value) -> String {
    show_with(value, &|_| None)
}

/// The same, with the text that `own` has for values of named types.
pub(super) fn show_with(value: &Value, own: &dyn Fn(&Value) -> Option<String>) -> String {
    match value {
        Value::String(bytes) | Value::Path(bytes) => quote(bytes),
        Value::List(items) => {
            let shown: Vec<String> = items.iter().take(16).map(|item| show_with(item, own)).collect();
            let more = if items.len() > shown.len() { ", ..." } else { "" };
            format!("[{}{more}]", shown.join(", "))
        }
        Value::Object(object) => own(value).unwrap_or_else(|| object.to_string()),
        other => String::from_utf8_lossy(&plain(other)).into_owned(),
    }
}

/// The text that `${name}` puts in for a value.
pub(super) fn plain(value: &Value) -> Vec<u8> {
    match value {
        Value::String(bytes) | Value::Path(bytes) => bytes.to_vec(),
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Int(value) => value.to_string().into_bytes(),
        Value::Size(value) => signed(*value, format_size),
        Value::Duration(value) => signed(*value, |nanos| format_duration(Duration::from_nanos(nanos))),
        Value::Time(value) => time(*value).into_bytes(),
        Value::Ratio(value) => ratio(*value).into_bytes(),
        Value::Ip(address) => address.to_string().into_bytes(),
        Value::Cidr(address, length) => format!("{address}/{length}").into_bytes(),
        Value::List(_) => show(value).into_bytes(),
        Value::Enum(_, word) => word.as_bytes().to_vec(),
        Value::Object(object) => object.to_string().into_bytes(),
    }
}

fn signed(value: i64, form: impl Fn(u64) -> String) -> Vec<u8> {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", form(value.unsigned_abs())).into_bytes()
}

fn ratio(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, rest) = (millionths.unsigned_abs() / 10_000, millionths.unsigned_abs() % 10_000);
    if rest == 0 {
        return format!("{sign}{whole}%");
    }
    let decimals = format!("{rest:04}");
    format!("{sign}{whole}.{}%", decimals.trim_end_matches('0'))
}

/// RFC 3339 in UTC.
fn time(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000);
    let fraction = nanos.rem_euclid(1_000_000_000);
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let decimals = if fraction == 0 {
        String::new()
    } else {
        format!(".{}", format!("{fraction:09}").trim_end_matches('0'))
    };
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("@{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{decimals}Z")
}

/// Date of a day counted from 1970-01-01, by eras of 400 years that start in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_literals() {
        for (value, text) in [
            (Value::string("a\"b"), r#""a\"b""#),
            (Value::Ratio(805_000), "80.5%"),
            (Value::Ratio(-10_000), "-1%"),
            (Value::Time(1_767_323_045_000_000_000), "@2026-01-02T03:04:05Z"),
            (Value::Time(1_709_164_800_500_000_000), "@2024-02-29T00:00:00.5Z"),
            (Value::Size(65_536), "64KiB"),
            (Value::Duration(-90_000_000_000), "-1m30s"),
            (Value::list([Value::Int(1), Value::Int(2)]), "[1, 2]"),
        ] {
            assert_eq!(show(&value), text);
        }
    }
}
