//! What the engine makes for services and looks after while they run: sockets, copies of secrets, pid files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use super::errno::io_text;
use super::pidfile;
use super::secrets::Copies;
use super::sockets::Sockets;
use super::walk;
use crate::facts::ProcessKey;
use crate::plan::action::Launch;
use crate::plan::memory::{Memory, Phase, Record};
use crate::plan::observation::Prepared;
use crate::plan::substitute;
use crate::spec::{DesiredState, Listen, SecretForm, Service, ServiceName};
use crate::units::Pid;

/// Others read a pid file.
const PIDFILE_MODE: u32 = 0o644;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Given {
    sockets: Sockets,
    copies: Copies,
    /// Pid files by the process that they name.
    pidfiles: BTreeMap<ProcessKey, PathBuf>,
    /// There was something of this kind, so that what is left has to be looked for.
    any: bool,
}

/// What a start was given.
#[derive(Debug)]
pub(super) struct Ready<'a> {
    pub(super) sockets: Vec<BorrowedFd<'a>>,
    /// To be written once the number is known.
    pub(super) pidfile: Option<pidfile::Prepared>,
}

impl Given {
    /// Makes what a launch needs.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn prepare(&mut self, name: &ServiceName, launch: &Launch) -> Result<Ready<'_>, String> {
        self.any |= !launch.sockets.is_empty() || !launch.secrets.is_empty() || launch.pidfile.is_some();
        self.copies.make(&launch.secrets)?;
        let pidfile = launch.pidfile.as_deref().map(prepare_pidfile).transpose()?;
        let sockets = self.sockets.open(name, &launch.sockets)?;
        Ok(Ready { sockets, pidfile })
    }

    /// Makes the copies that a command needs while nothing of its service runs.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn copy_secrets(&mut self, launch: &Launch) -> Result<(), String> {
        self.any |= !launch.secrets.is_empty();
        self.copies.make(&launch.secrets)
    }

    /// Writes the number of a process that was started. What fails now is tried again by [`Given::look_after`].
    pub(super) fn write_pidfile(&mut self, key: &ProcessKey, path: &Path, prepared: &pidfile::Prepared) {
        if prepared.write(key.pid).is_ok() {
            self.pidfiles.insert(key.clone(), path.to_owned());
        }
    }

    /// A process on record lives: takes copies of the sockets that a former engine gave it.
    pub(super) fn recover(&mut self, spec: &Service, index: u32, places: &Prepared, key: &ProcessKey) {
        if !spec.sockets.is_empty() {
            self.any = true;
            self.sockets.recover(&spec.name, &listens(spec, index, places), key);
        }
    }

    /// Closes and removes what belongs to nothing on record any more, and writes pid files that are missing.
    pub(super) fn look_after(&mut self, memory: &Memory, places: &Prepared) {
        if !self.any && memory.services.rows_where(|told| told.is_given).next().is_none() {
            return;
        }
        self.any = true;
        self.sockets.retain(|name, listen| {
            memory.services.get(name).is_some_and(|record| keeps_socket(record, listen, places))
        });
        let copied: BTreeSet<String> =
            memory.services.values().flat_map(|record| copies_of(record)).collect();
        self.copies.retain(&Path::new(&places.run_dir).join("secrets"), |name| copied.contains(name));
        self.write_pidfiles(memory, places);
        self.any = !self.sockets.is_empty() || !copied.is_empty() || !self.pidfiles.is_empty();
    }

    fn write_pidfiles(&mut self, memory: &Memory, places: &Prepared) {
        let mut wanted = BTreeMap::new();
        for record in memory.services.values().filter(|record| record.spec.write_pidfile) {
            let Some(path) = &record.spec.pidfile else { continue };
            for (index, instance) in &record.instances {
                if let Some(process) = instance.phase.process() {
                    let path = PathBuf::from(substitute(path, &record.spec, *index, places));
                    wanted.insert(process.key.clone(), path);
                }
            }
        }
        self.pidfiles.retain(|key, path| {
            let stays = wanted.get(key) == Some(path);
            if !stays && names(path, key.pid) {
                let _ = fs::remove_file(path);
            }
            stays
        });
        for (key, path) in wanted {
            if self.pidfiles.contains_key(&key) {
                continue;
            }
            // One that can't be written is a matter of the next look, and of the next start, which says so.
            let written = names(&path, key.pid)
                || prepare_pidfile(&path).is_ok_and(|prepared| prepared.write(key.pid).is_ok());
            if written {
                self.pidfiles.insert(key, path);
            }
        }
    }
}

/// The addresses of one replica.
fn listens(spec: &Service, index: u32, places: &Prepared) -> Vec<Listen> {
    let one = |listen: &Listen| match listen {
        Listen::Unix(path) => Listen::Unix(substitute(path, spec, index, places)),
        internet => internet.clone(),
    };
    spec.sockets.iter().map(|socket| one(&socket.listen)).collect()
}

/// An object that shall run keeps the sockets of its document; what still runs, or runs with those of another document,
/// keeps all that it has.
fn keeps_socket(record: &Record, listen: &Listen, places: &Prepared) -> bool {
    let runs = record.instances.values().any(|instance| match &instance.phase {
        Phase::Intended { .. } | Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. } => {
            true
        }
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished => false,
    });
    let spec = &record.spec;
    let wanted = || (0..spec.replicas).any(|index| listens(spec, index, places).contains(listen));
    runs || (shall_run(record) && wanted())
}

fn shall_run(record: &Record) -> bool {
    let wish = record.wish.as_ref().map(|wish| wish.running);
    !record.terminating && wish.unwrap_or(record.spec.state == DesiredState::Running)
}

/// Names of directories of instances that run or shall, or have commands to be run.
fn copies_of(record: &Record) -> Vec<String> {
    let spec = &record.spec;
    if !spec.secrets.iter().any(|secret| secret.form == SecretForm::File) {
        return Vec::new();
    }
    let wanted = |phase: &Phase| match phase {
        Phase::Intended { .. } | Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. } => {
            true
        }
        Phase::Vacant | Phase::BackOff { .. } | Phase::Finished => false,
    };
    let of =
        record.instances.iter().filter(|(_, instance)| wanted(&instance.phase) || instance.errand.is_some());
    of.map(|(index, _)| format!("{}.{index}", spec.name)).collect()
}

fn names(path: &Path, pid: Pid) -> bool {
    let content = pidfile::read(path).ok().and_then(|content| content.text);
    content.is_some_and(|text| String::from_utf8_lossy(&text).trim() == pid.to_string())
}

/// Where others could put a link or another file in its place, root writes nothing.
fn prepare_pidfile(path: &Path) -> Result<pidfile::Prepared, String> {
    let failed = |text: String| format!("pidfile `{}` can't be written: {text}", path.display());
    let directory = path.parent().unwrap_or(path);
    let stages = walk::stages(directory).map_err(|error| failed(io_text(&error)))?;
    if let Some(weak) = walk::weakest(&stages, &[rustix::process::geteuid().as_raw()]) {
        return Err(failed(format!("somebody else could put another file in its place: {weak}")));
    }
    pidfile::Prepared::new(path, PIDFILE_MODE).map_err(|error| failed(io_text(&error)))
}
