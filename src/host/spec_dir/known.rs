//! What is known of the files of a place from the looks before, so that a look reads what changed and asks the kernel for
//! the stamps of the rest.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::Duration;

use super::SpecFile;
use super::read::Refusal;
use super::stamp::{COARSEST, Stamp};
use crate::units::BootTime;

/// A file that was never heard to be closed is believed to be finished after this.
const WRITTEN_MAX: Duration = Duration::from_mins(1);

/// What was made of a file.
pub(super) type Outcome = Result<Arc<SpecFile>, Refusal>;

/// A file that changed since it was used, and isn't believed to be finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pending {
    stamp: Stamp,
    /// Since when it has this stamp.
    since: BootTime,
    /// Since when it changes.
    first: BootTime,
}

#[derive(Clone, PartialEq, Debug)]
struct Known {
    outcome: Option<(Stamp, Outcome)>,
    seen: BootTime,
    read: BootTime,
    /// Hardly any file has one.
    pending: Option<Box<Pending>>,
    /// Everybody has waited for it long enough.
    unstable: bool,
    /// Its stamp couldn't hide a change any more when it was read.
    settled: bool,
    look: u64,
}

/// By path below the place.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct KnownFiles {
    /// Each by itself: what stands in a map takes its room up to twice.
    files: HashMap<OsString, Box<Known>>,
    look: u64,
}

/// Whether a file that changed has to prove that it is finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub now: BootTime,
    /// Everything was quiet for the settle time, as was heard.
    pub quiet: bool,
    /// A stamp must stay for so long where nobody can hear.
    pub settle: Duration,
    /// Whatever the stamp: read it.
    pub contents: bool,
}

/// What to do about a file.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is as it was.
    Unchanged(Outcome),
    Read,
    /// It is still being written, or may be.
    Unfinished,
}

impl KnownFiles {
    /// Begins another look.
    pub(super) fn begin(&mut self) {
        self.look += 1;
    }

    /// So many may be seen: a map that grows to that size lies there twice. Where some are known, it has the size already.
    pub(super) fn make_room(&mut self, files: usize) {
        if self.files.is_empty() {
            self.files.reserve(files);
        }
    }

    /// Ends a look that saw everything: what it didn't see is forgotten.
    pub(super) fn end(&mut self) {
        let look = self.look;
        self.files.retain(|_, known| known.look == look);
    }

    /// Whether anything is known of a file.
    pub(super) fn has(&self, path: &OsStr) -> bool {
        self.files.contains_key(path)
    }

    /// What a file certainly still is by its stamp, which is asked for if nothing was in doubt: nothing is to be read.
    pub(super) fn unchanged(
        &mut self,
        path: &OsStr,
        contents: bool,
        stamp: impl FnOnce() -> Option<Stamp>,
    ) -> Option<Arc<SpecFile>> {
        let look = self.look;
        let known = self.files.get_mut(path)?;
        let calm = !contents && known.pending.is_none() && !known.unstable && known.is_sure();
        let (was, outcome) = known.outcome.as_ref().filter(|_| calm)?;
        let file = outcome.as_ref().ok().map(Arc::clone)?;
        if stamp() != Some(*was) {
            return None;
        }
        known.look = look;
        Some(file)
    }

    /// What to do about a file with this stamp. `writing`: somebody is known to have it open for writing.
    pub(super) fn judge(&mut self, path: &OsStr, stamp: Stamp, writing: bool, patience: Patience) -> Verdict {
        let look = self.look;
        let now = patience.now;
        let Some(known) = self.files.get_mut(path) else {
            let fresh = Known::new(now, look);
            let known = self.files.entry(path.to_owned()).or_insert(Box::new(fresh));
            return known.changed(stamp, writing, patience);
        };
        known.look = look;
        match &known.outcome {
            Some((known_stamp, outcome)) if *known_stamp == stamp => {
                known.pending = None;
                known.unstable = false;
                if known.is_sure() && !patience.contents {
                    Verdict::Unchanged(outcome.clone())
                } else {
                    Verdict::Read
                }
            }
            Some(_) | None => known.changed(stamp, writing, patience),
        }
    }

