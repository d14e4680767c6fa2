//! Steps: what is to be changed on the host, and why. And what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::adjust::Adjustment;
use super::exec::{Confinement, SecretOrder, SocketOrder};
use super::memory::Launched;
use crate::facts::ProcessKey;
use crate::spec::{Limit, ReadinessCheck, Resources, Scheduling, Service, ServiceName};
use crate::units::{Gid, Signal, Uid};

/// One change to the host and the reason for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The object.
    pub service: ServiceName,
    /// Which replica.
    pub index: u32,
    /// What.
    pub action: Action,
    /// Why, as the end of a sentence: `it exited with code 1`.
    pub because: String,
}

/// A change to the host.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Start a process. The memory that goes with the plan holds the intent already.
    Start {
        /// Names the start slot.
        nonce: String,
        /// Everything that execution needs, resolved.
        launch: Box<Launch>,
    },
    /// Take responsibility for a running process, without touching it. Changes memory only; a step so that it is
    /// shown and counted.
    Adopt {
        /// Which.
        key: ProcessKey,
    },
    /// Send a signal to a process on record, verified under a pidfd.
    Signal {
        /// Which.
        key: ProcessKey,
        /// What.
        signal: Signal,
        /// The rule that an adopted process must still satisfy.
        adopted_by: Option<Arc<Service>>,
    },
    /// End a process with all that it brought forth, at once: the control group that was made for it, else its tree,
    /// held still first, so that nothing of it can fork away.
    KillTree {
        /// The main process, while it lives.
        main: Option<ProcessKey>,
        /// The rule that an adopted main process must still satisfy.
        adopted_by: Option<Arc<Service>>,
        /// What else is known to be of its tree.
        tree: Vec<ProcessKey>,
        /// Its group, where it has one.
        group: Option<String>,
    },
    /// Set the bounds of a group that was made for a process.
    Constrain {
        /// Whose.
        key: ProcessKey,
        /// The group.
        group: String,
        /// The bounds. What isn't given is unbounded from now on.
        resources: Resources,
    },
    /// Stop caring, without touching it. Memory only.
    Release {
        /// Which.
        key: ProcessKey,
    },
    /// Give a running process of ours other limits or another scheduling, verified under a pidfd.
    Adjust {
        /// Which.
        key: ProcessKey,
        /// `limits` or `scheduling`.
        field: String,
        /// What the record of its launch says of the field afterwards.
        to: String,
        /// The values that differ.
        adjustments: Vec<Adjustment>,
    },
    /// Ask the readiness question; the answer is in a later observation.
    Probe {
        /// Whose.
        key: ProcessKey,
        /// What for.
        purpose: Purpose,
        /// What.
        check: ReadinessCheck,
        /// How long it may take.
        timeout: std::time::Duration,
        /// As whom a command runs: ids, if they must be changed, and environment of the service.
        launch: Option<Box<Launch>>,
    },
    /// Run a command of the document (a hook, a reload); how it ends is in a later observation.
    Run {
        /// Names it in questions and answers.
        nonce: String,
        /// What runs, as whom.
        launch: Box<Launch>,
        /// How long it may take: then it is killed with what descends from it.
        timeout: std::time::Duration,
    },
}

/// What a probe is for. Each has its own answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Purpose {
    /// Can it serve?
    Readiness,
    /// Does it make progress?
    Liveness,
}

/// A process to be, with everything resolved: nothing is looked up after this.
#[derive(Clone, PartialEq, Debug)]
pub struct Launch {
    /// Absolute.
    pub program: PathBuf,
    /// argv, the program's name first.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Absolute.
    pub working_directory: PathBuf,
    /// Ids to take on, if they differ from the engine's.
    pub ids: Option<Ids>,
    /// Whose files its output may go to besides root's and the engine's; `None`: those of whose it is.
    pub output_owner: Option<Uid>,
    /// Permission bits taken away.
    pub umask: u32,
    /// By lower-case name; what isn't here is inherited.
    pub limits: BTreeMap<String, Limit>,
    /// CPU and I/O.
    pub scheduling: Scheduling,
    /// Bounds of its group.
    pub resources: Resources,
    /// The control group to be made for it; `None`: it stays in the engine's.
    pub group: Option<String>,
    /// Where output goes.
    pub stdout: OutputTarget,
    /// Where errors go.
    pub stderr: OutputTarget,
    /// May root run a file that others can write?
    pub trust_executable: bool,
    /// Where its output begins is to be noted.
    pub marks_output: bool,
    /// What it may see and do.
    pub confinement: Confinement,
    /// Listening sockets, in the order of their descriptors.
    pub sockets: Vec<SocketOrder>,
    /// What nobody else sees.
    pub secrets: Vec<SecretOrder>,
    /// Where the engine writes its number.
    pub pidfile: Option<PathBuf>,
    /// For comparison with a later document.
    pub launched: Launched,
}

impl Launch {
    /// A launch of `program` with nothing else said: no arguments, an empty environment, output thrown away.
    pub fn bare(program: PathBuf) -> Self {
        Self {
            argv: vec![program.display().to_string()],
            program,
            env: BTreeMap::new(),
            working_directory: PathBuf::from("/"),
            ids: None,
            output_owner: None,
            umask: 0o022,
            limits: BTreeMap::new(),
            scheduling: Scheduling::default(),
            resources: Resources::default(),
            group: None,
            stdout: OutputTarget::Null,
            stderr: OutputTarget::Null,
            trust_executable: false,
            marks_output: false,
            confinement: Confinement::default(),
            sockets: Vec::new(),
            secrets: Vec::new(),
            pidfile: None,
            launched: Launched::default(),
        }
    }

    /// Its effective user; `engine`: that of the engine, which it has where nothing else is said.
    pub fn uid_or(&self, engine: Uid) -> Uid {
        self.ids.as_ref().map_or(engine, |ids| ids.uid)
    }
}

/// Ids of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ids {
    /// All four uids.
    pub uid: Uid,
    /// All four gids.
    pub gid: Gid,
    /// Supplementary groups, exactly.
    pub groups: Vec<Gid>,
}

/// Where output goes, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutputTarget {
    /// Appended to this file.
    File(PathBuf),
    /// `/dev/null`
    Null,
    /// What selfsame itself writes to.
    Inherit,
    /// Appended to this file, from which selfsame passes it on to the system's log: so neither a log daemon that is
    /// down nor the death of selfsame stops or loses anything.
    Syslog(PathBuf),
}

/// What came of a step.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub enum Outcome {
    /// A process runs.
    Started(ProcessKey),
    /// Nothing runs: the step of starting that failed, and why.
    StartFailed {
        /// A sentence.
        error: String,
    },
    /// Nothing was tried, since the result could not have been recorded or the world was not as planned.
    Refused {
        /// A sentence.
        error: String,
    },
    /// A running process can't be given it, but one that is started anew can.
    NotLive {
        /// A sentence.
        error: String,
    },
    /// Done (signal sent, probe begun, memory changed).
    Done,
    /// The process was gone already.
    Gone,
}
