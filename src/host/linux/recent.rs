//! Which processes began since the last look, without asking each of them.
//!
//! The kernel gives out pids in ascending order and begins anew at the end. So what began since a moment has a pid between
//! the last one that was given out then and the last one now, unless so many processes were made meanwhile that it may have
//! come round; then nothing can be told, and all are looked at.
//!
//! Where the kernel tells what processes do, that is exact, and costs nothing: it names those that began or executed something
//! since, and no thread, nobody who is older, nobody who is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::host::spawn::close_up;
use crate::host::table::{Mark, ProcessTable};
use crate::plan::memory::Records;
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

/// Most processes that are looked at one by one.
const ASKED_MAX: usize = 512;
/// Most numbers that are gone through for these: a start of many objects uses many, and nearly all of those are on record.
const SPAN_MAX: i32 = 16_384;
/// A process that began shortly before a look may have executed its program after it.
const MARGIN: i32 = 64;
/// One that began just before it may not have been listed yet: its number is given out before it can be seen. So many
/// may be on their way at once on a large machine, where who forks may lose the processor in between.
const UNLISTED: i32 = 32;

/// Most numbers that are noted as nobody's.
const VACANT_MAX: usize = 4_096;

/// How far the kernel has come with giving out pids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The last one, in our namespace.
    last: i32,
    /// Processes made since boot, in all namespaces.
    forks: u64,
    /// Where it begins anew.
    max: u64,
}

/// Tells how far the kernel has come. Its files stay open: whoever restarts a service waits for this.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// `ns_last_pid`, `pid_max` and `stat`.
    files: Option<[File; 3]>,
    text: Vec<u8>,
}

impl Counter {
    /// The present moment. `None`: this kernel doesn't say.
    pub(super) fn now(&mut self) -> Option<Cursor> {
        if self.files.is_none() {
            let [last, max, stat] = ["sys/kernel/ns_last_pid", "sys/kernel/pid_max", "stat"];
            let open = |path: &str| File::open(Path::new("/proc").join(path)).ok();
            self.files = Some([open(last)?, open(max)?, open(stat)?]);
        }
        let [last, max, stat] = self.files.as_ref()?;
        let last = read(last, &mut self.text)?.trim().parse().ok()?;
        let max = read(max, &mut self.text)?.trim().parse().ok()?;
        let stat = read(stat, &mut self.text)?;
        let forks = stat.lines().find_map(|line| line.strip_prefix("processes "))?.trim().parse().ok()?;
        Some(Cursor { last, forks, max })
    }
}

/// A file of the kernel from its beginning, as it is now, in a place that is used again.
fn read<'t>(file: &File, text: &'t mut Vec<u8>) -> Option<&'t str> {
    const ROOM: usize = 8 << 10;
    let mut length = 0;
    loop {
        text.resize(text.len().max(length + ROOM), 0);
        let read = file.read_at(text.get_mut(length..)?, u64::try_from(length).ok()?).ok()?;
        length += read;
        if read == 0 {
            return std::str::from_utf8(text.get(..length)?).ok();
        }
    }
}

impl Cursor {
    /// Whether the numbers can't have come round from here to there.
    fn is_same_round(self, later: Self) -> bool {
        // With half of all numbers in use it takes half of them to come round.
        let made = later.forks.checked_sub(self.forks);
        later.max == self.max && later.last >= self.last && made.is_some_and(|made| made < later.max / 2)
    }

    /// Those of the listed processes, made since this moment, that are to be looked at again by whoever looks at new ones only.
    fn young(self, listed: &[Pid]) -> Vec<Pid> {
        let numbers = (self.last.saturating_sub(MARGIN).max(1)..=self.last).map(Pid);
        let unlisted = |pid: Pid| pid.0 > self.last - UNLISTED;
        numbers.filter(|pid| unlisted(*pid) || listed.binary_search(pid).is_ok()).collect()
    }
}

