//! Whoever is connected to the control socket, and what it is told.
//!
//! ```text
//! serve: calls that only look are answered here, from what the loop knows --> no tick
//!        calls to do something wait --> the loop takes them, ticks, answers
//!        who follows is told what changed, at a pace that it and the loop can bear
//! ```

mod beside;
mod listeners;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use beside::{Beside, Ready};
use listeners::Listeners;

use super::policy::Policies;
use super::sources::absolute;
use super::statuses::Statuses;
use crate::facts::ProcessKey;
use crate::host::clock;
use crate::host::control::{
    Ask, Asked, Control, Documents, Explained, ExplainedPolicy, Hello, Refusal, Reply, Rights, Token, Told,
    Unsettled,
};
use crate::host::state_dir::Dirs;
use crate::plan::event::Recorded;
use crate::plan::memory::Memory;
use crate::plan::settled::{Settled, settled};
use crate::plan::sources::SourceStatus;
use crate::plan::status::ServiceStatus;
use crate::plan::wanted::{Objects, Request, names_policy, no_object};
use crate::spec::{ServiceName, SpecSet};
use crate::units::{BootTime, Uid};

/// Whoever follows takes a part of the loop's time that is no larger than one in so many.
const SHARE: u32 = 10;
/// The longest name of somebody who asks, in characters.
const NAME_MAX: usize = 64;

/// What the loop knows, for those who ask.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// As of the last tick.
    pub status: &'a Statuses,
    /// Policies, as of their last turn.
    pub policies: &'a Policies,
    /// As of the last look.
    pub sources: &'a [SourceStatus],
    /// Everything on record.
    pub memory: &'a Memory,
    /// What is watched, as it was given.
    pub places: &'a [PathBuf],
    /// What is in force.
    pub set: &'a SpecSet,
    /// The last look at the documents found nothing to say, and what they declare is in force.
    pub clean: bool,
    /// What is counted and measured, in the text format of Prometheus.
    pub metrics: &'a dyn Fn() -> String,
    /// Where the record of events and the history are.
    pub dirs: &'a Dirs,
}

/// A call that the loop has to do something for.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Whose.
    pub token: Token,
    /// Stands in the answer.
    pub id: u64,
    /// The user who asks, as the kernel says.
    pub uid: Uid,
    /// What.
    pub request: Request,
}

#[derive(Debug)]
struct Follower {
    id: u64,
    objects: Objects,
    /// It was told the status of this number.
    number: u64,
    /// What it was told, in short.
    hash: u64,
    /// It isn't told anything before.
    not_before: BootTime,
}

/// The control socket, as the loop uses it. Without one, nobody asks.
#[derive(Debug, Default)]
pub(super) struct Desk {
    control: Option<Control>,
    waiting: Vec<Waiting>,
    followers: BTreeMap<Token, Follower>,
    /// Grows with each change of the status.
    number: u64,
    /// The status of everything as a reply: what most ask for, made once for each change.
    whole: Option<Arc<Vec<u8>>>,
    /// Answers that are made beside the loop.
    beside: Beside,
    /// Whoever hears of events.
    listeners: Listeners,
}

impl Desk {
    /// Takes calls from this socket.
    pub(super) fn new(control: Control) -> Self {
        Self { control: Some(control), ..Self::default() }
    }

    /// The socket.
    pub(super) fn control(&self) -> Option<&Control> {
        self.control.as_ref()
    }

    /// Listens anew, since somebody took the socket's name away.
    pub(super) fn open_again(&mut self) -> Result<(), String> {
        self.control.as_mut().map_or(Ok(()), Control::open_again)
    }

    /// The status is another one than before.
    pub(super) fn has_news(&mut self) {
        self.number += 1;
        self.whole = None;
    }

    /// When there is something to do although nothing happens.
    pub(super) fn deadline(&self) -> Option<BootTime> {
        let control = self.control.as_ref()?;
        let late = self.followers.iter().filter(|(token, follower)| {
            follower.number != self.number && control.follows(**token) == Some(true)
        });
        late.map(|(_, follower)| follower.not_before).chain(control.deadline()).min()
    }

