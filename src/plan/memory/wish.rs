//! What a person asked for beside the documents.

use serde::{Deserialize, Serialize};

use crate::facts::ProcessKey;
use crate::units::WallTime;

/// What a person asked for on the command line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Running or stopped.
    pub running: bool,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// The generation it overrides; a newer one ends the wish.
    pub generation: u64,
    /// Until when, by the wall clock; `None`: until the document changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<WallTime>,
    /// Neither: its processes are let go, and nothing is done about it.
    #[serde(default)]
    pub released: bool,
}

impl Wish {
    /// Whether it still counts for this generation of the document.
    pub fn holds(&self, generation: u64, now: WallTime) -> bool {
        self.generation == generation && self.until.is_none_or(|until| now < until)
    }
}

/// What a person asked to be taken over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptWish {
    /// Which process.
    pub key: ProcessKey,
    /// Although something else keeps it, or it belongs to another user.
    pub force: bool,
    /// Who asked.
    pub by: String,
}

/// A person has an object left alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: WallTime,
    /// Why; may be empty.
    pub reason: String,
    /// Until when, by the wall clock; `None`: until somebody resumes it.
    pub until: Option<WallTime>,
    /// What others said since, in the order of time. Each has one word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Self>,
}

impl Suspension {
    /// The words that still hold, each alone.
    fn words(&self, now: WallTime) -> impl Iterator<Item = Self> + '_ {
        let all = std::iter::once(self).chain(&self.others);
        all.filter(move |word| word.until.is_none_or(|until| now < until))
            .map(|word| Self { others: Vec::new(), ..word.clone() })
    }

    /// What of it still holds.
    pub fn still(&self, now: WallTime) -> Option<Self> {
        Self::of(self.words(now))
    }

    /// This word beside what others have said before, which it takes nothing from: who said something keeps it so until it is
    /// resumed. A former word of the same person is replaced.
    #[must_use]
    pub fn beside(self, before: Option<&Self>) -> Self {
        let former = before.into_iter().flat_map(|before| before.words(self.at));
        let kept: Vec<Self> = former.filter(|word| word.by != self.by).collect();
        Self::of(kept.into_iter().chain([self.clone()])).unwrap_or(self)
    }

    /// When the first of its words ends by itself.
    pub fn first_end(&self) -> Option<WallTime> {
        std::iter::once(self).chain(&self.others).filter_map(|word| word.until).min()
    }

    /// When all of them have ended by themselves.
    pub fn until(&self) -> Option<WallTime> {
        let mut all = std::iter::once(self).chain(&self.others).map(|word| word.until);
        all.try_fold(WallTime::default(), |last, until| until.map(|until| until.max(last)))
    }

    /// Who said it, and why: `ann: moves to another disk`, several with `and` between them.
    pub fn said(&self, word: impl Fn(&Self) -> String) -> String {
        let all = std::iter::once(self).chain(&self.others);
        all.map(word).collect::<Vec<_>>().join(" and ")
    }

    fn of(mut words: impl Iterator<Item = Self>) -> Option<Self> {
        let first = words.next()?;
        Some(Self { others: words.collect(), ..first })
    }
}
