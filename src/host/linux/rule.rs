//! The identity rule of a document, asked of one process.

use std::collections::BTreeSet;

use super::LinuxHost;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::host::look::{Sight, wanted_user};
use crate::host::proc::LiveWorld;
use crate::plan::observation::Prepared;
use crate::plugin;
use crate::process::identity::Candidate;
use crate::spec::Service;

/// Whether an identity rule finds a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It does.
    Yes,
    /// Only by what the process says of itself.
    ByItsWord,
    /// It doesn't.
    No,
}

impl LinuxHost {
    /// Does an adopted process still satisfy the rule it was adopted by? The whole rule is asked again, of it alone.
    pub(super) fn still_satisfies(
        &self,
        key: &ProcessKey,
        rule: &Service,
        places: &Prepared,
        world: &LiveWorld,
    ) -> Fact<bool> {
        self.rule_finds(key, rule, places, world).map(|found| found == Found::Yes)
    }

    /// Whether a rule finds a process, asked of it alone.
    pub(super) fn rule_finds(
        &self,
        key: &ProcessKey,
        rule: &Service,
        places: &Prepared,
        world: &LiveWorld,
    ) -> Fact<Found> {
        match world.process_key(key.pid) {
            Fact::Known(now) if now == *key => {}
            Fact::Known(_) | Fact::Absent => return Fact::Absent,
            Fact::Unknown(reason) => return Fact::Unknown(reason),
        }
        let user = match wanted_user(rule, world) {
            Ok(user) => user,
            Err(reason) => return Fact::Unknown(reason),
        };
        let (plugins, pids) = (plugin::Look::default(), [key.pid]);
        let sight = Sight { world, plugins: &plugins, pids: &pids };
        let found = self.looker.ask(rule, user, BTreeSet::new(), places, sight);
        if let Some((_, reasons)) = found.unknown.iter().find(|(pid, _)| *pid == key.pid) {
            let reason = reasons.first().cloned();
            return Fact::Unknown(reason.unwrap_or(Reason { why: Why::Unresolved, detail: None }));
        }
        let is_it = |candidate: &&Candidate| candidate.pid == key.pid && candidate.start == key.start;
        Fact::Known(match found.candidates.iter().find(is_it) {
            Some(candidate) if candidate.self_reported => Found::ByItsWord,
            Some(_) => Found::Yes,
            None => Found::No,
        })
    }
}
