//! The host as policies act on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::LinuxHost;
use crate::host::policy::{self, Done, Ended, Occasion, Parts, Still, Why};
use crate::plan::policy::PolicyStep;
use crate::spec::ServiceName;
use crate::spec::policy::Policy;

impl LinuxHost {
    /// Does what a step of a Policy says. It never waits: what takes time has begun, and is gone on with by
    /// [`Self::go_on_for_policies`].
    ///
    /// A Service's own process is neither restarted nor stopped here: that is [`Why::OfService`], for the caller to ask for
    /// in the way that people do.
    ///
    /// # Errors
    /// Nothing was done, and why.
    pub fn act_for_policy(&mut self, step: &PolicyStep, occasion: Occasion<'_>) -> Result<Done, Why> {
        policy::carry_out(self.parts(), step, occasion)
    }

    /// Goes on with what has begun, as far as its time has come, and says what ended. To be called in each turn of the loop.
    ///
    /// Signals that are due are sent only while their policy is among those in force, still asks for them, and still means
    /// the process.
    pub fn go_on_for_policies(
        &mut self,
        in_force: &BTreeMap<ServiceName, Arc<Policy>>,
        still: &Still<'_>,
    ) -> Vec<Ended> {
        self.parts().map_or_else(Vec::new, |parts| policy::go_on(parts, in_force, still))
    }

    /// `None`: this host only looks.
    fn parts(&mut self) -> Option<Parts<'_>> {
        self.ledger.as_ref()?;
        Some(Parts {
            world: &self.world,
            groups: &mut self.groups,
            commands: &mut self.commands,
            exits: &mut self.exits,
            waker: &self.waker,
            outputs: self.outputs.as_ref(),
            acting: &mut self.acting,
            log_dir: &self.looker.log_dir,
        })
    }
}