    /// Whether the loop has to do something.
    pub(super) fn has_requests(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What the loop has to do, in the order in which it came.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes calls in and answers those that only look.
    pub(super) fn serve(&mut self, known: Known<'_>, now: BootTime) {
        let Some(control) = &mut self.control else { return };
        for asked in control.serve(now) {
            self.take_in(asked, known, now);
        }
        self.tell_followers(known);
        self.tell_from_disk(known.dirs, now);
    }

    /// These events were written down since the last time.
    pub(super) fn hear(&mut self, events: &[Recorded]) {
        self.listeners.hear(events);
    }

    /// Whether somebody wants to hear of events.
    pub(super) fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Answers what was read meanwhile, and tells of events that came.
    fn tell_from_disk(&mut self, dirs: &Dirs, now: BootTime) {
        let Some(control) = &mut self.control else { return };
        for Ready { token, id, reply, follows } in self.beside.go_on(dirs, &control.bell()) {
            let Some(reply) = json(&reply) else { continue };
            if follows {
                control.tell(token, id, &reply, now);
                self.listeners.has_begun(token);
            } else {
                control.answer(token, id, &reply, now);
                // One that can't be told what is on record doesn't follow either.
                self.listeners.has_begun(token);
            }
        }
        self.listeners.tell(control, now);
    }

    /// Answers a call that the loop has done.
    pub(super) fn answer(&mut self, token: Token, id: u64, reply: &Reply) {
        if let (Some(control), Some(reply)) = (&mut self.control, json(reply)) {
            control.answer(token, id, &reply, clock::now().boot);
        }
    }

    fn take_in(&mut self, asked: Asked, known: Known<'_>, now: BootTime) {
        let Asked { token, peer, call } = asked;
        let id = call.id;
        match call.ask {
            Ask::Hello => {
                let rights = peer.rights(Uid(crate::host::own_uid()));
                self.answer(token, id, &Reply::Hello(hello(known, rights)));
            }
            Ask::Documents => self.answer(token, id, &Reply::Documents(documents(known))),
            Ask::Unsettled(named) => {
                self.answer(token, id, &Reply::Unsettled(unsettled(&named, known)));
            }
            Ask::Events(wanted) => {
                if wanted.follow {
                    self.listeners.begin(token, id, wanted.clone());
                }
                self.beside.push(token, id, beside::Wanted::Events(wanted));
            }
            Ask::History(wanted) => self.beside.push(token, id, beside::Wanted::History(wanted)),
            Ask::Metrics => self.answer(token, id, &Reply::Metrics((known.metrics)())),
            Ask::Status(objects) => {
                let reply = self.status(&objects, known);
                if let Some(control) = &mut self.control {
                    control.answer(token, id, &reply, now);
                }
            }
            Ask::Follow(objects) => {
                let (number, hash) = (self.number.wrapping_sub(1), 0);
                let follower = Follower { id, objects, number, hash, not_before: now };
                self.followers.insert(token, follower);
                self.tell(token, known, true);
            }
            Ask::Explain(name) => {
                let reply = explained(&name, known);
                self.answer(token, id, &reply);
            }
            Ask::ExplainPolicy(name) => {
                let reply = explained_policy(&name, known);
                self.answer(token, id, &reply);
            }
            Ask::Do(wanted) => {
                let request = Request { by: by(&call.by, peer.uid), wanted };
                self.waiting.push(Waiting { token, id, uid: peer.uid, request });
            }
        }
    }

    /// The status of these objects, as a reply.
    fn status(&mut self, objects: &Objects, known: Known<'_>) -> Arc<Vec<u8>> {
        if *objects != Objects::default() && !objects.all {
            return Arc::new(json(&Reply::Status(told(objects, known))).unwrap_or_default());
        }
        let whole = self.whole.get_or_insert_with(|| {
            Arc::new(json(&Reply::Status(told(&Objects::default(), known))).unwrap_or_default())
        });
        Arc::clone(whole)
    }

    fn tell_followers(&mut self, known: Known<'_>) {
        let now = clock::now().boot;
        let Some(control) = &self.control else { return };
        // Who left, or made another call.
        self.followers.retain(|token, _| control.follows(*token).is_some());
        let due = self.followers.iter().filter(|(token, follower)| {
            let waits = follower.number != self.number && follower.not_before <= now;
            waits && control.follows(**token) == Some(true)
        });
        let due: Vec<Token> = due.map(|(token, _)| *token).collect();
        for token in due {
            self.tell(token, known, false);
        }
    }

    /// Tells one of them how it is, unless it is as it was told before.
    fn tell(&mut self, token: Token, known: Known<'_>, first: bool) {
        let Some(mut follower) = self.followers.remove(&token) else { return };
        let begun = clock::now().boot;
        let reply = self.status(&follower.objects, known);
        let hash = hash(&reply);
        let is_news = first || hash != follower.hash;
        let Some(control) = self.control.as_mut().filter(|_| is_news) else {
            follower.number = self.number;
            self.followers.insert(token, follower);
            return;
        };
        control.tell(token, follower.id, &reply, begun);
        let end = clock::now().boot;
        follower.not_before = end.after(end.since(begun).saturating_mul(SHARE));
        (follower.number, follower.hash) = (self.number, hash);
        self.followers.insert(token, follower);
    }
}

/// Who asks, for the record. Only root and the engine's own user may do something, and these could write any name anyway.
fn by(name: &str, uid: Uid) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
    if shown.trim().is_empty() { format!("uid {uid}") } else { shown }
}

