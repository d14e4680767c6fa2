//! The steps of a plan, carried out.

use std::path::Path;

use super::LinuxHost;
use crate::facts::{Fact, ProcessKey};
use crate::host::errno::io_text;
use crate::host::exits::Life;
use crate::host::signal::signal_verified;
use crate::host::{Host as _, adjust, clock, failpoint, takeover};
use crate::plan::action::{Action, Outcome, Step};
use crate::plan::memory::Memory;
use crate::spec::ReadinessCheck;

impl LinuxHost {
    /// Does what the step says.
    pub(super) fn act(&mut self, step: &Step) -> Outcome {
        if self.ledger.is_none() {
            return looks_only();
        }
        match &step.action {
            Action::Start { nonce, launch } => self.start(step, nonce, launch),
            Action::Signal { key, signal, adopted_by } => {
                let world = self.world.again();
                let places = self.looker.places();
                signal_verified(key, *signal, || match adopted_by {
                    None => Fact::Known(true),
                    Some(rule) => self.still_satisfies(key, rule, &places, &world),
                })
            }
            Action::KillTree { main, adopted_by, tree, group } => {
                self.kill_tree(main.as_ref(), adopted_by.as_ref(), tree, group.as_deref())
            }
            Action::Constrain { key, group, resources } => self.constrain(key, group, resources),
            Action::Probe { key, purpose, check, timeout, launch } => {
                let check = self.resolve(check, step);
                let about = (key.clone(), *purpose);
                self.probes.begin(&about, &check, *timeout, launch.as_deref(), clock::now().boot);
                Outcome::Done
            }
            Action::Adopt { key } => match (failpoint::hit("adopt"), self.exits.life(key, &self.waker)) {
                (Err(error), _) => Outcome::Refused { error: io_text(&error) },
                (Ok(()), Life::Gone(_)) => Outcome::Gone,
                (Ok(()), Life::Alive | Life::Unknown(_)) => Outcome::Done,
            },
            Action::Release { .. } => match failpoint::hit("release") {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Refused { error: io_text(&error) },
            },
            Action::Adjust { key, adjustments, .. } => adjust::adjust(key, adjustments),
            Action::Run { nonce, launch, timeout } => {
                self.make_room(launch);
                if let Err(error) = self.given.copy_secrets(launch) {
                    self.commands.fail(nonce, error);
                    return Outcome::Done;
                }
                let begun = self.commands.begin(nonce, launch, *timeout, clock::now().boot);
                begun.map_or(Outcome::Done, |(pid, start)| {
                    Outcome::Started(ProcessKey { boot: self.looker.boot.clone(), pid, start })
                })
            }
        }
    }

    /// A check with its placeholders replaced.
    fn resolve(&self, check: &ReadinessCheck, step: &Step) -> ReadinessCheck {
        let ReadinessCheck::Unix { path } = check else { return check.clone() };
        let path = crate::spec::substitute(path, |word| match word {
            "index" => Some(step.index.to_string()),
            "name" => Some(step.service.to_string()),
            "runDir" => Some(self.looker.run_dir.clone()),
            "logDir" => Some(self.looker.log_dir.clone()),
            _ => None,
        });
        ReadinessCheck::Unix { path }
    }

    /// Becomes another binary of selfsame, which goes on where we are. Returns only if that fails, with a sentence; then
    /// only the probes that were under way are lost.
    #[must_use]
    pub fn replace_by(&mut self, program: &Path, memory: &Memory) -> String {
        if let Err(sentence) = takeover::judge(program) {
            return sentence;
        }
        if let Err(sentence) = self.remember(memory) {
            return sentence;
        }
        let Some(ledger) = &self.ledger else { return "the state is not held by this look".into() };
        // The next image doesn't know of them, and nobody would end them.
        self.probes.retain(|_| false);
        self.commands.retain(&std::collections::BTreeSet::new());
        if let Some(git) = &mut self.git {
            git.cancel();
        }
        if let Some(trees) = &mut self.work_trees {
            trees.cancel();
        }
        takeover::become_program(program, ledger.lock())
    }
}

pub(super) fn looks_only() -> Outcome {
    Outcome::Refused { error: "this look doesn't hold the state".into() }
}