/// Numbers that were nobody's after they had been given out. They stay so until all others were given out: of many that began and
/// ended since a service was looked for, each is asked about once and not for each service that is restarted.
#[derive(Debug, Default)]
pub(super) struct Vacant {
    /// How far the kernel was when the first of them was noted, and when they were last asked about.
    round: Option<(Cursor, Cursor)>,
    pids: BTreeSet<Pid>,
}

impl Vacant {
    /// Those that are nobody's at this moment as well.
    pub(super) fn at(&mut self, now: Cursor) -> &BTreeSet<Pid> {
        // Numbers also go back where somebody sets `ns_last_pid`, as whoever restores processes does.
        let goes_on =
            |(first, latest): &(Cursor, Cursor)| first.is_same_round(now) && latest.is_same_round(now);
        let first = match self.round.filter(goes_on) {
            Some((first, _)) => first,
            None => {
                self.pids.clear();
                now
            }
        };
        self.round = Some((first, now));
        &self.pids
    }

    /// These were found to be nobody's after this moment. One that was given out only just before it may not have been seen yet.
    pub(super) fn note(&mut self, at: Cursor, pids: impl Iterator<Item = Pid>) {
        self.at(at);
        self.pids.extend(pids.filter(|pid| pid.0 <= at.last - UNLISTED));
        while self.pids.len() > VACANT_MAX {
            self.pids.pop_first();
        }
    }
}

/// How far the kernel was when an object was last looked for among all processes.
#[derive(Clone, Debug)]
pub(super) struct Glimpsed {
    at: Cursor,
    /// How far it had told.
    told: Mark,
    /// Who was young then, ascending.
    young: Arc<[Pid]>,
}

impl Glimpsed {
    /// A look at all of these, which were listed after this moment, and after everything that was told.
    pub(super) fn new(at: Cursor, told: Mark, listed: &[Pid]) -> Self {
        Self { at, told, young: at.young(listed).into() }
    }

    /// Those were looked at besides that something had happened to until then.
    pub(super) fn until_told(&self, told: Mark) -> Self {
        Self { told, ..self.clone() }
    }

    /// The pids of processes that something happened to since, by what the kernel told, without those of whom it is known. `None`: it
    /// doesn't tell, something was lost, or there are too many.
    pub(super) fn heard(&self, table: &ProcessTable, is_known: impl Fn(Pid) -> bool) -> Option<Vec<Pid>> {
        let new = table.of_somebody_since(self.told)?.filter(|pid| !is_known(*pid));
        let pids: Vec<Pid> = new.take(ASKED_MAX + 1).collect();
        (pids.len() <= ASKED_MAX).then_some(pids)
    }

    /// The pids that may be of processes which began since, ascending, without those of whom it is known: who is on record is
    /// held and belongs to an object, others are nobody's. `None`: any may.
    pub(super) fn until(&self, now: Cursor, is_known: impl Fn(Pid) -> bool) -> Option<Vec<Pid>> {
        let before = self.at;
        let is_near = now.last.saturating_sub(before.last) <= SPAN_MAX;
        (is_near && before.is_same_round(now)).then_some(())?;
        let new = (before.last.saturating_add(1)..=now.last).map(Pid);
        let pids = self.young.iter().copied().chain(new).filter(|pid| !is_known(*pid));
        let pids: Vec<Pid> = pids.take(ASKED_MAX + 1).collect();
        (pids.len() <= ASKED_MAX).then_some(pids)
    }
}

/// When each object was last looked for among all processes, and by which document.
#[derive(Debug, Default)]
pub(super) struct Looked(BTreeMap<ServiceName, (Arc<Service>, Glimpsed)>);

impl Looked {
    pub(super) fn at(&self, name: &ServiceName, spec: &Arc<Service>) -> Option<&Glimpsed> {
        self.0.get(name).filter(|(by, _)| Arc::ptr_eq(by, spec)).map(|(_, at)| at)
    }

    /// Everybody was seen but for those that begin after this.
    pub(super) fn note(&mut self, name: &ServiceName, spec: &Arc<Service>, at: Option<Glimpsed>) {
        match at {
            Some(at) => {
                self.0.insert(name.clone(), (Arc::clone(spec), at));
            }
            None => {
                self.0.remove(name);
            }
        }
    }

