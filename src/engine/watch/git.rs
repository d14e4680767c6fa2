//! A repository that is followed: fetched at its interval, looked at when another revision of it was taken. And the revisions of
//! work trees that other places lie in.

use std::path::PathBuf;
use std::time::Duration;

use super::{Event, Watch};
use crate::engine::sources::{SourcesLook, UNAVAILABLE};
use crate::host::Host as _;
use crate::host::git::News;
use crate::host::linux::LinuxHost;
use crate::plan::sources::{SourceConditionType, SourceFinding};
use crate::plan::status::ConditionStatus;
use crate::spec::Revision;
use crate::units::BootTime;

/// When the repository is fetched, and what was said of it last.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Where its documents are; `None`: no repository is followed.
    place: Option<String>,
    next: BootTime,
    said: Option<String>,
}

impl Fetching {
    pub(super) fn new(host: &LinuxHost) -> Self {
        let place = host.followed().map(|place| super::absolute(&place));
        Self { place, ..Self::default() }
    }

    /// When it is fetched next.
    pub(super) fn deadline(&self) -> Option<BootTime> {
        self.place.as_ref().map(|_| self.next)
    }
}

impl Watch<'_> {
    /// Fetches when it is time, or at once; says whether another revision is there.
    pub(super) fn fetch(&mut self, now: BootTime, at_once: bool) -> bool {
        let Some(place) = self.fetching.place.clone() else { return false };
        let news = self.host.take_fetched();
        let moved = matches!(news, Some(Ok(News::Taken(_))));
        if let Some(news) = news {
            self.say_fetched(&place, news);
        }
        if at_once || now >= self.fetching.next {
            let revision = self.host.followed_revision().cloned();
            self.standing.be_at(&place, revision);
            self.host.fetch();
            let interval =
                self.options.settings.git.as_ref().map_or(Duration::from_mins(1), |git| git.interval);
            self.fetching.next = now.after(interval.saturating_add(apart(interval, now)));
        }
        moved
    }

    /// Before the first revision was taken there is nothing at its place, which is no mistake of anybody: what keeps it away is told
    /// when it is known.
    pub(super) fn await_first_revision(&self, look: &mut SourcesLook) {
        let Some(place) = self.fetching.place.as_deref() else { return };
        if self.host.followed_revision().is_none() {
            let shown = format!("`{place}`");
            look.diagnostics.retain(|said| said.code != UNAVAILABLE || !said.message.starts_with(&shown));
        }
    }

    /// Asks, beside the loop, which revisions the places are at that lie in a work tree.
    pub(super) fn ask_revisions(&mut self, changed: bool) {
        let followed = self.fetching.place.as_deref();
        let places = self.standing.sources().iter().map(|source| source.place.as_str());
        let places: Vec<PathBuf> =
            places.filter(|place| Some(*place) != followed).map(PathBuf::from).collect();
        self.host.ask_revisions(places, changed);
    }

    /// Takes note of what was found out.
    pub(super) fn hear_revisions(&mut self) {
        for (place, revision) in self.host.take_revisions() {
            let place = place.display().to_string();
            match revision {
                Some(revision) => self.be_at(&place, revision),
                None => self.standing.be_at(&place, None),
            }
        }
    }

    fn be_at(&mut self, place: &str, revision: Revision) {
        (self.tell)(Event::Revision { place, revision: &revision });
        self.chronicle.engine("Revision", format!("`{place}` is at {revision}"));
        self.standing.be_at(place, Some(revision));
    }

    fn say_fetched(&mut self, place: &str, news: Result<News, String>) {
        let (status, reason, message) = match &news {
            Ok(_) => (ConditionStatus::True, "Fetched", "the newest revision is the one in force".to_owned()),
            Err(reason) => {
                let message = match self.host.followed_revision().map(Revision::short) {
                    Some(stays) => format!("`{stays}` stays in force: {reason}"),
                    None => format!("nothing was taken yet: {reason}"),
                };
                (ConditionStatus::False, "NotTaken", message)
            }
        };
        let wall = self.host.now().wall;
        let kind = SourceConditionType::Fetched;
        self.standing.find(place, SourceFinding { kind, status, reason, message: message.clone() }, wall);
        match news {
            Ok(News::Same) => self.fetching.said = None,
            Ok(News::Taken(revision)) => {
                self.fetching.said = None;
                self.be_at(place, revision);
            }
            // The same trouble at every interval is told once.
            Err(_) if self.fetching.said.as_ref() == Some(&message) => {}
            Err(_) => {
                (self.tell)(Event::Trouble(&format!("git: {message}")));
                self.fetching.said = Some(message);
            }
        }
    }
}

/// Hosts that were started together need not ask together for ever.
fn apart(interval: Duration, now: BootTime) -> Duration {
    interval.mul_f64(f64::from(now.0.subsec_micros() % 1000) / 10_000.0)
}
