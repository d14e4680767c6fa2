//! Ticks until nothing is left to do at once, and what is told of them.

use std::collections::BTreeSet;

use super::{Watch, parallel_starts};
use crate::engine::converge::converge_on;
use crate::engine::tick::TickOptions;
use crate::engine::told::Event;
use crate::host::Host as _;
use crate::plan::action::Outcome;
use crate::plan::sources::show_revisions;
use crate::plan::{PlanOptions, QuestionHints};
use crate::units::BootTime;

/// So many objects changed in one turn are worth it to give memory back.
const MANY: usize = 100;

impl Watch<'_> {
    /// Ticks until nothing is left to do at once, tells the status, and says when to tick again.
    pub(super) fn converge(&mut self, full: bool) -> Option<BootTime> {
        if full {
            self.max_starts = parallel_starts(&self.options.settings);
        }
        let options = TickOptions {
            plan: PlanOptions { confirmed: self.confirmed, max_starts: Some(self.max_starts) },
            hints: QuestionHints { full },
        };
        let (tell, chronicle) = (&mut self.tell, &mut self.chronicle);
        let (altered, bulky) = (&mut self.altered, &mut self.bulky);
        let mut started = BTreeSet::new();
        if self.confirmed {
            self.carried.forget();
        }
        let carried = &mut self.carried;
        let last = converge_on(&mut self.host, &self.set, &mut self.memory, options, carried, &mut |tick| {
            let begun = tick.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Started(_)));
            started.extend(begun.map(|(step, _)| step.service.clone()));
            // Also where no status shows it: each record that is changed is made anew. A few at each look become many.
            *altered += if tick.plan.outlook.len() >= MANY { tick.changed } else { 0 };
            *bulky |= *altered >= MANY;
            chronicle.tell(&tick.events);
            (tell)(Event::Tick(tick));
        });
        if full || !started.is_empty() {
            self.host.keep_outputs(&self.memory, (!full).then_some(&started));
        }
        if let Some(trouble) = self.chronicle.take_trouble() {
            (self.tell)(Event::Trouble(&trouble));
        }
        for line in self.host.take_said() {
            (self.tell)(Event::Trouble(&line));
        }
        let restored = self.host.take_restored();
        if restored {
            self.begin_again();
        } else if self.unfound.is_some() {
            self.announce();
        }
        self.count();
        let moved = self.carried.tell(&mut self.status);
        self.bulky |= moved.names.len() >= MANY;
        if moved.is_any() || restored || self.standing.is_news() {
            // Of the others it is as it was said: what is known of a document is part of its status.
            let all = restored || self.standing.is_at_another_revision();
            if all {
                show_revisions(self.status.iter_mut(), self.standing.sources(), &self.set);
            } else {
                for name in &moved.names {
                    let status = self.status.get_mut(name.as_str());
                    show_revisions(status, self.standing.sources(), &self.set);
                }
            }
            self.standing.was_told();
            self.desk.has_news();
        }
        if moved.is_any() || restored {
            let sum = self.carried.sum();
            (self.tell)(Event::Status { all: &self.status, changed: &moved.names, sum });
        }
        if last.again { Some(self.host.now().boot) } else { last.next }
    }
}
