//! Where the state is, and how a verb gets at it: holding the lock, or only looking.

use std::path::PathBuf;
use std::time::Duration;

use super::args::Cli;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::engine::sources::Sources;
use crate::host::ledger::{LedgerError, Loaded, are_many};
use crate::host::linux::{HostOptions, LinuxHost, OpenError};
use crate::host::patience::Patience;
use crate::host::presence::watcher;
use crate::host::state_dir::{Dirs, LockError, Surroundings};
use crate::plan::memory::Memory;
use crate::units::Pid;

/// Whoever waits for the state looks so often for a watch that took it, and says after so long that it waits.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// An engine that holds the state.
pub(super) struct Opened {
    pub host: LinuxHost,
    pub memory: Memory,
}

/// Why the state can't be had.
pub(super) enum NotOpened {
    /// Another engine holds it.
    Held(Pid),
    /// A sentence.
    Failed(String),
}

impl NotOpened {
    /// Says so, and gives the exit code.
    pub(super) fn report(&self, terminal: Terminal) -> Exit {
        match self {
            Self::Held(pid) => {
                terminal.say(&format!(
                    "error: another selfsame (pid {pid}) holds the state; stop it, or give another `--state-dir`"
                ));
                Exit::HeldByOther
            }
            Self::Failed(sentence) => {
                terminal.say(&format!("error: {sentence}"));
                Exit::Failed
            }
        }
    }
}

/// The directories that the command line and the environment name.
#[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
pub(super) fn dirs(cli: &Cli) -> Result<Dirs, String> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let explicit = cli.state_dir.clone().or_else(|| variable("SELFSAME_STATE_DIR"));
    let explicit = explicit.map(std::path::absolute).transpose().map_err(|error| error.to_string())?;
    Dirs::locate(&Surroundings {
        explicit,
        uid: crate::host::own_uid(),
        home: variable("HOME"),
        runtime: variable("XDG_RUNTIME_DIR"),
        state: variable("XDG_STATE_HOME"),
    })
}

/// Takes the state and reads the ledger.
pub(super) fn open(dirs: &Dirs, options: HostOptions, terminal: Terminal) -> Result<Opened, NotOpened> {
    opened(LinuxHost::open(dirs, options), LinuxHost::load, terminal)
}

/// Takes the state when nobody holds it any more. A watch isn't waited for, also one that begins meanwhile: it holds the state
/// until it is told to end, and does what is asked of it.
pub(super) fn open_unless_watched(
    dirs: &Dirs,
    options: HostOptions,
    terminal: Terminal,
) -> Result<Opened, NotOpened> {
    let patience = Patience::new(options.lock_timeout);
    let mut said = false;
    loop {
        let lock_timeout = patience.left().min(BETWEEN_LOOKS);
        match open(dirs, HostOptions { lock_timeout, ..options }, terminal) {
            Err(NotOpened::Held(pid)) if !patience.is_over() && watcher(dirs).is_none() => {
                if !std::mem::replace(&mut said, true) {
                    terminal.say(&format!("waiting for another selfsame (pid {pid}), which holds the state"));
                }
            }
            opened => return opened,
        }
    }
}

/// Reads the records without the lock, for verbs that only look.
pub(super) fn look(dirs: &Dirs, terminal: Terminal) -> Result<Opened, NotOpened> {
    opened(LinuxHost::observer(dirs), LinuxHost::load, terminal)
}

/// The same for who looks at documents next: where there are many records, a thread reads the files meanwhile.
pub(super) fn look_beside(
    dirs: &Dirs,
    sources: &mut Sources,
    terminal: Terminal,
) -> Result<Opened, NotOpened> {
    if are_many(dirs) { sources.look_beside(|| look(dirs, terminal)) } else { look(dirs, terminal) }
}

fn opened(
    host: Result<LinuxHost, OpenError>,
    load: impl FnOnce(&mut LinuxHost) -> Result<Loaded, LedgerError>,
    terminal: Terminal,
) -> Result<Opened, NotOpened> {
    let mut host = host.map_err(|error| match error {
        OpenError::Lock(LockError::HeldBy(pid)) => NotOpened::Held(pid),
        other => NotOpened::Failed(other.to_string()),
    })?;
    let loaded = load(&mut host).map_err(|error| NotOpened::Failed(error.to_string()))?;
    for problem in &loaded.problems {
        terminal.say(&format!("warning: {problem}"));
    }
    Ok(Opened { host, memory: loaded.memory })
}