fn hello(known: Known<'_>, rights: Rights) -> Hello {
    Hello {
        pid: crate::host::own_pid(),
        selfsame: env!("CARGO_PKG_VERSION").to_owned(),
        places: known.places.iter().map(|place| PathBuf::from(absolute(place))).collect(),
        rights,
    }
}

fn documents(known: Known<'_>) -> Documents {
    let Known { set, clean, .. } = known;
    let declared = set.services.keys().filter(|name| clean && !set.unseen.contains_key(*name));
    Documents { places: hello(known, Rights::Look).places, clean, objects: declared.cloned().collect() }
}

fn unsettled(asked: &BTreeSet<ServiceName>, known: Known<'_>) -> Unsettled {
    let Known { set, status, clean, .. } = known;
    let places = hello(known, Rights::Look).places;
    if !clean {
        return Unsettled { places, ..Unsettled::default() };
    }
    let declared = || set.services.keys().filter(|name| !set.unseen.contains_key(*name));
    let is_declared = |name: &ServiceName| set.services.contains_key(name) && !set.unseen.contains_key(name);
    let told = status
        .alike()
        .filter(|(name, like)| asked.contains(*name) || settled(like) != Settled::Ready)
        .filter(|(name, _)| is_declared(name))
        .filter_map(|(name, _)| status.get(name.as_str()).map(Cow::into_owned));
    // Both are in the order of names.
    let mut rest = status.names().peekable();
    let unknown = declared().filter(|name| {
        while rest.next_if(|one| *one < *name).is_some() {}
        rest.peek().is_none_or(|one| *one != *name)
    });
    let unknown = unknown.cloned().collect();
    Unsettled { places, clean, objects: declared().count(), told: told.collect(), unknown }
}

fn told(objects: &Objects, known: Known<'_>) -> Told {
    let by_label = Objects { names: Vec::new(), ..objects.clone() };
    let covered = |service: &Cow<'_, ServiceStatus>| {
        by_label.covers(&service.name, known.memory.services.get(&service.name).map(|record| &**record))
    };
    let told = if objects.names.is_empty() {
        known.status.iter().filter(covered).map(Cow::into_owned).collect()
    } else {
        let named: BTreeSet<&str> = objects.names.iter().map(String::as_str).collect();
        let named = named.into_iter().filter_map(|name| known.status.get(name));
        named.filter(covered).map(Cow::into_owned).collect()
    };
    let is_missing = |text: &&String| {
        known.status.get(text).is_none()
            && known.policies.status().iter().all(|policy| !names_policy(text, &policy.name))
    };
    let policies = known.policies.status().iter().filter(|policy| {
        let named =
            objects.names.is_empty() || objects.names.iter().any(|text| names_policy(text, &policy.name));
        let labels = known.policies.policy(&policy.name).map(|policy| &policy.labels);
        let labelled = |(key, value)| labels.is_some_and(|labels| labels.get(key) == Some(value));
        named && objects.selector.iter().all(labelled)
    });
    Told {
        objects: told,
        policies: policies.cloned().collect(),
        sources: known.sources.to_vec(),
        missing: objects.names.iter().filter(is_missing).cloned().collect(),
    }
}

fn explained_policy(name: &ServiceName, known: Known<'_>) -> Reply {
    let Some(policy) = known.policies.policy(name) else {
        return Reply::Refused(Refusal::Impossible(vec![format!("no Policy `{name}` is in force")]));
    };
    let labels = known.memory.services.iter().filter(|(_, record)| !record.spec.labels.is_empty());
    Reply::ExplainedPolicy(Box::new(ExplainedPolicy {
        policy: (**policy).clone(),
        status: known.policies.status().iter().find(|status| status.name == *name).cloned(),
        recorded: recorded(known),
        labels: labels.map(|(name, record)| (name.clone(), BTreeMap::clone(&record.spec.labels))).collect(),
    }))
}

/// The processes on record.
fn recorded(known: Known<'_>) -> BTreeMap<ServiceName, Vec<ProcessKey>> {
    let keys = |(name, record): (&ServiceName, &Arc<crate::plan::memory::Record>)| {
        let processes = record.instances.values().filter_map(|instance| instance.phase.process());
        let keys: Vec<ProcessKey> = processes.map(|process| process.key.clone()).collect();
        (!keys.is_empty()).then(|| (name.clone(), keys))
    };
    known.memory.services.iter().filter_map(keys).collect()
}

fn explained(name: &ServiceName, known: Known<'_>) -> Reply {
    let Some(record) = known.memory.services.get(name) else {
        let known = known.memory.services.keys().map(ServiceName::as_str);
        return Reply::Refused(Refusal::Impossible(vec![no_object(name.as_str(), known)]));
    };
    Reply::Explained(Box::new(Explained {
        status: known.status.get(name.as_str()).map(Cow::into_owned),
        record: (**record).clone(),
        recorded: recorded(known),
    }))
}

fn json(reply: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(reply).ok()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
