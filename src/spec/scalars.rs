//! The types of single values, each with its own complaint.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::units::{Signal, parse_duration};
use crate::yaml::Style;

use super::decode::{Decoder, Value};
use super::table::Words;
use super::{Account, codes, placeholders};

impl Value<'_> {
    /// Any single value as it is written: `80` is the text "80".
    pub(super) fn text(&self, d: &mut Decoder<'_>) -> Option<String> {
        self.text_as("a text", d)
    }

    /// The same where the field calls it something else.
    pub(super) fn text_as(&self, expected: &str, d: &mut Decoder<'_>) -> Option<String> {
        let scalar = self.scalar(expected, d)?;
        if let Some(at) = scalar.text.find('\0') {
            let span = scalar.source_span(Span::new(at, at + 1));
            let message = format!("`{}` has a NUL, which ends a text for the kernel", self.path());
            d.say(Diagnostic::error(codes::INVALID_VALUE, message).at(span, "").help("leave it out"));
            return None;
        }
        Some(scalar.text.to_string())
    }

    /// A text in which `${...}` is replaced; the directory of the file is put in already.
    pub(super) fn template(&self, d: &mut Decoder<'_>) -> Option<String> {
        let text = self.text(d)?;
        let scalar = self.node.scalar()?;
        let complaints = placeholders::check(&text);
        let good = complaints.is_empty();
        for complaint in complaints {
            d.say(complaint.map_spans(|span| scalar.source_span(span)));
        }
        if !good || !placeholders::mentions(&text, "specDir") {
            return good.then_some(text);
        }
        let directory = self.directory(d)?;
        Some(placeholders::substitute_some(&text, |name| (name == "specDir").then(|| directory.to_owned())))
    }

    /// The directory of the file, for a value that depends on it.
    pub(super) fn directory<'d>(&self, d: &mut Decoder<'d>) -> Option<&'d str> {
        if d.directory.is_none() {
            let message =
                format!("`{}` depends on the directory of this file, whose name is not UTF-8", self.path());
            d.say(
                self.wrong(codes::INVALID_VALUE, message)
                    .help("write an absolute path, or rename the directory"),
            );
        }
        d.directory
    }

    /// `true` or `false`, not quoted.
    pub(super) fn bool(&self, d: &mut Decoder<'_>) -> Option<bool> {
        let scalar = self.scalar("`true` or `false`", d)?;
        let meant = match scalar.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "0" => Some(false),
            _ => None,
        };
        match (scalar.style, scalar.text.as_str()) {
            (Style::Plain, "true") => return Some(true),
            (Style::Plain, "false") => return Some(false),
            _ => {}
        }
        let message = format!("`{}` is `true` or `false`, not `{}`", self.path(), scalar.text);
        d.say(self.wrong(codes::WRONG_TYPE, message).help(match meant {
            Some(meant) => format!("write `{meant}`"),
            None => "write `true` or `false`".into(),
        }));
        None
    }

    /// A whole number in a range.
    pub(super) fn integer<T: TryFrom<i64>>(&self, least: i64, most: i64, d: &mut Decoder<'_>) -> Option<T> {
        let scalar = self.scalar("a whole number", d)?;
        let text = &scalar.text;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let decimal = !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        if !decimal {
            let message = format!("`{}` is a whole number, not `{text}`", self.path());
            d.say(
                self.wrong(codes::WRONG_TYPE, message).help(format!("write a number from {least} to {most}")),
            );
            return None;
        }
        let number = text.parse::<i64>().ok().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            let message = format!("`{}` is a number from {least} to {most}, not `{text}`", self.path());
            d.say(self.wrong(codes::INVALID_VALUE, message));
        }
        number
    }

    /// A time.
    pub(super) fn duration(&self, d: &mut Decoder<'_>) -> Option<Duration> {
        let scalar = self.scalar("a duration", d)?;
        match parse_duration(&scalar.text) {
            Ok(duration) => Some(duration),
            Err(message) => {
                d.say(self.wrong(codes::INVALID_VALUE, message));
                None
            }
        }
    }

    /// A time above zero.
    pub(super) fn positive_duration(&self, d: &mut Decoder<'_>) -> Option<Duration> {
        let duration = self.duration(d)?;
        if duration.is_zero() {
            d.say(self.wrong(codes::INVALID_VALUE, format!("`{}` must be longer than 0s", self.path())));
            return None;
        }
        Some(duration)
    }

    /// A signal by name.
    pub(super) fn signal(&self, d: &mut Decoder<'_>) -> Option<Signal> {
        let scalar = self.scalar("a signal", d)?;
        match Signal::parse(&scalar.text) {
            Ok(signal) => Some(signal),
            Err(message) => {
                d.say(self.wrong(codes::INVALID_VALUE, message));
                None
            }
        }
    }

    /// A fraction in thousandths: `0.1` or `10%`.
    pub(super) fn fraction(&self, d: &mut Decoder<'_>) -> Option<u32> {
        let scalar = self.scalar("a fraction", d)?;
        let thousandths = fraction(&scalar.text);
        if thousandths.is_none() {
            let message = format!("`{}` is a fraction from 0 to 1, not `{}`", self.path(), scalar.text);
            d.say(self.wrong(codes::INVALID_VALUE, message).help("write for example `0.1` or `10%`"));
        }
        thousandths
    }

    /// Octal permission bits: `0022`, `"0022"` or `0o022`; `22` could mean either and is refused.
    pub(super) fn mode(&self, d: &mut Decoder<'_>) -> Option<u32> {
        let scalar = self.scalar("an octal number", d)?;
        let text = scalar.text.as_str();
        let digits = text
            .strip_prefix("0o")
            .or_else(|| text.strip_prefix('0').map(|rest| if rest.is_empty() { "0" } else { rest }));
        let mode = digits
            .and_then(|digits| u32::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with('+')));
        let mode = mode.filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            let octal =
                u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && !text.starts_with('+'));
            let message =
                format!("`{}` has octal permission bits from 0000 to 0777, not `{text}`", self.path());
            d.say(self.wrong(codes::INVALID_VALUE, message).help(match octal {
                Some(octal) => format!("write `{octal:04o}`"),
                None => "write for example `0022`".into(),
            }));
        }
        mode
    }

    /// A user or group.
    pub(super) fn account(&self, d: &mut Decoder<'_>) -> Option<Account> {
        let scalar = self.scalar("a name or a number", d)?;
        let text = scalar.text.as_str();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // The highest number means "leave it" to the kernel, so it would run as the engine's user.
            let octal = text.len() > 1 && text.starts_with('0');
            let id = text.parse::<u32>().ok().filter(|id| *id != u32::MAX && !octal);
            if id.is_none() {
                d.say(self.wrong(
                    codes::INVALID_VALUE,
                    format!("`{text}` is not a number that an account can have"),
                ));
            }
            return id.map(Account::Id);
        }
        let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/' | ',' | '$');
        if text.is_empty() || text.len() > 255 || text.starts_with('-') || text.contains(wrong) {
            let diagnostic =
                self.wrong(codes::INVALID_VALUE, format!("`{text}` is not the name of an account"));
            d.say(match text.split_once(':') {
                Some((user, group)) => diagnostic.help(format!("write `user: {user}` and `group: {group}`")),
                None => diagnostic.help("write a name such as `www-data`, or a number"),
            });
            return None;
        }
        Some(Account::Name(text.to_owned()))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &self,
        words: &Words,
        values: &[(&str, T)],
        d: &mut Decoder<'_>,
    ) -> Option<T> {
        // The words are put together for those who are told of them.
        let Some(scalar) = self.node.scalar() else {
            self.scalar(&choice(words), d);
            return None;
        };
        let text = scalar.text.as_str();
        if let Some((_, value)) = values.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let diagnostic = if words.later.contains(&text) {
            self.wrong(codes::LATER_WORD, format!("`{}: {text}` is not supported yet", self.path()))
                .help(format!("leave it out, or write {}", choice(words)))
        } else {
            let near = did_you_mean(text, words.now.iter().copied())
                .or_else(|| words.now.iter().copied().find(|word| word.eq_ignore_ascii_case(text)));
            let help = near
                .map_or_else(|| format!("write {}", choice(words)), |near| format!("did you mean `{near}`?"));
            self.wrong(codes::UNKNOWN_WORD, format!("`{}` can't be `{text}`", self.path())).help(help)
        };
        d.say(diagnostic);
        None
    }

    /// A text in which nothing is replaced, and that doesn't look as if.
    pub(super) fn verbatim(&self, d: &mut Decoder<'_>) -> Option<String> {
        let text = self.text(d)?;
        let Some(name) = placeholders::NAMES.into_iter().find(|name| placeholders::mentions(&text, name))
        else {
            return Some(text);
        };
        let message = format!("nothing is put in for `${{{name}}}` in `{}`", self.path());
        d.say(self.wrong(codes::PLACEHOLDER, message).help("write the value out"));
        None
    }

    /// A text that is not empty.
    pub(super) fn nonempty(&self, d: &mut Decoder<'_>) -> Option<String> {
        let text = self.verbatim(d)?;
        if text.is_empty() {
            self.empty(d);
            return None;
        }
        Some(text)
    }
}

/// `a`, `b` or `c`
fn choice(words: &Words) -> String {
    let quoted: Vec<String> = words.now.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A fraction from 0 to 1 in thousandths: `0.1` or `10%`.
pub fn fraction(text: &str) -> Option<u32> {
    thousandths(text).filter(|value| *value <= 1000)
}

pub(super) fn thousandths(text: &str) -> Option<u32> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent, 10),
        None => (text, 1000),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let parts = fraction.parse::<u32>().ok()? * scale / 10u32.pow(u32::try_from(fraction.len()).ok()?);
    Some(whole.parse::<u32>().ok()? * scale + parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_read_in_thousandths() {
        for (text, expected) in [
            ("0.1", Some(100)),
            ("10%", Some(100)),
            ("1", Some(1000)),
            ("0.125", Some(125)),
            ("2.5%", Some(25)),
            ("0", Some(0)),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
        for text in ["", "%", "-1", ".5", "0.", "1e1", "+1"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
