//! What a tick asks the host, and what the host answers. Possibly incomplete, and marked so.

mod health;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::exec::Hidden;
use super::memory::{ByIndex, Exit};
use super::recorded::Recorded;
use crate::facts::{Fact, ProcessKey, Reason};
use crate::spec::{Account, ReadinessCheck, Service, ServiceName, StopScope};
use crate::units::{BootId, Gid, Now, Pid, PidfdInode, Uid};

pub use health::{Beat, HealthQuestion, HealthSeen};

/// What one tick wants to know. Made by `questions()`, pure.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Questions {
    /// One entry for each object of interest.
    pub services: BTreeMap<ServiceName, ServiceQuestions>,
    /// Keys on record for any object: they are never candidates for another one.
    pub recorded: Recorded,
    /// It is time for a look at everything, whatever was heard since the last one.
    pub full: bool,
}

/// What a tick wants to know about one object.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent questions, each asked or not")]
pub struct ServiceQuestions {
    /// The document in force.
    pub spec: Arc<Service>,
    /// Is it alive, is it still the process on record? By index, with how it came to be ours.
    pub processes: ByIndex<ProcessQuestion>,
    /// Look for processes that the identity rule finds.
    pub look: bool,
    /// Look, and look up what a start needs, also if one of its processes turns out to be gone: a service that was in good
    /// health is started again in the same tick.
    pub if_gone: bool,
    /// Starts whose result isn't known, by index: the nonce.
    pub intents: BTreeMap<u32, String>,
    /// Look up the account, the environment files and the executable, for a start.
    pub prepare: bool,
    /// Ask the `conditions` of the document, for a start.
    pub conditions: bool,
    /// Commands that were begun, by index: the nonce.
    pub commands: BTreeMap<u32, String>,
}

/// A question about a process on record.
#[derive(Clone, PartialEq, Debug)]
pub struct ProcessQuestion {
    /// Which.
    pub key: ProcessKey,
    /// Whoever has another one has its number, and isn't it.
    pub inode: Option<PidfdInode>,
    /// Must it still satisfy the rule it was adopted by?
    pub adopted_by: Option<Arc<Service>>,
    /// It is the starter of a forking service: also tell which of its tree is the service.
    pub starter: bool,
    /// It took the place of the one that was started.
    pub followed: bool,
    /// The readiness check to report on, with the pidfile resolved.
    pub readiness: Option<ReadinessCheck>,
    /// Descendants noted when its stop began: which of them are still there?
    pub tree: Vec<ProcessKey>,
    /// Also list its present descendants, or with [`StopScope::Group`] its process group (a stop is about to begin).
    pub list_tree: bool,
    /// Who is stopped with it: unless main alone, what it left behind is of interest when it is gone.
    pub scope: StopScope,
    /// The control group that was made for it.
    pub group: Option<String>,
    /// What else is asked about its health.
    pub health: HealthQuestion,
}

/// One round of answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    /// The moment.
    pub now: Now,
    /// The boot.
    pub boot: BootId,
    /// By object; an object that is missing here is unknown.
    pub services: BTreeMap<ServiceName, Seen>,
}

/// What was seen of one object.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Seen {
    /// By index, for every process that was asked about.
    pub processes: ByIndex<ProcessSeen>,
    /// What became of starts without a result, by index.
    pub intents: BTreeMap<u32, IntentSeen>,
    /// The look, if one was asked for.
    pub look: Option<Look>,
    /// Whether each of the document's `conditions` is met, in their order, if that was asked.
    pub conditions: Option<Vec<Fact<bool>>>,
    /// What stands in the way of an instance that ended, by index, as a sentence: `port 80 is taken by 412 (nginx)`.
    pub obstacles: BTreeMap<u32, String>,
    /// Who may yet go on in place of an instance that ended, by index: it forked them a moment ago.
    pub undecided: BTreeMap<u32, Pid>,
    /// What a start needs, if that was asked for: one value for all objects that need the same.
    pub prepared: Option<Result<Arc<Prepared>, Unprepared>>,
    /// How the commands are, by index.
    pub commands: BTreeMap<u32, CommandSeen>,
    /// What is wrong with the files that its output goes to.
    pub output: Vec<OutputTrouble>,
}

