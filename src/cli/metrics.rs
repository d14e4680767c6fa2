//! `metrics`: what the running watch counts and measures, asked on its control socket.

use super::args::MetricsArgs;
use super::exit::Exit;
use super::line::{reach, refused, unexpected};
use super::terminal::Terminal;
use crate::host::control::{Ask, Reply};
use crate::host::patience::Patience;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;

/// Runs `metrics`.
pub(super) fn run(args: &MetricsArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    if watcher(dirs).is_none() {
        terminal.say("error: no watch runs here, and nobody else counts; `selfsame status` says what is");
        return Exit::Failed;
    }
    let patience = Patience::new(args.timeout);
    match reach(dirs, &patience).and_then(|mut line| line.ask(Ask::Metrics, patience.left())) {
        Ok(Reply::Metrics(text)) => {
            terminal.data(&text);
            Exit::Ok
        }
        Ok(other) => refused(&unexpected(&other), dirs, terminal),
        Err(error) => refused(&error, dirs, terminal),
    }
}
