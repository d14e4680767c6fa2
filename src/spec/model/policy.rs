//! A Policy: what is not to be of the processes of this host, and what is done when it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Expression, Hosts, Origin, Resources, ServiceName, StopCommand, Suspend};
use crate::spec::defaults::Selector;
use crate::units::Signal;

/// A validated document of kind Policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Its name, unique among Policies.
    pub name: ServiceName,
    /// Where its document stands.
    pub origin: Origin,
    /// Labels of the document.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the document.
    pub annotations: BTreeMap<String, String>,
    /// Which processes it is about; with `selector` those of them that both choose. One of the two is there.
    #[serde(rename = "match")]
    pub subject: Option<Expression>,
    /// The processes of the Services and Tasks here with such labels.
    pub selector: Option<Selector>,
    /// What must not be so of them. Without it (and without `count`) that there is one is the violation.
    pub when: Option<Expression>,
    /// How many there may be.
    pub count: Option<CountRange>,
    /// How long it has to be so.
    #[serde(rename = "for")]
    pub lasting: Lasting,
    /// Time between two looks, where the kernel doesn't tell.
    pub every: Duration,
    /// What is done.
    #[serde(rename = "do")]
    pub actions: Vec<PolicyAction>,
    /// How often.
    pub limit: ActionLimit,
    /// Nothing but saying what would be done; by default so for whatever no Service here owns.
    pub dry_run: Option<bool>,
    /// How bad it is.
    pub severity: Severity,
    /// What is said, `${...}` standing for facts of the process.
    pub message: Option<String>,
    /// For which hosts; `None`: for all.
    pub hosts: Option<Hosts>,
    /// Nothing is looked at and nothing done.
    pub suspend: Option<Suspend>,
}

/// Time between two looks, where nothing is said.
const EVERY: Duration = Duration::from_secs(5);

impl Policy {
    /// A Policy with every field at its documented default, about no process.
    pub fn new(name: ServiceName) -> Self {
        Self {
            name,
            origin: Origin::default(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            subject: None,
            selector: None,
            when: None,
            count: None,
            lasting: Lasting::default(),
            every: EVERY,
            actions: vec![PolicyAction::Report],
            limit: ActionLimit::default(),
            dry_run: None,
            severity: Severity::default(),
            message: None,
            hosts: None,
            suspend: None,
        }
    }

    /// Which processes it is about, as its document says it: the condition, or the labels.
    pub fn about(&self) -> String {
        match (&self.subject, &self.selector) {
            (Some(subject), _) => subject.text.clone(),
            (None, Some(selector)) => selector.to_string(),
            (None, None) => String::new(),
        }
    }

    /// Every condition in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        [&self.subject, &self.when].into_iter().flatten()
    }
}

/// How many processes there may be, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CountRange {
    /// At least.
    pub least: u32,
    /// At most.
    pub most: Option<u32>,
}

/// When a violation counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lasting {
    /// At once.
    #[default]
    Seen,
    /// It was so in every look for so long.
    Time(Duration),
    /// It was so in so many of the last looks that could tell.
    Looks {
        /// In so many.
        so: u32,
        /// Of so many.
        of: u32,
    },
}

/// How often a policy acts, all its processes together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActionLimit {
    /// So often.
    pub count: u32,
    /// In so long.
    pub per: Duration,
}

impl Default for ActionLimit {
    fn default() -> Self {
        Self { count: 1, per: Duration::from_mins(10) }
    }
}

/// How bad a violation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// To be looked at.
    #[default]
    Warning,
    /// To be mended.
    Error,
    /// At once.
    Critical,
}

/// What is done about a violation. Reporting is done in any case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyAction {
    /// Nothing more than to say it.
    Report,
    /// A command with the facts in its environment.
    Exec(StopCommand),
    /// Signals, each with the wait that follows.
    Signal(Vec<(Signal, Duration)>),
    /// Another nice value.
    Renice(i32),
    /// Limits of `prlimit(2)`: soft and hard, by their names.
    SetLimit(BTreeMap<String, (Option<u64>, Option<u64>)>),
    /// Into a control group that selfsame makes, all processes of the policy into one.
    Move(PolicyGroup),
    /// The Service that owns the process is restarted.
    Restart,
    /// The process is stopped; one of a Service by that Service's own way of stopping.
    Stop,
}

/// A control group for processes of policies.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyGroup {
    /// Its name; that of the policy if none is given. Policies that give the same name share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ServiceName>,
    /// What all in it may have together.
    pub resources: Resources,
}

impl Severity {
    /// In a word, as documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl PolicyAction {
    /// Whether it changes anything.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Report)
    }

    /// In a word, as documents write it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Exec(_) => "exec",
            Self::Signal(_) => "signal",
            Self::Renice(_) => "renice",
            Self::SetLimit(_) => "setLimit",
            Self::Move(_) => "cgroup",
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }

    /// What two policies can pull at from both sides.
    pub fn handle(&self) -> Option<&'static str> {
        match self {
            Self::Renice(_) => Some("nice value"),
            Self::SetLimit(_) => Some("limits"),
            Self::Move(_) => Some("control group"),
            Self::Restart | Self::Stop | Self::Signal(_) => Some("life"),
            Self::Report | Self::Exec(_) => None,
        }
    }
}

impl CountRange {
    /// Whether a number that is only known to be in a range is surely outside, surely inside, or neither. `most` is
    /// `None` where nobody can tell how many more there are.
    pub fn holds(&self, least: u32, most: Option<u32>) -> Option<bool> {
        let too_many = self.most.is_some_and(|limit| least > limit);
        let too_few = most.is_some_and(|most| most < self.least);
        if too_many || too_few {
            return Some(false);
        }
        let surely_enough = least >= self.least;
        let surely_few = self.most.is_none_or(|limit| most.is_some_and(|most| most <= limit));
        (surely_enough && surely_few).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_only_partly_known_is_judged_only_where_it_is_sure() {
        let (one, none, few) = (
            CountRange { least: 1, most: Some(1) },
            CountRange { least: 0, most: Some(0) },
            CountRange { least: 0, most: Some(3) },
        );
        let rows: &[(CountRange, u32, Option<u32>, Option<bool>)] = &[
            (one, 1, Some(1), Some(true)),
            (one, 0, Some(0), Some(false)),
            (one, 2, Some(2), Some(false)),
            (one, 0, Some(1), None),
            (one, 1, Some(2), None),
            (one, 1, None, None),
            (one, 2, None, Some(false)),
            (one, 0, None, None),
            (none, 0, Some(0), Some(true)),
            (none, 1, None, Some(false)),
            (few, 3, Some(3), Some(true)),
            (few, 2, Some(4), None),
            (few, 4, None, Some(false)),
            (CountRange { least: 2, most: None }, 2, None, Some(true)),
            (CountRange { least: 2, most: None }, 1, None, None),
        ];
        for (range, least, most, expected) in rows {
            assert_eq!(range.holds(*least, *most), *expected, "{range:?} of {least}..{most:?}");
        }
    }
}
