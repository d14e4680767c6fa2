//! Control groups: one for each instance that is started, so that it can be told what belongs to it, all of it can be
//! ended at once, and its resources can be bounded.
//!
//! ```text
//! OWN                     the engine's own group, of version 2 for trees, of version 1 where a controller is only there
//! OWN/selfsame-HASH       of this state directory, by its path and its file system
//! OWN/selfsame-HASH/NAME  of one start; its name is on record before it is made
//! ```
//!
//! Everything is below the engine's own group: no process escapes the bounds that the engine itself is under. Where none
//! can be made (an ordinary user without a delegated group, most containers) `make` says so with an empty [`Entry`], and
//! trees are known by descent and session only.
//!
//! What is below `selfsame-HASH` was made here, and only that is ever killed or removed.

mod base;
mod bounds;
mod files;
mod places;
mod taking;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

pub use bounds::Controller;
pub(super) use files::{can_make_below, opened};
pub use places::Places;

use base::{Base, ENGINE, is_name};
use files::{DEPTH_MAX, collect, counted, has_processes, make_below, put, says, says_word};

use super::atomic;
use super::errno::io_text;
use super::spawn::side_by_side;
use super::state_dir::Dirs;
use crate::spec::Resources;
use crate::units::Pid;

/// A frozen group is waited for so long.
const FREEZE_WAIT: Duration = Duration::from_millis(200);
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What a start needs to enter its group.
#[derive(Debug, Default)]
pub struct Entry {
    /// The group of version 2, for `clone3(2)`.
    pub tree: Option<OwnedFd>,
    /// The `cgroup.procs` of that group, for kernels that can't clone into it.
    pub tree_procs: Option<PathBuf>,
    /// The `cgroup.procs` of groups of version 1.
    pub joins: Vec<OwnedFd>,
}

/// The groups of one engine.
#[derive(Debug)]
pub struct Groups {
    register: PathBuf,
    places: Places,
    present: Base,
    /// Of this engine and of those before it, the present one first.
    bases: Vec<Base>,
    registered: bool,
    /// Groups that are there, as far as is known.
    known: BTreeSet<String>,
    /// Of those, the ones that nobody has on record any more.
    leaving: BTreeSet<String>,
    /// Why no tree can have a group, once that was tried.
    refused: Option<String>,
    /// There are none of version 1, and none were made here: what only looks can't know.
    no_v1: bool,
    /// A host that only looks removes nothing.
    acts: bool,
}

impl Groups {
    /// The groups of this state directory. `acts`: may mount the hierarchy where there is none.
    pub fn new(dirs: &Dirs, acts: bool) -> Self {
        let mut places = Places::of_this_process();
        if acts && places.tree.is_none() && places.mount(&dirs.run.join("cgroup")).is_ok() {
            places = Places::of_this_process();
        }
        let name = format!("selfsame-{}", hash(&dirs.run));
        let present = Base {
            tree: places.tree.as_ref().map(|own| own.join(&name)),
            controllers: places
                .controllers
                .iter()
                .map(|(controller, own)| (controller.clone(), own.join(&name)))
                .collect(),
        };
        let register = dirs.run.join("groups.json");
        let own = rustix::process::geteuid().as_raw();
        let read = atomic::read(&register, &[0, own], FILE_BYTES_MAX).ok();
        let former: Vec<Base> =
            read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let registered = former.contains(&present);
        let mut bases = vec![present.clone()];
        bases.extend(former.into_iter().filter(|base| *base != present));
        let known = bases.iter().flat_map(Base::groups).collect();
        let no_v1 = acts && !bases.iter().flat_map(|base| base.controllers.values()).any(|dir| dir.is_dir());
        Self {
            register,
            places,
            present,
            bases,
            registered,
            known,
            leaving: BTreeSet::new(),
            refused: None,
            no_v1,
            acts,
        }
    }

    /// What this host has.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Makes the group of a start and sets its bounds. Without bounds, a host that has no groups for us is no error.
    ///
    /// # Errors
    /// A sentence: the bounds can't be had.
    pub fn make(&mut self, name: &str, resources: &Resources) -> Result<Entry, String> {
        self.can(resources)?;
        self.note_base()?;
        let mut entry = Entry::default();
        match self.make_tree(name) {
            Ok(made) => {
                self.refused = None;
                (entry.tree, entry.tree_procs) = made.map_or((None, None), |(a, b)| (Some(a), Some(b)));
            }
            Err(error) => self.refused = Some(io_text(&error)),
        }
        for controller in bounds::wanted(resources) {
            let dir = self.group_of(controller, name)?;
            if !self.is_tree(controller) {
                entry.joins.push(opened(&dir.join("cgroup.procs")).map_err(|error| at(&dir, &error))?);
            }
            bounds::set(controller, &dir, resources, self.is_tree(controller))?;
        }
        Ok(entry)
    }

    /// Removes the group of a start that failed.
    pub fn unmake(&mut self, name: &str) {
        if self.bases.iter().all(|base| base.remove(name)) {
            self.known.remove(name);
        }
    }

