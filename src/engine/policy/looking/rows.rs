//! The rows of the table: begun, asked about, forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::Found;
use super::{ANEW, Eyes, Looking, Occasion, Row, Touched, WHOLE};
use crate::facts::Fact;
use crate::host::table::Changed;
use crate::process::identity::Ternary;
use crate::process::likeness::Likeness;
use crate::process::plain::Grounds;
use crate::process::world::World;
use crate::units::Pid;

impl Looking {
    /// Of processes that something happened to those that are there; the others are forgotten.
    pub(super) fn living(
        &mut self,
        pids: &BTreeSet<Pid>,
        eyes: &Eyes<'_>,
        news: &mut BTreeSet<usize>,
    ) -> Touched {
        let mut touched = Touched::new();
        let arguments = self.reads_arguments();
        for pid in pids {
            match eyes.scene.world.likeness(*pid, arguments) {
                Some(likeness) => {
                    touched.insert(*pid, self.begin(*pid, likeness));
                }
                None => self.forget(*pid, news),
            }
        }
        touched
    }

    /// Looks at everybody, and finds those that are others than their rows say.
    pub(super) fn sweep(
        &mut self,
        anew: bool,
        occasion: &Occasion,
        eyes: &Eyes<'_>,
        news: &mut BTreeSet<usize>,
    ) -> Touched {
        let world = eyes.scene.world;
        let listed = world.pids();
        self.complete = matches!(listed, Fact::Known(_));
        let pids = listed.known().unwrap_or_default();
        let thorough = anew || self.anew.is_none_or(|at| occasion.now.since(at) >= ANEW);
        if thorough {
            self.anew = Some(occasion.now);
        }
        let gone: Vec<Pid> =
            self.rows.keys().filter(|pid| pids.binary_search(pid).is_err()).copied().collect();
        for pid in gone {
            self.forget(pid, news);
        }
        // What a pulse doesn't tell, nobody tells of: it is found out as often as where events are told.
        let is_late = self.whole.is_none_or(|at| occasion.now.since(at) >= WHOLE);
        let whole = thorough || (occasion.verify && is_late);
        if whole {
            self.whole = Some(occasion.now);
        }
        let is_told = |pid: &Pid| matches!(&occasion.changed, Changed::These(pids) if pids.contains(pid));
        let arguments = self.reads_arguments();
        let mut touched = Touched::new();
        for pid in pids.iter() {
            if !whole && !is_told(pid) && self.beats_as_before(*pid, world) {
                continue;
            }
            let Some(likeness) = world.likeness(*pid, arguments) else {
                self.forget(*pid, news);
                continue;
            };
            let same = self.rows.get(pid).is_some_and(|row| row.likeness.is_still(&likeness));
            if same && !thorough && !is_told(pid) {
                self.note(*pid, likeness);
                continue;
            }
            let expected = anew || !occasion.told || occasion.changed == Changed::Anything || is_told(pid);
            self.untold += u64::from(!same && !expected);
            touched.insert(*pid, self.begin(*pid, likeness));
        }
        touched
    }

    /// Whether a process has done nothing that counts since it was looked at. Most have done nothing at all: who hasn't run has
    /// neither called exec nor changed its identity. (Another of its threads may have given the first one a name, or called exec and
    /// taken its place: that one hasn't run for as long, to the nanosecond.)
    fn beats_as_before(&mut self, pid: Pid, world: &dyn World) -> bool {
        let Some(row) = self.rows.get_mut(&pid) else { return false };
        let run = world.has_run(pid);
        if run.is_some() && row.run == run {
            return true;
        }
        let same = world.pulse(pid).is_some_and(|pulse| row.likeness.has(&pulse));
        if same {
            row.run = run;
        }
        same
    }

    fn note(&mut self, pid: Pid, likeness: Likeness) {
        if let Some(row) = self.rows.get_mut(&pid) {
            row.likeness = likeness;
        }
    }

    fn reads_arguments(&self) -> bool {
        self.policies.iter().any(|kept| kept.reads_arguments)
    }

    /// Everything about these processes.
    pub(super) fn ask(&mut self, touched: &Touched, eyes: &Eyes<'_>, news: &mut BTreeSet<usize>) {
        let pids: Vec<Pid> = touched.keys().copied().collect();
        self.sift(&pids, eyes);
        let mut concluded = BTreeSet::new();
        for (number, pid, is_news) in self.examine(&pids, None, eyes) {
            concluded.insert((number, pid));
            if is_news {
                news.insert(number);
            }
        }
        for (pid, before) in touched {
            for number in before.iter().filter(|number| !concluded.contains(&(**number, *pid))) {
                // It is of this one no more.
                if self.policies.get_mut(*number).is_some_and(|kept| kept.put(*pid, None)) {
                    news.insert(*number);
                }
            }
        }
    }

