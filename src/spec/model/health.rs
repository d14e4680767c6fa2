//! What a service's health means: when it is Ready, whether it makes progress, and what follows from what is seen of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Account, Expression};

/// A question about an instance that is asked again and again: `readiness`, `liveness`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// The question.
    pub check: ReadinessCheck,
    /// Time between two probes.
    pub period: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// So many failures in a row make a Ready process not Ready, or a live one dead.
    pub failure_threshold: u32,
}

/// The forms of readiness and liveness.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadinessCheck {
    /// It has lived for so long.
    AliveFor(Duration),
    /// The pidfile names it.
    Pidfile,
    /// Something accepts a connection there.
    Tcp {
        /// Name or address, 127.0.0.1 by default.
        host: String,
        /// Port.
        port: u16,
    },
    /// The command exits with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
        /// Who runs it; `None`: the service's user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<Account>,
    },
    /// It says so itself, by `sd_notify(3)`: `READY=1`; as liveness `WATCHDOG=1` within each period.
    Notify,
    /// An HTTP request is answered as expected.
    Http(Box<HttpCheck>),
    /// Something accepts a connection at this socket.
    Unix {
        /// Absolute path, before substitution.
        path: String,
    },
    /// A line of its output since it was started matches; as liveness within each period.
    LogLine {
        /// A regular expression, searched for in each line.
        regex: String,
    },
    /// The condition holds for the process.
    When(Expression),
}

/// An HTTP request over plain TCP, and which answers are good.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCheck {
    /// Name or address, 127.0.0.1 by default.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query, beginning with a slash.
    pub path: String,
    /// Ranges of status codes that are good, both ends included.
    pub status: Vec<(u16, u16)>,
    /// Further headers of the request; `Host` may be among them.
    pub headers: BTreeMap<String, String>,
}

/// One entry of `triggers`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The condition over the instance's process.
    pub when: Expression,
    /// It has to hold for so long without a break, and to be false for so long before it counts anew.
    #[serde(rename = "for")]
    pub lasting: Duration,
    /// What follows.
    #[serde(rename = "do")]
    pub action: TriggerAction,
}

/// What a trigger does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerAction {
    /// Stops the instance and starts it again.
    Restart,
    /// Has it read its configuration anew.
    Reload,
}

/// One entry of `conditions`: what must be so before the service is started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartCondition {
    /// Something is there.
    PathExists(PathBuf),
    /// A regular file is there and has content.
    FileNotEmpty(PathBuf),
    /// This is the host with that name; `*` and `?` stand for what they do in file names.
    Host(String),
    /// Some process of this host satisfies the condition.
    When(Expression),
}

/// What is done when the program on disk is no longer the one that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BinaryChange {
    /// Nothing.
    Ignore,
    /// Status says so.
    #[default]
    Report,
    /// It is started anew, one instance at a time.
    Restart,
    /// It is told to read everything anew.
    Reload,
}

impl ReadinessCheck {
    /// The condition in it.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Self::When(expression) => Some(expression),
            Self::AliveFor(_)
            | Self::Pidfile
            | Self::Tcp { .. }
            | Self::Exec { .. }
            | Self::Notify
            | Self::Http(_)
            | Self::Unix { .. }
            | Self::LogLine { .. } => None,
        }
    }
}

impl StartCondition {
    /// The condition in it.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Self::When(expression) => Some(expression),
            Self::PathExists(_) | Self::FileNotEmpty(_) | Self::Host(_) => None,
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self {
            check: ReadinessCheck::AliveFor(Duration::from_secs(1)),
            period: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            failure_threshold: 3,
        }
    }
}
