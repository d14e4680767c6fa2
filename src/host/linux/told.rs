//! Whom an object has to look at again, where the kernel tells what processes do: those that something happened to since its
//! last complete look, and those that weren't ruled out by that look. All others are what they were, and none of it.
//!
//! That holds as long as the document is the same, the names in it lead to the same files and the same user, and its
//! conditions ask for nothing that isn't told. A complete look at each resync makes up for what was never told.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::LinuxHost;
use super::observe::{is_nobodys, lists_all};
use super::recent::Glimpsed;
use crate::facts::Fact;
use crate::host::look::wanted_user;
use crate::host::proc::LiveWorld;
use crate::host::table::Mark;
use crate::plan::memory::Records;
use crate::process::world::{Root, World as _};
use crate::spec::{Service, ServiceName};
use crate::units::{Pid, Uid};

/// Where more happened, it is cheaper to look at all for everybody at once than at these for each object.
const FEW: usize = 32;

/// The last complete look of each object.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<ServiceName, One>);

#[derive(Debug)]
struct One {
    by: Arc<Service>,
    /// How far the kernel had told.
    mark: Mark,
    considered: BTreeSet<Pid>,
    rests_on: RestsOn,
}

/// What stands behind the names in a document.
#[derive(Clone, PartialEq, Eq, Debug)]
struct RestsOn {
    user: Option<Uid>,
    files: Vec<Option<(u64, u64)>>,
}

impl RestsOn {
    /// What everybody was compared with in this look. A name may lead elsewhere by now: who executes the file there was ruled out. `None`: it can't be told.
    fn compared(spec: &Service, world: &LiveWorld) -> Option<Self> {
        Self::told(spec, world, |path| world.file(Root::Engine, path).map(|file| (file.dev, file.ino)))
    }

    /// What it is at this moment. `None`: it can't be told.
    fn now(spec: &Service, world: &LiveWorld) -> Option<Self> {
        Self::told(spec, world, |path| world.leads_to(path))
    }

    fn told(spec: &Service, world: &LiveWorld, leads_to: impl Fn(&[u8]) -> Fact<(u64, u64)>) -> Option<Self> {
        let user = wanted_user(spec, world).ok()?;
        let identity = |path: &PathBuf| match leads_to(path.as_os_str().as_bytes()) {
            Fact::Known(file) => Some(Some(file)),
            Fact::Absent => Some(None),
            Fact::Unknown(_) => None,
        };
        let files: Option<Vec<_>> =
            std::iter::once(&spec.startas).chain(&spec.becomes).map(identity).collect();
        Some(Self { user, files: files? })
    }
}

impl Seen {
    /// Who wasn't ruled out by it, if it was for this document.
    fn considered(&self, name: &ServiceName, spec: &Arc<Service>) -> impl Iterator<Item = Pid> {
        let before = self.0.get(name).filter(|before| Arc::ptr_eq(&before.by, spec));
        before.into_iter().flat_map(|before| before.considered.iter().copied())
    }

    /// A look at those that were told of since didn't rule out these: who belonged to a process on record then may be left of it later, of
    /// which nothing is told.
    pub(super) fn add_considered(&mut self, name: &ServiceName, spec: &Arc<Service>, more: BTreeSet<Pid>) {
        if let Some(before) = self.0.get_mut(name).filter(|before| Arc::ptr_eq(&before.by, spec)) {
            before.considered.extend(more);
        }
    }

    /// Forgets what isn't on record any more.
    pub(super) fn keep(&mut self, known: &Records) {
        if self.0.len() > known.len() {
            self.0.retain(|name, _| known.contains_key(name));
        }
    }
}

impl LinuxHost {
    /// A complete look of this object, and those at who was told of since, ruled out all but those that they considered, by what the kernel
    /// tells alone. Who is left of its tree is one of these, or was told of since: that it came to us as its subreaper changes nothing
    /// that was asked.
    pub(super) fn judges_all_as_told(&self, name: &ServiceName, spec: &Arc<Service>) -> bool {
        self.table.is_told() && self.seen.0.get(name).is_some_and(|before| Arc::ptr_eq(&before.by, spec))
    }

    /// The names in its document lead elsewhere than at the last complete look, as after an upgrade: who is none of it may be of it now,
    /// though nothing happened to him.
    pub(super) fn leads_elsewhere(&self, name: &ServiceName, spec: &Arc<Service>, world: &LiveWorld) -> bool {
        let before = self.seen.0.get(name).filter(|before| Arc::ptr_eq(&before.by, spec));
        before.is_some_and(|before| RestsOn::now(spec, world).as_ref() != Some(&before.rests_on))
    }