    /// Which policies these may be about, by what events tell of.
    fn sift(&mut self, touched: &[Pid], eyes: &Eyes<'_>) {
        let (Some(sieve), rows, policies) = (&self.sieve, &mut self.rows, &mut self.policies) else { return };
        sieve.each(&eyes.vocabulary, (Grounds::Told, None), touched, |pid, number, _| {
            if let (Some(row), Some(kept)) = (rows.get_mut(&pid), policies.get_mut(number)) {
                row.may.push(number);
                kept.members.insert(pid);
            }
        });
    }

    /// Asks the conditions of all policies that may be about these processes, or those of some.
    fn examine(
        &mut self,
        pids: &[Pid],
        only: Option<&BTreeSet<usize>>,
        eyes: &Eyes<'_>,
    ) -> Vec<(usize, Pid, bool)> {
        let is_asked = |number: &usize| only.is_none_or(|only| only.contains(number));
        let is_possible = |pid: &&Pid| self.rows.get(pid).is_some_and(|row| row.may.iter().any(is_asked));
        let possible: Vec<Pid> = pids.iter().filter(is_possible).copied().collect();
        let mut verdicts: BTreeMap<(usize, Pid), Option<bool>> = BTreeMap::new();
        if let Some(sieve) = &self.sieve {
            sieve.each(&eyes.vocabulary, (Grounds::All, only), &possible, |pid, number, verdict| {
                verdicts.insert((number, pid), verdict);
            });
        }
        let mut concluded = Vec::new();
        for pid in possible {
            let may = self.rows.get(&pid).map(|row| row.may.clone()).unwrap_or_default();
            for number in may.into_iter().filter(is_asked) {
                let verdict = verdicts.get(&(number, pid)).copied().unwrap_or(Some(false));
                concluded.push((number, pid, self.conclude(number, pid, verdict, eyes)));
            }
        }
        concluded
    }

    /// Policies whose time has come are asked of their processes, but for those that were just asked.
    pub(super) fn examine_due(&mut self, touched: &Touched, due: &BTreeSet<usize>, eyes: &Eyes<'_>) {
        let mut asked = BTreeSet::new();
        let mut pids = BTreeSet::new();
        for number in due {
            let Some(kept) = self.policies.get(*number) else { continue };
            asked.insert(*number);
            let is_old = |pid: &Pid| !touched.contains_key(pid);
            if kept.asks_more() {
                pids.extend(kept.members.iter().copied().filter(is_old));
            } else {
                pids.extend(kept.unsure().filter(is_old));
            }
        }
        let pids: Vec<Pid> = pids.into_iter().collect();
        self.examine(&pids, Some(&asked), eyes);
    }

    /// What follows for one process and one policy. True if it is otherwise than before.
    fn conclude(&mut self, number: usize, pid: Pid, verdict: Option<bool>, eyes: &Eyes<'_>) -> bool {
        let Some(kept) = self.policies.get_mut(number) else { return false };
        let holds = match verdict {
            Some(true) => Ternary::True,
            Some(false) => Ternary::False,
            None => kept.matches(pid, eyes),
        };
        let found = match holds {
            Ternary::False => None,
            _ if !kept.chooses(pid, eyes) => None,
            Ternary::Unknown(_) => Some(Found::Unsure),
            Ternary::True => kept.examined(pid, eyes),
        };
        if found.is_none() && kept.match_is_told {
            kept.members.remove(&pid);
            if let Some(row) = self.rows.get_mut(&pid) {
                row.may.retain(|other| *other != number);
            }
        }
        kept.put(pid, found)
    }

    /// Begins its row anew; says which policies it may have been of until now.
    fn begin(&mut self, pid: Pid, likeness: Likeness) -> Vec<usize> {
        let before = self.rows.insert(pid, Row { likeness, run: None, may: Vec::new() });
        let before = before.map(|row| row.may).unwrap_or_default();
        for number in &before {
            if let Some(kept) = self.policies.get_mut(*number) {
                kept.members.remove(&pid);
            }
        }
        before
    }

    fn forget(&mut self, pid: Pid, news: &mut BTreeSet<usize>) {
        let Some(row) = self.rows.remove(&pid) else { return };
        for number in row.may {
            if let Some(kept) = self.policies.get_mut(number) {
                kept.members.remove(&pid);
                if kept.put(pid, None) {
                    news.insert(number);
                }
            }
        }
    }
}
