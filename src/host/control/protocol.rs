//! What is said on the control socket. `docs/control.md` shows each of these forms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Rights;
use crate::facts::ProcessKey;
use crate::host::history::ToldHistory;
use crate::plan::event::Recorded;
use crate::plan::memory::Record;
use crate::plan::policy::PolicyStatus;
use crate::plan::sources::SourceStatus;
use crate::plan::status::ServiceStatus;
use crate::plan::wanted::{Objects, Wanted};
use crate::spec::ServiceName;
use crate::spec::policy::Policy;
use crate::units::Pid;

/// The version of what is said here. A watch takes calls of this version and of older ones.
pub const VERSION: u64 = 1;

/// A line of somebody who asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Call {
    /// Of the protocol.
    pub version: u64,
    /// Stands in each answer to this call.
    #[serde(default)]
    pub id: u64,
    /// Who asks, for the record. Whose word it is, the kernel says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Ask {
    /// Who is there?
    Hello,
    /// What is the status of these objects? Nothing said of objects: of all.
    Status(Objects),
    /// The same, now and whenever it changes, until the next call or the end of the connection.
    Follow(Objects),
    /// What is known of this object, its document included.
    Explain(ServiceName),
    /// What is known of this Policy, its document included.
    ExplainPolicy(ServiceName),
    /// What is counted and measured?
    Metrics,
    /// What do the documents say that were looked at last?
    Documents,
    /// Which of the objects that they declare aren't as wanted? These are told in any case.
    Unsettled(BTreeSet<ServiceName>),
    /// What happened?
    Events(EventsWanted),
    /// Which sets of documents were in force?
    History(HistoryWanted),
    /// Do this. Answered when it is on record and the ticks that follow at once are over.
    Do(Wanted),
}

impl Ask {
    /// What somebody has to be allowed for it.
    pub fn needs(&self) -> Rights {
        match self {
            Self::Hello
            | Self::Status(_)
            | Self::Follow(_)
            | Self::Metrics
            | Self::Documents
            | Self::Unsettled(_) => Rights::Look,
            // A document may hold what isn't for everybody.
            Self::Explain(_) | Self::ExplainPolicy(_) | Self::Events(_) | Self::History(_) | Self::Do(_) => {
                Rights::All
            }
        }
    }
}

/// Which events.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsWanted {
    /// Of these objects; of all, and of none in particular, if no name is given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
    /// Those on record, and then each that comes, until the next call or the end of the connection.
    #[serde(default)]
    pub follow: bool,
}

impl EventsWanted {
    /// Whether this is one of them.
    pub fn takes(&self, recorded: &Recorded) -> bool {
        let object = recorded.event.object.as_ref();
        self.names.is_empty() || object.is_some_and(|object| self.names.contains(object.as_str()))
    }
}

/// Which sets of the history.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HistoryWanted {
    /// The one of this number; all if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// A line of the watch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Of the protocol.
    pub version: u64,
    /// Of the call that it answers; 0 where the call couldn't be read.
    pub id: u64,
    /// What.
    pub reply: Reply,
}

/// What is answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Reply {
    /// To [`Ask::Hello`].
    Hello(Hello),
    /// To [`Ask::Status`] and [`Ask::Follow`].
    Status(Told),
    /// To [`Ask::Explain`].
    Explained(Box<Explained>),
    /// To [`Ask::ExplainPolicy`].
    ExplainedPolicy(Box<ExplainedPolicy>),
    /// To [`Ask::Metrics`], in the text format of Prometheus.
    Metrics(String),
    /// To [`Ask::Documents`].
    Documents(Documents),
    /// To [`Ask::Unsettled`].
    Unsettled(Unsettled),
    /// To [`Ask::Events`].
    Events(ToldEvents),
    /// To [`Ask::History`].
    History(ToldHistory),
    /// To [`Ask::Do`]: it is on record, and about these objects. Of an apply: those whose document or processes changed.
    Done {
        /// By name.
        objects: BTreeSet<ServiceName>,
    },
    /// It isn't done.
    Refused(Refusal),
}

