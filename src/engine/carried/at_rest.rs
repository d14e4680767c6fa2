//! What complete looks saw of objects that they left at rest, waiting for no moment. A decision follows from the document, the record, what
//! was seen and the moment: an object of which the next complete look sees the same, with the document and the record that it had, is decided
//! about as before, and at rest that is to do nothing and to say what was said.
//!
//! What is seen of objects that are at rest is nearly always one and the same, so that it is kept once for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plan::Plan;
use crate::plan::memory::Records;
use crate::plan::observation::{Observation, Seen};
use crate::spec::ServiceName;

/// More different looks than these aren't kept: who saw another one is decided about each time.
const SHAPES_MAX: usize = 64;

/// The objects, and what was seen of them.
#[derive(Debug, Default)]
pub(super) struct AtRest {
    // INVARIANT: what was decided last about an object of these was decided in a complete look that saw this.
    seen: BTreeMap<ServiceName, Arc<Seen>>,
    shapes: Vec<Arc<Seen>>,
}

impl AtRest {
    /// All objects but those of which a complete look saw the same again.
    pub(super) fn all_but(&self, records: &Records, observed: &Observation) -> Vec<ServiceName> {
        // All of them are in the order of names.
        let (mut before, mut now) = (self.seen.iter().peekable(), observed.services.iter().peekable());
        let mut is_same = |name: &ServiceName| {
            while before.next_if(|(other, _)| *other < name).is_some() {}
            while now.next_if(|(other, _)| *other < name).is_some() {}
            let before = before.next_if(|(other, _)| *other == name);
            let now = now.next_if(|(other, _)| *other == name);
            before.zip(now).is_some_and(|((_, before), (_, now))| before.is_like(now))
        };
        records.keys().filter(|name| !is_same(name)).cloned().collect()
    }

    /// Something else is decided about these.
    pub(super) fn forget<'n>(&mut self, names: impl Iterator<Item = &'n ServiceName>) {
        if !self.seen.is_empty() {
            for name in names {
                self.seen.remove(name);
            }
        }
    }

    /// Takes in what was just decided in a complete look, by what that saw.
    pub(super) fn keep(&mut self, plan: &Plan, observed: Observation) {
        let mut more = Vec::new();
        for (name, seen) in observed.services {
            let outlook = plan.outlook.get(&name);
            if outlook.is_some_and(|outlook| outlook.at_rest && outlook.next.is_none())
                && let Some(seen) = self.shared(seen)
            {
                more.push((name, seen));
            }
        }
        if self.seen.is_empty() {
            // A map that is made at once has no empty places in it.
            self.seen = more.into_iter().collect();
        } else {
            self.seen.extend(more);
        }
    }

    /// Nothing is known of any.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// By the names that these records have.
    pub(super) fn settle(&mut self, records: &Records) {
        let seen = std::mem::take(&mut self.seen).into_iter();
        self.seen =
            seen.filter_map(|(name, seen)| Some((records.get_key_value(&name)?.0.clone(), seen))).collect();
    }

    /// The one that others have as well, or this one from now on.
    fn shared(&mut self, seen: Seen) -> Option<Arc<Seen>> {
        if let Some(known) = self.shapes.iter().find(|known| known.is_like(&seen)) {
            return Some(Arc::clone(known));
        }
        if self.shapes.len() >= SHAPES_MAX {
            self.shapes.retain(|shape| Arc::strong_count(shape) > 1);
        }
        (self.shapes.len() < SHAPES_MAX).then(|| {
            let seen = Arc::new(seen);
            self.shapes.push(Arc::clone(&seen));
            seen
        })
    }
}
