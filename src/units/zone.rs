//! Time zones by their name. The table of them is part of the program: a document means the same on every host.

use std::fmt;
use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::WallTime;

/// A time zone: `Europe/Berlin`, `UTC`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// The moments that the clock on the wall shows a time at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Once.
    Once(WallTime),
    /// Never, since the clock is put forward over it; so late it would be if it went on as before.
    Skipped(WallTime),
    /// Twice, since the clock is put back behind it.
    Twice(WallTime, WallTime),
}

fn table() -> &'static TimeZoneDatabase {
    static TABLE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    TABLE.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// The zone of this name.
    ///
    /// # Errors
    /// There is none, with a name that may be meant.
    pub fn new(name: &str) -> Result<Self, Option<String>> {
        match table().get(name) {
            Ok(rules) if !name.is_empty() => {
                let name = rules.iana_name().unwrap_or(name).to_owned();
                Ok(Self { name, rules })
            }
            Ok(_) | Err(_) => Err(near(name)),
        }
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its clocks show at a moment; nothing beyond the year 9999.
    pub fn civil(&self, moment: WallTime) -> Option<DateTime> {
        Some(self.rules.to_datetime(stamp(moment)?))
    }

    /// When its clocks show a time; nothing outside the years 1970 to 9999.
    pub fn shown(&self, time: DateTime) -> Option<Shown> {
        let at = |offset: jiff::tz::Offset| {
            let seconds = offset.to_timestamp(time).ok()?.as_second();
            Some(WallTime(std::time::Duration::from_secs(u64::try_from(seconds).ok()?)))
        };
        match self.rules.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(Shown::Once(at(offset)?)),
            AmbiguousOffset::Gap { before, .. } => Some(Shown::Skipped(at(before)?)),
            AmbiguousOffset::Fold { before, after } => Some(Shown::Twice(at(before)?, at(after)?)),
        }
    }

    /// A moment as its clocks show it, to the second: `2026-11-26 03:30:00 CET`.
    pub fn show(&self, moment: WallTime) -> String {
        match stamp(moment) {
            Some(stamp) => {
                let zoned = stamp.to_zoned(self.rules.clone());
                zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
            }
            None => format!("{} s after 1970", moment.0.as_secs()),
        }
    }
}

/// The moment in the terms of the library that knows the zones.
fn stamp(moment: WallTime) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::try_from(moment.0).ok()?).ok()
}

/// `berlin` and `europe/berlim` mean `Europe/Berlin`.
fn near(name: &str) -> Option<String> {
    let names: Vec<String> = table().available().map(|known| known.to_string()).collect();
    let wanted = name.trim().to_ascii_lowercase().replace(' ', "_");
    if wanted.len() < 3 {
        return None;
    }
    let city = |known: &&String| known.rsplit('/').next().is_some_and(|c| c.eq_ignore_ascii_case(&wanted));
    names
        .iter()
        .find(city)
        .or_else(|| {
            let close = |known: &String| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &wanted);
            names.iter().filter(|known| close(known) <= 2).min_by_key(|known| close(known))
        })
        .cloned()
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        Self::new(&name).map_err(|_| format!("`{name}` is no time zone"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn zones_are_known_by_name_and_near_names_are_told() {
        assert_eq!(Zone::new("Europe/Berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(Zone::new("europe/berlin").unwrap().name(), "Europe/Berlin");
        for (wrong, near) in [
            ("Berlin", Some("Europe/Berlin")),
            ("new york", Some("America/New_York")),
            ("Europe/Berlim", Some("Europe/Berlin")),
            ("Middle-earth/Shire", None),
            ("", None),
        ] {
            assert_eq!(Zone::new(wrong).unwrap_err().as_deref(), near, "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_shown_as_the_clocks_of_the_zone_do() {
        let moment = WallTime(std::time::Duration::new(1_774_746_000, 0));
        assert_eq!(Zone::utc().show(moment), "2026-03-29 01:00:00 UTC");
        assert_eq!(Zone::new("Europe/Berlin").unwrap().show(moment), "2026-03-29 03:00:00 CEST");
    }
}
