//! Written conditions, compiled once and asked often.

use crate::process::identity::Ternary;
use crate::process::world::World;
use crate::spec::{Expression, Service};
use crate::units::Pid;

/// The conditions of the documents in force, by their text.
#[derive(Debug, Default)]
pub struct Conditions {}

impl Conditions {
    /// Whether the condition holds for a process.
    pub fn holds(&self, expression: &Expression, spec: &Service, pid: Pid, world: &dyn World) -> Ternary {
        let _ = (expression, spec, pid, world);
        Ternary::Unknown(Vec::new())
    }

    /// Whether a written condition names a user, so that processes of other users are candidates.
    pub fn names_user(&self, spec: &Service) -> bool {
        let _ = spec;
        false
    }
}
