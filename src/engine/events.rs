//! The chronicle: what ticks, requests and looks tell goes into the record of events. Nothing reads it here.

use super::accept::PruneHeld;
use crate::host::clock;
use crate::host::events::{Bounds, EventLog};
use crate::host::linux::LinuxHost;
use crate::plan::event::{Event, EventKind, Recorded, Who};

/// Writes events down, in the order in which they are told.
#[derive(Debug)]
pub struct Chronicle {
    log: EventLog,
    /// Of the engine itself: the next thing that is not as it should be.
    trouble: Option<String>,
    /// For whoever follows; `None`: nobody does.
    fresh: Option<Vec<Recorded>>,
}

impl Chronicle {
    /// The chronicle of an engine that holds the state.
    pub fn new(host: &LinuxHost) -> Self {
        Self { log: EventLog::open(host.dirs(), host.boot(), Bounds::default()), trouble: None, fresh: None }
    }

    /// Writes these down. Gives them as they stand in the record, for whoever follows it.
    pub fn tell(&mut self, events: &[Event]) -> Vec<Recorded> {
        if events.is_empty() {
            return Vec::new();
        }
        let (recorded, trouble) = self.log.write(events, clock::now());
        self.trouble = trouble.or(self.trouble.take());
        if let Some(fresh) = &mut self.fresh {
            fresh.extend(recorded.iter().cloned());
        }
        recorded
    }

    /// What was written down since this was last asked; `go_on`: somebody wants to hear of more.
    pub(super) fn take_fresh(&mut self, go_on: bool) -> Vec<Recorded> {
        std::mem::replace(&mut self.fresh, go_on.then(Vec::new)).unwrap_or_default()
    }

    /// Something about the engine itself.
    pub fn engine(&mut self, reason: &str, message: impl Into<String>) -> Vec<Recorded> {
        self.tell(&[Event::new(EventKind::Engine, reason, message)])
    }

    /// A person asked for something, for each of these objects, or for none in particular. `verb` is one CamelCase word.
    pub fn asked(
        &mut self,
        who: &Who,
        verb: &str,
        message: &str,
        objects: &[&crate::spec::ServiceName],
    ) -> Vec<Recorded> {
        let event = Event::new(EventKind::Asked, verb, message).by(who.clone());
        if objects.is_empty() {
            return self.tell(&[event]);
        }
        let events: Vec<Event> = objects.iter().map(|object| event.clone().of(object)).collect();
        self.tell(&events)
    }

    /// Objects whose documents are gone stay in force.
    pub fn prune_held(&mut self, held: &PruneHeld) -> Vec<Recorded> {
        let message = format!("nothing is removed: {}", held.reason);
        let fields = held.names.iter().map(ToString::to_string).collect();
        self.tell(&[Event { fields, ..Event::new(EventKind::Source, "PruneHeld", message) }])
    }

    /// Much was written down at once.
    pub(super) fn settle(&mut self) {
        self.log.settle();
    }

    /// The state directory was made again.
    pub fn restored(&mut self) {
        self.log.restored();
    }

    /// Why events could not be written, once for each time that begins.
    pub fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }
}