impl Seen {
    /// Whether the same follows from both for an object whose processes' pidfds are on record: these are all that may differ.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { processes, intents, look, conditions, obstacles, undecided, prepared, commands, output } =
            self;
        let rest = (intents, look, conditions, obstacles, undecided, prepared, commands, output);
        let others = (
            &other.intents,
            &other.look,
            &other.conditions,
            &other.obstacles,
            &other.undecided,
            &other.prepared,
            &other.commands,
            &other.output,
        );
        let are_alike = |((index, one), (at, other)): ((&u32, &ProcessSeen), (&u32, &ProcessSeen))| {
            index == at && one.is_like(other)
        };
        processes.len() == other.processes.len()
            && processes.iter().zip(&other.processes).all(are_alike)
            && rest == others
    }
}

impl ProcessSeen {
    fn is_like(&self, other: &Self) -> bool {
        let (Self::Alive(one), Self::Alive(other)) = (self, other) else { return self == other };
        let Alive {
            inode: _,
            still_ours,
            ready,
            ready_detail,
            tree,
            successor,
            exe,
            exe_deleted,
            exe_replaced,
            health,
        } = one;
        let file = (exe, exe_deleted, exe_replaced);
        (still_ours, ready, ready_detail, tree, successor, health)
            == (
                &other.still_ours,
                &other.ready,
                &other.ready_detail,
                &other.tree,
                &other.successor,
                &other.health,
            )
            && file == (&other.exe, &other.exe_deleted, &other.exe_replaced)
    }
}

/// How a command of a document is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommandSeen {
    /// It runs.
    Running,
    /// It exited with 0.
    Succeeded,
    /// It could not be begun, failed or took too long: why, as the end of a sentence.
    Failed(String),
    /// This engine didn't begin it, so the one that did is gone, and it with that one.
    Lost,
}

/// Something is wrong with a file that output goes to. Says nothing of the process, which goes on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OutputTrouble {
    /// One word.
    pub reason: &'static str,
    /// A sentence, without the object's name.
    pub message: String,
}

/// The state of a process on record.
#[expect(clippy::large_enum_variant, reason = "one an instance and look, and most are of the large kind")]
#[derive(Clone, PartialEq, Debug)]
pub enum ProcessSeen {
    /// It lives, and is the same process.
    Alive(Alive),
    /// It is gone (or a zombie), with what is known of its end.
    Gone {
        /// How it ended.
        exit: Exit,
        /// A process that took its place inside its tree or its pidfile, for which the identity rule holds: the
        /// record follows it.
        successor: Option<ProcessKey>,
        /// Those of the noted tree that are still alive, and what else of its group or tree is.
        survivors: Vec<ProcessKey>,
    },
    /// It could not be seen.
    Unknown(Reason),
}

/// Facts of a living process on record.
#[derive(Clone, PartialEq, Debug)]
pub struct Alive {
    /// That of its pidfds, if the kernel tells.
    pub inode: Option<PidfdInode>,
    /// Does an adopted process still satisfy the rule it was adopted by? Known(true) for our own.
    pub still_ours: Fact<bool>,
    /// The answer to the readiness check: Absent when none has been given yet (a probe is under way or due).
    pub ready: Fact<bool>,
    /// Why it isn't ready, for status.
    pub ready_detail: String,
    /// Descendants, if asked for; also those of the noted tree that live.
    pub tree: Vec<ProcessKey>,
    /// For a starter: the service it brought forth, once it can be told.
    pub successor: Option<ProcessKey>,
    /// The file it executes, for status.
    pub exe: Option<String>,
    /// The file isn't on disk any more.
    pub exe_deleted: bool,
    /// Another one stands in its place.
    pub exe_replaced: bool,
    /// Its health.
    pub health: HealthSeen,
}

