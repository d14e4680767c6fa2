//! Every field of every mapping as a row: the one place from which reading, unknown-field messages, the
//! JSON Schema and the reference are made.

mod all;
mod change;
mod document;
mod ending;
mod engine;
mod health;
mod hosts;
mod matchers;
mod output;
mod plugins;
mod policies;
mod process;
mod resources;
mod security;
mod service;
mod tasks;
mod words;

pub use all::TABLES;
pub use change::{DEPENDENCY, HOOK, HOOKS, RELOAD, SUSPEND, UPDATE};
pub use document::{DOCUMENT, KINDS, METADATA};
pub use ending::{RESTART, STOP, STOP_STEP};
pub use engine::{ENGINE, ENGINE_DOCUMENT, ENGINE_LIMITS, ENGINE_METADATA, GIT, HOST, PRUNE};
pub use matchers::{
    DEFINITION, MATCHER, MATCHER_DOCUMENT, MATCHER_METADATA, MATCHER_TEST, NAMED_LIST, VERDICTS,
};
pub use output::{OUTPUT, OUTPUTS};
pub use plugins::{GRANTS, PLUGIN, PLUGIN_DOCUMENT, PLUGIN_METADATA};
pub use policies::{
    ACTIONS, POLICY, POLICY_ACTION, POLICY_DOCUMENT, POLICY_EXEC, POLICY_EXPECT, POLICY_GROUP, POLICY_LIMIT,
    POLICY_METADATA, POLICY_SIGNAL, POLICY_TEST,
};
pub use process::{ENV_FROM, LIMIT, LIMIT_NAMES, SCHEDULING, SOCKET};
pub use resources::{RESOURCES, RESOURCES_CPU, RESOURCES_IO, RESOURCES_MEMORY, RESOURCES_PIDS};
pub use security::{CAPABILITIES, SECRET, SECURITY};
pub use service::SERVICE;
pub use tasks::{
    DEFAULTS, DEFAULTS_DOCUMENT, DEFAULTS_METADATA, OPERATORS, REQUIREMENT, RETRY, SCHEDULE, SELECTOR, TASK,
    TASK_DOCUMENT, VALUES,
};
pub use words::meaning;

pub use health::{CONDITION, EXEC, HTTP, LIVENESS, LOG_LINE, READINESS, TCP, TRIGGER, UNIX};
pub use hosts::HOSTS;

/// What a change of a field means for the running process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// It has to be started again.
    Restart,
    /// It takes effect on the process as it runs.
    Live,
    /// It is another object.
    New,
    /// It counts for the next run of a Task.
    NextRun,
}

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any single value, taken as it is written.
    Text,
    /// A path.
    Path,
    /// `90s`
    Duration,
    /// `true` or `false`
    Bool,
    /// `0.1` or `10%`
    Fraction,
    /// A whole number from and to.
    Integer(i64, i64),
    /// Octal permission bits.
    Mode,
    /// `TERM`
    Signal,
    /// A name or number of a user or group.
    Account,
    /// A match expression.
    Expression,
    /// An expression on the facts of a host.
    HostExpression,
    /// A match expression, or a mapping.
    ExpressionOrObject(&'static Table),
    /// A type of the language.
    Type,
    /// A process or host in the form of a snapshot.
    Facts,
    /// A limit: a value for both, or `{soft, hard}`.
    Limit,
    /// A number, a size or `unlimited`.
    LimitValue,
    /// `64MiB`
    Size,
    /// `127.0.0.1:9464`
    Address,
    /// A number, or a range of numbers.
    Count,
    /// A time, or so many of the last looks.
    Lasting,
    /// A text with facts in it.
    Message,
    /// A number of processors: `1.5` or `150%`.
    Processors,
    /// CPU numbers and ranges.
    Cpus,
    /// One of these words.
    Words(&'static Words),
    /// A list.
    List(&'static Kind),
    /// One of them, or a list.
    OneOrMany(&'static Kind),
    /// A signal, or a mapping.
    SignalOrObject(&'static Table),
    /// A mapping with names of the author's choice.
    Map(&'static Kind),
    /// A mapping with these fields.
    Object(&'static Table),
    /// A word or a mapping.
    WordsOrObject(&'static Words, &'static Table),
}

impl Kind {
    /// The words that can stand there, also as items of a list.
    pub fn words(&self) -> Option<&'static Words> {
        match self {
            Self::Words(words) | Self::WordsOrObject(words, _) => Some(words),
            Self::OneOrMany(item) => item.words(),
            _ => None,
        }
    }

    /// The mapping that can stand there itself.
    pub fn table(&self) -> Option<&'static Table> {
        match self {
            Self::Object(table)
            | Self::WordsOrObject(_, table)
            | Self::ExpressionOrObject(table)
            | Self::SignalOrObject(table) => Some(table),
            _ => None,
        }
    }
}

/// The words of a field.
#[derive(PartialEq, Eq, Debug)]
pub struct Words {
    /// Those that can be used.
    pub now: &'static [&'static str],
    /// Those that are designed but not built.
    pub later: &'static [&'static str],
}

/// A field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// As written in documents.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The value where it isn't given, in words; `required` for a required one.
    pub default: &'static str,
    /// What a change means.
    pub class: Class,
    /// A value that can be pasted.
    pub example: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// The fields of one mapping.
#[derive(PartialEq, Eq, Debug)]
pub struct Table {
    /// What the mapping is called.
    pub name: &'static str,
    /// Those that can be used.
    pub fields: &'static [Field],
    /// Those that are designed but not built, with what to do meanwhile (may be empty).
    pub later: &'static [(&'static str, &'static str)],
    /// Names from elsewhere, and the field that is meant.
    pub foreign: &'static [(&'static str, &'static str)],
}

impl Table {
    /// The row of a field.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        // The tables are long, and many of their names have one length: the first letter tells most of them apart.
        let first = name.as_bytes().first();
        self.fields.iter().find(|field| field.name.as_bytes().first() == first && field.name == name)
    }
}

/// The table of documents of a kind, if there is such a kind.
pub fn document_of(kind: &str) -> Option<&'static Table> {
    match kind {
        "Service" => Some(&DOCUMENT),
        "Matcher" => Some(&MATCHER_DOCUMENT),
        "Plugin" => Some(&PLUGIN_DOCUMENT),
        "Task" => Some(&TASK_DOCUMENT),
        "Defaults" => Some(&DEFAULTS_DOCUMENT),
        "Engine" => Some(&ENGINE_DOCUMENT),
        "Policy" => Some(&POLICY_DOCUMENT),
        _ => None,
    }
}
