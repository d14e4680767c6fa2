//! All processes by the file that they execute: which of them can be an execution of a file at all.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::scripts::Scripts;
use super::{Target, image, is_interpreter};
use crate::facts::{Fact, FileFacts};
use crate::process::chain::Program;
use crate::process::world::{Bytes, World};
use crate::process::{paths, script};
use crate::units::Pid;

/// The processes of one look.
#[derive(Debug, Default)]
pub struct Images {
    /// By device and inode of the image.
    known: BTreeMap<(u64, u64), Group>,
    /// Their image can't be told, or has no name any more: each has to be asked.
    others: Vec<Pid>,
}

/// The processes with one image.
#[derive(Debug)]
struct Group {
    image: FileFacts,
    path: Bytes,
    /// What the path says, worked out once: each object asks each group.
    interpreter: bool,
    loader: bool,
    pids: Vec<Pid>,
    /// Those that may have been executed by another name than the image has now; found out when that is asked.
    renamed: OnceCell<Vec<Pid>>,
    /// Of an interpreter, what they execute; found out when a script asks.
    scripts: OnceCell<Scripts>,
}

/// Who of a group may be an execution of a target.
enum May<'t> {
    No,
    Renamed,
    /// Who names this file, which is a script.
    Script(&'t FileFacts),
    All,
}

impl Images {
    /// Looks at the images of these processes. Those without one (kernel threads, zombies) execute nothing.
    pub fn new(world: &dyn World, pids: &[Pid]) -> Self {
        let mut images = Self::default();
        for pid in pids {
            match world.exe_file(*pid) {
                Fact::Known(image) if image.nlink > 0 => images.add(world, *pid, image),
                Fact::Known(_) | Fact::Unknown(_) => images.others.push(*pid),
                Fact::Absent => {}
            }
        }
        images
    }

    fn add(&mut self, world: &dyn World, pid: Pid, image: FileFacts) {
        let key = (image.dev, image.ino);
        if let Some(group) = self.known.get_mut(&key) {
            group.pids.push(pid);
            return;
        }
        match world.exe_text(pid) {
            Fact::Known(path) => {
                let interpreter = is_interpreter(paths::family(&path));
                let loader = image::is_loader(&path);
                let (renamed, scripts) = (OnceCell::new(), OnceCell::new());
                let group = Group { image, path, interpreter, loader, pids: vec![pid], renamed, scripts };
                self.known.insert(key, group);
            }
            Fact::Absent | Fact::Unknown(_) => self.others.push(pid),
        }
    }

    /// The processes of which [`super::runs`] may say anything but "no" for one of the targets, ascending.
    pub fn may_run(&self, world: &dyn World, targets: &[Target]) -> Vec<Pid> {
        let mut pids = self.others.clone();
        for group in self.known.values() {
            for target in targets {
                match may_run(target, group) {
                    May::All => pids.extend(&group.pids),
                    May::Renamed => pids.extend(group.renamed(world)),
                    May::Script(file) => {
                        pids.extend(group.scripts(world).may_run(file, &target.chain.words));
                    }
                    May::No => {}
                }
            }
        }
        pids.sort_unstable();
        pids.dedup();
        pids
    }
}

impl Group {
    fn renamed(&self, world: &dyn World) -> &[Pid] {
        self.renamed.get_or_init(|| {
            let pids = self.pids.iter().copied();
            pids.filter(|pid| !image::bears_the_name_of(world, *pid, &self.path)).collect()
        })
    }

    fn scripts(&self, world: &dyn World) -> &Scripts {
        self.scripts.get_or_init(|| Scripts::new(world, &self.pids, paths::family(&self.path)))
    }
}

/// The rows of [`super::runs`] that the image alone decides, with everything else let through.
fn may_run<'t>(target: &'t Target, group: &Group) -> May<'t> {
    let whole = |may: bool| if may { May::All } else { May::No };
    let native = || match target.is_beside(&group.path) {
        _ if group.loader => May::All,
        true if image::is_called_as(target, &group.path) => May::All,
        true => May::Renamed,
        false => May::No,
    };
    let script = || target.file().filter(|_| target.chain.script).map_or(May::All, May::Script);
    match &target.chain.program {
        Program::Image(program) if program.same_file(&group.image) && !group.interpreter => May::All,
        Program::Image(program) if program.same_file(&group.image) => script(),
        Program::Image(_) if !target.chain.script => native(),
        Program::Image(_) | Program::Family(_) | Program::Unresolved(_, Some(_)) if group.interpreter => {
            script()
        }
        Program::Image(_) | Program::Family(_) | Program::Unresolved(_, Some(_)) => {
            let alike = |own: &[u8]| script::alike(own, paths::family(&group.path));
            whole(target.chain.family().is_some_and(alike))
        }
        Program::Unresolved(_, None) => match &target.chain.file {
            Fact::Absent if group.interpreter => May::All,
            Fact::Absent => native(),
            Fact::Known(_) | Fact::Unknown(_) => May::All,
        },
    }
}