    /// Sets the bounds of a group whose processes run. `pids`: those that are to be taken into groups that they aren't in.
    ///
    /// # Errors
    /// A sentence: the bounds can't be had.
    pub fn constrain(&mut self, name: &str, resources: &Resources, pids: &[Pid]) -> Result<(), String> {
        self.can(resources)?;
        self.note_base()?;
        for controller in Controller::ALL {
            let wanted = bounds::wanted(resources).any(|other| other == controller);
            match (self.find(controller, name), wanted) {
                (Some(dir), _) if !wanted || self.is_tree(controller) || has_processes(&dir) => {
                    let v2 = self.is_tree(controller);
                    if wanted && v2 {
                        self.enable(controller)?;
                    }
                    bounds::set(controller, &dir, resources, v2)?;
                }
                (_, true) => {
                    let dir = self.group_of(controller, name)?;
                    bounds::set(controller, &dir, resources, self.is_tree(controller))?;
                    self.move_into(&dir, name, pids)?;
                }
                (_, false) => {}
            }
        }
        Ok(())
    }

    /// Whether these bounds can be had on this host.
    ///
    /// # Errors
    /// A sentence that names the first that can't.
    pub fn can(&self, resources: &Resources) -> Result<(), String> {
        self.places.can(resources)
    }

    /// Whether there is a group of this name that tells which processes belong to a start.
    pub fn has(&self, name: &str) -> bool {
        self.tree(name).is_some()
    }

    /// Whether a group of this name was made and not removed here; without a look.
    pub fn is_known(&self, name: &str) -> bool {
        self.known.contains(name) && self.refused.is_none() && self.present.tree.is_some()
    }

    /// The processes of a group and of all below it; `None`: there is no such group. Those of other PID namespaces can't be
    /// named and are left out.
    pub fn members(&self, name: &str) -> Option<Vec<Pid>> {
        let mut found = Vec::new();
        // The usual answer after an exit takes one question.
        if self.trees(name).next().is_some_and(|dir| says(&dir.join("cgroup.events"), "populated 0")) {
            return Some(found);
        }
        let dir = self.tree(name)?;
        collect(&dir, 0, &mut found);
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// Ends every process of a group at once. On kernels that can't (before 5.14) it is frozen first, so that nothing forks
    /// away meanwhile, and `each` is asked to end its processes.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn kill(&self, name: &str, mut each: impl FnMut(Pid)) -> io::Result<()> {
        let Some(dir) = self.tree(name) else { return Err(io::Error::from_raw_os_error(libc::ENOENT)) };
        match put(&dir.join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            answer => return answer,
        }
        put(&dir.join("cgroup.freeze"), "1")?;
        let begin = Instant::now();
        while !says(&dir.join("cgroup.events"), "frozen 1") && begin.elapsed() < FREEZE_WAIT {
            std::thread::sleep(Duration::from_millis(1));
        }
        for pid in self.members(name).unwrap_or_default() {
            each(pid);
        }
        put(&dir.join("cgroup.freeze"), "0")
    }

    /// How often the kernel ended a process of the group for want of memory; 0 where it doesn't count that.
    pub fn oom_kills(&self, name: &str) -> u64 {
        let of = |dir: PathBuf, file: &str| counted(&dir.join(file), "oom_kill");
        let mut v1 = self.bases.iter().filter_map(|base| base.controllers.get("memory")).peekable();
        // A controller is of one hierarchy at a time.
        let v2 = if v1.peek().is_some() {
            0
        } else {
            self.trees(name).map(|dir| of(dir, "memory.events")).sum::<u64>()
        };
        let v1 = v1.filter(|_| !self.no_v1);
        v2 + v1.map(|dir| of(dir.join(name), "memory.oom_control")).sum::<u64>()
    }

    /// The groups that nobody has on record are to be removed, once they are empty: at the next [`Self::sweep`], since a start
    /// that is about to happen shall not wait for it.
    pub fn keep(&mut self, on_record: &BTreeSet<&str>) {
        let stale = self.known.iter().filter(|name| !on_record.contains(name.as_str()));
        self.leaving = stale.cloned().collect();
    }

    /// Removes what was left. What can't be removed yet is named again by the next [`Self::keep`].
    pub fn sweep(&mut self) {
        for name in std::mem::take(&mut self.leaving) {
            self.unmake(&name);
        }
    }

    /// Many names, made one by one between what starts need for a moment, are put side by side.
    pub fn settle(&mut self) {
        if let Some(known) = side_by_side(|| self.known.clone()) {
            self.known = known;
        }
    }

    fn tree(&self, name: &str) -> Option<PathBuf> {
        self.trees(name).find(|dir| dir.is_dir())
    }

    /// Where a group of this name may be.
    fn trees(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let bases = self.bases.iter().filter(|_| is_name(name));
        bases.filter_map(move |base| Some(base.tree.as_ref()?.join(name)))
    }

