//! Whether something has been so for long enough, by looks of which some couldn't tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::facts::Fact;
use crate::spec::policy::Lasting;
use crate::units::{BootTime, format_duration};

/// The newest looks that count for `3 of 5`, and no more than so many.
const LOOKS_MAX: u32 = 64;

/// What was seen of one thing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Window {
    /// Since when it has been so in every look that could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<BootTime>,
    /// The last looks that could tell, the newest in the lowest bit.
    looks: u64,
    /// How many of these bits are looks.
    known: u32,
    /// It counted, and hasn't ended since.
    fired: bool,
    /// The last look that could tell.
    seen: Option<BootTime>,
    /// There was one since that couldn't.
    blind: bool,
    /// What follows from it waits until it may be done.
    #[serde(skip_serializing_if = "is_false")]
    owes: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Window {
    /// Takes a look in. True if the violation counts from this look on.
    pub fn note(&mut self, so: &Fact<bool>, lasting: Lasting, now: BootTime) -> bool {
        let so = match so {
            Fact::Known(so) => *so,
            Fact::Absent => false,
            Fact::Unknown(_) => {
                self.blind = true;
                return false;
            }
        };
        if std::mem::take(&mut self.blind)
            && let Some(seen) = self.seen
        {
            // Time in which nobody could tell is no time in which it was so.
            self.since = self.since.map(|since| since.after(now.since(seen)));
        }
        self.seen = Some(now);
        self.looks = self.looks << 1 | u64::from(so);
        self.known = (self.known + 1).min(LOOKS_MAX);
        self.since = so.then(|| self.since.unwrap_or(now));
        let counts = self.lasts(lasting, now);
        let begins = counts && !self.fired;
        self.fired = match lasting {
            // Between the two it stays what it was.
            Lasting::Looks { .. } if !counts => self.fired && self.among(lasting) > 0,
            Lasting::Seen | Lasting::Time(_) | Lasting::Looks { .. } => counts,
        };
        begins
    }

    /// Whether it counts as violated.
    pub fn counts(&self) -> bool {
        self.fired
    }

    /// Since when it was so, if it counts.
    pub fn counts_since(&self) -> Option<BootTime> {
        self.fired.then(|| self.since.or(self.seen)).flatten()
    }

    /// Whether something that follows from it waits.
    pub fn owes(&self) -> bool {
        self.owes && self.fired
    }

    /// Something that follows from it waits, or no longer does.
    pub fn owe(&mut self, owes: bool) {
        self.owes = owes && self.fired;
    }

    /// Nobody looked for a while.
    pub fn was_away(&mut self) {
        self.blind = self.seen.is_some();
    }

    /// Whether it says no more than that there is one.
    pub fn is_blank(&self) -> bool {
        self.since.is_none() && !self.fired && !self.owes && self.looks == 0
    }

    /// Whether the two lead to the same, whenever the last look was.
    pub fn says_the_same(&self, other: &Self, lasting: Lasting) -> bool {
        let looks = matches!(lasting, Lasting::Looks { .. });
        let looks = |window: &Self| looks.then_some((window.looks, window.known));
        (self.since, self.fired, self.owes) == (other.since, other.fired, other.owes)
            && looks(self) == looks(other)
    }

    fn lasts(&self, lasting: Lasting, now: BootTime) -> bool {
        match lasting {
            Lasting::Seen => self.since.is_some(),
            Lasting::Time(time) => self.since.is_some_and(|since| now.since(since) >= time),
            Lasting::Looks { so, .. } => self.among(lasting) >= so,
        }
    }

    /// In how many of the last looks it was so.
    fn among(&self, lasting: Lasting) -> u32 {
        let Lasting::Looks { of, .. } = lasting else { return u32::from(self.since.is_some()) };
        let of = of.min(self.known).min(LOOKS_MAX);
        let mask = 1u64.checked_shl(of).map_or(u64::MAX, |bit| bit - 1);
        (self.looks & mask).count_ones()
    }

    /// When a look would make it count.
    pub fn next(&self, lasting: Lasting) -> Option<BootTime> {
        let Lasting::Time(time) = lasting else { return None };
        self.since.filter(|_| !self.fired && !self.blind).map(|since| since.after(time))
    }

    /// How long it has been so, in words.
    pub fn so(&self, lasting: Lasting, now: BootTime) -> String {
        match lasting {
            Lasting::Seen => "is so".to_owned(),
            Lasting::Time(_) => {
                let time = self.since.map_or(Duration::ZERO, |since| now.since(since));
                format!("has been so for {}", format_duration(Duration::from_secs(time.as_secs())))
            }
            Lasting::Looks { of, .. } => format!("was so in {} of the last {of} looks", self.among(lasting)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Why;

    #[test]
    fn time_in_which_no_engine_ran_is_not_counted() {
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        let time = Lasting::Time(Duration::from_secs(30));
        let mut window = Window::default();
        assert!(
            !window.note(&Fact::Known(true), time, at(0)) && !window.note(&Fact::Known(true), time, at(20))
        );
        window.was_away();
        assert!(!window.note(&Fact::Known(true), time, at(100)), "20 s were seen");
        assert!(window.note(&Fact::Known(true), time, at(110)));
    }

    /// Looks ten seconds apart, `x` for so, `.` for not, `?` for nobody knows; `!` stands below those that begin to count.
    #[track_caller]
    fn course(lasting: Lasting, looks: &str, expected: &str) {
        let mut window = Window::default();
        let mut found = String::new();
        for (index, look) in looks.chars().enumerate() {
            let so = match look {
                'x' => Fact::Known(true),
                '.' => Fact::Known(false),
                _ => Fact::unknown(Why::Denied),
            };
            let now = BootTime(Duration::from_secs(10 * index as u64));
            found.push(if window.note(&so, lasting, now) { '!' } else { ' ' });
        }
        assert_eq!(found.trim_end(), expected, "{looks}");
    }

    #[test]
    fn what_is_seen_counts_once_until_it_ends() {
        course(Lasting::Seen, "..xx?x.x", "  !    !");
    }

    #[test]
    fn time_counts_only_where_it_was_known() {
        let time = Lasting::Time(Duration::from_secs(30));
        course(time, "xxxxx", "   !");
        course(time, "xx.xxxx", "      !");
        // Two looks that couldn't tell: what they took is not counted.
        course(time, "xx??xx", "");
        course(time, "xx??xxx", "      !");
        course(time, "xxxx???xx.xxxx", "   !         !");
    }

    #[test]
    fn of_the_last_looks_those_count_that_could_tell() {
        let looks = Lasting::Looks { so: 3, of: 5 };
        course(looks, "x.x.x", "    !");
        course(looks, "x.x..x", "");
        course(looks, "x?x??x", "     !");
        // It stays the same violation until none of the last five was so.
        course(looks, "xxx..xx.x", "  !");
        course(looks, "xxx.....xxx", "  !       !");
    }
}
