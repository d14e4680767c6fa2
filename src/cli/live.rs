//! `status --watch`: the live view on a terminal, a line for each change elsewhere (and on a dumb one).
//!
//! ```text
//!  each second: look --> Snapshot --> Live --> a frame
//!  a key -------------------------> Live --> a frame, or a request to the watch
//! ```
//!
//! Between two refreshes nothing wakes it but keys and signals.

#[cfg(feature = "tui")]
mod detail;
mod loads;
mod plain;
#[cfg(feature = "tui")]
mod screen;

use std::time::Duration;

use super::args::{Output, StatusArgs};
use super::exit::Exit;
use super::state::NotOpened;
use super::status::{Found, asked_for, look};
use super::terminal::Terminal;
use crate::host::state_dir::Dirs;
use crate::plan::wanted::Objects;
use crate::report::live::Snapshot;

use self::loads::Loads;

/// From refresh to refresh.
const REFRESH: Duration = Duration::from_secs(1);

/// Runs `status --watch` until somebody ends it.
pub(super) fn run(args: &StatusArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let source = Refresh { args, objects: asked_for(args), dirs, terminal: terminal.silent() };
    // One look that may complain in words, before a view takes the terminal.
    if let Err(reason) = look(&source.objects, dirs, terminal) {
        return reason.report(terminal);
    }
    let ended = if terminal.can_draw() && args.output == Output::Text {
        source.view(terminal)
    } else {
        plain::run(&source, terminal)
    };
    match ended {
        Ok(()) => Exit::Ok,
        Err(error) => {
            terminal.say(&format!("error: {error}"));
            Exit::Failed
        }
    }
}

/// What a refresh is made from.
struct Refresh<'a> {
    args: &'a StatusArgs,
    objects: Objects,
    dirs: &'a Dirs,
    /// Says nothing: the view has the terminal.
    terminal: Terminal,
}

impl Refresh<'_> {
    #[cfg(feature = "tui")]
    fn view(&self, terminal: Terminal) -> std::io::Result<()> {
        screen::run(self, terminal.colour())
    }

    #[cfg(not(feature = "tui"))]
    fn view(&self, terminal: Terminal) -> std::io::Result<()> {
        plain::run(self, terminal)
    }

    fn find(&self) -> Result<Found, String> {
        look(&self.objects, self.dirs, self.terminal).map_err(|reason| match reason {
            NotOpened::Held(pid) => format!("another selfsame (pid {pid}) holds the state"),
            NotOpened::Failed(sentence) => sentence,
        })
    }
}

/// The objects that were asked for, and what they take.
fn snapshot(found: &Found, loads: &mut Loads) -> Snapshot {
    let objects = found.status.clone();
    let loads = loads.of(&objects, found.now.boot);
    Snapshot { objects, policies: found.policies.clone(), loads, told: found.told, now: found.now }
}
