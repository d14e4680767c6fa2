//! `count` and `for`: a number or a range, a time or so many of the last looks.

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::spec::codes;
use crate::spec::decode::{Decoder, Value};
use crate::spec::policy::{CountRange, Lasting};
use crate::units::parse_duration;

/// More processes than a kernel has.
const COUNT_MAX: u32 = 4_194_304;
/// Looks that are remembered.
const LOOKS_MAX: u32 = 64;

/// A number, or a range as the language writes it: `..3` is without its end, `..=3` with it.
pub(super) fn count(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<CountRange> {
    let text = value.scalar("a number or a range", d)?.text.trim();
    match range(text) {
        Ok(range) => Some(range),
        Err(Wrong::Form) => {
            let message = format!("`{}` is a number or a range, not `{text}`", value.path());
            let help = "write for example `1`, `..3` (at most 2), `..=3`, `2..` or `1..=3`";
            d.say(value.wrong(codes::INVALID_VALUE, message).help(help));
            None
        }
        Err(Wrong::Empty) => {
            let message = format!("`{}` has no number in `{text}`", value.path());
            d.say(
                value
                    .wrong(codes::INVALID_VALUE, message)
                    .help("a range ends before its last number: write `..=`"),
            );
            None
        }
        Err(Wrong::All) => {
            let message = format!("`{}` allows any number by `{text}`", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("leave it out, or give it a bound"));
            None
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Form,
    Empty,
    All,
}

fn range(text: &str) -> Result<CountRange, Wrong> {
    let Some((low, high)) = text.split_once("..") else {
        let exactly = number(text)?;
        return Ok(CountRange { least: exactly, most: Some(exactly) });
    };
    let least = if low.is_empty() { 0 } else { number(low)? };
    let most = match (high, high.strip_prefix('=')) {
        ("", _) => None,
        (_, Some(end)) => Some(number(end)?),
        (end, None) => Some(number(end)?.checked_sub(1).ok_or(Wrong::Empty)?),
    };
    match most {
        Some(most) if most < least => Err(Wrong::Empty),
        None if least == 0 => Err(Wrong::All),
        Some(_) | None => Ok(CountRange { least, most }),
    }
}

fn number(text: &str) -> Result<u32, Wrong> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= COUNT_MAX);
    number.ok_or(Wrong::Form)
}

/// `30s`, or `3 of 5`.
pub(super) fn lasting(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Lasting> {
    let text = value.scalar("a time, or so many looks", d)?.text.trim();
    match looks(text) {
        Some((so, of)) if so > 0 && so <= of && of <= LOOKS_MAX => Some(Lasting::Looks { so, of }),
        Some((so, of)) => {
            let message =
                format!("`{}` is 1 to {LOOKS_MAX} looks of as many or more, not {so} of {of}", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `3 of 5`"));
            None
        }
        None => time(value, text, d),
    }
}

fn looks(text: &str) -> Option<(u32, u32)> {
    let (so, of) = text.split_once(" of ")?;
    Some((so.trim().parse().ok()?, of.trim().parse().ok()?))
}

fn time(value: &Value<'_>, text: &str, d: &mut Decoder<'_>) -> Option<Lasting> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Some(Lasting::Seen),
        Ok(time) => Some(Lasting::Time(time)),
        Err(message) => {
            let said = Diagnostic::error(codes::INVALID_VALUE, message).at(value.node.span, "");
            d.say(said.help("write a time such as `30s`, or so many of the last looks: `3 of 5`"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_as_ranges_of_the_language() {
        let fine = |least, most| Ok(CountRange { least, most });
        for (text, expected) in [
            ("0", fine(0, Some(0))),
            ("1", fine(1, Some(1))),
            ("..3", fine(0, Some(2))),
            ("..=3", fine(0, Some(3))),
            ("2..", fine(2, None)),
            ("1..=3", fine(1, Some(3))),
            ("1..3", fine(1, Some(2))),
            ("..1", fine(0, Some(0))),
            ("", Err(Wrong::Form)),
            ("-1", Err(Wrong::Form)),
            ("+1", Err(Wrong::Form)),
            ("a", Err(Wrong::Form)),
            ("1...3", Err(Wrong::Form)),
            ("..=", Err(Wrong::Form)),
            ("4194305", Err(Wrong::Form)),
            ("..0", Err(Wrong::Empty)),
            ("3..3", Err(Wrong::Empty)),
            ("3..=2", Err(Wrong::Empty)),
            ("..", Err(Wrong::All)),
            ("0..", Err(Wrong::All)),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }

    #[test]
    fn so_many_of_the_last_looks() {
        for (text, expected) in
            [("3 of 5", Some((3, 5))), ("3of5", None), ("30s", None), ("a of b", None), ("-1 of 2", None)]
        {
            assert_eq!(looks(text), expected, "{text}");
        }
    }
}
