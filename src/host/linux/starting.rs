//! Starts: what is made for them, the process, what is noted of it.
//!
//! Whoever makes a process sleeps until it executes ([`spawn_in`]), so many are made by two threads. What is written down and looked
//! up for them stays with the engine's own: the other one is given starts that lack nothing but the process.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{TrySendError, channel, sync_channel};
use std::thread;

use super::LinuxHost;
use super::perform::looks_only;
use crate::facts::ProcessKey;
use crate::host::errno::io_text;
use crate::host::groups::Entry;
use crate::host::spawn::{SpawnError, Spawned, spawn_in};
use crate::host::state_dir::renew_log;
use crate::host::{clock, failpoint, pidfile};
use crate::plan::action::{Action, Launch, Outcome, OutputTarget, Step};
use crate::units::Now;

/// Fewer starts than that aren't worth a thread.
const MANY: usize = 8;

/// The limit of processes that a user may have.
const NPROC: &str = "nproc";

/// A start that lacks nothing but the process.
struct Ready<'a> {
    launch: &'a Launch,
    slot: File,
    entry: Entry,
    sockets: Vec<OwnedFd>,
    /// To be written once the number is known.
    pidfile: Option<(&'a Path, pidfile::Prepared)>,
}

impl Ready<'_> {
    fn spawn(&self) -> Result<Spawned, SpawnError> {
        let sockets: Vec<_> = self.sockets.iter().map(AsFd::as_fd).collect();
        spawn_in(self.launch, Some(self.slot.as_fd()), &sockets, &self.entry)
    }
}

/// Whether all of these start something, and they are many.
pub(super) fn are_many_starts(steps: &[&Step]) -> bool {
    steps.len() >= MANY && steps.iter().all(|step| is_start(step))
}

pub(super) fn is_start(step: &Step) -> bool {
    matches!(step.action, Action::Start { .. })
}

impl LinuxHost {
    /// Starts what the step says.
    pub(super) fn start<'a>(&mut self, step: &'a Step, nonce: &str, launch: &'a Launch) -> Outcome {
        match self.begin_start(step, nonce, launch) {
            Ok(ready) => {
                let spawned = ready.spawn();
                self.end_start(&ready, spawned)
            }
            Err(outcome) => outcome,
        }
    }

    /// Starts what all these steps say, in no order. `done` is told the number of each and what came of it.
    pub(super) fn start_all(&mut self, steps: &[&Step], done: &mut dyn FnMut(usize, Outcome, Now)) {
        thread::scope(|scope| {
            // One that waits, so that the other thread needn't.
            let (hand, handed) = sync_channel::<(usize, Ready<'_>)>(1);
            let (tell, told) = channel();
            let spawning = move || {
                for (at, ready) in handed {
                    let spawned = ready.spawn();
                    let _ = tell.send((at, ready, spawned));
                }
            };
            // Without the thread nobody takes what is handed over, and all are made here.
            let _ = thread::Builder::new().name("starts".into()).spawn_scoped(scope, spawning);
            for (at, step) in steps.iter().enumerate() {
                let Action::Start { nonce, launch } = &step.action else { continue };
                match self.begin_start(step, nonce, launch) {
                    Ok(ready) => match hand.try_send((at, ready)) {
                        Ok(()) => {}
                        Err(TrySendError::Full((_, ready)) | TrySendError::Disconnected((_, ready))) => {
                            let spawned = ready.spawn();
                            done(at, self.end_start(&ready, spawned), clock::now());
                        }
                    },
                    Err(outcome) => done(at, outcome, clock::now()),
                }
                for (at, ready, spawned) in told.try_iter() {
                    done(at, self.end_start(&ready, spawned), clock::now());
                }
            }
            drop(hand);
            for (at, ready, spawned) in told {
                done(at, self.end_start(&ready, spawned), clock::now());
            }
        });
    }

    /// All of a start but the process.
    fn begin_start<'a>(
        &mut self,
        step: &'a Step,
        nonce: &str,
        launch: &'a Launch,
    ) -> Result<Ready<'a>, Outcome> {
        let (name, index) = (&step.service, step.index);
        self.make_room(launch);
        let ledger = self.ledger.as_mut().ok_or_else(looks_only)?;
        let slot = ledger.create_slot(name, index, nonce).map_err(|error| Outcome::Refused {
            error: format!("the start could not be recorded: {}", io_text(&error)),
        })?;
        self.renew_log(launch).map_err(|error| Outcome::StartFailed { error })?;
        self.prepare_health(name, index, launch).map_err(|error| Outcome::StartFailed { error })?;
        let entry = launch.group.as_deref().map(|group| self.groups.make(group, &launch.resources));
        let ready = failpoint::hit("start.clone").map_err(|error| io_text(&error)).and_then(|()| {
            let entry = entry.transpose()?.unwrap_or_default();
            let given = self.given.prepare(name, launch)?;
            let sockets = given.sockets.iter().map(BorrowedFd::try_clone_to_owned);
            let sockets = sockets.collect::<Result<_, _>>().map_err(|error| io_text(&error))?;
            let pidfile = launch.pidfile.as_deref().zip(given.pidfile);
            Ok(Ready { launch, slot, entry, sockets, pidfile })
        });
        ready.map_err(|error| self.failed(launch, error))
    }

    /// Who has exited still counts until it is collected, which its start would otherwise not wait for.
    pub(super) fn make_room(&mut self, launch: &Launch) {
        if launch.limits.contains_key(NPROC) || launch.resources.pids_max.is_some() {
            self.exits.collect();
        }
    }

    /// The log directory, if it is written to and isn't there any more: whoever clears `/var/log` keeps no service from being started.
    fn renew_log(&self, launch: &Launch) -> Result<(), String> {
        let dir = Path::new(&self.looker.log_dir);
        let inside =
            |target: &OutputTarget| matches!(target, OutputTarget::File(path) if path.parent() == Some(dir));
        if (inside(&launch.stdout) || inside(&launch.stderr)) && !crate::host::exists(dir) {
            return renew_log(dir);
        }
        Ok(())
    }

    /// What came of it.
    fn end_start(&mut self, ready: &Ready<'_>, spawned: Result<Spawned, SpawnError>) -> Outcome {
        let spawned = match spawned {
            // The bound is somebody else's: of a container, or of the engine itself. Nobody wrote into the slot.
            Err(error) if error.is_for_want_of_processes() => {
                self.exits.collect();
                ready.spawn()
            }
            spawned => spawned,
        };
        match spawned {
            Ok(spawned) => {
                let _ = failpoint::hit("start.spawned");
                let key =
                    ProcessKey { boot: self.looker.boot.clone(), pid: spawned.pid, start: spawned.start };
                self.exits.started(&key, spawned.pidfd, &self.waker);
                if let Some((path, pidfile)) = &ready.pidfile {
                    self.given.write_pidfile(&key, path, pidfile);
                }
                Outcome::Started(key)
            }
            Err(error) => self.failed(ready.launch, error.to_string()),
        }
    }

    /// Its slot is free when the record says so.
    fn failed(&mut self, launch: &Launch, error: String) -> Outcome {
        if let Some(group) = &launch.group {
            self.groups.unmake(group);
        }
        Outcome::StartFailed { error }
    }
}
