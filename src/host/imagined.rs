//! A host that is only on paper: a snapshot, or one on which nothing runs. Plans can be made for it; nothing can be done to it.
//!
//! Everything comes from the snapshot: processes, files, accounts, clocks. Nothing is on record there, so that a plan for
//! it is that of an engine without memory. The engine is the user of the snapshot's `self`, or root.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::Host;
use super::conditions::Conditions;
use super::look::{Looker, Sight, absent_user, wanted_user};
use super::shelf::Shelf;
use crate::facts::{Fact, FileKind};
use crate::plan::action::{Outcome, Step};
use crate::plan::memory::Memory;
use crate::plan::observation::{Look, Observation, Owner, Prepared, Questions, Seen, ServiceQuestions};
use crate::plugin;
use crate::process::paths;
use crate::process::snapshot::Snapshot;
use crate::process::world::{Root, World};
use crate::spec::{Account, Service};
use crate::units::{BootId, Gid, Now, Uid};

/// A host with the accounts and files of another one on which none of what is asked for runs: what is planned for it
/// is what would be started.
#[derive(Debug)]
pub struct NothingRuns<H>(pub H);

impl<H: Host> Host for NothingRuns<H> {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn observe(&mut self, questions: &Questions) -> Observation {
        let mut seen = self.0.observe(questions);
        for seen in seen.services.values_mut().filter(|seen| seen.look.is_some()) {
            seen.look = Some(Look { complete: true, ..Look::default() });
        }
        seen
    }

    fn remember(&mut self, _: &Memory) -> Result<(), String> {
        Err("an imagined host has no memory".into())
    }

    fn perform(&mut self, _: &Step) -> Outcome {
        Outcome::Refused { error: "nothing can be done to an imagined host".into() }
    }
}

/// A snapshot as a host.
#[derive(Debug)]
pub struct SnapshotHost {
    snapshot: Snapshot,
    looker: Looker,
}

impl SnapshotHost {
    /// The host that this snapshot was taken of.
    /// Plugins come from the shelf.
    pub fn new(snapshot: Snapshot, shelf: Rc<Shelf>) -> Self {
        let owner = snapshot.self_pid().and_then(|pid| snapshot.owner(pid)).known();
        let (uid, gid) = owner.unwrap_or((Uid(0), Gid(0)));
        let looker = Looker {
            boot: snapshot.boot_id().known().unwrap_or_else(|| BootId("snapshot".into())),
            uid,
            gid,
            privileged: uid == Uid(0),
            conditions: Conditions::new(shelf),
            run_dir: "/run/selfsame".into(),
            log_dir: "/var/log/selfsame".into(),
            known_places: OnceCell::new(),
        };
        Self { snapshot, looker }
    }

    /// What is in the snapshot.
    pub fn world(&self) -> &dyn World {
        &self.snapshot
    }

    /// Where plugins come from.
    pub fn shelf(&self) -> &Rc<Shelf> {
        self.looker.conditions.shelf()
    }

    /// The boot of that host.
    pub fn boot(&self) -> &BootId {
        &self.looker.boot
    }

    fn see(
        &self,
        name: &crate::spec::ServiceName,
        asked: &ServiceQuestions,
        questions: &Questions,
        plugins: &plugin::Look,
    ) -> Seen {
        let pids = self.snapshot.pids().known().unwrap_or_default();
        let sight = Sight { world: &self.snapshot, plugins, pids: &pids };
        let look = asked.look.then(|| self.looker.look(name, (&asked.spec, None), questions, sight).0);
        let prepared = asked.prepare.then(|| self.prepare(&asked.spec).map_err(Into::into));
        Seen { look, prepared, ..Seen::default() }
    }

    /// Whether the program could be started there, as far as the snapshot says.
    fn prepare(&self, spec: &Service) -> Result<Arc<Prepared>, String> {
        let world = &self.snapshot;
        if let Some(name) = absent_user(spec, world) {
            return Err(format!("there is no user `{name}`"));
        }
        let wanted =
            wanted_user(spec, world).map_err(|reason| format!("the user can't be looked up: {reason}"))?;
        let uid = wanted.unwrap_or(self.looker.uid);
        let gid = match &spec.group {
            None => self.looker.gid,
            Some(Account::Id(gid)) => Gid(*gid),
            Some(Account::Name(name)) => match world.group_id(name) {
                Fact::Known(gid) => gid,
                Fact::Absent => return Err(format!("there is no group `{name}`")),
                Fact::Unknown(reason) => return Err(format!("group `{name}` can't be looked up: {reason}")),
            },
        };
        self.program(spec)?;
        let name = world.user_name(uid).known().map_or_else(|| uid.to_string(), |name| name.to_string());
        let places = Prepared::clone(&self.looker.places());
        Ok(Arc::new(Prepared { owner: Owner { uid, gid, name, ..places.owner }, ..places }))
    }

    fn program(&self, spec: &Service) -> Result<(), String> {
        use std::os::unix::ffi::OsStrExt as _;
        let path = spec.startas.as_os_str().as_bytes();
        let shown = paths::show(path);
        match self.snapshot.file(Root::Engine, path) {
            Fact::Known(file) if file.kind != FileKind::Regular => {
                Err(format!("`{shown}` is not a regular file"))
            }
            Fact::Known(file) if file.mode & 0o111 == 0 => {
                Err(format!("`{shown}` is not executable, mend it with `chmod +x {shown}`"))
            }
            Fact::Known(_) => Ok(()),
            Fact::Absent => Err(format!("`{shown}`: it is not in the snapshot")),
            Fact::Unknown(reason) => Err(format!("`{shown}`: {reason}")),
        }
    }
}

impl Host for SnapshotHost {
    fn now(&self) -> Now {
        Now {
            boot: self.snapshot.uptime().known().unwrap_or_default(),
            wall: self.snapshot.now().known().unwrap_or_default(),
        }
    }

    fn observe(&mut self, questions: &Questions) -> Observation {
        let plugins = plugin::Look::default();
        let see = |(name, asked): (&crate::spec::ServiceName, &ServiceQuestions)| {
            (name.clone(), self.see(name, asked, questions, &plugins))
        };
        Observation {
            now: self.now(),
            boot: self.looker.boot.clone(),
            services: questions.services.iter().map(see).collect(),
        }
    }

    fn remember(&mut self, _: &Memory) -> Result<(), String> {
        Err("a snapshot has no memory".into())
    }

    fn perform(&mut self, _: &Step) -> Outcome {
        Outcome::Refused { error: "nothing can be done to a snapshot".into() }
    }
}