    /// Whether this controller's bounds are set in the group of version 2.
    fn is_tree(&self, controller: Controller) -> bool {
        self.places.has(controller) == Ok(true)
    }

    fn find(&self, controller: Controller, name: &str) -> Option<PathBuf> {
        if self.is_tree(controller) {
            return self.tree(name);
        }
        let dirs = self.bases.iter().filter_map(|base| base.controllers.get(controller.v1()));
        dirs.map(|dir| dir.join(name)).find(|dir| dir.is_dir())
    }

    /// The group of a name in the hierarchy of a controller, made if need be.
    fn group_of(&mut self, controller: Controller, name: &str) -> Result<PathBuf, String> {
        if self.is_tree(controller) {
            self.enable(controller)?;
            return self.tree(name).ok_or_else(|| {
                let why = self.refused.as_deref().unwrap_or("it was removed");
                format!("its control group can't be made: {why}")
            });
        }
        let base = self.present.controllers.get(controller.v1()).cloned();
        let base = base.ok_or_else(|| format!("there is no controller `{}`", controller.v1()))?;
        let dir = base.join(name);
        self.no_v1 = false;
        make_below(&base, &dir).map_err(|error| at(&dir, &error))?;
        self.known.insert(name.to_owned());
        Ok(dir)
    }

    fn make_tree(&mut self, name: &str) -> io::Result<Option<(OwnedFd, PathBuf)>> {
        let Some(base) = self.present.tree.clone() else { return Ok(None) };
        let dir = base.join(name);
        make_below(&base, &dir)?;
        self.known.insert(name.to_owned());
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let tree = OpenOptions::new().read(true).custom_flags(flags).open(&dir)?;
        Ok(Some((tree.into(), dir.join("cgroup.procs"))))
    }

    /// Hands a controller of version 2 down to our groups.
    fn enable(&mut self, controller: Controller) -> Result<(), String> {
        let (Some(own), Some(base)) = (self.places.tree.clone(), self.present.tree.clone()) else {
            return Err("there are no control groups of version 2".into());
        };
        make_below(&base, &base).map_err(|error| at(&base, &error))?;
        let word = format!("+{}", controller.v2());
        for dir in [own.as_path(), base.as_path()] {
            let file = dir.join("cgroup.subtree_control");
            if says_word(&file, controller.v2()) {
                continue;
            }
            let mut written = put(&file, &word);
            if dir == own && written.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY)) {
                // A group can't both hold processes and hand controllers down: the engine moves down, if it is alone.
                step_down(&own, &base).map_err(|error| at(&own, &error))?;
                written = put(&file, &word);
            }
            written.map_err(|error| at(&file, &error))?;
        }
        Ok(())
    }

    /// Takes running processes into a group, until none of the tree is outside.
    fn move_into(&self, dir: &Path, name: &str, pids: &[Pid]) -> Result<(), String> {
        let file = dir.join("cgroup.procs");
        for _ in 0..8 {
            let mut inside = Vec::new();
            collect(dir, DEPTH_MAX, &mut inside);
            let all = self.members(name).unwrap_or_else(|| pids.to_vec());
            let outside: Vec<Pid> = all.into_iter().filter(|pid| !inside.contains(pid)).collect();
            if outside.is_empty() {
                break;
            }
            for pid in outside {
                match put(&file, &pid.to_string()) {
                    Err(error) if error.raw_os_error() != Some(libc::ESRCH) => return Err(at(&file, &error)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Before the first group is made it is on record where.
    fn note_base(&mut self) -> Result<(), String> {
        if self.registered {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&self.bases).map_err(|error| error.to_string())?;
        atomic::write(&self.register, &bytes, 0o600).map_err(|error| {
            format!("`{}` can't be written: {}", self.register.display(), io_text(&error))
        })?;
        self.registered = true;
        Ok(())
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        if !self.acts {
            return;
        }
        // Empty ones only: a directory with groups in it stays.
        for dir in self.bases.iter().flat_map(Base::dirs) {
            let _ = fs::remove_dir(dir);
        }
    }
}

fn step_down(own: &Path, base: &Path) -> io::Result<()> {
    let mut inside = Vec::new();
    collect(own, DEPTH_MAX, &mut inside);
    let us = Pid(rustix::process::getpid().as_raw_nonzero().get());
    if inside != [us] {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    let leaf = base.join(ENGINE);
    make_below(base, &leaf)?;
    put(&leaf.join("cgroup.procs"), &us.to_string())
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("`{}`: {}", path.display(), io_text(error))
}

/// Of its path, and of the file system that it lies on: with a `/run` of their own (mount namespaces, containers that share a tree
/// of groups) two engines have the same path, and each would take the other's groups for what a former engine left.
fn hash(dir: &Path) -> String {
    let file_system = fs::metadata(dir).map_or(0, |meta| meta.dev());
    let whole = Sha256::new()
        .chain_update(dir.as_os_str().as_encoded_bytes())
        .chain_update(file_system.to_le_bytes());
    whole.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
