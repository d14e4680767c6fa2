//! The ways to a host: one that acts, or one that only looks.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::forgetting::Noted;
use super::{LinuxHost, census, health, observe, recent, told};
use crate::host::commands::Commands;
use crate::host::conditions::Conditions;
use crate::host::errno::io_text;
use crate::host::exits::Exits;
use crate::host::given::Given;
use crate::host::groups::Groups;
use crate::host::ledger::Ledger;
use crate::host::look::Looker;
use crate::host::own_limits::enough_descriptors;
use crate::host::policy::Acting;
use crate::host::probe::Probes;
use crate::host::proc::LiveWorld;
use crate::host::shelf::Shelf;
use crate::host::signal::boot_id;
use crate::host::spawn::keep_exits_of_children;
use crate::host::state_dir::{Dirs, LockError, StateLock};
use crate::host::table::ProcessTable;
use crate::host::takeover;
use crate::host::wake::Waker;
use crate::host::watched::WatchedFiles;
use crate::units::{Gid, Uid};

/// How the host is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostOptions {
    /// How long to wait for another engine that holds the state.
    pub lock_timeout: Duration,
    /// TERM, INT, QUIT, HUP and CHLD become wake-ups.
    pub signals: bool,
    /// Orphans of services come to the engine, which collects them and finds services that forked away. One host of
    /// a process at most, and no other part of the program may wait for children.
    pub subreaper: bool,
    /// It is used by one call, whose looks may take longer than those of a loop ([`LiveWorld::with_patience`]).
    pub patient: bool,
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine holds the state.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The state directory can't be used.
    #[error("{0}")]
    State(String),
    /// The system refuses what every look needs.
    #[error("this host can't be looked at: {0}")]
    System(String),
}

impl LinuxHost {
    /// A host that acts: takes the state for itself.
    ///
    /// # Errors
    /// Somebody else has it, or something that everything rests on is missing.
    pub fn open(dirs: &Dirs, options: HostOptions) -> Result<Self, OpenError> {
        dirs.ensure().map_err(OpenError::State)?;
        let lock = match takeover::inherited(dirs) {
            Some(lock) => lock,
            None => StateLock::lock_timeout(dirs, options.lock_timeout)?,
        };
        let ledger = Ledger::new(dirs.clone(), lock);
        if options.subreaper {
            let own = Some(rustix::process::getpid());
            rustix::process::set_child_subreaper(own)
                .map_err(|errno| OpenError::System(io_text(&errno.into())))?;
        }
        Self::new(dirs, Some(ledger), options)
    }

    /// A host that only looks; it needs no lock, and performs and remembers nothing.
    ///
    /// # Errors
    /// Something that everything rests on is missing.
    pub fn observer(dirs: &Dirs) -> Result<Self, OpenError> {
        Self::new(dirs, None, HostOptions { patient: true, ..HostOptions::default() })
    }

    fn new(dirs: &Dirs, ledger: Option<Ledger>, options: HostOptions) -> Result<Self, OpenError> {
        let system = |error: io::Error| OpenError::System(io_text(&error));
        enough_descriptors().map_err(OpenError::System)?;
        keep_exits_of_children();
        // Before anything that starts threads: they inherit which signals are blocked.
        let waker = Waker::new(options.signals).map_err(system)?;
        let probes = Probes::new().map_err(system)?;
        waker.watch_probes(probes.descriptor()).map_err(system)?;
        let acts = ledger.is_some();
        let commands = Commands::new().map_err(system)?;
        waker.watch_probes(commands.descriptor()).map_err(system)?;
        // It says best what is the matter with `/proc`, where the boot's id is read as well.
        let world = LiveWorld::new().map_err(system)?.with_samples(Rc::default());
        let boot = boot_id().map_err(system)?;
        Ok(Self {
            dirs: dirs.clone(),
            ledger,
            acting: Acting::load(dirs.courses(), acts.then_some(&boot)),
            looker: Looker {
                boot,
                uid: Uid(rustix::process::geteuid().as_raw()),
                gid: Gid(rustix::process::getegid().as_raw()),
                privileged: observe::may_look_at_others(),
                conditions: Conditions::new(Rc::new(Shelf::keeping(dirs.plugins()))),
                run_dir: dirs.run.display().to_string(),
                log_dir: dirs.log.display().to_string(),
                known_places: OnceCell::new(),
            },
            world: if options.patient { world.with_patience() } else { world },
            begun: None,
            spent: None,
            waker,
            exits: if acts { Exits::default() } else { Exits::of_one_look() },
            probes,
            groups: Groups::new(dirs, acts),
            anything: true,
            table: ProcessTable::default(),
            looked: recent::Looked::default(),
            census: census::Census::default(),
            counter: recent::Counter::default(),
            vacant: recent::Vacant::default(),
            seen: told::Seen::default(),
            ears: health::Ears::new(dirs.outputs()),
            commands,
            images: BTreeMap::new(),
            kept_for: None,
            git: None,
            work_trees: None,
            watched: WatchedFiles::default(),
            noted: Noted::NOTHING,
            collected: false,
            outputs: None,
            given: Given::default(),
            subreaper: options.subreaper,
            undecided: BTreeMap::new(),
        })
    }
}