    /// The processes, but for those on record, that the end of one that was seen to its end calls for a look at, ascending: something
    /// happened to them since this look, or the last complete one didn't rule them out. `None`: it can't be told which.
    pub(super) fn new_as_told(
        &mut self,
        name: &ServiceName,
        spec: &Arc<Service>,
        (before, is_recorded): (&Glimpsed, &dyn Fn(Pid) -> bool),
        world: &LiveWorld,
    ) -> Option<(Vec<Pid>, Glimpsed)> {
        let mut pids = before.heard(&self.table, is_recorded)?;
        pids.extend(self.seen.considered(name, spec).filter(|pid| !is_recorded(*pid)));
        pids.sort_unstable();
        pids.dedup();
        let (nobodys, pids) = pids.into_iter().partition::<Vec<_>, _>(|pid| is_nobodys(*pid, world));
        if lists_all(world) {
            self.table.note_nobodys(nobodys.into_iter());
        }
        Some((pids, before.until_told(self.table.mark())))
    }

    /// The processes that this object has to look at, ascending. `None`: all of them.
    pub(super) fn may_be_otherwise(
        &self,
        name: &ServiceName,
        spec: &Arc<Service>,
        world: &LiveWorld,
    ) -> Option<Vec<Pid>> {
        let before = self.seen.0.get(name).filter(|before| Arc::ptr_eq(&before.by, spec))?;
        if self.leads_elsewhere(name, spec, world) {
            return None;
        }
        let changed = self.table.of_somebody_since(before.mark)?;
        let changed: BTreeSet<Pid> = changed.take(FEW + 1).collect();
        if changed.len() > FEW {
            return None;
        }
        let mut pids: Vec<Pid> = before.considered.union(&changed).copied().collect();
        self.looker.add_named(spec, world, &mut pids);
        Some(pids)
    }

    /// A look of this object was complete as of this mark.
    pub(super) fn note_complete(
        &mut self,
        name: &ServiceName,
        spec: &Arc<Service>,
        (mark, considered): (Mark, BTreeSet<Pid>),
        world: &LiveWorld,
    ) {
        let may_go_on =
            self.table.is_told() && spec.chroot.is_none() && self.looker.conditions.are_told(spec);
        match may_go_on.then(|| RestsOn::compared(spec, world)).flatten() {
            Some(rests_on) => {
                self.seen.0.insert(name.clone(), One { by: Arc::clone(spec), mark, considered, rests_on });
            }
            None => drop(self.seen.0.remove(name)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::host::table::ProcessTable;

    #[test]
    fn who_was_not_ruled_out_by_a_look_at_a_few_is_asked_about_again() {
        let name = ServiceName::new("web").unwrap();
        let document = || Arc::new(Service::new(name.clone(), "/srv/web".into()));
        let (spec, other) = (document(), document());
        let mut seen = Seen::default();
        let considered = |seen: &Seen| seen.considered(&name, &spec).map(|pid| pid.0).collect::<Vec<_>>();
        seen.add_considered(&name, &spec, BTreeSet::from([Pid(7)]));
        assert!(considered(&seen).is_empty(), "it was never looked for completely");
        let rests_on = RestsOn { user: None, files: Vec::new() };
        let mark = ProcessTable::default().mark();
        let complete = One { by: Arc::clone(&spec), mark, considered: BTreeSet::from([Pid(3)]), rests_on };
        seen.0.insert(name.clone(), complete);
        seen.add_considered(&name, &spec, BTreeSet::from([Pid(7)]));
        seen.add_considered(&name, &other, BTreeSet::from([Pid(8)]));
        assert_eq!(considered(&seen), [3, 7], "what another document didn't rule out is nothing to this one");
    }

    #[test]
    fn a_look_rests_on_the_file_that_it_compared_with_and_not_on_the_one_that_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (current, of) = (dir.path().join("current"), |name: &str| dir.path().join(name));
        let lead_to = |version: &str| {
            std::os::unix::fs::symlink(version, of("next")).unwrap();
            std::fs::rename(of("next"), &current).unwrap();
        };
        for version in ["v1", "v2"] {
            std::fs::create_dir(of(version)).unwrap();
            std::fs::write(of(version).join("web"), version).unwrap();
        }
        lead_to("v1");
        let spec = Service::new(ServiceName::new("web").unwrap(), current.join("web"));
        let look = LiveWorld::new().unwrap();
        let compared = look.file(Root::Engine, spec.startas.as_os_str().as_bytes()).known().unwrap();
        assert_eq!(RestsOn::now(&spec, &look), RestsOn::compared(&spec, &look));
        lead_to("v2");
        let rests_on = RestsOn::compared(&spec, &look).unwrap();
        assert_eq!(rests_on.files, [Some((compared.dev, compared.ino))]);
        let next = look.again();
        assert_ne!(RestsOn::now(&spec, &next).unwrap(), rests_on, "who was compared with v1 may be v2");
        assert_eq!(RestsOn::now(&spec, &next), RestsOn::compared(&spec, &next));
    }
}