    /// Notes what came of reading it. Content that is the same stays the value that others share. `settled`: whatever happened to it since
    /// shows in its stamp.
    pub(super) fn note(
        &mut self,
        path: &OsStr,
        (stamp, settled): (Stamp, bool),
        outcome: Outcome,
        now: BootTime,
    ) -> Outcome {
        let look = self.look;
        let known = self.files.entry(path.to_owned()).or_insert_with(|| Box::new(Known::new(now, look)));
        let outcome = match (&known.outcome, outcome) {
            (Some((_, Ok(old))), Ok(new)) if old.digest() == new.digest() => Ok(Arc::clone(old)),
            (_, outcome) => outcome,
        };
        if known.outcome.as_ref().is_none_or(|(known, _)| *known != stamp) {
            known.seen = known
                .pending
                .as_ref()
                .filter(|pending| pending.stamp == stamp)
                .map_or(now, |pending| pending.since);
        }
        known.read = now;
        known.pending = None;
        known.unstable = false;
        // Of what was refused more decides than the file.
        known.settled = settled && outcome.is_ok();
        known.outcome = Some((stamp, outcome.clone()));
        outcome
    }

    /// Notes that it is unfinished, whatever its stamp says: it changed while it was read.
    pub(super) fn unfinished(&mut self, path: &OsStr, stamp: Stamp, now: BootTime) {
        if let Some(known) = self.files.get_mut(path) {
            let first = known.pending.as_ref().map_or(now, |pending| pending.first);
            known.pending = Some(Box::new(Pending { stamp, since: now, first }));
        }
    }

    /// Whether the whole place should wait for this file: not when that was done already.
    pub(super) fn is_waited_for(&self, path: &OsStr) -> bool {
        self.files.get(path).is_none_or(|known| !known.unstable)
    }

    /// Whether it had the time in which it could have shown that it is finished.
    pub(super) fn had_its_time(&self, path: &OsStr, patience: Patience) -> bool {
        let pending = self.files.get(path).and_then(|known| known.pending.as_ref());
        pending.is_some_and(|pending| patience.now >= pending.first.after(patience.settle))
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self, path: &OsStr) {
        if let Some(known) = self.files.get_mut(path) {
            known.unstable = true;
        }
    }
}

impl Known {
    fn new(now: BootTime, look: u64) -> Self {
        Self { outcome: None, seen: now, read: now, pending: None, unstable: false, settled: false, look }
    }

    /// It was read when its stamp could no longer hide a change: by the clock of the file system where that is the kernel's, else so long
    /// after the stamp was first seen. A file of which neither is so may have changed since without its stamp showing it, and is
    /// read once more.
    fn is_sure(&self) -> bool {
        self.settled || self.read.0.saturating_sub(self.seen.0) >= COARSEST
    }

    fn changed(&mut self, stamp: Stamp, writing: bool, patience: Patience) -> Verdict {
        let now = patience.now;
        let known = self.pending.as_ref();
        let writing = writing && known.is_none_or(|pending| now < pending.first.after(WRITTEN_MAX));
        if patience.quiet && !writing {
            return Verdict::Read;
        }
        match &mut self.pending {
            Some(pending) if pending.stamp == stamp => {
                let settled = now >= pending.since.after(patience.settle) && !writing;
                if settled { Verdict::Read } else { Verdict::Unfinished }
            }
            Some(pending) => {
                (pending.stamp, pending.since) = (stamp, now);
                Verdict::Unfinished
            }
            None => {
                self.pending = Some(Box::new(Pending { stamp, since: now, first: now }));
                Verdict::Unfinished
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ProblemReason;
    use super::*;
    use crate::spec::Content;

    #[test]
    fn a_file_is_read_again_unless_its_stamp_tells_of_every_change() {
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        let patience = Patience { now: at(60), quiet: true, settle: Duration::ZERO, contents: false };
        let bytes = Content::from(b"a".to_vec());
        let good: Outcome = Ok(Arc::new(SpecFile { path: "/d/a.yaml".into(), bytes }));
        let refused: Outcome = Err((ProblemReason::UntrustedSource, "somebody else's".into()));
        #[expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a stamp of any file")]
        let stamp = Stamp::of(&std::fs::metadata("/proc/self/exe").unwrap());
        for (outcome, settled, expected) in
            [(&good, true, false), (&good, false, true), (&refused, true, true)]
        {
            let (mut known, name) = (KnownFiles::default(), OsStr::new("a.yaml"));
            known.note(name, (stamp, settled), outcome.clone(), at(30)).ok();
            let reads = matches!(known.judge(name, stamp, false, patience), Verdict::Read);
            assert_eq!(reads, expected, "{outcome:?} {settled}");
            assert_eq!(known.unchanged(name, false, || Some(stamp)).is_none(), expected);
            assert!(known.unchanged(name, true, || Some(stamp)).is_none(), "all are read");
            let _ = known.note(name, (stamp, false), outcome.clone(), at(60));
            let reads = matches!(known.judge(name, stamp, false, patience), Verdict::Read);
            assert!(!reads, "it was read long after the stamp was seen first");
        }
    }
}
