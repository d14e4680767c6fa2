//! The steps of a plan, carried out.

use std::os::fd::AsFd;
use std::path::Path;

use super::LinuxHost;
use crate::facts::{Fact, ProcessKey};
use crate::host::errno::io_text;
use crate::host::exits::Life;
use crate::host::groups::Entry;
use crate::host::signal::signal_verified;
use crate::host::spawn::spawn_in;
use crate::host::{Host as _, adjust, clock, failpoint, takeover};
use crate::plan::action::{Action, Launch, Outcome, Step};
use crate::plan::memory::Memory;
use crate::spec::{ReadinessCheck, ServiceName};

impl LinuxHost {
    /// Does what the step says.
    pub(super) fn act(&mut self, step: &Step) -> Outcome {
        if self.ledger.is_none() {
            return looks_only();
        }
        match &step.action {
            Action::Start { nonce, launch } => self.start(&step.service, step.index, nonce, launch),
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
                self.commands.begin(nonce, launch, *timeout, clock::now().boot);
                Outcome::Done
            }
        }
    }

    fn start(&mut self, name: &ServiceName, index: u32, nonce: &str, launch: &Launch) -> Outcome {
        let Some(ledger) = &mut self.ledger else { return looks_only() };
        let slot = match ledger.create_slot(name, index, nonce) {
            Ok(slot) => slot,
            Err(error) => {
                let error = format!("the start could not be recorded: {}", io_text(&error));
                return Outcome::Refused { error };
            }
        };
        if let Err(error) = self.prepare_health(name, index, launch) {
            return Outcome::StartFailed { error };
        }
        let group = launch.group.as_deref();
        let entry =
            group.map_or_else(|| Ok(Entry::default()), |group| self.groups.make(group, &launch.resources));
        let spawned = match (failpoint::hit("start.clone"), entry) {
            (Ok(()), Ok(entry)) => self.given.prepare(name, launch).and_then(|ready| {
                let spawned = spawn_in(launch, Some(slot.as_fd()), &ready.sockets, &entry);
                spawned.map(|spawned| (spawned, ready.pidfile)).map_err(|error| error.to_string())
            }),
            (Ok(()), Err(error)) => Err(error),
            (Err(error), _) => Err(io_text(&error)),
        };
        match spawned {
            Ok((spawned, pidfile)) => {
                let _ = failpoint::hit("start.spawned");
                let key =
                    ProcessKey { boot: self.looker.boot.clone(), pid: spawned.pid, start: spawned.start };
                self.exits.started(&key, spawned.pidfd, &self.waker);
                if let (Some(pidfile), Some(path)) = (pidfile, &launch.pidfile) {
                    self.given.write_pidfile(&key, path, &pidfile);
                }
                Outcome::Started(key)
            }
            // Its slot is free when the record says so.
            Err(error) => {
                if let Some(group) = group {
                    self.groups.unmake(group);
                }
                Outcome::StartFailed { error }
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

fn looks_only() -> Outcome {
    Outcome::Refused { error: "this look doesn't hold the state".into() }
}
