//! One policy: its conditions made ready, and what was found for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::Message;
use super::{Eyes, Scene};
use crate::facts::{Fact, Reason, Why};
use crate::host::conditions::{Alone, TOLD_FUNCTIONS};
use crate::lang::Matcher;
use crate::plugin;
use crate::process::identity::Ternary;
use crate::process::plain::is_told;
use crate::spec::policy::{Lasting, Policy};
use crate::units::{BootTime, Pid, StartTicks};

/// Fields that need the arguments.
const OF_ARGUMENTS: [&str; 6] = ["argv", "cmdline", "name", "runs", "args", "has_args"];

/// What is known of a process that a policy may be about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// Whether it matches can't be told.
    Unsure,
    /// It matches.
    Sure {
        /// With the pid, its identity.
        start: StartTicks,
        /// Whether `when` is so.
        violates: Fact<bool>,
    },
}

/// A policy in force.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) policy: Arc<Policy>,
    subject: Option<Alone>,
    when: Option<Alone>,
    /// Nothing but what events tell of decides whether it matches.
    pub(super) match_is_told: bool,
    when_is_told: bool,
    pub(super) reads_arguments: bool,
    message: Option<Message>,
    /// Whom it may be about.
    pub(super) members: BTreeSet<Pid>,
    pub(super) found: BTreeMap<Pid, Found>,
    /// When it is to be looked at again.
    pub(super) due: Option<BootTime>,
}

impl Kept {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            subject: None,
            when: None,
            match_is_told: false,
            when_is_told: false,
            reads_arguments: false,
            message: None,
            members: BTreeSet::new(),
            found: BTreeMap::new(),
            due: None,
        }
    }

    pub(super) fn bind(&mut self, scene: &Scene<'_>, look: &plugin::Look) {
        let alone = |expression| scene.conditions.alone(expression, scene.world, look);
        let subject = self.policy.subject.as_ref().map(alone);
        let when = self.policy.when.as_ref().map(alone);
        let told = |alone: &Alone| {
            let is_told = |name: &String| is_told(name) || TOLD_FUNCTIONS.contains(&name.as_str());
            alone.matcher().is_ok() && alone.asks().iter().all(is_told)
        };
        // Which Services have such labels nobody tells of here.
        self.match_is_told = self.policy.selector.is_none() && subject.as_ref().is_none_or(told);
        self.when_is_told = when.as_ref().is_none_or(told);
        let reads = |alone: &Alone| OF_ARGUMENTS.iter().any(|name| alone.asks().contains(*name));
        self.reads_arguments = subject.as_ref().is_some_and(reads) || when.as_ref().is_some_and(reads);
        if self.message.is_none() {
            let text = self.policy.message.as_deref();
            self.message = text.and_then(|text| Message::new(text, &[&subject, &when]));
        }
        (self.subject, self.when) = (subject, when);
    }

    /// For the sieve; `None`: it has to be asked the long way of everybody.
    pub(super) fn matcher(&self) -> Option<&Matcher> {
        self.subject.as_ref()?.matcher().ok()
    }

    /// It asks for facts that nobody tells of.
    pub(super) fn asks_more(&self) -> bool {
        !self.match_is_told || !self.when_is_told
    }

    /// Those of whom something isn't known, which may be otherwise at the next look.
    pub(super) fn unsure(&self) -> impl Iterator<Item = Pid> {
        let is_unsure = |found: &Found| match found {
            Found::Unsure => true,
            Found::Sure { violates, .. } => matches!(violates, Fact::Unknown(_)),
        };
        self.found.iter().filter(move |(_, found)| is_unsure(found)).map(|(pid, _)| *pid)
    }

    /// Looks are due by time, besides those for which something happened.
    pub(super) fn looks_again(&self) -> bool {
        self.asks_more()
            || self.unsure().next().is_some()
            || matches!(self.policy.lasting, Lasting::Looks { .. })
    }

    pub(super) fn matches(&self, pid: Pid, eyes: &Eyes<'_>) -> Ternary {
        match &self.subject {
            Some(subject) => subject.holds(pid, &eyes.vocabulary, eyes.scene.world, &eyes.plugins),
            None => Ternary::True,
        }
    }

    /// What is said of one that violates it.
    pub(super) fn message_of(&self, pid: Pid, eyes: &Eyes<'_>) -> Option<String> {
        Some(self.message.as_ref()?.of(pid, eyes))
    }

    /// What is said where there is no process to speak of.
    pub(super) fn message_of_nobody(&self) -> Option<String> {
        self.message.as_ref().map(Message::of_nobody)
    }

    /// Whether it is of a Service that the policy's labels choose.
    pub(super) fn chooses(&self, pid: Pid, eyes: &Eyes<'_>) -> bool {
        eyes.scene.owners.chosen(self.policy.selector.as_ref(), eyes.scene.world, pid)
    }

    /// It matches: whether it violates. `None`: it is gone.
    pub(super) fn examined(&self, pid: Pid, eyes: &Eyes<'_>) -> Option<Found> {
        let violates = match &self.when {
            None => Fact::Known(true),
            Some(when) => match when.holds(pid, &eyes.vocabulary, eyes.scene.world, &eyes.plugins) {
                Ternary::True => Fact::Known(true),
                Ternary::False => Fact::Known(false),
                Ternary::Unknown(reasons) => {
                    let reason = reasons.into_iter().next();
                    Fact::Unknown(reason.unwrap_or(Reason { why: Why::Unresolved, detail: None }))
                }
            },
        };
        match eyes.scene.world.stat(pid) {
            Fact::Known(stat) => Some(Found::Sure { start: stat.start, violates }),
            Fact::Unknown(reason) if reason.why == Why::Vanished => None,
            Fact::Absent => Some(Found::Sure { start: StartTicks(0), violates }),
            Fact::Unknown(_) => Some(Found::Unsure),
        }
    }

    /// What was found of a process. True if it is otherwise than before.
    pub(super) fn put(&mut self, pid: Pid, found: Option<Found>) -> bool {
        match found {
            Some(found) => self.found.insert(pid, found.clone()) != Some(found),
            None => self.found.remove(&pid).is_some(),
        }
    }
}
