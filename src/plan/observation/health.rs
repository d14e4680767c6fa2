//! What is asked and seen of the health of a process, beyond whether it lives and is Ready.

use crate::facts::{Fact, ProcessKey};
use crate::plan::memory::{Image, Said};
use crate::spec::{Expression, ReadinessCheck};
use crate::units::BootTime;

/// What is asked about the health of a process, besides its readiness.
#[expect(clippy::struct_excessive_bools, reason = "questions, each asked or not")]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HealthQuestion {
    /// What did it say of itself? Somebody listens from now on.
    pub said: bool,
    /// The liveness check to report on.
    pub liveness: Option<ReadinessCheck>,
    /// Which program is on disk?
    pub image: bool,
    /// Would the identity rule find it, if there were no record of it?
    pub recognized: bool,
    /// If it ends: did something that can be seen keep it from serving?
    pub obstacle: bool,
    /// Do these conditions hold for it?
    pub conditions: Vec<Expression>,
}

/// What was seen of the health of a process.
#[derive(Clone, PartialEq, Debug)]
pub struct HealthSeen {
    /// What it said of itself since somebody listens.
    pub said: Said,
    /// It named another process of its tree as its main one.
    pub main: Option<ProcessKey>,
    /// What it said as a sign of life, where liveness is something that it says.
    pub beat: Option<Beat>,
    /// The answer to the liveness check: Absent when none has been given yet.
    pub lives: Fact<bool>,
    /// Why it doesn't live.
    pub detail: String,
    /// The program on disk; Absent: none is there, or not asked.
    pub image: Fact<Image>,
    /// Whether the identity rule finds it; Absent: not asked.
    pub recognized: Fact<bool>,
    /// Whether each condition holds, in the order they were asked.
    pub conditions: Vec<Fact<bool>>,
}

/// Signs of life that a service gives by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beat {
    /// When the last one was seen.
    pub last: Option<BootTime>,
    /// Since when somebody looks.
    pub since: BootTime,
}

impl Default for HealthSeen {
    fn default() -> Self {
        Self {
            said: Said::default(),
            main: None,
            beat: None,
            lives: Fact::Absent,
            detail: String::new(),
            image: Fact::Absent,
            recognized: Fact::Absent,
            conditions: Vec::new(),
        }
    }
}
