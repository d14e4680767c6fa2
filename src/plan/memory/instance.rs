//! One replica: its life, and what counts over the lives of its processes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ask, Asked, Errand, Exit, Health, Phase, Purpose, Run, Triggers, is_false, on_record};
use crate::spec::Rare;
use crate::units::BootTime;

/// One replica.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Where it is in its life.
    pub phase: Phase,
    /// How often it was started after the first time.
    #[serde(default)]
    pub restarts: u64,
    /// Starts that were written down: makes the next nonce another one.
    #[serde(default)]
    pub attempts: u64,
    /// Failed starts or early exits in a row: the exponent of the back-off.
    #[serde(default)]
    pub failures: u32,
    /// The restart at once, after a time in good health, was used up; the next one waits.
    #[serde(default)]
    pub spared: bool,
    /// How the last process of this index ended.
    #[serde(default, with = "on_record::optional")]
    pub last_exit: Option<Exit>,
    /// Why the last start failed, until one succeeds.
    #[serde(default)]
    pub last_error: Option<String>,
    /// The health of its present process.
    #[serde(default, skip_serializing_if = "Health::is_blank")]
    pub health: Health,
    /// Where its triggers stand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: Triggers,
    /// The person whose restart the next start is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_by: Option<Box<str>>,
    /// Since when its start waits for `conditions`, or for what can't be told at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet_since: Option<BootTime>,
    /// Commands that run for it now. While there is no process, none is started before they have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errand: Option<Box<Errand>>,
    /// `hooks.preStart` have run for the next start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub primed: bool,
    /// `hooks.postStart` have to run yet: until then it isn't Ready.
    #[serde(default, skip_serializing_if = "is_false")]
    pub greets: bool,
    /// What was asked of it and isn't done yet, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// How a command that runs for it failed, until one of its kind succeeds or it is started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_error: Option<Box<(Purpose, String)>>,
    /// Of a Task: the run that this instance is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<Run>>,
    /// What became of changes of limits and scheduling of the running process.
    #[serde(default, skip_serializing_if = "Adjusted::is_default")]
    pub adjusted: Rare<Adjusted>,
}

impl Instance {
    /// Asks for a reload of the process, for this reason. One that waits already is enough.
    pub fn ask_reload(&mut self, because: impl Into<String>) {
        if self.asked.iter().all(|asked| asked.what != Ask::Reload) {
            self.asked.push(Asked { what: Ask::Reload, because: because.into() });
        }
    }

    /// Another process begins: nothing is known of its health.
    pub fn begin_health(&mut self) {
        self.health = Health::default();

        self.unmet_since = None;
    }

    /// Asks for a restart of the process, when its turn comes among the replicas.
    pub fn ask_restart(&mut self, because: impl Into<String>) {
        self.health.restart = Some(because.into());
    }

    /// It is in good health, or a person asked: what failed before no longer counts.
    pub fn forget_failures(&mut self) {
        // Whatever is added here is also added to `remembers_failures`.
        self.failures = 0;
        self.spared = false;
        self.adjusted = Rare::default();
    }

    pub(super) fn remembers_failures(&self) -> bool {
        self.failures > 0 || self.spared || *self.adjusted != Adjusted::default()
    }
}

/// What became of changes that a running process was to be given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Adjusted {
    /// What it was to have and couldn't be given as it runs, as it stands in [`Launched`](super::Launched) by field: it takes a restart.
    pub not_live: BTreeMap<String, String>,
    /// What was refused in the same way, which a restart wouldn't mend: nothing is done about it.
    pub refused: BTreeMap<String, String>,
    /// Why.
    pub error: Option<String>,
}

impl Adjusted {
    /// What failed of a field no longer counts.
    pub fn forget(&mut self, field: &str) {
        self.not_live.remove(field);
        self.refused.remove(field);
        if self.not_live.is_empty() && self.refused.is_empty() {
            self.error = None;
        }
    }

    /// Whether nothing failed.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