/// Who is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hello {
    /// Its process.
    pub pid: Pid,
    /// Which selfsame it is.
    pub selfsame: String,
    /// The places that it keeps, absolute.
    pub places: Vec<PathBuf>,
    /// What the caller may ask for.
    pub rights: Rights,
}

/// What the documents say that were looked at last.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Documents {
    /// The places that they stand in, absolute.
    pub places: Vec<PathBuf>,
    /// All of them could be read, nothing in them asks for a word, and they are in force as they are.
    pub clean: bool,
    /// What they declare, if they are clean.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub objects: BTreeSet<ServiceName>,
}

/// What isn't as the documents want it that were looked at last.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unsettled {
    /// The places that they stand in, absolute.
    pub places: Vec<PathBuf>,
    /// All of them could be read, nothing in them asks for a word, and they are in force as they are. If not, nothing else is said.
    pub clean: bool,
    /// How many objects they declare.
    #[serde(default)]
    pub objects: usize,
    /// Those that aren't as wanted, and those that were named, by name. All others are as wanted.
    #[serde(default)]
    pub told: Vec<ServiceStatus>,
    /// Those of which nothing is known yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unknown: BTreeSet<ServiceName>,
}

/// The status of objects.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    /// By name.
    pub objects: Vec<ServiceStatus>,
    /// By name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyStatus>,
    /// The places that the watch keeps, in the order given.
    pub sources: Vec<SourceStatus>,
    /// Names that were asked for and are on no record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Events, in the order in which they were written down. One that is counted once more is told again, with its number.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToldEvents {
    /// What happened.
    pub events: Vec<Recorded>,
    /// Lines of the record that can't be read.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unread: usize,
    /// So many more came than somebody who reads slowly can be told; they are on record.
    #[serde(default, skip_serializing_if = "is_none")]
    pub missed: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What is known of one object.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Explained {
    /// Its status.
    pub status: Option<ServiceStatus>,
    /// Its document and its processes, as remembered.
    pub record: Record,
    /// Every process on record, and for which object: who looks on its own knows them.
    pub recorded: BTreeMap<ServiceName, Vec<ProcessKey>>,
}

/// What is known of one Policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExplainedPolicy {
    /// The document in force.
    pub policy: Policy,
    /// Its status.
    pub status: Option<PolicyStatus>,
    /// Every process on record, and for which object.
    pub recorded: BTreeMap<ServiceName, Vec<ProcessKey>>,
    /// The labels of these objects.
    pub labels: BTreeMap<ServiceName, BTreeMap<String, String>>,
}

/// Why something isn't done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// The line is no call: not JSON, an unknown word, longer than is taken. The connection ends.
    Malformed(String),
    /// The call is of a later version. The connection ends.
    Version(String),
    /// The caller may only look.
    Forbidden(String),
    /// The caller's user has too many connections that are all in use, or there are too many at all. The connection ends.
    Busy(String),
    /// It can't be asked of these objects: a sentence each. Nothing was changed.
    Impossible(Vec<String>),
    /// It was tried, and failed.
    Failed(String),
}

impl Refusal {
    /// One sentence or more, for a person.
    pub fn sentences(&self) -> Vec<&str> {
        match self {
            Self::Malformed(text)
            | Self::Version(text)
            | Self::Forbidden(text)
            | Self::Busy(text)
            | Self::Failed(text) => vec![text],
            Self::Impossible(texts) => texts.iter().map(String::as_str).collect(),
        }
    }

    /// Whether nothing more is read from who made the call.
    pub fn ends(&self) -> bool {
        match self {
            Self::Malformed(_) | Self::Version(_) | Self::Busy(_) => true,
            Self::Forbidden(_) | Self::Impossible(_) | Self::Failed(_) => false,
        }
    }
}

