//! When to look at the sources, and how closely. Theory of operation:
//!
//! ```text
//! hint ------> quiet for `settle`, at most `settle_max` --> look: what is there is finished
//!              (names of files, and no doubt left -------> look at these files alone)
//! resync ----> every 30 s, a little later each time ------> look by stamps; every tenth reads everything
//! no hints --> every 2 s ---------------------------------> look by stamps; a change must stand for `settle`
//! a request --------(names of files, and no doubt left ----> these files at once: what is there counts)
//!       \-------------------------------------------------> then everything: nobody who asks depends on hints
//! HUP -----------------------------------------------------> look at once, and read everything
//! ```
//!
//! A hint only says "look", and where: what isn't named is looked at by the next resync, as if nothing had been heard. The watcher is asked at each resync whether it still hears, and made anew if it doesn't: an
//! idle engine wakes for nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::spec_dir::{Attention, Touched, Watched, Watcher};
use crate::host::wake::{Waker, Wakes};
use crate::plan::sources::{SourceConditionType, SourceFinding};
use crate::plan::status::ConditionStatus;
use crate::spec::engine::Settings;
use crate::units::BootTime;

/// Without notifications the sources are looked at so often.
const POLL: Duration = Duration::from_secs(2);
/// Every so many resyncs all files are read, whatever their stamps say.
const CONTENTS_EVERY: u32 = 10;
/// The resync comes later by up to this part of it, so that engines that were started together don't look together.
const JITTER: u32 = 10;

/// Why the sources are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Occasion {
    /// The engine starts, or somebody asks for the state as it is.
    Asked,
    /// As that, of the files that were named since the last look, where nothing else may have changed.
    AskedOfNamed,
    /// HUP: as that, and all files are read.
    Thorough,
    /// It is time for a look whatever happened.
    Resync,
    /// A hint has settled, something is to be confirmed, or nobody would tell of a change.
    Due,
}

/// What the loop knows of hints.
#[derive(Debug)]
pub(super) struct Looking {
    wanted: bool,
    settle: Duration,
    settle_max: Duration,
    probe: PathBuf,
    documents: Option<Watcher>,
    /// Why nobody tells of changes.
    deaf: Option<String>,
    first_hint: Option<BootTime>,
    last_hint: Option<BootTime>,
    resyncs: u32,
    nothing: BTreeSet<PathBuf>,
    /// Where the hints since the last look were.
    touched: Touched,
    /// The files that this look is about.
    named: Option<BTreeSet<PathBuf>>,
}

/// Before the first look anything may have changed.
const ANYWHERE: Touched = Touched { names: BTreeSet::new(), elsewhere: true };

impl Looking {
    /// `probe` is a file of our own, by which the watcher is tried.
    pub(super) fn new(wanted: bool, settings: &Settings, probe: PathBuf) -> Self {
        Self {
            wanted,
            settle: settings.settle,
            settle_max: settings.settle_max,
            probe,
            documents: None,
            deaf: (!wanted).then(|| "notifications are switched off".to_owned()),
            first_hint: None,
            last_hint: None,
            resyncs: 0,
            nothing: BTreeSet::new(),
            touched: ANYWHERE,
            named: None,
        }
    }

    /// Waits as these settings say from now on.
    pub(super) fn configure(&mut self, settings: &Settings) {
        (self.settle, self.settle_max) = (settings.settle, settings.settle_max);
    }

    /// Whether changes are told, for status.
    pub(super) fn finding(&self) -> SourceFinding {
        let (status, reason, message) = match &self.deaf {
            None => (ConditionStatus::True, "Hints", "changes are told as they happen".to_owned()),
            Some(why) => (ConditionStatus::False, "Poll", format!("it is looked at every 2s: {why}")),
        };
        SourceFinding { kind: SourceConditionType::Watch, status, reason, message }
    }

    /// Listens from now on.
    pub(super) fn arm(&mut self, waker: &mut Waker) {
        if !self.wanted {
            return;
        }
        // Where the table of mounts can't be watched, the resync finds out.
        let _ = waker.watch_mounts();
        self.listen(waker);
    }

    fn listen(&mut self, waker: &Waker) {
        let listened = self.try_listen(waker);
        self.deaf = listened.err();
    }

