//! All processes by the file that they execute: which of them can be an execution of a file at all.

use std::collections::BTreeMap;

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
    pids: Vec<Pid>,
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
                self.known.insert(key, Group { image, path, pids: vec![pid] });
            }
            Fact::Absent | Fact::Unknown(_) => self.others.push(pid),
        }
    }

    /// The processes of which [`super::runs`] may say anything but "no" for one of the targets, ascending.
    pub fn may_run(&self, targets: &[Target]) -> Vec<Pid> {
        let mut pids = self.others.clone();
        for group in self.known.values() {
            if targets.iter().any(|target| may_run(target, group)) {
                pids.extend(&group.pids);
            }
        }
        pids.sort_unstable();
        pids
    }
}

/// The rows of [`super::runs`] that the image alone decides, with everything else let through.
fn may_run(target: &Target, group: &Group) -> bool {
    let family = paths::family(&group.path);
    let native = || image::is_loader(&group.path) || target.is_beside(&group.path);
    match &target.chain.program {
        Program::Image(program) if program.same_file(&group.image) => true,
        Program::Image(_) if !target.chain.script => native(),
        Program::Image(_) | Program::Family(_) | Program::Unresolved(_, Some(_)) => {
            target.chain.family().is_some_and(|own| script::alike(own, family)) || is_interpreter(family)
        }
        Program::Unresolved(_, None) => match &target.chain.file {
            Fact::Absent => is_interpreter(family) || native(),
            Fact::Known(_) | Fact::Unknown(_) => true,
        },
    }
}
