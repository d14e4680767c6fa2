//! Looks at the documents: when one is due, what it is about, and what follows for the next one.

use super::Watch;
use super::looking::Occasion;
use crate::engine::sources::absolute;
use crate::engine::told::Event;
use crate::host::Host as _;
use crate::host::history::Accepted;
use crate::host::spec_dir::watched;
use crate::host::wake::Wakes;
use crate::units::{BootTime, WallTime};

/// What a look at the documents was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// Files that somebody named.
    Named,
    /// All there is.
    Everything,
}

impl Watch<'_> {
    /// Notes when to look at the documents, if something was heard of them.
    pub(super) fn hear(&mut self, wakes: &Wakes) {
        if let Some(settled) = self.looking.hear(wakes, self.host.now().boot) {
            self.look_due = Some(settled);
        }
    }

    /// Watches what is to be watched now: another directory than before may be under an old name.
    pub(super) fn renew_hints(&mut self) {
        let mut documents = self.sources.watched();
        documents.extend(self.watched_files.iter().flat_map(|path| watched(path)));
        documents.extend(self.options.file.iter().flat_map(|file| watched(file.path())));
        self.looking.watch(&documents);
        let deaf = self.looking.deaf().filter(|_| self.options.hints).map(str::to_owned);
        if let Some(reason) = deaf.as_ref().filter(|_| self.told_deaf.is_none()) {
            (self.tell)(Event::Trouble(&format!(
                "looking every 2s, since notifications are not to be had: {reason}"
            )));
        }
        self.told_deaf = deaf;
    }

    /// Looks at the documents, and notes when to look again.
    pub(super) fn look_at_sources(&mut self, occasion: Occasion, now: BootTime) -> Scope {
        let began = self.host.now();
        self.host.forget_listing();
        self.renew_settings();
        // After what was named comes a look at everything, before which hints are renewed.
        let is_first = occasion == Occasion::AskedOfNamed && self.looking.is_about_named(self.calm);
        if !is_first {
            self.renew_hints();
        }
        let before = (!is_first).then(|| self.sources.watched());
        let attention = self.looking.attention(occasion, now, self.calm);
        let mut look = self.sources.look_with(attention);
        if before.map_or(!look.named, |before| before != self.sources.watched()) {
            // What it leads to was not watched while it was read.
            self.renew_hints();
            look = self.sources.look_with(self.looking.attention(occasion, self.host.now().boot, false));
        }
        self.await_first_revision(&mut look);
        let told = self.looking.finding();
        for place in self.sources.places().iter().map(|place| absolute(place)) {
            if !look.findings.iter().any(|(of, finding)| *of == place && finding.kind == told.kind) {
                look.findings.push((place, told.clone()));
            }
        }
        let took = self.host.now().boot.since(began.boot);
        let complete = look.seen.complete.then_some(began.wall);
        self.ask_revisions(self.digest.as_ref() != Some(&look.digest));
        self.clean = look.is_clean();
        (self.tell)(Event::Looked { took, complete });
        if self.digest.as_ref() != Some(&look.digest) {
            if look.named && self.declares_more(&look) {
                // Whoever is new is looked for.
                self.host.begin_listing();
            }
            (self.tell)(Event::Sources(&look));
            self.digest = Some(look.digest.clone());
        }
        let recheck = self.accept(&mut look, now);
        self.calm = look.seen.complete && look.again.is_none() && recheck.is_none() && self.held.is_empty();
        if !self.watched_files.is_empty() {
            self.renew_hints();
        }
        self.look_due =
            recheck.into_iter().chain(look.again).chain(self.looking.poll(look.remote, now)).min();
        if look.named { Scope::Named } else { Scope::Everything }
    }

    /// What is in force now goes into the history, if it is another set than the last one there.
    pub(super) fn keep_set(&mut self, at: WallTime) {
        let (by, why) = self.origin_of_set();
        self.unkept.push(Accepted { services: self.set.services.clone(), at, by, why });
    }

    /// Only when what follows from a set was done: its first work is to read all that is there, on a processor that the services
    /// which begin need as well.
    pub(super) fn give_sets(&mut self) {
        self.unkept.drain(..).for_each(|accepted| self.history.keep(accepted));
    }
}
