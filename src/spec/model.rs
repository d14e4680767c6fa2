//! The validated documents: what was meant, with every default filled in. Built only by `spec::load`
//! (and read back from the ledger, which stores them whole so that an object can be stopped after its
//! document is gone).

mod change;

pub use change::{
    Dependency, DependencyCondition, Hook, Hooks, OnHookFailure, OnUpdateFailure, Reload, StopCommand,
    Suspend, Update, UpdateStrategy,
};
mod exec;
mod expression;
mod health;
mod hosts;
mod life;
mod name;
mod output;
pub mod policy;
mod rare;
mod resources;
mod revision;
mod scheduling;
mod services;
mod set;
mod task;

pub use exec::{Listen, Secret, SecretForm, Security, Socket};
pub use expression::{Expression, PluginUse};
pub use health::{
    BinaryChange, HttpCheck, Readiness, ReadinessCheck, StartCondition, Trigger, TriggerAction,
};
pub use hosts::{Hosts, KnownHost};
pub use life::{Restart, RestartPolicy, Stop, StopScope, StopStep};
pub use name::ServiceName;
pub use output::{Output, Rotation};
pub use rare::{Rare, Usual};
pub use resources::Resources;
pub use revision::Revision;
pub use scheduling::{CpuPolicy, IoClass, Scheduling};
pub use services::{FileMarks, Origins, Services};
pub use set::SpecSet;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use task::{Concurrency, Missed, OnUnknown, Rhythm, Schedule, TaskPlan, TaskRun};

/// Where a document stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The file, as given. Shared with all that stands in it.
    pub file: Arc<str>,
    /// Line of the document's first key, from 1.
    pub line: usize,
    /// SHA-256 of the file in hexadecimal.
    pub digest: Arc<str>,
    /// The revision that it was last seen in. Only in a status: a document that says the same in the next revision is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Arc<Revision>>,
}

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DesiredState {
    /// Keep it running.
    #[default]
    Running,
    /// Keep it stopped.
    Stopped,
    /// Look and report; never act.
    Observed,
}

/// How the process comes to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceType {
    /// The process that is started is the service.
    #[default]
    Simple,
    /// It forks away and the process that was started exits.
    Forking,
    /// Simple, and says by `sd_notify(3)` when it is ready.
    Notify,
}

impl Service {
    /// The users of commands that name one of their own.
    pub fn users_of_commands(&self) -> BTreeSet<&Account> {
        let hooks = &self.hooks;
        let hooks = [&hooks.pre_start, &hooks.post_start, &hooks.pre_stop, &hooks.post_stop];
        let hooks = hooks.into_iter().flatten().filter_map(|hook| hook.user.as_ref());
        let stop = self.stop.command.as_ref().and_then(|stop| stop.user.as_ref());
        let reload = match &*self.reload {
            Some(Reload::Command { user, .. }) => user.as_ref(),
            Some(Reload::Signal(_)) | None => None,
        };
        let checks = [Some(&*self.readiness), self.liveness.as_ref()].into_iter().flatten();
        let checks = checks.filter_map(|rule| match &rule.check {
            ReadinessCheck::Exec { user, .. } => user.as_ref(),
            _ => None,
        });
        hooks.chain(stop).chain(reload).chain(checks).collect()
    }
}

/// A user or group as written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Account {
    /// By name, looked up when it is needed.
    Name(String),
    /// By number.
    Id(u32),
}

/// One entry of `envFrom`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvFrom {
    /// Lines of `NAME=value`.
    pub file: PathBuf,
    /// A missing file is an empty one.
    pub optional: bool,
    /// Put before each name.
    pub prefix: String,
}

/// A resource limit; `None` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// What applies.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
}

/// Whether a matching process that was not started here is taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AdoptPolicy {
    /// Yes.
    #[default]
    IfMatches,
    /// No: a matching process holds the start back.
    Never,
    /// Only that: nothing is ever started.
    Require,
}

/// What to do about more matching processes than replicas.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DuplicatePolicy {
    /// Say so.
    #[default]
    Report,
    /// Stop the youngest.
    StopExtra,
    /// Hold: not Ready, and no further start.
    Refuse,
}

/// What to do when the document disappears.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RemovePolicy {
    /// Stop the processes.
    Stop,
    /// Forget them, untouched.
    Release,
}