    fn try_listen(&mut self, waker: &Waker) -> Result<(), String> {
        self.documents = None;
        self.touched = ANYWHERE;
        let documents = Watcher::new(Some(&self.probe))?;
        waker
            .watch_specs(documents.descriptor())
            .map_err(|error| format!("notifications can't be waited for: {error}"))?;
        self.documents = Some(documents);
        Ok(())
    }

    /// Watches exactly this from now on.
    pub(super) fn watch(&mut self, wanted: &BTreeSet<Watched>) {
        if let Some(documents) = &mut self.documents {
            self.deaf = documents.watch(wanted).err();
        }
    }

    /// Why changes must be looked for: nobody tells of them.
    pub(super) fn deaf(&self) -> Option<&str> {
        self.deaf.as_deref()
    }

    /// At a resync: tries whether it still hears, and listens anew if it doesn't. True if it had to.
    pub(super) fn check(&mut self, waker: &Waker) -> bool {
        if !self.wanted {
            return false;
        }
        let hears = self.documents.as_mut().is_some_and(Watcher::is_alive);
        if !hears {
            self.listen(waker);
        }
        !hears
    }

    /// Takes what woke the loop, and says when to look because of it.
    pub(super) fn hear(&mut self, wakes: &Wakes, now: BootTime) -> Option<BootTime> {
        // After an exit a start is waited for: there is nothing to be read then, or it wakes the loop again.
        let is_quiet = wakes.exits && !wakes.specs;
        let take = if is_quiet { Watcher::take_heard } else { Watcher::take };
        let heard = self.documents.as_mut().map(take).unwrap_or_default();
        let documents = heard.changed;
        self.touched.extend(heard.touched);
        self.touched.elsewhere |= wakes.mounts;
        if !documents && !wakes.mounts {
            return None;
        }
        let first = *self.first_hint.get_or_insert(now);
        self.last_hint = Some(now);
        Some(now.after(self.settle).min(first.after(self.settle_max)))
    }

    /// Whether a look may be about what was named alone, as far as was heard by now: see [`Looking::attention`].
    pub(super) fn is_about_named(&mut self, calm: bool) -> bool {
        self.touched.extend(self.documents.as_mut().map(Watcher::touched).unwrap_or_default());
        calm && self.deaf.is_none() && !self.touched.elsewhere && !self.touched.names.is_empty()
    }

    /// How to look now; what was heard so far is taken into account by it. `calm`: the last look left nothing that another one is
    /// to confirm, so that a look may be about what was named alone.
    pub(super) fn attention(&mut self, occasion: Occasion, now: BootTime, calm: bool) -> Attention<'_> {
        // What came while the watches were renewed is seen by this look.
        let first = self.first_hint.take();
        let quiet_since = self.last_hint.take();
        let settled = first.is_some() && quiet_since.is_some_and(|last| now >= last.after(self.settle));
        let (quiet, contents) = match occasion {
            Occasion::Asked | Occasion::AskedOfNamed => (true, false),
            Occasion::Thorough => (true, true),
            Occasion::Resync => {
                self.resyncs = self.resyncs.wrapping_add(1);
                (settled, self.resyncs.is_multiple_of(CONTENTS_EVERY))
            }
            Occasion::Due => (settled, false),
        };
        let is_about_named = self.is_about_named(calm);
        let Touched { names, .. } = std::mem::take(&mut self.touched);
        let alone = match occasion {
            Occasion::AskedOfNamed => true,
            Occasion::Due => settled,
            Occasion::Asked | Occasion::Thorough | Occasion::Resync => false,
        };
        self.named = (alone && is_about_named).then_some(names);
        let writing = self.documents.as_ref().map_or(&self.nothing, Watcher::writing);
        Attention {
            now,
            quiet: quiet && (occasion != Occasion::Due || self.deaf.is_none()),
            contents,
            waiting_since: first,
            writing,
            named: self.named.as_ref(),
        }
    }

    /// When to look again where nobody tells.
    pub(super) fn poll(&self, remote: bool, now: BootTime) -> Option<BootTime> {
        (self.deaf.is_some() || remote).then(|| now.after(POLL))
    }
}

