//! Whoever hears of events as they come.

use std::collections::BTreeMap;

use crate::host::control::{Control, EventsWanted, Reply, Token, ToldEvents};
use crate::plan::event::Recorded;
use crate::units::BootTime;

/// So many events wait for somebody who reads slowly; of more it is told how many they were.
const WAITING_MAX: usize = 1024;

/// One of them.
#[derive(Debug)]
struct Listener {
    id: u64,
    wanted: EventsWanted,
    waiting: Vec<Recorded>,
    missed: usize,
    /// It was told what was on record.
    has_begun: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Listeners(BTreeMap<Token, Listener>);

impl Listeners {
    /// Somebody wants to hear of what comes from now on; it is told after what is on record.
    pub(super) fn begin(&mut self, token: Token, id: u64, wanted: EventsWanted) {
        let listener = Listener { id, wanted, waiting: Vec::new(), missed: 0, has_begun: false };
        self.0.insert(token, listener);
    }

    /// It is told what is on record. What came while that was read may stand there too, and is told twice then.
    pub(super) fn has_begun(&mut self, token: Token) {
        if let Some(listener) = self.0.get_mut(&token) {
            listener.has_begun = true;
        }
    }

    /// Nobody listens.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These came.
    pub(super) fn hear(&mut self, events: &[Recorded]) {
        for listener in self.0.values_mut() {
            for event in events.iter().filter(|event| listener.wanted.takes(event)) {
                if listener.waiting.len() < WAITING_MAX {
                    listener.waiting.push(event.clone());
                } else {
                    listener.missed += 1;
                }
            }
        }
    }

    /// Tells those that have read everything until now.
    pub(super) fn tell(&mut self, control: &mut Control, now: BootTime) {
        // Who left, or made another call.
        self.0.retain(|token, listener| !listener.has_begun || control.follows(*token).is_some());
        for (token, listener) in &mut self.0 {
            let is_due = listener.has_begun && !listener.waiting.is_empty();
            if is_due && control.follows(*token) == Some(true) {
                let (events, missed) =
                    (std::mem::take(&mut listener.waiting), std::mem::take(&mut listener.missed));
                let reply = Reply::Events(ToldEvents { events, unread: 0, missed });
                if let Ok(reply) = serde_json::to_vec(&reply) {
                    control.tell(*token, listener.id, &reply, now);
                }
            }
        }
    }
}
