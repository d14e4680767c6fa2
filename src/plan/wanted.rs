//! What a person asks for, whatever the documents say: a value, put on record in one way by whoever holds the state.
//!
//! ```text
//! a verb --> Wanted --(control socket)--> a running watch --\
//!                  \--------- no watch runs: itself --------+--> Wanted::record --> Memory --> the next tick
//! ```

mod objects;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::memory::{Ask, Memory, Record, Suspension};
use crate::facts::ProcessKey;
use crate::spec::ServiceName;
use crate::units::{Now, Signal, WallTime};

pub use objects::{Objects, names_policy, no_object, parse_selector};

/// Somebody asks for something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Who asks, for the record: a user's name.
    pub by: String,
    /// What.
    pub wanted: Wanted,
}

/// What can be asked of whoever holds the state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Wanted {
    /// Run these, whatever their documents say.
    Start {
        /// Which objects.
        objects: Objects,
        /// By the wall clock; none: until their documents change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<WallTime>,
    },
    /// Stop these, whatever their documents say.
    Stop {
        /// Which objects.
        objects: Objects,
        /// By the wall clock; none: until their documents change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<WallTime>,
    },
    /// Restart these once.
    Restart(Objects),
    /// Have what runs read its configuration anew.
    Reload(Objects),
    /// Send a signal to the main processes of what runs.
    Signal {
        /// Of which objects.
        objects: Objects,
        /// Which signal.
        signal: Signal,
    },
    /// Leave these alone.
    Suspend {
        /// Which objects.
        objects: Objects,
        /// For people; may be empty.
        #[serde(default)]
        reason: String,
        /// By the wall clock; none: until they are resumed.
        #[serde(default)]
        until: Option<WallTime>,
    },
    /// No longer leave these alone because somebody asked for it.
    Resume(Objects),
    /// Let their processes go, and leave them alone.
    Release(Objects),
    /// Take this process over.
    Adopt {
        /// For which object.
        name: ServiceName,
        /// Which.
        key: ProcessKey,
        /// Although something else keeps it.
        #[serde(default)]
        force: bool,
    },
    /// Look at the documents now.
    Apply {
        /// Mass restarts and stops are meant.
        #[serde(default)]
        confirmed: bool,
        /// Removals that are meant, by the ids of their plans.
        #[serde(default)]
        prune: BTreeSet<String>,
    },
    /// Put an earlier set of documents in force, until the documents change.
    Rollback {
        /// Its number in the history.
        number: u64,
        /// Mass removals and restarts are meant.
        #[serde(default)]
        confirmed: bool,
    },
    /// Become this binary of selfsame, absolute, and go on.
    Upgrade(PathBuf),
}

impl Wanted {
    /// Puts it on record, and says which objects it is about. What isn't about objects on record changes nothing here.
    ///
    /// # Errors
    /// A sentence for each object that it can't be asked of; then nothing was changed.
    pub fn record(
        &self,
        memory: &mut Memory,
        by: &str,
        now: Now,
    ) -> Result<BTreeSet<ServiceName>, Vec<String>> {
        let names = self.names(memory)?;
        for name in &names {
            if let Some(record) = memory.record_mut(name) {
                self.ask(record, by, now);
            }
        }
        Ok(names)
    }

