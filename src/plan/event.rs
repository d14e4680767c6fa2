//! What happened, as people and programs read it later: who did what to which object, why, and which rule decided.
//!
//! Pure: [`events()`] derives them from memory before a tick, the plan and the outcomes. They are told after the fact and
//! nothing is ever decided from them.

mod derive;
mod instance;
mod rule;

use serde::{Deserialize, Serialize};

use super::memory::Exit;
use super::status::{ConditionStatus, ConditionType};
use crate::spec::ServiceName;
use crate::spec::policy::Severity;
use crate::units::{BootId, BootTime, Pid, Signal, StartTicks, WallTime};

pub use derive::events;

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// To which object; `None`: to the engine, or to the set as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ServiceName>,
    /// To which replica, from 0, also where it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// How many there are to be, where these are several: people read `NAME[INDEX]` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// What.
    pub kind: EventKind,
    /// Who did it.
    pub who: Who,
    /// One CamelCase word.
    pub reason: String,
    /// A sentence without the object's name and without numbers of processes, so that the same thing has the same words.
    pub message: String,
    /// What decided: a field of the document with its value, or a condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Number of the document's meaning that was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Where the document stood, as file and line, or the revision of its work tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Which process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<Pid>,
    /// When that was forked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ticks: Option<StartTicks>,
    /// Which signal it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Which condition of the status changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionChange>,
    /// Fields of the document that changed, or decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Of a Policy, which is the object then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyNote>,
}

/// What an event says of a Policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyNote {
    /// How bad it is.
    pub severity: Severity,
    /// What the process executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// What was, or would have been, done: a word of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Why it was only said: one CamelCase word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

/// A condition that changed, and what it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionChange {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// What it is now; `None`: nothing is said of it any more.
    pub status: Option<ConditionStatus>,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum EventKind {
    /// A document is in force, for the first time or with another meaning.
    Accepted,
    /// The document is gone, and what runs is stopped or let go.
    Removing,
    /// Nothing is known of the object any more.
    Removed,
    /// A person asked for something.
    Asked,
    /// A process runs.
    Started,
    /// No process runs, although a start was tried.
    NotStarted,
    /// A running process was taken over.
    Adopted,
    /// A running process could not be taken over.
    NotAdopted,
    /// A process was let go, untouched.
    Released,
    /// A stop begins.
    Stopping,
    /// A signal was sent.
    Signalled,
    /// A signal could not be sent.
    NotSignalled,
    /// A process ended.
    Exited,
    /// Another process of its own takes the place of the one on record.
    Followed,
    /// Limits, scheduling or bounds of what runs are others now.
    Adjusted,
    /// They could not be changed.
    NotAdjusted,
    /// A command of the document was begun.
    Command,
    /// It failed.
    CommandFailed,
    /// A run of a Task came to its end.
    RunEnded,
    /// A moment of a Task's schedule was left out.
    LeftOut,
    /// A condition of the status is another one.
    Condition,
    /// The engine itself began, ended or became another binary.
    Engine,
    /// Something about the places of documents.
    Source,
    /// Its document didn't become Ready, and the last good one is in force again. What a person puts in force is asked for.
    RolledBack,
    /// A Policy is violated.
    Violated,
    /// A Policy isn't violated any more.
    NotViolated,
    /// Something was done because of a Policy.
    PolicyActed,
    /// It was tried, and failed.
    PolicyFailed,
    /// It was only said.
    PolicyWithheld,
    /// Events that could not be written down.
    Lost,
}

impl EventKind {
    /// Whether facts that differ from look to look stand in the sentence.
    pub fn tells_facts(self) -> bool {
        matches!(
            self,
            Self::Condition | Self::Violated | Self::PolicyActed | Self::PolicyFailed | Self::PolicyWithheld
        )
    }
}

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Who {
    /// The engine, by the rules of the documents.
    Engine,
    /// The schedule of a Task.
    Schedule,
    /// A person.
    Person {
        /// The user's name, or the number where it has none.
        name: String,
        /// The user's number, where the one who told it knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<u32>,
    },
}

impl Who {
    /// A person of this name.
    pub fn person(name: impl Into<String>) -> Self {
        Self::Person { name: name.into(), uid: None }
    }
}

impl std::fmt::Display for Who {
    /// `the engine`, `its schedule`, `ann`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine => f.write_str("the engine"),
            Self::Schedule => f.write_str("its schedule"),
            Self::Person { name, .. } => f.write_str(name),
        }
    }
}

impl Event {
    /// Something that the engine did, with nothing else said.
    pub fn new(kind: EventKind, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            object: None,
            index: None,
            replicas: None,
            kind,
            who: Who::Engine,
            reason: reason.into(),
            message: message.into(),
            rule: None,
            generation: None,
            revision: None,
            pid: None,
            start_ticks: None,
            signal: None,
            exit: None,
            condition: None,
            fields: Vec::new(),
            policy: None,
        }
    }

    /// The same about an object.
    #[must_use]
    pub fn of(self, object: &ServiceName) -> Self {
        Self { object: Some(object.clone()), ..self }
    }

    /// The same, done by somebody.
    #[must_use]
    pub fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    /// What makes it the same thing once more: all but the process, and for a condition and a policy the sentence (which may say
    /// how long a wait is, or what a fact was).
    #[must_use]
    pub fn again(&self) -> Self {
        let message = if self.kind.tells_facts() { String::new() } else { self.message.clone() };
        Self { pid: None, start_ticks: None, message, ..self.clone() }
    }
}

/// An event as it was written down.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// Its number: grows with every event that is written, over restarts and boots.
    pub seq: u64,
    /// How often it happened: equal ones in a row are counted, not written again.
    pub times: u64,
    /// When it happened first, by the wall clock.
    #[serde(serialize_with = "as_text")]
    pub time: WallTime,
    /// When it happened last, by the wall clock.
    #[serde(serialize_with = "as_text")]
    pub last: WallTime,
    /// When it happened first, since the boot, in milliseconds.
    #[serde(rename = "bootMs", serialize_with = "as_millis")]
    pub since_boot: BootTime,
    /// Which boot that was.
    pub boot: BootId,
    /// What; its process and its sentence are those of the last time.
    #[serde(flatten)]
    pub event: Event,
}

fn as_text<S: serde::Serializer>(time: &WallTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.rfc3339())
}

fn as_millis<S: serde::Serializer>(time: &BootTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX))
}

/// What stands beside the event itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    seq: u64,
    times: u64,
    time: String,
    last: String,
    boot_ms: u64,
    boot: BootId,
}

impl Recorded {
    /// Reads one from its JSON; nothing if it is none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        Self::joined(serde_json::from_slice(json).ok()?, serde_json::from_slice(json).ok()?)
    }

    fn joined(head: Head, event: Event) -> Option<Self> {
        Some(Self {
            seq: head.seq,
            times: head.times,
            time: WallTime::parse(&head.time)?,
            last: WallTime::parse(&head.last)?,
            since_boot: BootTime(std::time::Duration::from_millis(head.boot_ms)),
            boot: head.boot,
            event,
        })
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        // Both parts stand side by side in one object, each blind for the other.
        let value = serde_json::Value::deserialize(deserializer)?;
        let head = Head::deserialize(&value).map_err(D::Error::custom)?;
        let event = Event::deserialize(&value).map_err(D::Error::custom)?;
        Self::joined(head, event).ok_or_else(|| D::Error::custom("the time of the event is none"))
    }
}