/// When the next resync is due: never earlier than asked for.
pub(super) fn resync(every: Duration, now: BootTime) -> BootTime {
    // Chance enough: the nanoseconds of the moment at which the last one ended.
    let part = now.0.subsec_nanos() % 1_000;
    now.after(every).after(every / JITTER * part / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> BootTime {
        BootTime(Duration::from_millis(ms))
    }

    fn looking() -> Looking {
        let mut looking = Looking::new(true, &Settings::default(), PathBuf::new());
        looking.deaf = None;
        looking
    }

    /// A mount is a hint that needs no watcher.
    fn hint(looking: &mut Looking, ms: u64) -> Option<BootTime> {
        looking.hear(&Wakes { mounts: true, ..Wakes::default() }, at(ms))
    }

    #[test]
    fn hints_settle_and_never_starve_the_look() {
        let mut looking = looking();
        assert_eq!(looking.hear(&Wakes::default(), at(0)), None);
        assert_eq!(hint(&mut looking, 0), Some(at(100)));
        assert_eq!(hint(&mut looking, 90), Some(at(190)));
        let attention = looking.attention(Occasion::Due, at(190), true);
        assert!(attention.quiet && !attention.contents);
        assert_eq!(attention.waiting_since, Some(at(0)));
        let last = (0..40).filter_map(|n| hint(&mut looking, 1_000 + n * 50)).last();
        assert_eq!(last, Some(at(3_000)), "two seconds after the first");
        assert!(!looking.attention(Occasion::Due, at(3_000), true).quiet, "they didn't cease");
        assert!(!looking.attention(Occasion::Due, at(3_100), true).quiet, "no hint, no quiet after it");
    }

    #[test]
    fn a_look_is_about_named_files_alone_where_nothing_else_may_have_changed() {
        let named = || Touched { names: BTreeSet::from(["/d/a.yaml".into()]), elsewhere: false };
        let mut looking = looking();
        let mut look = |touched: Touched, occasion: Occasion, settled: bool, calm: bool| {
            (looking.first_hint, looking.last_hint) = (Some(at(0)), Some(at(0)));
            looking.touched.extend(touched);
            looking.attention(occasion, at(if settled { 100 } else { 50 }), calm).named.is_some()
        };
        assert!(!look(named(), Occasion::Due, true, true), "the first look is about everything");
        assert!(look(named(), Occasion::Due, true, true));
        assert!(!look(Touched::default(), Occasion::Due, true, true), "no name is no knowledge");
        assert!(!look(named(), Occasion::Due, false, true));
        assert!(!look(named(), Occasion::Due, true, false));
        assert!(!look(named(), Occasion::Resync, true, true));
        assert!(!look(named(), Occasion::Asked, true, true));
        assert!(look(named(), Occasion::AskedOfNamed, false, true), "who asks says that they are finished");
        assert!(!look(named(), Occasion::AskedOfNamed, true, false));
        assert!(!look(Touched { elsewhere: true, ..named() }, Occasion::Due, true, true));
        assert!(look(named(), Occasion::Due, true, true), "a look at everything was in between");
    }

    #[test]
    fn every_tenth_resync_reads_everything() {
        let mut looking = looking();
        let thorough: Vec<u64> =
            (1..=30).filter(|n| looking.attention(Occasion::Resync, at(n * 30_000), true).contents).collect();
        assert_eq!(thorough, [10, 20, 30]);
        assert!(!looking.attention(Occasion::Asked, at(0), true).contents);
        assert!(looking.attention(Occasion::Thorough, at(0), true).contents);
    }

    #[test]
    fn the_resync_is_never_early_and_at_most_a_tenth_late() {
        for nanos in [0, 1, 999, 123_456_789] {
            let now = BootTime(Duration::new(5, nanos));
            let due = resync(Duration::from_secs(30), now).since(now);
            assert!(due >= Duration::from_secs(30) && due < Duration::from_secs(33), "{due:?}");
        }
    }

    #[test]
    fn only_the_deaf_poll() {
        let mut looking = looking();
        assert_eq!(looking.poll(false, at(0)), None);
        assert_eq!(looking.poll(true, at(0)), Some(at(2_000)));
        looking.deaf = Some("no watches are left".into());
        assert_eq!(looking.poll(false, at(0)), Some(at(2_000)));
        hint(&mut looking, 0);
        assert!(
            !looking.attention(Occasion::Due, at(500), true).quiet,
            "nobody could hear whether it is quiet"
        );
    }
}