/// The version alone: a call of a later one may have any other form.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
    #[serde(default)]
    id: u64,
}

/// Reads a line.
///
/// # Errors
/// The id, if it can be told, and why it is refused.
pub fn call(line: &[u8]) -> Result<Call, (u64, Refusal)> {
    let malformed = |id, error: serde_json::Error| (id, Refusal::Malformed(format!("no call: {error}")));
    let versioned: Versioned = serde_json::from_slice(line).map_err(|error| malformed(0, error))?;
    if versioned.version > VERSION {
        let sentence = format!("the call is of version {}, this watch knows {VERSION}", versioned.version);
        return Err((versioned.id, Refusal::Version(sentence)));
    }
    serde_json::from_slice(line).map_err(|error| malformed(versioned.id, error))
}

/// A line of the watch, around a reply that is JSON already: one that goes to many is made once.
pub fn reply_line(id: u64, reply: &[u8]) -> Vec<u8> {
    let mut line = format!("{{\"version\":{VERSION},\"id\":{id},\"reply\":").into_bytes();
    line.reserve(reply.len() + 2);
    line.extend_from_slice(reply);
    line.extend_from_slice(b"}\n");
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    /// A line, and the call in it, or the id and a part of the refusal.
    type Row<'a> = (&'a str, Result<Ask, (u64, &'a str)>);

    #[test]
    fn a_call_is_read_or_says_why_not() {
        let rows: [Row<'_>; 9] = [
            (r#"{"version":1,"ask":"hello"}"#, Ok(Ask::Hello)),
            (r#"{"version":1,"id":3,"ask":{"status":{}}}"#, Ok(Ask::Status(Objects::default()))),
            (
                r#"{"version":1,"by":"ann","ask":{"do":{"stop":{"objects":{"all":true}}}}}"#,
                Ok(Ask::Do(Wanted::Stop {
                    objects: Objects { all: true, ..Objects::default() },
                    until: None,
                })),
            ),
            ("", Err((0, "no call: EOF"))),
            ("{", Err((0, "no call: EOF"))),
            (r#"{"version":1,"id":3}"#, Err((3, "missing field `ask`"))),
            (r#"{"version":1,"id":3,"ask":"dance"}"#, Err((3, "unknown variant `dance`"))),
            (r#"{"version":1,"ask":{"stop":{"all":true}}}"#, Err((0, "unknown variant `stop`"))),
            (r#"{"version":9,"id":4,"what":["ever"]}"#, Err((4, "of version 9, this watch knows 1"))),
        ];
        for (line, expected) in rows {
            match (call(line.as_bytes()), expected) {
                (Ok(call), Ok(ask)) => assert_eq!(call.ask, ask, "{line}"),
                (Err((id, refusal)), Err((expected, text))) => {
                    assert_eq!(id, expected, "{line}");
                    assert!(refusal.ends() && refusal.sentences().concat().contains(text), "{refusal:?}");
                }
                (found, expected) => panic!("{line}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_line_around_a_reply_is_the_answer() {
        let reply = Reply::Refused(Refusal::Failed("a \"reason\"\nin two lines".into()));
        let line = reply_line(7, &serde_json::to_vec(&reply).unwrap());
        assert_eq!(memchr::memchr(b'\n', &line), Some(line.len() - 1), "one line");
        let answer: Answer = serde_json::from_slice(&line).unwrap();
        assert_eq!(answer, Answer { version: VERSION, id: 7, reply });
    }

    #[test]
    fn who_may_only_look_changes_nothing_and_reads_no_documents() {
        let name = ServiceName::new("shop").unwrap();
        assert_eq!(Ask::Hello.needs(), Rights::Look);
        assert_eq!(Ask::Follow(Objects::default()).needs(), Rights::Look);
        assert_eq!(Ask::Explain(name.clone()).needs(), Rights::All);
        assert_eq!(Ask::Do(Wanted::Start { objects: Objects::one(&name), until: None }).needs(), Rights::All);
    }
}
