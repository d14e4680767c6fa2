//! Sets of values that one subject can have: numbers as intervals, words one by one.

use std::collections::BTreeSet;

/// Some of the values of a subject, and whether being absent is among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::lang) struct Set {
    /// It need not exist.
    pub(super) absent: bool,
    pub(super) values: Values,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Values {
    /// Whatever it is.
    All,
    /// Both ends inside; sorted, none touching the next.
    Numbers(Vec<(i64, i64)>),
    /// These texts (or words, or addresses) only.
    Only(BTreeSet<Vec<u8>>),
    /// Any but these.
    Except(BTreeSet<Vec<u8>>),
}

impl Set {
    /// Every value, and none.
    pub(super) fn anything() -> Self {
        Self { absent: true, values: Values::All }
    }

    /// Every value.
    pub(super) fn present() -> Self {
        Self { absent: false, values: Values::All }
    }

    pub(super) fn nothing() -> Self {
        Self { absent: false, values: Values::Only(BTreeSet::new()) }
    }

    pub(super) fn numbers(low: i64, high: i64) -> Self {
        let ranges = if low > high { Vec::new() } else { vec![(low, high)] };
        Self { absent: false, values: Values::Numbers(ranges) }
    }

    pub(super) fn words<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_vec()).collect();
        Self { absent: false, values: Values::Only(words) }
    }

    pub(super) fn or_absent(self) -> Self {
        Self { absent: true, ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.absent && !self.has_values()
    }

    /// Whether it has a value besides being absent.
    pub(super) fn has_values(&self) -> bool {
        match &self.values {
            Values::All | Values::Except(_) => true,
            Values::Numbers(ranges) => !ranges.is_empty(),
            Values::Only(words) => !words.is_empty(),
        }
    }

    pub(super) fn complement(&self) -> Self {
        let values = match &self.values {
            Values::All => Values::Only(BTreeSet::new()),
            Values::Numbers(ranges) => Values::Numbers(gaps(ranges)),
            Values::Only(words) => Values::Except(words.clone()),
            Values::Except(words) => Values::Only(words.clone()),
        };
        Self { absent: !self.absent, values }
    }

    /// At least what both have in common: sets of different kinds don't meet in a checked expression.
    pub(super) fn and(&self, other: &Self) -> Self {
        let values = match (&self.values, &other.values) {
            (Values::All, values) | (values, Values::All) => values.clone(),
            (Values::Numbers(a), Values::Numbers(b)) => Values::Numbers(overlap(a, b)),
            (Values::Only(a), Values::Only(b)) => Values::Only(a & b),
            (Values::Only(only), Values::Except(but)) | (Values::Except(but), Values::Only(only)) => {
                Values::Only(only - but)
            }
            (Values::Except(a), Values::Except(b)) => Values::Except(a | b),
            (Values::Except(none), values) | (values, Values::Except(none)) if none.is_empty() => {
                values.clone()
            }
            // Nothing is the empty set of words, of numbers too.
            (Values::Only(none), _) | (_, Values::Only(none)) if none.is_empty() => {
                Values::Only(BTreeSet::new())
            }
            (values, _) => values.clone(),
        };
        Self { absent: self.absent && other.absent, values }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.complement().and(&other.complement()).complement()
    }

    /// Keeps the words that `test` holds for, where it is known which ones there are.
    pub(super) fn retain(&mut self, test: impl Fn(&[u8]) -> bool) {
        if let Values::Only(words) = &mut self.values {
            words.retain(|word| test(word));
        }
    }
}

fn gaps(ranges: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut gaps = Vec::new();
    let mut from = Some(i64::MIN);
    for (low, high) in ranges {
        if let (Some(start), Some(end)) = (from, low.checked_sub(1))
            && start <= end
        {
            gaps.push((start, end));
        }
        from = high.checked_add(1);
    }
    gaps.extend(from.map(|start| (start, i64::MAX)));
    gaps
}

fn overlap(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x.0.max(y.0), x.1.min(y.1))));
    let mut common: Vec<(i64, i64)> = pairs.filter(|(low, high)| low <= high).collect();
    common.sort_unstable();
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_and_joined_at_the_ends() {
        let small = Set::numbers(i64::MIN, 4);
        assert_eq!(small.complement(), Set::numbers(5, i64::MAX).or_absent());
        assert_eq!(Set::numbers(i64::MIN, i64::MAX).complement().values, Values::Numbers(Vec::new()));
        let both = Set::numbers(1, 3).or(&Set::numbers(4, 9));
        assert_eq!(both, Set::numbers(1, 9), "touching ranges are one");
        assert!(Set::numbers(5, 4).is_empty());
        assert!(Set::numbers(1, 3).and(&Set::numbers(4, 9)).is_empty());
        assert!(Set::numbers(1, 3).and(&Set::nothing()).is_empty());
    }

    #[test]
    fn words_know_their_complement() {
        let a = Set::words(["a"]);
        let not_a = a.complement();
        assert!(not_a.absent && !a.absent);
        assert!(a.and(&not_a).is_empty());
        assert_eq!(a.or(&not_a), Set { absent: true, values: Values::Except(BTreeSet::new()) });
        assert_eq!(not_a.and(&Set::present()), Set { absent: false, ..not_a.clone() });
    }
}