/// What a start slot says.
#[derive(Clone, PartialEq, Debug)]
pub enum IntentSeen {
    /// No child came to the point of writing its key: nothing runs.
    NothingRan,
    /// The child wrote its key.
    Ran(ProcessKey),
    /// It can't be told.
    Unknown(Reason),
}

/// The processes that the identity rule finds, without those on record for this object.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Look {
    /// Topmost matching processes, by age: the oldest first.
    pub candidates: Vec<Candidate>,
    /// Processes that could be it, but can't be decided.
    pub unknown: Vec<(Pid, Vec<Reason>)>,
    /// False if the listing was not complete: then nothing follows from not finding.
    pub complete: bool,
    /// For status and explain.
    pub notes: Vec<String>,
    /// Who began since the last complete look, or the last listing, was told by numbers: enough for a start after an exit that was
    /// seen, or one that somebody waits for, and a complete look has to follow soon.
    pub new_only: bool,
}

/// How the arguments of a candidate compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ArgumentsSeen {
    /// The specified ones.
    Equal,
    /// A title overwrote them.
    Overwritten,
    /// Others.
    Different,
}

/// A process that could be the service.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each of which is reported")]
pub struct Candidate {
    /// Which.
    pub key: ProcessKey,
    /// Effective user.
    pub uid: Uid,
    /// Its arguments against those of each replica that it equals; empty unless `Equal`.
    pub indexes: BTreeSet<u32>,
    /// Its arguments.
    pub arguments: ArgumentsSeen,
    /// A pidfile that can be believed names it (or a descendant of it).
    pub anchored: bool,
    /// Another user's, and neither record nor pidfile nor the document speaks for it.
    pub foreign_user: bool,
    /// Something else keeps it: which.
    pub foreign_supervisor: Option<String>,
    /// An ancestor of the engine, or the first process: never to be signalled from here.
    pub above: bool,
    /// On record for this other object.
    pub recorded_for: Option<ServiceName>,
    /// Matches, but no kernel-attested fact says so (an image that was moved aside): never signalled.
    pub weak: bool,
}

/// Whose a process is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Effective user.
    pub uid: Uid,
    /// Primary group.
    pub gid: Gid,
    /// Supplementary groups.
    pub groups: Vec<Gid>,
    /// Whether ids have to be changed at all.
    pub change_ids: bool,
    /// The user's name.
    pub name: String,
    /// The user's home directory.
    pub home: String,
    /// The user's shell.
    pub shell: String,
}

/// Why it isn't known what a start needs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unprepared {
    /// The start would fail.
    #[error("{0}")]
    Refused(String),
    /// A question to the name service was not put, since an earlier one of the same look had no answer in time. That is no failure, and nothing
    /// is started.
    #[error("{0}")]
    NotAsked(String),
}

impl<T: Into<String>> From<T> for Unprepared {
    fn from(sentence: T) -> Self {
        Self::Refused(sentence.into())
    }
}

/// What a start needs from the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    /// Whose the service is.
    pub owner: Owner,
    /// Whose the commands are that name a user of their own.
    pub others: BTreeMap<Account, Owner>,
    /// Variables from `envFrom`, merged.
    pub env_from: BTreeMap<String, String>,
    /// Contents of `secrets`, in their order.
    pub secrets: Vec<Hidden>,
    /// Owners of `sockets`, in their order.
    pub socket_owners: Vec<(Uid, Gid)>,
    /// `${runDir}`
    pub run_dir: String,
    /// `${logDir}`
    pub log_dir: String,
    /// A digest of the content of each watched file (`absent` where there is none), by path; without those that can't
    /// be read.
    pub watched: BTreeMap<String, String>,
}