    /// Much was needed for a moment while it grew.
    pub(super) fn settle(&mut self) {
        close_up(&mut self.0);
    }

    /// Forgets what isn't on record any more.
    pub(super) fn keep(&mut self, known: &Records) {
        if self.0.len() > known.len() {
            self.0.retain(|name, _| known.contains_key(name));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    fn unheard() -> Mark {
        ProcessTable::default().mark()
    }

    #[test]
    fn what_began_since_is_between_the_two() {
        let cursor = |last, forks| Cursor { last, forks, max: 32768 };
        let before = cursor(1000, 50_000);
        let listed = [900, 940, 970, 980, 990, 1000, 1001].map(Pid);
        let glimpsed = Glimpsed::new(before, unheard(), &listed);
        let pids = |now: Cursor| {
            glimpsed.until(now, |pid| pid.0 == 980).map(|pids| pids.iter().map(|p| p.0).collect::<Vec<_>>())
        };
        // Those in the margin, and those that may have had a number before they could be seen.
        let young: Vec<i32> = [940].into_iter().chain(969..=1000).filter(|pid| *pid != 980).collect();
        assert_eq!(pids(cursor(1000, 50_000)), Some(young.clone()));
        assert_eq!(pids(cursor(1002, 50_400)), Some([young.as_slice(), &[1001, 1002]].concat()));
        for (last, forks, why) in [
            (999, 82_000, "it came round"),
            (1002, 50_000 + 16_384, "it may have come round"),
            (1002, 49_000, "the count went back"),
            (2000, 51_000, "too many to ask one by one"),
        ] {
            assert_eq!(pids(cursor(last, forks)), None, "{why}");
        }
        // Of a thousand that were started since only two have to be asked.
        let started = glimpsed.until(cursor(2002, 51_002), |pid| pid.0 <= 2000);
        assert_eq!(started, Some([2001, 2002].map(Pid).to_vec()));
        assert_eq!(glimpsed.until(Cursor { max: 65536, ..cursor(1002, 50_002) }, |_| false), None);
    }

    #[test]
    fn nobodys_numbers_stay_so_until_they_come_round() {
        let cursor = |last, forks| Cursor { last, forks, max: 32768 };
        let mut vacant = Vacant::default();
        assert!(vacant.at(cursor(900, 40_000)).is_empty());
        vacant.note(cursor(1000, 50_000), [950, 968, 969, 1000].map(Pid).into_iter());
        // Whoever was given one of the last numbers may not be seen yet.
        let known = BTreeSet::from([950, 968].map(Pid));
        assert_eq!(*vacant.at(cursor(1000, 50_000)), known);
        assert_eq!(*vacant.at(cursor(2000, 51_000)), known);
        for (now, why) in [
            (cursor(900, 50_000), "it came round"),
            (cursor(1200, 50_000 + 16_384), "it may have come round"),
            (Cursor { max: 65536, ..cursor(1200, 50_001) }, "another end"),
        ] {
            vacant = Vacant::default();
            vacant.note(cursor(1000, 50_000), [Pid(950)].into_iter());
            assert!(vacant.at(now).is_empty(), "{why}");
        }
        vacant = Vacant::default();
        vacant.note(cursor(1000, 50_000), [Pid(950)].into_iter());
        assert!(!vacant.at(cursor(5000, 54_000)).is_empty());
        assert!(vacant.at(cursor(2000, 54_001)).is_empty(), "they were set back");
        vacant.note(cursor(9_000, 60_000), (1..9_000).map(Pid));
        assert_eq!(vacant.at(cursor(9_000, 60_000)).len(), VACANT_MAX);
    }

    #[test]
    fn a_process_that_begins_is_between_two_cursors() {
        let mut counter = Counter::default();
        let Some(before) = counter.now() else { return };
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        child.wait().unwrap();
        let since = Glimpsed::new(before, unheard(), &[]).until(counter.now().unwrap(), |_| false);
        // Other tests make processes at the same time.
        assert!(since.is_none_or(|pids| pids.contains(&pid)), "{pid}");
    }
}
