//! Processes that something happened to, each with the number of the last thing.

use std::collections::{BTreeMap, BTreeSet};

use crate::units::Pid;

/// So many processes are remembered; whoever asks for what was before the oldest of them has to look at all.
const REMEMBERED_MAX: usize = 65_536;

/// The processes to look at again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changed {
    /// Any of them may be another than it was.
    Anything,
    /// These; some may be gone.
    These(BTreeSet<Pid>),
}

impl Changed {
    /// Nothing happened.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::These(pids) if pids.is_empty())
    }
}

/// How far somebody has taken notice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark(u64);

/// What happened, the newest last.
#[derive(Debug, Default)]
pub struct Changes {
    /// The number of the next thing that happens.
    next: u64,
    /// What was before this isn't known.
    floor: u64,
    of: BTreeMap<Pid, u64>,
    by_number: BTreeMap<u64, Pid>,
    /// Of these, who was found to be gone since.
    nobodys: BTreeSet<Pid>,
}

impl Changes {
    /// Something happened to a process.
    pub fn note(&mut self, pid: Pid) {
        if let Some(before) = self.of.insert(pid, self.next) {
            self.by_number.remove(&before);
        }
        self.by_number.insert(self.next, pid);
        self.nobodys.remove(&pid);
        self.next += 1;
        if self.by_number.len() > REMEMBERED_MAX
            && let Some((number, oldest)) = self.by_number.pop_first()
        {
            self.of.remove(&oldest);
            self.nobodys.remove(&oldest);
            self.floor = number + 1;
        }
    }

    /// Something was lost: anything may have happened to any of them.
    pub fn lose(&mut self) {
        self.of.clear();
        self.by_number.clear();
        self.nobodys.clear();
        self.next += 1;
        self.floor = self.next;
    }

    /// Now.
    pub fn mark(&self) -> Mark {
        Mark(self.next)
    }

    /// What happened since.
    pub fn since(&self, mark: Mark) -> Changed {
        if mark.0 < self.floor {
            return Changed::Anything;
        }
        Changed::These(self.by_number.range(mark.0..).map(|(_, pid)| *pid).collect())
    }

    /// These numbers were found to be nobody's after all that was noted until now.
    pub fn note_nobodys(&mut self, pids: impl Iterator<Item = Pid>) {
        self.nobodys.extend(pids.filter(|pid| self.of.contains_key(pid)));
    }

    /// To whom something happened since, in that order, but for those that were found to be gone. `None`: to anybody.
    pub fn of_somebody_since(&self, mark: Mark) -> Option<impl Iterator<Item = Pid>> {
        let since = (mark.0 >= self.floor).then(|| self.by_number.range(mark.0..))?;
        Some(since.map(|(_, pid)| *pid).filter(|pid| !self.nobodys.contains(pid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(pids: &[i32]) -> Changed {
        Changed::These(pids.iter().copied().map(Pid).collect())
    }

    #[test]
    fn each_takes_notice_at_its_own_pace() {
        let mut changes = Changes::default();
        let first = changes.mark();
        changes.note(Pid(7));
        let second = changes.mark();
        changes.note(Pid(8));
        changes.note(Pid(7));
        assert_eq!(changes.since(first), these(&[7, 8]));
        assert_eq!(changes.since(second), these(&[7, 8]));
        assert!(changes.since(changes.mark()).is_empty());
    }

    #[test]
    fn who_is_gone_is_asked_about_again_when_something_happens_to_that_number() {
        let of_somebody = |changes: &Changes, mark| {
            changes.of_somebody_since(mark).map(|pids| pids.map(|pid| pid.0).collect::<Vec<_>>())
        };
        let mut changes = Changes::default();
        let first = changes.mark();
        changes.note(Pid(7));
        changes.note(Pid(8));
        changes.note_nobodys([7, 9].map(Pid).into_iter());
        assert_eq!(of_somebody(&changes, first), Some(vec![8]));
        assert_eq!(changes.since(first), these(&[7, 8]), "that something happened stays known");
        changes.note(Pid(7));
        assert_eq!(of_somebody(&changes, first), Some(vec![8, 7]));
        changes.note_nobodys([7].map(Pid).into_iter());
        changes.lose();
        assert_eq!(of_somebody(&changes, first), None);
        assert_eq!(of_somebody(&changes, changes.mark()), Some(vec![]));
    }

    #[test]
    fn what_was_lost_or_forgotten_makes_everything_uncertain() {
        let mut changes = Changes::default();
        let before = changes.mark();
        changes.lose();
        assert_eq!(changes.since(before), Changed::Anything);
        let after = changes.mark();
        assert!(changes.since(after).is_empty());
        let many = i32::try_from(REMEMBERED_MAX).unwrap_or(i32::MAX);
        (1..=many).for_each(|pid| changes.note(Pid(pid)));
        assert!(matches!(changes.since(after), Changed::These(pids) if pids.len() == REMEMBERED_MAX));
        changes.note(Pid(many + 1));
        assert_eq!(changes.since(after), Changed::Anything);
    }
}