impl Service {
    /// The plugins that its conditions were accepted with, by name.
    pub fn plugins(&self) -> impl Iterator<Item = (&String, &PluginUse)> {
        self.expressions().flat_map(|expression| &expression.plugins)
    }

    /// Every condition in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let health = [Some(&*self.readiness), self.liveness.as_ref()].into_iter().flatten();
        [&self.narrow, &*self.match_only]
            .into_iter()
            .flatten()
            .chain(health.filter_map(|health| health.check.expression()))
            .chain(self.triggers.iter().map(|trigger| &trigger.when))
            .chain(self.conditions.iter().filter_map(StartCondition::expression))
    }
}

crate::usual! {
    Readiness, Scheduling, Resources, Restart, Stop, Hooks, Security, Option<Expression>, Option<Readiness>, Option<Hosts>, Option<Reload>,
    Option<Suspend>, Option<TaskPlan>, Rotation, Update,
}

/// A long-running process, one or several replicas.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// `metadata.name`
    pub name: ServiceName,
    /// `metadata.labels`
    pub labels: Rare<BTreeMap<String, String>>,
    /// `metadata.annotations`
    pub annotations: Rare<BTreeMap<String, String>>,
    /// `metadata.previousName`: the object whose process this one may take over.
    pub previous_name: Option<ServiceName>,
    /// Where the document stands.
    pub origin: Origin,
    /// What is wanted.
    pub state: DesiredState,
    /// Absolute path to execute. In a document a path with a slash may be relative: to the directory of the
    /// spec file (`../bin/shop.py`); a bare name is an error. The same holds for `becomes` and `envFrom`.
    pub startas: PathBuf,
    /// Arguments after the program's name, before substitution. In `args`, values of `env`, `pidfile` and the
    /// `file` of outputs these are substituted: `${index}`, `${name}`, `${runDir}`, `${logDir}` (when it is
    /// launched), `${specDir}` (already by `load`); `$${` is a plain `${`. Any other `${...}` is an error.
    pub args: Vec<String>,
    /// Absolute path of what the process ends up executing, when `startas` is a wrapper.
    pub becomes: Option<PathBuf>,
    /// Narrows the default identity rule.
    #[serde(rename = "match")]
    pub narrow: Option<Expression>,
    /// Replaces the look of the default identity rule.
    pub match_only: Rare<Option<Expression>>,
    /// How the process comes to be.
    #[serde(rename = "type")]
    pub service_type: ServiceType,
    /// Absolute path (or one that begins with `${runDir}`), before substitution. A hint, never proof.
    pub pidfile: Option<String>,
    /// Whose the process is; `None` is the engine's own user.
    pub user: Option<Account>,
    /// `None` is the user's primary group.
    pub group: Option<Account>,
    /// Exactly these, besides `group`.
    pub supplementary_groups: Rare<Vec<Account>>,
    /// Permission bits taken away from new files.
    pub umask: u32,
    /// Absolute.
    pub working_directory: PathBuf,
    /// Before substitution; wins over `envFrom`.
    pub env: BTreeMap<String, String>,
    /// In order, later files win.
    pub env_from: Rare<Vec<EnvFrom>>,
    /// By `setrlimit(2)` name in lower case: `nofile`. What isn't here is inherited, but core, which is 0.
    pub limits: Rare<BTreeMap<String, Limit>>,
    /// CPU and I/O.
    pub scheduling: Rare<Scheduling>,
    /// What all processes of an instance may use together.
    #[serde(default)]
    pub resources: Rare<Resources>,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// How much of the file of `stdout` is kept.
    #[serde(default)]
    pub stdout_rotation: Rare<Rotation>,
    /// How much of the file of `stderr` is kept.
    #[serde(default)]
    pub stderr_rotation: Rare<Rotation>,
    /// How many copies.
    pub replicas: u32,
    /// When it is Ready.
    pub readiness: Rare<Readiness>,
    /// Whether it makes progress; asked from when it is Ready.
    #[serde(default)]
    pub liveness: Rare<Option<Readiness>>,
    /// What follows from conditions over its process.
    #[serde(default)]
    pub triggers: Rare<Vec<Trigger>>,
    /// What must be so before it is started.
    #[serde(default)]
    pub conditions: Rare<Vec<StartCondition>>,
    /// What is done when the program on disk was replaced.
    #[serde(default)]
    pub binary_change: BinaryChange,
    /// How long a start may take until Ready.
    pub start_timeout: Duration,
    /// Whether and when it is started again.
    pub restart: Rare<Restart>,
    /// How it is stopped.
    pub stop: Rare<Stop>,
    /// Taking over.
    pub adopt: AdoptPolicy,
    /// Too many.
    pub duplicates: DuplicatePolicy,
    /// `None`: stop what selfsame started, release what it adopted.
    pub on_remove: Option<RemovePolicy>,
    /// Run it as root although others than root can write it.
    pub trust_executable: bool,
    /// The hosts that it is for; `None`: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Rare<Option<Hosts>>,
    /// What a start waits for.
    #[serde(default)]
    pub depends_on: Rare<Vec<Dependency>>,
    /// What a change leads to.
    #[serde(default)]
    pub update: Rare<Update>,
    /// How it reads its configuration anew.
    #[serde(default)]
    pub reload: Rare<Option<Reload>>,
    /// Commands around the process.
    #[serde(default)]
    pub hooks: Rare<Hooks>,
    /// Everything is left alone.
    #[serde(default)]
    pub suspend: Rare<Option<Suspend>>,
    /// It is a Task: it runs to its end, and this says when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Rare<Option<TaskPlan>>,
    /// Fields whose values come from Defaults, with the name of each: `user` from `base`. Where a value comes from is no
    /// part of its meaning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: Rare<BTreeMap<String, String>>,
    /// The engine writes the number of the process into `pidfile`.
    #[serde(default)]
    pub write_pidfile: bool,
    /// Absolute path of its root directory; `startas` and all paths that it is given are inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chroot: Option<PathBuf>,
    /// What it may see and do.
    #[serde(default, skip_serializing_if = "Security::is_default")]
    pub security: Rare<Security>,
    /// Contents of files that nobody else sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Rare<Vec<Secret>>,
    /// Listening sockets, in the order of their descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sockets: Rare<Vec<Socket>>,
}

