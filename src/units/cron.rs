//! The five fields of cron: when something is due, by the clock on the wall.
//!
//! What happens when that clock is put forward or back follows from the field of the hour, as people expect it: with a
//! `*` there the task means real time (each hour has its moments, a repeated one twice, a skipped one none), with a number
//! it means that time of day, once a day: in a skipped hour so much later, in a repeated one the first time.

use std::fmt;
use std::ops::Range;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::WallTime;
use super::zone::{Shown, Zone};

/// Nothing is due less often than on a 29th of February that is a given day of the week.
const YEARS: i32 = 41;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Names for common times.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// One of the five fields: its name, and its least and largest number.
struct Part {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const PARTS: [Part; 5] = [
    Part { name: "minute", least: 0, most: 59, words: &[] },
    Part { name: "hour", least: 0, most: 23, words: &[] },
    Part { name: "day of the month", least: 1, most: 31, words: &[] },
    Part { name: "month", least: 1, most: 12, words: &MONTHS },
    Part { name: "day of the week", least: 0, most: 7, words: &WEEKDAYS },
];

/// Numbers as bits, and whether the field begins with `*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Set {
    bits: u64,
    star: bool,
}

impl Set {
    fn has(self, number: i8) -> bool {
        u32::try_from(number).is_ok_and(|number| self.bits.checked_shr(number).unwrap_or(0) & 1 == 1)
    }

    fn numbers(self) -> impl Iterator<Item = i8> {
        (0..60).filter(move |number| self.has(*number))
    }
}

/// Times by minute, hour, day of the month, month and day of the week.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
}

/// What is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronError {
    /// Where in the text, in bytes.
    pub at: Range<usize>,
    /// A sentence.
    pub message: String,
    /// What to write.
    pub help: String,
}

