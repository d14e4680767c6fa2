//! What a test asks for at a point, and when. Nothing here does it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::POINTS;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// SIGKILL to the engine.
    Kill,
    /// The step fails with ENOSPC.
    Error,
    /// SIGSTOP to the engine: the test goes on while it stands still.
    Stop,
    /// It takes so many milliseconds longer.
    Delay(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Always,
    /// Only the n-th time.
    Nth(u64),
    /// Every n-th time.
    Every(u64),
}

#[derive(Debug)]
pub(super) struct Rule {
    point: String,
    deed: Deed,
    when: When,
    hits: AtomicU64,
}

impl Rule {
    /// `POINT=kill|error|stop|delay:MS[@N|/N]`
    pub(super) fn parse(word: &str) -> Option<Self> {
        let (point, rest) = word.split_once('=')?;
        let (deed, when) = match rest.split_once(['@', '/']) {
            Some((deed, number)) => {
                let number = number.parse().ok().filter(|number| *number > 0)?;
                (deed, if rest.contains('@') { When::Nth(number) } else { When::Every(number) })
            }
            None => (rest, When::Always),
        };
        let deed = match (deed, deed.strip_prefix("delay:")) {
            ("kill", _) => Deed::Kill,
            ("error", _) => Deed::Error,
            ("stop", _) => Deed::Stop,
            (_, Some(milliseconds)) => Deed::Delay(milliseconds.parse().ok()?),
            (_, None) => return None,
        };
        POINTS.contains(&point).then(|| Self { point: point.to_owned(), deed, when, hits: AtomicU64::new(0) })
    }

    /// The point that it is about.
    pub(super) fn point(&self) -> &str {
        &self.point
    }

    /// What it does at this hit, if it does anything.
    pub(super) fn due(&self) -> Option<Deed> {
        let hit = self.hits.fetch_add(1, Ordering::SeqCst) + 1;
        let now = match self.when {
            When::Always => true,
            When::Nth(n) => hit == n,
            When::Every(n) => hit.is_multiple_of(n),
        };
        now.then_some(self.deed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_nonsense_is_not() {
        let rows = [
            ("start.spawned=kill@3", Some((Deed::Kill, When::Nth(3)))),
            ("look=error/20", Some((Deed::Error, When::Every(20)))),
            ("signal.send=delay:50", Some((Deed::Delay(50), When::Always))),
            ("signal.send=stop", Some((Deed::Stop, When::Always))),
            ("start.spwaned=kill", None),
            ("look=error/0", None),
            ("look=nothing", None),
            ("look", None),
        ];
        for (word, expected) in rows {
            let rule = Rule::parse(word);
            assert_eq!(rule.as_ref().map(|rule| (rule.deed, rule.when)), expected, "{word}");
            assert!(rule.is_none_or(|rule| word.starts_with(rule.point())), "{word}");
        }
    }

    #[test]
    fn a_rule_counts_its_hits() {
        let fires = |word: &str| {
            let rule = Rule::parse(word);
            (0..6).map(|_| rule.as_ref().and_then(Rule::due).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(fires("look=error@2"), [false, true, false, false, false, false]);
        assert_eq!(fires("look=error/3"), [false, false, true, false, false, true]);
        assert_eq!(fires("look=error"), [true; 6]);
    }
}
