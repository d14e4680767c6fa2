//! Doubts of the identity rule that the records settle.
//!
//! A title over argv hides which script an interpreter executes from everybody but whoever started it. Without the records no
//! service of an `env` line could be started beside another one.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{Looker, below_another};
use crate::facts::{Fact, ProcessKey};
use crate::host::executable::surroundings;
use crate::plan::observation::Questions;
use crate::process::runs::{Target, runs};
use crate::process::world::{Root, World};
use crate::spec::{Service, ServiceName};
use crate::units::Pid;

impl Looker {
    /// A process that could be the object as far as can be seen, and is known as another one's: it is on record for that one,
    /// or below one that is.
    ///
    /// INVARIANT: it has to be as far as can be seen what the other one starts, and that has to be another file: a document
    /// that got another name has its process in common with the old one.
    pub(super) fn is_of_another(
        &self,
        pid: Pid,
        name: &ServiceName,
        spec: &Service,
        questions: &Questions,
        world: &dyn World,
    ) -> bool {
        let Some(stat) = world.stat(pid).known() else { return false };
        if below_another(pid, &self.boot, name, questions, world) {
            return true;
        }
        let key = ProcessKey { boot: self.boot.clone(), pid, start: stat.start };
        let Some((other, known_as)) = questions.recorded.known_as(&key) else { return false };
        let is_seen = |service: &Service| service.match_only.is_none() && service.chroot.is_none();
        let are_all_apart =
            || programs(known_as).all(|theirs| programs(spec).all(|own| are_two_files(world, theirs, own)));
        other != name && is_seen(known_as) && is_seen(spec) && are_all_apart() && may_be(pid, known_as, world)
    }
}

fn programs(spec: &Service) -> impl Iterator<Item = &Path> {
    std::iter::once(&*spec.startas).chain(spec.becomes.as_deref())
}

fn are_two_files(world: &dyn World, one: &Path, other: &Path) -> bool {
    let file = |path: &Path| world.file(Root::Engine, path.as_os_str().as_bytes());
    matches!((file(one), file(other)), (Fact::Known(one), Fact::Known(other)) if !one.same_file(&other))
}

/// Whether it executes a program of the document, as far as a title lets it be seen.
fn may_be(pid: Pid, spec: &Service, world: &dyn World) -> bool {
    let around = surroundings(spec);
    programs(spec).any(|path| {
        let run = runs(world, pid, &Target::new(world, path.as_os_str().as_bytes(), &around));
        run.titled || run.holds == Fact::Known(true)
    })
}