impl Cron {
    /// Reads five fields, or a name such as `@daily`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let trimmed = text.trim();
        if trimmed.starts_with('@') {
            let known = NICKNAMES.iter().find(|(name, _)| *name == trimmed);
            let (_, fields) = known.ok_or_else(|| no_nickname(text, trimmed))?;
            return Ok(Self { text: trimmed.to_owned(), ..Self::parse(fields)? });
        }
        let words = words(text);
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(CronError {
                at: 0..text.len(),
                message: format!("cron has five fields, here stand {}", words.len()),
                help: "minute, hour, day of the month, month, day of the week: `30 3 * * *`".into(),
            });
        };
        let [m, h, d, mo, w] = &PARTS;
        let mut weekdays = field(w, weekday)?;
        // Sunday has two numbers.
        weekdays.bits |= (weekdays.bits >> 7) & 1;
        let cron = Self {
            text: words.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(" "),
            minutes: field(m, minute)?,
            hours: field(h, hour)?,
            days: field(d, day)?,
            months: field(mo, month)?,
            weekdays,
        };
        if cron.next_after(WallTime::default(), &Zone::utc()).is_none() {
            return Err(CronError {
                at: day.0..month.0 + month.1.len(),
                message: "there is no such day in any year".into(),
                help: "change the day of the month or the month".into(),
            });
        }
        Ok(cron)
    }

    /// As written, with one space between fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment that is due after another.
    pub fn next_after(&self, after: WallTime, zone: &Zone) -> Option<WallTime> {
        let from = zone.civil(after)?.date();
        let mut date = from.yesterday().unwrap_or(from);
        let last = from.year().saturating_add(i16::try_from(YEARS).unwrap_or(i16::MAX));
        while date.year() <= last {
            if let Some(found) = self.first_of(date, after, zone) {
                // What was put off over the end of its day may come after the first moment of the next one.
                let other = date.tomorrow().ok().and_then(|next| self.first_of(next, after, zone));
                return Some(other.map_or(found, |other| found.min(other)));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The last moment that is due after `after` and not later than `until`.
    pub fn last_until(&self, after: WallTime, until: WallTime, zone: &Zone) -> Option<WallTime> {
        let first = zone.civil(after)?.date();
        let first = first.yesterday().unwrap_or(first);
        let mut date = zone.civil(until)?.date();
        while date >= first {
            let within = |moment: &WallTime| *moment > after && *moment <= until;
            let of = |date: Date| self.moments(date, zone).into_iter().filter(within).max();
            if let Some(found) = of(date) {
                let before = date.yesterday().ok().and_then(of);
                return Some(before.map_or(found, |before| found.max(before)));
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    fn first_of(&self, date: Date, after: WallTime, zone: &Zone) -> Option<WallTime> {
        self.moments(date, zone).into_iter().filter(|moment| *moment > after).min()
    }

    /// Vixie's rule: where both days are given, one of them has to fit.
    fn is_on(&self, date: Date) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let fits = if self.days.star || self.weekdays.star { day && weekday } else { day || weekday };
        fits && self.months.has(date.month())
    }

    /// All moments that belong to a day, in no order.
    fn moments(&self, date: Date, zone: &Zone) -> Vec<WallTime> {
        if !self.is_on(date) {
            return Vec::new();
        }
        let mut moments = Vec::new();
        for hour in self.hours.numbers() {
            for minute in self.minutes.numbers() {
                let Some(shown) = zone.shown(DateTime::from_parts(date, civil_time(hour, minute))) else {
                    continue;
                };
                match shown {
                    Shown::Once(moment) => moments.push(moment),
                    Shown::Twice(first, second) => {
                        moments.push(first);
                        moments.extend(self.hours.star.then_some(second));
                    }
                    Shown::Skipped(later) => moments.extend((!self.hours.star).then_some(later)),
                }
            }
        }
        moments
    }
}

fn civil_time(hour: i8, minute: i8) -> jiff::civil::Time {
    jiff::civil::Time::new(hour, minute, 0, 0).unwrap_or_else(|_| jiff::civil::Time::midnight())
}

/// The words of a text, each with its place.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let pieces = text.split([' ', '\t', '\n']).map(|word| {
        let here = at;
        at += word.len() + 1;
        (here, word)
    });
    pieces.filter(|(_, word)| !word.is_empty()).collect()
}

fn no_nickname(text: &str, name: &str) -> CronError {
    let names: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
    let near = names.iter().find(|known| strsim::damerau_levenshtein(known, name) <= 2);
    let help = match (name, near) {
        ("@reboot", _) => {
            "`schedule: {every: ...}` begins with the boot; `run: once` runs once ever".to_owned()
        }
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => format!("known are {}", names.join(", ")),
    };
    CronError { at: 0..text.len(), message: format!("there is no time called `{name}`"), help }
}

/// A list of numbers, ranges and steps.
fn field(part: &Part, (at, text): &(usize, &str)) -> Result<Set, CronError> {
    let mut set = Set { bits: 0, star: text.starts_with('*') };
    let mut here = *at;
    for item in text.split(',') {
        for number in numbers(part, item, here)? {
            set.bits |= 1_u64.checked_shl(number).unwrap_or(0);
        }
        here += item.len() + 1;
    }
    Ok(set)
}

/// `*`, `5`, `1-5`, each with `/2` or without.
fn numbers(part: &Part, item: &str, at: usize) -> Result<impl Iterator<Item = u32> + use<>, CronError> {
    let wrong = |message: String| CronError {
        at: at..at + item.len(),
        message,
        help: format!(
            "the {} is a number from {} to {}, a range such as `{}-{}`, a list of these, or `*`",
            part.name,
            part.least,
            part.most,
            part.least,
            part.least + 3
        ),
    };
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => {
            let number = step.parse().ok().filter(|step| (1..=part.most).contains(step));
            (range, number.ok_or_else(|| wrong(format!("`{step}` is no step for the {}", part.name)))?)
        }
        None => (item, 1_u32),
    };
    let one = |word: &str| number(part, word).ok_or_else(|| wrong(format!("`{word}` is no {}", part.name)));
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (part.least, part.most),
        Some((from, to)) => (one(from)?, one(to)?),
        None if item.contains('/') => (one(range)?, part.most),
        None => (one(range)?, one(range)?),
    };
    if from > to {
        return Err(wrong(format!("the range `{range}` ends before it begins")));
    }
    Ok((from..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)))
}

fn number(part: &Part, word: &str) -> Option<u32> {
    if word.is_empty() || word.len() > 3 {
        return None;
    }
    let named = part.words.iter().position(|known| known.eq_ignore_ascii_case(word));
    if let Some(place) = named.and_then(|place| u32::try_from(place).ok()) {
        return Some(place + part.least);
    }
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| digits && (part.least..=part.most).contains(number))
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|error| error.message)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

#[cfg(test)]
mod tests;