    /// What is asked, as one CamelCase word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start { .. } => "Start",
            Self::Stop { .. } => "Stop",
            Self::Restart(_) => "Restart",
            Self::Reload(_) => "Reload",
            Self::Signal { .. } => "Signal",
            Self::Suspend { .. } => "Suspend",
            Self::Resume(_) => "Resume",
            Self::Release(_) => "Release",
            Self::Adopt { .. } => "Adopt",
            Self::Apply { .. } => "Apply",
            Self::Rollback { .. } => "Rollback",
            Self::Upgrade(_) => "Upgrade",
        }
    }

    /// What `suspend` puts on record, and (nothing) `resume`.
    pub fn suspension(&self, by: &str, at: WallTime) -> Option<Suspension> {
        let Self::Suspend { reason, until, .. } = self else { return None };
        let (by, reason) = (by.to_owned(), reason.clone());
        Some(Suspension { by, at, reason, until: *until, others: Vec::new() })
    }

    /// The same without the policies that it names, and these. Only what is asked by `suspend` and `resume` can be about
    /// policies. Nothing is left where it was about nothing else.
    pub fn without_policies(
        &self,
        memory: &Memory,
        is_policy: &dyn Fn(&ServiceName) -> bool,
    ) -> (Option<Self>, BTreeSet<ServiceName>) {
        let mut rest = self.clone();
        let (Self::Suspend { objects, .. } | Self::Resume(objects)) = &mut rest else {
            return (Some(rest), BTreeSet::new());
        };
        let policies = objects.take_policies(memory, is_policy);
        let nothing = objects.names.is_empty() && objects.selector.is_empty() && !objects.all;
        ((policies.is_empty() || !nothing).then_some(rest), policies)
    }

    /// Which objects it is about.
    ///
    /// # Errors
    /// As [`Wanted::record`].
    pub fn names(&self, memory: &Memory) -> Result<BTreeSet<ServiceName>, Vec<String>> {
        match self {
            Self::Start { objects, .. }
            | Self::Stop { objects, .. }
            | Self::Restart(objects)
            | Self::Reload(objects)
            | Self::Signal { objects, .. }
            | Self::Suspend { objects, .. }
            | Self::Resume(objects)
            | Self::Release(objects) => objects.resolve(memory, &|record| self.objection(record)),
            Self::Adopt { name, .. } => Objects::one(name).resolve(memory, &|_| None),
            Self::Apply { .. } | Self::Rollback { .. } | Self::Upgrade(_) => Ok(BTreeSet::new()),
        }
    }

    fn ask(&self, record: &mut Record, by: &str, now: Now) {
        let by = by.to_owned();
        match self {
            // A Task that nobody named isn't run for it: it had its turn, or gets it.
            Self::Start { objects, .. } if record.spec.task.is_some() && objects.names.is_empty() => {
                record.wish = None;
            }
            Self::Start { until, .. } => record.ask(true, by, now.wall, *until),
            Self::Stop { until, .. } => record.ask(false, by, now.wall, *until),
            Self::Restart(_) => record.ask_restart(now.boot, by),
            Self::Reload(_) => record.ask_of_all(Ask::Reload, &by),
            Self::Signal { signal, .. } => record.ask_of_all(Ask::Signal(*signal), &by),
            Self::Suspend { .. } | Self::Resume(_) => {
                let word = self.suspension(&by, now.wall);
                record.suspension = word.map(|word| Box::new(word.beside(record.suspension.as_deref())));
            }
            Self::Release(_) => record.ask_release(by, now.wall),
            Self::Adopt { key, force, .. } => record.ask_adopt(key.clone(), *force, by),
            Self::Apply { .. } | Self::Rollback { .. } | Self::Upgrade(_) => {}
        }
    }

    /// Why it can't be asked of this object.
    fn objection(&self, record: &Record) -> Option<String> {
        let name = &record.spec.name;
        match self {
            Self::Reload(_) if record.spec.reload.is_none() => Some(format!(
                "`{name}` has no `reload` in its document; `selfsame restart {name}` restarts it"
            )),
            // By name it is run; of `--all` and of labels it is no part.
            Self::Restart(objects) if record.spec.task.is_some() && objects.names.is_empty() => {
                Some(format!("`{name}` is a Task; `selfsame restart {name}` runs it"))
            }
            Self::Resume(_) if record.spec.suspend.is_some() => {
                Some(format!("`{name}` is suspended by its document, which has to say otherwise"))
            }
            Self::Start { .. }
            | Self::Stop { .. }
            | Self::Restart(_)
            | Self::Reload(_)
            | Self::Signal { .. }
            | Self::Suspend { .. }
            | Self::Resume(_)
            | Self::Release(_)
            | Self::Adopt { .. }
            | Self::Apply { .. }
            | Self::Rollback { .. }
            | Self::Upgrade(_) => None,
        }
    }
}

impl fmt::Display for Wanted {
    /// As it is typed: `stop shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { objects, .. } => write!(f, "start {objects}"),
            Self::Stop { objects, .. } => write!(f, "stop {objects}"),
            Self::Restart(objects) => write!(f, "restart {objects}"),
            Self::Reload(objects) => write!(f, "reload {objects}"),
            Self::Signal { objects, signal } => write!(f, "signal {signal} {objects}"),
            Self::Suspend { objects, .. } => write!(f, "suspend {objects}"),
            Self::Resume(objects) => write!(f, "resume {objects}"),
            Self::Release(objects) => write!(f, "release {objects}"),
            Self::Adopt { name, key, force } => {
                write!(f, "adopt {} --as {name}{}", key.pid, if *force { " --force" } else { "" })
            }
            Self::Apply { confirmed, .. } => {
                f.write_str(if *confirmed { "apply, confirmed" } else { "apply" })
            }
            Self::Rollback { number, confirmed } => {
                write!(f, "rollback {number}{}", if *confirmed { " --confirm" } else { "" })
            }
            Self::Upgrade(program) => write!(f, "upgrade to {}", program.display()),
        }
    }
}

#[cfg(test)]
mod tests;