impl Service {
    /// The same, with a name and an origin of its own, but for the path and the digest of its file where these are the ones: a clone shares
    /// all of that.
    #[must_use]
    pub fn copied(&self, path: &Arc<str>, digest: &Arc<str>) -> Self {
        let or_own = |text: &Arc<str>, shared: &Arc<str>| {
            if text == shared { Arc::clone(shared) } else { Arc::from(&**text) }
        };
        let Origin { file, line, digest: of_file, revision } = &self.origin;
        let (file, digest) = (or_own(file, path), or_own(of_file, digest));
        let origin = Origin { file, line: *line, digest, revision: revision.clone() };
        Self { name: self.name.copied(), origin, ..self.clone() }
    }

    /// `Service` or `Task`.
    pub fn kind(&self) -> &'static str {
        if self.task.is_some() { "Task" } else { "Service" }
    }

    /// A Service with every field at its documented default.
    pub fn new(name: ServiceName, startas: PathBuf) -> Self {
        Self {
            name,
            labels: Rare::default(),
            annotations: Rare::default(),
            previous_name: None,
            origin: Origin::default(),
            state: DesiredState::Running,
            startas,
            args: Vec::new(),
            becomes: None,
            narrow: None,
            match_only: Rare::default(),
            service_type: ServiceType::Simple,
            pidfile: None,
            user: None,
            group: None,
            supplementary_groups: Rare::default(),
            umask: 0o022,
            working_directory: PathBuf::from("/"),
            env: BTreeMap::new(),
            env_from: Rare::default(),
            limits: Rare::default(),
            scheduling: Rare::default(),
            resources: Rare::default(),
            stdout: Output::Log,
            stderr: Output::Log,
            stdout_rotation: Rare::default(),
            stderr_rotation: Rare::default(),
            replicas: 1,
            readiness: Rare::default(),
            liveness: Rare::default(),
            triggers: Rare::default(),
            conditions: Rare::default(),
            binary_change: BinaryChange::default(),
            start_timeout: Duration::from_secs(90),
            restart: Rare::default(),
            stop: Rare::default(),
            adopt: AdoptPolicy::default(),
            duplicates: DuplicatePolicy::default(),
            on_remove: None,
            trust_executable: false,
            hosts: Rare::default(),
            depends_on: Rare::default(),
            update: Rare::default(),
            reload: Rare::default(),
            hooks: Rare::default(),
            suspend: Rare::default(),
            task: Rare::default(),
            defaults: Rare::default(),
            write_pidfile: false,
            chroot: None,
            security: Rare::default(),
            secrets: Rare::default(),
            sockets: Rare::default(),
        }
    }
}
