//! What people ask of the loop, and waiting that only ends when there is something for it to do.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::looking::Occasion;
use super::{Event, Scope, Watch};
use crate::engine::control::{Desk, Known, Waiting};
use crate::facts::ProcessKey;
use crate::host::Host as _;
use crate::host::control::{Control, Refusal, Reply, Token};
use crate::host::errno::io_text;
use crate::host::failpoint;
use crate::host::scrape::Scrapes;
use crate::host::wake::Wakes;
use crate::plan::event::Who;
use crate::plan::memory::{Memory, Record};
use crate::plan::wanted::{Request, Wanted};
use crate::spec::ServiceName;
use crate::units::BootTime;

/// A call that is on record, and not answered yet.
#[derive(Debug)]
pub(super) struct Taken {
    waiting: Waiting,
    objects: Result<BTreeSet<ServiceName>, Vec<String>>,
    /// Of an apply: what was on record before.
    before: Option<Memory>,
}

/// Ticks for exits that come in while exits are taken in; what comes after them is left to be found gone.
const TICKS_BEFORE_UPGRADE: usize = 16;

/// The binary to become, and who asked for it.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) program: PathBuf,
    caller: (Token, u64),
}

impl Watch<'_> {
    /// Listens on the control socket, in place of an earlier watch.
    pub(super) fn open_control(&mut self) {
        let opened = Control::open(self.host.dirs()).and_then(|control| {
            self.host.watch_control(&control).map_err(|error| io_text(&error))?;
            Ok(control)
        });
        match opened {
            Ok(control) => self.desk = Desk::new(control),
            Err(reason) => (self.tell)(Event::Trouble(&reason)),
        }
    }

    /// Somebody may have taken the socket away, or there never was one.
    pub(super) fn open_control_again(&mut self) {
        if self.desk.control().is_none() {
            self.open_control();
        } else if let Err(reason) = self.desk.open_again() {
            (self.tell)(Event::Trouble(&reason));
        }
    }

    /// Waits until there is something for the loop to do, and answers meanwhile who only looks: that takes no tick.
    pub(super) fn wait(&mut self, until: BootTime) -> io::Result<Wakes> {
        self.serve();
        loop {
            if self.desk.has_requests() {
                return Ok(Wakes::default());
            }
            // What the host waits for besides is the loop's business.
            let until = self.host.deadline().map_or(until, |own| own.min(until));
            let scrapes = self.scrapes.as_ref().and_then(Scrapes::deadline);
            let asked = self.desk.deadline().into_iter().chain(scrapes).min();
            let wakes = self.host.wait(Some(asked.map_or(until, |asked| asked.min(until))))?;
            if wakes.scrapes || scrapes.is_some() {
                self.serve_metrics(self.host.now().boot);
            }
            let returns = wakes.is_more_than_control() || self.host.now().boot >= until;
            // Of an exit alone nobody who is connected hears before the ticks that follow.
            if wakes.control || !returns {
                self.serve();
            }
            if returns {
                return Ok(wakes);
            }
        }
    }

    fn serve(&mut self) {
        let mut desk = std::mem::take(&mut self.desk);
        desk.hear(&self.chronicle.take_fresh(desk.has_listeners()));
        let known = Known {
            status: &self.status,
            policies: &self.policies,
            sources: self.standing.sources(),
            memory: &self.memory,
            places: self.sources.places(),
            set: &self.set,
            clean: self.clean && self.pin.is_none() && self.set.rejected.is_empty(),
            metrics: &|| self.metrics(),
            dirs: self.host.dirs(),
        };
        desk.serve(known, self.host.now().boot);
        if desk.has_listeners() {
            // From the moment on in which somebody begins to listen.
            desk.hear(&self.chronicle.take_fresh(true));
        }
        self.desk = desk;
    }

    /// Puts what people ask for on record. Each call is answered only after the ticks that follow: whoever waits for that
    /// finds a status that knows of it. A crash in between has it asked twice, which does no harm.
    pub(super) fn take_requests(&mut self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for waiting in self.desk.take() {
            (self.tell)(Event::Request(&waiting.request));
            let now = self.host.now();
            let mut before = None;
            let who = Who::Person { name: waiting.request.by.clone(), uid: Some(waiting.uid.0) };
            let (rest, policies) = self.ask_policies(&waiting.request, &who);
            let mut objects = match rest {
                Some(wanted) => wanted.record(&mut self.memory, &waiting.request.by, now),
                None => Ok(BTreeSet::new()),
            };
            if let Wanted::Rollback { number, confirmed } = waiting.request.wanted {
                let done = self.roll_back(number, confirmed, &waiting.request.by);
                objects = objects.and_then(|objects| done.map(|()| objects).map_err(|reason| vec![reason]));
            }
            if policies.is_empty() || objects.as_ref().is_ok_and(|objects| !objects.is_empty()) {
                self.note(&waiting, &objects);
            }
            match &waiting.request.wanted {
                Wanted::Upgrade(program) => {
                    let caller = (waiting.token, waiting.id);
                    self.successor = Some(Successor { program: program.clone(), caller });
                }
                Wanted::Apply { confirmed, prune } => {
                    before = Some(self.memory.clone());
                    self.confirmed |= confirmed;
                    self.confirmed_prunes.extend(prune.iter().cloned());
                    // A record that nobody touches stays the value that others share.
                    let failed = self.memory.services.rows_where(|told| told.failed);
                    let failed = failed.filter(|(_, record)| record.remembers_failures());
                    let failed: Vec<ServiceName> = failed.map(|(name, _)| name.clone()).collect();
                    for name in failed {
                        if let Some(record) = self.memory.record_mut(&name) {
                            record.try_again();
                        }
                    }
                    self.look_as_asked(now.boot);
                }
                Wanted::Rollback { confirmed, .. } if objects.is_ok() => {
                    self.confirmed |= confirmed;
                    self.look_as_asked(now.boot);
                }
                Wanted::Rollback { .. }
                | Wanted::Start { .. }
                | Wanted::Stop { .. }
                | Wanted::Restart(_)
                | Wanted::Reload(_)
                | Wanted::Signal { .. }
                | Wanted::Suspend { .. }
                | Wanted::Resume(_)
                | Wanted::Release(_)
                | Wanted::Adopt { .. } => {}
            }
            taken.push(Taken { waiting, objects, before });
        }
        taken
    }

    /// What was named counts at once, so that whoever has written a file needn't wait until a thousand others were looked at. Then
    /// everything does. A removal that was confirmed is one of everything, and confirmed once.
    fn look_as_asked(&mut self, now: BootTime) {
        if self.confirmed_prunes.is_empty() {
            if self.look_at_sources(Occasion::AskedOfNamed, now) == Scope::Everything {
                return;
            }
            self.converge(false);
        }
        self.look_at_sources(Occasion::Asked, self.host.now().boot);
    }

    /// Into the record of events.
    fn note(&mut self, waiting: &Waiting, objects: &Result<BTreeSet<ServiceName>, Vec<String>>) {
        let Request { by, wanted } = &waiting.request;
        let Ok(objects) = objects else { return };
        let who = Who::Person { name: by.clone(), uid: Some(waiting.uid.0) };
        let names: Vec<&ServiceName> = objects.iter().collect();
        self.chronicle.asked(&who, wanted.verb(), &wanted.to_string(), &names);
    }

    /// Does nothing of what is asked any more.
    pub(super) fn refuse_requests(&mut self, because: &str) {
        for waiting in self.desk.take() {
            let reply = Reply::Refused(Refusal::Failed(because.to_owned()));
            self.desk.answer(waiting.token, waiting.id, &reply);
        }
    }

    /// Says that it is done. Who asked for another binary hears of it from that, or why it isn't.
    pub(super) fn answer(&mut self, taken: Vec<Taken>) {
        for Taken { waiting, objects, before } in taken {
            let objects =
                objects.map(|objects| before.map_or(objects, |before| moved(&before, &self.memory)));
            let reply = match (failpoint::hit("request.answer"), objects) {
                (Err(error), _) => Reply::Refused(Refusal::Failed(io_text(&error))),
                (Ok(()), Ok(_)) if matches!(waiting.request.wanted, Wanted::Upgrade(_)) => continue,
                (Ok(()), Ok(objects)) => Reply::Done { objects },
                (Ok(()), Err(sentences)) => Reply::Refused(Refusal::Impossible(sentences)),
            };
            self.desk.answer(waiting.token, waiting.id, &reply);
        }
    }

    /// Becomes another binary. If that fails, everything goes on as before, and who asked is told.
    pub(super) fn upgrade(&mut self, successor: &Successor) {
        // What was collected is gone from the kernel: it has to be on record before the next image asks how a process ended.
        for _ in 0..TICKS_BEFORE_UPGRADE {
            if !self.host.has_unseen_exits() {
                break;
            }
            self.converge(false);
        }
        self.chronicle.engine("Upgrade", format!("the watch becomes `{}`", successor.program.display()));
        let reason = self.host.replace_by(&successor.program, &self.memory);
        self.chronicle.engine("NotUpgraded", reason.clone());
        (self.tell)(Event::Trouble(&format!("this watch stays as it is: {reason}")));
        let (token, id) = successor.caller;
        self.desk.answer(token, id, &Reply::Refused(Refusal::Failed(reason)));
    }
}

/// The objects whose document has another meaning than before, or whose processes are others.
fn moved(before: &Memory, after: &Memory) -> BTreeSet<ServiceName> {
    let stands = |record: &Record| {
        let processes = record.instances.values().filter_map(|instance| instance.phase.process());
        let keys: Vec<ProcessKey> = processes.map(|process| process.key.clone()).collect();
        (record.generation, keys)
    };
    let changes = after.services.changes_since(&before.services);
    let moved = changes.filter(|change| change.was.map(|was| stands(was)) != change.is.map(|is| stands(is)));
    moved.map(|change| change.key.clone()).collect()
}
